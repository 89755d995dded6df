// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "core/bytes.h"
#include "core/result.h"
#include "vc/types.h"

// What the issuer knows of one device it makes or made (docs/formats/custody.md, "The issuer's database").
namespace keel::issuer {

// How far a row of the factory's list has come. Each is stored before anything depends on it.
enum class RowState : uint8_t {
  kBegun = 1,     // root seal made
  kAnchored = 2,  // DID and credential anchored
  kVerified = 3,  // stamped and read back by the station
  kFinished = 4,  // locked, in custody
};
const char* RowStateName(RowState state);

struct Row {
  RowState state = RowState::kBegun;
  vc::HardwareFacts facts;
  std::string manufacture_date;
  Bytes32 root_seal{};
  // From the device:
  std::string did, create, rp;  // rp: Multikey
  ByteArray<16> salt{};
  Bytes32 rs{};
  // From the issuer:
  uint64_t create_index = 0;
  uint64_t status_index = 0;
  std::string jwt;
  std::string batch;       // BATCH member as JSON text; index 0 until anchored
  std::string batch_root;  // hex
  std::string digest;      // what the station read back, base64url
  bool revoked = false;
  std::string revoke_reason;

  const std::string& serial() const { return facts.serial; }
};
nlohmann::json RowToJson(const Row& row);
Result<Row> RowFromJson(const nlohmann::json& json);

nlohmann::json FactsToJson(const vc::HardwareFacts& facts);
Result<vc::HardwareFacts> FactsFromJson(const nlohmann::json& json);

}  // namespace keel::issuer
