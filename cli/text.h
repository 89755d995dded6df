// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace keel::cli {

// A stranger's text as it may be shown on a terminal: control characters (C0, DEL, C1), line and paragraph separators,
// and the characters that turn the direction of text around or have no width become U+FFFD, as does what is no UTF-8;
// cut after `max_octets` with an ellipsis. Pure.
std::string Printable(std::string_view text, size_t max_octets = 512);

// "1,234".
std::string Thousands(uint64_t number);

}  // namespace keel::cli
