// SPDX-License-Identifier: Apache-2.0
#include "vc/types.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "vc/credential.h"

namespace keel::vc {
namespace {

using nlohmann::json;

// Members of a HardwareCredential's subject that are strings.
constexpr std::pair<const char*, std::string HardwareFacts::*> kFacts[] = {
    {"serial", &HardwareFacts::serial},
    {"model", &HardwareFacts::model},
    {"manufacturer", &HardwareFacts::manufacturer_name},
    {"microcontroller", &HardwareFacts::microcontroller},
    {"operatingSystem", &HardwareFacts::operating_system},
    {"operatingSystemVersion", &HardwareFacts::operating_system_version},
    {"secureHardware", &HardwareFacts::secure_hardware},
    {"hardwareRevision", &HardwareFacts::hardware_revision},
    {"timeZone", &HardwareFacts::time_zone},
    {"assuranceLevel", &HardwareFacts::assurance_level},
    {"firmwareVersion", &HardwareFacts::firmware_version},
    {"firmwareDigest", &HardwareFacts::firmware_digest},
};

json Frame(std::string_view type, const std::string& issuer, const std::string& id, UnixSeconds valid_from,
           std::optional<UnixSeconds> valid_until, json subject) {
  json out = {{"@context", {kContextV2, kKeelContext}},
              {"id", id.empty() ? NewCredentialId() : id},
              {"type", {"VerifiableCredential", type}},
              {"issuer", issuer},
              {"credentialSubject", std::move(subject)}};
  if (valid_from != 0) out["validFrom"] = base::Rfc3339(valid_from);
  if (valid_until && *valid_until != 0) out["validUntil"] = base::Rfc3339(*valid_until);
  return out;
}

void PutStatus(json& credential, const std::string& list, uint64_t index) {
  if (list.empty()) return;
  credential["credentialStatus"] = {{"type", "BitstringStatusListEntry"},
                                    {"statusPurpose", "revocation"},
                                    {"statusListIndex", std::to_string(index)},
                                    {"statusListCredential", list}};
}

void Put(json& object, const char* name, const std::string& value) {
  if (!value.empty()) object[name] = value;
}

struct Parts {
  std::string issuer, subject;
  const json* claims = nullptr;
};

Result<Parts> Open(const json& credential, std::string_view type) {
  if (!credential.is_object()) return Fail(Code::kMalformed, "credential", "no object");
  KEEL_TRY(const std::vector<std::string> types, base::GetStrings(credential, "type"));
  if (std::find(types.begin(), types.end(), type) == types.end())
    return Fail(Code::kMalformed, "credential", "it is no " + std::string(type));
  Parts parts;
  KEEL_TRY(parts.issuer, base::GetString(credential, "issuer"));
  KEEL_TRY(parts.claims, base::GetObject(credential, "credentialSubject"));
  KEEL_TRY(parts.subject, base::GetString(*parts.claims, "id"));
  return parts;
}

Result<std::string> Optional(const json& object, const char* name) {
  KEEL_TRY(std::optional<std::string> value, base::GetOptionalString(object, name));
  return std::move(value).value_or("");
}

}  // namespace

json HardwareCredential(const HardwareRequest& request) {
  json subject = {{"id", request.device}};
  for (const auto& [name, field] : kFacts) Put(subject, name, request.facts.*field);
  if (request.facts.memory_kib != 0) subject["memoryKiB"] = request.facts.memory_kib;
  if (request.facts.storage_kib != 0) subject["storageKiB"] = request.facts.storage_kib;
  for (const auto& [name, value] : request.facts.extra) subject["properties"][name] = value;
  if (request.root_seal) {
    subject["rootSeal"] = {{"salt", base::Base64Url(request.root_seal->salt)},
                           {"seal", base::Base64Url(request.root_seal->seal)}};
  }
  json credential = Frame(kHardwareCredential, request.issuer, request.id, request.valid_from, request.valid_until,
                          std::move(subject));
  PutStatus(credential, request.status_list, request.status_index);
  return credential;
}

Result<HardwareClaims> ReadHardware(const json& credential) {
  KEEL_TRY(const Parts parts, Open(credential, kHardwareCredential));
  HardwareClaims claims;
  claims.device = parts.subject;
  for (const auto& [name, field] : kFacts) {
    KEEL_TRY(claims.facts.*field, Optional(*parts.claims, name));
  }
  KEEL_TRY(const std::optional<uint64_t> memory, base::GetOptionalUint(*parts.claims, "memoryKiB"));
  KEEL_TRY(const std::optional<uint64_t> storage, base::GetOptionalUint(*parts.claims, "storageKiB"));
  claims.facts.memory_kib = memory.value_or(0);
  claims.facts.storage_kib = storage.value_or(0);
  if (const auto properties = parts.claims->find("properties"); properties != parts.claims->end()) {
    if (!properties->is_object()) return Fail(Code::kMalformed, "hardware credential", "properties is no object");
    for (const auto& [name, value] : properties->items()) {
      if (!value.is_string())
        return Fail(Code::kMalformed, "hardware credential", "property '" + name + "' is no string");
      claims.facts.extra.emplace_back(name, value.get<std::string>());
    }
  }
  if (parts.claims->contains("rootSeal")) {
    KEEL_TRY(const json* opening, base::GetObject(*parts.claims, "rootSeal"));
    RootSealOpening root_seal;
    KEEL_TRY(root_seal.salt, base::GetFixed<16>(*opening, "salt"));
    KEEL_TRY(root_seal.seal, base::GetFixed<32>(*opening, "seal"));
    claims.root_seal = root_seal;
  }
  return claims;
}

json OwnershipCredential(const OwnershipRequest& request) {
  return Frame(kOwnershipCredential, request.giver, request.id, request.valid_from, std::nullopt,
               {{"id", request.device}, {"owner", request.owner}});
}

Result<OwnershipClaims> ReadOwnership(const json& credential) {
  KEEL_TRY(const Parts parts, Open(credential, kOwnershipCredential));
  OwnershipClaims claims{parts.issuer, parts.subject, {}};
  KEEL_TRY(claims.owner, base::GetString(*parts.claims, "owner"));
  return claims;
}

json FleetCredential(const FleetRequest& request) {
  json subject = {{"id", request.subject}};
  Put(subject, "fleet", request.fleet);
  Put(subject, "name", request.name);
  Put(subject, "profile", request.profile);
  Put(subject, "topic", request.topic);
  json credential =
      Frame(kFleetCredential, request.owner, request.id, request.valid_from, request.valid_until, std::move(subject));
  PutStatus(credential, request.status_list, request.status_index);
  return credential;
}

Result<FleetClaims> ReadFleet(const json& credential) {
  KEEL_TRY(const Parts parts, Open(credential, kFleetCredential));
  FleetClaims claims;
  claims.owner = parts.issuer;
  claims.subject = parts.subject;
  KEEL_TRY(claims.fleet, base::GetString(*parts.claims, "fleet"));
  KEEL_TRY(claims.name, Optional(*parts.claims, "name"));
  KEEL_TRY(claims.profile, Optional(*parts.claims, "profile"));
  KEEL_TRY(claims.topic, Optional(*parts.claims, "topic"));
  return claims;
}

}  // namespace keel::vc
