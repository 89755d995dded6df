// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string_view>

#include "ledger/operation.h"

namespace keel::ledger {

inline constexpr uint8_t kFlagDeactivated = 1;
inline constexpr uint64_t kForever = UINT64_MAX;

// When a key was good, in log indices: it was current for entries in [from, until), and what it signed counts when
// anchored at an index below bad_from.
struct KeyRecord {
  Bytes32 key_hash{};
  Uses uses = 0;
  uint64_t from = 0;
  uint64_t until = kForever;
  uint64_t bad_from = kForever;
};

struct CurrentKey {
  Bytes32 key_hash{};
  Uses uses = 0;
};

// head_i = H(0x01 || head_{i-1} || u64 log index || H(operation)).
Bytes32 NextHead(const Bytes32& head, uint64_t log_index, const Bytes32& operation_hash);
// The map value of a DID: head || flags.
ByteArray<kMapValueDid> DidMapValue(const Bytes32& head, uint8_t flags);

// Replays a DID's operations one by one in constant memory (about 600 octets) and checks each against those before:
// create's scid and signature, seq, prev, the next keys' commitment and threshold, rising log indices, the reason.
// After an error the object keeps the state before the refused operation. Copyable; not thread-safe.
class DidHistory {
 public:
  struct Options {
    // A holder of the map proof of the head need not check create's signature (section 1); the others always are.
    bool verify_create_signature = true;
    // Registry members only, when the signatures were verified a moment ago elsewhere.
    bool verify_signatures = true;
    // kOperationWork octets, or none (VerifyOperationSignatures).
    ByteSpan work;
  };

  // Begins an empty history of this DID. `records`, if given, collects when each key was good (must outlive the object
  // and its copies; 512 hold every history, fewer give kHistoryTooLong when full). kInvalidDid.
  Result<> Start(std::string_view did, std::span<KeyRecord> records);
  Result<> Start(std::string_view did) { return Start(did, {}); }
  // The same for a history known by its scid alone (registry members).
  void StartScid(const Bytes32& scid_hash, std::span<KeyRecord> records);
  // Collects records of this key only, so that a device needs two or three. After Start, before Apply.
  void Watch(const Bytes32& key_hash) {
    watched_ = key_hash;
    watching_ = true;
  }

  // Applies the operation that stands at log_index. kInvalidDid (not this scid's create), kConflict (seq, prev, index,
  // next keys), kBadSignature, kDeactivated, kHistoryTooLong, kOutOfRange (since in the future), and ParseOperation's
  // errors.
  Result<> Apply(uint64_t log_index, ByteView jws, const Options& options);
  Result<> Apply(uint64_t log_index, ByteView jws) { return Apply(log_index, jws, Options{}); }

  // Operations applied; 0 before create.
  uint32_t count() const { return count_; }
  uint64_t seq() const { return count_ == 0 ? 0 : count_ - 1; }
  bool deactivated() const { return (flags_ & kFlagDeactivated) != 0; }
  uint8_t flags() const { return flags_; }
  const Bytes32& head() const { return head_; }
  const Bytes32& last_operation() const { return last_operation_; }  // what the next operation's prev must be
  uint64_t last_index() const { return last_index_; }
  uint64_t create_index() const { return create_index_; }
  const Bytes32& scid_hash() const { return scid_hash_; }
  ByteArray<kMapValueDid> MapValue() const { return DidMapValue(head_, flags_); }
  bool has_seal0() const { return has_seal0_; }
  const Bytes32& seal0() const { return seal0_; }
  std::span<const CurrentKey> keys() const { return {keys_.data(), key_count_}; }
  uint8_t next_threshold() const { return next_threshold_; }
  std::span<const Bytes32> next() const { return {next_.data(), next_count_}; }

  // Is the key current with all these uses? False for a deactivated DID.
  bool IsCurrent(const Bytes32& key_hash, Uses uses) const;
  // Was what this key signed, anchored at log_index, good for these uses (rotation keeps it, compromise since p cuts it
  // at p)? Needs records given to Start. A deactivated DID's records end at its deactivation.
  bool KeyGoodAt(const Bytes32& key_hash, Uses uses, uint64_t log_index) const;
  std::span<const KeyRecord> records() const { return records_.first(record_count_); }

  // The state without records, for members that store it instead of replaying: Save writes kSavedSize octets.
  static constexpr size_t kSavedSize = 4 + 1 + 8 + 8 + 4 * 32 + 1 + 1 + kMaxKeys * 33 + 2 + kMaxNext * 32;
  void Save(std::span<uint8_t, kSavedSize> out) const;
  static Result<DidHistory> Restore(ByteView saved);

 private:
  Result<> ApplyCreate(const Operation& op, const Options& options) const;
  Result<> ApplyLater(const Operation& op, uint64_t log_index, const Options& options) const;
  Result<> KeepRecords(const Operation& op, uint64_t log_index);

  Bytes32 scid_hash_{};
  Bytes32 head_{};
  Bytes32 last_operation_{};
  Bytes32 seal0_{};
  Bytes32 watched_{};
  std::array<CurrentKey, kMaxKeys> keys_{};
  std::array<Bytes32, kMaxNext> next_{};
  std::span<KeyRecord> records_;
  size_t record_count_ = 0;
  uint64_t last_index_ = 0;
  uint64_t create_index_ = 0;
  uint32_t count_ = 0;
  uint8_t flags_ = 0;
  uint8_t key_count_ = 0;
  uint8_t next_threshold_ = 0;
  uint8_t next_count_ = 0;
  bool has_seal0_ = false;
  bool watching_ = false;
};

}  // namespace keel::ledger
