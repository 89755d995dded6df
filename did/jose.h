// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "crypto/key_store.h"
#include "did/resolver.h"

// JWS (RFC 7515) as DIDComm and credentials use it, once. Signed octets are verified as received, parsed afterwards.
// Pure, thread-safe.
namespace keel::did {

inline constexpr size_t kMaxJws = 1 << 20;

// A compact JWS taken apart, nothing verified yet. The header is strict JSON; `crit` (which we know none of) is
// refused, `b64` too.
struct Jws {
  std::string header;  // JSON text
  std::string alg;
  std::string typ;            // empty when absent
  std::string kid;            // empty when absent
  crypto::PublicKey jwk;      // !valid() when the header has no `jwk`
  std::string payload;        // octets
  std::string signing_input;  // BASE64URL(header) || '.' || BASE64URL(payload)
  base::ByteVec signature;

  // kMalformed, kTooLarge, kUnsupported (crit, b64), kAlgorithmNotAllowed ("none", HS*, RS*, unknown).
  static Result<Jws> Parse(std::string_view compact, size_t max_size = kMaxJws);
};

// The verdict on the signature under that key: alg must be the key type's (the key decides, never the header).
// kAlgorithmNotAllowed when they differ.
Result<bool> VerifyJws(const Jws& jws, const crypto::PublicKey& key);

// Signs. `header` (an object) gets `alg`; members are written in the order alg, kid, typ, cty, the rest sorted.
// kUnsupported for agreement keys.
Result<std::string> SignJws(const nlohmann::json& header, std::string_view payload, crypto::KeyStore& store,
                            crypto::KeyHandle key);

// JWK (RFC 7517, 8037) of a public key, and its RFC 7638 thumbprint.
Result<std::string> JwkThumbprint(const crypto::PublicKey& key);

}  // namespace keel::did
