// SPDX-License-Identifier: Apache-2.0
#include "vc/verification.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "did/jose.h"
#include "vc/common_checks.h"

namespace keel::vc {
namespace {

using nlohmann::json;

Result<> CheckBatch(Verification& verification, std::string_view jwt, const VerifyOptions& options) {
  if (options.batch == nullptr) {
    if (options.require_batch)
      Note(verification, kCheckBatch, false, "no batch membership came with the credential; a ledger time is required");
    return {};
  }
  auto root = options.batch->Root(jwt);
  if (!root) {
    Note(verification, kCheckBatch, false, "the path doesn't fit the credential: " + root.error().Text());
    return {};
  }
  if (!options.ledger.batch_index)
    return Fail(Code::kUnavailable, "verify credential", "a batch came along, but no registry to ask about it");
  auto index = options.ledger.batch_index(verification.credential.issuer, *root);
  if (!index) {
    if (!IsSendersFault(index.error().code)) return std::unexpected<Error>(index.error());
    Note(verification, kCheckBatch, false,
         "the issuer has anchored no batch with root " + base::Hex(*root).substr(0, 16) + "...");
    return {};
  }
  verification.log_index = *index;
  Note(verification, kCheckBatch, true, "issued at log index " + std::to_string(*index));
  return {};
}

}  // namespace

bool Verification::valid() const {
  return !checks.empty() && std::all_of(checks.begin(), checks.end(), [](const Check& check) { return check.ok; });
}

const Check* Verification::Find(std::string_view name) const {
  for (const Check& check : checks) {
    if (check.name == name) return &check;
  }
  return nullptr;
}

std::string Verification::Reason() const {
  for (const Check& check : checks) {
    if (!check.ok) return check.name + ": " + check.detail;
  }
  return {};
}

json Verification::ToJson() const {
  json list = json::array();
  for (const Check& check : checks) list.push_back({{"name", check.name}, {"ok", check.ok}, {"detail", check.detail}});
  json out = {{"valid", valid()}, {"checks", std::move(list)}};
  if (!credential.issuer.empty()) out["issuer"] = credential.issuer;
  if (!credential.subjects.empty()) out["subject"] = credential.subjects[0];
  if (!credential.types.empty()) out["type"] = credential.types;
  if (log_index) out["logIndex"] = *log_index;
  return out;
}

Result<Verification> VerifyCredential(std::string_view jwt, did::DidResolver& resolver, const VerifyOptions& options) {
  Verification verification;
  auto jws = did::Jws::Parse(jwt, options.max_size);
  if (!jws) {
    Note(verification, kCheckEnvelope, false, jws.error().Text());
    return verification;
  }
  if (jws->typ != "vc+jwt" && jws->typ != "application/vc+jwt") {
    Note(verification, kCheckEnvelope, false, "typ is '" + jws->typ + "', not vc+jwt");
    return verification;
  }
  if (const std::string cty = ContentTypeOf(*jws); !cty.empty() && cty != "vc") {
    Note(verification, kCheckEnvelope, false, "cty is '" + cty + "', not vc");
    return verification;
  }
  Note(verification, kCheckEnvelope, true, "vc+jwt, " + jws->alg);
  verification.kid = jws->kid;
  verification.form = "vc+jwt";
  auto document = base::ParseJson(jws->payload, {.max_size = options.max_size});
  if (!document) {
    Note(verification, kCheckModel, false, document.error().Text());
    return verification;
  }
  verification.credential.json = jws->payload;
  if (!AddModelCheck(verification, *document, options)) return verification;
  std::string wrong;
  if (verification.presentation)
    wrong = "a presentation is no vc+jwt";
  else if (verification.credential.version != ModelVersion::kV2)
    wrong = "a vc+jwt holds a credential of the data model 2.0";
  else if (const auto claims = verification.credential.TakeClaims(*document); !claims)
    wrong = claims.error().Text();
  if (!wrong.empty()) {
    verification.checks.back() = {std::string(kCheckModel), false, std::move(wrong)};
    return verification;
  }
  const std::string& issuer = verification.credential.issuer;

  KEEL_TRY_VOID(CheckBatch(verification, jwt, options));
  if (options.batch == nullptr && options.anchored_at) verification.log_index = options.anchored_at;
  KEEL_TRY(const KeyChoice choice, ChooseKeys(issuer, jws->kid, did::Relationship::kAssertionMethod, resolver, options,
                                              verification.log_index));
  Note(verification, kCheckIssuer, choice.ok, choice.detail);
  if (!choice.ok) {
    Note(verification, kCheckSignature, false, "no key to check it with");
  } else {
    bool good = false;
    std::string detail = "made by " + jws->kid;
    for (const crypto::PublicKey& key : choice.keys) {
      auto verdict = did::VerifyJws(*jws, key);
      if (!verdict && verdict.error().code != Code::kAlgorithmNotAllowed && verdict.error().code != Code::kMalformed)
        return std::unexpected<Error>(verdict.error());
      if (verdict && *verdict) good = true;
      if (!verdict) detail = verdict.error().Text();
    }
    Note(verification, kCheckSignature, good, good ? "made by " + jws->kid : "wrong: " + detail);
  }
  KEEL_TRY_VOID(AddCommonChecks(verification, *document, options));
  return verification;
}

}  // namespace keel::vc
