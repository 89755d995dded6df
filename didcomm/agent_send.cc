// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <deque>

#include "did/did.h"
#include "didcomm/internal/agent_impl.h"
#include "didcomm/protocols/report_problem.h"
#include "didcomm/routing.h"

namespace keel::didcomm {
namespace {

constexpr size_t kMaxFollowing = 16;  // messages that one Send may lead to before the rest waits
constexpr uint64_t kFirstRetryMs = 1'000;

// Whether another attempt later may succeed.
bool MayPass(Code code) {
  switch (code) {
    case Code::kBusy:
    case Code::kUnreachable:
    case Code::kTimeout:
    case Code::kClosed:
    case Code::kHttpStatus:
    case Code::kIo:
    case Code::kUnavailable: return true;
    default: return false;
  }
}

}  // namespace

Result<Packed> Agent::Impl::Pack(const Message& message, const std::string& from) {
  if (message.to.size() != 1) return Fail(Code::kInvalidArgument, "didcomm agent", "a message needs one DID in `to`");
  PackOptions how;
  how.agreements = parts.agreements;
  const std::string& to = message.to[0];
  {
    const std::lock_guard lock(mutex);
    how.max_receive_bytes = limits.Of(to);
  }
  if (from.empty()) return PackAnoncrypt(message, to, parts.keys, parts.resolver, how);
  return PackAuthcrypt(message, from, to, parts.keys, parts.resolver, how);
}

Result<Agent::Impl::Delivered> Agent::Impl::Deliver(const Message& message, const std::string& from) {
  if (message.to.size() != 1) return Fail(Code::kInvalidArgument, "didcomm agent", "a message needs one DID in `to`");
  const std::string& to = message.to[0];
  Message copy = message;
  if (copy.return_route.empty() && options.ask_return_route && !from.empty()) {
    // Only between neighbours: the connection to a mediator is none to the recipient.
    KEEL_TRY(const std::vector<Endpoint> endpoints, FindEndpoints(to, parts.resolver));
    const bool direct =
        std::all_of(endpoints.begin(), endpoints.end(), [](const Endpoint& endpoint) { return endpoint.hops.empty(); });
    if (direct) copy.return_route = "all";
  }
  KEEL_TRY(Packed packed, Pack(copy, from));
  RouteOptions how;
  how.expires_time = message.expires_time;
  KEEL_TRY(std::vector<Delivery> deliveries, Route(std::move(packed.text), to, parts.resolver, how));
  SendOptions sending(options.deadlines);
  // Not when only we asked, just in case: then there may be nothing to wait for.
  sending.wants_reply = message.return_route == "all" || message.return_route == "thread";
  std::optional<Error> last;
  std::string uris;
  for (const Delivery& delivery : deliveries) {
    for (const std::string& uri : delivery.uris) {
      uris += (uris.empty() ? "" : ", ") + uri;
      const auto transport = std::find_if(parts.transports.begin(), parts.transports.end(),
                                          [&uri](const Transport* item) { return item->Carries(uri); });
      if (transport == parts.transports.end()) continue;
      auto answer = (*transport)->Send(uri, delivery.envelope, sending);
      if (answer) return Delivered{uri, std::move(*answer)};
      last = std::move(answer.error());
    }
  }
  if (last) return std::unexpected<Error>(std::move(*last));
  return Fail(Code::kUnsupported, "didcomm agent", "no transport for the endpoints of " + to + ": " + uris);
}

Result<Sent> Agent::Impl::DeliverAll(const Message& message, const std::string& from) {
  KEEL_TRY(Delivered first, Deliver(message, from));
  Sent sent{.id = message.id, .uri = std::move(first.uri), .answered = !first.answer.empty(), .answer_error = {}};
  std::string answer = std::move(first.answer);
  std::deque<Message> following;
  for (size_t round = 0; round < kMaxFollowing; ++round) {
    if (!answer.empty()) {
      auto opened = Open(answer);
      Result<std::vector<Outgoing>> out;
      if (opened) out = Handle(*opened);
      if (!opened || !out) {
        if (round == 0) sent.answer_error = opened ? out.error() : opened.error();
      } else {
        for (Outgoing& item : *out) following.push_back(std::move(item.message));
      }
      answer.clear();
    }
    if (following.empty()) return sent;
    Message next = std::move(following.front());
    following.pop_front();
    const std::string next_from = next.from;
    auto delivered = Deliver(next, next_from);
    if (delivered) {
      answer = std::move(delivered->answer);
    } else {
      Waiting waiting{.message = std::move(next), .from = next_from};
      waiting.gone_ms = parts.clock.TicksMs() + options.keep_seconds * 1000;
      Failed(std::move(waiting), delivered.error());
    }
  }
  if (!answer.empty()) {
    // Too long a conversation for one call; the answer is still taken in.
    if (auto opened = Open(answer)) {
      if (auto out = Handle(*opened)) {
        for (Outgoing& item : *out) following.push_back(std::move(item.message));
      }
    }
  }
  for (Message& rest : following) (void)Wait(std::move(rest));
  return sent;
}

Result<> Agent::Impl::Wait(Message message, std::string from) {
  if (from.empty()) from = message.from;
  if (message.to.size() != 1) {
    Error error = Fail(Code::kInvalidArgument, "didcomm agent", "a message needs one DID in `to`").error();
    GiveUp(message, error);
    return std::unexpected<Error>(std::move(error));
  }
  Waiting waiting{.message = std::move(message), .from = std::move(from)};
  waiting.due_ms = parts.clock.TicksMs();
  waiting.gone_ms = waiting.due_ms + options.keep_seconds * 1000;
  Message copy = waiting.message;
  Result<> added;
  {
    const std::lock_guard lock(mutex);
    added = outbox.Add(std::move(waiting));
    changed.notify_all();
  }
  if (!added) GiveUp(copy, added.error());
  return added;
}

void Agent::Impl::GiveUp(const Message& message, const Error& error) const {
  if (options.on_undelivered) options.on_undelivered(message, error);
}

void Agent::Impl::Failed(Waiting waiting, const Error& error) {
  ++waiting.attempts;
  const uint64_t now = parts.clock.TicksMs();
  if (waiting.gone_ms <= now) {
    GiveUp(waiting.message, error);
    return;
  }
  if (MayPass(error.code) && waiting.attempts < options.max_attempts) {
    waiting.due_ms = now + (kFirstRetryMs << std::min<size_t>(waiting.attempts - 1, 16));
  } else {
    waiting.parked = true;  // until it is fetched, or gone
  }
  const std::lock_guard lock(mutex);
  outbox.PutBack(std::move(waiting));
  changed.notify_all();
}

Result<> Agent::Impl::Complete(Message& message, const std::string& from, const std::string& to) {
  message.from = did::DidOf(from);
  message.to = {to};
  if (message.id.empty()) message.id = NewMessageId();
  if (!message.created_time) {
    KEEL_TRY(message.created_time, parts.clock.Now());
  }
  return {};
}

Result<Sent> Agent::Send(Message message, const std::string& from, const std::string& to) {
  KEEL_TRY_VOID(impl_->Complete(message, from, to));
  return impl_->DeliverAll(message, from);
}

Result<> Agent::Queue(Message message) {
  if (message.to.size() != 1) return Fail(Code::kInvalidArgument, "didcomm agent", "a message needs one DID in `to`");
  const std::string from = message.from, to = message.to[0];
  KEEL_TRY_VOID(impl_->Complete(message, from, to));
  return impl_->Wait(std::move(message), from);
}

Result<Unpacked> Agent::Ask(Message message, const std::string& from, const std::string& to,
                            std::chrono::milliseconds timeout) {
  if (from.empty()) return Fail(Code::kInvalidArgument, "didcomm agent", "an anonymous sender gets no answer");
  message.return_route = "all";
  KEEL_TRY_VOID(impl_->Complete(message, from, to));
  Impl::Waiter waiter{.peer = to, .thread = message.Thread(), .id = message.id, .answer = {}};
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->waiters.push_back(&waiter);
  }
  const auto until = std::chrono::steady_clock::now() + timeout;
  auto sent = impl_->DeliverAll(message, from);
  std::unique_lock lock(impl_->mutex);
  if (sent && !sent->answer_error) {
    impl_->changed.wait_until(lock, until, [&] { return waiter.answer || waiter.refused || impl_->stopped; });
  }
  impl_->waiters.remove(&waiter);
  lock.unlock();
  if (waiter.answer) return std::move(*waiter.answer);
  if (!sent) return std::unexpected<Error>(std::move(sent.error()));
  if (sent->answer_error) return std::unexpected<Error>(std::move(*sent->answer_error));
  if (waiter.refused) return Fail(Code::kMalformed, "didcomm agent", "the answer is not one that its protocol takes");
  return Fail(Code::kTimeout, "didcomm agent", "no answer from " + to + " to message " + waiter.id);
}

bool Agent::Impl::Matches(const Waiter& waiter, const Incoming& incoming) const {
  const Message& message = incoming.message();
  if (!incoming.Proven()) return false;
  if (message.from != waiter.peer && did::DidOf(incoming.unpacked.metadata.from_prior_issuer_kid) != waiter.peer)
    return false;
  if (message.thid == waiter.thread) return true;
  return IsProblemReport(message) && message.pthid == waiter.thread;
}

bool Agent::Impl::Awaited(const Incoming& incoming) {
  const std::lock_guard lock(mutex);
  return std::any_of(waiters.begin(), waiters.end(), [&](const Waiter* waiter) { return Matches(*waiter, incoming); });
}

void Agent::Impl::Notify(const Incoming& incoming, const Unpacked* answer) {
  const std::lock_guard lock(mutex);
  for (Waiter* waiter : waiters) {
    if (waiter->answer || !Matches(*waiter, incoming)) continue;
    if (answer != nullptr) {
      waiter->answer = *answer;
    } else {
      waiter->refused = true;
    }
  }
  changed.notify_all();
}

size_t Agent::DeliverWaiting() {
  size_t delivered = 0;
  std::vector<Waiting> gone;
  {
    const std::lock_guard lock(impl_->mutex);
    gone = impl_->outbox.TakeGone(impl_->parts.clock.TicksMs());
  }
  for (const Waiting& item : gone) {
    impl_->GiveUp(item.message, Fail(Code::kExpired, "didcomm agent", "no way to " + item.message.to[0]).error());
  }
  // What fails is due later, so this ends; what follows from an answer is due at once.
  for (size_t i = 0; i < impl_->options.max_waiting; ++i) {
    std::optional<Waiting> next;
    {
      const std::lock_guard lock(impl_->mutex);
      if (!impl_->stopped) next = impl_->outbox.TakeDue(impl_->parts.clock.TicksMs());
    }
    if (!next) break;
    const auto now = impl_->parts.clock.Now();
    if (now && next->message.expires_time && !NotAfterOk(*next->message.expires_time, *now)) {
      impl_->GiveUp(next->message, Fail(Code::kExpired, "didcomm agent", "it expired before it could go").error());
      continue;
    }
    auto sent = impl_->DeliverAll(next->message, next->from);
    if (sent) {
      ++delivered;
    } else {
      impl_->Failed(std::move(*next), sent.error());
    }
  }
  return delivered;
}

bool Agent::WaitForDue(std::chrono::milliseconds at_most) {
  const auto until = std::chrono::steady_clock::now() + at_most;
  std::unique_lock lock(impl_->mutex);
  while (!impl_->stopped) {
    const auto next = impl_->outbox.NextDue();
    const uint64_t now = impl_->parts.clock.TicksMs();
    if (next && *next <= now) return true;
    auto wake = until;
    if (next) wake = std::min(until, std::chrono::steady_clock::now() + std::chrono::milliseconds(*next - now));
    if (impl_->changed.wait_until(lock, wake) == std::cv_status::timeout && wake == until) break;
  }
  return false;
}

void Agent::Stop() {
  const std::lock_guard lock(impl_->mutex);
  impl_->stopped = true;
  impl_->changed.notify_all();
}

size_t Agent::waiting() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->outbox.size();
}

}  // namespace keel::didcomm
