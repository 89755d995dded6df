// SPDX-License-Identifier: Apache-2.0
#include "device-wallet/core/keys.h"

namespace keel::wallet {

using crypto::KeyHandle;
using crypto::KeyType;

Result<WalletKeys::Secret> WalletKeys::Find(KeyHandle key) const {
  Secret secret;
  const auto take = [&secret](KeyType type, const Bytes32& bytes) {
    secret.type = type;
    std::memcpy(secret.bytes.MutableSecret().data(), bytes.data(), bytes.size());
  };
  const bool in_session = session_->stage != 0;
  if (key == kAuthentication || key == kNext) {
    Identity identity;
    ScopedWipe wipe_auth(identity.auth_seed);
    ScopedWipe wipe_next(identity.next_seed);
    KEEL_TRY_VOID(records_->Load(RecordId::kIdentity, identity));
    take(KeyType::kEd25519, key == kAuthentication ? identity.auth_seed : identity.next_seed);
  } else if (key == kRendezvous || key == kRendezvousNew) {
    const size_t i = key == kRendezvous ? 0 : 1;
    if (i >= state_->rendezvous_count) return Fail(Code::kNoSuchKey, "rendezvous key");
    take(KeyType::kX25519, state_->rendezvous[i].rp);
  } else if (key == kPairwise) {
    take(KeyType::kX25519, in_session ? session_->pd_private : state_->pd_private);
  } else if (key == kToken) {
    take(KeyType::kEd25519, in_session ? session_->token_seed : state_->token_seed);
  } else {
    return Fail(Code::kNoSuchKey, "wallet key");
  }
  return secret;
}

Result<KeyHandle> WalletKeys::Generate(KeyType) { return Fail(Code::kUnsupported, "wallet keys have fixed places"); }
Result<> WalletKeys::Erase(KeyHandle) { return Fail(Code::kUnsupported, "wallet keys have fixed places"); }

Result<crypto::PublicKey> WalletKeys::Public(KeyHandle key) {
  KEEL_TRY(const Secret secret, Find(key));
  return crypto::PublicFromPrivate(secret.type, secret.bytes.ExposeSecret());
}

Result<size_t> WalletKeys::Sign(KeyHandle key, ByteView message, ByteSpan signature) {
  KEEL_TRY(const Secret secret, Find(key));
  if (secret.type != KeyType::kEd25519) return Fail(Code::kUnsupported, "wallet key cannot sign");
  return crypto::SignRaw(secret.type, secret.bytes.ExposeSecret(), message, signature);
}

Result<crypto::SharedSecret> WalletKeys::Agree(KeyHandle key, const crypto::PublicKey& peer) {
  KEEL_TRY(const Secret secret, Find(key));
  if (secret.type != KeyType::kX25519) return Fail(Code::kUnsupported, "wallet key cannot agree");
  return crypto::AgreeRaw(secret.type, secret.bytes.ExposeSecret(), peer);
}

}  // namespace keel::wallet
