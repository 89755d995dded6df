// SPDX-License-Identifier: Apache-2.0
#include "didcomm/mediator/message_pickup.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "didcomm/protocols/message_type.h"
#include "didcomm/protocols/report_problem.h"

namespace keel::didcomm {
namespace {

using nlohmann::json;

constexpr const char* kWhere = "messagepickup";

std::string TypeOf(std::string_view name) { return std::string(kMessagePickup) + "/" + std::string(name); }

// recipient_did of a request in the form that the queue has; empty: all.
Result<std::string> RecipientOf(const json& body) {
  KEEL_TRY(const auto recipient, base::GetOptionalString(body, "recipient_did"));
  return recipient ? *recipient : std::string();
}

Attachment AttachmentOf(const QueuedMessage& queued) {
  Attachment attachment;
  attachment.id = queued.id;
  attachment.base64 = base::Base64Url(AsBytes(queued.envelope));
  return attachment;
}

}  // namespace

std::vector<ProtocolInfo> MessagePickup::Speaks() const { return {{std::string(kMessagePickup), {"mediator"}}}; }

bool MessagePickup::IsLive(const std::string& account, const Channel* channel) const {
  if (channel == nullptr) return false;
  const std::lock_guard lock(mutex_);
  const auto found = live_.find(account);
  return found != live_.end() && std::any_of(found->second.begin(), found->second.end(),
                                             [&](const Live& live) { return live.channel.get() == channel; });
}

Message MessagePickup::Status(const Incoming& incoming, const std::string& recipient) const {
  const std::string& account = incoming.message().from;
  const QueueStatus status = parts_.queue.Status(account, CanonicalRecipient(recipient), incoming.now);
  json body = {{"message_count", status.count},
               {"total_bytes", status.octets},
               {"live_delivery", IsLive(account, incoming.channel.get())}};
  if (!recipient.empty()) body["recipient_did"] = recipient;
  if (status.count > 0) {
    body["longest_waited_seconds"] = incoming.now > status.oldest ? incoming.now - status.oldest : 0;
    body["oldest_received_time"] = status.oldest;
    body["newest_received_time"] = status.newest;
  }
  Message reply = incoming.Reply(TypeOf("status"));
  reply.body = base::DumpJson(body);
  return reply;
}

Result<Message> MessagePickup::Deliver(const Incoming& incoming) {
  KEEL_TRY(const json body, incoming.message().ParseBody());
  KEEL_TRY(const uint64_t limit, base::GetUint(body, "limit"));
  KEEL_TRY(const std::string recipient, RecipientOf(body));
  KEEL_TRY(const std::vector<QueuedMessage> messages,
           parts_.queue.List(incoming.message().from, CanonicalRecipient(recipient),
                             std::min<uint64_t>(limit, kMaxDelivery), incoming.now, kMaxDeliveryOctets));
  if (messages.empty()) return Status(incoming, recipient);
  Message reply = incoming.Reply(TypeOf("delivery"));
  reply.body = recipient.empty() ? "{}" : base::DumpJson({{"recipient_did", recipient}});
  for (const QueuedMessage& message : messages) reply.attachments.push_back(AttachmentOf(message));
  return reply;
}

Result<Message> MessagePickup::Received(const Incoming& incoming) {
  KEEL_TRY(const json body, incoming.message().ParseBody());
  KEEL_TRY(const std::vector<std::string> ids, base::GetStrings(body, "message_id_list"));
  if (ids.size() > kMaxReceivedIds)
    return Fail(Code::kTooLarge, kWhere, "over " + std::to_string(kMaxReceivedIds) + " ids in a message");
  KEEL_TRY([[maybe_unused]] const size_t gone, parts_.queue.Acknowledge(incoming.message().from, ids));
  return Status(incoming, {});
}

Result<Message> MessagePickup::ChangeLive(const Incoming& incoming) {
  KEEL_TRY(const json body, incoming.message().ParseBody());
  KEEL_TRY(const bool on, base::GetBool(body, "live_delivery"));
  const std::string& account = incoming.message().from;
  if (on && incoming.channel == nullptr) {
    ProblemReport report;
    report.code = kLiveModeNotSupported;
    report.comment = "Connection does not support Live Delivery";
    report.thread = incoming.message().Thread();
    report.about = {incoming.message().id};
    KEEL_TRY(Message message, report.ToMessage());
    message.from = incoming.ours;
    message.to = {account};
    return message;
  }
  {
    const std::lock_guard lock(mutex_);
    std::vector<Live>& connections = live_[account];
    std::erase_if(connections, [&](const Live& live) { return live.channel == incoming.channel; });
    if (on) {
      if (connections.size() == kMaxLiveChannels) connections.erase(connections.begin());
      connections.push_back({incoming.channel, incoming.ours});
    }
    if (connections.empty()) live_.erase(account);
  }
  return Status(incoming, {});
}

Result<std::vector<Outgoing>> MessagePickup::Receive(const Incoming& incoming) {
  const Message& message = incoming.message();
  if (!incoming.Proven()) return Fail(Code::kRefused, kWhere, "a sender who isn't proven");
  KEEL_TRY(const MessageType type, MessageType::Parse(message.type));
  if (!parts_.accounts.Has(message.from) || !parts_.admit(message.from))
    return Fail(Code::kWrongState, kWhere, "'" + message.type + "' before mediation was granted");
  std::optional<Result<Message>> reply;
  if (type.Is("status-request")) {
    KEEL_TRY(const json body, message.ParseBody());
    KEEL_TRY(const std::string recipient, RecipientOf(body));
    reply = Status(incoming, recipient);
  } else if (type.Is("delivery-request")) {
    reply = Deliver(incoming);
  } else if (type.Is("messages-received")) {
    reply = Received(incoming);
  } else if (type.Is("live-delivery-change")) {
    reply = ChangeLive(incoming);
  } else {
    return Fail(Code::kUnsupported, kWhere, "'" + message.type + "' is nothing for a mediator");
  }
  if (!*reply) return std::unexpected<Error>(reply->error());
  // Answers travel back the way that the question came or not at all: a status in the queue would be a message about
  // itself.
  if (message.return_route != "all" && message.return_route != "thread") return std::vector<Outgoing>();
  return std::vector<Outgoing>{{.message = std::move(**reply)}};
}

size_t MessagePickup::Arrived(const std::string& account, const QueuedMessage& message) {
  std::vector<Live> connections;
  {
    const std::lock_guard lock(mutex_);
    const auto found = live_.find(account);
    if (found == live_.end()) return 0;
    connections = found->second;
  }
  size_t taken = 0;
  for (const Live& live : connections) {
    Message delivery;
    delivery.id = NewMessageId();
    delivery.type = TypeOf("delivery");
    delivery.from = live.ours;
    delivery.to = {account};
    delivery.attachments = {AttachmentOf(message)};
    const auto envelope = parts_.pack(delivery);
    if (envelope && live.channel->Send(*envelope)) {
      ++taken;
    } else {
      Closed(live.channel.get());
    }
  }
  return taken;
}

void MessagePickup::Closed(const Channel* channel) {
  const std::lock_guard lock(mutex_);
  for (auto account = live_.begin(); account != live_.end();) {
    std::erase_if(account->second, [&](const Live& live) { return live.channel.get() == channel; });
    account = account->second.empty() ? live_.erase(account) : std::next(account);
  }
}

size_t MessagePickup::live() const {
  const std::lock_guard lock(mutex_);
  size_t count = 0;
  for (const auto& [account, connections] : live_) count += connections.size();
  return count;
}

}  // namespace keel::didcomm
