// SPDX-License-Identifier: Apache-2.0
#include "didcomm/protocols/trust_ping.h"

#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "didcomm/protocols/message_type.h"

namespace keel::didcomm {

Message MakePing(bool response_requested) {
  Message ping;
  ping.type = kPingType;
  ping.body = response_requested ? R"({"response_requested":true})" : R"({"response_requested":false})";
  return ping;
}

std::vector<ProtocolInfo> TrustPing::Speaks() const {
  return {{std::string(kTrustPingProtocol), {"sender", "receiver"}}};
}

Result<std::vector<Outgoing>> TrustPing::Receive(const Incoming& incoming) {
  const Message& message = incoming.message();
  KEEL_TRY(const MessageType type, MessageType::Parse(message.type));
  std::vector<Outgoing> out;
  if (type.Is("ping")) {
    KEEL_TRY(const nlohmann::json body, message.ParseBody());
    KEEL_TRY(const std::optional<bool> wanted, base::GetOptionalBool(body, "response_requested"));
    if (wanted.value_or(true) && incoming.Proven())
      out.push_back({.message = incoming.Reply(std::string(kPingResponseType))});
    return out;
  }
  if (type.Is("ping-response")) {
    if (message.thid.empty()) return Fail(Code::kMalformed, "trust ping", "a ping-response without thid");
    if (on_response_) on_response_(incoming);
    return out;
  }
  return Fail(Code::kUnsupported, "trust ping", "no message type of this protocol: " + message.type);
}

}  // namespace keel::didcomm
