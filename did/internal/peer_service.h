// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "core/result.h"

// Services of did:peer in the method's short spelling ("t", "s", "r", "a", "dm").
namespace keel::did::internal {

inline constexpr size_t kMaxPeerService = 2048;  // octets of JSON

// depth is bounded by the strict parser.
nlohmann::json ExpandPeerService(const nlohmann::json& service);
nlohmann::json AbbreviatePeerService(const nlohmann::json& service);
// Appends the expanded service, with the id that the method's text gives one without. kInvalidDid: no object.
Result<> AddPeerService(const nlohmann::json& service, nlohmann::json& services);

}  // namespace keel::did::internal
