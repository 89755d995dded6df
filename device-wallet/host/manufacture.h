// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "core/result.h"

namespace keel::device {

struct ManufactureOptions {
  std::string dir;
  std::string firmware_version = "1.0.0";  // of the image that the factory installs
  uint64_t firmware_sequence = 1;
  uint8_t suite = 1;  // keel_wallet_suite
};

// The device's side of the factory protocol (docs/protocols/factory.md) on standard input and output, until the input
// ends.
Result<> RunManufacture(const ManufactureOptions& options);

}  // namespace keel::device
