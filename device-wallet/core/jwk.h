// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/json_reader.h"
#include "core/json_writer.h"
#include "crypto/keys.h"

// Public keys as JWK: Ed25519 and X25519 (OKP), P-256 (EC). A JWK with a private member is refused.
namespace keel::wallet {

// A key that signs: Ed25519 or P-256. kAlgorithmNotAllowed (another kty or crv), kMalformed, kMissing, kBadKey.
Result<crypto::PublicKey> ReadSigningJwk(const JsonView& jwk);
// A key for agreement: X25519 or P-256, y checked. The same errors.
Result<crypto::PublicKey> ReadAgreementJwk(const JsonView& jwk);
// Writes the object. kBadKey when the key is of none of these types.
Result<> WriteJwk(JsonWriter& w, const crypto::PublicKey& key);

}  // namespace keel::wallet
