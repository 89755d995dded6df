// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "core/secret.h"
#include "crypto/hosted/software_key_store.h"
#include "did/key_finder.h"

namespace keel::verifier {

// The agreement keys of our pairwise DIDs (P_V), one per invitation. They are derived from the role's wrapping key and
// the invitation's secret id (HKDF), so that a hundred thousand claims cost no key file and a restart finds them again.
// Thread-safe.
class SessionKeys final : public did::KeyFinder {
 public:
  // master: Identity::WrapKey().
  explicit SessionKeys(const SecretBytes<32>& master);

  // did:peer:2 with one agreement key for the invitation, of the suite of the device that is invited; its key can be
  // found from now on. kInvalidArgument for another type than X25519 and P-256.
  Result<std::string> Pairwise(ByteView invitation_id, crypto::KeyType type);
  void Forget(const std::string& pairwise);

  Result<did::KeyRef> Find(const std::string& kid) override;

 private:
  SecretBytes<32> master_;
  std::unique_ptr<crypto::SoftwareKeyStore> store_;  // in memory
  did::MapKeyFinder finder_;
};

}  // namespace keel::verifier
