// SPDX-License-Identifier: Apache-2.0
#include "device-wallet/core/records.h"

#include "core/json_reader.h"
#include "crypto/hash.h"

namespace keel::wallet {
namespace {

constexpr size_t kCheck = 8;

class Writer {
 public:
  explicit Writer(ByteSpan out) : w_(out) {}
  void operator()(uint8_t& v) { w_.U8(v); }
  void operator()(bool& v) { w_.U8(v ? 1 : 0); }
  void operator()(uint16_t& v) { w_.U16(v); }
  void operator()(uint32_t& v) { w_.U32(v); }
  void operator()(uint64_t& v) { w_.U64(v); }
  template <size_t N>
  void operator()(ByteArray<N>& v) {
    w_.Put(ByteView(v));
  }
  template <size_t N>
  void operator()(FixedText<N>& v) {
    w_.U16(static_cast<uint16_t>(v.size())).Put(v.view());
  }
  template <typename E>
    requires std::is_enum_v<E>
  void operator()(E& v) {
    w_.U8(static_cast<uint8_t>(v));
  }
  ByteWriter& out() { return w_; }

 private:
  ByteWriter w_;
};

class Reader {
 public:
  explicit Reader(ByteView in) : r_(in) {}
  void operator()(uint8_t& v) { v = r_.U8(); }
  void operator()(bool& v) { v = r_.U8() != 0; }
  void operator()(uint16_t& v) { v = r_.U16(); }
  void operator()(uint32_t& v) { v = r_.U32(); }
  void operator()(uint64_t& v) { v = r_.U64(); }
  template <size_t N>
  void operator()(ByteArray<N>& v) {
    const ByteView bytes = r_.Take(N);
    if (bytes.size() == N) std::memcpy(v.data(), bytes.data(), N);
  }
  template <size_t N>
  void operator()(FixedText<N>& v) {
    const size_t n = r_.U16();
    if (!v.Set(AsText(r_.Take(n)))) good_ = false;
  }
  template <typename E>
    requires std::is_enum_v<E>
  void operator()(E& v) {
    v = static_cast<E>(r_.U8());
  }
  bool done() const { return good_ && r_.done(); }

 private:
  ByteReader r_;
  bool good_ = true;
};

template <typename A>
void Visit(A& a, Identity& v) {
  a(v.suite), a(v.auth_seed), a(v.next_seed);
}
template <typename A>
void Visit(A& a, ledger::ChainBase& v) {
  a(v.k), a(v.seal), a(v.prev), a(v.cred);
}
template <typename A>
void Visit(A& a, Owner& v) {
  a(v.did), a(v.head), a(v.operations), a(v.key_count);
  if (v.key_count > v.keys.size()) v.key_count = 0;
  for (size_t i = 0; i < v.key_count; ++i) a(v.keys[i].hash), a(v.keys[i].uses);
}
template <typename A>
void Visit(A& a, FirmwareOffer& v) {
  a(v.id), a(v.version), a(v.sequence), a(v.size), a(v.digest);
}
template <typename A>
void Visit(A& a, State& v) {
  a(v.phase), a(v.suite), a(v.hardware), a(v.did), a(v.label), a(v.net), a(v.root_seal), a(v.salt), a(v.create_nonce);
  a(v.rendezvous_count);
  for (auto& r : v.rendezvous) a(r.rs), a(r.rp);
  Visit(a, v.base), Visit(a, v.next_base);
  a(v.largest_size), a(v.next_size), a(v.floor), a(v.next_time), a(v.epoch);
  for (auto& n : v.anchor_operations) a(n);
  a(v.generation), a(v.provision_slot), a(v.provision_hash);
  Visit(a, v.owner);
  a(v.pd_private), a(v.token_seed), a(v.pd), a(v.pv), a(v.url), a(v.contact), a(v.seq_out), a(v.seq_in),
      a(v.contact_ms);
  a(v.th), a(v.thid), a(v.rollback);
  Visit(a, v.offer);
  a(v.order);
}
template <typename A>
void Visit(A& a, Session& v) {
  a(v.stage), a(v.invitation), a(v.thid), a(v.nd), a(v.pd_private), a(v.token_seed), a(v.pd), a(v.pv), a(v.epoch),
      a(v.size);
  a(v.th2), a(v.nv);
  Visit(a, v.owner);
  Visit(a, v.base);
  a(v.checkpoint_size), a(v.time), a(v.proof_iat), a(v.proof.present), a(v.proof.signature), a(v.want);
}
template <typename A>
void Visit(A& a, FirmwareRecord& v) {
  a(v.stage), a(v.id), a(v.version), a(v.sequence), a(v.size), a(v.digest), a(v.manifest), a(v.key), a(v.url),
      a(v.block);
  a(v.offset), a(v.status), a(v.trials);
}

template <typename T>
Result<> LoadStruct(const Records& records, RecordId id, T& out) {
  ByteArray<kMaxStructRecord> octets;
  ScopedWipe wipe(octets);
  KEEL_TRY(const size_t n, records.ReadRaw(id, octets));
  if (n < 1 + kCheck) return Fail(Code::kCorrupt, "record");
  const ByteView all(octets.data(), n);
  const Bytes32 hash = crypto::Sha256::Of(all.first(n - kCheck));
  if (!Equal(all.last(kCheck), ByteView(hash).first(kCheck))) return Fail(Code::kCorrupt, "record check");
  if (all[0] != kRecordFormat) return Fail(Code::kUnknownVersion, "record");
  Reader reader(all.subspan(1, n - 1 - kCheck));
  Visit(reader, out);
  if (!reader.done()) return Fail(Code::kCorrupt, "record fields");
  return {};
}

template <typename T>
Result<> SaveStruct(const Records& records, RecordId id, T& value) {
  ByteArray<kMaxStructRecord> octets;
  ScopedWipe wipe(octets);
  Writer writer(octets);
  writer.out().U8(kRecordFormat);
  Visit(writer, value);
  const Bytes32 hash = crypto::Sha256::Of(writer.out().written());
  writer.out().Put(ByteView(hash).first(kCheck));
  if (!writer.out().ok()) return Fail(Code::kTooLarge, "record");
  return records.WriteRaw(id, writer.out().written());
}

Result<size_t> Texts(const JsonView& json, std::string_view name, std::span<std::string_view> out) {
  if (!json.Has(name)) return size_t{0};
  KEEL_TRY(const JsonView array, json.Get(name));
  if (array.kind() != JsonView::Kind::kArray) return Fail(Code::kMalformed, "stamp list");
  if (array.count() > out.size()) return Fail(Code::kTooLarge, "stamp list");
  size_t n = 0;
  JsonView item;
  for (auto items = array.items(); items.Next(item);) {
    KEEL_TRY(out[n], item.AsPlain());
    ++n;
  }
  return n;
}

}  // namespace

Result<> Records::Load(RecordId id, Identity& out) const { return LoadStruct(*this, id, out); }
Result<> Records::Load(RecordId id, State& out) const { return LoadStruct(*this, id, out); }
Result<> Records::Load(RecordId id, Session& out) const { return LoadStruct(*this, id, out); }
Result<> Records::Load(RecordId id, FirmwareRecord& out) const { return LoadStruct(*this, id, out); }
Result<> Records::Save(RecordId id, Identity& value) const { return SaveStruct(*this, id, value); }
Result<> Records::Save(RecordId id, State& value) const { return SaveStruct(*this, id, value); }
Result<> Records::Save(RecordId id, Session& value) const { return SaveStruct(*this, id, value); }
Result<> Records::Save(RecordId id, FirmwareRecord& value) const { return SaveStruct(*this, id, value); }

Result<size_t> Records::ReadRaw(RecordId id, ByteSpan out) const {
  size_t length = 0;
  const int status = ports_->store_read(ports_->context, static_cast<uint16_t>(id), out.data(), out.size(), &length);
  if (status == KEEL_PORT_NOT_FOUND) return Fail(Code::kNotFound, "record");
  if (status != KEEL_PORT_OK) return Fail(Code::kIo, "record read");
  if (length > out.size()) return Fail(Code::kBufferTooSmall, "record");
  return length;
}

Result<> Records::WriteRaw(RecordId id, ByteView data) const {
  const int status = ports_->store_write(ports_->context, static_cast<uint16_t>(id), data.data(), data.size());
  if (status != KEEL_PORT_OK) return Fail(Code::kIo, "record write");
  return {};
}

Result<> Records::Erase(RecordId id) const {
  if (ports_->store_erase(ports_->context, static_cast<uint16_t>(id)) != KEEL_PORT_OK)
    return Fail(Code::kIo, "record erase");
  return {};
}

Result<StampView> ReadStamp(std::string_view text) {
  if (text.size() > 4096) return Fail(Code::kTooLarge, "stamp");
  KEEL_TRY(const JsonView json, JsonView::Parse(text));
  KEEL_TRY(const uint64_t v, json.GetUint("v"));
  if (v != 1) return Fail(Code::kUnknownVersion, "stamp");
  StampView stamp;
  KEEL_TRY(stamp.manufacturer, json.GetPlain("manufacturer"));
  KEEL_TRY_VOID(ledger::ParseDid(stamp.manufacturer));
  KEEL_TRY(const size_t alternates, Texts(json, "alternates", stamp.alternates));
  for (size_t i = 0; i < alternates; ++i) KEEL_TRY_VOID(ledger::ParseDid(stamp.alternates[i]));
  stamp.alternate_count = static_cast<uint8_t>(alternates);
  KEEL_TRY(const size_t endpoints, Texts(json, "endpoints", stamp.endpoints));
  if (endpoints == 0) return Fail(Code::kMissing, "stamp endpoints");
  for (size_t i = 0; i < endpoints; ++i) {
    if (stamp.endpoints[i].empty() || stamp.endpoints[i].size() > ledger::kMaxEndpoint)
      return Fail(Code::kTooLarge, "stamp endpoint");
  }
  stamp.endpoint_count = static_cast<uint8_t>(endpoints);
  std::array<std::string_view, KEEL_WALLET_AUTHORS_MAX> authors{};
  KEEL_TRY(const size_t author_count, Texts(json, "authors", authors));
  for (size_t i = 0; i < author_count; ++i) {
    KEEL_TRY(stamp.authors[i], crypto::PublicKey::FromMultikey(authors[i]));
  }
  stamp.author_count = static_cast<uint8_t>(author_count);
  KEEL_TRY(stamp.vendor, json.GetFixed<16>("vendor"));
  KEEL_TRY(stamp.device_class, json.GetFixed<16>("class"));
  if (json.Has("stale")) {
    KEEL_TRY(stamp.stale, json.GetUint("stale"));
  }
  if (json.Has("known")) {
    KEEL_TRY(const JsonView known, json.Get("known"));
    JsonView item;
    for (auto items = known.items(); items.Next(item) && stamp.known_count < stamp.known.size();) {
      KEEL_TRY(const uint64_t n, item.AsUint());
      stamp.known[stamp.known_count++] = static_cast<uint32_t>(n > ledger::kMaxOperations ? ledger::kMaxOperations : n);
    }
  }
  return stamp;
}

}  // namespace keel::wallet
