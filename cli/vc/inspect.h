// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"

namespace keel::cli {

// What a credential or presentation of any form says, for people, or as JSON on one line: how it is secured, who speaks
// of whom, what can be left out, what a verifier would check. Nothing is verified and nobody is asked; a stranger's
// text is made harmless for a terminal. kUsage: it is recognized as no form. Pure, thread-safe.
Result<std::string> Explain(std::string_view octets, bool as_json);

}  // namespace keel::cli
