// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/config.h"
#include "base/net/http_server.h"
#include "core/seams.h"
#include "did/resolver.h"
#include "didcomm/mediator/accounts.h"
#include "didcomm/mediator/queue.h"
#include "didcomm/protocols/protocol.h"
#include "didcomm/transport.h"

// The mediator role that any hosted service can turn on (docs/protocols/didcomm-routing.md): routing 2.0,
// coordinate-mediation 2.0 and 3.0, messagepickup 3.0, and trust-ping, discover-features, report-problem.
namespace keel::didcomm {

// POST for envelopes, GET for {"did","uris"}, and a WebSocket, all on the service's public listener.
inline constexpr std::string_view kMediatorPath = "/didcomm/mediator";

struct MediatorOptions {
  std::string data_dir;    // keys.keel and db; made when it isn't there
  std::string passphrase;  // of keys.keel; empty: an unprotected software key
  // Who is granted mediation; empty: everybody. Asked again at each message of an account and each one for it: who
  // isn't admitted any more is served no longer. Called from any thread.
  std::function<bool(const std::string& did)> admit;
  bool rewrap = false;  // wrap every payload once more for its recipient
  QueueLimits queue;
  AccountLimits accounts;
  size_t max_connections = 4'096;  // WebSockets
};

// A mediator with its own did:peer. Starts threads: the WebSocket server's, the group committer's, and one that clears
// away. Thread-safe.
class Mediator {
 public:
  // The resolver and the clock outlive it. kWrongPassphrase, kCorrupt, kBusy (another process has the folder), kIo.
  static Result<std::unique_ptr<Mediator>> Open(const MediatorOptions& options, did::DidResolver& resolver,
                                                Clock& clock);
  ~Mediator();

  // Before the listener starts: takes over its WebSockets on kMediatorPath. The listener must be gone before the
  // mediator is.
  void Attach(base::HttpServerOptions& listener);
  // GET and POST on kMediatorPath; 503 until Announce.
  void AddRoutes(base::Router& router);
  // Says under which URL ("http://host:port") the listener is reached: makes the DID that grants name. A new URL makes
  // a new DID; messages to earlier ones are taken for as long as the keys live.
  Result<> Announce(const std::string& url);

  std::string did() const;  // empty before Announce
  std::vector<std::string> uris() const;

  // One envelope, and the connection it came on if that lasts. As Agent::Receive.
  Result<std::string> Receive(std::string_view envelope, std::shared_ptr<Channel> channel = nullptr);
  MessageQueue& queue();
  MediationAccounts& accounts();
  // {did, uris, accounts, messages, octets, live, connections, requests...}
  nlohmann::json Status() const;
  // What the thread does every minute: expired messages go.
  void ClearAway();

 private:
  struct Impl;
  explicit Mediator(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// The keys that a service's configuration has for it: mediator.enabled, .admit, .allowed, .rewrap, .keep_days.
std::vector<base::Config::Key> MediatorConfigKeys();
// What they say; false: not enabled. kUsage (admit is none of open, listed, members; members where the service has
// none). `members`: whether a DID belongs to the service's own devices; may be empty.
Result<bool> ReadMediatorOptions(const base::Config& config, std::function<bool(const std::string& did)> members,
                                 MediatorOptions& options);
// What a service does before it starts its listener: null when the configuration doesn't enable it, else the mediator
// in `data_dir`/mediator, attached to the listener's options and the router. Announce follows once the URL is known.
Result<std::unique_ptr<Mediator>> OpenConfigured(const base::Config& config, const std::string& data_dir,
                                                 const std::string& passphrase, did::DidResolver& resolver,
                                                 Clock& clock, std::function<bool(const std::string& did)> members,
                                                 base::HttpServerOptions& listener, base::Router& router);

}  // namespace keel::didcomm
