// SPDX-License-Identifier: Apache-2.0
#include "didcomm/protocols/exchange.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "did/did.h"
#include "didcomm/internal/exchange_busy.h"
#include "didcomm/protocols/message_type.h"

// What comes in, and what the clock brings. exchange_send.cc has what goes out and what is stored.
namespace keel::didcomm {
namespace {

using nlohmann::json;
constexpr const char* kWhere = "credential exchange";
constexpr size_t kMaxText = 1024;         // octets of goal_code, replacement_id
constexpr size_t kMaxComment = 16 << 10;  // octets

Result<std::string> Bounded(const json& body, const char* name, size_t max) {
  KEEL_TRY(std::optional<std::string> text, base::GetOptionalString(body, name));
  if (text && text->size() > max) return Fail(Code::kTooLarge, kWhere, std::string(name) + " is too long");
  return text.value_or("");
}

}  // namespace

Result<std::vector<Outgoing>> CredentialExchange::Receive(const Incoming& incoming) { return Take(incoming, false); }
Result<std::vector<Outgoing>> CredentialExchange::Repeated(const Incoming& incoming) { return Take(incoming, true); }

Result<std::optional<ExchangeRecord>> CredentialExchange::FindFor(const Incoming& incoming,
                                                                  const std::string& thread) const {
  const std::string& peer = incoming.message().from;
  KEEL_TRY(std::optional<ExchangeRecord> record, Find({incoming.ours, peer, thread}));
  if (record) return record;
  // The peer may have rotated its DID (from_prior, verified by Unpack).
  const std::string prior(did::DidOf(incoming.unpacked.metadata.from_prior_issuer_kid));
  if (prior.empty() || prior == peer) return std::nullopt;
  return Find({incoming.ours, prior, thread});
}

Result<> CredentialExchange::Fill(ExchangeRecord& record, ExchangeMessage kind, const Incoming& incoming) const {
  const Message& message = incoming.message();
  KEEL_TRY(const json body, message.ParseBody());
  KEEL_TRY(std::string goal_code, Bounded(body, "goal_code", kMaxText));
  KEEL_TRY_VOID(Bounded(body, "comment", kMaxComment));
  if (!goal_code.empty()) record.goal_code = std::move(goal_code);
  if (const auto preview = body.find("credential_preview"); preview != body.end() && !preview->is_object())
    return Fail(Code::kMalformed, kWhere, "credential_preview is no object");
  if (kind == ExchangeMessage::kOffer || kind == ExchangeMessage::kDeliver) {
    KEEL_TRY(std::string replacement, Bounded(body, "replacement_id", kMaxText));
    if (!replacement.empty()) record.replacement_id = std::move(replacement);
  }
  if (kind == ExchangeMessage::kRequest) {
    KEEL_TRY(const std::optional<bool> confirm, base::GetOptionalBool(body, "will_confirm"));
    record.will_confirm = confirm.value_or(false);
  }
  // A presentation or a credential is in an attachment, and so is what a verifier wants.
  const bool needs_content =
      kind == ExchangeMessage::kDeliver || (kind == ExchangeMessage::kRequest && record.role == ExchangeRole::kProver);
  if (needs_content && message.attachments.empty()) return Fail(Code::kMissing, kWhere, "no attachment");
  if (kind == ExchangeMessage::kAck) {
    KEEL_TRY(const std::optional<std::string> status, base::GetOptionalString(body, "status"));
    if (status && *status != "OK")
      return Fail(Code::kUnsupported, kWhere, "an ack with status '" + status->substr(0, 32) + "'");
    if (const auto header = message.headers.find("web_redirect"); header != message.headers.end())
      record.web_redirect = header->second;
  }
  record.wants_ack = !message.please_ack.empty();
  if (record.parent.empty()) record.parent = message.pthid;
  record.received = incoming.unpacked.plaintext;
  if (record.received.empty()) {
    KEEL_TRY(record.received, message.Serialize());
  }
  record.seen.push_back(message.id);
  return {};
}

Result<std::vector<Outgoing>> CredentialExchange::Take(const Incoming& incoming, bool repeated) {
  const Message& message = incoming.message();
  KEEL_TRY(const MessageType type, MessageType::Parse(message.type));
  const auto kind = rules_.KindOf(type.message);
  if (!kind) return Fail(Code::kUnsupported, kWhere, "no message type of this protocol: " + message.type);
  if (!incoming.Proven() || incoming.ours.empty())
    return Fail(Code::kUntrusted, kWhere, "credentials are exchanged with proven senders only");
  if (*kind == ExchangeMessage::kProblem) {
    KEEL_TRY(const ProblemReport report, ProblemReport::Parse(message));
    KEEL_TRY_VOID(OnProblem(incoming, report));
    return std::vector<Outgoing>();
  }
  const std::string& thread = message.Thread();
  KEEL_TRY(const Busy busy, Busy::Enter(*this, {incoming.ours, message.from, thread}));
  KEEL_TRY(std::optional<ExchangeRecord> record, FindFor(incoming, thread));
  std::optional<ExchangeId> replaced;
  if (record) {
    if (!record->seen.empty() && record->seen.back() == message.id) return Again(std::move(*record));
    // The record knows better than the replay cache what was taken: we may have been killed between the two.
    if (std::find(record->seen.begin(), record->seen.end(), message.id) != record->seen.end())
      return Fail(Code::kReplayed, kWhere, "message " + message.id + " came before");
    if (record->seen.size() >= options_.max_rounds)
      return Fail(Code::kRefused, kWhere, "over " + std::to_string(options_.max_rounds) + " messages in one exchange");
    if (record->id.peer != message.from) {
      replaced = record->id;
      record->id.peer = message.from;
    }
  } else {
    // Repeated and yet unknown: either it came just before we were killed, or we have forgotten the exchange since.
    if (repeated && (!message.created_time || *message.created_time + options_.keep_seconds < incoming.now))
      return Fail(Code::kReplayed, kWhere, "message " + message.id + " came before");
    const auto role = rules_.RoleFor(*kind);
    if (!role) return Fail(Code::kWrongState, kWhere, message.type + " begins no exchange");
    KEEL_TRY_VOID(Admit(message.from));
    record.emplace();
    record->id = {incoming.ours, message.from, thread};
    record->role = *role;
    record->created = incoming.now;
  }
  const auto next = rules_.Next(record->role, record->state, true, *kind);
  if (!next) {
    return Fail(Code::kWrongState, kWhere,
                message.type + " isn't expected in state " + std::string(ExchangeStateName(record->state)));
  }
  KEEL_TRY_VOID(Fill(*record, *kind, incoming));
  record->state = *next;
  record->updated = incoming.now;
  record->deadline = incoming.now + options_.decide_seconds;
  if (message.expires_time)
    record->deadline = std::min<UnixSeconds>(record->deadline, *message.expires_time + kTimeSkew);
  if (*kind == ExchangeMessage::kDeliver && record->role == ExchangeRole::kHolder && !record->replacement_id.empty()) {
    KEEL_TRY(const std::optional<std::string> earlier, store_.Get(ReplacementKey(*record)));
    record->replaces = earlier.value_or("");
  }
  if (HasEnded(record->state)) record->sent.clear();
  KEEL_TRY_VOID(Save(*record, replaced));
  if (HasEnded(record->state)) {
    KEEL_TRY_VOID(TellEnded(std::move(*record)));
    return std::vector<Outgoing>();
  }
  return Ask(std::move(*record));
}

// The message of the record's state once more: what it led to, or, if that isn't known yet, what it leads to.
Result<std::vector<Outgoing>> CredentialExchange::Again(ExchangeRecord record) {
  if (record.WaitsForUs()) return Ask(std::move(record));
  if (record.sent.empty()) return std::vector<Outgoing>();
  KEEL_TRY(Message sent, Message::Parse(record.sent));
  return std::vector<Outgoing>{{.message = std::move(sent)}};
}

Result<std::vector<Outgoing>> CredentialExchange::Ask(ExchangeRecord record) {
  KEEL_TRY(const Message received, Message::Parse(record.received));
  auto decision = hooks_.Decide(record, received);
  const std::string key = Key(record.id);
  if (!decision) {
    if (options_.on_undecided) options_.on_undecided(record, decision.error());
    const std::lock_guard lock(mutex_);
    retry_.insert(key);
    return std::vector<Outgoing>();
  }
  {
    const std::lock_guard lock(mutex_);
    retry_.erase(key);
  }
  return Apply(std::move(record), *decision);
}

Result<> CredentialExchange::OnProblem(const Incoming& incoming, const ProblemReport& report) {
  if (!incoming.Proven()) return {};
  KEEL_TRY(const Busy busy, Busy::Enter(*this, {incoming.ours, incoming.message().from, report.thread}));
  KEEL_TRY(std::optional<ExchangeRecord> record, FindFor(incoming, report.thread));
  if (!record) return {};  // about something else
  record->problem = report.code;
  record->problem_text = report.Text();
  // A warning, and an error that only undoes one message, leave the state as it is: the deadline will end it. What has
  // ended stays as it ended.
  const bool ends = !report.code.starts_with("w.") && !report.code.starts_with("e.m.") && !HasEnded(record->state);
  if (ends) {
    record->state = ExchangeState::kAbandoned;
    record->sent.clear();
    record->updated = incoming.now;
  }
  KEEL_TRY_VOID(Save(*record));
  if (ends) return TellEnded(std::move(*record));
  return {};
}

Result<std::vector<Outgoing>> CredentialExchange::Decide(const ExchangeId& id, const ExchangeDecision& decision) {
  KEEL_TRY(const Busy busy, Busy::Enter(*this, id));
  KEEL_TRY(std::optional<ExchangeRecord> record, Find(id));
  if (!record) return Fail(Code::kNotFound, kWhere, "no exchange in thread " + id.thread);
  if (!record->WaitsForUs())
    return Fail(Code::kWrongState, kWhere,
                "nothing to decide in state " + std::string(ExchangeStateName(record->state)));
  return Apply(std::move(*record), decision);
}

Result<std::vector<Outgoing>> CredentialExchange::Abandon(const ExchangeId& id, std::string code, std::string comment) {
  KEEL_TRY(const Busy busy, Busy::Enter(*this, id));
  KEEL_TRY(std::optional<ExchangeRecord> record, Find(id));
  if (!record) return Fail(Code::kNotFound, kWhere, "no exchange in thread " + id.thread);
  if (HasEnded(record->state))
    return Fail(Code::kWrongState, kWhere, "it has ended: " + std::string(ExchangeStateName(record->state)));
  return End(std::move(*record), std::move(code), std::move(comment), {});
}

Result<std::vector<Outgoing>> CredentialExchange::Resume() {
  KEEL_TRY(const std::vector<ExchangeRecord> all, List());
  KEEL_TRY(const UnixSeconds now, clock_.Now());
  std::vector<Outgoing> out;
  for (const ExchangeRecord& listed : all) {
    auto busy = Busy::Enter(*this, listed.id);
    if (!busy) continue;  // somebody works on it already
    KEEL_TRY(std::optional<ExchangeRecord> record, Find(listed.id));
    if (!record) continue;
    Result<std::vector<Outgoing>> more;
    if (HasEnded(record->state)) {
      // The last message may not have left; the peer waits for it no longer than this.
      const bool lately = record->updated + options_.answer_seconds > now;
      if (!record->told) {
        KEEL_TRY_VOID(TellEnded(*record));
      }
      if (lately) more = Again(std::move(*record));
    } else {
      more = Again(std::move(*record));
    }
    if (!more) return more;
    std::move(more->begin(), more->end(), std::back_inserter(out));
  }
  return out;
}

Result<std::vector<Outgoing>> CredentialExchange::Tick() {
  KEEL_TRY(const std::vector<ExchangeRecord> all, List());
  KEEL_TRY(const UnixSeconds now, clock_.Now());
  const uint64_t ticks = clock_.TicksMs();
  std::vector<Outgoing> out;
  for (const ExchangeRecord& listed : all) {
    auto busy = Busy::Enter(*this, listed.id);
    if (!busy) continue;
    KEEL_TRY(std::optional<ExchangeRecord> record, Find(listed.id));
    if (!record) continue;
    const std::string key = Key(record->id);
    bool again = false;
    Result<std::vector<Outgoing>> more;
    if (HasEnded(record->state)) {
      if (!record->told) {
        KEEL_TRY_VOID(TellEnded(*record));
      } else if (record->updated + options_.keep_seconds <= now) {
        base::WriteBatch batch;
        batch.Delete(key);
        KEEL_TRY_VOID(store_.Write(batch, base::Sync::kYes));
      }
      continue;
    }
    if (record->deadline <= now) {
      more = End(std::move(*record), std::string(kProblemTimedOut), {}, {});
    } else {
      {
        const std::lock_guard lock(mutex_);
        if (record->WaitsForUs()) {
          again = retry_.contains(key);
        } else {
          Resend& resend = resend_[key];
          if (resend.wait_ms == 0) resend = {ticks + options_.resend_seconds * 1000, options_.resend_seconds * 1000};
          again = resend.due_ms <= ticks;
          if (again) {
            resend.wait_ms = std::min<uint64_t>(resend.wait_ms * 2, 3'600'000);
            resend.due_ms = ticks + resend.wait_ms;
          }
        }
      }
      if (again) more = Again(std::move(*record));
    }
    if (!more) return more;
    std::move(more->begin(), more->end(), std::back_inserter(out));
  }
  return out;
}

Result<std::optional<ExchangeRecord>> CredentialExchange::Find(const ExchangeId& id) const {
  KEEL_TRY(const std::optional<std::string> text, store_.Get(Key(id)));
  if (!text) return std::nullopt;
  KEEL_TRY(ExchangeRecord record, ExchangeRecord::FromJson(*text));
  return record;
}

Result<std::vector<ExchangeRecord>> CredentialExchange::List() const {
  std::vector<ExchangeRecord> all;
  std::optional<Error> bad;
  KEEL_TRY_VOID(store_.Scan(Key({}), [&](std::string_view, std::string_view value) {
    auto record = ExchangeRecord::FromJson(value);
    if (!record) {
      bad = std::move(record.error());
      return false;
    }
    all.push_back(std::move(*record));
    return true;
  }));
  if (bad) return std::unexpected<Error>(std::move(*bad));
  return all;
}

size_t CredentialExchange::open() const {
  const std::lock_guard lock(mutex_);
  return open_.size();
}

}  // namespace keel::didcomm
