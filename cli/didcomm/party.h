// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/net/websocket_client.h"
#include "cli/world.h"
#include "didcomm/transport.h"

namespace keel::cli {

// Somebody who talks over DIDComm from the command line: the keys of --key and --secrets and those made on the spot,
// everybody's documents, and every transport. Thread-safe once made and once MakeDid was called.
class Party {
 public:
  // World::Open's errors.
  static Result<std::unique_ptr<Party>> Open(const WorldFlags& flags);
  ~Party();

  World& world();
  did::KeyFinder& keys();  // the world's and those of MakeDid
  did::DidResolver& resolver();
  Clock& clock();
  std::vector<didcomm::Transport*> transports();
  // How WebSockets are opened: with the trust of --ca-file.
  const base::WebSocketClientOptions& sockets() const;
  // The one that carries this uri. kUnsupported, naming the schemes that are known.
  Result<didcomm::Transport*> TransportFor(const std::string& uri);
  // A fresh did:peer:2 (Ed25519, X25519) with these endpoints, its keys in memory only: gone with this object.
  Result<std::string> MakeDid(const std::vector<std::string>& uris);

 private:
  struct Impl;
  explicit Party(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Options of one delivery that may take `seconds` in all.
didcomm::SendOptions SendFor(double seconds, bool wants_reply);

}  // namespace keel::cli
