// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "core/result.h"

namespace keel::base {

// RFC 8785, JSON Canonicalization Scheme: members sorted by UTF-16 code units, ECMAScript number texts, shortest
// escapes. The value should come from ParseJson. kMalformed for a string that is not UTF-8 or nesting over 64,
// kOutOfRange for NaN, infinity and integers beyond 2^53-1.
Result<std::string> Jcs(const nlohmann::json& value);

// ECMAScript's Number::toString for a finite number (RFC 8785 section 3.2.2.3); kOutOfRange for NaN and infinity.
Result<std::string> Es6Number(double value);

}  // namespace keel::base
