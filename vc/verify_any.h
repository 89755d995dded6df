// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "vc/verification.h"

// Credentials and presentations however they are secured.
namespace keel::vc {

// How octets present themselves; says nothing about what is in them.
enum class Syntax : uint8_t {
  kUnknown,
  kJwt,            // header.payload.signature: vc+jwt, vp+jwt, and 1.1's tokens (vc/jwt.h)
  kSdJwt,          // with '~', or a JWS in JSON (vc/sd_jwt/verify.h)
  kDataIntegrity,  // a JSON object with a proof (vc/data_integrity/verify.h)
  kEnveloped,      // EnvelopedVerifiableCredential, EnvelopedVerifiablePresentation (vc/enveloped.h)
  kCose,           // CBOR tag 18, or that as base64 or base64url text (vc/cose/verify.h)
  kUnsecured,      // any other JSON object
};
// White space around is passed over. Of JSON only the top members' names are looked at.
Syntax Recognize(std::string_view octets);

// COSE's octets when these are CBOR of tag 18, or that written as base64 or base64url.
std::optional<std::string> CoseOctets(std::string_view octets);

// Verifies octets of any form, recognized by themselves. What is unsecured or not recognized fails kCheckEnvelope. In
// an enveloped document the URL's media type must be that of what is inside, and a credential mustn't be a presentation
// (kCheckEnvelope).
//
// Presentations: each of the credentials inside is verified too, in whatever form it is, into `credentials` (subject,
// trusted issuers, status and schemas as in the options; challenge, domain, audience and nonce are the presentation's
// alone); kCheckCredentials fails when one does. Only once the presentation's own checks hold: nobody makes us resolve
// identifiers or fetch status lists by a presentation that isn't theirs.
//
// options.max_size holds for the whole and for each document inside. Errors: as the forms' own. Thread-safe as the
// resolver and the checkers in the options are.
Result<Verification> VerifyAny(std::string_view octets, did::DidResolver& resolver, const VerifyOptions& options);

}  // namespace keel::vc
