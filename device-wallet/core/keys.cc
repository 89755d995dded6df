// SPDX-License-Identifier: Apache-2.0
#include "device-wallet/core/keys.h"

#include "crypto/embedded/p256.h"
#include "crypto/hash.h"

namespace keel::wallet {

using crypto::KeyHandle;
using crypto::KeyType;

namespace {

constexpr size_t kPoint = 65;  // 0x04 || x || y

// The slots of a place. What may have to be replaced while the old key still counts has one more than it holds keys.
struct Slots {
  uint8_t first, count;
};
constexpr Slots SlotsOf(KeyHandle place) {
  switch (place.id) {
    case WalletKeys::kAuthentication.id: return {1, 1};
    case WalletKeys::kNext.id: return {2, 1};
    case WalletKeys::kRendezvous.id:
    case WalletKeys::kRendezvousNew.id: return {3, 3};
    case WalletKeys::kPairwise.id: return {6, 2};
    default: return {8, 2};
  }
}
static_assert(SlotsOf(WalletKeys::kToken).first + 1 == KEEL_WALLET_KEY_SLOTS);

}  // namespace

Result<WalletKeys::Secret> WalletKeys::Find(KeyHandle key) const {
  Secret secret;
  const auto take = [&secret](KeyType type, const StoredKey& bytes) {
    secret.type = type;
    std::memcpy(secret.bytes.MutableSecret().data(), bytes.data(), bytes.size());
  };
  const bool in_session = session_->stage != 0;
  const KeyType signing = SigningType(state_->suite), agreement = AgreementType(state_->suite);
  if (key == kAuthentication || key == kNext) {
    Identity identity;
    ScopedWipe wipe_auth(identity.auth_seed);
    ScopedWipe wipe_next(identity.next_seed);
    KEEL_TRY_VOID(records_->Load(RecordId::kIdentity, identity));
    take(signing, key == kAuthentication ? identity.auth_seed : identity.next_seed);
  } else if (key == kRendezvous || key == kRendezvousNew) {
    const size_t i = key == kRendezvous ? 0 : 1;
    if (i >= state_->rendezvous_count) return Fail(Code::kNoSuchKey, "rendezvous key");
    take(agreement, state_->rendezvous[i].rp);
  } else if (key == kPairwise) {
    take(agreement, in_session ? session_->pd_private : state_->pd_private);
  } else if (key == kToken) {
    take(signing, in_session ? session_->token_seed : state_->token_seed);
  } else {
    return Fail(Code::kNoSuchKey, "wallet key");
  }
  if (state_->hardware && (secret.bytes.ExposeSecret()[0] == 0 || !HasHardware()))
    return Fail(Code::kNoSuchKey, "hardware key");
  return secret;
}

Result<KeyHandle> WalletKeys::Generate(KeyType) { return Fail(Code::kUnsupported, "wallet keys have fixed places"); }
Result<> WalletKeys::Erase(KeyHandle) { return Fail(Code::kUnsupported, "wallet keys have fixed places"); }

Result<crypto::PublicKey> WalletKeys::SlotPublic(uint8_t slot) const {
  ByteArray<kPoint> point{};
  if (ports_->key_public(ports_->context, slot, point.data()) != KEEL_PORT_OK) return Fail(Code::kIo, "key port");
  return crypto::PublicKey::FromUncompressed(KeyType::kP256, point);
}

Result<crypto::PublicKey> WalletKeys::Public(KeyHandle key) {
  KEEL_TRY(const Secret secret, Find(key));
  if (state_->hardware) return SlotPublic(secret.bytes.ExposeSecret()[0]);
  return crypto::PublicFromPrivate(secret.type, secret.bytes.ExposeSecret());
}

Result<size_t> WalletKeys::Sign(KeyHandle key, ByteView message, ByteSpan signature) {
  KEEL_TRY(const Secret secret, Find(key));
  if (key == kRendezvous || key == kRendezvousNew || key == kPairwise)
    return Fail(Code::kUnsupported, "wallet key cannot sign");
  if (!state_->hardware) return crypto::SignRaw(secret.type, secret.bytes.ExposeSecret(), message, signature);
  if (signature.size() < 64) return Fail(Code::kBufferTooSmall, "signature");
  const Bytes32 digest = crypto::Sha256::Of(message);
  if (ports_->key_sign(ports_->context, secret.bytes.ExposeSecret()[0], digest.data(), signature.data()) !=
      KEEL_PORT_OK) {
    return Fail(Code::kIo, "key port");
  }
  crypto::embedded::P256MakeLowS(signature.first<64>());
  return size_t{64};
}

Result<crypto::SharedSecret> WalletKeys::Agree(KeyHandle key, const crypto::PublicKey& peer) {
  KEEL_TRY(const Secret secret, Find(key));
  if (key == kAuthentication || key == kNext || key == kToken)
    return Fail(Code::kUnsupported, "wallet key cannot agree");
  if (!state_->hardware) return crypto::AgreeRaw(secret.type, secret.bytes.ExposeSecret(), peer);
  // The point is checked here: not every secure element does.
  if (!peer.valid() || peer.type() != KeyType::kP256) return Fail(Code::kBadKey, "key agreement");
  ByteArray<kPoint> point;
  KEEL_TRY_VOID(peer.ToUncompressed(point));
  ByteArray<32> shared;
  ScopedWipe wipe(shared);
  if (ports_->key_agree(ports_->context, secret.bytes.ExposeSecret()[0], point.data(), shared.data()) != KEEL_PORT_OK)
    return Fail(Code::kIo, "key port");
  crypto::SharedSecret out;
  std::memcpy(out.MutableSecret().data(), shared.data(), shared.size());
  return out;
}

Result<crypto::PublicKey> WalletKeys::MakeKey(KeyHandle place, uint8_t suite, bool hardware, StoredKey& out,
                                              std::span<const StoredKey> in_use) {
  if (!hardware) {
    const bool agrees = place == kRendezvous || place == kRendezvousNew || place == kPairwise;
    KEEL_TRY(const crypto::EphemeralKey made,
             crypto::GenerateEphemeral(agrees ? AgreementType(suite) : SigningType(suite), *random_));
    std::memcpy(out.data(), made.private_key.ExposeSecret().data(), out.size());
    return made.public_key;
  }
  const Slots slots = SlotsOf(place);
  uint8_t slot = 0;
  for (uint8_t i = 0; i < slots.count && slot == 0; ++i) {
    const auto candidate = static_cast<uint8_t>(slots.first + i);
    bool taken = false;
    for (const StoredKey& other : in_use) taken = taken || other[0] == candidate;
    if (!taken) slot = candidate;
  }
  if (slot == 0) return Fail(Code::kInternalError, "key slots");
  ByteArray<kPoint> point{};
  if (ports_->key_make(ports_->context, slot, point.data()) != KEEL_PORT_OK) return Fail(Code::kIo, "key port");
  out = {};
  out[0] = slot;
  return crypto::PublicKey::FromUncompressed(KeyType::kP256, point);
}

void WalletKeys::DropKey(StoredKey& key) const {
  // A key that can't be erased is named by nothing; the next one made in its slot replaces it.
  if (state_->hardware && key[0] != 0 && HasHardware()) (void)ports_->key_erase(ports_->context, key[0]);
  Wipe(key);
}

}  // namespace keel::wallet
