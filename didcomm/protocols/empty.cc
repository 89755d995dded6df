// SPDX-License-Identifier: Apache-2.0
#include "didcomm/protocols/empty.h"

#include "didcomm/protocols/message_type.h"

namespace keel::didcomm {
namespace {

bool IsEmptyMessage(const Message& message) {
  const auto type = MessageType::Parse(message.type);
  const auto ours = MessageType::ParseProtocol(kEmptyProtocol);
  return type && type->Compatible(*ours) && type->Is("empty");
}

}  // namespace

Message MakeAck(const Incoming& about, std::vector<std::string> ids) {
  Message ack = about.Reply(std::string(kEmptyType));
  ack.ack = std::move(ids);
  return ack;
}

bool IsPureAck(const Message& message) { return !message.ack.empty() && IsEmptyMessage(message); }

std::vector<ProtocolInfo> EmptyProtocol::Speaks() const {
  return {{std::string(kEmptyProtocol), {"sender", "receiver"}}};
}

Result<std::vector<Outgoing>> EmptyProtocol::Receive(const Incoming& incoming) {
  if (!IsEmptyMessage(incoming.message()))
    return Fail(Code::kUnsupported, "empty message", "no message type of this protocol: " + incoming.message().type);
  return std::vector<Outgoing>();
}

}  // namespace keel::didcomm
