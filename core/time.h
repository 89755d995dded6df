// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "core/bytes.h"

namespace keel {

// Seconds since 1970-01-01T00:00:00Z, leap seconds not counted.
using UnixSeconds = uint64_t;

// RFC 3339 with 'T', an optional fraction (cut off) and 'Z' or an offset. Years 1970..9999.
Result<UnixSeconds> ParseRfc3339(std::string_view text);

// "2026-11-22T10:41:00Z": always kRfc3339Length characters.
inline constexpr size_t kRfc3339Length = 20;
Result<size_t> FormatRfc3339(UnixSeconds time, std::span<char> out);

// Signed objects may be this far off (protocol.md, head): iat, validFrom <= now + skew; exp, validUntil > now - skew.
inline constexpr uint64_t kTimeSkew = 60;
constexpr bool NotBeforeOk(UnixSeconds from, UnixSeconds now) { return from <= now + kTimeSkew; }
constexpr bool NotAfterOk(UnixSeconds until, UnixSeconds now) { return until + kTimeSkew > now; }

}  // namespace keel
