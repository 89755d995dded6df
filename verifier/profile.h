// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "core/result.h"

namespace keel::verifier {

// What a kind of device gets: the bundle that M4 carries and the firmware that it shall run. Value type.
struct Profile {
  std::string model;               // devices of this model; "*" for those that no other profile names
  std::string configuration;       // JSON object, given to the device as it is; at most kMaxConfiguration octets
  std::string firmware;            // id of an imported release; empty: whatever it runs
  uint64_t contact_seconds = 900;  // how often an onboarded device asks for news
  bool firmware_first = false;     // provision only once it runs that firmware

  nlohmann::json ToJson() const;
  static Result<Profile> FromJson(const nlohmann::json& value);
};

// M4's plaintext is at most 5,300 octets; the credential, the network object and the offer take the rest.
inline constexpr size_t kMaxConfiguration = 2048;

// A profile made of a configuration file's text. kMalformed (no JSON object), kTooLarge.
Result<Profile> MakeProfile(const std::string& model, const std::string& configuration_text,
                            const std::string& firmware);

}  // namespace keel::verifier
