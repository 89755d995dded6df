// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/seams.h"
#include "issuer/csv.h"

// The factory's station: makes the devices of a list with the running issuer (docs/protocols/factory.md).
namespace keel::issuer {

struct StationOptions {
  std::string devices_dir;           // one folder a device, named by its serial
  std::vector<std::string> command;  // the device program; "{data}" is replaced by the device's folder, else
                                     // "manufacture --data DIR" is added
  size_t parallel = 64;              // devices at a time
  std::chrono::milliseconds device_timeout{20'000};  // of one answer
  // Told of each device's steps: {"serial","step","ms"[,"did"]}; may be empty.
  std::function<void(const nlohmann::json&)> on_event;
};

// A verb of the issuer: its control socket, or the issuer itself (tests).
using IssuerVerb = std::function<Result<nlohmann::json>(std::string_view verb, const nlohmann::json& args)>;

// Makes what isn't made yet. {"made":[{serial, did}],"skipped":[{serial}],"failed":[{serial, code, message}]}. An
// error: the issuer couldn't be asked, or refuses the whole; what was made till then stays made, and a second run goes
// on.
Result<nlohmann::json> RunStation(const std::vector<DeviceRow>& rows, const StationOptions& options,
                                  const IssuerVerb& issuer, Random& random);

// Demo rows: `count` of two models, serials KG-000001.. and KS-000001...
std::vector<DeviceRow> DemoRows(size_t count);

}  // namespace keel::issuer
