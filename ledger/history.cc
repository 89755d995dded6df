// SPDX-License-Identifier: Apache-2.0
#include "ledger/history.h"

#include "crypto/hash.h"

namespace keel::ledger {
namespace {

ByteArray<8> Be64(uint64_t value) {
  ByteArray<8> out{};
  ByteWriter(out).U64(value);
  return out;
}

}  // namespace

Bytes32 NextHead(const Bytes32& head, uint64_t log_index, const Bytes32& operation_hash) {
  const uint8_t tag = 0x01;
  return crypto::Sha256().Update(ByteView(&tag, 1)).Update(head).Update(Be64(log_index)).Update(operation_hash).Final();
}

ByteArray<kMapValueDid> DidMapValue(const Bytes32& head, uint8_t flags) {
  ByteArray<kMapValueDid> value{};
  ByteWriter(value).Put(head).U8(flags);
  return value;
}

Result<> DidHistory::Start(std::string_view did, std::span<KeyRecord> records) {
  KEEL_TRY(const DidParts parts, ParseDid(did));
  StartScid(parts.scid_hash, records);
  return {};
}

void DidHistory::StartScid(const Bytes32& scid_hash, std::span<KeyRecord> records) {
  *this = DidHistory();
  scid_hash_ = scid_hash;
  records_ = records;
}

Result<> DidHistory::ApplyCreate(const Operation& op, const Options& options) const {
  if (op.kind != OperationKind::kCreate) return Fail(Code::kConflict, "history does not begin with create");
  if (crypto::Sha256::Of(op.payload) != scid_hash_) return Fail(Code::kInvalidDid, "create is not this identifier's");
  if (options.verify_signatures && options.verify_create_signature)
    KEEL_TRY_VOID(VerifyOperationSignatures(op, options.work));
  return {};
}

Result<> DidHistory::ApplyLater(const Operation& op, uint64_t log_index, const Options& options) const {
  if (deactivated()) return Fail(Code::kDeactivated, "operation after deactivation");
  if (op.kind == OperationKind::kCreate) return Fail(Code::kConflict, "second create");
  if (op.seq != count_) return Fail(Code::kConflict, "operation seq");
  if (op.prev != last_operation_) return Fail(Code::kConflict, "operation prev");
  if (log_index <= last_index_) return Fail(Code::kConflict, "operation log index does not rise");
  if (op.reason == Reason::kCompromise && op.since > log_index) return Fail(Code::kOutOfRange, "operation since");
  if (op.by_count != next_threshold_)
    return Fail(Code::kConflict, "operation is not signed by the threshold of next keys");
  for (size_t i = 0; i < op.by_count; ++i) {  // `by` is distinct (ParseOperation), so distinct hashes
    const Bytes32 hash = KeyHashOfText(op.by[i]);
    bool committed = false;
    for (const Bytes32& each : next()) committed = committed || each == hash;
    if (!committed) return Fail(Code::kConflict, "operation is signed by a key that was not committed to");
  }
  if (options.verify_signatures) KEEL_TRY_VOID(VerifyOperationSignatures(op, options.work));
  return {};
}

Result<> DidHistory::KeepRecords(const Operation& op, uint64_t log_index) {
  if (records_.empty()) return {};
  // First make sure that all fits, so that an error changes nothing.
  size_t wanted = 0;
  std::array<bool, kMaxKeys> goes_on{};
  std::array<Bytes32, kMaxKeys> hashes{};
  for (size_t i = 0; i < op.key_count; ++i) {
    hashes[i] = KeyHashOfText(op.keys[i].multikey);
    if (watching_ && hashes[i] != watched_) goes_on[i] = true;  // not collected
    for (size_t r = 0; r < record_count_ && op.reason == Reason::kRoutine; ++r) {
      const KeyRecord& record = records_[r];
      if (record.until == kForever && record.key_hash == hashes[i] && record.uses == op.keys[i].uses) goes_on[i] = true;
    }
    if (!goes_on[i]) ++wanted;
  }
  if (wanted > records_.size() - record_count_)
    return Fail(Code::kHistoryTooLong, "history: more key records than room");
  for (size_t r = 0; r < record_count_; ++r) {
    KeyRecord& record = records_[r];
    if (op.reason == Reason::kCompromise && record.until > op.since && op.since < record.bad_from) {
      record.bad_from = op.since;
    }
    if (record.until != kForever) continue;
    bool kept = false;
    for (size_t i = 0; i < op.key_count && op.reason == Reason::kRoutine; ++i) {
      kept = kept || (record.key_hash == hashes[i] && record.uses == op.keys[i].uses);
    }
    if (!kept) record.until = log_index;
  }
  for (size_t i = 0; i < op.key_count; ++i) {
    if (goes_on[i]) continue;
    KeyRecord& record = records_[record_count_++];
    record = KeyRecord{hashes[i], op.keys[i].uses, log_index, kForever, kForever};
  }
  return {};
}

Result<> DidHistory::Apply(uint64_t log_index, ByteView jws, const Options& options) {
  if (count_ == kMaxOperations) return Fail(Code::kHistoryTooLong, "history: over 64 operations");
  ByteArray<kMaxOperationPayload> scratch;
  // Not copied out: the stack below holds a signature check, and there is little of it on a microcontroller.
  const auto parsed = ParseOperation(jws, scratch);
  if (!parsed) return std::unexpected<Error>(parsed.error());
  const Operation& op = *parsed;
  if (count_ == 0) {
    KEEL_TRY_VOID(ApplyCreate(op, options));
  } else {
    KEEL_TRY_VOID(ApplyLater(op, log_index, options));
  }
  KEEL_TRY_VOID(KeepRecords(op, log_index));

  const Bytes32 hash = OperationHash(jws);
  head_ = NextHead(head_, log_index, hash);
  last_operation_ = hash;
  last_index_ = log_index;
  if (count_ == 0) {
    create_index_ = log_index;
    has_seal0_ = op.has_seal0;
    seal0_ = op.seal0;
  }
  ++count_;
  if (op.kind == OperationKind::kDeactivate) flags_ |= kFlagDeactivated;
  key_count_ = op.key_count;
  for (size_t i = 0; i < op.key_count; ++i) keys_[i] = CurrentKey{KeyHashOfText(op.keys[i].multikey), op.keys[i].uses};
  next_threshold_ = op.next_threshold;
  next_count_ = op.next_count;
  next_ = op.next;
  return {};
}

bool DidHistory::IsCurrent(const Bytes32& key_hash, Uses uses) const {
  if (deactivated()) return false;
  for (const CurrentKey& key : keys()) {
    if (key.key_hash == key_hash && (key.uses & uses) == uses) return true;
  }
  return false;
}

bool DidHistory::KeyGoodAt(const Bytes32& key_hash, Uses uses, uint64_t log_index) const {
  for (const KeyRecord& record : records()) {
    if (record.key_hash == key_hash && (record.uses & uses) == uses && record.from <= log_index &&
        log_index < record.until && log_index < record.bad_from) {
      return true;
    }
  }
  return false;
}

void DidHistory::Save(std::span<uint8_t, kSavedSize> out) const {
  std::memset(out.data(), 0, out.size());
  ByteWriter w(out);
  w.U32(count_).U8(flags_).U64(last_index_).U64(create_index_);
  w.Put(scid_hash_).Put(head_).Put(last_operation_).Put(seal0_).U8(has_seal0_ ? 1 : 0).U8(key_count_);
  for (const CurrentKey& key : keys_) w.Put(key.key_hash).U8(key.uses);
  w.U8(next_threshold_).U8(next_count_);
  for (const Bytes32& hash : next_) w.Put(hash);
  KEEL_ASSERT(w.ok());
}

Result<DidHistory> DidHistory::Restore(ByteView saved) {
  ByteReader r(saved);
  DidHistory h;
  h.count_ = r.U32();
  h.flags_ = r.U8();
  h.last_index_ = r.U64();
  h.create_index_ = r.U64();
  h.scid_hash_ = r.Fixed<32>();
  h.head_ = r.Fixed<32>();
  h.last_operation_ = r.Fixed<32>();
  h.seal0_ = r.Fixed<32>();
  const uint8_t has_seal0 = r.U8();
  h.has_seal0_ = has_seal0 == 1;
  h.key_count_ = r.U8();
  for (CurrentKey& key : h.keys_) {
    key.key_hash = r.Fixed<32>();
    key.uses = r.U8();
  }
  h.next_threshold_ = r.U8();
  h.next_count_ = r.U8();
  for (Bytes32& hash : h.next_) hash = r.Fixed<32>();
  if (!r.done() || h.count_ > kMaxOperations || h.key_count_ > kMaxKeys || h.next_count_ > kMaxNext || has_seal0 > 1) {
    return Fail(Code::kCorrupt, "saved history");
  }
  return h;
}

}  // namespace keel::ledger
