// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "crypto/key_store.h"
#include "vc/credential.h"
#include "vc/sd_jwt/disclosure.h"

// Selective Disclosure for JWTs (RFC 9901): taking apart, issuing, presenting. Verifying: vc/sd_jwt/verify.h. Pure but
// for the key store; thread-safe as far as that is.
namespace keel::vc {

inline constexpr std::string_view kTypSdJwtVc = "dc+sd-jwt";  // SD-JWT VC
inline constexpr std::string_view kTypVcSdJwt = "vc+sd-jwt";  // VC Data Model 2.0 by SD-JWT (VC-JOSE-COSE 1.0)
inline constexpr std::string_view kTypVpSdJwt = "vp+sd-jwt";
inline constexpr std::string_view kTypKeyBinding = "kb+jwt";

// An SD-JWT or SD-JWT+KB in its parts, nothing verified.
struct SdJwt {
  std::string jwt;  // issuer-signed, compact
  std::vector<std::string> disclosures;
  std::string key_binding;      // the KB-JWT; empty: an SD-JWT
  std::string unprotected_kid;  // JSON serialization: a `kid` that nobody signed, a hint at best

  // The compact form (section 4) or the JSON serialization, flattened or general (section 8); of several signatures the
  // first counts, which is the one that `sd_hash` is over. kMalformed, kDuplicate (a name in both headers), kTooLarge.
  static Result<SdJwt> Parse(std::string_view octets, size_t max_size = kMaxCredential);
  // What `sd_hash` is over: everything up to the last '~'.
  std::string Signed() const;
  std::string Compact() const;
};

struct SdJwtIssue {
  std::string kid;  // the header's; empty: none
  std::string typ = std::string(kTypSdJwtVc);
  // JSON pointers (RFC 6901) to the claims that become disclosures, each one; inner ones of a claim that is concealed
  // itself make it recursive (section 4.2.6). What is critical for validity can't be among them (CriticalClaims).
  std::vector<std::string> concealed;
  SdHash hash = SdHash::kSha256;
  size_t decoys = 0;         // at most 64; added to every object and array that conceals something
  crypto::PublicKey holder;  // becomes cnf.jwk, for key binding; !valid(): none
};

// Signs `claims` as an SD-JWT with all its disclosures: `<JWT>~<disclosure>~...~`. Digests stand sorted, so that they
// tell nothing of the order of the claims. kInvalidArgument: claims that are no object or hold a reserved name (`_sd`,
// `...`, `_sd_alg`, `cnf` beside `holder`), a pointer that leads nowhere, is there twice or to a critical claim.
Result<std::string> IssueSdJwt(const nlohmann::json& claims, const SdJwtIssue& issue, Random& random,
                               crypto::KeyStore& store, crypto::KeyHandle key);

// Top-level claims that must not be disclosures, nor hold any: with `dc+sd-jwt` those that SD-JWT VC forbids, with
// `vc+sd-jwt` also what decides over a credential's validity.
std::vector<std::string_view> CriticalClaims(std::string_view typ);

struct KeyBinding {
  std::string audience, nonce;
  UnixSeconds iat = 0;
  crypto::KeyStore* store = nullptr;
  crypto::KeyHandle key;
};

// What a holder sends: the disclosures that bring in the claims at `reveal` (pointers into the processed payload) and
// those that they lie in, none else; "" reveals everything. With a binding an SD-JWT+KB. Checks that all disclosures
// are the issuer's, not the signature. kMalformed and so on as DiscloseClaims; kInvalidArgument: an SD-JWT+KB, or a key
// that isn't the one in cnf.jwk; kNotFound: a pointer that leads nowhere.
Result<std::string> PresentSdJwt(std::string_view issued, const std::vector<std::string>& reveal,
                                 const KeyBinding* binding = nullptr);

// The claims as they are before anything is disclosed or verified, with what every disclosure brings: for showing to
// people. `payload` becomes the processed payload.
Result<SdClaims> InspectSdJwt(const SdJwt& sd_jwt, nlohmann::json& payload);

}  // namespace keel::vc
