// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_text.h"
#include "did/resolver.h"

// Private to didcomm: the signatures of a JWS in JSON, of a message or of an attachment.
namespace keel::didcomm {

struct SignatureRules {
  std::span<const did::Relationship> uses;  // the signer's key must be listed under one of them
  bool message = true;                      // a `typ` must be that of a signed message
};

struct CheckedSignature {
  std::string kid, alg;
};

// Checks every signature of `root` (general or flattened; at most kMaxSignatures, no signer twice) over the payload
// given in base64url. All must verify. kMalformed, kMissing, kDuplicate, kTooLarge, kUnsupported (crit, b64),
// kAlgorithmNotAllowed, kBadSignature, ResolveKey's errors.
Result<std::vector<CheckedSignature>> CheckSignatures(const base::JsonText::Value& root, std::string_view payload_b64,
                                                      did::DidResolver& resolver, const SignatureRules& rules);

}  // namespace keel::didcomm
