// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "crypto/keys.h"

namespace keel::crypto {

// JOSE signature algorithms; the key's type decides, a header's alg must agree with it.
enum class SignatureAlgorithm : uint8_t { kEdDsa = 1, kEs256 = 2, kEs256k = 3, kEs384 = 4 };
Result<SignatureAlgorithm> AlgorithmFor(KeyType type);                // kUnsupported for agreement-only keys
std::string_view JoseName(SignatureAlgorithm algorithm);              // "EdDSA", "ES256", "ES256K", "ES384"
Result<SignatureAlgorithm> AlgorithmFromJose(std::string_view name);  // "none", HS*, RS*: kAlgorithmNotAllowed
size_t SignatureLength(SignatureAlgorithm algorithm);

// Verifies over the message's own octets (hashing inside). ECDSA signatures are r||s. true/false is the verdict; an
// error means it could not be checked (key type unknown to this build). Strict: Ed25519 S < L, canonical, no low-order
// keys; ES256K low-S only; ES256 either unless `require_low_s`.
Result<bool> Verify(const PublicKey& key, ByteView message, ByteView signature, bool require_low_s = false);

// The same, but a high S is as good as a low one for ECDSA on every curve: JWS (RFC 7515, RFC 8812) asks for neither,
// and DIDComm's peers emit both. Where a signature's octets serve as an identifier, use Verify.
Result<bool> VerifyEitherS(const PublicKey& key, ByteView message, ByteView signature);

// The embedded build verifies Ed25519 (libsodium) and P-256 (BearSSL). Hosts register the rest by calling
// SetUpHostedCrypto() in main / test main; it is idempotent and not thread-safe against use.
void SetUpHostedCrypto();

}  // namespace keel::crypto
