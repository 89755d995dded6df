// SPDX-License-Identifier: Apache-2.0
#include "cli/vc/report.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/cli.h"
#include "base/json_strict.h"
#include "cli/vc/judge.h"
#include "vc/problem_details.h"

namespace keel::cli {
namespace {

using nlohmann::json;

json Facts(const vc::Verification& verification) {
  json out = verification.ToJson();
  if (!verification.form.empty()) out["form"] = verification.form;
  if (!verification.statuses.empty()) out["statuses"] = verification.statuses;
  if (!verification.holder.empty()) out["holder"] = verification.holder;
  if (!verification.credential.json.empty()) {
    if (auto document = base::ParseJson(verification.credential.json, {.max_size = kMaxVcInput}))
      out[verification.presentation ? "presentation" : "credential"] = std::move(*document);
  }
  if (verification.presentation) {
    out["credentials"] = json::array();
    for (const vc::Verification& one : verification.credentials) out["credentials"].push_back(Facts(one));
  }
  return out;
}

}  // namespace

int PrintVerdict(const vc::Verification& verification, bool as_json, bool no_status) {
  vc::Verification said = verification;
  if (no_status) said.checks.push_back({std::string(vc::kCheckStatus), true, "left out, as --no-status says"});
  if (as_json) {
    std::printf("%s\n", base::DumpJson(vc::VerdictJson(said)).c_str());
  } else {
    json out = Facts(said);
    out.update(vc::VerdictJson(said));
    std::printf("%s\n", base::DumpJsonPretty(out).c_str());
  }
  return verification.valid() ? base::kExitDone : base::kExitInvalid;
}

int PrintFailure(const char* program, const Error& error, bool as_json) {
  if (as_json) {
    const json out = {{"verified", false}, {"checks", json::array()}, {"errors", {vc::ProblemDetails(error)}}};
    std::printf("%s\n", base::DumpJson(out).c_str());
  }
  return base::ReportError(program, error, as_json);
}

}  // namespace keel::cli
