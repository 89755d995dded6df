// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string_view>

namespace keel::json_ld::internal {

struct BundledContext {
  std::string_view url, text;
};

// Made by vc/json_ld/contexts/CMakeLists.txt, which refuses a file of another SHA-256 than is written there.
std::span<const BundledContext> BundledContextTable();

}  // namespace keel::json_ld::internal
