// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "cli/didcomm/listeners.h"
#include "cli/didcomm/party.h"
#include "didcomm/agent.h"

namespace keel::cli {

struct PresenceOptions {
  std::vector<std::string> listen;  // URIs; may be none
  TlsFiles tls;                     // of https and wss among them
  std::string mediator;             // DID of a mediator to be reached through; empty: none
  std::string did;                  // ours; empty: a fresh did:peer with the endpoints of the two above
  std::vector<std::string> accept;  // PIURIs whose messages are taken, besides the protocols that are spoken
  std::string data;                 // folder that remembers what came; empty: only as long as this lives
  base::Deadlines deadlines;        // of one delivery
  // Called by any thread, one call at a time for each message; may be empty.
  std::function<void(const didcomm::Unpacked&)> on_message;
  std::function<void(const Error&)> on_refused;
  std::function<void()> on_handled;  // after a message, once its answer is on its way
};

// A DID that can be reached for as long as this lives: an agent behind listeners, or behind a mediator, with threads
// that deliver and fetch. It speaks trust-ping, discover-features, report-problem, empty and basicmessage.
class Presence {
 public:
  // kUsage, and the errors of World, Listeners and the mediator.
  static Result<std::unique_ptr<Presence>> Open(const WorldFlags& flags, PresenceOptions options);
  ~Presence();

  didcomm::Agent& agent();
  Party& party();
  // Ours; empty when it acts for every key that it was given.
  const std::string& did() const;
  const std::vector<std::string>& uris() const;
  // Waits, for a moment at most, until answers that are on their way out are gone.
  void Linger();

 private:
  struct Impl;
  explicit Presence(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace keel::cli
