// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "vc-api/internal/answers.h"
#include "vc-api/vc_api.h"
#include "vc/data_integrity/derive.h"
#include "vc/data_integrity/proof.h"
#include "vc/enveloped.h"
#include "vc/schema/schema_checker.h"

namespace keel::vc_api {
namespace {

using nlohmann::json;

constexpr const char* kByDefault = "eddsa-rdfc-2022";

std::unexpected<Error> Bad(std::string what) { return Fail(Code::kInvalidArgument, "request", std::move(what)); }

// Whether the issuer's key can make the form.
bool Fits(const Issuer& issuer, const std::string& form) {
  const auto suite = vc::CryptosuiteFromName(form);
  return !suite || vc::SuiteTakes(*suite, issuer.public_key.type());
}

std::string IssuerOf(const json& credential) {
  const auto issuer = credential.find("issuer");
  if (issuer == credential.end()) return {};
  if (issuer->is_string()) return issuer->get<std::string>();
  return issuer->is_object() && issuer->contains("id") && (*issuer)["id"].is_string()
             ? (*issuer)["id"].get<std::string>()
             : std::string();
}

bool HasDirection(const json& value) {
  if (value.is_object() && value.contains("@direction")) return true;
  return value.is_structured() && std::ranges::any_of(value, HasDirection);
}

Result<std::vector<std::string>> Pointers(const json& options, const char* name) {
  if (!options.contains(name)) return std::vector<std::string>();
  return base::GetStrings(options, name);
}

// "1", true or 1.
Result<bool> StatusOf(const json& object) {
  const auto status = object.find("status");
  if (status == object.end()) return Bad("'status' is missing: \"1\" sets, \"0\" unsets");
  if (status->is_boolean()) return status->get<bool>();
  if (*status == "1" || *status == 1) return true;
  if (*status == "0" || *status == 0) return false;
  return Bad("'status' is neither \"1\" nor \"0\"");
}

Result<uint64_t> IndexOf(const json& object) {
  KEEL_TRY(const std::string text, base::GetString(object, "statusListIndex"));
  uint64_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  if (error != std::errc() || end != text.data() + text.size())
    return Bad("'statusListIndex' is no number in a string");
  return index;
}

}  // namespace

Result<json> Issuing::IssueOne(const json& request, std::string form) {
  const auto wanted = request.find("credential");
  if (wanted == request.end() || !wanted->is_object()) return Bad("'credential' is no object");
  json credential = *wanted;
  static const json kNone = json::object();
  const json& options = request.contains("options") && request["options"].is_object() ? request["options"] : kNone;
  if (form.empty()) {
    for (const char* name : {"cryptosuite", "form"}) {
      if (form.empty() && options.contains(name)) {
        KEEL_TRY(form, base::GetString(options, name));
      }
    }
  }
  std::string issuer = IssuerOf(credential);
  // The issuer decides; without one, the first of ours whose key can.
  const auto ours = std::ranges::find_if(options_.issuers, [&](const Issuer& one) {
    return issuer.empty() ? Fits(one, form.empty() ? kByDefault : form) : one.did == issuer;
  });
  if (ours == options_.issuers.end())
    return Bad(issuer.empty() ? "no key here can make '" + form + "'"
                              : "'issuer' is nobody that issues here: " + issuer);
  const bool any_form = form.empty();
  if (any_form)
    form = Fits(*ours, kByDefault) ? kByDefault : Fits(*ours, "ecdsa-rdfc-2019") ? "ecdsa-rdfc-2019" : "vc+jwt";
  if (!credential.contains("issuer")) credential["issuer"] = ours->did;
  if (credential["issuer"].is_object() && !credential["issuer"].contains("id")) credential["issuer"]["id"] = ours->did;

  vc::SecureOptions securing;
  securing.form = form;
  securing.kid = ours->kid;
  securing.store = ours->store;
  securing.key = ours->key;
  KEEL_TRY(securing.created, clock_.Now());
  KEEL_TRY(securing.pointers, Pointers(options, "mandatoryPointers"));
  if (const auto own = vc::CheckOwnSchemas(credential); !own) return Bad(own.error().Text());
  if (options_.book != nullptr && !credential.contains("credentialStatus") &&
      (options_.status_always || options.contains("credentialStatus"))) {
    std::string purpose = "revocation";
    if (options.contains("credentialStatus") && options["credentialStatus"].is_object() &&
        options["credentialStatus"].contains("statusPurpose")) {
      KEEL_TRY(purpose, base::GetString(options["credentialStatus"], "statusPurpose"));
    }
    // What would be refused takes no place in the list.
    KEEL_TRY_VOID(vc::Secure(credential, securing));
    KEEL_TRY(credential["credentialStatus"], options_.book->Allocate(ours->did, purpose));
  }
  auto made = vc::Secure(credential, securing);
  if (!made && any_form && made.error().code == Code::kRefused && HasDirection(credential)) {
    // RDF has no place for the direction of a text. JCS signs it; nobody said that it may not be that.
    securing.form = Fits(*ours, "eddsa-jcs-2022") ? "eddsa-jcs-2022" : "ecdsa-jcs-2019";
    made = vc::Secure(credential, securing);
  }
  KEEL_TRY(const vc::Secured secured, std::move(made));
  if (secured.media_type == "application/vc") return base::ParseJson(secured.octets);
  return vc::MakeEnvelope(secured.media_type, secured.octets);
}

base::HttpResponse Issuing::Issue(const std::string& body, const std::string& form) {
  const auto request = base::ParseJson(body);
  if (!request) return internal::Problem(400, request.error());
  if (!request->is_object()) return internal::Problem(400, Fail(Code::kMalformed, "request", "no JSON object").error());
  const auto issued = IssueOne(*request, form);
  // What is wrong with the request, or with us.
  if (!issued) return internal::Problem(issued.error().code == Code::kIo ? 500 : 400, issued.error());
  return base::JsonResponse(201, base::DumpJson(*issued));
}

base::HttpResponse Issuing::SetStatus(const std::string& body) {
  const auto set = [&]() -> Result<> {
    KEEL_TRY(const json request, base::ParseJson(body));
    if (options_.book == nullptr) return Fail(Code::kNotFound, "status", "nothing that is issued here has a status");
    if (!request.is_object() || !request.contains("credentialStatus")) return Bad("'credentialStatus' is missing");
    const json& member = request["credentialStatus"];
    for (const json& one : member.is_array() ? member : json::array({member})) {
      if (!one.is_object()) return Bad("a 'credentialStatus' is no object");
      KEEL_TRY(const std::string list, base::GetString(one, "statusListCredential"));
      KEEL_TRY(const uint64_t index, IndexOf(one));
      KEEL_TRY(const bool value, StatusOf(one.contains("status") ? one : request));
      KEEL_TRY_VOID(options_.book->Set(list.substr(list.rfind('/') + 1), index, value));
    }
    return {};
  };
  const auto done = set();
  if (!done) return internal::Problem(done.error().code == Code::kNotFound ? 404 : 400, done.error());
  return base::JsonResponse(200, "{}");
}

base::HttpResponse Issuing::Derive(const std::string& body) {
  const auto derive = [&]() -> Result<json> {
    KEEL_TRY(const json request, base::ParseJson(body));
    if (!request.is_object() || !request.contains("verifiableCredential"))
      return Bad("'verifiableCredential' is missing");
    std::vector<std::string> pointers;
    if (request.contains("options") && request["options"].is_object()) {
      KEEL_TRY(pointers, Pointers(request["options"], "selectivePointers"));
    }
    return vc::Derive(request["verifiableCredential"], pointers);
  };
  const auto derived = derive();
  if (!derived) return internal::Problem(400, derived.error());
  return base::JsonResponse(201, base::DumpJson(*derived));
}

base::HttpResponse Issuing::List(const std::string& number, std::string_view accept) {
  if (options_.book == nullptr) return internal::Problem(404, Fail(Code::kNotFound, "status list", number).error());
  auto list = options_.book->List(number);
  if (!list) return internal::Problem(list.error().code == Code::kNotFound ? 404 : 500, list.error());
  base::HttpResponse response = base::BytesResponse(200, "application/vc", std::move(*list));
  // Many who ask know a credential by its older name, or as nothing but JSON.
  if (!accept.contains("application/vc") && !accept.contains("*/*")) {
    for (const char* type : {"application/ld+json", "application/json"}) {
      if (accept.contains(type)) {
        response.content_type = type;
        break;
      }
    }
  }
  response.headers.emplace_back("Vary", "Accept");
  response.headers.emplace_back("Cache-Control", "max-age=60");
  return response;
}

base::HttpResponse Issuing::Issuers() {
  json out = json::array();
  for (const Issuer& issuer : options_.issuers) {
    json forms = json::array();
    for (const std::string_view form : vc::CredentialForms()) {
      if (Fits(issuer, std::string(form)) && form != "dc+sd-jwt") forms.push_back(form);
    }
    out.push_back({{"id", issuer.did}, {"verificationMethod", issuer.kid}, {"forms", std::move(forms)}});
  }
  return base::JsonResponse(200, base::DumpJson(out));
}

void Issuing::AddRoutes(base::Router& router, std::function<bool(const base::HttpRequest&)> allowed) {
  const auto guarded = [allowed](base::SyncHandler handler) -> base::SyncHandler {
    return [allowed, handler = std::move(handler)](const base::HttpRequest& request) {
      if (!allowed || allowed(request)) return handler(request);
      base::HttpResponse refused =
          internal::Problem(401, Fail(Code::kRefused, "request", "the bearer token is missing or wrong").error());
      refused.headers.emplace_back("WWW-Authenticate", "Bearer");
      return refused;
    };
  };
  router.AddSync("POST", "/credentials/issue",
                 guarded([this](const base::HttpRequest& request) { return Issue(request.body, ""); }));
  router.AddSync("POST", "/{form}/credentials/issue",
                 guarded([this](const base::HttpRequest& request) { return Issue(request.body, request.params[0]); }));
  router.AddSync("POST", "/credentials/status",
                 guarded([this](const base::HttpRequest& request) { return SetStatus(request.body); }));
  router.AddSync("POST", "/credentials/derive",
                 [this](const base::HttpRequest& request) { return Derive(request.body); });
  router.AddSync("GET", "/credentials/status/{list}", [this](const base::HttpRequest& request) {
    return List(request.params[0], request.Header("Accept"));
  });
  router.AddSync("GET", "/issuers", [this](const base::HttpRequest&) { return Issuers(); });
}

}  // namespace keel::vc_api
