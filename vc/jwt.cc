// SPDX-License-Identifier: Apache-2.0
#include "vc/jwt.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "did/did.h"
#include "did/jose.h"
#include "vc/common_checks.h"
#include "vc/data_model/model.h"

namespace keel::vc {
namespace {

using nlohmann::json;

enum class Kind : uint8_t { kUnknown, kCredential, kPresentation, kOlder };

Kind KindOf(std::string_view typ) {
  if (typ.starts_with("application/")) typ.remove_prefix(12);
  if (typ == "vc+jwt") return Kind::kCredential;
  if (typ == "vp+jwt") return Kind::kPresentation;
  return typ.empty() || typ == "JWT" || typ == "jwt" ? Kind::kOlder : Kind::kUnknown;
}

// Sets `object[name]` to what the claim says; false when it says something else already.
bool Merge(json& object, const char* name, const json& claim) {
  const auto [it, added] = object.emplace(name, claim);
  return added || *it == claim;
}

// The credential or presentation of a token of 1.1 as it would stand by itself (section 6.3.1, "JSON Web Token" to
// "decoding"). kMalformed.
Result<json> Unfold(const json& claims, bool presentation) {
  const auto bad = [](const std::string& what) { return Fail(Code::kMalformed, "data model", what); };
  json document = claims[presentation ? "vp" : "vc"];
  if (!document.is_object()) return bad(presentation ? "'vp' is no object" : "'vc' is no object");
  if (claims.contains("iss")) {
    const char* name = presentation ? "holder" : "issuer";
    const auto member = document.find(name);
    const bool object = member != document.end() && member->is_object();
    if (!Merge(object ? *member : document, object ? "id" : name, claims["iss"]))
      return bad(std::string("iss and ") + name + " differ");
  }
  if (claims.contains("jti") && !Merge(document, "id", claims["jti"])) return bad("jti and id differ");
  if (presentation) return document;
  if (claims.contains("sub")) {
    const auto subject = document.find("credentialSubject");
    if (subject == document.end() || !subject->is_object() || !Merge(*subject, "id", claims["sub"]))
      return bad("sub and credentialSubject.id differ");
  }
  const auto context = document.find("@context");
  const bool v1 =
      context != document.end() &&
      (*context == kContextV1 || (context->is_array() && !context->empty() && context->front() == kContextV1));
  for (const auto& [claim, member] :
       {std::pair{"nbf", v1 ? "issuanceDate" : "validFrom"}, std::pair{"exp", v1 ? "expirationDate" : "validUntil"}}) {
    if (!claims.contains(claim)) continue;
    KEEL_TRY(const uint64_t time, base::GetUint(claims, claim));
    if (!document.contains(member)) {
      document[member] = base::Rfc3339(time);
      continue;
    }
    const auto said = base::GetTime(document, member);
    if (!said || *said != time) return bad(std::string(claim) + " and " + member + " differ");
  }
  return document;
}

bool Names(const json& claims, const std::string& wanted) {
  const auto aud = claims.find("aud");
  if (aud == claims.end()) return false;
  if (!aud->is_array()) return *aud == wanted;
  return std::ranges::find(*aud, json(wanted)) != aud->end();
}

void CheckBinding(Verification& verification, const json& claims, const VerifyOptions& options) {
  const auto nonce = claims.find("nonce");
  const auto demand = [&](const std::optional<std::string>& wanted, std::string_view check) {
    if (!wanted) return;
    const bool same = nonce != claims.end() && *nonce == *wanted;
    Note(verification, check, same, same ? "the one that was given" : "the nonce is not the one that was given");
  };
  demand(options.nonce, kCheckNonce);
  demand(options.challenge, kCheckChallenge);
  const auto meant = [&](const std::optional<std::string>& wanted, std::string_view check) {
    if (!wanted) return;
    const bool same = Names(claims, *wanted);
    Note(verification, check, same, same ? *wanted : "aud doesn't have " + *wanted);
  };
  meant(options.audience, kCheckAudience);
  meant(options.domain, kCheckDomain);
}

void CheckTimes(Verification& verification, const json& claims, UnixSeconds now) {
  std::string wrong;
  for (const char* name : {"nbf", "iat", "exp"}) {
    const auto time = base::GetOptionalUint(claims, name);
    if (!time) {
      wrong = std::string(name) + " is no time";
    } else if (*time && (std::string_view(name) == "exp" ? !NotAfterOk(**time, now) : !NotBeforeOk(**time, now))) {
      wrong = std::string(name) + " is " + base::Rfc3339(**time) + ", now is " + base::Rfc3339(now);
    }
    if (!wrong.empty()) break;
  }
  const bool ok = wrong.empty();
  Note(verification, kCheckValidity, ok,
       !ok                      ? std::move(wrong)
       : claims.contains("exp") ? "until " + base::Rfc3339(*base::GetUint(claims, "exp"))
                                : "no end");
}

// With the key in the header in place of a kid: the holder's authentication key that it is.
Result<KeyChoice> ChooseByJwk(const std::string& holder, const crypto::PublicKey& key, did::DidResolver& resolver) {
  KeyChoice choice;
  auto result = resolver.Resolve(holder);
  if (!result) {
    if (!IsSendersFault(result.error().code)) return std::unexpected<Error>(result.error());
    choice.detail = holder + ": " + result.error().Text();
    return choice;
  }
  for (const did::VerificationMethod* method : result->document->All(did::Relationship::kAuthentication)) {
    if (!(method->key == key)) continue;
    choice.ok = true;
    choice.keys.push_back(key);
    choice.detail = "the header's key is " + method->id;
    return choice;
  }
  choice.detail = "the header's key is no current authentication key of " + holder;
  return choice;
}

Result<> CheckSignature(Verification& verification, const did::Jws& jws, const KeyChoice& choice) {
  if (!choice.ok) {
    Note(verification, kCheckSignature, false, "no key to check it with");
    return {};
  }
  bool good = false;
  std::string detail;
  for (const crypto::PublicKey& key : choice.keys) {
    auto verdict = did::VerifyJws(jws, key);
    if (!verdict && verdict.error().code != Code::kAlgorithmNotAllowed && verdict.error().code != Code::kMalformed)
      return std::unexpected<Error>(verdict.error());
    if (verdict && *verdict) good = true;
    if (!verdict) detail = ": " + verdict.error().Text();
  }
  Note(verification, kCheckSignature, good, good ? "right" : "wrong" + detail);
  return {};
}

// A presentation, or a credential of 1.1: what both do with the token.
Result<Verification> VerifyClaims(Verification verification, const did::Jws& jws, const json& claims, json document,
                                  bool presentation, did::DidResolver& resolver, const VerifyOptions& options) {
  if (!AddModelCheck(verification, document, options)) return verification;
  if (verification.presentation != presentation) {
    verification.checks.back() = {std::string(kCheckModel), false, presentation ? "no presentation" : "no credential"};
    return verification;
  }
  // Who must have signed. A vp+jwt need not name its holder: then it is whose key it was.
  std::string signer = verification.credential.issuer;
  if (presentation) {
    signer = HolderOf(document);
    const auto iss = base::GetOptionalString(claims, "iss");
    if (!iss || (*iss && !signer.empty() && **iss != signer)) {
      Note(verification, kCheckHolder, false, "iss and holder differ");
      return verification;
    }
    if (signer.empty() && *iss) signer = **iss;
    if (signer.empty() && jws.kid.find('#') != std::string::npos) signer = did::DidOf(jws.kid);
  }
  const auto use = presentation ? did::Relationship::kAuthentication : did::Relationship::kAssertionMethod;
  KeyChoice choice;
  if (jws.kid.empty() && jws.jwk.valid() && presentation && options.given_keys.empty()) {
    KEEL_TRY(choice, ChooseByJwk(signer, jws.jwk, resolver));
  } else {
    KEEL_TRY(choice, ChooseKeys(signer, jws.kid, use, resolver, options));
  }
  Note(verification, presentation ? kCheckHolder : kCheckIssuer, choice.ok, choice.detail);
  KEEL_TRY_VOID(CheckSignature(verification, jws, choice));
  if (presentation) {
    if (Holds(verification, kCheckSignature)) verification.holder = signer;
    CheckBinding(verification, claims, options);
    if (options.now) CheckTimes(verification, claims, *options.now);
  }
  KEEL_TRY_VOID(AddCommonChecks(verification, document, options));
  return verification;
}

}  // namespace

Result<Verification> VerifyJwt(std::string_view compact, did::DidResolver& resolver, const VerifyOptions& options) {
  Verification verification;
  auto jws = did::Jws::Parse(compact, options.max_size);
  if (!jws) {
    Note(verification, kCheckEnvelope, false, jws.error().Text());
    return verification;
  }
  const Kind kind = KindOf(jws->typ);
  if (kind == Kind::kCredential) return VerifyCredential(compact, resolver, options);
  if (kind == Kind::kUnknown) {
    Note(verification, kCheckEnvelope, false, "typ is '" + jws->typ + "', not vc+jwt, vp+jwt or JWT");
    return verification;
  }
  verification.kid = jws->kid;
  auto claims = base::ParseJson(jws->payload, {.max_size = options.max_size});
  if (!claims || !claims->is_object()) {
    Note(verification, kCheckEnvelope, false, claims ? "the payload is no JSON object" : claims.error().Text());
    return verification;
  }
  const bool has_vc = claims->contains("vc"), has_vp = claims->contains("vp");
  if (kind == Kind::kPresentation) {
    verification.form = "vp+jwt";
    if (const std::string cty = ContentTypeOf(*jws); !cty.empty() && cty != "vp") {
      Note(verification, kCheckEnvelope, false, "cty is '" + cty + "', not vp");
      return verification;
    }
    // VC-JOSE-COSE 1.0, section 3.1.2: the payload is the presentation itself.
    const bool bare = !has_vc && !has_vp;
    Note(verification, kCheckEnvelope, bare, bare ? "vp+jwt, " + jws->alg : "a 'vc' or 'vp' claim must not be there");
    if (!bare) return verification;
    verification.credential.json = jws->payload;
    json document = *claims;
    return VerifyClaims(std::move(verification), *jws, *claims, std::move(document), true, resolver, options);
  }
  if (has_vc == has_vp) {
    Note(verification, kCheckEnvelope, false,
         has_vc ? "it has a 'vc' and a 'vp' claim" : "a JWT with neither a 'vc' nor a 'vp' claim");
    return verification;
  }
  verification.form = has_vp ? "jwt_vp" : "jwt_vc";
  Note(verification, kCheckEnvelope, true, verification.form + ", " + jws->alg);
  auto document = Unfold(*claims, has_vp);
  if (!document) {
    Note(verification, kCheckModel, false, document.error().Text());
    return verification;
  }
  return VerifyClaims(std::move(verification), *jws, *claims, std::move(*document), has_vp, resolver, options);
}

}  // namespace keel::vc
