// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "core/time.h"
#include "crypto/key_store.h"

// COSE_Sign1 (RFC 9052, section 4.2) with the algorithms that we have. Pure but for the key store; thread-safe as far
// as that is.
namespace keel::vc {

inline constexpr uint64_t kCoseSign1Tag = 18;
inline constexpr size_t kMaxCoseHeaders = 32;  // parameters in each of the two buckets

// CWT Claims (RFC 8392) in the protected header (RFC 9597); what isn't here is passed over.
struct CwtClaims {
  std::optional<std::string> issuer, subject, audience, nonce;  // 1, 2, 3, 10
  std::optional<UnixSeconds> expires, not_before, issued_at;    // 4, 5, 6
};

struct CoseHeaders {
  std::string content_type;  // 3, when it is text; empty: none
  std::string typ;           // 16 (RFC 9596), when it is text
  std::string kid;           // 4, octets
  CwtClaims claims;          // 15
};

// A COSE_Sign1 taken apart, nothing verified.
struct CoseSign1 {
  bool tagged = false;
  base::ByteVec protected_header;  // octets of the encoded map as they came; may be empty
  crypto::SignatureAlgorithm algorithm = crypto::SignatureAlgorithm::kEdDsa;
  bool protected_algorithm = false;  // `alg` is where it is signed
  CoseHeaders headers;               // from both buckets; typ, content type and claims only where they are signed
  base::ByteVec payload;
  base::ByteVec signature;

  // Definite lengths and shortest forms only (docs/formats/vc-cose.md); maps need not be sorted. kMalformed, kDuplicate
  // (a label twice, in one bucket or both), kAlgorithmNotAllowed (alg missing or another than EdDSA, ES256, ES384,
  // ES256K, by either of their numbers), kUnsupported (`crit` with a label that isn't known here, a detached payload),
  // kNotCanonical, kTooLarge.
  static Result<CoseSign1> Parse(ByteView octets, size_t max_size);
};

// The verdict under that key; alg must be the key type's (kAlgorithmNotAllowed).
Result<bool> VerifyCoseSign1(const CoseSign1& message, const crypto::PublicKey& key, ByteView external_aad = {});

// Signs: tag 18, all headers protected, the algorithm by the key's type, payload attached. kUnsupported for agreement
// keys; the key store's errors.
Result<base::ByteVec> SignCoseSign1(const CoseHeaders& headers, ByteView payload, crypto::KeyStore& store,
                                    crypto::KeyHandle key, ByteView external_aad = {});

}  // namespace keel::vc
