// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "base/net/http_server.h"
#include "didcomm/transports/http_transport.h"
#include "tests/unit/didcomm_protocols/exchange_world.h"

// The same agents over real sockets on the loopback address.
namespace keel::didcomm {
namespace {

using namespace std::chrono_literals;

struct HttpParty {
  HttpParty(World& the_world, bool reachable) : world(the_world) {
    if (reachable) {
      base::Router router;
      router.AddSync("POST", "/didcomm",
                     DidcommEndpoint([this](std::string envelope) { return agent->Receive(envelope); }));
      server = *base::HttpServer::Start({.threads = 2}, router.AsHandler());
    }
    person = std::make_unique<Somebody>(world, reachable ? server->url() + "/didcomm" : "");
    issuing = *IssueCredential::Create(*store, world.clock, hooks);
    proving = *PresentProof::Create(*store, world.clock, hooks);
    agent = std::make_unique<Agent>(AgentParts{
        world.keys, world.resolver, *replay, world.clock, {&ping, issuing.get(), proving.get()}, {&transport}});
  }
  ~HttpParty() {
    if (server) server->Stop();
  }
  World& world;
  std::unique_ptr<base::HttpClient> client = base::MakeBeastClient();
  HttpTransport transport{*client};
  std::unique_ptr<base::KeyValueStore> store = base::MakeMemoryStore();
  std::unique_ptr<ReplayCache> replay = MakeMemoryReplayCache();
  TestHooks hooks;
  TrustPing ping;
  std::unique_ptr<IssueCredential> issuing;
  std::unique_ptr<PresentProof> proving;
  std::unique_ptr<Agent> agent;
  std::unique_ptr<Somebody> person;
  std::unique_ptr<base::HttpServer> server;
};

TEST(AgentOverHttp, PingAndAWholeIssuance) {
  World world;
  HttpParty service(world, true), behind_nat(world, false), reachable(world, true);
  auto answer = behind_nat.agent->Ask(MakePing(), behind_nat.person->did, service.person->did, 10s);
  ASSERT_TRUE(answer.has_value()) << answer.error().Text();
  EXPECT_EQ(answer->message.type, kPingResponseType);

  // Proposal, offer, request, credential, ack, all on return routes: the holder has no port.
  auto proposal = behind_nat.issuing->Propose(behind_nat.person->did, service.person->did, {});
  ASSERT_TRUE(proposal.has_value());
  const std::string thread = proposal->message.id;
  auto sent = behind_nat.agent->Send(proposal->message, behind_nat.person->did, service.person->did);
  ASSERT_TRUE(sent.has_value()) << sent.error().Text();
  EXPECT_EQ((*behind_nat.issuing->Find({behind_nat.person->did, service.person->did, thread}))->state,
            ExchangeState::kDone);
  EXPECT_EQ((*service.issuing->Find({service.person->did, behind_nat.person->did, thread}))->state,
            ExchangeState::kDone);

  // Both ways, where both have one.
  ExchangeContent request;
  request.attachments = {JsonAttachment("{}")};
  request.will_confirm = true;
  auto asked = service.proving->Request(service.person->did, reachable.person->did, request);
  ASSERT_TRUE(service.agent->Queue(asked->message).has_value());
  EXPECT_EQ(service.agent->DeliverWaiting(), 1u);
  EXPECT_EQ((*service.proving->Find({service.person->did, reachable.person->did, asked->message.id}))->state,
            ExchangeState::kDone);
}

TEST(AgentOverHttp, ManyAtOnce) {
  World world;
  HttpParty service(world, true);
  std::atomic<int> good = 0;
  std::vector<std::unique_ptr<HttpParty>> others;
  for (int i = 0; i < 4; ++i) others.push_back(std::make_unique<HttpParty>(world, false));
  {
    std::vector<std::jthread> threads;
    for (auto& other : others) {
      threads.emplace_back([&world, &good, &service, other = other.get()] {
        (void)world;
        for (int i = 0; i < 10; ++i) {
          auto out = other->issuing->Propose(other->person->did, service.person->did, {});
          if (!out || !other->agent->Send(out->message, other->person->did, service.person->did)) continue;
          auto record = other->issuing->Find({other->person->did, service.person->did, out->message.id});
          if (record && *record && (*record)->state == ExchangeState::kDone) ++good;
        }
      });
    }
  }
  EXPECT_EQ(good, 40);
  EXPECT_EQ(service.issuing->open(), 0u);
}

TEST(AgentOverHttp, WhoIsNotThere) {
  World world;
  HttpParty service(world, true), other(world, false);
  service.server->Stop();
  auto sent = other.agent->Send(MakePing(), other.person->did, service.person->did);
  ASSERT_FALSE(sent.has_value());
  EXPECT_EQ(sent.error().code, Code::kUnreachable);
}

}  // namespace
}  // namespace keel::didcomm
