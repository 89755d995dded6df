// SPDX-License-Identifier: Apache-2.0
#include "did/internal/peer_service.h"

#include <nlohmann/json.hpp>
#include <string>

namespace keel::did::internal {

using nlohmann::json;

namespace {

// "Abbreviated" member names and values of the method's text, both ways.
constexpr std::pair<const char*, const char*> kNames[] = {
    {"t", "type"}, {"s", "serviceEndpoint"}, {"r", "routingKeys"}, {"a", "accept"}};

}  // namespace

json ExpandPeerService(const json& value) {
  if (value.is_array()) {
    json out = json::array();
    for (const json& item : value) out.push_back(ExpandPeerService(item));
    return out;
  }
  if (!value.is_object()) return value;
  json out = json::object();
  for (const auto& [name, member] : value.items()) {
    std::string full = name;
    for (const auto& [abbreviated, long_name] : kNames) {
      if (name == abbreviated) full = long_name;
    }
    out[full] = full == "type" && member == "dm" ? json("DIDCommMessaging") : ExpandPeerService(member);
  }
  return out;
}

json AbbreviatePeerService(const json& value) {
  if (value.is_array()) {
    json out = json::array();
    for (const json& item : value) out.push_back(AbbreviatePeerService(item));
    return out;
  }
  if (!value.is_object()) return value;
  json out = json::object();
  for (const auto& [name, member] : value.items()) {
    std::string brief = name;
    for (const auto& [abbreviated, long_name] : kNames) {
      if (name == long_name) brief = abbreviated;
    }
    out[brief] = brief == "t" && member == "DIDCommMessaging" ? json("dm") : AbbreviatePeerService(member);
  }
  return out;
}

Result<> AddPeerService(const json& value, json& services) {
  if (!value.is_object()) return Fail(Code::kInvalidDid, "did:peer", "a service element is no object");
  json service = ExpandPeerService(value);
  if (!service.contains("id")) {
    service["id"] = services.empty() ? "#service" : "#service-" + std::to_string(services.size());
  }
  services.push_back(std::move(service));
  return {};
}

}  // namespace keel::did::internal
