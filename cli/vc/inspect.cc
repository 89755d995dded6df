// SPDX-License-Identifier: Apache-2.0
#include "cli/vc/inspect.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/json_strict.h"
#include "cli/text.h"
#include "cli/vc/judge.h"
#include "did/jose.h"
#include "vc/common_checks.h"
#include "vc/cose/cose_sign1.h"
#include "vc/data_model/model.h"
#include "vc/enveloped.h"
#include "vc/sd_jwt/sd_jwt.h"
#include "vc/verify_any.h"

namespace keel::cli {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 4;  // as VerifyAny's

std::unexpected<Error> Unreadable(const Error& error) { return Fail(Code::kUsage, "standard input", error.Text()); }

Result<json> Facts(std::string_view octets, int depth);

// A document's credentials, each explained as far as it can be.
json Presented(const json& document, int depth) {
  json out = json::array();
  const auto member = document.find("verifiableCredential");
  if (member == document.end()) return out;
  for (const json& item : member->is_array() ? *member : json::array({*member})) {
    const std::string text = item.is_string() ? item.get<std::string>() : base::DumpJson(item);
    auto facts = Facts(text, depth + 1);
    out.push_back(facts ? std::move(*facts) : json{{"unreadable", facts.error().Text()}});
  }
  return out;
}

// Document: the credential or presentation without its envelope.
void AddDocument(json& facts, json document, int depth) {
  const bool presentation = vc::HasType(document, "VerifiablePresentation");
  const auto model = presentation ? vc::CheckPresentationModel(document) : vc::CheckCredentialModel(document);
  if (!model && !document.contains("vct")) facts["breaksTheModel"] = model.error().Text();
  if (presentation) facts["credentials"] = Presented(document, depth);
  facts[presentation ? "presentation" : "credential"] = std::move(document);
}

json Header(const std::string& text) {
  auto header = base::ParseJson(text);
  return header ? std::move(*header) : json();
}

Result<json> JwtFacts(std::string_view text, int depth) {
  const auto jws = did::Jws::Parse(text, kMaxVcInput);
  if (!jws) return Unreadable(jws.error());
  json facts = {{"syntax", "jwt"}, {"header", Header(jws->header)}};
  auto payload = base::ParseJson(jws->payload, {.max_size = kMaxVcInput});
  if (!payload) return Unreadable(payload.error());
  // 1.1's tokens have the document in a claim.
  for (const char* claim : {"vc", "vp"}) {
    if (!payload->is_object() || !payload->contains(claim) || !(*payload)[claim].is_object()) continue;
    json document = (*payload)[claim];
    payload->erase(claim);
    facts["claims"] = std::move(*payload);
    AddDocument(facts, std::move(document), depth);
    return facts;
  }
  AddDocument(facts, std::move(*payload), depth);
  return facts;
}

Result<json> SdJwtFacts(std::string_view text, int depth) {
  const auto sd_jwt = vc::SdJwt::Parse(text, kMaxVcInput);
  if (!sd_jwt) return Unreadable(sd_jwt.error());
  const auto jws = did::Jws::Parse(sd_jwt->jwt, kMaxVcInput);
  if (!jws) return Unreadable(jws.error());
  json payload;
  const auto claims = vc::InspectSdJwt(*sd_jwt, payload);
  if (!claims) return Unreadable(claims.error());
  json facts = {{"syntax", "sd-jwt"},
                {"header", Header(jws->header)},
                {"disclosed", json::array()},
                {"undisclosedDigests", claims->undisclosed},
                {"keyBinding", !sd_jwt->key_binding.empty()}};
  for (const vc::DisclosedClaim& claim : claims->claims) facts["disclosed"].push_back(claim.pointer);
  AddDocument(facts, std::move(payload), depth);
  return facts;
}

Result<json> CoseFacts(std::string_view text, int depth) {
  const auto octets = vc::CoseOctets(text);
  if (!octets) return Fail(Code::kUsage, "standard input", "is no COSE_Sign1");
  const auto cose = vc::CoseSign1::Parse(AsBytes(*octets), kMaxVcInput);
  if (!cose) return Unreadable(cose.error());
  json facts = {
      {"syntax", "cose"},
      {"header",
       {{"typ", cose->headers.typ}, {"content type", cose->headers.content_type}, {"kid", cose->headers.kid}}}};
  auto payload = base::ParseJson(AsText(cose->payload), {.max_size = kMaxVcInput});
  if (!payload) return Unreadable(payload.error());
  AddDocument(facts, std::move(*payload), depth);
  return facts;
}

Result<json> JsonFacts(std::string_view text, vc::Syntax syntax, int depth) {
  auto document = base::ParseJson(text, {.max_size = kMaxVcInput});
  if (!document) return Unreadable(document.error());
  if (syntax == vc::Syntax::kEnveloped) {
    const auto id = document->find("id");
    if (id == document->end() || !id->is_string())
      return Fail(Code::kUsage, "standard input", "an envelope without id");
    const auto envelope = vc::OpenDataUrl(id->get_ref<const std::string&>(), kMaxVcInput);
    if (!envelope) return Unreadable(envelope.error());
    KEEL_TRY(json facts, Facts(envelope->octets, depth + 1));
    facts["envelope"] = envelope->type.media_type;
    return facts;
  }
  json facts = {{"syntax", syntax == vc::Syntax::kDataIntegrity ? "data-integrity" : "unsecured"}};
  if (const auto proof = document->find("proof"); proof != document->end()) {
    facts["proofs"] = proof->is_array() ? *proof : json::array({*proof});
    document->erase(proof);
  }
  AddDocument(facts, std::move(*document), depth);
  return facts;
}

Result<json> Facts(std::string_view octets, int depth) {
  if (depth >= kMaxDepth) return Fail(Code::kUsage, "standard input", "too many envelopes inside each other");
  const vc::Syntax syntax = vc::Recognize(octets);
  const size_t begin = octets.find_first_not_of(" \t\r\n");
  std::string_view text = octets.substr(begin == std::string_view::npos ? octets.size() : begin);
  if (syntax != vc::Syntax::kCose) text = text.substr(0, text.find_last_not_of(" \t\r\n") + 1);
  switch (syntax) {
    case vc::Syntax::kJwt: return JwtFacts(text, depth);
    case vc::Syntax::kSdJwt: return SdJwtFacts(text, depth);
    case vc::Syntax::kCose: return CoseFacts(text, depth);
    case vc::Syntax::kDataIntegrity:
    case vc::Syntax::kEnveloped:
    case vc::Syntax::kUnsecured: return JsonFacts(text, syntax, depth);
    case vc::Syntax::kUnknown: break;
  }
  return Fail(Code::kUsage, "standard input", "is neither JSON nor a token (JWT, SD-JWT) nor COSE");
}

// Lines for people.
class Page {
 public:
  explicit Page(int indent) : indent_(static_cast<size_t>(indent), ' ') {}

  void Line(const std::string& text) { out_ += indent_ + text + "\n"; }
  void Field(const std::string& name, const std::string& value) {
    std::string label = name;
    label.resize(std::max(label.size() + 1, size_t{20}), ' ');
    Line("  " + label + Printable(value));
  }
  void Member(const json& object, const char* name, const char* label = nullptr) {
    const auto member = object.find(name);
    if (member == object.end()) return;
    Field(label != nullptr ? label : name, Text(*member));
  }
  static std::string Text(const json& value) {
    if (value.is_string()) return value.get<std::string>();
    if (value.is_array() && !value.empty()) {
      std::string out;
      for (const json& item : value) out += (out.empty() ? "" : ", ") + Text(item);
      return out;
    }
    if (value.is_object() && value.contains("id") && value["id"].is_string()) return value["id"].get<std::string>();
    return base::DumpJson(value);
  }
  std::string& out() { return out_; }

 private:
  std::string indent_, out_;
};

void Describe(const json& facts, int indent, std::string& out);

std::string Kind(const json& facts) {
  if (facts.contains("presentation")) return "presentation";
  return facts["credential"].contains("vct") ? "SD-JWT VC" : "credential";
}

void DescribeSecurity(Page& page, const json& facts) {
  const std::string syntax = facts["syntax"].get<std::string>();
  if (facts.contains("envelope")) page.Field("envelope", facts["envelope"].get<std::string>());
  if (facts.contains("header")) {
    for (const char* name : {"typ", "alg", "kid", "content type"}) page.Member(facts["header"], name);
  }
  if (facts.contains("claims"))
    for (const auto& [name, value] : facts["claims"].items()) page.Field("claim " + name, Page::Text(value));
  if (syntax == "data-integrity") {
    for (const json& proof : facts["proofs"]) {
      if (!proof.is_object()) continue;
      page.Field("proof", proof.contains("cryptosuite") ? Page::Text(proof["cryptosuite"])
                                                        : Page::Text(proof.value("type", json("?"))));
      for (const char* name : {"proofPurpose", "verificationMethod", "created", "expires", "domain", "challenge",
                               "nonce", "previousProof"})
        page.Member(proof, name);
    }
  }
  if (syntax == "sd-jwt") {
    page.Field("disclosed",
               facts["disclosed"].empty() ? "nothing that could be left out" : Page::Text(facts["disclosed"]));
    page.Field("undisclosed", facts["undisclosedDigests"].dump() + " digests (some may stand for nothing)");
    page.Field("key binding", facts["keyBinding"].get<bool>() ? "a token came along" : "none");
  }
}

void Describe(const json& facts, int indent, std::string& out) {
  Page page(indent);
  const bool presentation = facts.contains("presentation");
  const json& document = facts[presentation ? "presentation" : "credential"];
  const std::string syntax = facts["syntax"].get<std::string>();
  const std::string how = syntax == "jwt"         ? "a token (JWS)"
                          : syntax == "sd-jwt"    ? "an SD-JWT"
                          : syntax == "cose"      ? "COSE_Sign1"
                          : syntax == "unsecured" ? "nothing: anybody could have written it"
                                                  : "Data Integrity";
  page.Line("A " + Kind(facts) + ", secured by " + how + ". Nothing has been verified.");
  DescribeSecurity(page, facts);
  if (document.is_object()) {
    for (const char* name : {"id", "type", "vct", "issuer", "iss", "holder", "name", "validFrom", "validUntil",
                             "issuanceDate", "expirationDate", "iat", "exp", "nonce", "aud"})
      page.Member(document, name);
    if (document.contains("credentialSubject")) {
      const json& subjects = document["credentialSubject"];
      for (const json& subject : subjects.is_array() ? subjects : json::array({subjects})) {
        if (!subject.is_object()) continue;
        page.Field("subject", subject.contains("id") ? Page::Text(subject["id"]) : "(without id)");
        for (const auto& [name, value] : subject.items()) {
          if (name != "id")
            page.Field("  " + Printable(name, 64), value.is_structured() ? base::DumpJson(value) : Page::Text(value));
        }
      }
    }
    for (const char* name :
         {"credentialStatus", "credentialSchema", "refreshService", "termsOfUse", "evidence", "relatedResource"}) {
      if (document.contains(name)) page.Field(name, base::DumpJson(document[name]));
    }
  }
  if (facts.contains("breaksTheModel")) page.Field("breaks a rule", facts["breaksTheModel"].get<std::string>());
  out += page.out();
  if (!presentation) return;
  for (const json& one : facts["credentials"]) {
    if (one.contains("unreadable")) {
      Page inner(indent + 2);
      inner.Line("Something that can't be read: " + Printable(one["unreadable"].get<std::string>()));
      out += inner.out();
    } else {
      Describe(one, indent + 2, out);
    }
  }
}

}  // namespace

Result<std::string> Explain(std::string_view octets, bool as_json) {
  KEEL_TRY(const json facts, Facts(octets, 0));
  if (as_json) return base::DumpJson(facts) + "\n";
  std::string out;
  Describe(facts, 0, out);
  return out;
}

}  // namespace keel::cli
