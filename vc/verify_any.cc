// SPDX-License-Identifier: Apache-2.0
#include "vc/verify_any.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "vc/common_checks.h"
#include "vc/cose/verify.h"
#include "vc/data_integrity/verify.h"
#include "vc/data_model/model.h"
#include "vc/enveloped.h"
#include "vc/jwt.h"
#include "vc/sd_jwt/verify.h"

namespace keel::vc {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 4;  // a presentation, a credential in it, each in an envelope

constexpr std::string_view kTag18 = "\xd2\x84";  // COSE_Sign1's tag and an array of four

// Without the white space around; CBOR has none.
std::string_view Trim(std::string_view text) {
  if (text.starts_with(kTag18)) return text;
  constexpr std::string_view kSpace = " \t\r\n";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// What the names of a JSON object's members tell of it, read in one pass that checks nothing: whoever verifies it
// parses it strictly.
struct Names {
  bool proof = false, signature = false, enveloped = false;
};
Names TopNames(std::string_view text) {
  Names names;
  int depth = 0;
  std::string_view name, value;
  bool is_value = false;
  for (size_t i = 0; i < text.size(); ++i) {
    switch (text[i]) {
      case '{':
      case '[': ++depth; break;
      case '}':
      case ']': --depth; break;
      case ':':
        if (depth == 1) is_value = true;
        break;
      case ',':
        if (depth == 1) is_value = false;
        break;
      case '"': {
        const size_t begin = ++i;
        while (i < text.size() && text[i] != '"') i += text[i] == '\\' ? 2 : 1;
        const std::string_view string = text.substr(begin, std::min(i, text.size()) - begin);
        if (depth == 1 && !is_value) {
          name = string;
          if (name == "proof") names.proof = true;
          if (name == "signature" || name == "signatures") names.signature = true;
        } else if (depth <= 2 && name == "type" &&
                   (string == kEnvelopedCredential || string == kEnvelopedPresentation)) {
          names.enveloped = true;
        }
        break;
      }
      default: break;
    }
  }
  return names;
}

Verification Refused(std::string detail) {
  Verification verification;
  Note(verification, kCheckEnvelope, false, std::move(detail));
  return verification;
}

Result<Verification> VerifyAt(std::string_view octets, did::DidResolver& resolver, const VerifyOptions& options,
                              int depth);

Result<Verification> VerifyEnveloped(std::string_view text, did::DidResolver& resolver, const VerifyOptions& options,
                                     int depth) {
  const auto object = base::ParseJson(text, {.max_size = options.max_size});
  if (!object) return Refused(object.error().Text());
  const bool presentation = HasType(*object, kEnvelopedPresentation);
  const std::string_view type = presentation ? kEnvelopedPresentation : kEnvelopedCredential;
  if (const auto model = CheckEnvelopedModel(*object, type); !model) {
    Verification verification;
    Note(verification, kCheckModel, false, model.error().Text());
    return verification;
  }
  const auto envelope = OpenDataUrl((*object)["id"].get_ref<const std::string&>(), options.max_size);
  if (!envelope) return Refused(envelope.error().Text());
  const auto fits = [&](Syntax syntax) {
    switch (envelope->type.syntax) {
      case SecuredType::Syntax::kJwt: return syntax == Syntax::kJwt;
      case SecuredType::Syntax::kSdJwt: return syntax == Syntax::kSdJwt;
      case SecuredType::Syntax::kCose: return syntax == Syntax::kCose;
    }
    return false;
  };
  const std::string said(envelope->type.media_type);
  if (!fits(Recognize(envelope->octets))) return Refused("what is inside is no " + said);
  KEEL_TRY(Verification verification, VerifyAt(envelope->octets, resolver, options, depth + 1));
  // Forms are named as their media types are, but for 1.1's tokens and what SD-JWT VC was called before.
  const std::string& form = verification.form;
  const bool named = form.empty() || said == "application/" + form ||
                     (said == "application/jwt" && (form.starts_with("jwt_") || form.ends_with("+jwt"))) ||
                     (said == "application/vc+sd-jwt" && form == "dc+sd-jwt");
  if (!named) Note(verification, kCheckEnvelope, false, "the media type is " + said + ", inside is " + form);
  if (verification.presentation != presentation)
    Note(verification, kCheckEnvelope, false,
         std::string(type) + (presentation ? " without a" : " with a") + " presentation in it");
  return verification;
}

// The credentials of a presentation that holds itself.
Result<> VerifyPresented(Verification& verification, did::DidResolver& resolver, const VerifyOptions& options,
                         int depth) {
  const auto document =
      base::ParseJson(verification.credential.json, {.max_size = std::max(options.max_size, size_t{1} << 20)});
  if (!document) return std::unexpected<Error>(document.error());
  const auto member = document->find("verifiableCredential");
  if (member == document->end()) return {};
  VerifyOptions each = options;
  each.challenge = each.domain = each.audience = each.nonce = std::nullopt;
  std::string wrong;
  const auto one = [&](const json& item) -> Result<> {
    const std::string text = item.is_string() ? item.get<std::string>() : base::DumpJson(item);
    KEEL_TRY(Verification verdict, VerifyAt(text, resolver, each, depth + 1));
    if (wrong.empty() && verdict.presentation) wrong = "a presentation inside a presentation";
    if (wrong.empty() && !verdict.valid()) wrong = verdict.Reason();
    verification.credentials.push_back(std::move(verdict));
    return {};
  };
  if (member->is_array()) {
    for (const json& item : *member) KEEL_TRY_VOID(one(item));
  } else {
    KEEL_TRY_VOID(one(*member));
  }
  const bool ok = wrong.empty();
  Note(verification, kCheckCredentials, ok,
       ok ? std::to_string(verification.credentials.size()) + " presented" : std::move(wrong));
  return {};
}

Result<Verification> VerifyForm(std::string_view text, did::DidResolver& resolver, const VerifyOptions& options,
                                int depth) {
  switch (Recognize(text)) {
    case Syntax::kJwt: return VerifyJwt(text, resolver, options);
    case Syntax::kSdJwt: return VerifySdJwt(text, resolver, options);
    case Syntax::kCose: return VerifyCose(*CoseOctets(text), resolver, options);
    case Syntax::kDataIntegrity: return VerifyDataIntegrity(text, resolver, options);
    case Syntax::kEnveloped: return VerifyEnveloped(text, resolver, options, depth);
    case Syntax::kUnsecured: return Refused("a JSON object that nothing secures: no proof, and no envelope around it");
    case Syntax::kUnknown: break;
  }
  return Refused("neither JSON nor a token nor COSE");
}

Result<Verification> VerifyAt(std::string_view octets, did::DidResolver& resolver, const VerifyOptions& options,
                              int depth) {
  if (depth >= kMaxDepth) return Refused("too many envelopes inside each other");
  if (octets.size() > options.max_size) return Refused("larger than " + std::to_string(options.max_size) + " octets");
  KEEL_TRY(Verification verification, VerifyForm(Trim(octets), resolver, options, depth));
  if (verification.presentation && verification.valid() && verification.Find(kCheckCredentials) == nullptr)
    KEEL_TRY_VOID(VerifyPresented(verification, resolver, options, depth));
  return verification;
}

// What was demanded and no form has judged fails: a credential by itself is bound to nobody and to no occasion, and who
// asks for a binding must not take it for one that holds.
void RefuseUnjudged(Verification& verification, const VerifyOptions& options) {
  const auto demand = [&](const std::optional<std::string>& wanted, std::string_view check) {
    if (!wanted || verification.Find(check) != nullptr) return;
    Note(verification, check, false,
         "wanted " + *wanted + ", and " +
             (verification.form.empty() ? std::string("this") : "this " + verification.form) + " is bound to none");
  };
  demand(options.challenge, kCheckChallenge);
  demand(options.domain, kCheckDomain);
  demand(options.audience, kCheckAudience);
  demand(options.nonce, kCheckNonce);
}

}  // namespace

Syntax Recognize(std::string_view octets) {
  const std::string_view text = Trim(octets);
  if (text.empty()) return Syntax::kUnknown;
  if (text.starts_with(kTag18)) return Syntax::kCose;  // before anything that its signature may look like
  if (text.front() == '{') {
    const Names names = TopNames(text);
    if (names.proof) return Syntax::kDataIntegrity;
    if (names.enveloped) return Syntax::kEnveloped;
    return names.signature ? Syntax::kSdJwt : Syntax::kUnsecured;
  }
  if (text.contains('~')) return Syntax::kSdJwt;
  if (std::ranges::count(text, '.') == 2 && text.starts_with("ey")) return Syntax::kJwt;
  return CoseOctets(text) ? Syntax::kCose : Syntax::kUnknown;
}

std::optional<std::string> CoseOctets(std::string_view octets) {
  const std::string_view text = Trim(octets);
  if (text.starts_with(kTag18)) return std::string(text);
  if (!text.starts_with("0oR")) return std::nullopt;
  std::string plain(text);
  while (plain.ends_with('=')) plain.pop_back();
  std::ranges::replace(plain, '+', '-');
  std::ranges::replace(plain, '/', '_');
  const auto decoded = base::FromBase64Url(plain);
  if (!decoded) return std::nullopt;
  return base::ToString(*decoded);
}

Result<Verification> VerifyAny(std::string_view octets, did::DidResolver& resolver, const VerifyOptions& options) {
  KEEL_TRY(Verification verification, VerifyAt(octets, resolver, options, 0));
  if (verification.valid()) RefuseUnjudged(verification, options);
  return verification;
}

}  // namespace keel::vc
