// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "didcomm/protocols/protocol.h"

// empty 1.0 (DIDComm v2.1, "The Empty Message"): headers without a body, an ack above all.
namespace keel::didcomm {

inline constexpr std::string_view kEmptyProtocol = "https://didcomm.org/empty/1.0";
inline constexpr std::string_view kEmptyType = "https://didcomm.org/empty/1.0/empty";

// An acknowledgement and nothing else ("ACKs").
Message MakeAck(const Incoming& about, std::vector<std::string> ids);
// True for such a message: nothing may answer it, not even an ack that it asks for.
bool IsPureAck(const Message& message);

// Takes empty messages; their headers are the agent's business. Stateless.
class EmptyProtocol final : public Protocol {
 public:
  std::vector<ProtocolInfo> Speaks() const override;
  Result<std::vector<Outgoing>> Receive(const Incoming& incoming) override;
};

}  // namespace keel::didcomm
