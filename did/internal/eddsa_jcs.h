// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "core/result.h"
#include "crypto/keys.h"

// What did:webvh needs of Data Integrity: verifying eddsa-jcs-2022 proofs by did:key (Data Integrity EdDSA Cryptosuites
// section 3.3). Credentials have their own, complete implementation above this library.
namespace keel::did::internal {

// Verifies one proof over `document` (an object without its proof). The key is the one that the proof names:
// "did:key:z6Mk...#z6Mk...", both parts equal octet for octet; its Multikey goes into `multikey`. That it may sign is
// the caller's to check. kBadSignature says what is wrong: another type, cryptosuite or purpose, an "@context" (the
// documents here have none, which it would have to match), an expiry, a key that isn't Ed25519, a signature that is not
// 64 octets in base58btc or not this key's.
Result<> VerifyEddsaJcs(const nlohmann::json& document, const nlohmann::json& proof, std::string& multikey);

// base58btc(0x12 0x20 SHA-256(octets)): did:webvh's hashes, always 46 characters.
std::string WebvhHash(std::string_view octets);
// Whether the text is one.
bool IsWebvhHash(std::string_view text);

}  // namespace keel::did::internal
