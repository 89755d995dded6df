// SPDX-License-Identifier: Apache-2.0
#include "didcomm/agent.h"

#include <thread>

#include "tests/unit/didcomm_protocols/world.h"

namespace keel::didcomm {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

Message Typed(const std::string& type, const std::string& body = "{}") {
  Message message;
  message.type = type;
  message.body = body;
  return message;
}
const std::string kUnknown = "https://example.org/lunch/1.0/propose";

TEST(Agent, PingIsAnsweredOnTheReturnRoute) {
  World world;
  Party alice(world, "alice", false), bob(world, "bob");  // alice has no endpoint
  auto answer = alice.agent->Ask(MakePing(), alice.did, bob.did, 10s);
  ASSERT_TRUE(answer.has_value()) << answer.error().Text();
  EXPECT_EQ(answer->message.type, kPingResponseType);
  EXPECT_EQ(answer->message.from, bob.did);
  EXPECT_EQ(answer->message.to, std::vector<std::string>{alice.did});
  EXPECT_EQ(answer->message.thid, bob.heard.at(0).id);
  EXPECT_EQ(answer->message.created_time, world.clock.now);
  EXPECT_EQ(alice.responses, 1);
  EXPECT_EQ(bob.agent->waiting(), 0u);
}

TEST(Agent, WithoutReturnRouteTheAnswerIsDelivered) {
  World world;
  AgentOptions quiet;
  quiet.ask_return_route = false;
  Party alice(world, "alice", true, {}, quiet), bob(world, "bob", true, {}, quiet);
  auto sent = alice.agent->Send(MakePing(), alice.did, bob.did);
  ASSERT_TRUE(sent.has_value()) << sent.error().Text();
  EXPECT_FALSE(sent->answered);
  EXPECT_EQ(sent->uri, "mem:bob");
  EXPECT_EQ(alice.responses, 0);
  ASSERT_EQ(bob.agent->waiting(), 1u);
  EXPECT_TRUE(bob.agent->WaitForDue(0ms));
  EXPECT_EQ(bob.agent->DeliverWaiting(), 1u);
  EXPECT_EQ(alice.responses, 1);
}

TEST(Agent, ReturnRouteIsNotGivenUnasked) {
  World world;
  Party alice(world, "alice"), bob(world, "bob");
  Message ping = MakePing();
  for (const char* route : {"", "none", "sometimes"}) {
    ping.id.clear();
    ping.return_route = route;
    EXPECT_EQ(*bob.agent->Receive(PackFor(world, ping, alice.did, bob.did)), "") << route;
  }
  EXPECT_EQ(bob.agent->waiting(), 3u);
  // A thread that isn't this one gets nothing that belongs to another.
  ping.id.clear();
  ping.return_route = "thread";
  ping.headers["return_route_thread"] = "\"another\"";
  EXPECT_EQ(*bob.agent->Receive(PackFor(world, ping, alice.did, bob.did)), "");
  ping.id = "the-thread";
  ping.headers.clear();
  auto answer = OpenFor(world, *bob.agent->Receive(PackFor(world, ping, alice.did, bob.did)));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->thid, "the-thread");
}

TEST(Agent, MinorVersionsAreTakenMajorOnesNot) {
  World world;
  Party alice(world, "alice"), bob(world, "bob");
  auto ask = [&](const std::string& type) { return alice.agent->Ask(Typed(type), alice.did, bob.did, 10s); };
  for (const char* type : {"https://didcomm.org/trust-ping/2.0/ping", "https://didcomm.org/trust-ping/2.7/ping",
                           "https://didcomm.org/Trust_Ping/2.1/ping"}) {
    auto answer = ask(type);
    ASSERT_TRUE(answer.has_value()) << type << answer.error().Text();
    EXPECT_EQ(answer->message.type, kPingResponseType) << type;
  }
  struct Case {
    std::string type;
    std::string_view code;
  };
  for (const Case& c : {Case{"https://didcomm.org/trust-ping/3.0/ping", kProblemUnsupportedVersion},
                        Case{"https://didcomm.org/trust-ping/1.0/ping", kProblemUnsupportedVersion},
                        Case{"https://example.org/trust-ping/2.0/ping", kProblemUnsupportedProtocol},
                        Case{kUnknown, kProblemUnsupportedProtocol}, Case{"no-uri", kProblemUnsupportedProtocol},
                        Case{"https://didcomm.org/trust-ping/2.0/pong", kProblemUnsupportedType}}) {
    auto answer = ask(c.type);
    ASSERT_TRUE(answer.has_value()) << c.type << answer.error().Text();
    auto report = ProblemReport::Parse(answer->message);
    ASSERT_TRUE(report.has_value()) << c.type;
    EXPECT_EQ(report->code, c.code) << c.type;
    EXPECT_EQ(report->thread, bob.heard.back().id);
    EXPECT_EQ(report->about, std::vector<std::string>{bob.heard.back().id});
  }
  EXPECT_EQ(alice.reports.size(), 6u);
  EXPECT_EQ(alice.reports[0].Text(),
            "This version of the protocol is not supported; supported is https://didcomm.org/trust-ping/2.0.");
}

TEST(Agent, ReportsOnlyToProvenSenders) {
  World world;
  Party alice(world, "alice"), bob(world, "bob");
  Message message = Typed(kUnknown);
  message.return_route = "all";
  message.id = "m1";
  message.from = alice.did;  // claimed, not proved
  message.to = {bob.did};
  auto packed = PackAnoncrypt(message, bob.did, world.keys, world.resolver);
  EXPECT_FALSE(bob.agent->Receive(packed->text).has_value());
  message.type = kPingType;
  message.id = "m2";
  packed = PackAnoncrypt(message, bob.did, world.keys, world.resolver);
  EXPECT_EQ(*bob.agent->Receive(packed->text), "");
  EXPECT_EQ(bob.agent->waiting(), 0u);
  // Nothing that isn't encrypted, by default.
  EXPECT_EQ(bob.agent->Receive(PackPlaintext(message)->text).error().code, Code::kRefused);
}

TEST(Agent, NeverAnswersAProblemReportWithOne) {
  World world;
  Party alice(world, "alice"), bob(world, "bob");
  for (const char* type :
       {"https://didcomm.org/report-problem/2.0/problem-report",
        "https://didcomm.org/report-problem/7.0/problem-report", "https://example.org/lunch/1.0/problem-report"}) {
    Message report = Typed(type);  // no code: malformed
    report.pthid = "t";
    report.return_route = "all";
    EXPECT_FALSE(bob.agent->Receive(PackFor(world, report, alice.did, bob.did)).has_value()) << type;
  }
  EXPECT_EQ(bob.agent->waiting(), 0u);
}

TEST(Agent, ReplaysAreRefused) {
  World world;
  Party alice(world, "alice"), bob(world, "bob");
  const std::string envelope = PackFor(world, MakePing(), alice.did, bob.did);
  EXPECT_TRUE(bob.agent->Receive(envelope).has_value());
  EXPECT_EQ(bob.agent->Receive(envelope).error().code, Code::kReplayed);
  EXPECT_EQ(bob.agent->waiting(), 1u);
  EXPECT_EQ(bob.heard.size(), 1u);
  Message old = MakePing();
  old.expires_time = world.clock.now - 3600;
  EXPECT_EQ(bob.agent->Receive(PackFor(world, old, alice.did, bob.did)).error().code, Code::kExpired);
  world.clock.known = false;  // could not be checked: not taken
  EXPECT_EQ(bob.agent->Receive(PackFor(world, MakePing(), alice.did, bob.did)).error().code, Code::kUnavailable);
}

TEST(Agent, AcknowledgesWhenAsked) {
  World world;
  Party alice(world, "alice", false), bob(world, "bob");
  // With the natural answer.
  Message ping = MakePing();
  ping.id = "ping1";
  ping.please_ack = {""};
  auto answer = alice.agent->Ask(ping, alice.did, bob.did, 10s);
  ASSERT_TRUE(answer.has_value()) << answer.error().Text();
  EXPECT_EQ(answer->message.type, kPingResponseType);
  EXPECT_EQ(answer->message.ack, std::vector<std::string>{"ping1"});
  // With an empty message when there is none; older messages in the order they came, unknown ones not.
  BasicMessage text{.content = "hello", .lang = "en"};
  Message message = *text.ToMessage();
  message.id = "text1";
  ASSERT_TRUE(alice.agent->Send(message, alice.did, bob.did).has_value());
  message.id = "text2";
  message.please_ack = {"text1", "nobody-knows", "ping1"};
  answer = alice.agent->Ask(message, alice.did, bob.did, 10s);
  ASSERT_TRUE(answer.has_value()) << answer.error().Text();
  EXPECT_EQ(answer->message.type, kEmptyType);
  EXPECT_EQ(answer->message.ack, (std::vector<std::string>{"ping1", "text1", "text2"}));
  EXPECT_EQ(answer->message.thid, "text2");
  EXPECT_TRUE(answer->message.please_ack.empty());
  // Never in circles: an ack that asks for one gets none.
  Message circle = Typed(std::string(kEmptyType));
  circle.ack = {"x"};
  circle.please_ack = {""};
  circle.return_route = "all";
  EXPECT_EQ(*bob.agent->Receive(PackFor(world, circle, alice.did, bob.did)), "");
  // And none to somebody who can't be the sender for sure.
  Message claimed = message;
  claimed.id = "text3";
  claimed.from = alice.did;
  claimed.to = {bob.did};
  EXPECT_EQ(*bob.agent->Receive(PackAnoncrypt(claimed, bob.did, world.keys, world.resolver)->text), "");
  EXPECT_EQ(bob.agent->waiting(), 0u);
}

TEST(Agent, TriesEndpointsAndThenAgain) {
  World world;
  Party alice(world, "alice"), bob(world, "bob");
  // bob's first endpoint is of a kind that nobody here carries, the second is down, the third is good.
  Somebody several(world, "");
  const std::vector<did::PeerKey> keys = {
      {did::Relationship::kKeyAgreement, *several.store->Public(*several.store->Generate(crypto::KeyType::kX25519))}};
  const std::vector<std::string> services = {did::PeerServiceDidcomm("coap://nowhere"),
                                             did::PeerServiceDidcomm("mem:down"), did::PeerServiceDidcomm("mem:bob")};
  const std::string did = *did::CreatePeer2(keys, services);
  Message text = *BasicMessage{.content = "hi", .lang = ""}.ToMessage();
  auto sent = alice.agent->Send(text, alice.did, did);
  // bob doesn't have this DID's keys: he refuses, and that is the last endpoint's error.
  EXPECT_EQ(sent.error().code, Code::kHttpStatus);
  EXPECT_EQ(world.net.tries["mem:down"], 1);

  // What waits is tried again, later and later, then kept for whoever fetches it.
  world.net.fail_next = 100;
  text.from = alice.did;
  text.to = {bob.did};
  ASSERT_TRUE(alice.agent->Queue(text).has_value());
  for (int attempt = 1, wait = 1; attempt <= 5; ++attempt, wait *= 2) {
    EXPECT_EQ(alice.agent->DeliverWaiting(), 0u);
    EXPECT_EQ(world.net.tries["mem:bob"], attempt + 1);
    EXPECT_FALSE(alice.agent->WaitForDue(0ms));
    EXPECT_EQ(alice.agent->DeliverWaiting(), 0u);  // not due yet
    EXPECT_EQ(world.net.tries["mem:bob"], attempt + 1);
    world.clock.Advance(static_cast<uint64_t>(wait));
  }
  world.clock.Advance(60);
  EXPECT_EQ(alice.agent->DeliverWaiting(), 0u);
  EXPECT_EQ(world.net.tries["mem:bob"], 6);  // no sixth attempt
  EXPECT_EQ(alice.agent->waiting(), 1u);
  // Fetched by a return route.
  Message ping = MakePing(false);
  ping.return_route = "all";
  auto fetched = OpenFor(world, *alice.agent->Receive(PackFor(world, ping, bob.did, alice.did)));
  ASSERT_TRUE(fetched);
  EXPECT_EQ(fetched->type, kBasicMessageType);
  EXPECT_EQ(alice.agent->waiting(), 0u);
  // Or given up.
  text.id.clear();
  ASSERT_TRUE(alice.agent->Queue(text).has_value());
  world.clock.Advance(3601);
  EXPECT_EQ(alice.agent->DeliverWaiting(), 0u);
  EXPECT_EQ(alice.agent->waiting(), 0u);
  ASSERT_EQ(alice.undelivered.size(), 1u);
  EXPECT_EQ(alice.undelivered[0].second, Code::kExpired);
}

TEST(Agent, WhatWaitsIsBounded) {
  World world;
  AgentOptions small;
  small.max_waiting = 3;
  small.max_waiting_for_peer = 2;
  Party alice(world, "alice"), carol(world, "carol"), bob(world, "bob", true, {}, small);
  auto ping = [&](const Party& from) { return bob.agent->Receive(PackFor(world, MakePing(), from.did, bob.did)); };
  EXPECT_TRUE(ping(alice).has_value());
  EXPECT_TRUE(ping(alice).has_value());
  EXPECT_TRUE(ping(alice).has_value());  // taken, but its answer isn't kept
  EXPECT_EQ(bob.agent->waiting(), 2u);
  ASSERT_EQ(bob.undelivered.size(), 1u);
  EXPECT_EQ(bob.undelivered[0].second, Code::kBusy);
  EXPECT_TRUE(ping(carol).has_value());
  const std::string envelope = PackFor(world, MakePing(), carol.did, bob.did);
  EXPECT_EQ(bob.agent->Receive(envelope).error().code, Code::kBusy);
  EXPECT_EQ(bob.agent->DeliverWaiting(), 3u);
  EXPECT_TRUE(bob.agent->Receive(envelope).has_value()) << "kBusy means: try again";
}

TEST(Agent, TooManyProblemsEndAThread) {
  World world;
  AgentOptions strict;
  strict.max_problems = 3;
  Party alice(world, "alice"), bob(world, "bob", true, {}, strict);
  auto ask = [&]() -> std::string {
    Message bad = Typed(kUnknown);
    bad.thid = "thread";
    bad.return_route = "all";
    auto reply = bob.agent->Receive(PackFor(world, bad, alice.did, bob.did));
    if (!reply) return CodeName(reply.error().code);
    auto message = OpenFor(world, *reply);
    if (!message) return "silence";
    return ProblemReport::Parse(*message)->code;
  };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(ask(), kProblemUnsupportedProtocol);
  EXPECT_EQ(ask(), kProblemMaxErrors);
  EXPECT_EQ(ask(), "refused");
  EXPECT_EQ(ask(), "refused");

  // The same for reports that come in; other threads go on.
  auto report = [&](std::string_view code) {
    ProblemReport problem;
    problem.code = code;
    problem.thread = "other";
    Message message = *problem.ToMessage();
    message.return_route = "all";
    return bob.agent->Receive(PackFor(world, message, alice.did, bob.did));
  };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(*report("w.p.req"), "");
  auto last = OpenFor(world, *report("w.p.req"));
  ASSERT_TRUE(last);
  EXPECT_EQ(ProblemReport::Parse(*last)->code, kProblemMaxErrors);
  EXPECT_EQ(ProblemReport::Parse(*last)->thread, "other");
  EXPECT_EQ(report("w.p.req").error().code, Code::kRefused);
  // Who is told that a thread is over says nothing more in it.
  ProblemReport over{.code = std::string(kProblemMaxErrors),
                     .comment = {},
                     .args = {},
                     .escalate_to = {},
                     .web_redirect_status = {},
                     .web_redirect_url = {},
                     .thread = "third",
                     .about = {}};
  Message message = *over.ToMessage();
  EXPECT_EQ(*bob.agent->Receive(PackFor(world, message, alice.did, bob.did)), "");
  Message bad = Typed(kUnknown);
  bad.thid = "third";
  EXPECT_EQ(bob.agent->Receive(PackFor(world, bad, alice.did, bob.did)).error().code, Code::kRefused);
}

// Two agents that misunderstand each other fall silent by themselves.
TEST(Agent, NoCascade) {
  World world;
  Party alice(world, "alice"), bob(world, "bob");
  Message bad = Typed(kUnknown);
  ASSERT_TRUE(alice.agent->Send(bad, alice.did, bob.did).has_value());
  for (int round = 0; round < 10; ++round) {
    alice.agent->DeliverWaiting();
    bob.agent->DeliverWaiting();
  }
  EXPECT_LE(world.net.sent.size(), 2u);
  EXPECT_EQ(alice.agent->waiting() + bob.agent->waiting(), 0u);
}

TEST(Agent, AnonymousSenders) {
  World world;
  Party alice(world, "alice"), bob(world, "bob");
  Message text = *BasicMessage{.content = "guess who", .lang = "en-GB"}.ToMessage();
  auto sent = alice.agent->Send(text, "", bob.did);
  ASSERT_TRUE(sent.has_value()) << sent.error().Text();
  ASSERT_EQ(bob.texts.size(), 1u);
  EXPECT_EQ(bob.texts[0], (std::pair<std::string, std::string>{"en-GB", "guess who"}));
  EXPECT_EQ(bob.heard[0].from, "");
  EXPECT_EQ(alice.agent->Ask(MakePing(), "", bob.did, 1s).error().code, Code::kInvalidArgument);
}

TEST(Agent, AskWaitsForADeliveredAnswer) {
  World world;
  AgentOptions quiet;
  quiet.ask_return_route = false;
  Party alice(world, "alice", true, {}, quiet), bob(world, "bob", true, {}, quiet);
  // bob's answers come later, by another thread and on their own.
  std::vector<std::string> inbox;
  std::mutex mutex;
  world.net.handlers["mem:bob"] = [&](std::string envelope) -> Result<std::string> {
    const std::lock_guard lock(mutex);
    inbox.push_back(std::move(envelope));
    return std::string();
  };
  std::jthread late([&] {
    while (true) {
      std::string envelope;
      {
        const std::lock_guard lock(mutex);
        if (!inbox.empty()) envelope = inbox[0];
      }
      if (envelope.empty()) {
        std::this_thread::yield();
        continue;
      }
      auto opened = Unpack(envelope, world.keys, world.resolver);
      Message pong = Typed(std::string(kPingResponseType));
      pong.thid = opened->message.id;
      EXPECT_TRUE(alice.agent->Receive(PackFor(world, pong, bob.did, alice.did)).has_value());
      return;
    }
  });
  auto answer = alice.agent->Ask(MakePing(), alice.did, bob.did, 30s);
  ASSERT_TRUE(answer.has_value()) << answer.error().Text();
  EXPECT_EQ(answer->message.type, kPingResponseType);
  late.join();
  // Nobody else's answer will do, and the wait has an end.
  Party mallory(world, "mallory");
  world.net.handlers["mem:bob"] = [&](std::string envelope) -> Result<std::string> {
    auto opened = Unpack(envelope, world.keys, world.resolver);
    Message pong = Typed(std::string(kPingResponseType));
    pong.thid = opened->message.id;
    EXPECT_TRUE(alice.agent->Receive(PackFor(world, pong, mallory.did, alice.did)).has_value());
    return std::string();
  };
  EXPECT_EQ(alice.agent->Ask(MakePing(), alice.did, bob.did, 1ms).error().code, Code::kTimeout);
}

TEST(Agent, AnAnswerThatIsRefusedIsSaid) {
  World world;
  Party alice(world, "alice"), bob(world, "bob");
  world.net.handlers["mem:bob"] = [](std::string) -> Result<std::string> { return std::string("no envelope"); };
  auto sent = alice.agent->Send(MakePing(), alice.did, bob.did);
  ASSERT_TRUE(sent.has_value());
  EXPECT_TRUE(sent->answered);
  ASSERT_TRUE(sent->answer_error.has_value());
  EXPECT_EQ(sent->answer_error->code, Code::kMalformed);
  EXPECT_EQ(alice.agent->Ask(MakePing(), alice.did, bob.did, 10s).error().code, Code::kMalformed);
}

TEST(Agent, KeepsToWhatAPeerTakes) {
  World world;
  Party alice(world, "alice"), bob(world, "bob");
  Message text = *BasicMessage{.content = std::string(3000, 'x'), .lang = ""}.ToMessage();
  ASSERT_TRUE(alice.agent->Send(text, alice.did, bob.did).has_value());
  Disclosure most{.feature_type = "constraint", .id = "max_receive_bytes", .roles = {}, .max_receive_bytes = 3500};
  // Not from somebody who only says that he is bob.
  Message disclose = MakeDisclose({most});
  disclose.from = bob.did;
  disclose.to = {alice.did};
  disclose.id = "d1";
  EXPECT_TRUE(alice.agent->Receive(PackAnoncrypt(disclose, alice.did, world.keys, world.resolver)->text).has_value());
  ASSERT_TRUE(alice.agent->Send(text, alice.did, bob.did).has_value());
  EXPECT_TRUE(alice.agent->Receive(PackFor(world, MakeDisclose({most}), bob.did, alice.did)).has_value());
  EXPECT_EQ(alice.agent->Send(text, alice.did, bob.did).error().code, Code::kTooLarge);
  EXPECT_TRUE(alice.agent->Send(MakePing(false), alice.did, bob.did).has_value());
}

class FakeChannel final : public Channel {
 public:
  bool Send(std::string envelope) override {
    if (gone) return false;
    sent.push_back(std::move(envelope));
    return true;
  }
  std::vector<std::string> sent;
  bool gone = false;
};

// Says several things at once.
class Talker final : public Protocol {
 public:
  std::vector<ProtocolInfo> Speaks() const override { return {{"https://example.org/talk/1.0", {"talker"}}}; }
  Result<std::vector<Outgoing>> Receive(const Incoming& incoming) override {
    std::vector<Outgoing> out;
    for (int i = 0; i < 3; ++i) out.push_back({.message = incoming.Reply("https://example.org/talk/1.0/word")});
    out.push_back({.message = incoming.Reply("https://example.org/talk/1.0/letter"), .on_return_route = false});
    return out;
  }
};

TEST(Agent, ALastingConnectionTakesMoreThanOneAnswer) {
  World world;
  Talker talker;
  Party alice(world, "alice"), bob(world, "bob", true, {&talker});
  Message hello = Typed("https://example.org/talk/1.0/hello");
  hello.return_route = "all";
  // One answer where the connection takes one; the others wait.
  EXPECT_NE(*bob.agent->Receive(PackFor(world, hello, alice.did, bob.did)), "");
  EXPECT_EQ(bob.agent->waiting(), 3u);
  // All that may where it lasts.
  auto channel = std::make_shared<FakeChannel>();
  EXPECT_NE(*bob.agent->Receive(PackFor(world, hello, alice.did, bob.did), channel), "");
  ASSERT_EQ(channel->sent.size(), 2u);
  EXPECT_EQ(OpenFor(world, channel->sent[0])->type, "https://example.org/talk/1.0/word");
  EXPECT_EQ(bob.agent->waiting(), 4u);
  // And none is lost when it is gone.
  channel->gone = true;
  EXPECT_NE(*bob.agent->Receive(PackFor(world, hello, alice.did, bob.did), channel), "");
  EXPECT_EQ(bob.agent->waiting(), 7u);
  EXPECT_TRUE(bob.undelivered.empty());
}

TEST(Agent, ManyThreads) {
  World world;
  Party alice(world, "alice"), bob(world, "bob", true, {}, {.on_message = [](const Incoming&) {}});
  std::atomic<int> good = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < 25; ++i) {
          Message ping = MakePing();
          ping.return_route = i % 2 == 0 ? "all" : "";
          if (bob.agent->Receive(PackFor(world, ping, alice.did, bob.did))) ++good;
        }
      });
    }
  }
  EXPECT_EQ(good, 100);
  EXPECT_EQ(bob.agent->waiting(), 48u);
}

}  // namespace
}  // namespace keel::didcomm
