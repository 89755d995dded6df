// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/time.h"
#include "ledger/entry.h"
#include "ledger/history.h"
#include "registry-node/map.h"

// The registry's state machine: the same entries in the same order give the same map on every member. What needs no
// state (form, signatures of operations and spends) is done by Prepare, on any thread; Apply does the rest, one entry
// after the other.
namespace keel::registry {

// An entry and what is known of it without the state.
struct PreparedEntry {
  std::vector<uint8_t> octets;
  ledger::EntryType type = ledger::EntryType::kState;
  Code refused = Code::kOk;  // by its form or its own signatures
  std::string detail;
  ledger::OperationKind kind = ledger::OperationKind::kCreate;  // operations:
  Bytes32 hash{};                                               // H(operation)
  Bytes32 scid{};                                               // of a create
  Bytes32 prev{};                                               // of the others
};
PreparedEntry Prepare(const ledger::Net& net, ByteView entry);

// A transaction, taken apart. Who sponsors it is judged when it is applied.
struct PreparedTransaction {
  std::vector<uint8_t> sponsoring;  // statement over the entries' digest, checked for form and digest; or empty
  std::vector<PreparedEntry> entries;
};
// kMalformed, kTooLarge; refused entries are inside. Large transactions are checked on all processors, by threads that
// end before it returns.
Result<PreparedTransaction> PrepareTransaction(const ledger::Net& net, ByteView octets);

// The decision about one entry.
struct Verdict {
  Code code = Code::kOk;
  uint64_t index = 0;  // when kOk: where it stands in the log
  bool fresh = false;  // kOk: it is a new entry (else it stood there already)
  std::string detail;
};

// A commit's changes over the stored state.
class Overlay {
 public:
  explicit Overlay(StoreReader base) : base_(std::move(base)) {}
  Result<std::optional<std::string>> Get(const std::string& key) const;
  void Put(std::string key, std::string value) { puts_[std::move(key)] = std::move(value); }
  // Sets a value of the map: stored under "v" and remembered for the map's update.
  void PutMap(const Bytes32& key, ByteView value);

  const std::unordered_map<std::string, std::string>& puts() const { return puts_; }
  const std::vector<MapUpdate>& map_updates() const { return map_updates_; }

 private:
  StoreReader base_;
  std::unordered_map<std::string, std::string> puts_;
  std::vector<MapUpdate> map_updates_;
};

// Keys of the store (docs/formats/registry-storage.md).
std::string EntryStoreKey(uint64_t index);
std::string ValueStoreKey(const Bytes32& map_key);
std::string DidStoreKey(const Bytes32& scid);

// A DID as stored: its replayed state and its operations' log indices.
struct StoredDid {
  ledger::DidHistory history;
  std::vector<uint64_t> indices;
};
// nullopt: no such DID.
Result<std::optional<StoredDid>> ReadDid(const StoreReader& reader, const Bytes32& scid);
// The public key that `kid` names, if it is current with these uses. kNotFound, kDeactivated, kNoSuchKey.
Result<crypto::PublicKey> ReadCurrentKey(const StoreReader& reader, std::string_view label, std::string_view kid,
                                         ledger::Uses uses);
// All current keys of a DID with these uses.
Result<std::vector<crypto::PublicKey>> ReadCurrentKeys(const StoreReader& reader, std::string_view label,
                                                       std::string_view did, ledger::Uses uses);

struct SponsorRecord {
  uint64_t seq = 0, quota = 0, until = 0, index = 0;
  bool ActiveAt(UnixSeconds now) const { return quota > 0 && (until == 0 || now < until); }
};
Result<std::optional<SponsorRecord>> ReadSponsor(const StoreReader& reader, std::string_view did);

// Needs external synchronisation (the writer thread).
class State {
 public:
  // `members`: of the newest epoch in the store.
  State(const ledger::Net& net, std::string label, ledger::MemberSet members)
      : net_(net), label_(std::move(label)), members_(std::move(members)) {}

  // Who stands behind a transaction. A member may sponsor by itself what it was asked for (design.md section 4).
  struct Sponsor {
    bool member = false;
    std::string did;      // an accredited sponsor, else empty
    std::string why_not;  // why there is none
    uint64_t quota = 0;
  };
  // Verifies the sponsoring statement against the state. Errors only when the store can't be read.
  Result<Sponsor> FindSponsor(const Overlay& overlay, const PreparedTransaction& transaction, bool member_sponsors,
                              UnixSeconds now);

  // Applies one entry that would stand at `index` at the commit's time. A refused entry leaves the overlay as it was,
  // but for evidence of double spends. An error (not a verdict) means that the store can't be read: the whole commit
  // must be dropped.
  Result<Verdict> Apply(Overlay& overlay, const PreparedEntry& entry, const Sponsor& sponsor, uint64_t index,
                        UnixSeconds now);

  const ledger::MemberSet& members() const { return members_; }
  // After a dropped commit.
  void SetMembers(ledger::MemberSet members) { members_ = std::move(members); }

 private:
  Result<Verdict> ApplyOperation(Overlay& overlay, const PreparedEntry& entry, const Sponsor& sponsor, uint64_t index,
                                 UnixSeconds now);
  Result<Verdict> ApplySpend(Overlay& overlay, const PreparedEntry& entry, uint64_t index);
  Result<Verdict> ApplyStatement(Overlay& overlay, const PreparedEntry& entry, const Sponsor& sponsor, uint64_t index,
                                 UnixSeconds now);
  Result<Verdict> ApplySponsor(Overlay& overlay, const PreparedEntry& entry, uint64_t index);
  Result<Verdict> ApplyMember(Overlay& overlay, const PreparedEntry& entry, uint64_t index);
  Result<Verdict> ApplyEpoch(Overlay& overlay, const PreparedEntry& entry, uint64_t index);
  // Takes one from the sponsor's daily quota; a refusal's text when it is used up or there is no sponsor.
  Result<std::optional<Verdict>> TakeSponsored(Overlay& overlay, const Sponsor& sponsor, UnixSeconds now,
                                               const char* what);

  ledger::Net net_;
  std::string label_;
  ledger::MemberSet members_;
};

}  // namespace keel::registry
