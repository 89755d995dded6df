// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "crypto/key_store.h"
#include "crypto/signature.h"

// What operations, statements and tokens share of compact JWS. Internal to ledger and onboarding.
namespace keel::ledger {

// The three parts of a compact JWS as they stand. kMalformed unless there are exactly two dots and no empty part.
struct CompactParts {
  std::string_view header, payload, signature;
  std::string_view signing_input;
};
Result<CompactParts> SplitCompact(std::string_view jws);

// Signatures here are always of 64 octets (EdDSA, ES256).
Result<Bytes64> DecodeSignature(std::string_view base64url);

// Only what a microcontroller verifies: EdDSA and ES256, the key's type and the header agreeing, ES256 low-S.
// kBadSignature, kAlgorithmNotAllowed.
Result<> VerifyJwsSignature(crypto::SignatureAlgorithm algorithm, const crypto::PublicKey& key,
                            std::string_view signing_input, ByteView signature);

// Appends base64url text to `out` at `used`; kTooLarge when it does not fit.
Result<> AppendBase64Url(ByteView bytes, ByteSpan out, size_t& used);
Result<> AppendText(std::string_view text, ByteSpan out, size_t& used);

// Signs out[0..used) and appends "." and the signature.
Result<> AppendSignature(crypto::KeyStore& store, crypto::KeyHandle key, ByteSpan out, size_t& used);

// The algorithm's name for a key that may sign here. kUnsupported for others.
Result<std::string_view> SigningName(const crypto::PublicKey& key);

}  // namespace keel::ledger
