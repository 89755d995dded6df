// SPDX-License-Identifier: Apache-2.0
#include "ledger/entry.h"

#include "crypto/hash.h"

namespace keel::ledger {
namespace {

constexpr std::string_view kTransactionTag = "keel-tx/1\n";

uint8_t Octet(EntryType type) { return static_cast<uint8_t>(type); }

Result<size_t> Finish(const ByteWriter& w, const char* where) {
  if (!w.ok()) return Fail(Code::kBufferTooSmall, where);
  if (w.size() > kMaxEntry) return Fail(Code::kTooLarge, where);
  return w.size();
}

ByteArray<4> Be32(uint32_t value) {
  ByteArray<4> out{};
  ByteWriter(out).U32(value);
  return out;
}

Result<> Expect(ByteView entry, EntryType type) {
  KEEL_TRY(const EntryType found, TypeOfEntry(entry));
  if (found != type) return Fail(Code::kInvalidArgument, "log entry type");
  return {};
}

}  // namespace

Result<EntryType> TypeOfEntry(ByteView entry) {
  if (entry.size() < 2) return Fail(Code::kMalformed, "log entry");
  if (entry.size() > kMaxEntry) return Fail(Code::kTooLarge, "log entry");
  const EntryType type = static_cast<EntryType>(entry[0]);
  switch (type) {
    case EntryType::kOperation:
    case EntryType::kSpend:
    case EntryType::kBatch:
    case EntryType::kSchema:
    case EntryType::kDefinition:
    case EntryType::kStatus:
    case EntryType::kSponsor:
    case EntryType::kMember:
    case EntryType::kEpoch:
    case EntryType::kState: return type;
  }
  return Fail(Code::kUnsupported, "log entry type");
}

Result<SpendEntry> ParseSpendEntry(ByteView entry) {
  KEEL_TRY_VOID(Expect(entry, EntryType::kSpend));
  ByteReader r(BodyOfEntry(entry));
  SpendEntry spend;
  spend.seal = r.Fixed<32>();
  spend.link_hash = r.Fixed<32>();
  spend.policy = r.Take(r.U16());
  spend.sigs = r.Take(r.left());
  if (!r.done() || spend.policy.size() > kMaxPolicy || spend.sigs.empty() || spend.sigs.size() > kMaxSigs) {
    return Fail(Code::kMalformed, "spend entry");
  }
  return spend;
}

Result<BatchEntry> ParseBatchEntry(ByteView entry) {
  KEEL_TRY_VOID(Expect(entry, EntryType::kBatch));
  ByteReader r(BodyOfEntry(entry));
  BatchEntry batch;
  batch.root = r.Fixed<32>();
  batch.statement = r.Take(r.left());
  if (!r.done() || batch.statement.empty()) return Fail(Code::kMalformed, "batch entry");
  return batch;
}

Result<SignedPayloadEntry> ParseSignedPayloadEntry(ByteView entry) {
  KEEL_TRY(const EntryType type, TypeOfEntry(entry));
  if (type != EntryType::kSponsor && type != EntryType::kMember) return Fail(Code::kInvalidArgument, "log entry type");
  ByteReader r(BodyOfEntry(entry));
  SignedPayloadEntry parsed;
  parsed.payload = r.Take(r.U16());
  parsed.sigs = r.Take(r.left());
  if (!r.done() || parsed.payload.empty() || parsed.sigs.empty()) return Fail(Code::kMalformed, "signed payload entry");
  return parsed;
}

Result<size_t> WriteOperationEntry(ByteView jws, ByteSpan out) {
  ByteWriter w(out);
  w.U8(Octet(EntryType::kOperation)).Put(jws);
  return Finish(w, "operation entry");
}

Result<size_t> WriteSpendEntry(const SpendEntry& spend, ByteSpan out) {
  if (spend.policy.size() > kMaxPolicy) return Fail(Code::kInvalidArgument, "spend entry");
  ByteWriter w(out);
  w.U8(Octet(EntryType::kSpend)).Put(spend.seal).Put(spend.link_hash);
  w.U16(static_cast<uint16_t>(spend.policy.size())).Put(spend.policy).Put(spend.sigs);
  return Finish(w, "spend entry");
}

Result<size_t> WriteBatchEntry(const Bytes32& root, ByteView statement, ByteSpan out) {
  ByteWriter w(out);
  w.U8(Octet(EntryType::kBatch)).Put(root).Put(statement);
  return Finish(w, "batch entry");
}

Result<size_t> WriteStatementEntry(EntryType type, ByteView statement, ByteSpan out) {
  if (type != EntryType::kSchema && type != EntryType::kDefinition && type != EntryType::kStatus) {
    return Fail(Code::kInvalidArgument, "statement entry type");
  }
  ByteWriter w(out);
  w.U8(Octet(type)).Put(statement);
  return Finish(w, "statement entry");
}

Result<size_t> WriteSignedPayloadEntry(EntryType type, ByteView payload, ByteView sigs, ByteSpan out) {
  if ((type != EntryType::kSponsor && type != EntryType::kMember) || payload.size() > UINT16_MAX) {
    return Fail(Code::kInvalidArgument, "signed payload entry");
  }
  ByteWriter w(out);
  w.U8(Octet(type)).U16(static_cast<uint16_t>(payload.size())).Put(payload).Put(sigs);
  return Finish(w, "signed payload entry");
}

Result<size_t> WriteEpochEntry(ByteView bundle, ByteSpan out) {
  ByteWriter w(out);
  w.U8(Octet(EntryType::kEpoch)).Put(bundle);
  return Finish(w, "epoch entry");
}

Result<size_t> WriteMemberMessage(EntryType type, const Net& net, ByteView payload, ByteSpan out) {
  if (type != EntryType::kSponsor && type != EntryType::kMember) return Fail(Code::kInvalidArgument, "member message");
  ByteWriter w(out);
  w.Put(type == EntryType::kSponsor ? "keel-sponsor/1\n" : "keel-member/1\n").Put(net).Put(crypto::Sha256::Of(payload));
  return Finish(w, "member message");
}

Bytes32 DidKey(std::string_view did) { return MapKey(MapType::kDid, AsBytes(did)); }
Bytes32 SealKey(const Bytes32& seal) { return MapKey(MapType::kSeal, seal); }
Bytes32 BatchKey(std::string_view issuer_did, const Bytes32& root) {
  return MapKey(MapType::kBatch, AsBytes(issuer_did), root);
}
Bytes32 NamedKey(MapType type, std::string_view author_did, std::string_view id) {
  const uint8_t octet = static_cast<uint8_t>(type);
  return crypto::Sha256()
      .Update("keel-map/1\n")
      .Update(ByteView(&octet, 1))
      .Update(author_did)
      .Update("\n")
      .Update(id)
      .Final();
}
Bytes32 SponsorKey(std::string_view did) { return MapKey(MapType::kSponsor, AsBytes(did)); }
Bytes32 MemberKey(std::string_view id) { return MapKey(MapType::kMember, AsBytes(id)); }
Bytes32 EpochKey(uint32_t epoch) { return MapKey(MapType::kEpoch, Be32(epoch)); }

ByteArray<8> BatchMapValue(uint64_t log_index) {
  ByteArray<8> out{};
  ByteWriter(out).U64(log_index);
  return out;
}
ByteArray<40> DigestMapValue(const Bytes32& digest, uint64_t log_index) {
  ByteArray<40> out{};
  ByteWriter(out).Put(digest).U64(log_index);
  return out;
}
ByteArray<48> StatusMapValue(uint64_t version, const Bytes32& digest, uint64_t log_index) {
  ByteArray<48> out{};
  ByteWriter(out).U64(version).Put(digest).U64(log_index);
  return out;
}
ByteArray<32> SponsorMapValue(uint64_t seq, uint64_t quota, UnixSeconds until, uint64_t log_index) {
  ByteArray<32> out{};
  ByteWriter(out).U64(seq).U64(quota).U64(until).U64(log_index);
  return out;
}
ByteArray<48> MemberMapValue(uint64_t seq, const Bytes32& payload_hash, uint64_t log_index) {
  ByteArray<48> out{};
  ByteWriter(out).U64(seq).Put(payload_hash).U64(log_index);
  return out;
}

Result<Transaction> ParseTransaction(ByteView octets) {
  if (octets.size() > kMaxTransaction) return Fail(Code::kTooLarge, "transaction");
  ByteReader r(octets);
  const ByteView tag = r.Take(kTransactionTag.size());
  if (!Equal(tag, AsBytes(kTransactionTag))) return Fail(Code::kMalformed, "transaction");
  Transaction t;
  t.sponsoring = r.Take(r.U16());
  t.rest = octets.subspan(r.at());
  t.count = r.U32();
  if (!r.ok()) return Fail(Code::kMalformed, "transaction");
  if (t.count == 0 || t.count > kMaxTransactionEntries) return Fail(Code::kTooLarge, "transaction entries");
  for (uint32_t i = 0; i < t.count; ++i) {
    const size_t length = r.U32();
    if (length > kMaxEntry) return Fail(Code::kTooLarge, "transaction entry");
    r.Take(length);
  }
  if (!r.done()) return Fail(Code::kMalformed, "transaction entries");
  return t;
}

bool TransactionReader::Next(ByteView& entry) {
  if (left_ == 0) return false;
  --left_;
  entry = reader_.Take(reader_.U32());
  return reader_.ok();
}

Result<size_t> WriteTransactionRest(std::span<const ByteView> entries, ByteSpan out) {
  if (entries.empty() || entries.size() > kMaxTransactionEntries)
    return Fail(Code::kInvalidArgument, "transaction entries");
  ByteWriter w(out);
  w.U32(static_cast<uint32_t>(entries.size()));
  for (const ByteView entry : entries) {
    if (entry.size() > kMaxEntry) return Fail(Code::kTooLarge, "transaction entry");
    w.U32(static_cast<uint32_t>(entry.size())).Put(entry);
  }
  if (!w.ok()) return Fail(Code::kBufferTooSmall, "transaction");
  return w.size();
}

Result<size_t> WriteTransaction(ByteView sponsoring, ByteView rest, ByteSpan out) {
  if (sponsoring.size() > UINT16_MAX) return Fail(Code::kInvalidArgument, "transaction");
  ByteWriter w(out);
  w.Put(kTransactionTag).U16(static_cast<uint16_t>(sponsoring.size())).Put(sponsoring).Put(rest);
  if (!w.ok()) return Fail(Code::kBufferTooSmall, "transaction");
  if (w.size() > kMaxTransaction) return Fail(Code::kTooLarge, "transaction");
  return w.size();
}

}  // namespace keel::ledger
