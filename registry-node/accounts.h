// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/net/http_server.h"
#include "base/storage/key_value_store.h"
#include "registry-node/node.h"

namespace keel::registry {

// What the operator lets an account do beyond what everybody may.
struct Grant {
  bool create = false;                 // this member sponsors its creates, batches and schemas
  bool publish = true;                 // rendezvous values
  uint64_t spends_per_hour = 100'000;  // updates, deactivations and spends
  std::string note;                    // for people
};

// Who is behind a request, and what it may do.
struct Access {
  std::string client;  // name for quotas: the account, or the address
  bool account = false;
  bool create = false;
  bool publish = false;
  uint64_t spends_per_hour = 60;
  uint64_t publishes_per_hour = 0;
};

struct AccessPolicy {
  uint64_t address_spends = 60;         // per hour and address without an account
  uint64_t account_spends = 100'000;    // per hour and account, where the grant says nothing else
  uint64_t account_publishes = 10'000;  // per hour
  bool any_did_publishes =
      true;  // any DID anchored here may publish rendezvous values, not only sponsors and registered accounts
};

// The accounts registered by the operator ("a" in the store), and the check of signed requests. Thread-safe.
class Accounts {
 public:
  static Result<std::unique_ptr<Accounts>> Open(base::KeyValueStore& store, const Node& node, Clock& clock,
                                                AccessPolicy policy);

  // id: did:keel of this network or "key:<Multikey>" of an Ed25519 or P-256 key. kInvalidArgument.
  Result<> Add(const std::string& id, const Grant& grant);
  Result<> Remove(const std::string& id);
  std::map<std::string, Grant> List() const;

  // Without account headers: what its address may. With them: kBadSignature, kExpired (time too far off), kUntrusted
  // (unknown account), kMissing (a header), kUnavailable.
  Result<Access> Identify(const base::HttpRequest& request) const;

 private:
  Accounts(base::KeyValueStore& store, const Node& node, Clock& clock, AccessPolicy policy)
      : store_(store), node_(node), clock_(clock), policy_(policy) {}
  base::KeyValueStore& store_;
  const Node& node_;
  Clock& clock_;
  const AccessPolicy policy_;
  mutable std::mutex mutex_;
  std::map<std::string, Grant> grants_;
};

}  // namespace keel::registry
