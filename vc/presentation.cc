// SPDX-License-Identifier: Apache-2.0
#include "vc/presentation.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "crypto/hosted/jwk.h"
#include "did/did.h"
#include "did/jose.h"

namespace keel::vc {
namespace {

using nlohmann::json;

constexpr size_t kMaxCredentials = 16;
constexpr std::string_view kDataUrl = "data:application/vc+jwt,";

void Note(PresentationVerification& verification, std::string_view name, bool ok, std::string detail) {
  verification.checks.push_back({std::string(name), ok, std::move(detail)});
}

bool IsSendersFault(Code code) {
  return code == Code::kNotFound || code == Code::kInvalidDid || code == Code::kInvalidDidUrl ||
         code == Code::kInvalidDidDocument || code == Code::kWrongNetwork;
}

// The holder's authentication key that the header names by kid or carries as jwk. An invalid key: the reason is in
// `why`.
Result<crypto::PublicKey> HolderKey(const did::Jws& jws, const std::string& holder, did::DidResolver& resolver,
                                    std::string& why) {
  if (!jws.kid.empty() && !jws.kid.starts_with('#') && did::DidOf(jws.kid) != holder) {
    why = "the key " + jws.kid + " is not the holder's, who is " + holder;
    return crypto::PublicKey();
  }
  if (jws.kid.empty() && !jws.jwk.valid()) {
    why = "the header has neither kid nor jwk";
    return crypto::PublicKey();
  }
  auto result = resolver.Resolve(holder);
  if (!result) {
    if (!IsSendersFault(result.error().code)) return std::unexpected<Error>(result.error());
    why = "holder " + holder + ": " + result.error().Text();
    return crypto::PublicKey();
  }
  if (result->deactivated) {
    why = "holder " + holder + " is deactivated";
    return crypto::PublicKey();
  }
  for (const did::VerificationMethod* method : result->document->All(did::Relationship::kAuthentication)) {
    if (!jws.kid.empty() && result->document->FindFor(did::Relationship::kAuthentication, jws.kid) != method) continue;
    if (jws.jwk.valid() && !(jws.jwk == method->key)) continue;
    return method->key;
  }
  why = "no current authentication key of " + holder + " is " + (jws.kid.empty() ? "the header's jwk" : jws.kid);
  return crypto::PublicKey();
}

bool HasAudience(const json& claims, const std::string& wanted) {
  const auto aud = claims.find("aud");
  if (aud == claims.end()) return false;
  if (aud->is_string()) return *aud == wanted;
  return aud->is_array() && std::find(aud->begin(), aud->end(), json(wanted)) != aud->end();
}

void CheckTimes(PresentationVerification& verification, const json& claims, const PresentationOptions& options) {
  auto iat = base::GetUint(claims, "iat");
  auto exp = base::GetUint(claims, "exp");
  if (!iat || !exp) {
    Note(verification, kCheckValidity, false, "iat and exp are required");
  } else if (*exp < *iat || *exp - *iat > options.max_life) {
    Note(verification, kCheckValidity, false, "it may live " + std::to_string(options.max_life) + " s at most");
  } else if (!NotBeforeOk(*iat, options.now)) {
    Note(verification, kCheckValidity, false, "made at " + base::Rfc3339(*iat) + ", which is to come");
  } else if (!NotAfterOk(*exp, options.now)) {
    Note(verification, kCheckValidity, false, "expired at " + base::Rfc3339(*exp));
  } else {
    Note(verification, kCheckValidity, true, "until " + base::Rfc3339(*exp));
  }
}

Result<> CheckCredentials(PresentationVerification& verification, const json& claims, did::DidResolver& resolver,
                          const PresentationOptions& options) {
  const auto member = claims.find("verifiableCredential");
  if (member == claims.end()) return {};
  const json list = member->is_array() ? *member : json::array({*member});
  if (list.size() > kMaxCredentials) {
    Note(verification, kCheckCredentials, false, "more than " + std::to_string(kMaxCredentials));
    return {};
  }
  for (const json& item : list) {
    const auto id = item.is_object() ? item.find("id") : item.end();
    const bool enveloped =
        item.is_object() && item.contains("type") &&
        (item["type"] == "EnvelopedVerifiableCredential" ||
         (item["type"].is_array() && std::find(item["type"].begin(), item["type"].end(),
                                               json("EnvelopedVerifiableCredential")) != item["type"].end()));
    if (!enveloped || id == item.end() || !id->is_string() ||
        !id->get_ref<const std::string&>().starts_with(kDataUrl)) {
      Note(verification, kCheckCredentials, false,
           "an element is no EnvelopedVerifiableCredential with a vc+jwt data URL");
      return {};
    }
    VerifyOptions each = options.credentials;
    each.now = options.now;
    const size_t position = verification.credentials.size();
    each.batch = position < options.batches.size() ? &options.batches[position] : nullptr;
    KEEL_TRY(
        verification.credentials.emplace_back(),
        VerifyCredential(std::string_view(id->get_ref<const std::string&>()).substr(kDataUrl.size()), resolver, each));
  }
  for (const Verification& each : verification.credentials) {
    if (each.valid()) continue;
    Note(verification, kCheckCredentials, false, each.Reason());
    return {};
  }
  Note(verification, kCheckCredentials, true, std::to_string(verification.credentials.size()) + " presented");
  return {};
}

}  // namespace

Result<std::string> CreatePresentation(const PresentationRequest& request, crypto::KeyStore& store,
                                       crypto::KeyHandle key, const std::string& kid, bool embed_jwk) {
  if (!embed_jwk && did::DidOf(kid) != request.holder)
    return Fail(Code::kInvalidArgument, "create presentation", "the key " + kid + " is not the holder's");
  KEEL_TRY(json claims, base::ParseJson(request.extra));
  if (!claims.is_object())
    return Fail(Code::kInvalidArgument, "create presentation", "extra members must be a JSON object");
  for (const char* name : {"@context", "type", "iss", "holder", "aud", "nonce", "iat", "exp", "verifiableCredential"}) {
    if (claims.contains(name))
      return Fail(Code::kInvalidArgument, "create presentation", std::string("'") + name + "' has a field of its own");
  }
  const UnixSeconds exp = request.exp != 0 ? request.exp : request.iat + kMaxPresentationLife;
  if (exp < request.iat || exp - request.iat > kMaxPresentationLife) {
    return Fail(Code::kOutOfRange, "create presentation",
                "exp must be within " + std::to_string(kMaxPresentationLife) + " s of iat");
  }
  claims["@context"] = json::array({kContextV2});
  claims["type"] = "VerifiablePresentation";
  claims["iss"] = request.holder;
  claims["holder"] = request.holder;
  claims["aud"] = request.audience;
  claims["nonce"] = request.nonce;
  claims["iat"] = request.iat;
  claims["exp"] = exp;
  for (const std::string& credential : request.credentials) {
    claims["verifiableCredential"].push_back({{"@context", kContextV2},
                                              {"type", "EnvelopedVerifiableCredential"},
                                              {"id", std::string(kDataUrl) + credential}});
  }
  json header = {{"typ", "vp+jwt"}, {"cty", "vp"}};
  if (embed_jwk) {
    KEEL_TRY(const crypto::PublicKey public_key, store.Public(key));
    header["jwk"] = crypto::PublicKeyToJwk(public_key);
  } else {
    header["kid"] = kid;
  }
  return did::SignJws(header, base::DumpJson(claims), store, key);
}

bool PresentationVerification::valid() const {
  return !checks.empty() && std::all_of(checks.begin(), checks.end(), [](const Check& check) { return check.ok; });
}

const Check* PresentationVerification::Find(std::string_view name) const {
  for (const Check& check : checks) {
    if (check.name == name) return &check;
  }
  return nullptr;
}

std::string PresentationVerification::Reason() const {
  for (const Check& check : checks) {
    if (!check.ok) return check.name + ": " + check.detail;
  }
  return {};
}

Result<PresentationVerification> VerifyPresentation(std::string_view jwt, did::DidResolver& resolver,
                                                    const PresentationOptions& options) {
  if (options.audience.empty() || options.nonce.empty() || options.now == 0) {
    return Fail(Code::kInvalidArgument, "verify presentation", "audience, nonce and time are required");
  }
  PresentationVerification verification;
  auto jws = did::Jws::Parse(jwt);
  if (!jws) {
    Note(verification, kCheckEnvelope, false, jws.error().Text());
    return verification;
  }
  if (jws->typ != "vp+jwt" && jws->typ != "application/vp+jwt") {
    Note(verification, kCheckEnvelope, false, "typ is '" + jws->typ + "', not vp+jwt");
    return verification;
  }
  Note(verification, kCheckEnvelope, true, "vp+jwt, " + jws->alg);
  verification.kid = jws->kid;
  verification.payload = jws->payload;
  auto parsed = base::ParseJson(jws->payload);
  if (!parsed || !parsed->is_object() || parsed->contains("vc") || parsed->contains("vp")) {
    Note(verification, kCheckModel, false, parsed ? "no object, or a 'vc' or 'vp' claim" : parsed.error().Text());
    return verification;
  }
  const json& claims = *parsed;
  const auto type = claims.find("type");
  const bool is_presentation =
      type != claims.end() &&
      (*type == "VerifiablePresentation" ||
       (type->is_array() && std::find(type->begin(), type->end(), json("VerifiablePresentation")) != type->end()));
  auto iss = base::GetString(claims, "iss");
  auto holder = base::GetOptionalString(claims, "holder");
  if (!is_presentation || !iss || !holder || (*holder && **holder != *iss)) {
    Note(verification, kCheckModel, false,
         "type must be VerifiablePresentation, iss a string and holder, if there, the same");
    return verification;
  }
  Note(verification, kCheckModel, true, "VerifiablePresentation");
  verification.holder = *iss;
  if (options.holder) {
    const bool same = verification.holder == *options.holder;
    Note(verification, kCheckHolder, same,
         same ? verification.holder : "it is " + verification.holder + ", wanted " + *options.holder);
  }
  std::string why;
  KEEL_TRY(verification.key, HolderKey(*jws, verification.holder, resolver, why));
  Note(verification, kCheckIssuer, verification.key.valid(),
       verification.key.valid() ? "a current authentication key of the holder" : why);
  if (!verification.key.valid()) {
    Note(verification, kCheckSignature, false, "no key to check it with");
    return verification;
  }
  auto verdict = did::VerifyJws(*jws, verification.key);
  if (!verdict && verdict.error().code != Code::kAlgorithmNotAllowed && verdict.error().code != Code::kMalformed)
    return std::unexpected<Error>(verdict.error());
  const bool good = verdict && *verdict;
  Note(verification, kCheckSignature, good, good ? "right" : verdict ? "wrong" : verdict.error().Text());
  if (!good) return verification;

  const bool audience = HasAudience(claims, options.audience);
  Note(verification, kCheckAudience, audience, audience ? options.audience : "wanted " + options.audience);
  const auto nonce = claims.find("nonce");
  const bool fresh = nonce != claims.end() && nonce->is_string() && *nonce == options.nonce;
  Note(verification, kCheckNonce, fresh, fresh ? "right" : "not the one that was given");
  CheckTimes(verification, claims, options);
  KEEL_TRY_VOID(CheckCredentials(verification, claims, resolver, options));
  return verification;
}

}  // namespace keel::vc
