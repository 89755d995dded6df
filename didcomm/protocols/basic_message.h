// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "didcomm/protocols/protocol.h"

// basicmessage 2.0 (didcomm.org): a text for a person.
namespace keel::didcomm {

inline constexpr std::string_view kBasicMessageProtocol = "https://didcomm.org/basicmessage/2.0";
inline constexpr std::string_view kBasicMessageType = "https://didcomm.org/basicmessage/2.0/message";
inline constexpr size_t kMaxBasicContent = 64 << 10;  // octets of content

struct BasicMessage {
  std::string content;
  std::string lang;                        // header `lang`; empty: absent
  std::optional<UnixSeconds> sent_time{};  // header created_time; read also from a `sent_time` in the body, as in v1

  // kMissing, kMalformed, kTooLarge.
  static Result<BasicMessage> Parse(const Message& message);
  // The created_time is the agent's to fill in when sent_time is absent. kTooLarge.
  Result<Message> ToMessage() const;
};

// Hands what comes to whoever shows it; answers nothing (an ack is the agent's). Stateless.
class BasicMessages final : public Protocol {
 public:
  using Reader = std::function<void(const Incoming&, const BasicMessage&)>;
  explicit BasicMessages(Reader reader) : reader_(std::move(reader)) {}
  std::vector<ProtocolInfo> Speaks() const override;
  Result<std::vector<Outgoing>> Receive(const Incoming& incoming) override;

 private:
  const Reader reader_;
};

}  // namespace keel::didcomm
