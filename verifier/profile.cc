// SPDX-License-Identifier: Apache-2.0
#include "verifier/profile.h"

#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "core/json_reader.h"

namespace keel::verifier {

using nlohmann::json;

json Profile::ToJson() const {
  return {{"v", 1},
          {"model", model},
          {"configuration", configuration},
          {"firmware", firmware},
          {"contact_seconds", contact_seconds},
          {"firmware_first", firmware_first}};
}

Result<Profile> Profile::FromJson(const json& value) {
  Profile profile;
  KEEL_TRY(profile.model, base::GetString(value, "model"));
  KEEL_TRY(profile.configuration, base::GetString(value, "configuration"));
  KEEL_TRY(profile.firmware, base::GetString(value, "firmware"));
  KEEL_TRY(profile.contact_seconds, base::GetUint(value, "contact_seconds"));
  KEEL_TRY(profile.firmware_first, base::GetBool(value, "firmware_first"));
  return profile;
}

Result<Profile> MakeProfile(const std::string& model, const std::string& configuration_text,
                            const std::string& firmware) {
  if (model.empty() || model.size() > 64)
    return Fail(Code::kInvalidArgument, "profile", "a model's name has 1 to 64 octets");
  KEEL_TRY(const json configuration, base::ParseJson(configuration_text));
  if (!configuration.is_object()) return Fail(Code::kMalformed, "profile", "the configuration must be one JSON object");
  Profile profile;
  profile.model = model;
  profile.configuration = base::DumpJson(configuration);
  profile.firmware = firmware;
  if (profile.configuration.size() > kMaxConfiguration) {
    return Fail(Code::kTooLarge, "profile",
                "the configuration has " + std::to_string(profile.configuration.size()) +
                    " octets without white space; a device takes " + std::to_string(kMaxConfiguration) +
                    " at most: deliver more through the application");
  }
  // The device's own reader takes whole numbers only; it would refuse the whole message.
  if (const auto device_reads = JsonView::Parse(profile.configuration); !device_reads) {
    return Fail(device_reads.error().code, "profile",
                "devices can't read this configuration (" + device_reads.error().Text() +
                    "): numbers must be whole and below 2^53");
  }
  return profile;
}

}  // namespace keel::verifier
