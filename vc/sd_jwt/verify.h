// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "vc/verification.h"

namespace keel::vc {

// Verifies an SD-JWT or SD-JWT+KB, compact or in the JSON serialization, by every rule of RFC 9901 section 7: an SD-JWT
// VC (typ dc+sd-jwt, or its earlier name vc+sd-jwt, with `vct`), or a VC Data Model 2.0 credential or presentation
// (vc+sd-jwt, vp+sd-jwt, with `@context`). `credential.json` of the verdict is the processed payload. Key binding is
// demanded when options.nonce or options.audience are there, and checked whenever a KB-JWT came along; kb+jwt older
// than kMaxPresentationLife at options.now is refused. The holder's key is cnf.jwk, or cnf.kid, a DID URL under
// authentication. Errors (could not be checked): the resolver's, and kUnavailable for an issuer that is no DID when no
// key was given (options.given_keys): issuer metadata is never fetched. Whatever the sender can cause is a verdict.
Result<Verification> VerifySdJwt(std::string_view octets, did::DidResolver& resolver, const VerifyOptions& options);

}  // namespace keel::vc
