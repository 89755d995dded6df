// SPDX-License-Identifier: Apache-2.0
#include "vc/cose/verify.h"

#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "core/encoding.h"
#include "vc/common_checks.h"
#include "vc/cose/cose_sign1.h"
#include "vc/signature_check.h"

namespace keel::vc {
namespace {

using nlohmann::json;

// What the protected header says the payload is: "vc" or "vp"; an error's text when it doesn't.
Result<std::string> KindOf(const CoseHeaders& headers) {
  const auto kind = [](std::string_view type, std::string_view suffix) -> std::string {
    constexpr std::string_view kPrefix = "application/";
    if (type.starts_with(kPrefix)) type.remove_prefix(kPrefix.size());
    if (!type.ends_with(suffix)) return "";
    type.remove_suffix(suffix.size());
    return type == "vc" || type == "vp" ? std::string(type) : "";
  };
  const std::string by_typ = kind(headers.typ, "+cose"), by_content = kind(headers.content_type, "");
  if (!headers.typ.empty() && by_typ.empty())
    return Fail(Code::kMalformed, "vc+cose", "typ is '" + headers.typ + "', not application/vc+cose or vp+cose");
  if (!headers.content_type.empty() && by_content.empty()) {
    return Fail(Code::kMalformed, "vc+cose",
                "the content type is '" + headers.content_type + "', not application/vc or application/vp");
  }
  if (by_typ.empty() && by_content.empty()) return Fail(Code::kMalformed, "vc+cose", "neither typ nor content type");
  if (!by_typ.empty() && !by_content.empty() && by_typ != by_content)
    return Fail(Code::kMalformed, "vc+cose", "typ and content type contradict each other");
  return by_typ.empty() ? by_content : by_typ;
}

json ClaimsOf(const CwtClaims& claims) {
  json out = json::object();
  if (claims.issuer) out["iss"] = *claims.issuer;
  if (claims.subject) out["sub"] = *claims.subject;
  if (claims.expires) out["exp"] = *claims.expires;
  if (claims.not_before) out["nbf"] = *claims.not_before;
  return out;
}

// A presentation's own times and what it must be bound to.
void CheckBound(Verification& verification, const CwtClaims& claims, const VerifyOptions& options) {
  if (options.now && (claims.expires || claims.not_before)) {
    const bool ok = (!claims.expires || NotAfterOk(*claims.expires, *options.now)) &&
                    (!claims.not_before || NotBeforeOk(*claims.not_before, *options.now));
    Note(verification, kCheckValidity, ok, ok ? "by exp and nbf" : "expired, or not valid yet");
  }
  const auto demand = [&](std::string_view check, const std::optional<std::string>& found,
                          const std::optional<std::string>& wanted) {
    if (wanted) Note(verification, check, found == wanted, found == wanted ? *wanted : "wanted " + *wanted);
  };
  demand(kCheckAudience, claims.audience, options.audience);
  demand(kCheckNonce, claims.nonce, options.nonce);
  demand(kCheckDomain, claims.audience, options.domain);
  demand(kCheckChallenge, claims.nonce, options.challenge);
}

// kCheckModel and whose it is. Whether the check holds.
bool ReadModel(Verification& verification, const json& document, const std::string& kind, const CwtClaims& claims,
               const VerifyOptions& options, std::string& controller) {
  if (!AddModelCheck(verification, document, options)) return false;
  const auto fail = [&](std::string detail) {
    verification.checks.back() = {std::string(kCheckModel), false, std::move(detail)};
    return false;
  };
  if (verification.presentation != (kind == "vp")) return fail("the header says " + kind + ", the payload is another");
  if (!verification.presentation) {
    if (const auto taken = verification.credential.TakeClaims(ClaimsOf(claims)); !taken)
      return fail(taken.error().Text());
    controller = verification.credential.issuer;
    return true;
  }
  controller = HolderOf(document);
  if (controller.empty()) controller = claims.issuer.value_or("");
  if (claims.issuer && *claims.issuer != controller) return fail("iss and holder differ");
  return true;
}

}  // namespace

Result<Verification> VerifyCose(std::string_view octets, did::DidResolver& resolver, const VerifyOptions& options) {
  Verification verification;
  const auto envelope = [&](std::string detail) {
    Note(verification, kCheckEnvelope, false, std::move(detail));
    return verification;
  };
  const auto message = CoseSign1::Parse(AsBytes(octets), options.max_size);
  if (!message) return envelope(message.error().Text());
  if (!message->tagged) return envelope("no tag 18 (COSE_Sign1)");
  if (!message->protected_algorithm) return envelope("alg is outside of the protected header");
  const auto kind = KindOf(message->headers);
  if (!kind) return envelope(kind.error().Text());
  if (!IsUtf8(AsBytes(message->headers.kid))) return envelope("kid is no text");
  verification.form = *kind + "+cose";
  verification.kid = message->headers.kid;
  Note(verification, kCheckEnvelope, true,
       verification.form + ", " + std::string(crypto::JoseName(message->algorithm)));
  const auto document = base::ParseJson(AsText(message->payload), {.max_size = options.max_size});
  if (!document) {
    Note(verification, kCheckModel, false, document.error().Text());
    return verification;
  }
  verification.credential.json = AsText(message->payload);
  std::string controller;
  if (!ReadModel(verification, *document, *kind, message->headers.claims, options, controller)) return verification;
  const auto use = verification.presentation ? did::Relationship::kAuthentication : did::Relationship::kAssertionMethod;
  KEEL_TRY_VOID(AddSignatureChecks(verification, controller, verification.kid, use, resolver, options,
                                   [&](const crypto::PublicKey& key) { return VerifyCoseSign1(*message, key); }));
  if (verification.presentation) {
    if (Holds(verification, kCheckSignature)) verification.holder = controller;
    CheckBound(verification, message->headers.claims, options);
  }
  KEEL_TRY_VOID(AddCommonChecks(verification, *document, options));
  return verification;
}

}  // namespace keel::vc
