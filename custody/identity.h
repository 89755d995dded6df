// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/time.h"
#include "crypto/hosted/software_key_store.h"

namespace keel::registry_client {
class RegistryClient;
struct NetworkFile;
}  // namespace keel::registry_client

// The did:keel identity of a hosted role (issuer, verifier, plain custodian) and its data folder:
//   net.keel       the registry's join file, copied at Create
//   identity.json  {v, did, protected, create, updates:[jws], auth:{id,label,next}, pending?}: public
//   keys.keel      SoftwareKeyStore: auth (Ed25519), agree (X25519), next-N (Ed25519), wrap (X25519)
// docs/formats/custody.md has the members.
namespace keel::custody {

// Thread-safe except Rotate, which needs external synchronisation. Holds keys.keel (and so its lock) while it lives.
class Identity {
 public:
  struct Options {
    // Empty: keys.keel is an unprotected software key under a random key in a 0600 file (design.md 2.10); else
    // Argon2id.
    std::string_view passphrase;
    crypto::PassphraseCost cost = crypto::PassphraseCost::kModerate;
  };

  // Makes keys, the create operation and the files in `data_dir` (made 0700). `net_keel` is the join file's text.
  // Nothing is anchored yet: a sponsor does that. kExists when the folder has an identity already; kMalformed
  // (net.keel), kIo, kNoEntropy.
  static Result<std::unique_ptr<Identity>> Create(const std::string& data_dir, std::string_view net_keel,
                                                  const Options& options);
  // Whether Open needs a passphrase: what Create was given. kNotFound.
  static Result<bool> NeedsPassphrase(const std::string& data_dir);
  // kNotFound (the text says to run init), kWrongPassphrase, kCorrupt, kBusy (another process has the keys open).
  static Result<std::unique_ptr<Identity>> Open(const std::string& data_dir, const Options& options);
  ~Identity();

  const std::string& data_dir() const;
  const std::string& did() const;
  // The create operation, a compact JWS: what a sponsor anchors.
  const std::string& create_operation() const;
  const std::string& network_text() const;  // net.keel
  const registry_client::NetworkFile& network() const;
  const Bytes32& net() const;

  crypto::SoftwareKeyStore& keys();
  // Ed25519, authentication and assertionMethod. After a rotation: the new one.
  crypto::KeyHandle auth() const;
  crypto::KeyHandle agree() const;  // X25519, keyAgreement
  std::string auth_kid() const;     // "did:keel:...#auth", after rotations "#auth-1"...
  std::string agree_kid() const;    // "did:keel:...#agree"
  const crypto::PublicKey& auth_key() const;
  const crypto::PublicKey& agree_key() const;

  // 32 octets for sealing this role's own secrets at rest (seal keys): derived from `wrap`, so protected as keys.keel
  // is.
  Result<SecretBytes<32>> WrapKey();

  // Replaces the authentication and assertion key by the pre-committed next one: writes the update operation to
  // identity.json as pending, anchors it, then makes it current. Repeating after a crash anchors the same octets.
  // compromise_since: only what was anchored before that log index stays good; none: routine. The old key is destroyed:
  // a RegistryClient whose account used it is made anew. Returns the update's log index.
  Result<uint64_t> Rotate(registry_client::RegistryClient& registry, std::optional<uint64_t> compromise_since);
  // The operations so far, create first: as JWS.
  std::vector<std::string> operations() const;

 private:
  struct Impl;
  explicit Identity(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace keel::custody
