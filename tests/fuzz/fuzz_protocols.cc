// SPDX-License-Identifier: Apache-2.0
// Plaintext messages for every protocol of an agent, from a proven peer: whatever comes, what goes out is a message
// that can be sent, problem reports are never answered by one, and an exchange is never in a state that nobody put it
// in.
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "crypto/signature.h"
#include "didcomm/protocols/basic_message.h"
#include "didcomm/protocols/discover_features.h"
#include "didcomm/protocols/empty.h"
#include "didcomm/protocols/issue_credential.h"
#include "didcomm/protocols/message_type.h"
#include "didcomm/protocols/out_of_band.h"
#include "didcomm/protocols/present_proof.h"
#include "didcomm/protocols/trust_ping.h"
#include "exchange/formats.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace keel::didcomm;

class FixedClock final : public keel::Clock {
 public:
  uint64_t TicksMs() override { return 1; }
  keel::Result<keel::UnixSeconds> Now() override { return 1'800'000'000; }
};

// Goes on where it can, so that a few messages reach every state.
class Willing final : public CredentialExchangeHooks {
 public:
  keel::Result<ExchangeDecision> Decide(const ExchangeRecord& record, const Message& received) override {
    FUZZ_CHECK(record.WaitsForUs());
    FUZZ_CHECK(!record.seen.empty() && record.seen.back() == received.id);
    (void)keel::exchange::ReadCredentialWish(received);
    (void)keel::exchange::ReadPresentationWish(received);
    (void)keel::exchange::ReadJwt(received, keel::exchange::kFormatCredential);
    ExchangeContent content;
    Attachment attachment;
    attachment.id = "a";
    attachment.json = "{}";
    content.attachments = {attachment};
    return ExchangeDecision::GoOn(content);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  keel::crypto::SetUpHostedCrypto();
  FixedClock clock;
  Willing hooks;
  const auto store = keel::base::MakeMemoryStore();
  const auto issuing = IssueCredential::Create(*store, clock, hooks);
  const auto proving = PresentProof::Create(*store, clock, hooks);
  TrustPing ping;
  DiscoverFeatures discover({.protocols = {}});
  ReportProblem problems;
  problems.AddListener([&](const Incoming& incoming, const ProblemReport& report) -> keel::Result<> {
    FUZZ_CHECK(report.Text().size() <= kMaxProblemText);
    KEEL_TRY_VOID((*issuing)->OnProblem(incoming, report));
    return (*proving)->OnProblem(incoming, report);
  });
  EmptyProtocol empty;
  BasicMessages basic({});
  OutOfBand invitations({});
  const std::vector<Protocol*> all = {&ping,  &discover,    &problems,      &empty,
                                      &basic, &invitations, issuing->get(), proving->get()};

  // Several messages, one a line.
  std::string_view rest = keel::fuzz::Text(data, size);
  for (int count = 0; count < 16 && !rest.empty(); ++count) {
    const size_t end = std::min(rest.find('\n'), rest.size());
    Unpacked unpacked;
    const auto message = Message::Parse(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (!message) continue;
    unpacked.message = *message;
    unpacked.message.from = "did:example:peer";
    unpacked.metadata.authenticated = true;
    const Incoming incoming{.unpacked = unpacked, .ours = "did:example:us", .now = 1'800'000'000};
    const auto type = MessageType::Parse(message->type);
    if (!type) continue;
    FUZZ_CHECK(type->Compatible(*MessageType::ParseProtocol(type->Piuri())));
    for (Protocol* protocol : all) {
      for (const ProtocolInfo& info : protocol->Speaks()) {
        if (!MessageType::ParseProtocol(info.uri)->Compatible(*type)) continue;
        auto out = protocol->Receive(incoming);
        auto again = protocol->Repeated(incoming);
        if (!out) continue;
        for (Outgoing& item : *out) {
          FUZZ_CHECK(!IsProblemReport(unpacked.message) || !IsProblemReport(item.message));
          FUZZ_CHECK(item.message.to == std::vector<std::string>{"did:example:peer"});
          if (item.message.id.empty()) item.message.id = "x";
          FUZZ_CHECK(item.message.Serialize().has_value());
          FUZZ_CHECK(MessageType::Parse(item.message.type).has_value());
        }
        if (again && !out->empty() && !again->empty()) FUZZ_CHECK((*again)[0].message.id == (*out)[0].message.id);
      }
    }
  }
  const std::vector<CredentialExchange*> exchanges = {issuing->get(), proving->get()};
  for (CredentialExchange* exchange : exchanges) {
    const auto records = exchange->List();
    FUZZ_CHECK(records.has_value());
    size_t open = 0;
    for (const ExchangeRecord& record : *records) {
      FUZZ_CHECK(record.state != ExchangeState::kStart);
      FUZZ_CHECK(!HasEnded(record.state) || record.told);
      if (!HasEnded(record.state)) ++open;
      FUZZ_CHECK(ExchangeRecord::FromJson(record.ToJson())->ToJson() == record.ToJson());
    }
    FUZZ_CHECK(open == exchange->open());
  }
  return 0;
}

extern "C" size_t KeelFuzzMutations() { return 2'000; }
