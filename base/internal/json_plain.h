// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

namespace keel::base::internal {

// The first octet from `at` on that a JSON string can't hold as it is, '"', '\\' or one below 0x20, or the text's end:
// many octets at a time, the more so with AVX2 (asked at run time).
size_t SkipPlain(std::string_view text, size_t at);

}  // namespace keel::base::internal
