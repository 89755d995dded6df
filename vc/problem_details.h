// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "vc/verification.h"

// Verdicts as W3C's specifications want them told (RFC 9457: type, title, detail). Pure, thread-safe.
namespace keel::vc {

// Of a check that failed: the type is the data model's (section 7.1), Data Integrity's (section 4.7) or Bitstring
// Status List's (section 3.5) where they have a name for it.
nlohmann::json ProblemDetails(const Check& check);
// Of a request that can't be read or a thing that could not be checked.
nlohmann::json ProblemDetails(const Error& error);

// {"verified": bool, "checks": [{"check","ok","detail"}], "errors": [problem details]}. A presentation's credentials
// follow its own checks: "credentials[0].signature".
nlohmann::json VerdictJson(const Verification& verification);

}  // namespace keel::vc
