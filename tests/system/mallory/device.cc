// SPDX-License-Identifier: Apache-2.0
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/json_strict.h"
#include "crypto/hosted/software_key_store.h"
#include "custody/identity.h"
#include "device-wallet/core/keys.h"
#include "device-wallet/core/records.h"
#include "device-wallet/host/record_store.h"
#include "did/jose.h"
#include "ledger/rendezvous.h"
#include "tests/system/mallory/mallory.h"
#include "vc/credential.h"

namespace keel::mallory {
namespace {

using nlohmann::json;

// A device's flash without its wallet.
class Flash {
 public:
  static Result<std::unique_ptr<Flash>> Open(const std::string& dir) {
    std::unique_ptr<Flash> flash(new Flash);
    KEEL_TRY(flash->store_, device::RecordStore::Open(dir));
    flash->ports_.size = sizeof flash->ports_;
    flash->ports_.context = flash->store_.get();
    flash->ports_.store_read = &Read;
    KEEL_TRY_VOID(flash->records.Load(wallet::RecordId::kState, flash->state));
    return flash;
  }
  device::RecordStore& store() { return *store_; }
  wallet::WalletKeys keys() { return {ports_, crypto::SystemRandom(), records, state, session_}; }

  wallet::State state;

 private:
  Flash() = default;
  static int Read(void* context, uint16_t id, uint8_t* out, size_t capacity, size_t* length) {
    const base::ByteVec* record = static_cast<device::RecordStore*>(context)->Read(id);
    if (record == nullptr) return KEEL_PORT_NOT_FOUND;
    if (record->size() > capacity) return KEEL_PORT_FAILED;
    std::memcpy(out, record->data(), record->size());
    *length = record->size();
    return KEEL_PORT_OK;
  }

  std::unique_ptr<device::RecordStore> store_;
  keel_wallet_ports ports_{};
  wallet::Session session_;

 public:
  wallet::Records records{ports_};
};

SecretBytes<32> Secret(const Bytes32& octets) {
  return SecretBytes<32>::CopyFrom(std::span<const uint8_t, 32>(octets));
}

}  // namespace

Result<std::string> OpenValue(const std::string& device_dir, const std::string& value) {
  KEEL_TRY(const auto flash, Flash::Open(device_dir));
  wallet::WalletKeys keys = flash->keys();
  std::string text(ledger::kRendezvousValue, '\0');
  KEEL_TRY(const size_t n, ledger::OpenInvitation(AsBytes(value), Secret(flash->state.rendezvous[0].rs),
                                                  flash->state.net, keys, wallet::WalletKeys::kRendezvous, text));
  text.resize(n);
  return text;
}

Result<std::string> SealValue(const std::string& device_dir, const std::string& invitation) {
  KEEL_TRY(const auto flash, Flash::Open(device_dir));
  wallet::WalletKeys keys = flash->keys();
  KEEL_TRY(const crypto::PublicKey rp, keys.Public(wallet::WalletKeys::kRendezvous));
  ByteArray<ledger::kRendezvousValue> value{};
  KEEL_TRY_VOID(ledger::SealInvitation(invitation, Secret(flash->state.rendezvous[0].rs), flash->state.net, rp,
                                       crypto::SystemRandom(), value));
  return base::ToString(ByteView(value));
}

Result<> Paper(const std::string& device_dir, const std::string& maker_dir, const std::string& patch, bool keep_batch) {
  KEEL_TRY(const auto store, device::RecordStore::Open(device_dir));
  KEEL_TRY(const auto maker, custody::Identity::Open(maker_dir, {}));
  const base::ByteVec* old = store->Read(static_cast<uint16_t>(wallet::RecordId::kCredential));
  if (old == nullptr) return Fail(Code::kNotFound, "paper", "the device has no credential");
  KEEL_TRY(const did::Jws jws, did::Jws::Parse(base::ToString(ByteView(*old))));
  KEEL_TRY(json credential, base::ParseJson(jws.payload));
  KEEL_TRY(const json change, base::ParseJson(patch));
  credential.merge_patch(change);
  KEEL_TRY(const std::string jwt, vc::IssueCredential(credential, maker->keys(), maker->auth(), maker->auth_kid()));
  KEEL_TRY_VOID(store->Write(static_cast<uint16_t>(wallet::RecordId::kCredential), AsBytes(jwt)));
  if (keep_batch) return {};
  return store->Erase(static_cast<uint16_t>(wallet::RecordId::kBatch));
}

Result<std::string> Secrets(const std::string& device_dir) {
  KEEL_TRY(const auto flash, Flash::Open(device_dir));
  wallet::Identity identity;
  KEEL_TRY_VOID(flash->records.Load(wallet::RecordId::kIdentity, identity));
  const wallet::State& state = flash->state;
  std::string out;
  const Bytes32 all[] = {identity.auth_seed, identity.next_seed, state.rendezvous[0].rs, state.rendezvous[0].rp,
                         state.pd_private,   state.token_seed,   state.contact};
  for (const Bytes32& secret : all) {
    if (secret != Bytes32{}) out += base::Hex(secret) + "\n";
  }
  return out;
}

}  // namespace keel::mallory
