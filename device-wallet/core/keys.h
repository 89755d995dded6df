// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "crypto/key_store.h"
#include "device-wallet/core/records.h"

namespace keel::wallet {

// The wallet's key store: handles name fixed places. Identity keys are read from their record for the one use and
// wiped; the others lie in the state or session that the wallet holds. The host's Generate and Erase have no place here
// (kUnsupported): keys come and go with the records that hold them. Not thread-safe.
class WalletKeys final : public crypto::KeyStore {
 public:
  static constexpr crypto::KeyHandle kAuthentication{1}, kNext{2}, kRendezvous{3}, kRendezvousNew{4}, kPairwise{5},
      kToken{6};

  WalletKeys(const Records& records, const State& state, const Session& session)
      : records_(&records), state_(&state), session_(&session) {}

  Result<crypto::KeyHandle> Generate(crypto::KeyType type) override;
  Result<crypto::PublicKey> Public(crypto::KeyHandle key) override;
  Result<size_t> Sign(crypto::KeyHandle key, ByteView message, ByteSpan signature) override;
  Result<crypto::SharedSecret> Agree(crypto::KeyHandle key, const crypto::PublicKey& peer) override;
  Result<> Erase(crypto::KeyHandle key) override;

 private:
  struct Secret {
    crypto::KeyType type = crypto::KeyType::kEd25519;
    SecretBytes<32> bytes;
  };
  Result<Secret> Find(crypto::KeyHandle key) const;

  const Records* records_;
  const State* state_;
  const Session* session_;
};

}  // namespace keel::wallet
