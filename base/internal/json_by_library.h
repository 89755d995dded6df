// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "base/json_strict.h"

// Private to base, and to the tests that compare the two readers.
namespace keel::base::internal {

// ParseJson by nlohmann/json's own parser: the same values and the same errors, each with the octet's offset; several
// times as slow. ParseJson asks it what is wrong with a text that it refuses.
Result<nlohmann::json> ParseJsonByLibrary(std::string_view text, JsonLimits limits);

}  // namespace keel::base::internal
