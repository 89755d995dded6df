// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <set>

#include "base/files.h"
#include "didcomm/protocols/basic_message.h"
#include "didcomm/protocols/discover_features.h"
#include "didcomm/protocols/empty.h"
#include "didcomm/protocols/exchange_record.h"
#include "didcomm/protocols/message_type.h"
#include "didcomm/protocols/out_of_band.h"
#include "didcomm/protocols/report_problem.h"
#include "didcomm/protocols/trust_ping.h"
#include "exchange/formats.h"

// docs/protocols/didcomm.md: its messages are messages, and none of ours is missing from it.
namespace keel::exchange {
namespace {

using namespace didcomm;

std::string Page() {
  auto text = base::ReadFile(std::string(KEEL_SOURCE_DIR) + "/docs/protocols/didcomm.md");
  EXPECT_TRUE(text.has_value());
  return text.value_or("");
}

TEST(ProtocolsPage, ItsMessagesAreRead) {
  const std::string page = Page();
  std::set<std::string> types;
  size_t position = 0;
  while ((position = page.find("```json\n", position)) != std::string::npos) {
    position += 8;
    const size_t end = page.find("\n```", position);
    const std::string block = page.substr(position, end - position);
    position = end;
    const auto message = Message::Parse(block);
    ASSERT_TRUE(message.has_value()) << block << message.error().Text();
    types.insert(message->type);
    const std::string& type = message->type;
    if (type == kQueriesType) {
      EXPECT_TRUE(ReadQueries(*message).has_value()) << block;
    } else if (type == kDiscloseType) {
      EXPECT_EQ(MaxReceiveBytes(*ReadDisclose(*message)), kMaxMessage) << block;
    } else if (type == kProblemReportType) {
      const auto report = ProblemReport::Parse(*message);
      ASSERT_TRUE(report.has_value()) << block;
      EXPECT_EQ(report->comment, ProblemComment(report->code));
    } else if (type == kBasicMessageType) {
      EXPECT_TRUE(BasicMessage::Parse(*message).has_value()) << block;
    } else if (type == kEmptyType) {
      EXPECT_TRUE(IsPureAck(*message)) << block;
    } else if (type == kInvitationType) {
      const auto invitation = Invitation::FromMessage(*message, 1'800'000'000);
      ASSERT_TRUE(invitation.has_value()) << block;
      EXPECT_EQ(invitation->Messages().size(), 1u);
    } else if (type.ends_with("e-credential") || type.ends_with("r-credential") || type.ends_with("t-credential")) {
      if (type.ends_with("issue-credential")) {
        EXPECT_TRUE(ReadJwt(*message, kFormatCredential).has_value()) << block;
      } else {
        EXPECT_TRUE(ReadCredentialWish(*message).has_value()) << block;
      }
    } else if (type.ends_with("/presentation")) {
      EXPECT_TRUE(ReadJwt(*message, kFormatPresentation).has_value()) << block;
    } else if (type.ends_with("-presentation")) {
      EXPECT_TRUE(ReadPresentationWish(*message).has_value()) << block;
    }
  }
  std::set<std::string> ours = {std::string(kPingType),          std::string(kPingResponseType),
                                std::string(kQueriesType),       std::string(kDiscloseType),
                                std::string(kProblemReportType), std::string(kEmptyType),
                                std::string(kBasicMessageType),  std::string(kInvitationType)};
  for (const ExchangeRules* rules : {&IssueCredentialRules(), &PresentProofRules()}) {
    for (size_t i = 0; i < std::size(rules->names); ++i) {
      const auto kind = static_cast<ExchangeMessage>(i);
      if (!rules->names[i].empty() && kind != ExchangeMessage::kProblem) ours.insert(rules->TypeOf(kind));
    }
  }
  EXPECT_EQ(types, ours);
}

TEST(ProtocolsPage, NamesEveryCode) {
  const std::string page = Page();
  for (uint16_t value = 1; value < 220; ++value) {
    const std::string code(ProblemCodeFor(static_cast<Code>(value)));
    EXPECT_NE(page.find("`" + code + "`"), std::string::npos) << code;
  }
  for (const std::string_view code :
       {kProblemMaxErrors, kProblemTimedOut, kProblemUnsupportedProtocol, kProblemUnsupportedVersion,
        IssueCredentialRules().refused, PresentProofRules().refused}) {
    EXPECT_NE(page.find("`" + std::string(code) + "`"), std::string::npos) << code;
  }
}

}  // namespace
}  // namespace keel::exchange
