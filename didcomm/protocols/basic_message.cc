// SPDX-License-Identifier: Apache-2.0
#include "didcomm/protocols/basic_message.h"

#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "didcomm/protocols/message_type.h"

namespace keel::didcomm {

using nlohmann::json;

Result<BasicMessage> BasicMessage::Parse(const Message& message) {
  KEEL_TRY(const json body, message.ParseBody());
  BasicMessage out;
  KEEL_TRY(out.content, base::GetString(body, "content"));
  if (out.content.size() > kMaxBasicContent) return Fail(Code::kTooLarge, "basic message", "content over 64 KiB");
  if (const auto lang = message.headers.find("lang"); lang != message.headers.end()) {
    KEEL_TRY(const json value, base::ParseJson(lang->second));
    if (!value.is_string() || value.get_ref<const std::string&>().size() > 64)
      return Fail(Code::kMalformed, "basic message", "lang is no language tag");
    out.lang = value.get<std::string>();
  }
  out.sent_time = message.created_time;
  if (!out.sent_time && body.contains("sent_time")) {
    // Version 1 had it in the body, with or without the 'T'. A time nobody can read is no reason to lose the message.
    KEEL_TRY(std::string text, base::GetString(body, "sent_time"));
    if (text.size() > 10 && text[10] == ' ') text[10] = 'T';
    if (const auto time = ParseRfc3339(text)) out.sent_time = *time;
  }
  return out;
}

Result<Message> BasicMessage::ToMessage() const {
  if (content.size() > kMaxBasicContent) return Fail(Code::kTooLarge, "basic message", "content over 64 KiB");
  Message message;
  message.type = kBasicMessageType;
  message.created_time = sent_time;
  if (!lang.empty()) message.headers["lang"] = base::DumpJson(json(lang));
  message.body = base::DumpJson({{"content", content}});
  return message;
}

std::vector<ProtocolInfo> BasicMessages::Speaks() const {
  return {{std::string(kBasicMessageProtocol), {"sender", "receiver"}}};
}

Result<std::vector<Outgoing>> BasicMessages::Receive(const Incoming& incoming) {
  KEEL_TRY(const MessageType type, MessageType::Parse(incoming.message().type));
  if (!type.Is("message"))
    return Fail(Code::kUnsupported, "basic message", "no message type of this protocol: " + incoming.message().type);
  KEEL_TRY(const BasicMessage message, BasicMessage::Parse(incoming.message()));
  if (reader_) reader_(incoming, message);
  return std::vector<Outgoing>();
}

}  // namespace keel::didcomm
