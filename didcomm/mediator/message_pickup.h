// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "didcomm/mediator/accounts.h"
#include "didcomm/mediator/queue.h"
#include "didcomm/protocols/protocol.h"

// messagepickup 3.0: recipients fetch what waits for them, and acknowledge it; on a connection that lasts they may have
// new messages delivered live.
namespace keel::didcomm {

inline constexpr std::string_view kMessagePickup = "https://didcomm.org/messagepickup/3.0";
inline constexpr std::string_view kLiveModeNotSupported = "e.m.live-mode-not-supported";

inline constexpr size_t kMaxDelivery = 100;                // messages in one delivery
inline constexpr uint64_t kMaxDeliveryOctets = 512 << 10;  // of them together (one message may have more)
inline constexpr size_t kMaxReceivedIds = 1'000;           // in one messages-received
inline constexpr size_t kMaxLiveChannels = 8;              // of one account; the oldest goes

// Role mediator. Messages stay queued until messages-received names them, those that were delivered live too: a
// connection that looks open may lead nowhere. Thread-safe. Accounts and queue outlive it.
class MessagePickup final : public Protocol {
 public:
  // Packs a message of ours for somebody: live deliveries.
  using Packer = std::function<Result<std::string>(const Message& message)>;
  struct Parts {
    MediationAccounts& accounts;
    MessageQueue& queue;
    std::function<bool(const std::string& did)> admit;  // who is granted mediation, still
    Packer pack;
  };
  explicit MessagePickup(Parts parts) : parts_(std::move(parts)) {}
  std::vector<ProtocolInfo> Speaks() const override;
  // kRefused (the sender isn't proven), kWrongState (no mediation was granted), kMalformed, kTooLarge, kUnsupported
  // (message type), the queue's errors.
  Result<std::vector<Outgoing>> Receive(const Incoming& incoming) override;

  // A message was queued: delivers it to those who are live. How many connections took it.
  size_t Arrived(const std::string& account, const QueuedMessage& message);
  // The connection is gone: its live mode is over.
  void Closed(const Channel* channel);
  size_t live() const;  // connections

 private:
  struct Live {
    std::shared_ptr<Channel> channel;  // shared with the transport, which closes it
    std::string ours;
  };
  Message Status(const Incoming& incoming, const std::string& recipient) const;
  Result<Message> Deliver(const Incoming& incoming);
  Result<Message> Received(const Incoming& incoming);
  Result<Message> ChangeLive(const Incoming& incoming);
  bool IsLive(const std::string& account, const Channel* channel) const;

  const Parts parts_;
  mutable std::mutex mutex_;  // live_
  std::map<std::string, std::vector<Live>> live_;
};

}  // namespace keel::didcomm
