// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/seams.h"
#include "did/key_finder.h"
#include "did/resolver.h"
#include "didcomm/protocols/protocol.h"
#include "didcomm/transport.h"
#include "didcomm/unpack.h"

// Runs protocols over envelopes and transports (DIDComm v2.1). docs/protocols/didcomm.md.
namespace keel::didcomm {

// What an agent works with. All of it outlives the agent.
struct AgentParts {
  did::KeyFinder& keys;
  did::DidResolver& resolver;
  ReplayCache& replay;
  Clock& clock;
  std::vector<Protocol*> protocols;
  std::vector<Transport*> transports;    // the first that carries a URI is taken; may be empty: return routes only
  AgreementCache* agreements = nullptr;  // may be null
};

struct AgentOptions {
  size_t max_receive = kMaxMessage;          // octets of a plaintext; an envelope may have twice as many (kTooLarge)
  bool require_encrypted = true;             // plaintext and merely signed messages are refused
  uint64_t replay_seconds = kReplaySeconds;  // as UnpackOptions has it
  base::Deadlines deadlines;                 // of one delivery

  size_t max_waiting = 1024;         // messages that wait for delivery; beyond it kBusy
  size_t max_waiting_for_peer = 64;  // of these to one DID
  size_t max_attempts = 5;           // deliveries of one message, 1 s, 2 s, 4 s... apart
  uint64_t keep_seconds = 3'600;     // a message that can't be delivered waits so long for a return route
  size_t max_problems = 8;           // problem reports of one thread, both ways, before it is ended
  // A message that doesn't say so and goes to its recipient without mediators asks for an answer on the same
  // connection: the peer may have no other way to us.
  bool ask_return_route = true;

  // Every message that was accepted, before its protocol sees it.
  std::function<void(const Incoming&)> on_message;
  // A message that was opened and then refused (a proven sender got a problem report), and why. For the local log.
  std::function<void(const Incoming&, const Error&)> on_refused;
  // A message that will not be delivered, and why.
  std::function<void(const Message&, const Error&)> on_undelivered;
};

// What became of a message that was sent.
struct Sent {
  std::string id;
  std::string uri;  // that took it
  bool answered = false;
  std::optional<Error> answer_error;  // the peer answered on the return route, but the answer was refused
};

// Receives, dispatches, answers, sends. A peer that disclosed max_receive_bytes is sent no longer envelope (kTooLarge).
// Starts no thread: Receive is called by listeners, DeliverWaiting by a thread of the program's own. Thread-safe as far
// as the parts are; the callbacks and protocols are called without any lock held.
class Agent {
 public:
  explicit Agent(AgentParts parts, AgentOptions options = {});
  ~Agent();
  Agent(const Agent&) = delete;
  Agent& operator=(const Agent&) = delete;

  // Opens an envelope (also one re-wrapped in forwards to us), checks expiry and replay, lets the protocol of its type
  // handle it: same name, same major version, any minor one. Gives the envelope that may go back on the same
  // connection, if the message asked for it (return_route "all" or "thread"); empty: none. Whatever else is to be sent
  // because of it waits for DeliverWaiting. Sent of itself: an ack to please_ack, a problem report when the type is not
  // supported or the protocol gives an error; to a proven sender only. The error that made a problem report is not
  // returned. Errors: Unpack's, kReplayed, kUnsupported and the protocols' own (from senders that aren't proven, or in
  // problem reports), kRefused (the thread was ended), kBusy (too much waits). `channel`: the connection that it came
  // on, when that lasts: then all that may go back on it does.
  Result<std::string> Receive(std::string_view envelope, std::shared_ptr<Channel> channel = nullptr);
  // The same for what came without a connection back, from a mediator or on a medium: every answer waits for
  // DeliverWaiting.
  Result<> ReceiveOneWay(std::string_view envelope);
  // Receive as a listener wants it.
  EnvelopeHandler Handler();

  // Packs (authcrypt; anoncrypt when `from` is empty) and delivers now: the endpoints of `to` in order, through
  // mediators where it says so, until one takes it. An answer on the return route is received before this returns, and
  // so is what follows from it (within bounds). `from` may be a key's DID URL. Fills in the message's from, to, id,
  // created_time. Errors: the packing's and the routing's, kUnsupported (no transport carries any of the uris), else
  // that of the last endpoint tried.
  Result<Sent> Send(Message message, const std::string& from, const std::string& to);
  // Sends with return_route "all" and waits for the first message in its thread from `to`, or a problem report about
  // it. The answer has been through its protocol. kTimeout; Send's errors; the answer's error when it was refused.
  Result<Unpacked> Ask(Message message, const std::string& from, const std::string& to,
                       std::chrono::milliseconds timeout);
  // Puts a message among those that wait. kBusy.
  Result<> Queue(Message message);

  // Delivers what waits and is due, one after the other; gives how many went out. A failure is tried again later; a
  // peer without a way to it may still fetch its messages by a return route.
  size_t DeliverWaiting();
  // Waits until something is due; false after the time, or after Stop.
  bool WaitForDue(std::chrono::milliseconds at_most);
  // Ends waiting calls and makes further ones return at once.
  void Stop();
  size_t waiting() const;

  // What all protocols speak, in order.
  std::vector<ProtocolInfo> Speaks() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keel::didcomm
