// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

// Private to base: what both JSON readers ask of numbers.
namespace keel::base::internal {

inline constexpr int64_t kMaxExactInteger = 9007199254740991;  // 2^53-1

// True when the double keeps what was written: `text` is a JSON number, `value` what it was read as. Fractions: at most
// 17 significant digits, which is what a double's own text can have (RFC 8785's vectors have such). Whole numbers
// (1e30, 9007199254740993.0) and subnormal ones: also the same digits when the double is written with as many, since
// they could be off by one or by much.
bool Survives(double value, std::string_view text);

}  // namespace keel::base::internal
