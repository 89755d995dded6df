// SPDX-License-Identifier: Apache-2.0
#include "verifier/hardware_check.h"

#include <functional>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "did/jose.h"
#include "vc/definition/definition.h"
#include "vc/types.h"

namespace keel::verifier {

using nlohmann::json;

namespace {

constexpr size_t kMaxBatches = 65'536;

// What a check wants, as far as it wants something of its own: a sentence, or the value.
std::string Wanted(const vc::Check& check, const vc::VerifyOptions& options) {
  if (check.name == vc::kCheckEnvelope) return "a vc+jwt of at most " + std::to_string(options.max_size) + " octets";
  if (check.name == vc::kCheckModel) return "a credential of the VC Data Model 2.0";
  if (check.name == vc::kCheckIssuer)
    return "a key that the issuer lists for assertionMethod: current, or good when the batch was anchored";
  if (check.name == vc::kCheckSignature) return "the issuer's signature over these octets";
  if (check.name == vc::kCheckValidity && options.now)
    return "validFrom and validUntil around " + base::Rfc3339(*options.now);
  if (check.name == vc::kCheckBatch) return "a batch root that the issuer anchored, and the path to it";
  if (check.name == vc::kCheckStatus) return "neither revoked nor suspended, by a list that is not outdated";
  if (check.name == vc::kCheckSchema) return "the schemas that the credential names, each met";
  if (check.name == vc::kCheckDefinition) return "what the issuer's credential definition on the ledger says";
  if (check.name == vc::kCheckSubject) return json(options.subject.value_or("")).dump();
  if (check.name == vc::kCheckTrust) return json(options.trusted_issuers).dump();
  return check.name + " holds";
}

// A credential's check in the same form as a policy rule's outcome, so that one list explains all.
RuleOutcome FromCheck(const vc::Check& check, const vc::VerifyOptions& options) {
  RuleOutcome outcome;
  outcome.rule = "hardware credential: " + check.name;
  outcome.seen = json(check.detail).dump();
  outcome.wanted = Wanted(check, options);
  outcome.why = check.ok ? "" : check.detail;
  outcome.ok = check.ok;
  return outcome;
}

// Remembers what the lists said of themselves: facts for the policy. Of several entries the least favourable counts.
class RecordingStatus final : public vc::StatusChecker {
 public:
  RecordingStatus(vc::StatusChecker& checker, UnixSeconds now) : checker_(checker), now_(now) {}
  Result<Status> Check(const vc::StatusEntry& entry, const std::string& issuer, UnixSeconds now) override {
    KEEL_TRY(Status status, checker_.Check(entry, issuer, now));
    if (!status.problem.empty()) return status;  // no list of which anything could be said
    fresh_ = fresh_ && status.fresh;
    Keep(version_, status.version, std::less<>());
    // A list that doesn't say when it was issued has no age: a rule on it then sees nothing, and is not met.
    undated_ = undated_ || !status.issued_at;
    if (status.issued_at) Keep(age_, Since(*status.issued_at), std::greater<>());
    if (status.fetched_at) Keep(held_, Since(*status.fetched_at), std::greater<>());
    if (status.valid_until) Keep(until_, *status.valid_until, std::less<>());
    return status;
  }
  void AddTo(json& facts) const {
    if (!version_) return;
    facts["fresh"] = fresh_;
    facts["version"] = *version_;
    if (age_ && !undated_) facts["ageSeconds"] = *age_;
    if (held_) facts["heldSeconds"] = *held_;
    if (!until_) return;
    facts["validUntil"] = base::Rfc3339(*until_);
    facts["secondsLeft"] = *until_ > now_ ? *until_ - now_ : 0;
  }

 private:
  // A clock that is behind the issuer's by the allowed skew makes no list younger than new.
  uint64_t Since(UnixSeconds time) const { return now_ > time ? now_ - time : 0; }
  template <typename Worse>
  static void Keep(std::optional<uint64_t>& kept, uint64_t value, Worse worse) {
    if (!kept || worse(value, *kept)) kept = value;
  }

  vc::StatusChecker& checker_;
  const UnixSeconds now_;
  bool fresh_ = true, undated_ = false;
  std::optional<uint64_t> version_, age_, held_, until_;
};

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

// Asked only of an issuer whose signature holds and who is trusted: nobody else may make us ask anything.
Result<bool> HardwareCheck::MakerDeactivated(const vc::Verification& verification) {
  for (const std::string_view name : {vc::kCheckSignature, vc::kCheckTrust}) {
    const vc::Check* check = verification.Find(name);
    if (check == nullptr || !check->ok) return false;
  }
  const std::string& issuer = verification.credential.issuer;
  if (issuer.starts_with("did:keel:")) {
    KEEL_TRY(const registry_client::VerifiedHistory history, parts_.histories.ResolveDid(issuer));
    return history.deactivated;
  }
  KEEL_TRY(const did::ResolutionResult result, parts_.resolver.Resolve(issuer));
  return result.deactivated;
}

// Appends the check of the definition that the credential names, and gives the policy's facts about it.
Result<json> HardwareCheck::CheckDefinition(vc::Verification& verification, const std::string& jwt) {
  json facts = {{"named", false}, {"ok", false}};
  if (parts_.definitions == nullptr || verification.credential.json.empty()) return facts;
  KEEL_TRY(const json credential, base::ParseJson(verification.credential.json, {.max_size = vc::kMaxCredential}));
  KEEL_TRY(const did::Jws jws, did::Jws::Parse(jwt, vc::kMaxCredential));
  KEEL_TRY_VOID(parts_.definitions->AddCheck(verification, credential, {"vc+jwt", std::string(jws.alg)}, false));
  const vc::Check* check = verification.Find(vc::kCheckDefinition);
  if (check == nullptr) return facts;
  facts["named"] = true;
  facts["ok"] = check->ok;
  facts["id"] = vc::NamedDefinition(credential);
  return facts;
}

Result<HardwareReport> HardwareCheck::Check(const std::string& jwt, const json& batch, const std::string& device,
                                            const std::string& maker, const json& report, const Policy& policy,
                                            UnixSeconds now) {
  vc::VerifyOptions options;
  options.now = now;
  RecordingStatus lists(parts_.status, now);
  options.status = &lists;
  options.schemas = parts_.schemas;
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
  auto checked = vc::VerifyCredential(jwt, parts_.resolver, options);
  if (!checked) {
    // Nobody can sign a deactivated manufacturer's status list any more: that is no reason to wait for one.
    options.ignore_status = true;
    auto without = vc::VerifyCredential(jwt, parts_.resolver, options);
    if (!without) return std::unexpected<Error>(std::move(checked.error()));
    KEEL_TRY(const bool deactivated, MakerDeactivated(*without));
    if (!deactivated) return std::unexpected<Error>(std::move(checked.error()));
    checked = std::move(without);
  }
  KEEL_TRY(const json definition, CheckDefinition(*checked, jwt));
  const vc::Verification& verification = *checked;
  KEEL_TRY(const bool deactivated, MakerDeactivated(verification));

  HardwareReport out;
  out.judgement.accepted = verification.valid();
  for (const vc::Check& check : verification.checks) out.judgement.outcomes.push_back(FromCheck(check, options));
  if (deactivated) {
    RuleOutcome outcome;
    outcome.rule = "hardware credential: manufacturer";
    outcome.seen = json(verification.credential.issuer + " is deactivated").dump();
    outcome.wanted = "a DID that is not deactivated";
    outcome.why = "the manufacturer is no more: nobody can say which of its devices are revoked";
    out.judgement.outcomes.push_back(std::move(outcome));
    out.judgement.accepted = false;
  }
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
  json status_facts = {
      {"checked", status != nullptr}, {"ok", status == nullptr || status->ok}, {"set", verification.statuses}};
  lists.AddTo(status_facts);
  const json facts = {{"manufacturer", verification.credential.issuer},
                      {"hardware", subject},
                      {"assuranceLevel", text("assuranceLevel")},
                      {"firmware", std::move(firmware)},
                      {"evidence", report.contains("evidence") ? report["evidence"] : json()},
                      {"definition", definition},
                      {"ledgerIndex", verification.log_index ? json(*verification.log_index) : json()},
                      {"status", std::move(status_facts)}};
  Judgement judged = policy.Judge(facts);
  out.judgement.accepted = out.judgement.accepted && judged.accepted;
  for (RuleOutcome& outcome : judged.outcomes) out.judgement.outcomes.push_back(std::move(outcome));
  out.facts = base::DumpJson(facts);
  return out;
}

}  // namespace keel::verifier
