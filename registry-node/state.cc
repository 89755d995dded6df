// SPDX-License-Identifier: Apache-2.0
#include "registry-node/state.h"

#include <algorithm>
#include <thread>

#include "crypto/hash.h"
#include "ledger/seal.h"
#include "ledger/statement.h"

namespace keel::registry {
namespace {

using ledger::EntryType;

constexpr uint64_t kDay = 24 * 3600;
constexpr size_t kMaxEvidence = 8;        // refused spends kept per seal
constexpr size_t kEntriesPerThread = 64;  // some 3 ms of checking: a thread's start costs a hundredth of it

std::string Key(char prefix, ByteView a, ByteView b = {}) {
  std::string key(1, prefix);
  key += AsText(a);
  key += AsText(b);
  return key;
}

Verdict Refuse(Code code, std::string detail) { return {code, 0, false, std::move(detail)}; }
Verdict RefuseBy(const Error& error) {
  Verdict v;
  v.code = error.code;
  v.detail = error.where;
  if (!error.detail.empty()) v.detail += ": " + error.detail;
  return v;
}
Verdict Anchored(uint64_t index) { return {Code::kOk, index, true, {}}; }
Verdict Already(uint64_t index) { return {Code::kOk, index, false, {}}; }

StoreReader ReaderOf(const Overlay& overlay) {
  return [&overlay](std::string_view key) { return overlay.Get(std::string(key)); };
}

// The map value under a key, at least `length` octets.
Result<std::optional<std::string>> ReadValue(const StoreReader& reader, const Bytes32& map_key, size_t length) {
  KEEL_TRY(auto value, reader(ValueStoreKey(map_key)));
  if (value && value->size() != length) return Fail(Code::kCorrupt, "map value", "wrong length");
  return value;
}

std::string EncodeDid(const StoredDid& did) {
  ByteArray<ledger::DidHistory::kSavedSize> saved{};
  did.history.Save(saved);
  std::string out(AsText(saved));
  for (uint64_t index : did.indices) {
    for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(index >> shift));
  }
  return out;
}

}  // namespace

std::string EntryStoreKey(uint64_t index) {
  std::string key(9, 'e');
  for (size_t i = 0; i < 8; ++i) key[1 + i] = static_cast<char>(index >> (56 - 8 * i));
  return key;
}
std::string ValueStoreKey(const Bytes32& map_key) { return Key('v', map_key); }
std::string DidStoreKey(const Bytes32& scid) { return Key('d', scid); }

Result<std::optional<std::string>> Overlay::Get(const std::string& key) const {
  const auto it = puts_.find(key);
  if (it != puts_.end()) return std::optional<std::string>(it->second);
  return base_(key);
}

void Overlay::PutMap(const Bytes32& key, ByteView value) {
  Put(ValueStoreKey(key), std::string(AsText(value)));
  map_updates_.push_back({key, crypto::Sha256::Of(value)});
}

PreparedEntry Prepare(const ledger::Net& net, ByteView entry) {
  PreparedEntry out;
  out.octets.assign(entry.begin(), entry.end());
  const auto refuse = [&out](const Error& error) {
    const Verdict v = RefuseBy(error);
    out.refused = v.code;
    out.detail = v.detail;
    return std::move(out);
  };
  const auto type = ledger::TypeOfEntry(entry);
  if (!type) return refuse(type.error());
  out.type = *type;
  switch (*type) {
    case EntryType::kOperation: {
      ByteArray<ledger::kMaxOperationPayload> scratch;
      const ByteView jws = ledger::BodyOfEntry(entry);
      const auto op = ledger::ParseOperation(jws, scratch);
      if (!op) return refuse(op.error());
      if (auto ok = ledger::VerifyOperationSignatures(*op); !ok) return refuse(ok.error());
      out.kind = op->kind;
      out.hash = ledger::OperationHash(jws);
      out.prev = op->prev;
      if (op->kind == ledger::OperationKind::kCreate) {
        if (op->net != net) return refuse(Fail(Code::kWrongNetwork, "create", "made for another network").error());
        out.scid = crypto::Sha256::Of(op->payload);
      }
      break;
    }
    case EntryType::kSpend: {
      const auto spend = ledger::ParseSpendEntry(entry);
      if (!spend) return refuse(spend.error());
      if (auto ok = ledger::VerifySpend(net, spend->seal, spend->link_hash, spend->policy, spend->sigs); !ok)
        return refuse(ok.error());
      break;
    }
    case EntryType::kState:
      out.refused = Code::kUnsupported;
      out.detail = "state leaves are written by members alone";
      break;
    case EntryType::kBatch:
    case EntryType::kSchema:
    case EntryType::kDefinition:
    case EntryType::kStatus:
    case EntryType::kSponsor:
    case EntryType::kMember:
    case EntryType::kEpoch: break;  // their signatures need the state
  }
  return out;
}

Result<PreparedTransaction> PrepareTransaction(const ledger::Net& net, ByteView octets) {
  KEEL_TRY(const ledger::Transaction tx, ledger::ParseTransaction(octets));
  PreparedTransaction out;
  if (!tx.sponsoring.empty()) {
    std::vector<uint8_t> scratch(tx.sponsoring.size());
    KEEL_TRY(const ledger::Statement statement, ledger::ParseStatement(tx.sponsoring, scratch));
    if (statement.op != "sponsoring") return Fail(Code::kMalformed, "transaction", "its statement is no sponsoring");
    KEEL_TRY(const Bytes32 digest, ledger::ParseSponsoringPayload(statement.payload));
    if (digest != crypto::Sha256::Of(tx.rest))
      return Fail(Code::kBadSignature, "transaction", "the sponsoring is for other entries");
    out.sponsoring.assign(tx.sponsoring.begin(), tx.sponsoring.end());
  }
  std::vector<ByteView> views;
  views.reserve(tx.count);
  ledger::TransactionReader reader(tx);
  ByteView entry;
  while (reader.Next(entry)) views.push_back(entry);
  out.entries.resize(views.size());
  const auto prepare = [&](size_t first, size_t step) {
    for (size_t i = first; i < views.size(); i += step) out.entries[i] = Prepare(net, views[i]);
  };
  // The entries' signatures are nearly all of the work, and each is checked by itself.
  const size_t threads =
      std::clamp<size_t>(views.size() / kEntriesPerThread, 1, std::max(1u, std::thread::hardware_concurrency()));
  std::vector<std::jthread> helpers;
  for (size_t t = 1; t < threads; ++t) helpers.emplace_back(prepare, t, threads);
  prepare(0, threads);
  helpers.clear();  // joins
  return out;
}

Result<std::optional<StoredDid>> ReadDid(const StoreReader& reader, const Bytes32& scid) {
  KEEL_TRY(const auto octets, reader(DidStoreKey(scid)));
  if (!octets) return std::optional<StoredDid>();
  constexpr size_t kSaved = ledger::DidHistory::kSavedSize;
  if (octets->size() < kSaved + 8 || (octets->size() - kSaved) % 8 != 0)
    return Fail(Code::kCorrupt, "stored DID", "wrong length");
  StoredDid did;
  KEEL_TRY(did.history, ledger::DidHistory::Restore(AsBytes(*octets).first(kSaved)));
  ByteReader r(AsBytes(*octets).subspan(kSaved));
  while (r.left() > 0) did.indices.push_back(r.U64());
  return std::optional<StoredDid>(std::move(did));
}

namespace {

// Calls `use` for every key of the DID's newest operation; false ends the walk.
template <typename Use>
Result<> ForCurrentKeys(const StoreReader& reader, std::string_view label, std::string_view did, Use use) {
  KEEL_TRY(const ledger::DidParts parts, ledger::ParseDidOf(did, label));
  KEEL_TRY(const auto stored, ReadDid(reader, parts.scid_hash));
  if (!stored) return Fail(Code::kNotFound, "DID", std::string(did) + " is not anchored");
  if (stored->history.deactivated()) return Fail(Code::kDeactivated, "DID", std::string(did) + " is deactivated");
  KEEL_TRY(const auto entry, reader(EntryStoreKey(stored->indices.back())));
  if (!entry) return Fail(Code::kCorrupt, "stored DID", "its last operation is missing");
  ByteArray<ledger::kMaxOperationPayload> scratch;
  KEEL_TRY(const ledger::Operation op, ledger::ParseOperation(ledger::BodyOfEntry(AsBytes(*entry)), scratch));
  for (size_t i = 0; i < op.key_count; ++i) {
    if (!use(op.keys[i])) break;
  }
  return {};
}

}  // namespace

Result<crypto::PublicKey> ReadCurrentKey(const StoreReader& reader, std::string_view label, std::string_view kid,
                                         ledger::Uses uses) {
  KEEL_TRY(const ledger::KidParts parts, ledger::ParseKid(kid));
  std::optional<Result<crypto::PublicKey>> found;
  KEEL_TRY_VOID(ForCurrentKeys(reader, label, parts.did, [&](const ledger::OperationKey& key) {
    if (key.id != parts.id || (key.uses & uses) != uses) return true;
    found = crypto::PublicKey::FromMultikey(key.multikey);
    return false;
  }));
  if (!found) return Fail(Code::kNoSuchKey, "DID", std::string(kid) + " is not a current key for this use");
  return *found;
}

Result<std::vector<crypto::PublicKey>> ReadCurrentKeys(const StoreReader& reader, std::string_view label,
                                                       std::string_view did, ledger::Uses uses) {
  std::vector<crypto::PublicKey> out;
  KEEL_TRY_VOID(ForCurrentKeys(reader, label, did, [&](const ledger::OperationKey& key) {
    if ((key.uses & uses) == uses) {
      if (auto parsed = crypto::PublicKey::FromMultikey(key.multikey); parsed) out.push_back(*parsed);
    }
    return true;
  }));
  return out;
}

Result<std::optional<SponsorRecord>> ReadSponsor(const StoreReader& reader, std::string_view did) {
  KEEL_TRY(const auto value, ReadValue(reader, ledger::SponsorKey(did), 32));
  if (!value) return std::optional<SponsorRecord>();
  ByteReader r(AsBytes(*value));
  SponsorRecord record;
  record.seq = r.U64();
  record.quota = r.U64();
  record.until = r.U64();
  record.index = r.U64();
  return std::optional<SponsorRecord>(record);
}

Result<State::Sponsor> State::FindSponsor(const Overlay& overlay, const PreparedTransaction& transaction,
                                          bool member_sponsors, UnixSeconds now) {
  Sponsor sponsor;
  sponsor.member = member_sponsors;
  sponsor.why_not =
      "the transaction carries no sponsoring statement of an accredited sponsor, and the account may not ask this "
      "member to sponsor";
  if (transaction.sponsoring.empty()) return sponsor;
  const StoreReader reader = ReaderOf(overlay);
  std::vector<uint8_t> scratch(transaction.sponsoring.size());
  KEEL_TRY(const ledger::Statement statement, ledger::ParseStatement(transaction.sponsoring, scratch));
  const auto key = ReadCurrentKey(reader, label_, statement.kid.view(), ledger::kUseAssertion);
  if (!key) {
    if (key.error().code == Code::kIo || key.error().code == Code::kCorrupt) return std::unexpected(key.error());
    sponsor.why_not = "sponsoring statement: " + RefuseBy(key.error()).detail;
    return sponsor;
  }
  if (!ledger::VerifyStatement(statement, *key)) {
    sponsor.why_not = "the sponsoring statement's signature is wrong";
    return sponsor;
  }
  const std::string did(statement.kid_parts().did);
  KEEL_TRY(const auto record, ReadSponsor(reader, did));
  if (!record || !record->ActiveAt(now)) {
    sponsor.why_not = did + " is not an accredited sponsor";
    return sponsor;
  }
  sponsor.did = did;
  sponsor.quota = record->quota;
  return sponsor;
}

Result<std::optional<Verdict>> State::TakeSponsored(Overlay& overlay, const Sponsor& sponsor, UnixSeconds now,
                                                    const char* what) {
  if (sponsor.did.empty()) {
    if (sponsor.member) return std::optional<Verdict>();
    return std::optional<Verdict>(
        Refuse(Code::kNotSponsored, std::string(what) + " needs a sponsor: " + sponsor.why_not));
  }
  // 'q' || DID -> u64 day || u64 used. Not in the map: it bounds, it proves nothing.
  const std::string key = Key('q', AsBytes(sponsor.did));
  KEEL_TRY(const auto value, overlay.Get(key));
  uint64_t day = now / kDay, used = 0;
  if (value) {
    ByteReader r(AsBytes(*value));
    if (r.U64() == day) used = r.U64();
  }
  if (used >= sponsor.quota) {
    return std::optional<Verdict>(Refuse(
        Code::kQuotaExceeded, sponsor.did + " has used its " + std::to_string(sponsor.quota) + " entries of today"));
  }
  ByteArray<16> next{};
  ByteWriter(next).U64(day).U64(used + 1);
  overlay.Put(key, std::string(AsText(next)));
  return std::optional<Verdict>();
}

Result<Verdict> State::Apply(Overlay& overlay, const PreparedEntry& entry, const Sponsor& sponsor, uint64_t index,
                             UnixSeconds now) {
  if (entry.refused != Code::kOk) return Refuse(entry.refused, entry.detail);
  Result<Verdict> verdict = Refuse(Code::kUnsupported, "entry type");
  switch (entry.type) {
    case EntryType::kOperation: verdict = ApplyOperation(overlay, entry, sponsor, index, now); break;
    case EntryType::kSpend: verdict = ApplySpend(overlay, entry, index); break;
    case EntryType::kBatch:
    case EntryType::kSchema:
    case EntryType::kDefinition:
    case EntryType::kStatus: verdict = ApplyStatement(overlay, entry, sponsor, index, now); break;
    case EntryType::kSponsor: verdict = ApplySponsor(overlay, entry, index); break;
    case EntryType::kMember: verdict = ApplyMember(overlay, entry, index); break;
    case EntryType::kEpoch: verdict = ApplyEpoch(overlay, entry, index); break;
    case EntryType::kState: break;
  }
  if (!verdict) {
    // Reading failed: no verdict. Anything else is the entry's fault.
    const Code code = verdict.error().code;
    if (code == Code::kIo || code == Code::kCorrupt || code == Code::kNoSpace || code == Code::kUnavailable)
      return verdict;
    return RefuseBy(verdict.error());
  }
  if (verdict->code == Code::kOk && verdict->fresh)
    overlay.Put(EntryStoreKey(index), std::string(AsText(entry.octets)));
  return verdict;
}

Result<Verdict> State::ApplyOperation(Overlay& overlay, const PreparedEntry& entry, const Sponsor& sponsor,
                                      uint64_t index, UnixSeconds now) {
  // 'o' || H(operation) -> scid || u64 index: finds an update's DID by `prev`, and repetitions.
  const std::string op_key = Key('o', entry.hash);
  KEEL_TRY(const auto known, overlay.Get(op_key));
  if (known) {
    ByteReader r(AsBytes(*known));
    r.Take(32);
    return Already(r.U64());
  }
  StoredDid did;
  Bytes32 scid = entry.scid;
  const StoreReader reader = ReaderOf(overlay);
  if (entry.kind == ledger::OperationKind::kCreate) {
    KEEL_TRY(const auto there, ReadDid(reader, scid));
    if (there)
      return Refuse(Code::kConflict, "this DID was created before with other octets; the first create anchored stands");
    did.history.StartScid(scid, {});
  } else {
    KEEL_TRY(const auto previous, overlay.Get(Key('o', entry.prev)));
    if (!previous) return Refuse(Code::kNotFound, "the operation that prev names is not anchored");
    ByteReader r(AsBytes(*previous));
    scid = r.Fixed<32>();
    KEEL_TRY(auto there, ReadDid(reader, scid));
    if (!there) return Fail(Code::kCorrupt, "stored DID", "missing");
    did = std::move(*there);
  }
  ledger::DidHistory::Options options;
  options.verify_create_signature = false;  // Prepare did
  options.verify_signatures = false;
  if (auto ok = did.history.Apply(index, ledger::BodyOfEntry(entry.octets), options); !ok) return RefuseBy(ok.error());
  if (entry.kind == ledger::OperationKind::kCreate) {
    KEEL_TRY(const auto refused, TakeSponsored(overlay, sponsor, now, "a create"));
    if (refused) return *refused;
  }
  did.indices.push_back(index);
  KEEL_TRY(const ledger::Did text, ledger::DidOfScid(label_, scid));
  overlay.Put(DidStoreKey(scid), EncodeDid(did));
  ByteArray<40> where{};
  ByteWriter(where).Put(scid).U64(index);
  overlay.Put(op_key, std::string(AsText(where)));
  overlay.PutMap(ledger::DidKey(text.view()), did.history.MapValue());
  return Anchored(index);
}

Result<Verdict> State::ApplySpend(Overlay& overlay, const PreparedEntry& entry, uint64_t index) {
  KEEL_TRY(const ledger::SpendEntry spend, ledger::ParseSpendEntry(entry.octets));
  const Bytes32 key = ledger::SealKey(spend.seal);
  KEEL_TRY(const auto value, ReadValue(ReaderOf(overlay), key, ledger::kMapValueSeal));
  if (value) {
    ByteReader r(AsBytes(*value));
    const Bytes32 link = r.Fixed<32>();
    const uint64_t first = r.U64();
    if (link == spend.link_hash) return Already(first);
    // Both are signed under the seal's policy: proof that its holder sold twice. 'x' || seal || u8 number -> the
    // refused entry.
    for (size_t i = 0; i < kMaxEvidence; ++i) {
      const uint8_t number = static_cast<uint8_t>(i);
      const std::string at = Key('x', spend.seal, ByteView(&number, 1));
      KEEL_TRY(const auto there, overlay.Get(at));
      if (there && Equal(AsBytes(*there), entry.octets)) break;
      if (there) continue;
      overlay.Put(at, std::string(AsText(entry.octets)));
      break;
    }
    return Refuse(Code::kSealSpent, "the seal was spent on another link at index " + std::to_string(first) +
                                        "; both spends are kept as evidence");
  }
  overlay.PutMap(key, ledger::SpendMapValue(spend.link_hash, index));
  return Anchored(index);
}

Result<Verdict> State::ApplyStatement(Overlay& overlay, const PreparedEntry& entry, const Sponsor& sponsor,
                                      uint64_t index, UnixSeconds now) {
  Bytes32 root{};
  ByteView jws = ledger::BodyOfEntry(entry.octets);
  if (entry.type == EntryType::kBatch) {
    KEEL_TRY(const ledger::BatchEntry batch, ledger::ParseBatchEntry(entry.octets));
    root = batch.root;
    jws = batch.statement;
  }
  std::vector<uint8_t> scratch(jws.size());
  KEEL_TRY(const ledger::Statement statement, ledger::ParseStatement(jws, scratch));
  const StoreReader reader = ReaderOf(overlay);
  KEEL_TRY(const crypto::PublicKey key, ReadCurrentKey(reader, label_, statement.kid.view(), ledger::kUseAssertion));
  KEEL_TRY_VOID(ledger::VerifyStatement(statement, key));
  const std::string_view author = statement.kid_parts().did;
  const Bytes32 payload_hash = crypto::Sha256::Of(AsBytes(statement.payload));

  // An accredited author is its own sponsor.
  Sponsor by = sponsor;
  if (by.did.empty() && !by.member) {
    KEEL_TRY(const auto record, ReadSponsor(reader, author));
    if (record && record->ActiveAt(now)) {
      by.did = author;
      by.quota = record->quota;
    }
  }

  if (entry.type == EntryType::kBatch) {
    if (statement.op != "batch") return Refuse(Code::kMalformed, "statement: op is not batch");
    KEEL_TRY(const ledger::BatchPayload payload, ledger::ParseBatchPayload(statement.payload));
    if (payload.root != root) return Refuse(Code::kMalformed, "batch: the statement is for another root");
    const Bytes32 map_key = ledger::BatchKey(author, root);
    KEEL_TRY(const auto value, ReadValue(reader, map_key, 8));
    if (value) return Already(ByteReader(AsBytes(*value)).U64());
    KEEL_TRY(const auto refused, TakeSponsored(overlay, by, now, "an issuer batch"));
    if (refused) return *refused;
    overlay.PutMap(map_key, ledger::BatchMapValue(index));
    return Anchored(index);
  }
  if (entry.type == EntryType::kStatus) {
    if (statement.op != "status") return Refuse(Code::kMalformed, "statement: op is not status");
    KEEL_TRY(const ledger::StatusPayload payload, ledger::ParseStatusPayload(statement.payload));
    const Bytes32 map_key = ledger::NamedKey(ledger::MapType::kStatus, author, payload.id);
    KEEL_TRY(const auto value, ReadValue(reader, map_key, 48));
    if (value) {
      ByteReader r(AsBytes(*value));
      const uint64_t version = r.U64();
      const Bytes32 digest = r.Fixed<32>();
      const uint64_t first = r.U64();
      if (payload.version == version && payload.digest == digest) return Already(first);
      if (payload.version <= version) {
        return Refuse(Code::kStale, "version " + std::to_string(payload.version) + " is not above the anchored " +
                                        std::to_string(version));
      }
    } else {
      // The first version of a list needs a sponsor; later ones continue what exists.
      KEEL_TRY(const auto refused, TakeSponsored(overlay, by, now, "a new status list"));
      if (refused) return *refused;
    }
    overlay.PutMap(map_key, ledger::StatusMapValue(payload.version, payload.digest, index));
    return Anchored(index);
  }
  const bool definition = entry.type == EntryType::kDefinition;
  if (statement.op != (definition ? "definition" : "schema"))
    return Refuse(Code::kMalformed, "statement: op doesn't fit the entry's type");
  KEEL_TRY(const ledger::SchemaPayload payload, ledger::ParseSchemaPayload(statement.payload, definition));
  const Bytes32 map_key =
      ledger::NamedKey(definition ? ledger::MapType::kDefinition : ledger::MapType::kSchema, author, payload.id);
  KEEL_TRY(const auto value, ReadValue(reader, map_key, 40));
  if (value) {
    ByteReader r(AsBytes(*value));
    const Bytes32 digest = r.Fixed<32>();
    const uint64_t first = r.U64();
    if (digest == payload_hash) return Already(first);
    return Refuse(Code::kConflict, "this id is anchored with other content; schemas never change: take a new id");
  }
  KEEL_TRY(const auto refused, TakeSponsored(overlay, by, now, "a schema"));
  if (refused) return *refused;
  overlay.PutMap(map_key, ledger::DigestMapValue(payload_hash, index));
  return Anchored(index);
}

Result<Verdict> State::ApplySponsor(Overlay& overlay, const PreparedEntry& entry, uint64_t index) {
  KEEL_TRY(const ledger::SignedPayloadEntry parts, ledger::ParseSignedPayloadEntry(entry.octets));
  KEEL_TRY(const ledger::SponsorPayload payload, ledger::ParseSponsorPayload(AsText(parts.payload)));
  ByteArray<ledger::kMaxMemberMessage> message;
  KEEL_TRY(const size_t n, ledger::WriteMemberMessage(EntryType::kSponsor, net_, parts.payload, message));
  KEEL_TRY_VOID(ledger::VerifySigs(parts.sigs, std::span(members_.keys).first(members_.count), members_.quorum, false,
                                   ByteView(message).first(n)));
  KEEL_TRY_VOID(ledger::ParseDidOf(payload.did, label_));
  const StoreReader reader = ReaderOf(overlay);
  KEEL_TRY(const auto there, ReadSponsor(reader, payload.did));
  if (there) {
    if (there->seq == payload.seq && there->quota == payload.quota && there->until == payload.until)
      return Already(there->index);
    if (payload.seq <= there->seq)
      return Refuse(Code::kStale, "seq is not above the anchored " + std::to_string(there->seq));
  }
  overlay.Put(Key('s', AsBytes(payload.did)), "1");  // for listing; the map can't be listed
  overlay.PutMap(ledger::SponsorKey(payload.did),
                 ledger::SponsorMapValue(payload.seq, payload.quota, payload.until, index));
  return Anchored(index);
}

Result<Verdict> State::ApplyMember(Overlay& overlay, const PreparedEntry& entry, uint64_t index) {
  KEEL_TRY(const ledger::SignedPayloadEntry parts, ledger::ParseSignedPayloadEntry(entry.octets));
  KEEL_TRY(const ledger::MemberPayload payload, ledger::ParseMemberPayload(AsText(parts.payload)));
  ByteArray<ledger::kMaxMemberMessage> message;
  KEEL_TRY(const size_t n, ledger::WriteMemberMessage(EntryType::kMember, net_, parts.payload, message));
  // "SIGS of that member alone": the descriptor in force says which number the id has.
  ByteArray<4> epoch{};
  ByteWriter(epoch).U32(members_.epoch);
  KEEL_TRY(const auto epoch_value, ReadValue(ReaderOf(overlay), ledger::EpochKey(members_.epoch), 40));
  if (!epoch_value) return Fail(Code::kCorrupt, "epoch", "the current epoch is not in the map");
  KEEL_TRY(const auto epoch_entry, overlay.Get(EntryStoreKey(ByteReader(AsBytes(*epoch_value).subspan(32)).U64())));
  if (!epoch_entry) return Fail(Code::kCorrupt, "epoch", "its entry is missing");
  KEEL_TRY(const ledger::EpochBundle bundle, ledger::ParseEpochBundle(ledger::BodyOfEntry(AsBytes(*epoch_entry))));
  KEEL_TRY(const ledger::Descriptor descriptor, ledger::ParseDescriptor(bundle.descriptor));
  size_t number = 0;
  while (number < descriptor.member_count && descriptor.members[number].id != payload.id) ++number;
  if (number == descriptor.member_count) return Refuse(Code::kUntrusted, "no member has this id");
  ledger::SigsReader sigs(parts.sigs);
  ledger::SigsEntry sig;
  if (sigs.left() != 1 || !sigs.Next(sig) || sig.key_number != number)
    return Refuse(Code::kBadSignature, "a member entry is signed by that member alone");
  KEEL_TRY_VOID(ledger::VerifySigs(parts.sigs, std::span(members_.keys).first(members_.count), 1, true,
                                   ByteView(message).first(n)));
  const Bytes32 key = ledger::MemberKey(payload.id);
  const Bytes32 hash = crypto::Sha256::Of(parts.payload);
  KEEL_TRY(const auto value, ReadValue(ReaderOf(overlay), key, 48));
  if (value) {
    ByteReader r(AsBytes(*value));
    const uint64_t seq = r.U64();
    const Bytes32 before = r.Fixed<32>();
    const uint64_t first = r.U64();
    if (before == hash) return Already(first);
    if (payload.seq <= seq) return Refuse(Code::kStale, "seq is not above the anchored " + std::to_string(seq));
  }
  overlay.PutMap(key, ledger::MemberMapValue(payload.seq, hash, index));
  return Anchored(index);
}

Result<Verdict> State::ApplyEpoch(Overlay& overlay, const PreparedEntry& entry, uint64_t index) {
  KEEL_TRY(const ledger::EpochBundle bundle, ledger::ParseEpochBundle(ledger::BodyOfEntry(entry.octets)));
  KEEL_TRY(const ledger::Descriptor next, ledger::ParseDescriptor(bundle.descriptor));
  const Bytes32 hash = ledger::DescriptorHash(bundle.descriptor);
  const Bytes32 key = ledger::EpochKey(next.epoch);
  const StoreReader reader = ReaderOf(overlay);
  KEEL_TRY(const auto value, ReadValue(reader, key, 40));
  if (value) {
    ByteReader r(AsBytes(*value));
    const Bytes32 before = r.Fixed<32>();
    const uint64_t first = r.U64();
    return before == hash ? Already(first) : Refuse(Code::kConflict, "this epoch is anchored with another descriptor");
  }
  if (next.epoch == 0) {
    if (index != 0) return Refuse(Code::kConflict, "the genesis descriptor is the log's first entry");
    KEEL_TRY_VOID(ledger::VerifyGenesis(next, net_, bundle.sigs_of_next));
  } else {
    KEEL_TRY(const auto current_value, ReadValue(reader, ledger::EpochKey(members_.epoch), 40));
    if (!current_value) return Fail(Code::kCorrupt, "epoch", "the current epoch is not in the map");
    KEEL_TRY(const auto current_entry,
             overlay.Get(EntryStoreKey(ByteReader(AsBytes(*current_value).subspan(32)).U64())));
    if (!current_entry) return Fail(Code::kCorrupt, "epoch", "its entry is missing");
    KEEL_TRY(const ledger::EpochBundle current_bundle,
             ledger::ParseEpochBundle(ledger::BodyOfEntry(AsBytes(*current_entry))));
    KEEL_TRY(const ledger::Descriptor current, ledger::ParseDescriptor(current_bundle.descriptor));
    // The endorsement is each device's to judge: its anchors are not the ledger's.
    KEEL_TRY_VOID(ledger::VerifyTransition(current, next, net_, bundle.sigs_of_current, bundle.sigs_of_next));
  }
  KEEL_TRY(members_, ledger::MemberSetOf(next, net_));
  overlay.PutMap(key, ledger::DigestMapValue(hash, index));
  return Anchored(index);
}

}  // namespace keel::registry
