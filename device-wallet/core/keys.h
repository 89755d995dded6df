// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "crypto/key_store.h"
#include "device-wallet/core/records.h"

namespace keel::wallet {

// The suite's key types.
constexpr crypto::KeyType SigningType(uint8_t suite) {
  return suite == onboarding::kSuiteP256 ? crypto::KeyType::kP256 : crypto::KeyType::kEd25519;
}
constexpr crypto::KeyType AgreementType(uint8_t suite) {
  return suite == onboarding::kSuiteP256 ? crypto::KeyType::kP256 : crypto::KeyType::kX25519;
}

// The wallet's key store: handles name fixed places. In software, identity keys are read from their record for the one
// use and wiped, the others lie in the state or session that the wallet holds. In hardware (the key_* ports, suite
// P-256) the records have slot numbers, and the port signs and agrees. The host's Generate and Erase have no place here
// (kUnsupported): keys come and go with the records that hold them (MakeKey, DropKey). Not thread-safe.
class WalletKeys final : public crypto::KeyStore {
 public:
  static constexpr crypto::KeyHandle kAuthentication{1}, kNext{2}, kRendezvous{3}, kRendezvousNew{4}, kPairwise{5},
      kToken{6};

  WalletKeys(const keel_wallet_ports& ports, Random& random, const Records& records, const State& state,
             const Session& session)
      : ports_(&ports), random_(&random), records_(&records), state_(&state), session_(&session) {}

  Result<crypto::KeyHandle> Generate(crypto::KeyType type) override;
  Result<crypto::PublicKey> Public(crypto::KeyHandle key) override;
  Result<size_t> Sign(crypto::KeyHandle key, ByteView message, ByteSpan signature) override;
  Result<crypto::SharedSecret> Agree(crypto::KeyHandle key, const crypto::PublicKey& peer) override;
  Result<> Erase(crypto::KeyHandle key) override;

  // Does the target keep keys in hardware?
  bool HasHardware() const { return ports_->key_sign != nullptr; }
  // A new key for `place`, as a record will have it: random octets, or a slot that `in_use` doesn't name. Its public
  // half. kNoEntropy, kIo.
  Result<crypto::PublicKey> MakeKey(crypto::KeyHandle place, uint8_t suite, bool hardware, StoredKey& out,
                                    std::span<const StoredKey> in_use = {});
  // Wipes a key that no record names any more, in hardware too.
  void DropKey(StoredKey& key) const;

 private:
  struct Secret {
    crypto::KeyType type = crypto::KeyType::kEd25519;
    SecretBytes<32> bytes;
  };
  Result<Secret> Find(crypto::KeyHandle key) const;
  Result<crypto::PublicKey> SlotPublic(uint8_t slot) const;

  const keel_wallet_ports* ports_;
  Random* random_;
  const Records* records_;
  const State* state_;
  const Session* session_;
};

}  // namespace keel::wallet
