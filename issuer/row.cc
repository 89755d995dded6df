// SPDX-License-Identifier: Apache-2.0
#include "issuer/row.h"

#include <nlohmann/json.hpp>

#include "base/json_strict.h"

namespace keel::issuer {
namespace {

using nlohmann::json;

struct TextFact {
  const char* name;
  std::string vc::HardwareFacts::* member;
};
constexpr TextFact kTextFacts[] = {
    {"serial", &vc::HardwareFacts::serial},
    {"model", &vc::HardwareFacts::model},
    {"manufacturer", &vc::HardwareFacts::manufacturer_name},
    {"microcontroller", &vc::HardwareFacts::microcontroller},
    {"operatingSystem", &vc::HardwareFacts::operating_system},
    {"operatingSystemVersion", &vc::HardwareFacts::operating_system_version},
    {"secureHardware", &vc::HardwareFacts::secure_hardware},
    {"hardwareRevision", &vc::HardwareFacts::hardware_revision},
    {"timeZone", &vc::HardwareFacts::time_zone},
    {"assuranceLevel", &vc::HardwareFacts::assurance_level},
    {"firmwareVersion", &vc::HardwareFacts::firmware_version},
    {"firmwareDigest", &vc::HardwareFacts::firmware_digest},
};

}  // namespace

const char* RowStateName(RowState state) {
  switch (state) {
    case RowState::kBegun: return "begun";
    case RowState::kAnchored: return "anchored";
    case RowState::kVerified: return "verified";
    case RowState::kFinished: return "finished";
  }
  return "";
}

json FactsToJson(const vc::HardwareFacts& facts) {
  json out = json::object();
  for (const TextFact& fact : kTextFacts)
    if (!(facts.*fact.member).empty()) out[fact.name] = facts.*fact.member;
  if (facts.memory_kib != 0) out["memoryKib"] = facts.memory_kib;
  if (facts.storage_kib != 0) out["storageKib"] = facts.storage_kib;
  json extra = json::array();
  for (const auto& [name, value] : facts.extra) extra.push_back({name, value});
  if (!extra.empty()) out["extra"] = std::move(extra);
  return out;
}

Result<vc::HardwareFacts> FactsFromJson(const json& object) {
  vc::HardwareFacts facts;
  if (!object.is_object()) return Fail(Code::kMalformed, "facts");
  for (const TextFact& fact : kTextFacts) {
    KEEL_TRY(const auto value, base::GetOptionalString(object, fact.name));
    facts.*fact.member = value.value_or("");
  }
  KEEL_TRY(const auto memory, base::GetOptionalUint(object, "memoryKib"));
  KEEL_TRY(const auto storage, base::GetOptionalUint(object, "storageKib"));
  facts.memory_kib = memory.value_or(0);
  facts.storage_kib = storage.value_or(0);
  if (object.contains("extra")) {
    KEEL_TRY(const json* extra, base::GetArray(object, "extra"));
    for (const json& pair : *extra) {
      if (!pair.is_array() || pair.size() != 2 || !pair[0].is_string() || !pair[1].is_string())
        return Fail(Code::kMalformed, "facts", "extra");
      facts.extra.emplace_back(pair[0].get<std::string>(), pair[1].get<std::string>());
    }
  }
  return facts;
}

json RowToJson(const Row& row) {
  json out = {{"v", 1},
              {"state", RowStateName(row.state)},
              {"facts", FactsToJson(row.facts)},
              {"date", row.manufacture_date},
              {"root_seal", base::Base64Url(row.root_seal)}};
  if (!row.did.empty()) {
    out["did"] = row.did;
    out["create"] = row.create;
    out["salt"] = base::Base64Url(row.salt);
    out["rs"] = base::Base64Url(row.rs);
    out["rp"] = row.rp;
  }
  if (!row.jwt.empty()) {
    out["create_index"] = row.create_index;
    out["status_index"] = row.status_index;
    out["jwt"] = row.jwt;
    out["batch"] = row.batch;
    out["batch_root"] = row.batch_root;
  }
  if (!row.digest.empty()) out["digest"] = row.digest;
  if (row.revoked) out["revoked"] = row.revoke_reason;
  return out;
}

Result<Row> RowFromJson(const json& object) {
  Row row;
  KEEL_TRY(const std::string state, base::GetString(object, "state"));
  bool known = false;
  for (const RowState candidate : {RowState::kBegun, RowState::kAnchored, RowState::kVerified, RowState::kFinished}) {
    if (state != RowStateName(candidate)) continue;
    row.state = candidate;
    known = true;
  }
  if (!known) return Fail(Code::kCorrupt, "row", "state " + state);
  KEEL_TRY(const json* facts, base::GetObject(object, "facts"));
  KEEL_TRY(row.facts, FactsFromJson(*facts));
  KEEL_TRY(row.manufacture_date, base::GetString(object, "date"));
  KEEL_TRY(row.root_seal, base::GetFixed<32>(object, "root_seal"));
  if (object.contains("did")) {
    KEEL_TRY(row.did, base::GetString(object, "did"));
    KEEL_TRY(row.create, base::GetString(object, "create"));
    KEEL_TRY(row.salt, base::GetFixed<16>(object, "salt"));
    KEEL_TRY(row.rs, base::GetFixed<32>(object, "rs"));
    KEEL_TRY(row.rp, base::GetString(object, "rp"));
  }
  if (object.contains("jwt")) {
    KEEL_TRY(row.create_index, base::GetUint(object, "create_index"));
    KEEL_TRY(row.status_index, base::GetUint(object, "status_index"));
    KEEL_TRY(row.jwt, base::GetString(object, "jwt"));
    KEEL_TRY(row.batch, base::GetString(object, "batch"));
    KEEL_TRY(row.batch_root, base::GetString(object, "batch_root"));
  }
  KEEL_TRY(const auto digest, base::GetOptionalString(object, "digest"));
  row.digest = digest.value_or("");
  KEEL_TRY(const auto revoked, base::GetOptionalString(object, "revoked"));
  row.revoked = revoked.has_value();
  row.revoke_reason = revoked.value_or("");
  return row;
}

}  // namespace keel::issuer
