// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "vc/sd_jwt/sd_jwt.h"

// HardwareCredential as an SD-JWT VC whose facts are disclosed one by one (docs/formats/sd-jwt.md). Pure, thread-safe.
namespace keel::vc {

// The type's own IRI (docs/vocabulary.md).
inline constexpr std::string_view kHardwareVct = "https://keel-protocol.org/vocab/v1#HardwareCredential";

// The claims of a HardwareCredential (vc/types.h): `iss`, `vct`, `nbf`, `exp`, `status` from its frame, the device's
// DID as `sub`, its id as `jti`, and each fact of its subject under its own name. kMalformed: no HardwareCredential.
Result<nlohmann::json> HardwareSdJwtClaims(const nlohmann::json& credential);

// Pointers to everything in such claims that is a fact about the device: `sub`, `jti`, every fact, and each of
// `properties`.
std::vector<std::string> HardwareFactPointers(const nlohmann::json& claims);

// Issues it with all facts concealed, bound to `holder` when that is a key. The issuer must be kid's DID
// (kInvalidArgument).
Result<std::string> IssueHardwareSdJwt(const nlohmann::json& credential, const std::string& kid,
                                       const crypto::PublicKey& holder, Random& random, crypto::KeyStore& store,
                                       crypto::KeyHandle key);

// The HardwareCredential that verified claims of this type stand for, as far as they were disclosed, in the W3C form
// that policies and readers know: facts in credentialSubject, `sub` as its id. kMalformed: another vct.
Result<nlohmann::json> HardwareFromClaims(const nlohmann::json& claims);

}  // namespace keel::vc
