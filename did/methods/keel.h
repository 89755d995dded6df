// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "crypto/key_store.h"
#include "did/key_finder.h"
#include "did/resolver.h"
#include "registry-client/history_source.h"

// did:keel (docs/formats/did-keel.md): documents out of verified operation histories, and operations out of key stores.
namespace keel::did {

// The document that a history says: its newest, or the version that `options` ask for (versionId: the operation's seq;
// versionTime: needs `times`, when each operation was anchored). The history must be verified (HistorySource does
// that): it is replayed here with every rule but the signatures, which were verified a moment ago. Keys become "#<id of
// the operation's key>". kNotFound: no such version; kInvalidArgument: both options, or a versionId that is no number;
// kUnsupported: versionTime without times.
Result<ResolutionResult> DocumentOfHistory(const registry_client::VerifiedHistory& history,
                                           const ResolutionOptions& options = {},
                                           std::span<const UnixSeconds> times = {});

// Was this key good for this use at the log index (design.md 2.3; protocol.md 1: routine and compromise)? For
// credentials of issuer batches. An error: the history can't be replayed.
Result<bool> KeyGoodAt(const registry_client::VerifiedHistory& history, const crypto::PublicKey& key, Relationship use,
                       uint64_t log_index);

// Every key that the history's operations ever gave this id (fragment), newest first, each once.
Result<std::vector<crypto::PublicKey>> KeysOfId(const registry_client::VerifiedHistory& history, std::string_view id);

// Keeps histories for `ttl_ms` of the clock's ticks, so that many credentials of one issuer cost one question. Failures
// are never kept. Thread-safe.
class CachingHistorySource final : public registry_client::HistorySource {
 public:
  CachingHistorySource(registry_client::HistorySource& source, Clock& clock, uint64_t ttl_ms = 60'000,
                       size_t max_entries = 1024);
  ~CachingHistorySource() override;
  Result<registry_client::VerifiedHistory> ResolveDid(const std::string& did) override;
  // Takes in a history that was verified just now in another answer.
  void Keep(const registry_client::VerifiedHistory& history);
  void Forget(const std::string& did);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Resolves did:keel over a source; refuses labels other than `label` (empty: takes any that the source takes). Versions
// by versionId; by versionTime only a registry node can (kUnsupported). Thread-safe.
class KeelMethod final : public DidResolver {
 public:
  using DidResolver::Resolve;
  explicit KeelMethod(registry_client::HistorySource& source, std::string label = {})
      : source_(source), label_(std::move(label)) {}
  Result<ResolutionResult> Resolve(const std::string& did, const ResolutionOptions& options) override;

 private:
  registry_client::HistorySource& source_;
  std::string label_;
};

// One key of a DID that is to be made or changed.
struct KeelKey {
  std::string id;    // fragment, e.g. "auth", "assert"
  uint8_t uses = 0;  // bits of Relationship
  KeyRef key;
};

struct KeelCreate {
  std::string label;          // network's label
  Bytes32 net{};              // H(genesis descriptor): a DID belongs to one network
  std::vector<KeelKey> keys;  // keys[0] signs; at most 8
  uint32_t next_threshold = 1;
  std::vector<crypto::PublicKey> next;  // committed by hash; at most 5
  std::vector<std::string> services;    // JSON objects {id, type, serviceEndpoint}
  std::optional<Bytes32> seal0;         // devices only
};

struct KeelOperation {
  std::string did;
  std::vector<uint8_t> jws;  // what is anchored
};

// Makes and signs the create operation; the DID is the hash of its payload. kInvalidArgument, kTooLarge (1,200 octets),
// key store errors.
Result<KeelOperation> CreateKeelDid(const KeelCreate& create, Random& random);

struct KeelUpdate {
  std::vector<KeelKey> keys;  // new whole set; empty together with `deactivate`
  std::vector<KeyRef> by;     // the t next keys of the operation before, which sign
  uint32_t next_threshold = 1;
  std::vector<crypto::PublicKey> next;
  std::vector<std::string> services;
  bool deactivate = false;
  std::optional<uint64_t> compromise_since;  // reason compromise; none: routine
};
// The operation that follows the history's last one.
Result<KeelOperation> UpdateKeelDid(const registry_client::VerifiedHistory& history, const KeelUpdate& update);

// Convenience for services: generates keys "auth" (authentication, capabilityInvocation), "assert" (assertionMethod),
// "agree" (X25519, keyAgreement) and one next key in a software store, labels them with their kids ("<did>#auth",
// "<did>#next-0") and returns the create.
Result<KeelOperation> MakeKeelDid(crypto::SoftwareKeyStore& store, const std::string& label, const Bytes32& net,
                                  std::span<const std::string> services, Random& random);

}  // namespace keel::did
