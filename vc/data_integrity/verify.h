// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "vc/verification.h"

// Verifies what is secured by Data Integrity proofs (docs/formats/data-integrity.md).
namespace keel::vc {

// A credential or presentation, as JSON with a `proof` (one, a set, a chain): the suites of proof.h. Every proof must
// verify; a suite that isn't known fails. Of a credential's proofs one at least must be its issuer's, all made for
// assertionMethod; of a presentation's one its holder's (where it names one), all made for authentication.
// `options.challenge` and `options.domain` are demanded of each proof, `options.now` judges created and expires.
//
// Checks, in this order: kCheckEnvelope (JSON with proofs), kCheckProof (each proof's form, times, place in a chain),
// kCheckContext, kCheckPurpose, kCheckDomain and kCheckChallenge (where demanded), kCheckModel, kCheckIssuer or
// kCheckHolder, kCheckSignature, then those of AddCommonChecks. With several proofs a check holds when it does for
// each. `form` is the first proof's cryptosuite. Problem details: problems.h.
//
// A presentation's credentials are not verified here: VerifyAny does (vc/verify_any.h).
//
// Errors: the resolver's (could not be checked), those of AddCommonChecks. Thread-safe as the resolver is.
Result<Verification> VerifyDataIntegrity(std::string_view octets, did::DidResolver& resolver,
                                         const VerifyOptions& options);

}  // namespace keel::vc
