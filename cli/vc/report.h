// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "vc/verification.h"

namespace keel::cli {

// What a judging verb writes. `json`: {"verified","checks","errors"} and nothing else on one line; without, all that is
// known, for reading. `no_status`: adds the word that status lists were left out. Gives the exit status.
int PrintVerdict(const vc::Verification& verification, bool json, bool no_status);

// What could not be judged: with `json` the same shape on standard output, and in any case the error on standard error.
int PrintFailure(const char* program, const Error& error, bool json);

}  // namespace keel::cli
