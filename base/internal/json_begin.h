// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json_strict.h"

// Private to base: what both JSON readers ask of a text before they read it.
namespace keel::base::internal {

// kTooLarge; kMalformed: a byte-order mark, a NUL (nlohmann's lexer takes one for the end of the text, whatever
// follows), no UTF-8.
Result<> CheckJsonText(std::string_view text, const JsonLimits& limits);

}  // namespace keel::base::internal
