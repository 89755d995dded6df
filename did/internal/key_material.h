// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "crypto/keys.h"

namespace keel::did::internal {

// The public key of a verification method object, whatever way it is written: publicKeyJwk; publicKeyMultibase with the
// multicodec, or bare where the type fixes the key's; publicKeyBase58 and publicKeyHex of the 2018 to 2020 suites.
// No key (!valid()) for a type or curve that we don't hold: the method stays, unusable. kInvalidDidDocument for a key
// that claims to be one of ours and isn't: broken, private, of another type than the method's, or written in two ways
// that differ.
Result<crypto::PublicKey> ReadKeyMaterial(const nlohmann::json& method, const std::string& type, const std::string& id);

}  // namespace keel::did::internal
