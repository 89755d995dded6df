// SPDX-License-Identifier: Apache-2.0
#include "verifier/session_keys.h"

#include "crypto/hash.h"
#include "did/methods/peer.h"

namespace keel::verifier {

SessionKeys::SessionKeys(const SecretBytes<32>& master)
    : master_(master.Clone()), store_(crypto::SoftwareKeyStore::CreateInMemory()) {}

Result<std::string> SessionKeys::Pairwise(ByteView invitation_id, crypto::KeyType type) {
  if (type != crypto::KeyType::kX25519 && type != crypto::KeyType::kP256)
    return Fail(Code::kInvalidArgument, "pairwise key", "only X25519 and P-256");
  const std::string_view info = type == crypto::KeyType::kP256 ? "keel-pairwise-p256/1\n" : "keel-pairwise/1\n";
  SecretBytes<32> scalar;
  KEEL_TRY_VOID(crypto::HkdfSha256(master_.ExposeSecret(), invitation_id, AsBytes(info), scalar.MutableSecret()));
  // P-256: a scalar out of range comes once in 2^32 invitations; then kBadKey, and another invitation is made.
  KEEL_TRY(const crypto::KeyHandle handle, store_->Import(type, scalar.ExposeSecret()));
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
