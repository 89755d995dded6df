// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "core/json_reader.h"
#include "crypto/key_store.h"
#include "crypto/signature.h"
#include "ledger/limits.h"
#include "ledger/network.h"

// Statements: what a DID says to the ledger other than operations on itself. A compact JWS whose protected header is
// exactly
// {"alg":"EdDSA","kid":"<did>#<id>"} (or ES256) and whose payload is JSON {"v":1,"op":"...",...}
// (docs/formats/ledger.md).
namespace keel::ledger {

struct Statement {
  ByteView jws;
  crypto::SignatureAlgorithm algorithm = crypto::SignatureAlgorithm::kEdDsa;
  Kid kid;
  KidParts kid_parts() const;      // views into kid
  std::string_view op;             // views into scratch:
  std::string_view payload;        // JSON text
  std::string_view signing_input;  // view into jws
  Bytes64 signature{};
};
// `scratch` holds the decoded payload (3/4 of the JWS) and must outlive the result. kMalformed, kTooLarge,
// kUnknownVersion, kAlgorithmNotAllowed, kInvalidDidUrl.
Result<Statement> ParseStatement(ByteView jws, ByteSpan scratch);
// kBadSignature; the caller has found the key under the kid and judged whether it may. ES256 low-S only.
Result<> VerifyStatement(const Statement& statement, const crypto::PublicKey& key);
// Signs `payload` with a key of the store, kid "<did>#<id>". Returns the JWS's length.
Result<size_t> SignStatement(std::string_view payload, std::string_view kid, crypto::KeyStore& store,
                             crypto::KeyHandle key, ByteSpan out);

}  // namespace keel::ledger
