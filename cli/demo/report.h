// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "cli/demo/screen.h"

namespace keel::cli {

// A check made at the end that nobody gets what he must not get.
struct Refusal {
  std::string what;  // "a reader without the credential gets nothing"
  bool held = false;
  std::string detail;  // what was seen
};

// Prints the summary: four check-marks a device (above `few` devices only those that lack one), totals, refusals.
void PrintSummary(const Screen& screen, const std::vector<DeviceProgress>& devices,
                  const std::vector<Refusal>& refusals);

// {"devices":[{did, serial, model, outcome, steps:[{name, ms}], round_trips, bytes_sent, bytes_received}],
// "totals":{...}} (docs/cli/keel-demo.md).
nlohmann::json Report(const Screen& screen, const std::vector<DeviceProgress>& devices,
                      const std::vector<Refusal>& refusals);

// "onboarded" (all four check-marks), "not heard", "no firmware", "not onboarded", ...
std::string Outcome(const DeviceProgress& device);

}  // namespace keel::cli
