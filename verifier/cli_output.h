// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "core/result.h"

// What keel-verifier prints for people. Each prints to standard output and gives the exit status.
namespace keel::verifier {

int ShowStatus(const nlohmann::json& answer);
int ShowDoctor(const nlohmann::json& answer);  // 1 when something is wrong
int ShowClaim(const nlohmann::json& answer);   // 4 when some devices are pending
int ShowDevices(const nlohmann::json& answer);
int ShowDevice(const nlohmann::json& answer);
int ShowWhy(const nlohmann::json& answer);
int ShowPlain(const nlohmann::json& answer);
// The exit status that fits an answer given as JSON.
int ExitOf(const nlohmann::json& answer);

// Arguments of firmware-import for a release folder: {manifest, image} as absolute paths. kNotFound.
Result<nlohmann::json> ReleaseFiles(const std::string& folder);

}  // namespace keel::verifier
