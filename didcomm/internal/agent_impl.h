// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "didcomm/agent.h"
#include "didcomm/internal/agent_state.h"
#include "didcomm/pack.h"

// Private to didcomm: Agent's inside. agent.cc has what receives, agent_send.cc what sends.
namespace keel::didcomm {

struct Agent::Impl {
  Impl(AgentParts the_parts, AgentOptions the_options)
      : parts(std::move(the_parts)),
        options(std::move(the_options)),
        outbox(options.max_waiting, options.max_waiting_for_peer),
        problems(options.max_problems) {}

  struct Opened {
    Unpacked unpacked;
    std::string ours;
    UnixSeconds now = 0;
    bool fresh = true;
    std::shared_ptr<Channel> channel;
    Incoming AsIncoming() const { return {.unpacked = unpacked, .ours = ours, .now = now, .channel = channel}; }
  };
  // A call of Ask that waits for an answer.
  struct Waiter {
    std::string peer, thread, id;
    std::optional<Unpacked> answer;
    bool refused = false;  // it came and wasn't taken
  };
  struct Delivered {
    std::string uri;
    std::string answer;  // envelope; empty: none
  };

  // Receiving.
  Result<Opened> Open(std::string_view envelope);
  Result<std::vector<Outgoing>> Handle(const Opened& opened);
  // Whether the type's protocol is spoken here.
  enum class Spoken : uint8_t { kYes, kOtherVersion, kNo };
  Result<std::vector<Outgoing>> Dispatch(const Incoming& incoming, bool fresh, Spoken& spoken);
  Message ReportFor(const Incoming& incoming, const Error& error, Spoken spoken) const;
  // What peers disclosed: how much they take (feature max_receive_bytes).
  void LearnLimit(const Incoming& incoming);
  std::optional<Outgoing> CountReceived(const Incoming& incoming, const std::string& thread);
  void BoundProblems(std::vector<Outgoing>& out);
  void Acknowledge(const Incoming& incoming, std::vector<Outgoing>& out);
  // Takes out of `out` what may go back on the connection: the first is given, further ones go on the channel.
  std::string ReturnRoute(const Incoming& incoming, std::vector<Outgoing>& out);

  // Sending.
  Result<Packed> Pack(const Message& message, const std::string& from);
  Result<Delivered> Deliver(const Message& message, const std::string& from);
  // Delivers and takes in what comes back on return routes, and what follows from it.
  Result<Sent> DeliverAll(const Message& message, const std::string& from);
  Result<> Wait(Message message, std::string from = {});
  void GiveUp(const Message& message, const Error& error) const;
  void Failed(Waiting waiting, const Error& error);
  Result<> Complete(Message& message, const std::string& from, const std::string& to);

  // Asking.
  bool Matches(const Waiter& waiter, const Incoming& incoming) const;
  bool Awaited(const Incoming& incoming);
  void Notify(const Incoming& incoming, const Unpacked* answer);

  const AgentParts parts;
  const AgentOptions options;
  mutable std::mutex mutex;  // guards what follows; never held while a part or a callback is called
  std::condition_variable changed;
  Outbox outbox;
  ThreadProblems problems;
  RecentMessages recent;
  PeerLimits limits;
  std::list<Waiter*> waiters;
  bool stopped = false;
};

}  // namespace keel::didcomm
