// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/time.h"
#include "didcomm/unpack.h"

// Seam between an agent and the protocols that it speaks (DIDComm v2.1, section "Protocols").
namespace keel::didcomm {

// One protocol in one version and the roles that we take in it, as discover-features 2.0 tells them.
struct ProtocolInfo {
  std::string uri;  // PIURI without trailing '/', e.g. "https://didcomm.org/trust-ping/2.0"
  std::vector<std::string> roles;
};

// A connection that lasts (WebSocket): envelopes may be sent on it at any time. Thread-safe.
class Channel {
 public:
  virtual ~Channel() = default;
  // False when the connection is gone. Success says that it was queued, not that it arrived.
  virtual bool Send(std::string envelope) = 0;
};

// A message that came in, unpacked and addressed to one of our DIDs.
struct Incoming {
  const Unpacked& unpacked;
  std::string ours;  // the DID that it came to; empty for a plaintext without `to`
  UnixSeconds now{};
  std::shared_ptr<Channel> channel;  // what it came on, when that lasts; shared with whoever sends on it later

  const Message& message() const { return unpacked.message; }
  // Whether the envelope proves who sent it: only then may anything be sent because of it.
  bool Proven() const { return unpacked.metadata.authenticated && !unpacked.message.from.empty(); }
  // A message of this type in the same thread, from us to the sender, with the parent thread's id if there is one.
  Message Reply(std::string type) const {
    Message reply;
    reply.type = std::move(type);
    reply.from = ours;
    reply.to = {unpacked.message.from};
    reply.thid = unpacked.message.Thread();
    reply.pthid = unpacked.message.pthid;
    return reply;
  }
};

// A message that goes out. `from` and `to` of the message must name the DIDs; an empty `from` is an anonymous sender.
// An empty id and an absent created_time are filled in.
struct Outgoing {
  Message message;
  bool on_return_route = true;  // may travel as the answer to what came in; else only by its own delivery
};

// Handles the messages of one or more protocols. An implementation says whether it is thread-safe.
class Protocol {
 public:
  virtual ~Protocol() = default;
  virtual std::vector<ProtocolInfo> Speaks() const = 0;
  // Called for messages whose type belongs to a PIURI of Speaks() (same name, same major version). Gives what is to be
  // sent because of it, in order. An error becomes a problem report to a proven sender (never an answer to a problem
  // report), and nothing to anybody else.
  virtual Result<std::vector<Outgoing>> Receive(const Incoming& incoming) = 0;
  // Called instead when this very message (its sender and id) came before. A protocol that knows what it answered may
  // answer the same again; nothing else may come of it. By default it is refused (kReplayed).
  virtual Result<std::vector<Outgoing>> Repeated(const Incoming& incoming) {
    return Fail(Code::kReplayed, "didcomm protocol", "message " + incoming.message().id + " came before");
  }
};

}  // namespace keel::didcomm
