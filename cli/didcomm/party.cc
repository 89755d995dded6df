// SPDX-License-Identifier: Apache-2.0
#include "cli/didcomm/party.h"

#include <algorithm>
#include <cmath>

#include "did/methods/peer.h"
#include "didcomm/transports/coap_transport.h"
#include "didcomm/transports/file_transport.h"
#include "didcomm/transports/http_transport.h"
#include "didcomm/transports/websocket_transport.h"

namespace keel::cli {

struct Party::Impl {
  std::unique_ptr<World> world;
  base::SystemClock clock;
  std::unique_ptr<did::CachingResolver> resolver;  // a peer's document is asked for once, not for each message
  std::unique_ptr<crypto::SoftwareKeyStore> fresh = crypto::SoftwareKeyStore::CreateInMemory();
  std::unique_ptr<did::MapKeyFinder> keys;
  base::WebSocketClientOptions sockets;
  std::vector<std::unique_ptr<didcomm::Transport>> transports;
};

Party::Party(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Party::~Party() = default;
World& Party::world() { return *impl_->world; }
did::KeyFinder& Party::keys() { return *impl_->keys; }
did::DidResolver& Party::resolver() { return *impl_->resolver; }
Clock& Party::clock() { return impl_->clock; }
const base::WebSocketClientOptions& Party::sockets() const { return impl_->sockets; }

Result<std::unique_ptr<Party>> Party::Open(const WorldFlags& flags) {
  auto impl = std::make_unique<Impl>();
  KEEL_TRY(impl->world, World::Open(flags));
  impl->resolver = std::make_unique<did::CachingResolver>(impl->world->resolver(), impl->clock);
  impl->keys = std::make_unique<did::MapKeyFinder>(&impl->world->keys());
  impl->transports.push_back(std::make_unique<didcomm::HttpTransport>(impl->world->http()));
  impl->sockets.ca_file = flags.ca_file;
  impl->transports.push_back(
      std::make_unique<didcomm::WebSocketTransport>(didcomm::WebSocketTransportOptions{.client = impl->sockets}));
  impl->transports.push_back(std::make_unique<didcomm::CoapTransport>());
  impl->transports.push_back(std::make_unique<didcomm::FileTransport>());
  return std::unique_ptr<Party>(new Party(std::move(impl)));
}

std::vector<didcomm::Transport*> Party::transports() {
  std::vector<didcomm::Transport*> all;
  for (const auto& transport : impl_->transports) all.push_back(transport.get());
  return all;
}

Result<didcomm::Transport*> Party::TransportFor(const std::string& uri) {
  for (const auto& transport : impl_->transports) {
    if (transport->Carries(uri)) return transport.get();
  }
  return Fail(Code::kUnsupported, "send",
              "no transport for " + uri + "; known are http, https, ws, wss, coap and file");
}

Result<std::string> Party::MakeDid(const std::vector<std::string>& uris) {
  std::vector<did::PeerKey> keys(2);
  KEEL_TRY(const crypto::KeyHandle sign, impl_->fresh->Generate(crypto::KeyType::kEd25519));
  KEEL_TRY(const crypto::KeyHandle agree, impl_->fresh->Generate(crypto::KeyType::kX25519));
  keys[0].use = did::Relationship::kAuthentication;
  KEEL_TRY(keys[0].key, impl_->fresh->Public(sign));
  KEEL_TRY(keys[1].key, impl_->fresh->Public(agree));
  std::vector<std::string> services;
  for (const std::string& uri : uris) services.push_back(did::PeerServiceDidcomm(uri));
  KEEL_TRY(std::string did, did::CreatePeer2(keys, services));
  impl_->keys->Add(did + "#key-1", {impl_->fresh.get(), sign});
  impl_->keys->Add(did + "#key-2", {impl_->fresh.get(), agree});
  return did;
}

didcomm::SendOptions SendFor(double seconds, bool wants_reply) {
  didcomm::SendOptions options;
  options.deadlines.total = std::chrono::milliseconds(std::lround(std::clamp(seconds, 0.1, 3600.0) * 1000));
  options.deadlines.connect = std::min(options.deadlines.connect, options.deadlines.total / 2);
  options.wants_reply = wants_reply;
  return options;
}

}  // namespace keel::cli
