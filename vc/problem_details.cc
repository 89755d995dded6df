// SPDX-License-Identifier: Apache-2.0
#include "vc/problem_details.h"

#include <nlohmann/json.hpp>
#include <string>

#include "vc/data_integrity/problems.h"

namespace keel::vc {
namespace {

using nlohmann::json;

constexpr std::string_view kModelBase = "https://www.w3.org/TR/vc-data-model#";
constexpr std::string_view kStatusBase = "https://www.w3.org/ns/credentials/status-list#";

struct Problem {
  std::string type;
  const char* title;
};

// The name that a detail begins with, as Bitstring Status List's errors do ("STATUS_RETRIEVAL_ERROR: ...").
std::string_view LeadingName(std::string_view detail) {
  size_t end = 0;
  while (end < detail.size() && ((detail[end] >= 'A' && detail[end] <= 'Z') || detail[end] == '_')) ++end;
  return detail.substr(0, end).ends_with("_ERROR") ? detail.substr(0, end) : std::string_view();
}

Problem ProblemFor(const Check& check) {
  const std::string& name = check.name;
  if (name == kCheckModel || name == kCheckRelatedResource || name == kCheckSchema) {
    if (const auto status = LeadingName(check.detail); !status.empty())
      return {std::string(kStatusBase) + std::string(status), "The status entry is malformed"};
    return {std::string(kModelBase) + "MALFORMED_VALUE_ERROR", "A value breaks the data model's rules"};
  }
  if (name == kCheckValidity) return {std::string(kModelBase) + "RANGE_ERROR", "Outside the validity period"};
  if (name == kCheckStatus) {
    const auto status = LeadingName(check.detail);
    return {std::string(kStatusBase) + (status.empty() ? "STATUS_VERIFICATION_ERROR" : std::string(status)),
            "The status doesn't allow it"};
  }
  if (const std::string_view problem = ProblemOf(check); !problem.empty()) {
    const bool parsing = name == kCheckEnvelope;
    return {std::string(parsing ? kModelBase : kProblemBase) + std::string(problem),
            parsing ? "It can't be read" : "The proof doesn't verify"};
  }
  if (name == kCheckNonce || name == kCheckAudience || name == kCheckDisclosures || name == kCheckKeyBinding ||
      name == kCheckBatch)
    return {std::string(kModelBase) + "CRYPTOGRAPHIC_SECURITY_ERROR", "It isn't secured as it must be"};
  return {"about:blank", "A check failed"};  // our own: subject, trust, credentials, definition
}

void Append(json& checks, json& errors, const Verification& verification, const std::string& prefix) {
  for (const Check& check : verification.checks) {
    const std::string name = prefix + check.name;
    checks.push_back({{"check", name}, {"ok", check.ok}, {"detail", check.detail}});
    if (check.ok) continue;
    json problem = ProblemDetails(check);
    problem["detail"] = name + ": " + check.detail;
    errors.push_back(std::move(problem));
  }
  for (size_t i = 0; i < verification.credentials.size(); ++i)
    Append(checks, errors, verification.credentials[i], prefix + "credentials[" + std::to_string(i) + "].");
}

}  // namespace

json ProblemDetails(const Check& check) {
  Problem problem = ProblemFor(check);
  return {{"type", std::move(problem.type)}, {"title", problem.title}, {"detail", check.name + ": " + check.detail}};
}

json ProblemDetails(const Error& error) {
  std::string type = "about:blank";
  const char* title = "It could not be checked";
  switch (error.code) {
    case Code::kUsage:
      type = std::string(kModelBase) + "PARSING_ERROR";
      title = "It can't be read";
      break;
    case Code::kMalformed:
    case Code::kMissing:
    case Code::kDuplicate:
    case Code::kInvalidArgument:
    case Code::kTooLarge:
    case Code::kOutOfRange:
      type = std::string(kModelBase) + "MALFORMED_VALUE_ERROR";
      title = "A value breaks the rules";
      break;
    default:
      if (const auto status = LeadingName(error.detail); !status.empty())
        type = std::string(kStatusBase) + std::string(status);
      break;
  }
  return {{"type", std::move(type)}, {"title", title}, {"detail", error.Text()}};
}

json VerdictJson(const Verification& verification) {
  json checks = json::array(), errors = json::array();
  Append(checks, errors, verification, "");
  return {{"verified", verification.valid()}, {"checks", std::move(checks)}, {"errors", std::move(errors)}};
}

}  // namespace keel::vc
