// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/result.h"

namespace keel::device {

struct RunOptions {
  std::string dir;
  int events_fd = -1;  // one JSON line per event; -1: none
  bool once = false;   // end when onboarded, updated and the first data was acknowledged by the broker
  uint32_t telemetry_ms = 10'000;
  uint32_t backoff_min_ms = 0, backoff_max_ms = 0, contact_ms = 0;
  bool listen = true;                  // wait at the owner's service for other devices' messages; never with `once`
  std::vector<std::string> arguments;  // our own command line, for the restart into a new image
};

// Runs the device until it is told to stop or (with `once`) is done. Doesn't return when it restarts into a new image.
// kBusy, kCorrupt, kNotFound (not manufactured).
Result<> RunDevice(const RunOptions& options);

// DIR/status.json as the running device last wrote it.
Result<std::string> ReadStatus(const std::string& dir);

}  // namespace keel::device
