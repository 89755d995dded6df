// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/seams.h"
#include "core/time.h"
#include "crypto/key_store.h"
#include "ledger/limits.h"
#include "registry-client/history_source.h"
#include "registry-client/wire.h"

namespace keel::base {
class HttpClient;  // base/net/http_client.h
}

// The client of a registry that believes nothing it cannot check: every answer is verified against the descriptor of
// net.keel (docs/formats/registry-api.md). The node it talks to, and every relay between, is untrusted transport.
namespace keel::registry_client {

// One key of the sparse map with its proof at the set's checkpoint.
struct KeyProof {
  Bytes32 key{};
  std::vector<uint8_t> proof;  // map proof octets: body of TAIL, and of SPENT after its u64 index
  std::optional<std::vector<uint8_t>>
      value;  // present: the value's octets (protocol.md VALUES); nullopt: proved absent
};

// Many keys and histories at ONE checkpoint: what a pack is made of.
struct ProofSet {
  VerifiedCheckpoint checkpoint;
  std::vector<KeyProof> keys;              // in the order asked for
  std::vector<VerifiedHistory> histories;  // in the order asked for; their `checkpoint` is this one
};

// The value of K(2, seal), decoded. `index` goes before the proof in a SPENT item.
struct SpentValue {
  Bytes32 link_hash{};
  uint64_t index = 0;
};
// kMissing: absent (not spent); kMalformed.
Result<SpentValue> SpentFrom(const KeyProof& proof);

// What the registry decided about one submitted entry. kOk: anchored and durable, or already so in the same form.
// kConflict, kSealSpent, kBadSignature, kNotSponsored, kMalformed, ...: refused, and nothing changed.
struct EntryVerdict {
  Code code = Code::kInternalError;
  uint64_t index = 0;  // log index, when kOk (of the first anchoring when it was already there)
  std::string detail;  // a sentence for people when refused
};

// A value for an index of the rendezvous.
struct RendezvousEntry {
  Bytes32 index{};
  ByteArray<ledger::kRendezvousValue> value{};
};

struct StatusVersion {
  uint64_t version = 0;
  Bytes32 digest{};
  uint64_t index = 0;
};

struct Definition {
  std::string schema;   // URL of the schema it is for
  std::string content;  // JSON text
};

// Who speaks to the node: a DID that the ledger accredits as sponsor, or an account key that the node's operator
// registered
// (`keel-registry account add`). The store and its key must outlive the client; one call at a time is made.
struct Account {
  std::string id;  // "did:keel:..." or "key:<Multikey>"
  crypto::KeyStore* store = nullptr;
  crypto::KeyHandle key;
  std::string kid;  // DIDs: "<did>#<key id>" of `key`; transactions then carry a sponsoring statement
};

struct ClientOptions {
  std::vector<std::string> endpoints;  // replaces net.keel's hints when not empty: "http://127.0.0.1:8080"
  uint64_t max_stale_seconds = 300;    // of a checkpoint, by this client's clock or quorum time
  uint64_t timeout_ms = 10'000;        // of one request
  std::string state_file;              // where the largest accepted checkpoint is kept; empty: memory only
  std::optional<Account> account;
};

// What net.keel says, checked: genesis descriptor hashes to the network, each later epoch follows from the one before.
struct NetworkFile {
  Bytes32 net{};
  std::string label;
  std::string words;                         // the eight words people compare
  std::vector<uint8_t> genesis;              // genesis descriptor octets (stamped into devices)
  std::vector<std::vector<uint8_t>> epochs;  // EPOCH octets of epochs 1.. in order (docs/formats/registry-api.md)
  std::vector<uint8_t> current;              // newest epoch's descriptor octets
  uint32_t current_epoch = 0;
  std::vector<std::string> endpoints;
};
// kMalformed, kUnknownVersion, kNoQuorum, kWrongEpoch.
Result<NetworkFile> ParseNetworkFile(std::string_view text);
std::string FormatNetworkFile(const NetworkFile& file);

// Thread-safe; calls block (at most timeout_ms an endpoint, tried in turn). Keeps `http`, `clock` and `random` by
// reference: they outlive it.
class RegistryClient final : public HistorySource {
 public:
  static Result<std::unique_ptr<RegistryClient>> Create(std::string_view net_keel, base::HttpClient& http, Clock& clock,
                                                        Random& random, ClientOptions options = {});
  ~RegistryClient() override;

  const NetworkFile& network() const;
  const Bytes32& net() const;
  const std::string& label() const;

  Result<VerifiedHistory> ResolveDid(const std::string& did) override;

  // Proofs of many map keys (ledger::MapKey(type, id)) and whole histories, all at the newest checkpoint. At most 1,024
  // keys, 64 DIDs. A DID that is absent is kNotFound.
  Result<ProofSet> ProveKeys(std::span<const Bytes32> keys, std::span<const std::string> dids = {});

  // Submits encoded log entries (ledger/entry.h: u8 type || body) and waits until they are durable; many go in several
  // transactions of at most 1,024 entries and 1 MiB. Each has its own verdict, in order. On an error (kQuotaExceeded,
  // kUnreachable, ...) it is unknown which are anchored: submitting the same octets again is safe (idempotent).
  Result<std::vector<EntryVerdict>> Submit(std::span<const std::vector<uint8_t>> entries);

  // Waits until the key is present at a verified checkpoint; kTimeout.
  Result<KeyProof> WaitAnchored(const Bytes32& key, uint64_t timeout_ms);

  // Publishes a rendezvous value (VALUE body: u8 suite || E || ciphertext) at the index; needs an account with the
  // node. Many, at most kMaxRendezvousEntries, in one call: all or none unless the error is of the connection
  // (publishing again is safe); kQuotaExceeded is tried again one by one, until none is left.
  Result<> PublishRendezvous(const Bytes32& index, ByteView value);
  Result<> PublishRendezvous(std::span<const RendezvousEntry> entries);
  // Asks for the values at the index (what a device's R0 does); random dummies included, newest first.
  Result<std::vector<std::vector<uint8_t>>> PollRendezvous(const Bytes32& index);

  // The quorum's time (protocol.md section 6), verified over a fresh nonce.
  Result<UnixSeconds> QuorumTime();

  // The newest verified checkpoint.
  Result<VerifiedCheckpoint> Checkpoint();

  // The content (JSON text) of a schema that its author anchored; its hash is proved by the map. kNotFound.
  Result<std::string> GetSchema(const std::string& author_did, const std::string& id);
  // A credential definition that its author anchored, proved the same way. kNotFound.
  Result<Definition> GetDefinition(const std::string& author_did, const std::string& id);
  // The newest anchored version of an issuer's status list, proved. kNotFound.
  Result<StatusVersion> GetStatusVersion(const std::string& issuer_did, const std::string& list_id);
  // The log index of an issuer's batch root, proved. kNotFound.
  Result<uint64_t> GetBatchIndex(const std::string& issuer_did, const Bytes32& root);

 private:
  struct Impl;
  explicit RegistryClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace keel::registry_client
