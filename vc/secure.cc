// SPDX-License-Identifier: Apache-2.0
#include "vc/secure.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "crypto/hosted/software_key_store.h"
#include "did/did.h"
#include "did/jose.h"
#include "vc/common_checks.h"
#include "vc/cose/credential.h"
#include "vc/data_integrity/proof.h"
#include "vc/data_model/model.h"
#include "vc/data_model/related_resource.h"
#include "vc/data_model/terms.h"
#include "vc/enveloped.h"
#include "vc/sd_jwt/sd_jwt.h"
#include "vc/verify_any.h"

namespace keel::vc {
namespace {

using nlohmann::json;

std::unexpected<Error> Bad(std::string what) { return Fail(Code::kInvalidArgument, "secure", std::move(what)); }

std::string PartyOf(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  return value.is_object() ? value.value("id", std::string()) : std::string();
}

Result<> CheckDocument(const json& document, bool presentation, const SecureOptions& options) {
  const auto version = presentation ? CheckPresentationModel(document) : CheckCredentialModel(document);
  if (!version) return Bad(version.error().Text());
  if (const auto terms = CheckTerms(document, options.contexts); !terms) return Bad(terms.error().Text());
  if (!presentation) {
    const Check related = CheckRelatedResources(document, options.contexts, options.resources);
    if (!related.ok) return Bad(related.detail);
    // Members that a reader takes and the model doesn't know of: status entries.
    if (const auto read = Credential::Read(document); !read) return Bad(read.error().Text());
  }
  const std::string party = presentation ? HolderOf(document) : PartyOf(document["issuer"]);
  if (party != did::DidOf(options.kid) && !(presentation && party.empty())) {
    return Bad(std::string(presentation ? "the holder" : "the issuer") + " is " + party + ", the key " + options.kid +
               " is another's");
  }
  return {};
}

Result<Secured> WithProof(const json& document, bool presentation, const SecureOptions& options, Cryptosuite suite) {
  ProofOptions proof;
  proof.cryptosuite = suite;
  proof.verification_method = options.kid;
  if (presentation) proof.proof_purpose = "authentication";
  proof.id = options.proof_id;
  proof.created = options.created;
  proof.expires = options.expires;
  proof.challenge = presentation && !options.challenge ? options.nonce : options.challenge;
  if (const auto& whom = options.domain ? options.domain : options.audience; whom) proof.domain = {*whom};
  if (proof.challenge != options.nonce) proof.nonce = options.nonce;
  proof.previous_proof = options.previous_proof;
  proof.mandatory_pointers = options.pointers;
  if (suite == Cryptosuite::kEcdsaSd2023) {
    // What a verifier judges by is nothing that a holder may leave out.
    for (const char* member :
         {"issuer", "validFrom", "validUntil", "credentialStatus", "credentialSchema", "termsOfUse"}) {
      const std::string pointer = std::string("/") + member;
      if (document.contains(member) && std::ranges::find(options.pointers, pointer) == options.pointers.end())
        proof.mandatory_pointers.push_back(pointer);
    }
  }
  KEEL_TRY(const json secured, AddProof(document, proof, *options.store, options.key, options.contexts));
  return Secured{base::DumpJson(secured), presentation ? "application/vp" : "application/vc", options.form};
}

// What a token or CWT is bound to.
CwtClaims BoundTo(const SecureOptions& options) {
  CwtClaims bound;
  bound.nonce = options.challenge ? options.challenge : options.nonce;
  bound.audience = options.domain ? options.domain : options.audience;
  bound.issued_at = options.created;
  bound.expires = options.expires;
  return bound;
}

Result<Secured> PresentationJwt(const json& document, const SecureOptions& options) {
  json claims = document;
  if (const std::string holder = HolderOf(document); !holder.empty()) claims["iss"] = holder;
  const CwtClaims bound = BoundTo(options);
  const auto put = [&](const char* name, const auto& value) {
    if (value) claims[name] = *value;
  };
  put("nonce", bound.nonce);
  put("aud", bound.audience);
  put("iat", bound.issued_at);
  put("exp", bound.expires);
  KEEL_TRY(std::string jwt, did::SignJws(json{{"kid", options.kid}, {"typ", "vp+jwt"}, {"cty", "vp"}},
                                         base::DumpJson(claims), *options.store, options.key));
  return Secured{std::move(jwt), "application/vp+jwt", options.form};
}

Result<Secured> WithSdJwt(const json& document, std::string_view typ, const SecureOptions& options) {
  SdJwtIssue issue;
  issue.kid = options.kid;
  issue.typ = typ;
  issue.concealed = options.pointers;
  issue.holder = options.holder;
  KEEL_TRY(std::string sd_jwt, IssueSdJwt(document, issue, crypto::SystemRandom(), *options.store, options.key));
  return Secured{std::move(sd_jwt), "application/" + std::string(typ), std::string(typ)};
}

Result<Secured> SecureCredential(const json& document, const SecureOptions& options) {
  if (options.form == "vc+jwt") {
    KEEL_TRY(std::string jwt, IssueCredential(document, *options.store, options.key, options.kid));
    return Secured{std::move(jwt), "application/vc+jwt", options.form};
  }
  if (options.form == kTypVcSdJwt || options.form == "sd-jwt") return WithSdJwt(document, kTypVcSdJwt, options);
  if (options.form == "vc+cose") {
    KEEL_TRY(const base::ByteVec octets, IssueCose(document, *options.store, options.key, options.kid));
    return Secured{base::ToString(octets), "application/vc+cose", options.form};
  }
  return Fail(Code::kUnsupported, "secure", "there is no form '" + options.form + "' for credentials");
}

Result<Secured> SecurePresentation(const json& document, const SecureOptions& options) {
  if (options.form == "vp+jwt") return PresentationJwt(document, options);
  if (options.form == "vp+cose") {
    KEEL_TRY(const base::ByteVec octets,
             PresentCose(document, BoundTo(options), *options.store, options.key, options.kid));
    return Secured{base::ToString(octets), "application/vp+cose", options.form};
  }
  return Fail(Code::kUnsupported, "secure", "there is no form '" + options.form + "' for presentations");
}

// An SD-JWT VC is no document of the data model: its claims are the caller's, but for who signs.
Result<Secured> SdJwtVc(const json& claims, const SecureOptions& options) {
  if (!claims.is_object() || !claims.contains("vct") || !claims["vct"].is_string())
    return Bad("an SD-JWT VC is a JSON object with the claim vct");
  if (claims.contains("iss") && claims["iss"] != did::DidOf(options.kid))
    return Bad("iss is not whose key " + options.kid + " is");
  json with = claims;
  with["iss"] = did::DidOf(options.kid);
  if (options.created) with["iat"] = *options.created;
  if (options.expires && !with.contains("exp")) with["exp"] = *options.expires;
  return WithSdJwt(with, kTypSdJwtVc, options);
}

}  // namespace

const std::vector<std::string_view>& CredentialForms() {
  static const std::vector<std::string_view> forms = {"vc+jwt",         "vc+sd-jwt",       "dc+sd-jwt",
                                                      "vc+cose",        "eddsa-jcs-2022",  "eddsa-rdfc-2022",
                                                      "ecdsa-jcs-2019", "ecdsa-rdfc-2019", "ecdsa-sd-2023"};
  return forms;
}

const std::vector<std::string_view>& PresentationForms() {
  static const std::vector<std::string_view> forms = {"vp+jwt",          "vp+cose",        "eddsa-jcs-2022",
                                                      "eddsa-rdfc-2022", "ecdsa-jcs-2019", "ecdsa-rdfc-2019"};
  return forms;
}

Result<Secured> Secure(const json& document, const SecureOptions& options) {
  if (options.store == nullptr) return Bad("no key to sign with");
  if (options.form == kTypSdJwtVc) return SdJwtVc(document, options);
  const bool presentation = HasType(document, "VerifiablePresentation");
  const auto& forms = presentation ? PresentationForms() : CredentialForms();
  if (options.form != "sd-jwt" && std::ranges::find(forms, options.form) == forms.end()) {
    std::string known;
    for (const std::string_view form : forms) known += (known.empty() ? "" : ", ") + std::string(form);
    return Fail(Code::kUnsupported, "secure",
                "there is no form '" + options.form + "' for " + (presentation ? "presentations" : "credentials") +
                    "; there are " + known);
  }
  KEEL_TRY_VOID(CheckDocument(document, presentation, options));
  if (const auto suite = CryptosuiteFromName(options.form)) return WithProof(document, presentation, options, *suite);
  if (document.contains("proof")) return Bad("it has a proof already, which " + options.form + " would enclose");
  return presentation ? SecurePresentation(document, options) : SecureCredential(document, options);
}

Result<json> AsPresented(std::string_view octets) {
  switch (Recognize(octets)) {
    case Syntax::kDataIntegrity:
    case Syntax::kEnveloped: return base::ParseJson(octets);
    case Syntax::kJwt: {
      KEEL_TRY(const did::Jws jws, did::Jws::Parse(octets));
      const bool named = jws.typ == "vc+jwt" || jws.typ == "application/vc+jwt";
      return MakeEnvelope(named ? "application/vc+jwt" : "application/jwt", octets);
    }
    case Syntax::kSdJwt: {
      KEEL_TRY(const SdJwt sd_jwt, SdJwt::Parse(octets));
      KEEL_TRY(const did::Jws jws, did::Jws::Parse(sd_jwt.jwt));
      return MakeEnvelope("application/" + (jws.typ.empty() ? std::string(kTypVcSdJwt) : jws.typ), sd_jwt.Compact());
    }
    case Syntax::kCose: return MakeEnvelope("application/vc+cose", *CoseOctets(octets));
    case Syntax::kUnsecured:
    case Syntax::kUnknown: break;
  }
  return Fail(Code::kUnsupported, "present", "no secured credential is recognized in it");
}

}  // namespace keel::vc
