// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/encoding.h"
#include "core/seams.h"
#include "crypto/hosted/wide_agreement.h"
#include "did/key_finder.h"

// Encrypted envelopes (JWE JSON, general) of DIDComm v2: below message and addressing. Algorithms: ECDH-1PU+A256KW
// (draft-madden-jose-ecdh-1pu-04: the JWE tag with its u32 length enters the KDF) with A256CBC-HS512 only;
// ECDH-ES+A256KW with XC20P, A256GCM or A256CBC-HS512; curves X25519, P-256, P-384 and P-521. Everything else is
// kAlgorithmNotAllowed or kUnsupported. docs/formats/didcomm-profile.md has the octets.
namespace keel::didcomm {

enum class ContentEncryption : uint8_t { kXc20p, kA256CbcHs512, kA256Gcm };

// Static-static agreements kept per pair of (our key, peer's key): half of what authcrypt costs. Bounded (least
// recently used go first, wiped), thread-safe.
class AgreementCache {
 public:
  explicit AgreementCache(size_t max_entries = 4096);
  ~AgreementCache();
  Result<crypto::WideSecret> Agree(const did::KeyRef& ours, const crypto::PublicKey& peer);
  // Drops every agreement of this key (session over, key erased).
  void Forget(const did::KeyRef& ours);
  size_t size() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

struct Recipient {
  std::string kid;
  crypto::PublicKey key;
};

// Authcrypt: all recipients' keys of the sender key's type. kInvalidArgument, kBadKey, key store errors, kNoEntropy.
Result<std::string> SealAuthcrypt(std::string_view plaintext, const std::string& skid, const did::KeyRef& sender,
                                  std::span<const Recipient> recipients, Random& random,
                                  AgreementCache* agreements = nullptr);
// Anoncrypt.
Result<std::string> SealAnoncrypt(std::string_view plaintext, std::span<const Recipient> recipients,
                                  ContentEncryption enc, Random& random);

// An envelope taken apart: strict JSON, header rules, apv and apu checked; nothing decrypted.
struct Envelope {
  bool authcrypt = false;
  ContentEncryption enc = ContentEncryption::kXc20p;
  std::string skid;               // authcrypt only
  std::vector<std::string> kids;  // recipients, in order
  std::vector<base::ByteVec> encrypted_keys;
  crypto::PublicKey epk;
  base::ByteVec apu, apv, iv, tag;
  std::string ciphertext;  // octets
  std::string protected_b64;

  // kMalformed, kTooLarge, kAlgorithmNotAllowed, kUnsupported (curve, crit, zip), kWrongSender (apu is not skid).
  static Result<Envelope> Parse(std::string_view text);
  static Result<Envelope> FromJson(const nlohmann::json& value);  // of strict JSON already parsed
};

// Opens with recipient number `index`'s private key; `sender`: the skid's public key (authcrypt). kDecryptFailed
// without telling why, kBadKey.
Result<std::string> OpenEnvelope(const Envelope& envelope, size_t index, const did::KeyRef& recipient,
                                 const crypto::PublicKey& sender, AgreementCache* agreements = nullptr);

// Concat KDF of ECDH-1PU in key-wrap mode and of ECDH-ES+A256KW (tag empty): the key-encryption key. Exposed for test
// vectors.
Result<> DeriveKek(ByteView z, std::string_view alg, ByteView apu, ByteView apv, ByteView tag, ByteSpan out);

}  // namespace keel::didcomm
