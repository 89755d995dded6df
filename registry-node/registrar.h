// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "base/net/http_server.h"
#include "registry-node/accounts.h"
#include "registry-node/did_resolver.h"
#include "registry-node/quota.h"
#include "registry-node/registrar_request.h"

namespace keel::registry {

// The Universal Registrar's interface (DIF DID Registration 1.0) for did:keel of this node's network, in client-managed
// secret mode: the node makes an operation, the client signs it where its keys are, the node anchors it. It never sees
// a private key, and refuses requests that have one in them.
//
// A job is what lasts between the requests of one operation: at most kMaxJobs, kMaxClientJobs of one client, each for
// kJobMs; the least recently made go first when there are too many of all. Creates are sponsored by this member, for
// accounts with the right to create or, if the operator wants, a few an hour for anybody; updates and deactivations
// count as the API's other transactions do. Thread-safe; the references outlive it.
class Registrar {
 public:
  struct Options {
    uint64_t creates_per_hour = 0;  // for an address without an account
  };
  static constexpr size_t kMaxJobs = 1024;
  static constexpr size_t kMaxClientJobs = 16;
  static constexpr uint64_t kJobMs = 600'000;

  Registrar(Node& node, std::shared_ptr<NodeResolver> resolver, Accounts& accounts, QuotaTable& spends, Clock& clock,
            Random& random, Options options);
  ~Registrar();
  // POST /1.0/create, /1.0/update, /1.0/deactivate.
  void Handle(RegistrarVerb verb, const base::HttpRequest& request, const base::Responder& responder);
  size_t jobs() const;

 private:
  struct Job;
  struct Outcome;
  Result<Outcome> Start(RegistrarVerb verb, RegistrarRequest request, const Access& access);
  Result<Outcome> Continue(RegistrarVerb verb, const RegistrarRequest& request, const Access& access);
  Result<Outcome> Prepare(std::unique_ptr<Job> job);
  Result<Outcome> Keep(std::unique_ptr<Job> job, nlohmann::json state);
  Result<std::vector<uint8_t>> Sign(Job& job, const nlohmann::json& secret) const;
  void Anchor(std::unique_ptr<Job> job, const Access& access, const base::Responder& responder);

  Node& node_;
  const std::shared_ptr<NodeResolver> resolver_;  // shared with the commits that are waited for: they may outlive this
  Accounts& accounts_;
  QuotaTable& spends_;
  QuotaTable creates_;
  Clock& clock_;
  Random& random_;
  const Options options_;
  mutable std::mutex mutex_;  // guards jobs_
  std::map<std::string, std::unique_ptr<Job>, std::less<>> jobs_;
};

}  // namespace keel::registry
