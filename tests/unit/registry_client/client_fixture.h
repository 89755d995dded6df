// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/encoding.h"
#include "base/net/http_client.h"
#include "base/net/http_server.h"
#include "registry-client/registry_client.h"
#include "registry-client/wire.h"
#include "registry-node/http_api.h"
#include "tests/unit/registry/fixture.h"

// A real node behind a real HTTP server, and a client whose transport may lie.
namespace keel::registry_client {

using fakes::Identity;
using fakes::Octets;
using registry::TestClock;
using registry::TestNode;

// Passes calls on and lets the test alter what comes back.
class Liar final : public base::HttpClient {
 public:
  explicit Liar(base::HttpClient& real) : real_(real) {}
  Result<base::HttpResponse> Send(const base::HttpCall& call, const base::Deadlines& deadlines) override {
    auto response = real_.Send(call, deadlines);
    if (response && lie) lie(call, *response);
    return response;
  }
  std::function<void(const base::HttpCall&, base::HttpResponse&)> lie;

 private:
  base::HttpClient& real_;
};

// A registry of one node with its HTTP server.
struct Served {
  explicit Served(bool leveldb = false) : t(leveldb) {
    EXPECT_TRUE(t.Open());
    rendezvous = std::move(*registry::Rendezvous::Open(*t.store, 1, *t.clock.Now()));
    accounts = std::move(*registry::Accounts::Open(*t.store, *t.node, t.clock, policy));
    time = std::make_unique<registry::QuorumTimeService>(*t.node, t.clock);
    api = std::make_unique<registry::HttpApi>(*t.node, *rendezvous, *time, *accounts, t.clock, random,
                                              registry::HttpApi::Options{2000});
    base::HttpServerOptions options;
    options.handler_threads = 2;
    server = std::move(*base::HttpServer::Start(options, api->Handler()));
  }
  ~Served() {
    server->Stop();
    api.reset();
    time.reset();
  }
  std::string NetKeel() const {
    NetworkFile file;
    file.net = t.world.net;
    file.label = "demo";
    file.genesis = t.world.descriptor_octets;
    file.endpoints = {server->url()};
    return FormatNetworkFile(file);
  }
  registry::AccessPolicy policy;
  TestNode t;
  base::SystemRandom random;
  std::unique_ptr<registry::Rendezvous> rendezvous;
  std::unique_ptr<registry::Accounts> accounts;
  std::unique_ptr<registry::QuorumTimeService> time;
  std::unique_ptr<registry::HttpApi> api;
  std::unique_ptr<base::HttpServer> server;
};

struct ClientTest : ::testing::Test {
  ClientTest() : http(base::MakeBeastClient()), liar(*http) { client = Make({}); }
  std::unique_ptr<RegistryClient> Make(ClientOptions options) {
    auto made = RegistryClient::Create(served.NetKeel(), liar, served.t.clock, served.random, std::move(options));
    EXPECT_TRUE(made) << (made ? "" : made.error().Text());
    return std::move(*made);
  }
  // An account of the DID, which then may sponsor.
  Account AccountOf(const Identity& id) { return {id.did, &served.t.world.keys, id.auth, id.did + "#key-1"}; }
  Identity Anchored() {
    Identity id = served.t.world.CreateIdentity();
    EXPECT_EQ(served.t.Submit({registry::OperationEntry(id.jws[0])})[0].code, Code::kOk);
    return id;
  }
  // Replaces the items of a bundle.
  static void Rewrite(base::HttpResponse& response, const std::function<bool(ItemTag, std::vector<uint8_t>&)>& keep) {
    const auto items = ParseBundle(response.body);
    ASSERT_TRUE(items);
    std::string out;
    for (const Item& item : *items) {
      std::vector<uint8_t> body(item.body.begin(), item.body.end());
      if (keep(item.tag, body)) PutItem(out, item.tag, body);
    }
    response.body = out;
  }
  Served served;
  std::unique_ptr<base::HttpClient> http;
  Liar liar;
  std::unique_ptr<RegistryClient> client;
};

}  // namespace keel::registry_client
