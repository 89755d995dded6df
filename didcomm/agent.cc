// SPDX-License-Identifier: Apache-2.0
#include "didcomm/agent.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "did/did.h"
#include "didcomm/internal/agent_impl.h"
#include "didcomm/internal/checks.h"
#include "didcomm/protocols/discover_features.h"
#include "didcomm/protocols/empty.h"
#include "didcomm/protocols/message_type.h"
#include "didcomm/protocols/report_problem.h"
#include "didcomm/routing.h"

namespace keel::didcomm {
namespace {

// The thread that a message is about: a problem report begins one of its own.
const std::string& ThreadOf(const Message& message) {
  return IsProblemReport(message) && !message.pthid.empty() ? message.pthid : message.Thread();
}

// The thread of `return_route: thread`; empty for "all".
std::string ReturnThread(const Message& message) {
  if (message.return_route != "thread") return {};
  if (const auto header = message.headers.find("return_route_thread"); header != message.headers.end()) {
    const auto value = base::ParseJson(header->second);
    if (value && value->is_string()) return value->get<std::string>();
  }
  return message.Thread();
}

}  // namespace

Result<Agent::Impl::Opened> Agent::Impl::Open(std::string_view envelope) {
  UnpackOptions how;
  KEEL_TRY(const UnixSeconds now, parts.clock.Now());
  how.now = now;
  how.agreements = parts.agreements;
  how.require_encrypted = options.require_encrypted;
  how.max_size = options.max_receive;
  KEEL_TRY(Unpacked unpacked, UnpackForwarded(envelope, parts.keys, parts.resolver, how));
  {
    const std::lock_guard lock(mutex);
    if (outbox.full()) return Fail(Code::kBusy, "didcomm agent", "too many messages wait for delivery");
  }
  Opened opened{.unpacked = std::move(unpacked), .ours = {}, .now = now, .channel = {}};
  const Message& message = opened.unpacked.message;
  const Metadata& metadata = opened.unpacked.metadata;
  if (!metadata.recipient_kid.empty()) {
    opened.ours = did::DidOf(metadata.recipient_kid);
  } else if (!message.to.empty()) {
    opened.ours = message.to[0];
  }
  // As Unpack has it: an unproven `from` must not be able to use up another sender's ids.
  const std::string sender = metadata.authenticated ? message.from : "?" + message.from;
  KEEL_TRY(const UnixSeconds until, RememberUntil(message, now, options.replay_seconds));
  KEEL_TRY(opened.fresh, parts.replay.Remember(sender, message.id, now, until));
  return opened;
}

Result<std::vector<Outgoing>> Agent::Impl::Handle(const Opened& opened) {
  const Incoming incoming = opened.AsIncoming();
  const Message& message = incoming.message();
  const bool is_report = IsProblemReport(message);
  const std::string& thread = ThreadOf(message);
  {
    const std::lock_guard lock(mutex);
    if (incoming.Proven() && problems.Ended(message.from, thread))
      return Fail(Code::kRefused, "didcomm agent", "thread " + thread + " was ended after too many problems");
    if (incoming.Proven() && opened.fresh) recent.Add(message.from, message.id);
  }
  if (options.on_message && opened.fresh) options.on_message(incoming);
  std::vector<Outgoing> out;
  std::optional<Outgoing> breaker;
  if (is_report && incoming.Proven() && opened.fresh) breaker = CountReceived(incoming, thread);
  Spoken spoken = Spoken::kNo;
  auto handled = Dispatch(incoming, opened.fresh, spoken);
  if (handled) {
    out = std::move(*handled);
    if (incoming.Proven()) LearnLimit(incoming);
  } else {
    if (options.on_refused) options.on_refused(incoming, handled.error());
    Notify(incoming, nullptr);
    // No report to strangers, about reports, or about what was answered already.
    if (!incoming.Proven() || is_report || !opened.fresh) {
      if (!breaker) return std::unexpected<Error>(std::move(handled.error()));
    } else {
      out.push_back({.message = ReportFor(incoming, handled.error(), spoken)});
    }
  }
  if (breaker) out.push_back(std::move(*breaker));
  // Whatever a protocol thinks: nothing goes to a sender who may not be the one.
  if (!incoming.Proven()) {
    std::erase_if(out, [&message](const Outgoing& item) {
      return std::find(item.message.to.begin(), item.message.to.end(), message.from) != item.message.to.end();
    });
  }
  BoundProblems(out);
  if (incoming.Proven() && opened.fresh) Acknowledge(incoming, out);
  for (Outgoing& item : out) {
    if (item.message.id.empty()) item.message.id = NewMessageId();
    if (!item.message.created_time) item.message.created_time = opened.now;
  }
  if (handled) Notify(incoming, &opened.unpacked);
  return out;
}

Result<std::vector<Outgoing>> Agent::Impl::Dispatch(const Incoming& incoming, bool fresh, Spoken& spoken) {
  const Message& message = incoming.message();
  const auto type = MessageType::Parse(message.type);
  if (type) {
    for (Protocol* protocol : parts.protocols) {
      for (const ProtocolInfo& info : protocol->Speaks()) {
        const auto ours = MessageType::ParseProtocol(info.uri);
        if (!ours || !ours->SameProtocol(*type)) continue;
        spoken = Spoken::kYes;
        if (ours->Compatible(*type)) return fresh ? protocol->Receive(incoming) : protocol->Repeated(incoming);
        spoken = Spoken::kOtherVersion;
      }
    }
  }
  if (!fresh) return Fail(Code::kReplayed, "didcomm agent", "message " + message.id + " came before");
  // Somebody here asked for it: then it needs no protocol.
  if (Awaited(incoming)) return std::vector<Outgoing>();
  return Fail(Code::kUnsupported, "didcomm agent",
              (spoken == Spoken::kNo ? "no protocol for message type '" : "not a version that is spoken here: '") +
                  message.type + "'");
}

Message Agent::Impl::ReportFor(const Incoming& incoming, const Error& error, Spoken spoken) const {
  const Message& message = incoming.message();
  if (spoken == Spoken::kNo) return MakeProblemReport(incoming, kProblemUnsupportedProtocol, {message.type});
  if (spoken == Spoken::kYes) return MakeProblemReport(incoming, ProblemCodeFor(error.code), {message.type});
  std::string supported;
  const auto type = MessageType::Parse(message.type);
  for (const Protocol* protocol : parts.protocols) {
    for (const ProtocolInfo& info : protocol->Speaks()) {
      const auto ours = MessageType::ParseProtocol(info.uri);
      if (type && ours && ours->SameProtocol(*type)) supported += (supported.empty() ? "" : " ") + info.uri;
    }
  }
  return MakeProblemReport(incoming, kProblemUnsupportedVersion, {std::move(supported)});
}

void Agent::Impl::LearnLimit(const Incoming& incoming) {
  const auto type = MessageType::Parse(incoming.message().type);
  const auto ours = MessageType::ParseProtocol(kDiscoverFeaturesProtocol);
  if (!type || !type->Compatible(*ours) || !type->Is("disclose")) return;
  const auto disclosures = ReadDisclose(incoming.message());
  if (!disclosures) return;
  const std::optional<uint64_t> most = MaxReceiveBytes(*disclosures);
  if (!most || *most == 0) return;
  const std::lock_guard lock(mutex);
  limits.Set(incoming.message().from, *most);
}

std::optional<Outgoing> Agent::Impl::CountReceived(const Incoming& incoming, const std::string& thread) {
  const std::string& peer = incoming.message().from;
  const auto report = ProblemReport::Parse(incoming.message());
  const std::lock_guard lock(mutex);
  if (report && ProblemCodeIs(report->code, kProblemMaxErrors)) {
    problems.End(peer, thread);
    return std::nullopt;
  }
  if (problems.Count(peer, thread) != ThreadProblems::Verdict::kCrossed) return std::nullopt;
  Message breaker = MakeProblemReport(incoming, kProblemMaxErrors);
  breaker.pthid = thread;
  return Outgoing{.message = std::move(breaker)};
}

void Agent::Impl::BoundProblems(std::vector<Outgoing>& out) {
  const std::lock_guard lock(mutex);
  std::erase_if(out, [this](Outgoing& item) {
    Message& message = item.message;
    if (!IsProblemReport(message) || message.to.empty()) return false;
    if (const auto report = ProblemReport::Parse(message); report && report->code == kProblemMaxErrors) return false;
    switch (problems.Count(message.to[0], ThreadOf(message))) {
      case ThreadProblems::Verdict::kGoOn: return false;
      case ThreadProblems::Verdict::kEnded: return true;
      case ThreadProblems::Verdict::kCrossed: break;
    }
    ProblemReport last;
    last.code = kProblemMaxErrors;
    last.comment = ProblemComment(kProblemMaxErrors);
    last.thread = ThreadOf(message);
    last.about = message.ack;
    auto replacement = last.ToMessage();
    KEEL_ASSERT(replacement.has_value());
    replacement->from = message.from;
    replacement->to = message.to;
    message = std::move(*replacement);
    return false;
  });
}

void Agent::Impl::Acknowledge(const Incoming& incoming, std::vector<Outgoing>& out) {
  const Message& message = incoming.message();
  // "Implementations MUST take reasonable steps to avoid an infinite circle of ACKs"; a mediator honors none.
  if (message.please_ack.empty() || IsPureAck(message) || message.type == kForwardType) return;
  std::vector<std::string> wanted = message.please_ack;
  wanted.push_back(message.id);
  std::vector<std::string> ids;
  {
    const std::lock_guard lock(mutex);
    ids = recent.Known(message.from, wanted);
  }
  for (Outgoing& item : out) {
    Message& answer = item.message;
    if (answer.to.size() != 1 || answer.to[0] != message.from) continue;
    for (const std::string& id : answer.ack) {
      if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
    }
    answer.ack = std::move(ids);
    return;
  }
  out.push_back({.message = MakeAck(incoming, std::move(ids))});
}

std::string Agent::Impl::ReturnRoute(const Incoming& incoming, std::vector<Outgoing>& out) {
  const Message& message = incoming.message();
  if (!incoming.Proven() || incoming.ours.empty()) return {};
  if (message.return_route != "all" && message.return_route != "thread") return {};
  const std::string thread = ReturnThread(message);
  std::string back;
  for (auto item = out.begin(); item != out.end();) {
    const Message& answer = item->message;
    const bool fits = item->on_return_route && answer.to.size() == 1 && answer.to[0] == message.from &&
                      (thread.empty() || ThreadOf(answer) == thread);
    if (!fits || (!back.empty() && incoming.channel == nullptr)) {
      ++item;
      continue;
    }
    auto packed = Pack(answer, answer.from);
    if (!packed) {
      GiveUp(answer, packed.error());
    } else if (back.empty()) {
      back = std::move(packed->text);
    } else if (!incoming.channel->Send(std::move(packed->text))) {
      break;  // the connection is gone: the rest waits for its own delivery
    }
    item = out.erase(item);
  }
  if (!back.empty()) return back;
  // Nothing of now: something of before that found no way to this peer.
  std::optional<Waiting> waiting;
  {
    const std::lock_guard lock(mutex);
    waiting = outbox.TakeFor(incoming.ours, message.from, thread);
  }
  if (!waiting) return {};
  auto packed = Pack(waiting->message, waiting->from);
  if (packed) return std::move(packed->text);
  GiveUp(waiting->message, packed.error());
  return {};
}

Result<std::string> Agent::Receive(std::string_view envelope, std::shared_ptr<Channel> channel) {
  KEEL_TRY(Impl::Opened opened, impl_->Open(envelope));
  opened.channel = std::move(channel);
  KEEL_TRY(std::vector<Outgoing> out, impl_->Handle(opened));
  const Incoming incoming = opened.AsIncoming();
  std::string answer = impl_->ReturnRoute(incoming, out);
  for (Outgoing& item : out) (void)impl_->Wait(std::move(item.message));  // it says itself what it has no room for
  return answer;
}

Result<> Agent::ReceiveOneWay(std::string_view envelope) {
  KEEL_TRY(const Impl::Opened opened, impl_->Open(envelope));
  KEEL_TRY(std::vector<Outgoing> out, impl_->Handle(opened));
  for (Outgoing& item : out) (void)impl_->Wait(std::move(item.message));  // it says itself what it has no room for
  return {};
}

EnvelopeHandler Agent::Handler() {
  return [this](std::string envelope) { return Receive(envelope); };
}

std::vector<ProtocolInfo> Agent::Speaks() const {
  std::vector<ProtocolInfo> all;
  for (const Protocol* protocol : impl_->parts.protocols) {
    auto spoken = protocol->Speaks();
    std::move(spoken.begin(), spoken.end(), std::back_inserter(all));
  }
  return all;
}

Agent::Agent(AgentParts parts, AgentOptions options)
    : impl_(std::make_unique<Impl>(std::move(parts), std::move(options))) {}
Agent::~Agent() { Stop(); }

}  // namespace keel::didcomm
