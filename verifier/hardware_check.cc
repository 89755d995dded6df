// SPDX-License-Identifier: Apache-2.0
#include "verifier/hardware_check.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/json_strict.h"
#include "vc/types.h"

namespace keel::verifier {

using nlohmann::json;

namespace {

constexpr size_t kMaxBatches = 65'536;

// A credential's check in the same form as a policy rule's outcome, so that one list explains all.
RuleOutcome FromCheck(const vc::Check& check) {
  RuleOutcome outcome;
  outcome.rule = "hardware credential: " + check.name;
  outcome.seen = json(check.detail).dump();
  outcome.wanted = check.ok ? "met" : "\"" + check.name + " holds\"";
  outcome.why = check.ok ? "" : check.detail;
  outcome.ok = check.ok;
  return outcome;
}

}  // namespace

Result<uint64_t> BatchIndices::Find(const std::string& issuer, const Bytes32& root) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = known_.find({issuer, root});
    if (found != known_.end()) return found->second;
  }
  KEEL_TRY(const uint64_t index, registry_.GetBatchIndex(issuer, root));
  const std::lock_guard lock(mutex_);
  if (known_.size() >= kMaxBatches) known_.clear();
  known_[{issuer, root}] = index;
  return index;
}

Result<HardwareReport> HardwareCheck::Check(const std::string& jwt, const json& batch, const std::string& device,
                                            const std::string& maker, const json& report, const Policy& policy,
                                            UnixSeconds now) {
  vc::VerifyOptions options;
  options.now = now;
  options.status = &parts_.status;
  options.subject = device;
  // Never nobody: an empty list would mean that anybody's word is good, the device's own too.
  options.trusted_issuers = policy.trusted_manufacturers();
  if (options.trusted_issuers.empty()) options.trusted_issuers = {maker};
  options.ledger.histories = &parts_.histories;
  options.ledger.batch_index = [this](const std::string& issuer, const Bytes32& root) {
    return parts_.batches.Find(issuer, root);
  };
  std::optional<vc::BatchMember> member;
  if (batch.is_object()) {
    auto parsed = vc::BatchMember::FromJson(batch);
    if (parsed) member = std::move(*parsed);
  }
  options.batch = member ? &*member : nullptr;
  KEEL_TRY(const vc::Verification verification, vc::VerifyCredential(jwt, parts_.resolver, options));

  HardwareReport out;
  out.judgement.accepted = verification.valid();
  for (const vc::Check& check : verification.checks) out.judgement.outcomes.push_back(FromCheck(check));
  if (verification.credential.json.empty()) return out;

  json subject = verification.credential.Subject().value_or(json::object());
  if (!verification.credential.Is(vc::kHardwareCredential)) {
    RuleOutcome outcome;
    outcome.rule = "hardware credential: type";
    outcome.seen = json(verification.credential.types).dump();
    outcome.wanted = json(vc::kHardwareCredential).dump();
    outcome.why = "the device must present a HardwareCredential";
    out.judgement.outcomes.push_back(std::move(outcome));
    out.judgement.accepted = false;
  }
  const auto text = [&](const char* name) {
    return base::GetOptionalString(subject, name).value_or(std::nullopt).value_or("");
  };
  out.model = text("model");
  out.serial = text("serial");
  json firmware = report.contains("firmware") && report["firmware"].is_object() ? report["firmware"] : json::object();
  if (!firmware.contains("version")) firmware["version"] = text("firmwareVersion");
  out.firmware_version = base::GetOptionalString(firmware, "version").value_or(std::nullopt).value_or("");
  const vc::Check* status = verification.Find(vc::kCheckStatus);
  const json facts = {
      {"manufacturer", verification.credential.issuer},
      {"hardware", subject},
      {"assuranceLevel", text("assuranceLevel")},
      {"firmware", std::move(firmware)},
      {"evidence", report.contains("evidence") ? report["evidence"] : json()},
      {"ledgerIndex", verification.log_index ? json(*verification.log_index) : json()},
      {"status",
       {{"checked", status != nullptr}, {"ok", status == nullptr || status->ok}, {"set", verification.statuses}}}};
  Judgement judged = policy.Judge(facts);
  out.judgement.accepted = out.judgement.accepted && judged.accepted;
  for (RuleOutcome& outcome : judged.outcomes) out.judgement.outcomes.push_back(std::move(outcome));
  out.facts = base::DumpJson(facts);
  return out;
}

}  // namespace keel::verifier
