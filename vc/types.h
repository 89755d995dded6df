// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/bytes.h"
#include "core/time.h"

// Keel's three credentials (docs/formats/credentials.md): builders of the unsigned objects for IssueCredential, and
// readers.
namespace keel::vc {

inline constexpr std::string_view kHardwareCredential = "HardwareCredential";
inline constexpr std::string_view kOwnershipCredential = "OwnershipCredential";
inline constexpr std::string_view kFleetCredential = "FleetCredential";
inline constexpr std::string_view kKeelContext = "https://keel-protocol.org/contexts/v1";

// How well the device keeps its keys.
inline constexpr std::string_view kAssuranceUnprotected = "unprotected-software-key";
inline constexpr std::string_view kAssuranceProtected = "protected-software-key";
inline constexpr std::string_view kAssuranceHardware = "hardware-key";

// Issuer the manufacturer, subject the device. Times and status as given; empty strings and zeroes are left out.
struct HardwareFacts {
  std::string serial, model, manufacturer_name;
  std::string microcontroller, operating_system, operating_system_version, secure_hardware, hardware_revision,
      time_zone;
  uint64_t memory_kib = 0;  // RAM
  uint64_t storage_kib = 0;
  std::string assurance_level;
  std::string firmware_version, firmware_digest;           // as shipped
  std::vector<std::pair<std::string, std::string>> extra;  // further columns of the factory's CSV, under `properties`
};
struct RootSealOpening {
  ByteArray<16> salt{};
  Bytes32 seal{};
};
struct HardwareRequest {
  std::string issuer, device;
  UnixSeconds valid_from = 0;
  std::optional<UnixSeconds> valid_until;
  HardwareFacts facts;
  std::optional<RootSealOpening> root_seal;
  std::string status_list;  // url; empty: no credentialStatus
  uint64_t status_index = 0;
  std::string id;  // empty: a random one
};
nlohmann::json HardwareCredential(const HardwareRequest& request);
struct HardwareClaims {
  std::string device;
  HardwareFacts facts;
  std::optional<RootSealOpening> root_seal;
};
// kMalformed; credential must be a HardwareCredential.
Result<HardwareClaims> ReadHardware(const nlohmann::json& credential);

// Issuer the giver, subject the device, owner the receiver. No status, no end: only a spend ends title.
struct OwnershipRequest {
  std::string giver, device, owner;
  UnixSeconds valid_from = 0;
  std::string id;  // empty: a random one (it must be random: the link commits to the credential's hash)
};
nlohmann::json OwnershipCredential(const OwnershipRequest& request);
struct OwnershipClaims {
  std::string giver, device, owner;
};
Result<OwnershipClaims> ReadOwnership(const nlohmann::json& credential);

// Issuer the owner, subject the device's pairwise DID.
struct FleetRequest {
  std::string owner, subject;
  std::string fleet;  // id of the fleet (audience of broker tokens)
  std::string name;   // the device's name in it
  std::string profile;
  std::string topic;  // what it may publish under
  UnixSeconds valid_from = 0, valid_until = 0;
  std::string status_list;
  uint64_t status_index = 0;
  std::string id;
};
nlohmann::json FleetCredential(const FleetRequest& request);
struct FleetClaims {
  std::string owner, subject, fleet, name, profile, topic;
};
Result<FleetClaims> ReadFleet(const nlohmann::json& credential);

}  // namespace keel::vc
