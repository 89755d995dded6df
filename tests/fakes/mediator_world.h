// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/net/http_client.h"
#include "base/net/http_server.h"
#include "crypto/hosted/software_key_store.h"
#include "did/methods/peer.h"
#include "didcomm/mediator/mediation_client.h"
#include "didcomm/mediator/mediator.h"
#include "didcomm/pack.h"
#include "didcomm/routing.h"
#include "didcomm/transports/http_transport.h"
#include "didcomm/transports/websocket_transport.h"

namespace keel::fakes {

// People with did:peers and what they say. Everybody's keys are in one finder: what is tested is who stands between
// them.
class MediationPeople {
 public:
  // A DID with fresh keys in `finder`; with a mediator's DID as its one DIDComm endpoint, if that is given.
  std::string MakeDid(const std::string& endpoint = {}) {
    stores_.push_back(crypto::SoftwareKeyStore::CreateInMemory());
    crypto::SoftwareKeyStore& store = *stores_.back();
    const auto agree = *store.Generate(crypto::KeyType::kX25519), auth = *store.Generate(crypto::KeyType::kEd25519);
    const std::vector<did::PeerKey> keys = {{did::Relationship::kKeyAgreement, *store.Public(agree)},
                                            {did::Relationship::kAuthentication, *store.Public(auth)}};
    std::vector<std::string> services;
    if (!endpoint.empty()) services.push_back(did::PeerServiceDidcomm(endpoint));
    const std::string did = *did::CreatePeer2(keys, services);
    finder.Add(did + "#key-1", {&store, agree});
    finder.Add(did + "#key-2", {&store, auth});
    return did;
  }
  std::unique_ptr<didcomm::MediationClient> ClientOf(const std::string& account, const std::string& mediator_did) {
    didcomm::MediationClient::Parts parts{
        .keys = finder, .resolver = resolver, .clock = clock, .transports = {&http, &websocket}, .sockets = {}};
    return std::make_unique<didcomm::MediationClient>(std::move(parts), account, mediator_did);
  }
  didcomm::Message MakeMessage(const std::string& from, const std::string& to, const std::string& body = "{}") {
    didcomm::Message message;
    message.id = didcomm::NewMessageId();
    message.type = "https://example.org/test/1.0/hello";
    message.from = from;
    message.to = {to};
    message.body = body;
    return message;
  }
  std::string Pack(const didcomm::Message& message) {
    auto packed = didcomm::PackAuthcrypt(message, message.from, message.to.front(), finder, resolver);
    EXPECT_TRUE(packed) << (packed ? "" : packed.error().Text());
    return packed ? packed->text : "";
  }
  // What goes to the mediator for `to`.
  std::string Onion(const std::string& from, const std::string& to, const std::string& body = "{}",
                    const didcomm::RouteOptions& how = {}) {
    auto ways = didcomm::Route(Pack(MakeMessage(from, to, body)), to, resolver, how);
    EXPECT_TRUE(ways) << (ways ? "" : ways.error().Text());
    return ways ? ways->front().envelope : "";
  }
  // The body of a message that a recipient fetched.
  std::string BodyOf(const std::string& envelope) {
    const auto opened = didcomm::UnpackForwarded(envelope, finder, resolver);
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().Text());
    return opened ? opened->message.body : "";
  }

  base::SystemClock clock;
  did::PeerMethod resolver;
  did::MapKeyFinder finder;
  std::unique_ptr<base::HttpClient> client = base::MakeBeastClient();
  didcomm::HttpTransport http{*client};
  didcomm::WebSocketTransport websocket;

 private:
  std::vector<std::unique_ptr<crypto::SoftwareKeyStore>> stores_;
};

// A mediator on a loopback listener, and its people.
class MediatorWorld : public MediationPeople {
 public:
  explicit MediatorWorld(didcomm::MediatorOptions the_options = {}) : options_(std::move(the_options)) { Start(); }
  ~MediatorWorld() { Stop(); }

  // Opens the mediator again in the same folder; on the same port if it can.
  void Start() {
    options_.data_dir = folder / "mediator";
    auto opened = didcomm::Mediator::Open(options_, resolver, clock);
    ASSERT_TRUE(opened) << opened.error().Text();
    mediator = std::move(*opened);
    base::HttpServerOptions listen;
    listen.port = port_;
    listen.handler_threads = 4;
    mediator->Attach(listen);
    base::Router router;
    mediator->AddRoutes(router);
    auto started = base::HttpServer::Start(listen, router.AsHandler());
    ASSERT_TRUE(started) << started.error().Text();
    server = std::move(*started);
    port_ = server->port();
    url = server->url() + std::string(didcomm::kMediatorPath);
    ASSERT_TRUE(mediator->Announce(server->url()));
  }
  void Stop() {
    server.reset();
    mediator.reset();
  }
  void Restart() {
    Stop();
    Start();
  }

  std::unique_ptr<didcomm::MediationClient> Client(const std::string& account) {
    return ClientOf(account, mediator->did());
  }
  Result<std::string> Post(const std::string& envelope) { return http.Send(url, envelope, {}); }
  // Sends a message of this type from `from` to the mediator and opens the answer; an empty message when there is none.
  didcomm::Message Ask(const std::string& from, const std::string& type, const std::string& body,
                       const std::string& return_route = "all") {
    didcomm::Message question = MakeMessage(from, mediator->did(), body);
    question.type = type;
    question.return_route = return_route;
    auto answer = Post(Pack(question));
    EXPECT_TRUE(answer) << (answer ? "" : answer.error().Text());
    if (!answer || answer->empty()) return {};
    const auto opened = didcomm::Unpack(*answer, finder, resolver);
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().Text());
    if (!opened) return {};
    EXPECT_EQ(opened->message.from, mediator->did());
    EXPECT_TRUE(opened->message.thid == question.id || opened->message.pthid == question.id);
    return opened->message;
  }

  base::TempDir folder = std::move(*base::TempDir::Create("mediator"));
  std::unique_ptr<didcomm::Mediator> mediator;
  std::unique_ptr<base::HttpServer> server;
  std::string url;

 private:
  didcomm::MediatorOptions options_;
  uint16_t port_ = 0;
};

}  // namespace keel::fakes
