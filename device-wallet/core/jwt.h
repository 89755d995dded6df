// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "core/json_reader.h"
#include "crypto/key_store.h"
#include "crypto/signature.h"

// The constrained JWS of a wallet: compact, EdDSA or ES256 by a key in hand, types vc+jwt, vp+jwt, order+jwt.
namespace keel::wallet {

inline constexpr size_t kMaxJwtHeader = 512;  // JSON octets

// A compact JWS taken apart; views into the text.
struct Jwt {
  std::string_view text;
  std::string_view signing_input;
  std::string_view payload;  // base64url
  crypto::PublicKey jwk;     // from the header; valid() false when there is none
  crypto::SignatureAlgorithm algorithm = crypto::SignatureAlgorithm::kEdDsa;
  Bytes64 signature{};
};

// Reads the header and refuses what is not wanted: another typ, alg other than EdDSA and ES256, crit, b64, a jwk that
// does not fit alg. The signature is not verified. kMalformed, kAlgorithmNotAllowed, kUnsupported, kBadKey.
Result<Jwt> ParseJwt(std::string_view text, std::string_view typ);

// kBadSignature unless `key` signed it and is of the header's algorithm.
Result<> VerifyJwt(const Jwt& jwt, const crypto::PublicKey& key);

// Decodes the payload into `out` (which may be the payload's own place) and checks it as JSON.
Result<JsonView> DecodeJwtPayload(const Jwt& jwt, ByteSpan out);

// A signature over octets that stay the same: where the key store's signatures are randomized (hardware), what must be
// repeated octet for octet keeps its first one.
struct KeptSignature {
  Bytes64 signature{};
  bool present = false;
};

// Writes header, payload and signature; the header carries the signer's public key as jwk, alg is the key's (EdDSA or
// ES256). `kept`: used when present, else filled. Returns the length. kBufferTooSmall, kTooLarge, kUnsupported, errors
// of the key store.
Result<size_t> SignJwt(std::string_view typ, std::string_view payload, crypto::KeyStore& keys, crypto::KeyHandle key,
                       std::span<char> out, KeptSignature* kept = nullptr);

}  // namespace keel::wallet
