// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string_view>
#include <vector>

#include "didcomm/protocols/protocol.h"

// trust-ping 2.0 (DIDComm v2.1, "Trust Ping Protocol 2.0").
namespace keel::didcomm {

inline constexpr std::string_view kTrustPingProtocol = "https://didcomm.org/trust-ping/2.0";
inline constexpr std::string_view kPingType = "https://didcomm.org/trust-ping/2.0/ping";
inline constexpr std::string_view kPingResponseType = "https://didcomm.org/trust-ping/2.0/ping-response";

// A ping; from, to and id are the agent's to fill in.
Message MakePing(bool response_requested = true);

// Answers pings of proven senders, unless they want no answer (the default is that they do). Stateless.
class TrustPing final : public Protocol {
 public:
  // `on_response` hears every response; may be empty.
  explicit TrustPing(std::function<void(const Incoming&)> on_response = {}) : on_response_(std::move(on_response)) {}
  std::vector<ProtocolInfo> Speaks() const override;
  // kUnsupported (message type), kMalformed (response_requested is no boolean; a response without a thread).
  Result<std::vector<Outgoing>> Receive(const Incoming& incoming) override;

 private:
  std::function<void(const Incoming&)> on_response_;
};

}  // namespace keel::didcomm
