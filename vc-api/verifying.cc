// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "vc-api/internal/answers.h"
#include "vc-api/vc_api.h"
#include "vc/common_checks.h"
#include "vc/problem_details.h"
#include "vc/verify_any.h"

namespace keel::vc_api {

using nlohmann::json;

namespace internal {

base::HttpResponse Problem(int status, const Error& error) {
  json problem = vc::ProblemDetails(error);
  problem["status"] = status;
  return base::BytesResponse(status, "application/problem+json", base::DumpJson(problem));
}

}  // namespace internal

namespace {

constexpr size_t kMaxBody = 1 << 20;

// Not verified, or not to be verified: problem details with the verdict beside them.
base::HttpResponse NotVerified(json verdict) {
  json answer =
      verdict["errors"].empty() ? json{{"type", "about:blank"}, {"title", "Not verified"}} : verdict["errors"][0];
  answer["status"] = 400;
  answer["problemDetails"] = verdict["errors"];
  answer.update(verdict);
  return base::BytesResponse(400, "application/problem+json", base::DumpJson(answer));
}
base::HttpResponse NotVerified(const Error& error) {
  return NotVerified(
      json{{"verified", false}, {"checks", json::array()}, {"errors", json::array({vc::ProblemDetails(error)})}});
}

// What was accepted and not proved: VerifyOptions::unproved_url_issuers.
json Warnings(const vc::Verification& verification) {
  json warnings = json::array();
  if (const vc::Check* check = verification.Find(vc::kCheckIssuer);
      check != nullptr && check->detail.ends_with("is not checked"))
    warnings.push_back(
        {{"type", "about:blank"}, {"title", "The issuer is not proved"}, {"detail", "issuer: " + check->detail}});
  for (const vc::Verification& credential : verification.credentials) {
    const json inner = Warnings(credential);
    warnings.insert(warnings.end(), inner.begin(), inner.end());
  }
  return warnings;
}

Result<std::optional<std::string>> Text(const json& options, const char* name) {
  if (!options.contains(name)) return std::nullopt;
  KEEL_TRY(std::string text, base::GetString(options, name));
  return text;
}

}  // namespace

base::HttpResponse Verifying::Verify(const std::string& body, bool presentation) {
  const auto verify = [&]() -> Result<vc::Verification> {
    KEEL_TRY(const json request, base::ParseJson(body));
    const char* name = presentation ? "verifiablePresentation" : "verifiableCredential";
    const auto member = request.is_object() ? request.find(name) : request.end();
    if (member == request.end() || (!member->is_object() && !member->is_string()))
      return Fail(Code::kMalformed, "request", std::string("'") + name + "' is neither an object nor a token");
    // A token is a string; a credential in JSON is an object, and its text in a string is neither.
    if (member->is_string() && member->get_ref<const std::string&>().find('{') != std::string::npos)
      return Fail(Code::kMalformed, "request", std::string("'") + name + "' is JSON's text, not an object");
    static const json kNone = json::object();
    const json& said = request.contains("options") && request["options"].is_object() ? request["options"] : kNone;
    vc::VerifyOptions options;
    KEEL_TRY(options.now, clock_.Now());
    options.status = options_.status;
    options.schemas = options_.schemas;
    options.max_size = kMaxBody;
    // W3C's suites send credentials of issuers like https://vc.example/issuers/5678; the answer warns (below).
    options.unproved_url_issuers = true;
    KEEL_TRY(options.challenge, Text(said, "challenge"));
    KEEL_TRY(options.domain, Text(said, "domain"));
    // A caller who lists the checks that count gets no other that asks somebody.
    bool status = true;
    if (said.contains("checks") && said["checks"].is_array() && !said["checks"].empty()) {
      status = std::ranges::any_of(said["checks"],
                                   [](const json& check) { return check == "status" || check == "credentialStatus"; });
    }
    options.ignore_status = !status;
    const std::string octets = member->is_string() ? member->get<std::string>() : base::DumpJson(*member);
    KEEL_TRY(vc::Verification verification, vc::VerifyAny(octets, *options_.resolver, options));
    if (verification.presentation != presentation && Holds(verification, vc::kCheckModel))
      vc::Note(verification, vc::kCheckModel, false,
               presentation ? "no presentation" : "a presentation, no credential");
    if (!status) vc::Note(verification, vc::kCheckStatus, true, "left out, as options.checks says");
    return verification;
  };
  const auto verification = verify();
  if (!verification) return NotVerified(verification.error());
  json verdict = vc::VerdictJson(*verification);
  if (!verification->valid()) return NotVerified(std::move(verdict));
  verdict["warnings"] = Warnings(*verification);
  return base::JsonResponse(200, base::DumpJson(verdict));
}

void Verifying::AddRoutes(base::Router& router) {
  router.AddSync("POST", "/credentials/verify",
                 [this](const base::HttpRequest& request) { return Verify(request.body, false); });
  router.AddSync("POST", "/presentations/verify",
                 [this](const base::HttpRequest& request) { return Verify(request.body, true); });
}

}  // namespace keel::vc_api
