// SPDX-License-Identifier: Apache-2.0
#include "vc/schema/credentials.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "vc/credential.h"
#include "vc/schema/schema_checker.h"
#include "vc/types.h"

namespace keel::vc {
namespace {

using nlohmann::json;

void Put(json& object, const char* name, const std::string& value) {
  if (!value.empty()) object[name] = value;
}

Result<std::string> Optional(const json& object, const char* name) {
  KEEL_TRY(std::optional<std::string> value, base::GetOptionalString(object, name));
  return std::move(value).value_or("");
}

template <size_t N>
Result<std::optional<ByteArray<N>>> OptionalFixed(const json& object, const char* name) {
  if (!object.contains(name)) return std::optional<ByteArray<N>>();
  KEEL_TRY(const ByteArray<N> value, base::GetFixed<N>(object, name));
  return std::optional<ByteArray<N>>(value);
}

// The whole credential, held against its own schema: what we would refuse to read we don't make.
Result<json> Build(std::string_view type, const CredentialFrame& frame, json subject) {
  json out = {{"@context", {kContextV2, kKeelContext}},
              {"id", frame.id.empty() ? NewCredentialId() : frame.id},
              {"type", {"VerifiableCredential", type}},
              {"issuer", frame.issuer},
              {"credentialSubject", std::move(subject)}};
  if (frame.valid_from != 0) out["validFrom"] = base::Rfc3339(frame.valid_from);
  if (frame.valid_until) out["validUntil"] = base::Rfc3339(*frame.valid_until);
  if (!frame.status_list.empty()) {
    out["credentialStatus"] = {{"type", "BitstringStatusListEntry"},
                               {"statusPurpose", "revocation"},
                               {"statusListIndex", std::to_string(frame.status_index)},
                               {"statusListCredential", frame.status_list}};
  }
  if (auto ok = CheckOwnSchemas(out); !ok) return Fail(Code::kInvalidArgument, "credential", ok.error().detail);
  return out;
}

// The subject of a credential of that type that meets its schema.
Result<const json*> Open(const json& credential, std::string_view type) {
  if (!credential.is_object()) return Fail(Code::kMalformed, "credential", "no object");
  KEEL_TRY(const std::vector<std::string> types, base::GetStrings(credential, "type"));
  if (std::find(types.begin(), types.end(), type) == types.end())
    return Fail(Code::kMalformed, "credential", "it is no " + std::string(type));
  KEEL_TRY_VOID(CheckOwnSchemas(credential));
  return base::GetObject(credential, "credentialSubject");
}

Result<> EachDeviceOnce(const std::vector<DeviceComponent>& components, Code code) {
  std::set<std::string_view> seen;
  for (const DeviceComponent& component : components) {
    if (!seen.insert(component.device).second)
      return Fail(code, "credential", "the component " + component.device + " is there twice");
  }
  return {};
}

}  // namespace

Result<std::string> IssueOwnCredential(const json& credential, crypto::KeyStore& store, crypto::KeyHandle key,
                                       const std::string& kid) {
  if (auto ok = CheckOwnSchemas(credential); !ok)
    return Fail(Code::kInvalidArgument, "issue credential", ok.error().detail);
  return IssueCredential(credential, store, key, kid);
}

Result<json> CompositeDeviceCredential(const CredentialFrame& frame, const CompositeDevice& machine) {
  KEEL_TRY_VOID(EachDeviceOnce(machine.components, Code::kInvalidArgument));
  json subject = {{"id", machine.machine}, {"components", json::array()}};
  Put(subject, "model", machine.model);
  Put(subject, "serial", machine.serial);
  Put(subject, "manufacturer", machine.manufacturer);
  for (const DeviceComponent& component : machine.components) {
    json one = {{"id", component.device}, {"role", component.role}};
    Put(one, "model", component.model);
    Put(one, "serial", component.serial);
    Put(one, "manufacturer", component.manufacturer);
    if (component.hardware_credential)
      one["hardwareCredentialDigest"] = base::Base64Url(*component.hardware_credential);
    subject["components"].push_back(std::move(one));
  }
  return Build(kCompositeDeviceCredential, frame, std::move(subject));
}

Result<CompositeDevice> ReadCompositeDevice(const json& credential) {
  KEEL_TRY(const json* subject, Open(credential, kCompositeDeviceCredential));
  CompositeDevice out;
  KEEL_TRY(out.machine, base::GetString(*subject, "id"));
  KEEL_TRY(out.model, Optional(*subject, "model"));
  KEEL_TRY(out.serial, Optional(*subject, "serial"));
  KEEL_TRY(out.manufacturer, Optional(*subject, "manufacturer"));
  KEEL_TRY(const json* list, base::GetArray(*subject, "components"));
  for (const json& item : *list) {
    DeviceComponent& one = out.components.emplace_back();
    KEEL_TRY(one.device, base::GetString(item, "id"));
    KEEL_TRY(one.role, base::GetString(item, "role"));
    KEEL_TRY(one.model, Optional(item, "model"));
    KEEL_TRY(one.serial, Optional(item, "serial"));
    KEEL_TRY(one.manufacturer, Optional(item, "manufacturer"));
    KEEL_TRY(one.hardware_credential, OptionalFixed<32>(item, "hardwareCredentialDigest"));
  }
  KEEL_TRY_VOID(EachDeviceOnce(out.components, Code::kDuplicate));
  return out;
}

bool Delegation::Covers(std::string_view act, std::string_view device, UnixSeconds now) const {
  return std::find(scope.begin(), scope.end(), act) != scope.end() && expires && NotAfterOk(*expires, now) &&
         (devices.empty() || std::find(devices.begin(), devices.end(), device) != devices.end());
}

Result<json> DelegationCredential(const CredentialFrame& frame, const Delegation& delegation) {
  if (delegation.owner != frame.issuer)
    return Fail(Code::kInvalidArgument, "credential", "an owner delegates what is its own: issuer and owner differ");
  json subject = {{"id", delegation.provider}, {"owner", delegation.owner}, {"scope", delegation.scope}};
  Put(subject, "fleet", delegation.fleet);
  if (!delegation.devices.empty()) subject["devices"] = delegation.devices;
  return Build(kDelegationCredential, frame, std::move(subject));
}

Result<Delegation> ReadDelegation(const json& credential) {
  KEEL_TRY(const json* subject, Open(credential, kDelegationCredential));
  Delegation out;
  KEEL_TRY(out.provider, base::GetString(*subject, "id"));
  KEEL_TRY(out.owner, base::GetString(*subject, "owner"));
  KEEL_TRY(out.scope, base::GetStrings(*subject, "scope"));
  KEEL_TRY(out.fleet, Optional(*subject, "fleet"));
  if (subject->contains("devices")) {
    KEEL_TRY(out.devices, base::GetStrings(*subject, "devices"));
  }
  KEEL_TRY(out.expires, base::GetOptionalTime(credential, "validUntil"));
  const json& issuer = credential["issuer"];
  if ((issuer.is_object() ? issuer["id"] : issuer) != out.owner)
    return Fail(Code::kUntrusted, "credential", "a delegation for " + out.owner + " that somebody else issued");
  return out;
}

Result<json> FirmwareReleaseCredential(const CredentialFrame& frame, const FirmwareRelease& release) {
  json subject = {{"id", release.id.empty() ? "urn:keel:firmware:" + base::Hex(release.digest) : release.id},
                  {"firmwareDigest", base::Base64Url(release.digest)},
                  {"firmwareSize", release.size},
                  {"sequence", release.sequence}};
  Put(subject, "model", release.model);
  Put(subject, "firmwareVersion", release.version);
  if (release.vendor_id) subject["vendorId"] = base::Base64Url(*release.vendor_id);
  if (release.class_id) subject["classId"] = base::Base64Url(*release.class_id);
  if (release.manifest) subject["manifestDigest"] = base::Base64Url(*release.manifest);
  return Build(kFirmwareReleaseCredential, frame, std::move(subject));
}

Result<FirmwareRelease> ReadFirmwareRelease(const json& credential) {
  KEEL_TRY(const json* subject, Open(credential, kFirmwareReleaseCredential));
  FirmwareRelease out;
  KEEL_TRY(out.id, base::GetString(*subject, "id"));
  KEEL_TRY(out.model, base::GetString(*subject, "model"));
  KEEL_TRY(out.version, base::GetString(*subject, "firmwareVersion"));
  KEEL_TRY(out.digest, base::GetFixed<32>(*subject, "firmwareDigest"));
  KEEL_TRY(out.size, base::GetUint(*subject, "firmwareSize"));
  KEEL_TRY(out.sequence, base::GetUint(*subject, "sequence"));
  KEEL_TRY(out.vendor_id, OptionalFixed<16>(*subject, "vendorId"));
  KEEL_TRY(out.class_id, OptionalFixed<16>(*subject, "classId"));
  KEEL_TRY(out.manifest, OptionalFixed<32>(*subject, "manifestDigest"));
  return out;
}

}  // namespace keel::vc
