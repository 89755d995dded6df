// SPDX-License-Identifier: Apache-2.0
// Hardware credentials for single use (docs/formats/sd-jwt.md): a batch for one device, each bound to a key that the
// device made for it, each with a place of its own in the status list.
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "did/jose.h"
#include "issuer/internal/keys.h"
#include "issuer/issuer.h"
#include "vc/definition/definition.h"
#include "vc/sd_jwt/batch.h"

namespace keel::issuer {

using nlohmann::json;

namespace {

constexpr const char* kWhere = "single use";
constexpr uint64_t kDefaultDays = 365, kMaxDays = 36'500;

}  // namespace

Result<json> Issuer::SingleUse(const json& args) {
  const std::lock_guard lock(mutex_);
  KEEL_TRY_VOID(base::OnlyMembers(args, {"device", "keys", "days"}));
  KEEL_TRY(const std::string device, base::GetString(args, "device"));
  KEEL_TRY(const std::vector<std::string> keys, base::GetStrings(args, "keys"));
  KEEL_TRY(const auto days, base::GetOptionalUint(args, "days"));
  if (days.value_or(kDefaultDays) == 0 || days.value_or(kDefaultDays) > kMaxDays)
    return Fail(Code::kUsage, kWhere, "days: 1 to " + std::to_string(kMaxDays));
  KEEL_TRY(const Row row, FindRow(device));
  if (row.jwt.empty()) return Fail(Code::kWrongState, kWhere, row.serial() + " has no credential yet");
  if (row.revoked) return Fail(Code::kRevoked, kWhere, row.serial() + " is revoked");
  KEEL_TRY(const UnixSeconds now, clock_.Now());

  vc::HardwareBatch batch;
  batch.kid = identity_->auth_kid();
  for (const std::string& text : keys) {
    KEEL_TRY(batch.keys.emplace_back(), crypto::PublicKey::FromMultikey(text));
  }
  batch.issued_at = now;
  batch.valid_until = now + days.value_or(kDefaultDays) * vc::kHardwareBatchDay;
  batch.status_list = StatusUrl();
  std::vector<uint64_t> indexes;
  batch.status_index = [&]() -> Result<uint64_t> {
    KEEL_TRY(const uint64_t index, status_->Take(random_));
    indexes.push_back(index);
    return index;
  };
  KEEL_TRY(const did::Jws jws, did::Jws::Parse(row.jwt));
  KEEL_TRY(const json credential, base::ParseJson(jws.payload));
  if (!options_.definition.empty()) {
    KEEL_TRY(const auto definition, definitions_->Get(did(), options_.definition));
    KEEL_TRY(const crypto::PublicKey key, identity_->keys().Public(identity_->auth()));
    KEEL_TRY(const crypto::SignatureAlgorithm algorithm, crypto::AlgorithmFor(key.type()));
    json dated = credential;
    definition.Name(dated);
    dated["validFrom"] = base::Rfc3339(now);
    dated["validUntil"] = base::Rfc3339(*batch.valid_until);
    KEEL_TRY_VOID(definitions_->CheckIssue(definition, dated,
                                           {std::string(vc::kTypSdJwtVc), std::string(crypto::JoseName(algorithm))}));
  }
  KEEL_TRY(std::vector<std::string> issued,
           vc::IssueHardwareBatch(credential, batch, random_, identity_->keys(), identity_->auth()));
  // Which places are the device's is kept before its credentials leave the house: revoking it must find them all.
  base::WriteBatch write;
  for (const uint64_t index : indexes) {
    write.Put(StatusIndexKey(index), row.serial());
    write.Put(SingleUseKey(row.serial(), index), "");
  }
  status_->SaveTaken(write);
  KEEL_TRY_VOID(db_->Write(write, base::Sync::kYes));
  return json{{"serial", row.serial()}, {"credentials", std::move(issued)}};
}

}  // namespace keel::issuer
