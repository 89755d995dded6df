// SPDX-License-Identifier: Apache-2.0
#include "verifier/session_keys.h"

#include "crypto/hash.h"
#include "did/methods/peer.h"

namespace keel::verifier {

SessionKeys::SessionKeys(const SecretBytes<32>& master)
    : master_(master.Clone()), store_(crypto::SoftwareKeyStore::CreateInMemory()) {}

Result<std::string> SessionKeys::Pairwise(ByteView invitation_id) {
  SecretBytes<32> scalar;
  KEEL_TRY_VOID(
      crypto::HkdfSha256(master_.ExposeSecret(), invitation_id, AsBytes("keel-pairwise/1\n"), scalar.MutableSecret()));
  KEEL_TRY(const crypto::KeyHandle handle, store_->Import(crypto::KeyType::kX25519, scalar.ExposeSecret()));
  KEEL_TRY(const crypto::PublicKey key, store_->Public(handle));
  const did::PeerKey peer_key{did::Relationship::kKeyAgreement, key};
  KEEL_TRY(std::string pairwise, did::CreatePeer2(std::span(&peer_key, 1)));
  finder_.Add(pairwise + "#key-1", {store_.get(), handle});
  return pairwise;
}

void SessionKeys::Forget(const std::string& pairwise) {
  const std::string kid = pairwise + "#key-1";
  const auto key = finder_.Find(kid);
  if (!key) return;
  finder_.Remove(kid);
  static_cast<void>(store_->Erase(key->handle));  // in memory: cannot fail but for a key that is gone already
}

Result<did::KeyRef> SessionKeys::Find(const std::string& kid) { return finder_.Find(kid); }

}  // namespace keel::verifier
