// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/result.h"

namespace keel::device {

// Where and as whom a device publishes: M4's `net.mqtt`.
struct BrokerAccess {
  std::string host;
  uint16_t port = 0;
  std::string client_id, username, topic_prefix, audience;
  uint32_t token_lifetime = 300;

  // Of a provision's JSON text. kMissing when the owner gave no broker, kMalformed.
  static Result<BrokerAccess> FromProvision(const std::string& provision);
  friend bool operator==(const BrokerAccess&, const BrokerAccess&) = default;
};

// The device's line to its owner's broker: MQTT by libmosquitto, with a token signed anew for each connection in place
// of a password. A thread of libmosquitto's own; the callbacks run on it.
class Telemetry {
 public:
  struct Callbacks {
    std::function<void()> connected;
    std::function<void(const std::string& why)>
        lost;  // refused, unreachable, or broken off; it is tried again by Connect
    std::function<void(int id)> acknowledged;
  };
  static Result<std::unique_ptr<Telemetry>> Create(const BrokerAccess& access, Callbacks callbacks);
  ~Telemetry();

  // Begins to connect with this token; the outcome comes by callback. kUnreachable when it could not even begin.
  Result<> Connect(const std::string& token);
  // Publishes below the topic prefix at QoS 1. Gives the id that `acknowledged` will name.
  Result<int> Publish(const std::string& name, const std::string& payload);

 private:
  struct Impl;
  explicit Telemetry(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace keel::device
