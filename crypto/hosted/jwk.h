// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string_view>

#include "crypto/hosted/software_key_store.h"
#include "crypto/keys.h"

// Keys as JSON Web Keys (RFC 7517, 7518, 8037, 8812) and as DIDComm secrets. Needs SetUpHostedCrypto() for the NIST
// curves beyond P-256 and for secp256k1. All functions are safe to call concurrently on different objects.
namespace keel::crypto {

// The public key of an OKP (Ed25519, X25519) or EC (P-256, secp256k1, P-384, P-521) JWK. kty and crv alone decide; alg,
// use and key_ops are not judged here. kMalformed (shape, non-canonical base64url, wrong length), kBadKey (point not on
// the curve), kUnsupported (another kty or crv), kUsage when a private member "d" is present: a public document must
// not carry one.
Result<PublicKey> PublicKeyFromJwk(const nlohmann::json& jwk);

// The same for one use, which the key's own `use`, `key_ops` and `alg` must allow where they are there (RFC 7517
// sections 4.2 to 4.4): kUntrusted when they don't.
enum class JwkUse : uint8_t { kVerify, kAgree };
Result<PublicKey> PublicKeyFromJwk(const nlohmann::json& jwk, JwkUse use);
// The same from members that the caller has read already; y only for EC.
Result<PublicKey> PublicKeyFromJwkMembers(std::string_view kty, std::string_view crv, std::string_view x,
                                          std::optional<std::string_view> y);

// {"kty","crv","x"[,"y"]}; for the required-members-only thumbprint form of RFC 7638 this is it. Null for an invalid
// key.
nlohmann::json PublicKeyToJwk(const PublicKey& key);
// Appends that JSON text (members sorted, no white space); nothing for an invalid key.
void AppendJwk(std::string& out, const PublicKey& key);

// Brings an entry of a `--secrets` file into the store: {id, type, privateKeyJwk | privateKeyMultibase |
// privateKeyBase58} (DIDComm Messaging v2.1, appendix A). The key is labelled with `id`. The public half, when given,
// must match: kBadKey. The caller's JSON still holds the secret; wiping it is beyond what nlohmann/json can do.
Result<KeyHandle> ImportSecret(SoftwareKeyStore& store, const nlohmann::json& secret);

}  // namespace keel::crypto
