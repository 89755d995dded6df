// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"
#include "core/wildcard.h"
#include "didcomm/protocols/message_type.h"
#include "didcomm/protocols/out_of_band.h"
#include "tests/unit/didcomm_protocols/world.h"

namespace keel::didcomm {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

json SpecExamples() {
  auto text = base::ReadFile(std::string(KEEL_SOURCE_DIR) + "/tests/vectors/didcomm/spec-text-examples.json");
  EXPECT_TRUE(text.has_value());
  return *base::ParseJson(*text);
}

TEST(MessageTypes, AreTakenApart) {
  struct Case {
    const char *uri, *doc_uri, *protocol;
    uint32_t major, minor;
    const char* message;
  };
  // The specification's own examples first.
  for (const Case& c : {Case{"https://didcomm.org/lets_do_lunch/1.0/proposal", "https://didcomm.org/", "lets_do_lunch",
                             1, 0, "proposal"},
                        Case{"https://example.com/protocols?which=lets_do_lunch/1.0/proposal",
                             "https://example.com/protocols?which=", "lets_do_lunch", 1, 0, "proposal"},
                        Case{"did:example:1234567890;spec/lets_do_lunch/1.0/ping", "did:example:1234567890;spec/",
                             "lets_do_lunch", 1, 0, "ping"},
                        Case{"https://github.com/myorg/myproject/tree/master/docs/lets_do_lunch/1.0/proposal",
                             "https://github.com/myorg/myproject/tree/master/docs/", "lets_do_lunch", 1, 0, "proposal"},
                        Case{"https://didcomm.org/x/12.34.56/m.1", "https://didcomm.org/", "x", 12, 34, "m.1"},
                        Case{"https://didcomm.org/x/3/m", "https://didcomm.org/", "x", 3, 0, "m"}}) {
    const auto type = MessageType::Parse(c.uri);
    ASSERT_TRUE(type.has_value()) << c.uri << type.error().Text();
    EXPECT_EQ(type->doc_uri, c.doc_uri);
    EXPECT_EQ(type->protocol, c.protocol);
    EXPECT_EQ(type->major, c.major);
    EXPECT_EQ(type->minor, c.minor);
    EXPECT_EQ(type->message, c.message);
  }
  for (const char* bad :
       {"", "ping", "/", "https://didcomm.org/x/ping", "https://didcomm.org/x/1.0/", "/x/1.0/ping",
        "https://didcomm.org/x/v1.0/ping", "https://didcomm.org/x/-1.0/ping", "https://didcomm.org/x/01.0/ping",
        "https://didcomm.org/x/1.0.0.0/ping", "https://didcomm.org/x/1.0/pi ng", "https://didcomm.org/x/9999999.0/ping",
        "https://didcomm.org//1.0/ping", "https://didcomm.org/x/1./ping"}) {
    EXPECT_FALSE(MessageType::Parse(bad).has_value()) << bad;
  }
  EXPECT_EQ(MessageType::Parse(std::string(600, 'a')).error().code, Code::kTooLarge);
  EXPECT_EQ(MessageType::ParseProtocol("https://didcomm.org/trust-ping/2.0/")->Piuri(), kTrustPingProtocol);
}

TEST(MessageTypes, NamesWithoutCaseAndPunctuation) {
  const auto a = *MessageType::Parse("https://didcomm.org/trust-ping/2.0/ping-response");
  for (const char* same :
       {"https://didcomm.org/TrustPing/2.0/PingResponse", "https://didcomm.org/trust_ping/2.9/pingresponse"}) {
    const auto b = *MessageType::Parse(same);
    EXPECT_TRUE(a.Compatible(b) && b.Is("ping-response")) << same;
  }
  for (const char* other : {"https://didcomm.org/trust-pong/2.0/ping", "https://didcomm.org/trust-ping/3.0/ping",
                            "https://didcomm.com/trust-ping/2.0/ping", "https://didcomm.org/trust-pin/2.0/ping"}) {
    EXPECT_FALSE(a.Compatible(*MessageType::Parse(other))) << other;
  }
}

TEST(TrustPing, AsksByDefault) {
  World world;
  Party alice(world, "alice", false), bob(world, "bob");
  struct Case {
    const char* body;
    bool answered, refused;
  };
  for (const Case& c :
       {Case{"{}", true, false}, Case{R"({"response_requested":true})", true, false},
        Case{R"({"response_requested":false})", false, false}, Case{R"({"response_requested":"yes"})", false, true},
        Case{R"({"response_requested":null})", false, true}}) {
    Message ping;
    ping.type = kPingType;
    ping.body = c.body;
    ping.return_route = "all";
    auto reply = bob.agent->Receive(PackFor(world, ping, alice.did, bob.did));
    ASSERT_TRUE(reply.has_value());
    const auto answer = OpenFor(world, *reply);
    EXPECT_EQ(answer && answer->type == kPingResponseType, c.answered) << c.body;
    EXPECT_EQ(answer && IsProblemReport(*answer), c.refused) << c.body;
  }
  Message stray;
  stray.type = kPingResponseType;
  stray.return_route = "all";
  const auto report = OpenFor(world, *bob.agent->Receive(PackFor(world, stray, alice.did, bob.did)));
  ASSERT_TRUE(report);
  EXPECT_EQ(ProblemReport::Parse(*report)->code, kProblemMalformed);
  EXPECT_EQ(bob.responses, 0);
}

TEST(DiscoverFeatures, Wildcards) {
  struct Case {
    const char *match, *id;
    bool fits;
  };
  for (const Case& c : {Case{"*", "", true}, Case{"*", "x", true}, Case{"", "", true}, Case{"", "x", false},
                        Case{"https://didcomm.org/tictactoe/1.*", "https://didcomm.org/tictactoe/1.0", true},
                        Case{"https://didcomm.org/tictactoe/1.*", "https://didcomm.org/tictactoe/2.1", false},
                        Case{"org.didcomm.*", "org.didcomm.sell", true}, Case{"org.didcomm.*", "org.didcomm", false},
                        Case{"a*c", "abc", true}, Case{"a*c", "ac", true}, Case{"a*c", "abcd", false},
                        Case{"*b*", "abc", true}, Case{"a**c", "axc", true}, Case{"*a*b*c*", "xxaxxbxxcxx", true},
                        Case{"a.c", "abc", false}, Case{"ABC", "abc", false}, Case{"*ab", "aab", true}}) {
    EXPECT_EQ(MatchesWildcard(c.match, c.id), c.fits) << c.match << " " << c.id;
  }
  // No pattern makes it slow.
  std::string stars;
  for (int i = 0; i < 200; ++i) stars += "*a";
  EXPECT_FALSE(MatchesWildcard(stars + "b", std::string(512, 'a')));
}

TEST(DiscoverFeatures, AnswersWhatIsAsked) {
  World world;
  Party alice(world, "alice", false), bob(world, "bob");
  auto ask = [&](const std::vector<FeatureQuery>& queries) {
    auto answer = alice.agent->Ask(MakeQueries(queries), alice.did, bob.did, 10s);
    EXPECT_TRUE(answer.has_value()) << answer.error().Text();
    EXPECT_EQ(answer->message.type, kDiscloseType);
    auto list = ReadDisclose(answer->message);
    EXPECT_TRUE(list.has_value());
    std::sort(list->begin(), list->end(), [](const Disclosure& a, const Disclosure& b) { return a.id < b.id; });
    return *list;
  };
  auto found = ask({{"protocol", "https://didcomm.org/trust-ping/*"}});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].id, kTrustPingProtocol);
  EXPECT_EQ(found[0].roles, (std::vector<std::string>{"sender", "receiver"}));
  EXPECT_EQ(ask({{"protocol", "*"}}).size(), bob.agent->Speaks().size());
  EXPECT_EQ(ask({{"goal-code", "org.example.*"}})[0].id, "org.example.sell");
  EXPECT_EQ(ask({{"header", "please_*"}})[0].id, "please_ack");
  EXPECT_EQ(ask({{"accept", "*"}})[0].id, "didcomm/v2");
  found = ask({{"constraint", "max_receive_bytes"}});
  EXPECT_EQ(MaxReceiveBytes(found), kMaxMessage);
  EXPECT_EQ(MaxReceiveBytes(alice.disclosed), kMaxMessage);
  // Unknown feature types are ignored, and one that fits twice is told once.
  EXPECT_TRUE(ask({{"colour", "*"}}).empty());
  EXPECT_EQ(ask({{"accept", "*"}, {"accept", "didcomm/*"}, {"colour", "*"}}).size(), 1u);
}

TEST(DiscoverFeatures, ShowsOnlyWhatItWants) {
  World world;
  DiscoverFeatures shy(
      {.protocols = {}, .goal_codes = {"secret"}, .shows = [](const Incoming&, const Disclosure& item) {
         return item.feature_type != "goal-code";
       }});
  Unpacked unpacked;
  unpacked.message = MakeQueries({{"goal-code", "*"}, {"accept", "*"}});
  unpacked.message.from = "did:example:a";
  unpacked.metadata.authenticated = true;
  Incoming incoming{.unpacked = unpacked, .ours = "did:example:b"};
  auto out = shy.Receive(incoming);
  ASSERT_TRUE(out.has_value());
  auto list = ReadDisclose((*out)[0].message);
  ASSERT_EQ(list->size(), 1u);
  EXPECT_EQ((*list)[0].feature_type, "accept");
  unpacked.metadata.authenticated = false;
  EXPECT_TRUE(shy.Receive(incoming)->empty());
}

TEST(DiscoverFeatures, BadBodies) {
  for (const char* bad :
       {"{}", R"({"queries":{}})", R"({"queries":[1]})", R"({"queries":[{"feature-type":"protocol"}]})",
        R"({"queries":[{"match":"*"}]})", R"({"queries":[{"feature-type":1,"match":"*"}]})"}) {
    Message message;
    message.type = kQueriesType;
    message.body = bad;
    EXPECT_FALSE(ReadQueries(message).has_value()) << bad;
  }
  EXPECT_EQ(ReadQueries(MakeQueries(std::vector<FeatureQuery>(33, {"protocol", "*"}))).error().code, Code::kTooLarge);
  EXPECT_EQ(ReadQueries(MakeQueries({{"protocol", std::string(600, '*')}})).error().code, Code::kTooLarge);
}

TEST(ReportProblem, TextForPeople) {
  ProblemReport report;
  report.code = "e.p.xfer.cant-use-endpoint";
  report.comment = "Unable to use the {1} endpoint for {2}.";
  report.args = {"https://agents.r.us/inbox", "did:sov:C805sNYhMrjHiqZDTUASHg"};
  EXPECT_EQ(report.Text(), "Unable to use the https://agents.r.us/inbox endpoint for did:sov:C805sNYhMrjHiqZDTUASHg.");
  report.args = {std::nullopt};
  EXPECT_EQ(report.Text(), "Unable to use the ? endpoint for ?.");
  report.args = {"a", "b", "c", std::nullopt};
  EXPECT_EQ(report.Text(), "Unable to use the a endpoint for b., c, ?");
  report.comment = "{0} {1} {11} {} {x} {1";
  report.args = {"one"};
  EXPECT_EQ(report.Text(), "? one ? {} {x} {1");
  report.comment.clear();
  report.args.clear();
  EXPECT_EQ(report.Text(), report.code);
  // Nothing that a terminal obeys, whole characters only, bounded.
  report.comment = "bell\a escape\x1b[2J \xC2\x9B clear, line\nfeed, {1}";
  report.args = {"\x1b]0;title\a"};
  EXPECT_EQ(report.Text(), "bell  escape [2J   clear, line feed,  ]0;title ");
  report.args = {std::string(5000, 'x') + "\xC3\xA9"};
  EXPECT_EQ(report.Text().size(), kMaxProblemText);
  report.comment.clear();
  for (int i = 0; i < 3000; ++i) report.comment += "\xC3\xA9";
  const std::string cut = report.Text();
  EXPECT_LE(cut.size(), kMaxProblemText);
  EXPECT_TRUE(base::ParseJson("\"" + cut + "\"").has_value()) << "no character cut in two";
}

TEST(ReportProblem, Codes) {
  for (const char* good : {"e.p.xfer.cant-use-endpoint", "w.m.did", "e.get-pay-details.payment-failed", "e.p",
                           "e.m.me.res.storage.message_too_big"}) {
    EXPECT_TRUE(ProblemCode::Parse(good).has_value()) << good;
  }
  for (const char* bad : {"", "e", "e.", "x.p.did", "e.p.", "e..did", "e.P.did", "e.p.did problem", ".e.p"})
    EXPECT_FALSE(ProblemCode::Parse(bad).has_value()) << bad;
  const auto code = *ProblemCode::Parse("w.p.trust.crypto");
  EXPECT_TRUE(code.warning);
  EXPECT_EQ(code.scope, "p");
  EXPECT_EQ(code.descriptors, (std::vector<std::string>{"trust", "crypto"}));
  EXPECT_TRUE(ProblemCodeIs("e.p.xfer.x", "e.p.xfer"));
  EXPECT_TRUE(ProblemCodeIs("e.p.xfer", "e.p.xfer"));
  EXPECT_FALSE(ProblemCodeIs("e.p.xfers", "e.p.xfer"));
  for (uint16_t value = 1; value < 220; ++value) {
    const std::string_view ours = ProblemCodeFor(static_cast<Code>(value));
    EXPECT_TRUE(ProblemCode::Parse(ours).has_value()) << ours;
    EXPECT_FALSE(ProblemComment(ours).empty()) << ours;
  }
}

TEST(ReportProblem, WrittenAndRead) {
  ProblemReport report;
  report.code = "e.p.me.res.money";
  report.comment = "No {1}.";
  report.args = {"money", std::nullopt};
  report.escalate_to = "mailto:admin@example.org";
  report.web_redirect_status = "FAIL";
  report.web_redirect_url = "https://example.com/handle-error/1";
  report.thread = "t1";
  report.about = {"m1"};
  auto message = report.ToMessage();
  ASSERT_TRUE(message.has_value());
  message->id = "1";
  auto again = ProblemReport::Parse(*Message::Parse(*message->Serialize()));
  ASSERT_TRUE(again.has_value()) << again.error().Text();
  EXPECT_EQ(again->code, report.code);
  EXPECT_EQ(again->args, report.args);
  EXPECT_EQ(again->escalate_to, report.escalate_to);
  EXPECT_EQ(again->web_redirect_status, "FAIL");
  EXPECT_EQ(again->web_redirect_url, report.web_redirect_url);
  EXPECT_EQ(again->thread, "t1");
  EXPECT_EQ(again->about, report.about);
  report.code = "no code";
  EXPECT_EQ(report.ToMessage().error().code, Code::kInvalidArgument);

  // Without pthid only where another protocol adopted the message.
  message->pthid.clear();
  EXPECT_EQ(ProblemReport::Parse(*message).error().code, Code::kMissing);
  message->type = "https://didcomm.org/issue-credential/3.0/problem-report";
  message->thid = "t2";
  EXPECT_EQ(ProblemReport::Parse(*message)->thread, "t2");
  for (const char* bad :
       {"{}", R"({"code":""})", R"({"code":1})", R"({"code":"e.p.x","args":"a"})", R"({"code":"e p"})",
        R"({"code":"e.p.x","comment":5})", R"({"code":"e.p.x","escalate_to":[]})"}) {
    message->body = bad;
    EXPECT_FALSE(ProblemReport::Parse(*message).has_value()) << bad;
  }
  json many = {{"code", "e.p.x"}, {"args", json::array()}};
  for (int i = 0; i < 40; ++i) many["args"].push_back("x");
  message->body = base::DumpJson(many);
  EXPECT_EQ(ProblemReport::Parse(*message).error().code, Code::kTooLarge);
}

// The specification's printed messages of these protocols, as printed (an id is put in where the page has none).
TEST(SpecificationExamples, AreTaken) {
  size_t queries = 0, disclosures = 0, reports = 0, invitations = 0;
  for (const json& entry : SpecExamples()) {
    json value = entry.at("json");
    if (!value.is_object() || !value.contains("type") || !value.at("type").is_string()) continue;
    const std::string type_text = value.at("type");
    if (!value.contains("id")) value["id"] = "put-in";
    if (!value.contains("body")) value["body"] = json::object();
    if (value.value("from", "") == "<sender's did>") value["from"] = "did:example:alice";
    auto message = Message::Parse(base::DumpJson(value));
    if (type_text == kQueriesType) {
      ++queries;
      EXPECT_TRUE(ReadQueries(*message).has_value());
    } else if (type_text == kDiscloseType) {
      ++disclosures;
      const auto list = ReadDisclose(*message);
      ASSERT_TRUE(list.has_value()) << list.error().Text();
      if ((*list)[0].feature_type == "constraint") {
        EXPECT_EQ(MaxReceiveBytes(*list), 65536u);
      }
    } else if (type_text == kProblemReportType) {
      ++reports;
      const auto report = ProblemReport::Parse(*message);
      ASSERT_TRUE(report.has_value()) << report.error().Text();
      EXPECT_EQ(report->code, "e.p.xfer.cant-use-endpoint");
    } else if (type_text == kInvitationType) {
      ++invitations;
      EXPECT_TRUE(Invitation::FromMessage(*message, std::nullopt).has_value());
    }
  }
  EXPECT_EQ(queries, 2u);
  EXPECT_EQ(disclosures, 3u);
  EXPECT_EQ(reports, 1u);
  EXPECT_EQ(invitations, 1u);
}

TEST(BasicMessages, BothWaysOfTellingTheTime) {
  Message message =
      *BasicMessage{.content = "Your hovercraft is full of eels.", .lang = "en", .sent_time = 1547577721}.ToMessage();
  message.id = "123456780";
  auto again = BasicMessage::Parse(*Message::Parse(*message.Serialize()));
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->content, "Your hovercraft is full of eels.");
  EXPECT_EQ(again->lang, "en");
  EXPECT_EQ(again->sent_time, 1547577721u);
  message.created_time.reset();
  message.body = R"({"content":"x","sent_time":"2019-01-15 18:42:01Z"})";
  EXPECT_EQ(BasicMessage::Parse(message)->sent_time, 1547577721u);
  message.body = R"({"content":"x","sent_time":"yesterday"})";
  EXPECT_EQ(BasicMessage::Parse(message)->sent_time, std::nullopt);
  for (const char* bad : {"{}", R"({"content":1})", R"({"content":null})"}) {
    message.body = bad;
    EXPECT_FALSE(BasicMessage::Parse(message).has_value()) << bad;
  }
  BasicMessage big;
  big.content = std::string(70'000, 'x');
  EXPECT_EQ(big.ToMessage().error().code, Code::kTooLarge);
}

}  // namespace
}  // namespace keel::didcomm
