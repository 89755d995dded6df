// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/time.h"
#include "crypto/key_store.h"

// Keel's credentials beyond those of vc/types.h: builders of the unsigned objects for IssueCredential, and readers.
// Their schemas are in vc/schema/schemas, their terms in docs/vocabulary.md. Empty strings and zeroes are left out.
namespace keel::vc {

inline constexpr std::string_view kCompositeDeviceCredential = "CompositeDeviceCredential";
inline constexpr std::string_view kDelegationCredential = "DelegationCredential";
inline constexpr std::string_view kFirmwareReleaseCredential = "FirmwareReleaseCredential";

// vc::IssueCredential for a credential that meets the schemas of Keel's types among its types; kInvalidArgument, which
// says what doesn't, for one that does not.
Result<std::string> IssueOwnCredential(const nlohmann::json& credential, crypto::KeyStore& store, crypto::KeyHandle key,
                                       const std::string& kid);

// What every credential has beside its subject.
struct CredentialFrame {
  std::string issuer;
  UnixSeconds valid_from = 0;
  std::optional<UnixSeconds> valid_until;
  std::string status_list;  // url; empty: no credentialStatus
  uint64_t status_index = 0;
  std::string id;  // empty: a random one
};

// Issuer an integrator, subject a machine that consists of devices, which may come from several makers.
struct DeviceComponent {
  std::string device;  // its DID
  std::string role;    // "motor controller"; required
  std::string model, serial, manufacturer;
  std::optional<Bytes32> hardware_credential;  // SHA-256 of its HardwareCredential's octets
};
struct CompositeDevice {
  std::string machine;  // DID
  std::string model, serial, manufacturer;
  std::vector<DeviceComponent> components;  // 1 to 256, each device once
};
// kInvalidArgument: no component, too many, one twice, one without role.
Result<nlohmann::json> CompositeDeviceCredential(const CredentialFrame& frame, const CompositeDevice& machine);
// kMalformed: of another type or against its schema; kDuplicate: a device twice.
Result<CompositeDevice> ReadCompositeDevice(const nlohmann::json& credential);

// Issuer an owner, subject a service provider that may act for it.
inline constexpr std::string_view kScopes[] = {"claim",          "onboard", "configure", "update-firmware",
                                               "read-telemetry", "suspend", "transfer"};
struct Delegation {
  std::string provider;                // DID
  std::string owner;                   // the issuer's DID
  std::vector<std::string> scope;      // of kScopes
  std::string fleet;                   // this fleet's devices only
  std::vector<std::string> devices;    // these only; empty: all (of the fleet)
  std::optional<UnixSeconds> expires;  // read from validUntil

  // Whether it covers this act on this device at this time; the credential itself must have been verified.
  bool Covers(std::string_view act, std::string_view device, UnixSeconds now) const;
};
// valid_from and valid_until are required: a delegation ends. kInvalidArgument.
Result<nlohmann::json> DelegationCredential(const CredentialFrame& frame, const Delegation& delegation);
// kMalformed; kUntrusted: the issuer isn't the owner it speaks for.
Result<Delegation> ReadDelegation(const nlohmann::json& credential);

// Issuer a firmware author, subject a release. The SUIT manifest decides what a device installs (docs/formats/
// firmware-release.md); this tells people and policies about it.
struct FirmwareRelease {
  std::string id;  // "urn:..." of the release; empty: from the digest
  std::string model, version;
  std::optional<ByteArray<16>> vendor_id, class_id;
  Bytes32 digest{};  // SHA-256 of the image
  uint64_t size = 0, sequence = 0;
  std::optional<Bytes32> manifest;  // SHA-256 of the manifest
};
// kInvalidArgument.
Result<nlohmann::json> FirmwareReleaseCredential(const CredentialFrame& frame, const FirmwareRelease& release);
Result<FirmwareRelease> ReadFirmwareRelease(const nlohmann::json& credential);

}  // namespace keel::vc
