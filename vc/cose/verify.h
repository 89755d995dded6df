// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "vc/verification.h"

namespace keel::vc {

// Verifies a vc+cose or vp+cose: COSE_Sign1 with tag 18, alg protected, typ application/vc+cose (vp+cose), content type
// application/vc (vp), of which one may be missing. CWT claims must say what the credential says, and narrow its
// validity. options.nonce and .audience are held against the CWT claims of a presentation. The credentials in a
// presentation are left to VerifyAny. Errors (could not be checked): the resolver's, kUnavailable for an issuer that is
// no DID when no key was given. Whatever the sender can cause is a verdict.
Result<Verification> VerifyCose(std::string_view octets, did::DidResolver& resolver, const VerifyOptions& options);

}  // namespace keel::vc
