// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "vc/verification.h"

// Compact JWS of every kind that holds a credential or a presentation.
namespace keel::vc {

// By the header's typ:
//   vc+jwt   VerifyCredential (VC-JOSE-COSE 1.0, section 3.1.1)
//   vp+jwt   a presentation of 2.0 (section 3.1.2): signed by an authentication key of its holder (`holder`, else
//   `iss`,
//            else whose kid it is; those that are there must agree)
//   JWT, or none   with a `vc` or `vp` claim: VC Data Model 1.1, section 6.3.1, where registered claims stand for
//            members: iss for issuer or holder, nbf for issuanceDate (2.0's contexts: validFrom), exp for
//            expirationDate (validUntil), jti for id, sub for the subject's id. A member that is there too must agree.
// `form` is "vc+jwt", "vp+jwt", "jwt_vc" or "jwt_vp"; any other typ fails kCheckEnvelope, and so does a cty that
// contradicts it.
//
// Presentations: options.challenge and options.nonce are demanded of the claim nonce, options.domain and
// options.audience of aud; with options.now kCheckValidity judges nbf, iat and exp. The credentials inside are
// VerifyAny's (vc/verify_any.h).
//
// Errors: as VerifyCredential's. Thread-safe as the resolver is.
Result<Verification> VerifyJwt(std::string_view compact, did::DidResolver& resolver, const VerifyOptions& options);

}  // namespace keel::vc
