// SPDX-License-Identifier: Apache-2.0
#include "didcomm/protocols/out_of_band.h"

#include "base/encoding.h"
#include "base/files.h"
#include "tests/fakes/canned_http_client.h"
#include "tests/unit/didcomm_protocols/world.h"

namespace keel::didcomm {
namespace {

using nlohmann::json;

std::string Vector(const std::string& name) {
  auto text = base::ReadFile(std::string(KEEL_SOURCE_DIR) + "/tests/vectors/" + name);
  EXPECT_TRUE(text.has_value()) << name;
  return text.value_or("");
}

std::string UrlOf(std::string_view plaintext) {
  return "https://a.example/x?_oob=" + base::Base64Url(AsBytes(plaintext));
}

TEST(OutOfBand, TheSpecificationsUrl) {
  std::string url = Vector("didcomm/oob-url.txt");
  const auto invitation = Invitation::FromText(url, 1'800'000'000);
  ASSERT_TRUE(invitation.has_value()) << invitation.error().Text();
  EXPECT_EQ(invitation->id, "69212a3a-d068-4f9d-a2dd-4741bca89af3");
  EXPECT_EQ(invitation->from, "did:example:alice");
  EXPECT_EQ(invitation->attachments.size(), 1u);
  EXPECT_TRUE(invitation->Messages().empty());  // "<json of protocol message>" is none
  EXPECT_TRUE(invitation->AcceptsV2());
}

TEST(OutOfBand, WacisInvitations) {
  for (const auto& [file, goal] : {std::pair{"issuance-1-out-of-band", "streamlined-vc"},
                                   std::pair{"presentation-1-out-of-band", "streamlined-vp"}}) {
    const auto invitation = Invitation::FromText(Vector("waci/" + std::string(file) + ".json"), std::nullopt);
    ASSERT_TRUE(invitation.has_value()) << invitation.error().Text();
    EXPECT_EQ(invitation->goal_code, goal);
    EXPECT_EQ(invitation->accept, std::vector<std::string>{"didcomm/v2"});
  }
}

TEST(OutOfBand, WrittenAndRead) {
  Invitation invitation;
  invitation.from = "did:example:alice";
  invitation.goal_code = "org.example.connect";
  invitation.goal = "Straße & \"quotes\"";
  invitation.accept = {"didcomm/v2", "didcomm/aip2;env=rfc587"};
  invitation.expires_time = 1'800'000'000;
  Message first, second;
  first.type = kPingType;
  second.type = kQueriesType;
  second.from = "did:example:alice";
  ASSERT_TRUE(invitation.Attach(first).has_value());
  ASSERT_TRUE(invitation.Attach(second).has_value());
  Attachment base64;
  base64.id = "b";
  base64.base64 = base::Base64Url(AsBytes(R"({"id":"9","type":"https://didcomm.org/empty/1.0/empty","body":{}})"));
  Attachment foreign;
  foreign.id = "f";
  foreign.json = R"({"id":"9","type":"t","from":"did:example:mallory","body":{}})";
  Attachment link;
  link.id = "l";
  link.links = {"https://example.com/m"};
  link.hash = "zQm";
  invitation.attachments.insert(invitation.attachments.end(), {base64, foreign, link});
  for (const auto& [base, start] :
       {std::pair{"https://example.com", "https://example.com/?_oob=ey"},
        std::pair{"https://example.com/path", "https://example.com/path?_oob=ey"},
        std::pair{"http://example.com/path?coupon=1", "http://example.com/path?coupon=1&_oob=ey"},
        std::pair{"https://example.com/path?", "https://example.com/path?_oob=ey"}}) {
    auto url = invitation.ToUrl(base);
    ASSERT_TRUE(url.has_value()) << url.error().Text();
    EXPECT_TRUE(url->starts_with(start)) << *url;
    auto again = Invitation::FromUrl(*url + "#top", 1'700'000'000);
    ASSERT_TRUE(again.has_value()) << again.error().Text();
    EXPECT_FALSE(again->id.empty());
    EXPECT_EQ(again->from, invitation.from);
    EXPECT_EQ(again->goal, invitation.goal);
    EXPECT_EQ(again->goal_code, invitation.goal_code);
    EXPECT_EQ(again->accept, invitation.accept);
    const std::vector<Message> messages = again->Messages();
    ASSERT_EQ(messages.size(), 3u);  // not mallory's, nothing is fetched
    EXPECT_EQ(messages[0].type, kPingType);
    EXPECT_EQ(messages[0].from, invitation.from);
    EXPECT_EQ(messages[2].type, kEmptyType);
    EXPECT_EQ(Invitation::FromUrl(*url, 1'800'000'061).error().code, Code::kExpired);
    EXPECT_TRUE(Invitation::FromUrl(*url, 1'800'000'030).has_value());
  }
  invitation.accept = {"didcomm/v3", "didcomm/aip1"};
  EXPECT_FALSE(invitation.AcceptsV2());
  for (const char* bad : {"", "example.com", "ftp://example.com/", "https://", "https://example.com/#f",
                          "https://example.com/?_oob=x", "https://example.com/a b", "javascript:alert(1)//://"}) {
    EXPECT_EQ(invitation.ToUrl(bad).error().code, Code::kInvalidArgument) << bad;
  }
  Attachment big;
  big.id = "x";
  big.base64 = std::string(40'000, 'A');
  invitation.attachments = {big};
  EXPECT_EQ(invitation.ToUrl("https://example.com").error().code, Code::kTooLarge);
  invitation.from.clear();
  EXPECT_EQ(invitation.ToMessage().error().code, Code::kMissing);
}

TEST(OutOfBand, BadOnesAreNamed) {
  struct Case {
    std::string url;
    Code code;
  };
  const std::string good =
      R"({"type":"https://didcomm.org/out-of-band/2.0/invitation","id":"1","from":"did:example:a","body":{}})";
  ASSERT_TRUE(Invitation::FromUrl(UrlOf(good), 1).has_value());
  auto with = [&good](const std::string& from, const std::string& to) {
    std::string copy = good;
    copy.replace(copy.find(from), from.size(), to);
    return UrlOf(copy);
  };
  for (const Case& c :
       {Case{"https://a.example/x", Code::kMissing},
        Case{"", Code::kMissing},
        Case{"https://a.example/?x=1", Code::kMissing},
        Case{"https://a.example/?_oob=", Code::kMalformed},
        Case{"https://a.example/?_oob=!!!", Code::kMalformed},
        Case{"https://a.example/?_oob=%zz", Code::kMalformed},
        Case{UrlOf("{}") + "&_oob=x", Code::kDuplicate},
        Case{UrlOf("not json"), Code::kMalformed},
        Case{UrlOf("[]"), Code::kMalformed},
        Case{UrlOf("{}"), Code::kMalformed},
        Case{UrlOf(good + "{}"), Code::kMalformed},
        Case{"https://a.example/?_oobid=5f0e3ffb", Code::kUnsupported},
        Case{with("/invitation", "/handshake"), Code::kUnsupported},
        Case{with("2.0", "1.1"), Code::kUnsupported},
        Case{with("out-of-band", "trust-ping"), Code::kUnsupported},
        Case{with("https://didcomm.org", "https://evil.example"), Code::kUnsupported},
        Case{with(R"("from":"did:example:a",)", ""), Code::kMissing},
        Case{with("did:example:a", "alice"), Code::kMalformed},
        Case{with(R"("body":{})", R"("body":{"goal":5})"), Code::kMalformed},
        Case{with(R"("body":{})", R"("body":{"accept":"didcomm/v2"})"), Code::kMalformed},
        Case{with(R"("body":{})", R"("body":[])"), Code::kMalformed},
        Case{with(R"("body":{})", R"("body":{},"expires_time":1000)"), Code::kExpired},
        Case{with(R"("body":{})", R"("body":{"goal":")" + std::string(2000, 'g') + "\"}"), Code::kTooLarge},
        Case{"https://a.example/?_oob=" + std::string(70'000, 'A'), Code::kTooLarge}}) {
    const auto read = Invitation::FromUrl(c.url, 1'800'000'000);
    ASSERT_FALSE(read.has_value()) << c.url.substr(0, 120);
    EXPECT_EQ(read.error().code, c.code) << c.url.substr(0, 120) << " " << read.error().Text();
  }
  // Readable for all that: a later minor version, padding, the older parameter name, percent escapes.
  EXPECT_TRUE(Invitation::FromUrl(with("2.0", "2.3"), 1).has_value());
  std::string padded = base::Base64Url(AsBytes(good));
  while (padded.size() % 4 != 0) padded += "%3D";
  EXPECT_TRUE(Invitation::FromUrl("https://a.example/?a=b&oob=" + padded, 1).has_value());
}

TEST(OutOfBand, ShortUrls) {
  const std::string url = *ShortInvitationUrl("https://example.com/path", "5f0e3ffb-3f92-4648-9868-0d6f8889e6f3");
  EXPECT_EQ(url, "https://example.com/path?_oobid=5f0e3ffb-3f92-4648-9868-0d6f8889e6f3");
  EXPECT_EQ(ShortInvitationId(url), "5f0e3ffb-3f92-4648-9868-0d6f8889e6f3");
  EXPECT_EQ(ShortInvitationId("https://example.com/?_oob=x"), std::nullopt);
  EXPECT_EQ(ShortInvitationUrl("https://example.com", "a/b").error().code, Code::kInvalidArgument);

  Invitation invitation;
  invitation.from = "did:example:alice";
  fakes::CannedHttpClient client;
  client.response = base::JsonResponse(200, *invitation.ToMessage()->Serialize());
  auto fetched = FetchInvitation(url, client, 1);
  ASSERT_TRUE(fetched.has_value()) << fetched.error().Text();
  EXPECT_EQ(fetched->from, invitation.from);
  EXPECT_EQ(client.last.method, "GET");
  EXPECT_EQ(client.last.url, url);
  // A redirection's target is read and not followed: it needn't exist.
  client.response = base::TextResponse(302, "");
  client.response.headers = {{"Location", *invitation.ToUrl("https://example.com/long")}};
  EXPECT_EQ(FetchInvitation(url, client, 1)->from, invitation.from);
  client.response.headers = {{"Location", "https://example.com/elsewhere"}};
  EXPECT_EQ(FetchInvitation(url, client, 1).error().code, Code::kMissing);
  client.response.headers.clear();
  EXPECT_EQ(FetchInvitation(url, client, 1).error().code, Code::kMalformed);
  client.response = base::TextResponse(404, "gone");
  EXPECT_EQ(FetchInvitation(url, client, 1).error().code, Code::kHttpStatus);
  EXPECT_EQ(FetchInvitation("https://example.com/", client, 1).error().code, Code::kMissing);
}

TEST(OutOfBand, AsAMessage) {
  World world;
  std::vector<std::string> goals;
  OutOfBand oob([&goals](const Incoming&, const Invitation& invitation) { goals.push_back(invitation.goal); });
  Party alice(world, "alice"), bob(world, "bob", true, {&oob});
  Invitation invitation;
  invitation.from = alice.did;
  invitation.goal = "talk";
  ASSERT_TRUE(alice.agent->Send(*invitation.ToMessage(), alice.did, bob.did).has_value());
  EXPECT_EQ(goals, std::vector<std::string>{"talk"});
  // The answer carries the invitation's id as its parent thread.
  Message ping = MakePing();
  ping.pthid = bob.heard[0].id;
  auto answer = bob.agent->Ask(ping, bob.did, alice.did, std::chrono::seconds(10));
  ASSERT_TRUE(answer.has_value()) << answer.error().Text();
  EXPECT_EQ(answer->message.pthid, bob.heard[0].id);
}

}  // namespace
}  // namespace keel::didcomm
