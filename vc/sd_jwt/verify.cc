// SPDX-License-Identifier: Apache-2.0
#include "vc/sd_jwt/verify.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "crypto/hosted/jwk.h"
#include "did/did.h"
#include "did/jose.h"
#include "vc/common_checks.h"
#include "vc/presentation.h"
#include "vc/sd_jwt/sd_jwt.h"
#include "vc/signature_check.h"
#include "vc/status_list/entry.h"

namespace keel::vc {
namespace {

using nlohmann::json;
using Json = nlohmann::json;  // where a member of that name hides it

std::unexpected<Error> Bad(std::string detail) { return Fail(Code::kMalformed, "sd-jwt vc", std::move(detail)); }

// A NumericDate (RFC 7519, section 2), whose fractions are cut off.
Result<std::optional<UnixSeconds>> DateOf(const json& claims, const char* name) {
  const auto it = claims.find(name);
  if (it == claims.end()) return std::nullopt;
  if (it->is_number_unsigned()) return it->get<uint64_t>();
  const double value = it->is_number() ? it->get<double>() : -1;
  if (!(value >= 0) || value > 9007199254740991.0) return Bad(std::string("'") + name + "' is no date in seconds");
  return static_cast<UnixSeconds>(std::floor(value));
}

Result<std::string> TypeOf(const json& value, const char* name) {
  if (!value.is_string() || value == "" ||
      value.get_ref<const std::string&>().find_first_of(" \t\r\n") != std::string::npos)
    return Bad(std::string("'") + name + "' is no name of a type");
  return value.get<std::string>();
}

Result<std::vector<StatusEntry>> StatusOf(const json& claims) {
  std::vector<StatusEntry> out;
  const auto status = claims.find("status");
  if (status == claims.end()) return out;
  if (!status->is_object() || status->empty()) return Bad("'status' is no object, or empty");
  for (const auto& [mechanism, value] : status->items()) {
    if (mechanism == "bitstring_status_list") {
      KEEL_TRY(out.emplace_back(), ReadStatusEntry(value));
    } else {
      out.emplace_back().type = mechanism;  // the status check refuses what it doesn't know
    }
  }
  return out;
}

// The claims of an SD-JWT VC (draft-ietf-oauth-sd-jwt-vc, section 2.2.2) as what Keel reads of a credential.
Result<Credential> ReadSdJwtVc(const json& claims) {
  Credential out;
  const auto vct = claims.find("vct");
  if (vct == claims.end()) return Bad("no 'vct'");
  KEEL_TRY(out.types.emplace_back(), TypeOf(*vct, "vct"));
  if (const auto more = claims.find("aka_vcts"); more != claims.end()) {
    if (!more->is_array() || more->empty()) return Bad("'aka_vcts' is no array, or empty");
    for (const json& item : *more) {
      KEEL_TRY(std::string type, TypeOf(item, "aka_vcts"));
      if (type == out.types[0]) return Bad("'aka_vcts' repeats 'vct'");
      out.types.push_back(std::move(type));
    }
  }
  KEEL_TRY(const std::optional<std::string> issuer, base::GetOptionalString(claims, "iss"));
  out.issuer = issuer.value_or("");
  KEEL_TRY(const std::optional<std::string> subject, base::GetOptionalString(claims, "sub"));
  if (subject) out.subjects.push_back(*subject);
  KEEL_TRY(const std::optional<std::string> id, base::GetOptionalString(claims, "jti"));
  out.id = id.value_or("");
  KEEL_TRY(out.valid_from, DateOf(claims, "nbf"));
  KEEL_TRY(out.valid_until, DateOf(claims, "exp"));
  KEEL_TRY_VOID(DateOf(claims, "iat"));
  KEEL_TRY(out.status, StatusOf(claims));
  out.subject_json = base::DumpJson(claims);
  return out;
}

// The token in its parts, read but not believed.
struct Opened {
  SdJwt parts;
  did::Jws jws;
  json payload;  // processed
  SdClaims claims;
  std::string typ;  // without "application/"
};

std::string TypOf(std::string typ) {
  constexpr std::string_view kPrefix = "application/";
  return typ.starts_with(kPrefix) ? typ.substr(kPrefix.size()) : typ;
}

// kCheckEnvelope and kCheckDisclosures; nullopt when nothing further can be said.
std::optional<Opened> Open(Verification& verification, std::string_view octets, const VerifyOptions& options) {
  Opened out;
  auto parts = SdJwt::Parse(octets, options.max_size);
  if (!parts) {
    Note(verification, kCheckEnvelope, false, parts.error().Text());
    return std::nullopt;
  }
  out.parts = std::move(*parts);
  auto jws = did::Jws::Parse(out.parts.jwt, options.max_size);
  if (!jws) {
    Note(verification, kCheckEnvelope, false, jws.error().Text());
    return std::nullopt;
  }
  out.jws = std::move(*jws);
  out.typ = TypOf(out.jws.typ);
  if (out.typ != kTypSdJwtVc && out.typ != kTypVcSdJwt && out.typ != kTypVpSdJwt) {
    Note(verification, kCheckEnvelope, false, "typ is '" + out.jws.typ + "', not dc+sd-jwt, vc+sd-jwt or vp+sd-jwt");
    return std::nullopt;
  }
  auto payload = base::ParseJson(out.jws.payload, {.max_size = options.max_size});
  if (!payload || !payload->is_object()) {
    Note(verification, kCheckEnvelope, false, payload ? "the payload is no object" : payload.error().Text());
    return std::nullopt;
  }
  out.payload = std::move(*payload);
  verification.form = out.typ;
  verification.kid = out.jws.kid.empty() ? out.parts.unprotected_kid : out.jws.kid;
  Note(verification, kCheckEnvelope, true, out.typ + ", " + out.jws.alg);
  auto claims = DiscloseClaims(out.payload, out.parts.disclosures);
  if (!claims) {
    Note(verification, kCheckDisclosures, false, claims.error().Text());
    return std::nullopt;
  }
  out.claims = std::move(*claims);
  for (const std::string_view name : CriticalClaims(out.typ)) {
    const std::string critical = PointerTo("", name);
    const auto bad = [&](const std::string& pointer) { return PointerWithin(pointer, critical); };
    const bool disclosed = std::any_of(out.claims.claims.begin(), out.claims.claims.end(),
                                       [&](const DisclosedClaim& claim) { return bad(claim.pointer); });
    if (disclosed || std::any_of(out.claims.concealing.begin(), out.claims.concealing.end(), bad)) {
      Note(verification, kCheckDisclosures, false,
           "'" + std::string(name) + "' decides over validity and must not be disclosed selectively");
      return std::nullopt;
    }
  }
  Note(verification, kCheckDisclosures, true,
       std::to_string(out.claims.claims.size()) + " claims disclosed, " + std::to_string(out.claims.undisclosed) +
           " digests not");
  return out;
}

// kCheckModel, filling verification.credential. Whether it holds.
bool ReadModel(Verification& verification, const Opened& opened, const VerifyOptions& options) {
  // vc+sd-jwt was SD-JWT VC's name before it was VC-JOSE-COSE's: then only the payload tells.
  const bool context = opened.payload.contains("@context");
  const bool w3c = opened.typ == kTypVpSdJwt || (opened.typ == kTypVcSdJwt && context);
  if (w3c && opened.payload.contains("vct")) {
    Note(verification, kCheckModel, false, "both '@context' and 'vct': it can't be told what it is");
    return false;
  }
  if (w3c) {
    if (!AddModelCheck(verification, opened.payload, options)) return false;
    if (verification.presentation != (opened.typ == kTypVpSdJwt)) {
      verification.checks.back() = {std::string(kCheckModel), false, "typ " + opened.typ + " is for another type"};
      return false;
    }
    if (verification.presentation) {
      const auto iss = opened.payload.find("iss");
      const std::string holder = HolderOf(opened.payload);
      if (iss == opened.payload.end() || (iss->is_string() && (holder.empty() || *iss == holder))) return true;
      verification.checks.back() = {std::string(kCheckModel), false, "iss and holder differ"};
      return false;
    }
    if (const auto taken = verification.credential.TakeClaims(opened.payload); !taken) {
      verification.checks.back() = {std::string(kCheckModel), false, taken.error().Text()};
      return false;
    }
    return true;
  }
  auto credential = ReadSdJwtVc(opened.payload);
  if (!credential) {
    Note(verification, kCheckModel, false, credential.error().Text());
    return false;
  }
  verification.credential = std::move(*credential);
  verification.credential.json = base::DumpJson(opened.payload);
  Note(verification, kCheckModel, true, "vct " + verification.credential.types[0]);
  return true;
}

// The key that the issuer bound the SD-JWT to. !valid(): the reason is in `why`.
Result<crypto::PublicKey> BoundKey(Verification& verification, const json& payload, did::DidResolver& resolver,
                                   std::string& why) {
  const auto cnf = payload.find("cnf");
  if (cnf == payload.end() || !cnf->is_object()) {
    why = "the SD-JWT names no holder's key (cnf)";
    return crypto::PublicKey();
  }
  if (const auto jwk = cnf->find("jwk"); jwk != cnf->end()) {
    auto key = crypto::PublicKeyFromJwk(*jwk, crypto::JwkUse::kVerify);
    if (key) return *key;
    why = "cnf.jwk: " + key.error().Text();
    return crypto::PublicKey();
  }
  const auto kid = cnf->find("kid");
  if (kid == cnf->end() || !kid->is_string() || !did::IsDid(did::DidOf(kid->get_ref<const std::string&>()))) {
    why = "cnf has neither a jwk nor a kid that is a DID URL";
    return crypto::PublicKey();
  }
  const std::string& key_id = kid->get_ref<const std::string&>();
  auto key = did::ResolveKey(resolver, key_id, did::Relationship::kAuthentication);
  if (key) {
    verification.holder = std::string(did::DidOf(key_id));
    return *key;
  }
  const Code code = key.error().code;
  if (!IsSendersFault(code) && code != Code::kDeactivated && code != Code::kUntrusted)
    return std::unexpected<Error>(key.error());
  why = "cnf.kid: " + key.error().Text();
  return crypto::PublicKey();
}

// Section 7.3, step 5, but for nonce and audience. An empty string: it holds.
Result<std::string> BindingProblem(Verification& verification, const Opened& opened, const did::Jws& token,
                                   const json& claims, did::DidResolver& resolver, const VerifyOptions& options) {
  std::string why;
  KEEL_TRY(const crypto::PublicKey key, BoundKey(verification, opened.payload, resolver, why));
  if (!key.valid()) return why;
  if (token.typ != kTypKeyBinding) return "typ is '" + token.typ + "', not kb+jwt";
  const auto verdict = did::VerifyJws(token, key);
  if (!verdict && verdict.error().code != Code::kAlgorithmNotAllowed && verdict.error().code != Code::kMalformed)
    return std::unexpected<Error>(verdict.error());
  if (!verdict) return verdict.error().Text();
  if (!*verdict) return std::string("the signature is wrong: the holder's key (cnf) didn't make it");
  const auto hash = claims.find("sd_hash");
  if (hash == claims.end() || !hash->is_string()) return std::string("no sd_hash");
  if (*hash != SdDigest(opened.claims.hash, opened.parts.Signed()))
    return std::string("sd_hash is of another SD-JWT, or of other disclosures");
  const auto iat = DateOf(claims, "iat");
  const auto exp = DateOf(claims, "exp");
  const auto nbf = DateOf(claims, "nbf");
  if (!iat || !*iat || !exp || !nbf) return std::string("iat is required, and exp and nbf must be dates");
  for (const char* name : {"aud", "nonce"}) {
    if (const auto it = claims.find(name); it == claims.end() || !it->is_string())
      return std::string(name) + " is required, a string";
  }
  if (options.now) {
    const UnixSeconds now = *options.now;
    if (!NotBeforeOk(**iat, now) || (*nbf && !NotBeforeOk(**nbf, now)))
      return "made at " + base::Rfc3339(**iat) + ", which is to come";
    if (!NotAfterOk(**iat + kMaxPresentationLife, now) || (*exp && !NotAfterOk(**exp, now)))
      return "made at " + base::Rfc3339(**iat) + ", which is too long ago";
  }
  return std::string();
}

// What the holder's token, or a presentation's own claims, must be bound to.
void CheckBound(Verification& verification, const json& claims, const VerifyOptions& options) {
  const auto demand = [&](std::string_view check, const char* name, const std::optional<std::string>& wanted) {
    if (!wanted) return;
    const auto it = claims.find(name);
    const bool ok = it != claims.end() &&
                    (*it == *wanted || (it->is_array() && std::find(it->begin(), it->end(), *wanted) != it->end()));
    Note(verification, check, ok, ok ? *wanted : "wanted " + *wanted);
  };
  demand(kCheckAudience, "aud", options.audience);
  demand(kCheckNonce, "nonce", options.nonce);
  demand(kCheckDomain, "aud", options.domain);
  demand(kCheckChallenge, "nonce", options.challenge);
}

Result<> CheckBinding(Verification& verification, const Opened& opened, did::DidResolver& resolver,
                      const VerifyOptions& options) {
  if (opened.parts.key_binding.empty()) {
    if (!options.nonce && !options.audience && !options.challenge && !options.domain) return {};
    if (verification.presentation) {
      CheckBound(verification, opened.payload, options);
    } else {
      Note(verification, kCheckKeyBinding, false, "a key binding JWT is demanded, and none came along");
    }
    return {};
  }
  const auto token = did::Jws::Parse(opened.parts.key_binding, options.max_size);
  const auto claims = token ? base::ParseJson(token->payload) : Result<Json>(std::unexpected<Error>(token.error()));
  if (!claims || !claims->is_object()) {
    Note(verification, kCheckKeyBinding, false, claims ? "its payload is no object" : claims.error().Text());
    return {};
  }
  KEEL_TRY(const std::string problem, BindingProblem(verification, opened, *token, *claims, resolver, options));
  if (!problem.empty()) verification.holder.clear();
  Note(verification, kCheckKeyBinding, problem.empty(), problem.empty() ? "by the key in cnf" : problem);
  CheckBound(verification, *claims, options);
  return {};
}

// The issuer's own `aud` (RFC 9901, section 7.1, step 6): whom the SD-JWT is for.
void CheckOwnAudience(Verification& verification, const json& payload, const VerifyOptions& options) {
  const auto aud = payload.find("aud");
  if (aud == payload.end() || verification.presentation) return;
  const json list = aud->is_array() ? *aud : json::array({*aud});
  const auto& us = options.audience ? options.audience : options.domain;
  const bool ok = us && std::find(list.begin(), list.end(), json(*us)) != list.end();
  if (!ok) Note(verification, kCheckAudience, false, "the issuer made it for " + base::DumpJson(*aud) + " only");
}

}  // namespace

Result<Verification> VerifySdJwt(std::string_view octets, did::DidResolver& resolver, const VerifyOptions& options) {
  Verification verification;
  const std::optional<Opened> opened = Open(verification, octets, options);
  if (!opened || !ReadModel(verification, *opened, options)) return verification;
  std::string controller = verification.credential.issuer;
  if (verification.presentation) {
    controller = HolderOf(opened->payload);
    const auto iss = opened->payload.find("iss");
    if (controller.empty() && iss != opened->payload.end() && iss->is_string()) controller = iss->get<std::string>();
  }
  if (controller.empty() && did::IsDid(did::DidOf(verification.kid)))
    controller = verification.credential.issuer = did::DidOf(verification.kid);
  KEEL_TRY_VOID(AddSignatureChecks(
      verification, controller, verification.kid,
      verification.presentation ? did::Relationship::kAuthentication : did::Relationship::kAssertionMethod, resolver,
      options, [&](const crypto::PublicKey& key) { return did::VerifyJws(opened->jws, key); }));
  if (verification.presentation && Holds(verification, kCheckSignature)) verification.holder = controller;
  KEEL_TRY_VOID(CheckBinding(verification, *opened, resolver, options));
  CheckOwnAudience(verification, opened->payload, options);
  KEEL_TRY_VOID(AddCommonChecks(verification, opened->payload, options));
  return verification;
}

}  // namespace keel::vc
