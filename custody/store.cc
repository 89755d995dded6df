// SPDX-License-Identifier: Apache-2.0
#include "custody/store.h"

#include <mutex>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/json_strict.h"
#include "base/storage/group_committer.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "ledger/seal.h"

namespace keel::custody {
namespace {

using nlohmann::json;

// Keys of the database: d/<did> record, v/<did> rendezvous secrets that came later, n/<serial>\n<did> index, s/<seal
// hex> seal key.
std::string DeviceKey(std::string_view did) { return "d/" + std::string(did); }
std::string RendezvousKey(std::string_view did) { return "v/" + std::string(did); }
std::string SerialPrefix(std::string_view serial) { return "n/" + std::string(serial) + "\n"; }
std::string SealRecordKey(const Bytes32& seal) { return "s/" + base::Hex(seal); }

Result<DeviceRecord> Parse(std::string_view text) {
  KEEL_TRY(const json object, base::ParseJson(text));
  return RecordFromJson(object);
}

// RS || RP's Multikey octets.
Result<std::string> EncodeRendezvous(const Bytes32& rs, const crypto::PublicKey& rp) {
  ByteArray<crypto::kMaxMultikeyOctets> key{};
  KEEL_TRY(const size_t length, rp.ToMultikeyOctets(key));
  std::string out(AsText(rs));
  out += AsText(ByteView(key).first(length));
  return out;
}

// The record as it is now: with what came after it was written.
Result<DeviceRecord> Complete(const base::KeyValueReader& store, DeviceRecord record) {
  KEEL_TRY(const auto later, store.Get(RendezvousKey(record.did)));
  if (!later) return record;
  ByteReader reader(AsBytes(*later));
  record.rs = reader.Fixed<32>();
  KEEL_TRY(record.rp, crypto::PublicKey::FromMultikeyOctets(reader.Take(reader.left())));
  if (!reader.ok()) return Fail(Code::kCorrupt, "custody", "rendezvous of " + record.did);
  return record;
}

}  // namespace

struct CustodyStore::Impl {
  Impl(std::unique_ptr<base::KeyValueStore> s, Identity& i, SecretBytes<32> key)
      : store(std::move(s)), identity(i), wrap_key(std::move(key)) {}

  std::unique_ptr<base::KeyValueStore> store;
  Identity& identity;
  SecretBytes<32> wrap_key;
  std::mutex mutex;  // one writer at a time: read, decide, write
  base::GroupCommitter rendezvous{*store};
};

CustodyStore::CustodyStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
CustodyStore::~CustodyStore() = default;

Result<std::unique_ptr<CustodyStore>> CustodyStore::Open(Identity& identity) {
  const std::string path = identity.data_dir() + "/custody";
  auto store = base::OpenLevelDb(path);
  if (!store) {
    if (store.error().code == Code::kBusy)
      return Fail(Code::kBusy, "custody",
                  "another process has " + path + " open; wait for it, or ask the running service");
    return std::unexpected<Error>(std::move(store.error()));
  }
  return Over(std::move(*store), identity);
}

Result<std::unique_ptr<CustodyStore>> CustodyStore::Over(std::unique_ptr<base::KeyValueStore> store,
                                                         Identity& identity) {
  KEEL_TRY(SecretBytes<32> key, identity.WrapKey());
  std::unique_ptr<Impl> impl(new Impl(std::move(store), identity, std::move(key)));
  return std::unique_ptr<CustodyStore>(new CustodyStore(std::move(impl)));
}

Result<DeviceRecord> CustodyStore::Get(std::string_view did) const {
  KEEL_TRY(const auto text, impl_->store->Get(DeviceKey(did)));
  if (!text) return Fail(Code::kNotFound, "custody", "no device " + std::string(did));
  KEEL_TRY(DeviceRecord record, Parse(*text));
  return Complete(*impl_->store, std::move(record));
}

Result<DeviceRecord> CustodyStore::FindSerial(std::string_view serial) const {
  std::string did;
  bool several = false;
  const std::string prefix = SerialPrefix(serial);
  KEEL_TRY_VOID(impl_->store->Scan(prefix, [&](std::string_view key, std::string_view) {
    several = !did.empty();
    did = std::string(key.substr(prefix.size()));
    return !several;
  }));
  if (did.empty()) return Fail(Code::kNotFound, "custody", "no device with serial " + std::string(serial));
  if (several)
    return Fail(Code::kConflict, "custody", "several devices have serial " + std::string(serial) + ": name the DID");
  return Get(did);
}

Result<> CustodyStore::Visit(const std::function<bool(const DeviceRecord&)>& visitor) const {
  Result<> bad;
  KEEL_TRY_VOID(impl_->store->Scan("d/", [&](std::string_view key, std::string_view value) {
    auto record = Parse(value);
    if (record) record = Complete(*impl_->store, std::move(*record));
    if (!record) {
      bad = Fail(Code::kCorrupt, "custody", std::string(key) + ": " + record.error().Text());
      return false;
    }
    return visitor(*record);
  }));
  return bad;
}

Result<std::vector<DeviceRecord>> CustodyStore::List(std::optional<DeviceState> state) const {
  std::vector<DeviceRecord> out;
  KEEL_TRY_VOID(Visit([&](const DeviceRecord& record) {
    if (!state || record.state == *state) out.push_back(record);
    return true;
  }));
  return out;
}

Result<> CustodyStore::Put(const DeviceRecord& record) { return Put(std::vector<DeviceRecord>{record}); }

Result<> CustodyStore::Put(const std::vector<DeviceRecord>& records, Secrets secrets) {
  const std::lock_guard lock(impl_->mutex);
  base::WriteBatch batch;
  for (const DeviceRecord& record : records) {
    KEEL_TRY(const auto old, impl_->store->Get(DeviceKey(record.did)));
    bool longer = true;
    if (old) {
      KEEL_TRY(const DeviceRecord before, Parse(*old));
      longer = before.k() < record.k();
      if (before.k() > record.k())
        return Fail(Code::kConflict, "custody",
                    record.serial + ": the chain has " + std::to_string(before.k()) + " links here and " +
                        std::to_string(record.k()) + " in the new record");
      if (before.serial != record.serial) batch.Delete(SerialPrefix(before.serial) + record.did);
    }
    if (secrets == Secrets::kFromGiver && longer) batch.Delete(RendezvousKey(record.did));
    batch.Put(DeviceKey(record.did), base::DumpJson(ToJson(record)));
    batch.Put(SerialPrefix(record.serial) + record.did, "");
  }
  return impl_->store->Write(batch, base::Sync::kYes);
}

std::future<Result<>> CustodyStore::SetRendezvous(std::string_view did, const Bytes32& rs,
                                                  const crypto::PublicKey& rp) {
  const auto answer = [](Result<> result) {
    std::promise<Result<>> promise;
    promise.set_value(std::move(result));
    return promise.get_future();
  };
  const auto known = impl_->store->Get(DeviceKey(did));
  if (!known) return answer(std::unexpected<Error>(known.error()));
  if (!*known) return answer(Fail(Code::kNotFound, "custody", "no device " + std::string(did)));
  const auto value = EncodeRendezvous(rs, rp);
  if (!value) return answer(std::unexpected<Error>(value.error()));
  const auto before = impl_->store->Get(RendezvousKey(did));
  if (before && *before && **before == *value) return answer({});
  base::WriteBatch batch;
  batch.Put(RendezvousKey(did), *value);
  return impl_->rendezvous.Submit(std::move(batch));
}

Result<std::string> CustodyStore::Wrap(std::string_view name, ByteView secret) const {
  base::ByteVec out(crypto::kXc20pNonce + secret.size() + crypto::kXc20pTag);
  const ByteSpan span(out);
  KEEL_TRY_VOID(crypto::SystemRandom().Fill(span.first(crypto::kXc20pNonce)));
  KEEL_TRY_VOID(crypto::Xc20pEncrypt(impl_->wrap_key.ExposeSecret(), span.first(crypto::kXc20pNonce), AsBytes(name),
                                     secret, span.subspan(crypto::kXc20pNonce)));
  return base::Base64Url(out);
}

Result<SecretBytes<32>> CustodyStore::Unwrap32(std::string_view name, std::string_view wrapped) const {
  KEEL_TRY(const base::ByteVec sealed, base::FromBase64Url(wrapped));
  if (sealed.size() != crypto::kXc20pNonce + 32 + crypto::kXc20pTag)
    return Fail(Code::kCorrupt, "custody", "a sealed key of the wrong length");
  const ByteView view(sealed);
  SecretBytes<32> out;
  KEEL_TRY_VOID(crypto::Xc20pDecrypt(impl_->wrap_key.ExposeSecret(), view.first(crypto::kXc20pNonce), AsBytes(name),
                                     view.subspan(crypto::kXc20pNonce), out.MutableSecret()));
  return out;
}

namespace {
Result<base::ByteVec> PolicyOfSeed(ByteView seed) {
  KEEL_TRY(const crypto::PublicKey key, crypto::PublicFromPrivate(crypto::KeyType::kEd25519, seed));
  base::ByteVec policy(ledger::kMaxPolicy);
  KEEL_TRY(const size_t length, ledger::WritePolicy(1, {&key, 1}, policy));
  policy.resize(length);
  return policy;
}
}  // namespace

Result<> CustodyStore::PutSealSeed(base::WriteBatch& batch, const Bytes32& seal, ByteView seed) const {
  KEEL_TRY(const base::ByteVec policy, PolicyOfSeed(seed));
  if (ledger::SealOf(policy) != seal)
    return Fail(Code::kInvalidArgument, "custody", "the seed does not make this seal");
  const std::string key = SealRecordKey(seal);
  KEEL_TRY(const std::string sealed, Wrap(key, seed));
  batch.Put(key, base::DumpJson({{"v", 1}, {"policy", base::Base64Url(policy)}, {"seed", sealed}}));
  return {};
}

Result<std::vector<CustodyStore::NewSeal>> CustodyStore::MakeSeals(size_t count) {
  std::vector<NewSeal> out;
  base::WriteBatch batch;
  for (size_t i = 0; i < count; ++i) {
    SecretBytes<32> seed;
    KEEL_TRY_VOID(crypto::SystemRandom().Fill(seed.MutableSecret()));
    NewSeal made;
    KEEL_TRY(made.policy, PolicyOfSeed(seed.ExposeSecret()));
    made.seal = ledger::SealOf(made.policy);
    KEEL_TRY_VOID(PutSealSeed(batch, made.seal, seed.ExposeSecret()));
    out.push_back(std::move(made));
  }
  KEEL_TRY_VOID(impl_->store->Write(batch, base::Sync::kYes));
  return out;
}

Result<CustodyStore::NewSeal> CustodyStore::MakeSeal() {
  KEEL_TRY(auto seals, MakeSeals(1));
  return std::move(seals[0]);
}

Result<base::ByteVec> CustodyStore::SealPolicy(const Bytes32& seal) const {
  KEEL_TRY(const auto text, impl_->store->Get(SealRecordKey(seal)));
  if (!text)
    return Fail(Code::kNotFound, "custody",
                "no key for seal " + base::Hex(seal) + ": it was spent and destroyed, or never ours");
  KEEL_TRY(const json object, base::ParseJson(*text));
  return base::GetBytes(object, "policy");
}

Result<bool> CustodyStore::HasSeal(const Bytes32& seal) const {
  KEEL_TRY(const auto text, impl_->store->Get(SealRecordKey(seal)));
  return text.has_value();
}

Result<base::ByteVec> CustodyStore::SignSpend(const Bytes32& seal, ByteView message) {
  KEEL_TRY(auto all, SignSpends({SpendOrder{seal, base::ToBytes(message), false}}));
  return std::move(all[0]);
}

Result<std::vector<base::ByteVec>> CustodyStore::SignSpends(const std::vector<SpendOrder>& orders) {
  const std::lock_guard lock(impl_->mutex);
  base::WriteBatch batch;
  std::vector<base::ByteVec> out;
  for (const SpendOrder& order : orders) {
    const std::string key = SealRecordKey(order.seal);
    KEEL_TRY(const auto text, impl_->store->Get(key));
    if (!text)
      return Fail(Code::kNotFound, "custody",
                  "no key for seal " + base::Hex(order.seal) + ": it was spent and destroyed, or never ours");
    KEEL_TRY(json object, base::ParseJson(*text));
    const std::string digest = base::Hex(crypto::Sha256::Of(ByteView(order.message)));
    KEEL_TRY(const auto before, base::GetOptionalString(object, "signed"));
    if (before && *before != digest && !order.cancels)
      return Fail(Code::kSealSpent, "custody", "this seal has signed another link already; cancel that transfer first");
    KEEL_TRY(const std::string sealed, base::GetString(object, "seed"));
    KEEL_TRY(const SecretBytes<32> seed, Unwrap32(key, sealed));
    ByteArray<64> signature{};
    KEEL_TRY_VOID(crypto::SignRaw(crypto::KeyType::kEd25519, seed.ExposeSecret(), order.message, signature));
    base::ByteVec sigs(ledger::kMaxSigs);
    const ledger::SigsEntry entry{0, signature};
    KEEL_TRY(const size_t length, ledger::WriteSigs({&entry, 1}, sigs));
    sigs.resize(length);
    out.push_back(std::move(sigs));
    object["signed"] = digest;
    batch.Put(key, base::DumpJson(object));
  }
  // Kept before a signature leaves: a crash must not let the seal sign something else afterwards.
  KEEL_TRY_VOID(impl_->store->Write(batch, base::Sync::kYes));
  return out;
}

Result<> CustodyStore::EraseSeal(const Bytes32& seal) {
  base::WriteBatch batch;
  EraseSeal(batch, seal);
  return impl_->store->Write(batch, base::Sync::kYes);
}
void CustodyStore::EraseSeal(base::WriteBatch& batch, const Bytes32& seal) const { batch.Delete(SealRecordKey(seal)); }

base::KeyValueStore& CustodyStore::raw() { return *impl_->store; }
Identity& CustodyStore::identity() { return impl_->identity; }

}  // namespace keel::custody
