// SPDX-License-Identifier: Apache-2.0
#include "didcomm/mediator/mediator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "base/json_strict.h"
#include "didcomm/mediator/coordinate_mediation.h"
#include "didcomm/mediator/message_pickup.h"
#include "tests/fakes/mediator_world.h"

namespace keel::didcomm {
namespace {

using fakes::MediatorWorld;
using nlohmann::json;
using std::chrono::milliseconds;

const std::string kM2 = std::string(kCoordinateMediation2) + "/";
const std::string kM3 = std::string(kCoordinateMediation3) + "/";
const std::string kPickup = std::string(kMessagePickup) + "/";

json BodyOf(const Message& message) { return *base::ParseJson(message.body); }

// Bob, behind a mediator, with a DID that he gives to others.
struct Bob {
  explicit Bob(MediatorWorld& world) : account(world.MakeDid()), client(world.Client(account)) {
    const auto routing = client->RequestMediation();
    EXPECT_TRUE(routing) << (routing ? "" : routing.error().Text());
    did = world.MakeDid(routing.value_or(""));
    const auto added = client->AddRecipients({did});
    EXPECT_TRUE(added) << (added ? "" : added.error().Text());
  }
  std::string account, did;
  std::unique_ptr<MediationClient> client;
};

TEST(Mediator, CarriesAMessageToSomebodyAsleep) {
  MediatorWorld world;
  Bob bob(world);
  const std::string alice = world.MakeDid();
  const auto ways = Route(world.Pack(world.MakeMessage(alice, bob.did, R"({"n":1})")), bob.did, world.resolver);
  ASSERT_TRUE(ways) << ways.error().Text();
  ASSERT_EQ(ways->size(), 1u);
  // One onion for both of the mediator's endpoints.
  ASSERT_EQ(ways->front().uris, (std::vector<std::string>{world.url, "ws" + world.url.substr(4)}));
  ASSERT_TRUE(world.http.Send(ways->front().uris[0], ways->front().envelope, {}));
  ASSERT_TRUE(world.websocket.Send(ways->front().uris[1], world.Onion(alice, bob.did, R"({"n":2})"), {}));
  EXPECT_EQ(bob.client->Status()->count, 2u);
  const auto got = bob.client->Fetch();
  ASSERT_TRUE(got) << got.error().Text();
  ASSERT_EQ(got->size(), 2u);
  EXPECT_EQ(world.BodyOf(got->at(0).envelope), R"({"n":1})");
  EXPECT_EQ(world.BodyOf(got->at(1).envelope), R"({"n":2})");
  EXPECT_EQ(bob.client->Fetch()->size(), 2u);  // not acknowledged: still there
  EXPECT_EQ(bob.client->Acknowledge({got->at(0).id})->count, 1u);
  EXPECT_EQ(bob.client->Fetch(10, bob.did)->size(), 1u);
  EXPECT_EQ(bob.client->Acknowledge({got->at(0).id, got->at(1).id})->count, 0u);
  EXPECT_TRUE(bob.client->Fetch()->empty());
}

TEST(Mediator, SurvivesARestart) {
  MediatorWorld world;
  Bob bob(world);
  const std::string alice = world.MakeDid(), did = world.mediator->did();
  ASSERT_TRUE(world.Post(world.Onion(alice, bob.did, R"({"n":1})")));
  world.Restart();
  EXPECT_EQ(world.mediator->did(), did);
  ASSERT_TRUE(world.Post(world.Onion(alice, bob.did, R"({"n":2})")));
  const auto got = bob.client->Fetch();
  ASSERT_TRUE(got) << got.error().Text();
  ASSERT_EQ(got->size(), 2u);
  ASSERT_TRUE(bob.client->Acknowledge({got->at(0).id}));
  world.Restart();
  const auto left = bob.client->Fetch();
  ASSERT_EQ(left->size(), 1u);
  EXPECT_EQ(left->front().id, got->at(1).id);
  // Under another URL it has another DID, and still takes what is for the first.
  ASSERT_TRUE(world.mediator->Announce("http://mediator.example"));
  EXPECT_NE(world.mediator->did(), did);
  EXPECT_TRUE(world.Post(world.Onion(alice, bob.did, R"({"n":3})")));
  EXPECT_EQ(bob.client->Fetch()->size(), 2u);
}

TEST(Mediator, RepeatsAreTakenAndNotQueuedAgain) {
  MediatorWorld world;
  Bob bob(world);
  const std::string onion = world.Onion(world.MakeDid(), bob.did);
  ASSERT_TRUE(world.Post(onion));
  EXPECT_TRUE(world.Post(onion));  // the sender that didn't hear our answer
  ASSERT_EQ(bob.client->Status()->count, 1u);
  const auto got = bob.client->Fetch();
  ASSERT_TRUE(bob.client->Acknowledge({got->front().id}));
  EXPECT_TRUE(world.Post(onion));
  EXPECT_EQ(bob.client->Status()->count, 0u);
  world.Restart();
  EXPECT_TRUE(world.Post(onion));
  // Not even in another forward's wrapping.
  EXPECT_TRUE(world.Post(*WrapForward(got->front().envelope, bob.did, {world.mediator->did()}, world.resolver)));
  EXPECT_EQ(bob.client->Status()->count, 0u);
}

TEST(Mediator, ForwardsThatAreRefused) {
  MediatorWorld world;
  Bob bob(world);
  const std::string alice = world.MakeDid(), mediator = world.mediator->did();
  const auto code = [&](const std::string& envelope) {
    const auto answer = world.Post(envelope);
    return answer ? Code::kOk : answer.error().code;
  };
  // For nobody that it knows; expired; for somebody who has left.
  const std::string stranger = world.MakeDid(mediator);
  EXPECT_EQ(code(world.Onion(alice, stranger)), Code::kRefused);
  EXPECT_EQ(code(world.Onion(alice, bob.did, "{}", {.expires_time = base::NowSeconds() - 120})), Code::kRefused);
  EXPECT_EQ(code(world.Onion(alice, bob.did, "{}", {.expires_time = base::NowSeconds() + 120})), Code::kOk);
  ASSERT_TRUE(bob.client->RemoveRecipients({bob.did}));
  EXPECT_EQ(code(world.Onion(alice, bob.did)), Code::kRefused);
  // A plaintext forward, and one whose payload is plaintext.
  Message forward;
  forward.id = NewMessageId();
  forward.type = kForwardType;
  forward.to = {mediator};
  forward.body = json{{"next", bob.did}}.dump();
  forward.attachments.resize(1);
  forward.attachments[0].json = *world.MakeMessage(alice, bob.did).Serialize();
  EXPECT_EQ(code(*forward.Serialize()), Code::kRefused);
  did::MapKeyFinder none;
  EXPECT_EQ(code(PackAnoncrypt(forward, mediator, none, world.resolver)->text), Code::kRefused);
  EXPECT_EQ(code("{}"), Code::kRefused);
  EXPECT_EQ(bob.client->Status()->count, 1u);
  // A key's DID URL as next goes to its DID's owner.
  ASSERT_TRUE(bob.client->AddRecipients({bob.did}));
  const std::string payload = world.Pack(world.MakeMessage(alice, bob.did));
  EXPECT_EQ(code(*WrapForward(payload, bob.did + "#key-1", {mediator}, world.resolver)), Code::kOk);
  EXPECT_EQ(bob.client->Status()->count, 2u);
}

TEST(Mediator, FullQueuesAreBusy) {
  MediatorOptions options;
  options.queue.recipient_messages = 2;
  MediatorWorld world(options);
  Bob bob(world);
  const std::string alice = world.MakeDid();
  EXPECT_TRUE(world.Post(world.Onion(alice, bob.did)));
  EXPECT_TRUE(world.Post(world.Onion(alice, bob.did)));
  EXPECT_EQ(world.Post(world.Onion(alice, bob.did)).error().code, Code::kBusy);
  EXPECT_EQ(world.websocket.Send("ws" + world.url.substr(4), world.Onion(alice, bob.did), {}).error().code,
            Code::kBusy);
  const auto got = bob.client->Fetch();
  ASSERT_TRUE(bob.client->Acknowledge({got->front().id}));
  EXPECT_TRUE(world.Post(world.Onion(alice, bob.did)));
}

TEST(Mediator, CoordinationInBothVersions) {
  MediatorWorld world;
  const std::string account = world.MakeDid(), one = world.MakeDid(), two = world.MakeDid();
  Message grant = world.Ask(account, kM2 + "mediate-request", "{}");
  EXPECT_EQ(grant.type, kM2 + "mediate-grant");
  EXPECT_EQ(BodyOf(grant), (json{{"routing_did", world.mediator->did()}}));
  grant = world.Ask(account, kM3 + "mediate-request", "{}");
  EXPECT_EQ(grant.type, kM3 + "mediate-grant");
  EXPECT_EQ(BodyOf(grant), (json{{"routing_did", {world.mediator->did()}}}));

  const auto updates = [](const json& list) { return json{{"updates", list}}.dump(); };
  Message answer = world.Ask(account, kM2 + "keylist-update",
                             updates({{{"recipient_did", one}, {"action", "add"}},
                                      {{"recipient_did", one}, {"action", "add"}},
                                      {{"recipient_did", two}, {"action", "remove"}},
                                      {{"recipient_did", "nonsense"}, {"action", "add"}}}));
  EXPECT_EQ(answer.type, kM2 + "keylist-update-response");
  EXPECT_EQ(BodyOf(answer)["updated"],
            (json{{{"recipient_did", one}, {"action", "add"}, {"result", "success"}},
                  {{"recipient_did", one}, {"action", "add"}, {"result", "no_change"}},
                  {{"recipient_did", two}, {"action", "remove"}, {"result", "no_change"}},
                  {{"recipient_did", "nonsense"}, {"action", "add"}, {"result", "client_error"}}}));
  answer = world.Ask(account, kM3 + "recipient-update", updates({{{"recipient_did", two}, {"action", "add"}}}));
  EXPECT_EQ(answer.type, kM3 + "recipient-update-response");

  std::vector<std::string> both = {one, two};
  std::sort(both.begin(), both.end());
  answer = world.Ask(account, kM2 + "keylist-query", "{}");
  EXPECT_EQ(answer.type, kM2 + "keylist");
  EXPECT_EQ(BodyOf(answer), (json{{"keys", {{{"recipient_did", both[0]}}, {{"recipient_did", both[1]}}}},
                                  {"pagination", {{"count", 2}, {"offset", 0}, {"remaining", 0}}}}));
  answer = world.Ask(account, kM3 + "recipient-query", R"({"paginate":{"limit":1,"offset":0}})");
  EXPECT_EQ(answer.type, kM3 + "recipient");
  EXPECT_EQ(BodyOf(answer), (json{{"dids", {{{"recipient_did", both[0]}}}},
                                  {"pagination", {{"count", 1}, {"offset", 0}, {"remaining", 1}}}}));
  answer = world.Ask(account, kM3 + "recipient-query", R"({"paginate":{"limit":10,"offset":1}})");
  EXPECT_EQ(BodyOf(answer)["dids"], (json{{{"recipient_did", both[1]}}}));
  answer = world.Ask(account, kM3 + "recipient-query", R"({"paginate":{"limit":10,"offset":9007199254740991}})");
  EXPECT_EQ(BodyOf(answer)["pagination"], (json{{"count", 0}, {"offset", 9007199254740991}, {"remaining", 0}}));
  EXPECT_EQ(*world.Client(account)->Recipients(), both);
}

TEST(Mediator, NobodyTakesAnothersRecipientExceptItsOwner) {
  MediatorWorld world;
  Bob bob(world);
  const std::string mallory = world.MakeDid(), victim = world.MakeDid();
  auto hers = world.Client(mallory);
  ASSERT_TRUE(hers->RequestMediation());
  EXPECT_EQ(hers->AddRecipients({bob.did}).error().code, Code::kRefused);
  EXPECT_TRUE(hers->RemoveRecipients({bob.did}));  // no change
  EXPECT_EQ(bob.client->Recipients()->size(), 1u);
  // She names somebody's DID before he does: he, who proves it, gets it.
  ASSERT_TRUE(hers->AddRecipients({victim}));
  auto his = world.Client(victim);
  ASSERT_TRUE(his->RequestMediation());
  ASSERT_TRUE(his->AddRecipients({victim}));
  EXPECT_TRUE(hers->Recipients()->empty());
  EXPECT_EQ(hers->AddRecipients({victim}).error().code, Code::kRefused);
  world.Restart();
  EXPECT_EQ(his->Recipients()->size(), 1u);
  EXPECT_TRUE(hers->Recipients()->empty());
}

TEST(Mediator, AdmissionAndLimits) {
  std::string wanted;
  MediatorOptions options;
  options.admit = [&](const std::string& did) { return did == wanted; };
  options.accounts.recipients = 2;
  MediatorWorld world(options);
  const std::string account = world.MakeDid();
  EXPECT_EQ(world.Ask(account, kM2 + "mediate-request", "{}").type, kM2 + "mediate-deny");
  EXPECT_EQ(world.Ask(account, kM3 + "mediate-request", "{}").type, kM3 + "mediate-deny");
  EXPECT_EQ(world.Client(account)->RequestMediation().error().code, Code::kRefused);
  wanted = account;
  auto client = world.Client(account);
  const auto routing = client->RequestMediation();
  ASSERT_TRUE(routing);
  const std::string given_out = world.MakeDid(*routing), alice = world.MakeDid();
  ASSERT_TRUE(client->AddRecipients({given_out, world.MakeDid()}));
  EXPECT_EQ(client->AddRecipients({world.MakeDid()}).error().code, Code::kRefused);
  // Who isn't admitted any more is served no longer, and nothing is taken for it.
  EXPECT_TRUE(world.Post(world.Onion(alice, given_out)));
  EXPECT_EQ(client->Fetch()->size(), 1u);
  wanted.clear();
  EXPECT_FALSE(client->Fetch());
  EXPECT_FALSE(client->Recipients());
  EXPECT_FALSE(client->RequestMediation());
  EXPECT_FALSE(world.Post(world.Onion(alice, given_out)));
  wanted = account;
  EXPECT_EQ(client->Fetch()->size(), 1u);

  options.accounts.accounts = 1;
  options.admit = {};
  MediatorWorld small(options);
  EXPECT_TRUE(small.Client(small.MakeDid())->RequestMediation());
  EXPECT_EQ(small.Client(small.MakeDid())->RequestMediation().error().code, Code::kRefused);
}

TEST(Mediator, OutOfOrderAndMalformedMessagesAreProblems) {
  MediatorWorld world;
  Bob bob(world);
  const std::string stranger = world.MakeDid();
  struct Case {
    std::string from, type, body, code;
  };
  json many = json::array();
  for (size_t i = 0; i <= kMaxRecipientUpdates; ++i) many.push_back({{"recipient_did", stranger}, {"action", "add"}});
  const std::vector<Case> cases = {
      // Before mediation was granted.
      {stranger, kM2 + "keylist-update", R"({"updates":[]})", "e.m.req.out-of-order"},
      {stranger, kM3 + "recipient-query", "{}", "e.m.req.out-of-order"},
      {stranger, kPickup + "status-request", "{}", "e.m.req.out-of-order"},
      {stranger, kPickup + "delivery-request", R"({"limit":1})", "e.m.req.out-of-order"},
      {stranger, kPickup + "messages-received", R"({"message_id_list":[]})", "e.m.req.out-of-order"},
      {stranger, kPickup + "live-delivery-change", R"({"live_delivery":true})", "e.m.req.out-of-order"},
      // What a mediator says itself, and the other version's names.
      {bob.account, kM3 + "mediate-grant", "{}", "e.m.msg.unsupported-type"},
      {bob.account, kM3 + "keylist-update", R"({"updates":[]})", "e.m.msg.unsupported-type"},
      {bob.account, kM2 + "recipient-update", R"({"updates":[]})", "e.m.msg.unsupported-type"},
      {bob.account, kPickup + "delivery", "{}", "e.m.msg.unsupported-type"},
      {bob.account, "https://didcomm.org/messagepickup/4.0/status-request", "{}", "e.m.msg.unsupported-version"},
      {bob.account, "https://didcomm.org/other/1.0/x", "{}", "e.m.msg.unsupported-protocol"},
      // Bodies.
      {bob.account, kM3 + "recipient-update", "{}", "e.m.msg.malformed"},
      {bob.account, kM3 + "recipient-update", R"({"updates":{}})", "e.m.msg.malformed"},
      {bob.account, kM3 + "recipient-update", R"({"updates":[{"action":"add"}]})", "e.m.msg.malformed"},
      {bob.account, kM3 + "recipient-update", R"({"updates":[{"recipient_did":"did:x:y","action":"take"}]})",
       "e.m.msg.malformed"},
      {bob.account, kM3 + "recipient-update", json{{"updates", many}}.dump(), "e.m.me.res.storage.message_too_big"},
      {bob.account, kM3 + "recipient-query", R"({"paginate":{"limit":1}})", "e.m.msg.malformed"},
      {bob.account, kM3 + "recipient-query", R"({"paginate":{"limit":-1,"offset":0}})", "e.m.msg.malformed"},
      {bob.account, kPickup + "status-request", R"({"recipient_did":1})", "e.m.msg.malformed"},
      {bob.account, kPickup + "delivery-request", "{}", "e.m.msg.malformed"},
      {bob.account, kPickup + "delivery-request", R"({"limit":"1"})", "e.m.msg.malformed"},
      {bob.account, kPickup + "messages-received", R"({"message_id_list":"x"})", "e.m.msg.malformed"},
      {bob.account, kPickup + "live-delivery-change", "{}", "e.m.msg.malformed"},
      {bob.account, kPickup + "live-delivery-change", R"({"live_delivery":true})", "e.m.live-mode-not-supported"},
  };
  for (const Case& one : cases) {
    const Message answer = world.Ask(one.from, one.type, one.body);
    EXPECT_EQ(answer.type, "https://didcomm.org/report-problem/2.0/problem-report") << one.type << one.body;
    EXPECT_EQ(BodyOf(answer).value("code", ""), one.code) << one.type << " " << one.body << ": " << answer.body;
  }
  // Off on a connection that can't be live is no change.
  EXPECT_EQ(world.Ask(bob.account, kPickup + "live-delivery-change", R"({"live_delivery":false})").type,
            kPickup + "status");
}

TEST(Mediator, PickupAnswers) {
  MediatorWorld world;
  Bob bob(world);
  const std::string alice = world.MakeDid(), other = world.MakeDid(world.mediator->did());
  ASSERT_TRUE(bob.client->AddRecipients({other}));
  EXPECT_EQ(BodyOf(world.Ask(bob.account, kPickup + "status-request", "{}")),
            (json{{"message_count", 0}, {"total_bytes", 0}, {"live_delivery", false}}));
  const UnixSeconds before = base::NowSeconds();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(world.Post(world.Onion(alice, bob.did, json{{"n", i}}.dump())));
  ASSERT_TRUE(world.Post(world.Onion(alice, other, R"({"n":9})")));
  const json status =
      BodyOf(world.Ask(bob.account, kPickup + "status-request", json{{"recipient_did", bob.did}}.dump()));
  EXPECT_EQ(status["message_count"], 3);
  EXPECT_EQ(status["recipient_did"], bob.did);
  EXPECT_GT(status["total_bytes"].get<int>(), 1000);
  EXPECT_GE(status["oldest_received_time"].get<UnixSeconds>(), before);
  EXPECT_GE(status["newest_received_time"], status["oldest_received_time"]);
  EXPECT_TRUE(status.contains("longest_waited_seconds"));
  // Of somebody else's DID it says nothing.
  EXPECT_EQ(BodyOf(world.Ask(bob.account, kPickup + "status-request",
                             json{{"recipient_did", alice}}.dump()))["message_count"],
            0);

  Message delivery = world.Ask(bob.account, kPickup + "delivery-request", R"({"limit":2})");
  EXPECT_EQ(delivery.type, kPickup + "delivery");
  EXPECT_EQ(delivery.body, "{}");
  ASSERT_EQ(delivery.attachments.size(), 2u);
  EXPECT_EQ(world.BodyOf(base::ToString(*base::FromBase64Url(delivery.attachments[0].base64))), R"({"n":0})");
  delivery = world.Ask(bob.account, kPickup + "delivery-request", json{{"limit", 10}, {"recipient_did", other}}.dump());
  EXPECT_EQ(BodyOf(delivery), (json{{"recipient_did", other}}));
  ASSERT_EQ(delivery.attachments.size(), 1u);
  const std::string id = delivery.attachments[0].id;
  EXPECT_EQ(world.Ask(bob.account, kPickup + "delivery-request", R"({"limit":0})").type, kPickup + "status");
  EXPECT_EQ(
      world.Ask(bob.account, kPickup + "delivery-request", json{{"limit", 1}, {"recipient_did", alice}}.dump()).type,
      kPickup + "status");

  // Acknowledged by others, with nonsense, twice.
  const std::string eve = world.MakeDid();
  ASSERT_TRUE(world.Client(eve)->RequestMediation());
  EXPECT_EQ(world.Ask(eve, kPickup + "messages-received", json{{"message_id_list", {id}}}.dump()).type,
            kPickup + "status");
  EXPECT_EQ(bob.client->Status()->count, 4u);
  EXPECT_EQ(BodyOf(world.Ask(bob.account, kPickup + "messages-received",
                             json{{"message_id_list", {"nonsense", id, id}}}.dump()))["message_count"],
            3);
  // Without a return route there is no answer, and none lands in the queue.
  EXPECT_EQ(world.Ask(bob.account, kPickup + "status-request", "{}", "").type, "");
  EXPECT_EQ(world.Ask(bob.account, kPickup + "delivery-request", R"({"limit":10})", "none").type, "");
  // Nor does one wait for the next question's return route.
  EXPECT_EQ(world.Ask(bob.account, "https://didcomm.org/trust-ping/2.0/ping", R"({"response_requested":false})").type,
            "");
  EXPECT_EQ(bob.client->Status()->count, 3u);
}

TEST(Mediator, ReplayedControlMessagesAreRefused) {
  MediatorWorld world;
  Bob bob(world);
  Message remove = world.MakeMessage(bob.account, world.mediator->did(),
                                     json{{"updates", {{{"recipient_did", bob.did}, {"action", "remove"}}}}}.dump());
  remove.type = kM3 + "recipient-update";
  remove.return_route = "all";
  const std::string envelope = world.Pack(remove);
  ASSERT_TRUE(world.Post(envelope));
  ASSERT_TRUE(bob.client->AddRecipients({bob.did}));
  EXPECT_FALSE(world.Post(envelope));
  world.Restart();
  EXPECT_FALSE(world.Post(envelope));
  EXPECT_EQ(bob.client->Recipients()->size(), 1u);
}

TEST(Mediator, LiveDelivery) {
  MediatorWorld world;
  Bob bob(world);
  const std::string alice = world.MakeDid();
  ASSERT_TRUE(world.Post(world.Onion(alice, bob.did, R"({"n":1})")));
  ASSERT_TRUE(bob.client->GoLive());
  EXPECT_TRUE(bob.client->Status()->live);
  // What waited isn't affected.
  EXPECT_EQ(bob.client->WaitLive(milliseconds(1)).error().code, Code::kTimeout);
  ASSERT_TRUE(world.Post(world.Onion(alice, bob.did, R"({"n":2})")));
  auto got = bob.client->WaitLive(std::chrono::seconds(20));
  ASSERT_TRUE(got) << got.error().Text();
  ASSERT_EQ(got->size(), 1u);
  EXPECT_EQ(world.BodyOf(got->front().envelope), R"({"n":2})");
  // It stays until it is acknowledged.
  EXPECT_EQ(bob.client->Status()->count, 2u);
  EXPECT_EQ(bob.client->Acknowledge({got->front().id})->count, 1u);
  const auto waited = bob.client->Fetch();
  ASSERT_EQ(waited->size(), 1u);
  EXPECT_EQ(world.BodyOf(waited->front().envelope), R"({"n":1})");
  // Deliveries between a question and its answer aren't lost.
  for (int i = 3; i < 8; ++i) {
    ASSERT_TRUE(world.Post(world.Onion(alice, bob.did, json{{"n", i}}.dump())));
    ASSERT_TRUE(bob.client->Status());
  }
  for (int i = 3; i < 8; ++i) {
    got = bob.client->WaitLive(std::chrono::seconds(20));
    ASSERT_TRUE(got) << got.error().Text();
    EXPECT_EQ(world.BodyOf(got->front().envelope), (json{{"n", i}}.dump()));
    ASSERT_TRUE(bob.client->Acknowledge({got->front().id}));
  }
  EXPECT_EQ(world.mediator->Status()["live"], 1);
}

TEST(Mediator, ABrokenLiveConnectionLosesNothing) {
  MediatorWorld world;
  Bob bob(world);
  const std::string alice = world.MakeDid();
  ASSERT_TRUE(bob.client->GoLive());
  ASSERT_TRUE(world.Post(world.Onion(alice, bob.did, R"({"n":1})")));
  const auto first = bob.client->WaitLive(std::chrono::seconds(20));
  ASSERT_TRUE(first);  // delivered, not acknowledged
  world.Restart();
  EXPECT_EQ(world.mediator->Status()["live"], 0);
  ASSERT_TRUE(world.Post(world.Onion(alice, bob.did, R"({"n":2})")));
  const auto lost = bob.client->WaitLive(std::chrono::seconds(20));
  ASSERT_FALSE(lost);
  EXPECT_EQ(lost.error().code, Code::kClosed);
  ASSERT_TRUE(bob.client->GoLive());
  const auto got = bob.client->Fetch();
  ASSERT_TRUE(got) << got.error().Text();
  ASSERT_EQ(got->size(), 2u);
  EXPECT_EQ(got->front().id, first->front().id);  // the same message: the recipient knows it
  ASSERT_TRUE(world.Post(world.Onion(alice, bob.did, R"({"n":3})")));
  EXPECT_EQ(world.BodyOf(bob.client->WaitLive(std::chrono::seconds(20))->front().envelope), R"({"n":3})");
  // Off again: it only waits.
  bob.client.reset();
  for (int i = 0; i < 400 && world.mediator->Status()["live"] != 0; ++i) {
    std::this_thread::sleep_for(milliseconds(10));  // lint-allow: sleep between two looks
  }
  EXPECT_EQ(world.mediator->Status()["live"], 0);
}

TEST(Mediator, SeveralLiveConnectionsAllGetIt) {
  MediatorWorld world;
  Bob bob(world);
  const std::string alice = world.MakeDid();
  std::vector<std::unique_ptr<MediationClient>> devices;
  for (size_t i = 0; i < kMaxLiveChannels + 1; ++i) {
    devices.push_back(world.Client(bob.account));
    ASSERT_TRUE(devices.back()->GoLive());
  }
  EXPECT_EQ(world.mediator->Status()["live"], kMaxLiveChannels);
  ASSERT_TRUE(world.Post(world.Onion(alice, bob.did)));
  EXPECT_EQ(devices.front()->WaitLive(milliseconds(1)).error().code, Code::kTimeout);  // the oldest went
  std::string id;
  for (size_t i = 1; i < devices.size(); ++i) {
    const auto got = devices[i]->WaitLive(std::chrono::seconds(20));
    ASSERT_TRUE(got) << got.error().Text();
    id = got->front().id;
  }
  EXPECT_EQ(devices.back()->Acknowledge({id})->count, 0u);
}

TEST(Mediator, Rewrapping) {
  MediatorOptions options;
  options.rewrap = true;
  MediatorWorld world(options);
  Bob bob(world);
  const std::string onion = world.Onion(world.MakeDid(), bob.did, R"({"n":1})");
  ASSERT_TRUE(world.Post(onion));
  ASSERT_TRUE(world.Post(onion));  // wrapped anew, the same all the same
  const auto got = bob.client->Fetch();
  ASSERT_EQ(got->size(), 1u);
  const auto opened = UnpackForwarded(got->front().envelope, world.finder, world.resolver);
  ASSERT_TRUE(opened) << opened.error().Text();
  EXPECT_TRUE(opened->metadata.re_wrapped_in_forward);
  EXPECT_EQ(opened->message.body, R"({"n":1})");
}

TEST(Mediator, SpeaksOfItself) {
  MediatorWorld world;
  const auto info = world.client->Get(world.url);
  ASSERT_TRUE(info);
  const json body = *base::ParseJson(info->body);
  EXPECT_EQ(body["did"], world.mediator->did());
  EXPECT_EQ(body["uris"], (json{world.url, "ws" + world.url.substr(4)}));
  const Message features = world.Ask(world.MakeDid(), "https://didcomm.org/discover-features/2.0/queries",
                                     R"({"queries":[{"feature-type":"protocol","match":"https://didcomm.org/*"}]})");
  for (const std::string_view piuri : {kRoutingProtocol, kCoordinateMediation2, kCoordinateMediation3, kMessagePickup})
    EXPECT_NE(features.body.find(piuri), std::string::npos) << piuri;
}

TEST(Mediator, ManyAtOnce) {
  MediatorWorld world;
  Bob bob(world);
  constexpr int kThreads = 4, kEach = 10;
  const std::string alice = world.MakeDid();
  std::vector<std::string> onions;
  for (int i = 0; i < kThreads * kEach; ++i) onions.push_back(world.Onion(alice, bob.did, json{{"n", i}}.dump()));
  std::atomic<int> failed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        const std::string& onion = onions[static_cast<size_t>(t * kEach + i)];
        if (!(i % 2 == 0 ? world.Post(onion) : world.websocket.Send("ws" + world.url.substr(4), onion, {}))) ++failed;
      }
    });
  }
  // The recipient fetches meanwhile, by polling.
  std::set<std::string> seen;
  while (seen.size() < onions.size()) {
    const auto got = bob.client->Fetch(7);
    ASSERT_TRUE(got) << got.error().Text();
    std::vector<std::string> ids;
    for (const auto& message : *got) {
      EXPECT_TRUE(seen.insert(world.BodyOf(message.envelope)).second) << "given out again after it was acknowledged";
      ids.push_back(message.id);
    }
    ASSERT_TRUE(bob.client->Acknowledge(ids));
    ASSERT_EQ(failed, 0);
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(bob.client->Status()->count, 0u);
}

TEST(Mediator, Configuration) {
  const auto read = [](const std::string& toml, bool with_members = false) {
    const auto config = base::Config::FromText(toml, "test.toml", MediatorConfigKeys());
    EXPECT_TRUE(config) << (config ? "" : config.error().Text());
    MediatorOptions options;
    auto enabled = ReadMediatorOptions(*config,
                                       with_members ? [](const std::string& did) { return did == "did:x:member"; }
                                                    : std::function<bool(const std::string&)>(),
                                       options);
    return std::pair{std::move(enabled), std::move(options)};
  };
  EXPECT_FALSE(*read("").first);
  auto [listed, how] = read("[mediator]\nenabled = true\nallowed = [\"did:x:1\"]\nkeep_days = 2\nrewrap = true\n");
  EXPECT_TRUE(*listed);
  EXPECT_TRUE(how.admit("did:x:1"));
  EXPECT_FALSE(how.admit("did:x:2"));
  EXPECT_TRUE(how.rewrap);
  EXPECT_EQ(how.queue.keep_seconds, 2u * 86'400);
  EXPECT_FALSE(read("[mediator]\nenabled = true\nadmit = \"open\"\n").second.admit);
  EXPECT_TRUE(read("[mediator]\nenabled = true\nadmit = \"members\"\n", true).second.admit("did:x:member"));
  EXPECT_FALSE(read("[mediator]\nenabled = true\nadmit = \"members\"\n", true).second.admit("did:x:other"));
  for (const char* bad : {"admit = \"members\"", "admit = \"all\"", "keep_days = 0", "keep_days = 91"})
    EXPECT_EQ(read(std::string("[mediator]\nenabled = true\n") + bad + "\n").first.error().code, Code::kUsage) << bad;
}

}  // namespace
}  // namespace keel::didcomm
