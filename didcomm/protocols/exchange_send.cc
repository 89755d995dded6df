// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "crypto/hash.h"
#include "didcomm/internal/exchange_busy.h"
#include "didcomm/protocols/exchange.h"
#include "didcomm/protocols/message_type.h"

namespace keel::didcomm {
namespace {

using nlohmann::json;
constexpr const char* kWhere = "credential exchange";

// Hash of texts of any length, kept apart by their lengths.
std::string Digest(std::initializer_list<std::string_view> texts) {
  crypto::Sha256 hash;
  for (const std::string_view text : texts) {
    ByteArray<8> length;
    ByteWriter(length).U64(text.size());
    hash.Update(length).Update(text);
  }
  return base::Hex(hash.Final());
}

}  // namespace

CredentialExchange::CredentialExchange(const ExchangeRules& rules, base::KeyValueStore& store, Clock& clock,
                                       CredentialExchangeHooks& hooks, ExchangeOptions options)
    : rules_(rules), store_(store), clock_(clock), hooks_(hooks), options_(std::move(options)) {}

// "<prefix><protocol>/e/<digest>"; of an empty id the part that all have.
std::string CredentialExchange::Key(const ExchangeId& id) const {
  std::string key = options_.prefix + std::string(rules_.protocol.substr(rules_.protocol.find("org/") + 4)) + "/e/";
  if (id.thread.empty()) return key;
  return key + Digest({id.ours, id.peer, id.thread});
}

std::string CredentialExchange::ReplacementKey(const ExchangeRecord& record) const {
  return options_.prefix + "replacement/" + Digest({record.id.ours, record.id.peer, record.replacement_id});
}

Result<> CredentialExchange::Load() {
  KEEL_TRY(const std::vector<ExchangeRecord> all, List());
  const std::lock_guard lock(mutex_);
  for (const ExchangeRecord& record : all) {
    if (!HasEnded(record.state)) open_[Key(record.id)] = record.id.peer;
  }
  return {};
}

Result<> CredentialExchange::Admit(const std::string& peer) {
  const std::lock_guard lock(mutex_);
  const auto of_peer = static_cast<size_t>(
      std::count_if(open_.begin(), open_.end(), [&peer](const auto& entry) { return entry.second == peer; }));
  if (open_.size() >= options_.max_open || of_peer >= options_.max_open_for_peer)
    return Fail(Code::kBusy, kWhere, "too many exchanges are open: " + std::to_string(open_.size()));
  return {};
}

Result<> CredentialExchange::Save(const ExchangeRecord& record, const std::optional<ExchangeId>& replaced) {
  const std::string key = Key(record.id);
  base::WriteBatch batch;
  if (replaced) batch.Delete(Key(*replaced));
  batch.Put(key, record.ToJson());
  const bool holds = record.role == ExchangeRole::kHolder && record.state == ExchangeState::kDone;
  if (holds && !record.replacement_id.empty()) batch.Put(ReplacementKey(record), record.id.thread);
  KEEL_TRY_VOID(store_.Write(batch, base::Sync::kYes));
  const std::lock_guard lock(mutex_);
  resend_.erase(key);
  if (replaced) open_.erase(Key(*replaced));
  if (HasEnded(record.state)) {
    open_.erase(key);
    retry_.erase(key);
  } else {
    open_[key] = record.id.peer;
  }
  return {};
}

Result<> CredentialExchange::TellEnded(ExchangeRecord record) {
  hooks_.Ended(record);
  record.told = true;
  return Save(record);
}

Result<Message> CredentialExchange::Build(const ExchangeRecord& record, ExchangeMessage kind,
                                          const ExchangeContent& content, UnixSeconds now) const {
  Message message;
  message.id = NewMessageId();
  message.type = rules_.TypeOf(kind);
  message.from = record.id.ours;
  message.to = {record.id.peer};
  message.thid = record.id.thread.empty() ? message.id : record.id.thread;
  message.pthid = record.parent;
  message.created_time = now;
  message.return_route = "all";
  json body = json::object();
  if (!content.goal_code.empty()) body["goal_code"] = content.goal_code;
  if (!content.comment.empty()) body["comment"] = content.comment;
  if (!content.credential_preview.empty()) {
    KEEL_TRY(json preview, base::ParseJson(content.credential_preview));
    if (!preview.is_object()) return Fail(Code::kInvalidArgument, kWhere, "credential_preview is no JSON object");
    body["credential_preview"] = std::move(preview);
  }
  if (kind == ExchangeMessage::kOffer || (kind == ExchangeMessage::kDeliver && record.role == ExchangeRole::kIssuer)) {
    const std::string& replacement = content.replacement_id.empty() ? record.replacement_id : content.replacement_id;
    if (!replacement.empty()) body["replacement_id"] = replacement;
  }
  if (kind == ExchangeMessage::kRequest && record.role == ExchangeRole::kVerifier)
    body["will_confirm"] = content.will_confirm;
  if (kind == ExchangeMessage::kDeliver) {
    if (content.attachments.empty()) return Fail(Code::kInvalidArgument, kWhere, message.type + " needs an attachment");
    // An issuer wants to know the outcome; a prover if it was promised none.
    if (record.role == ExchangeRole::kIssuer || content.please_ack) message.please_ack = {""};
  }
  if (kind == ExchangeMessage::kRequest && record.role == ExchangeRole::kVerifier && content.attachments.empty())
    return Fail(Code::kInvalidArgument, kWhere, message.type + " needs an attachment");
  if (kind == ExchangeMessage::kAck) {
    body["status"] = "OK";
    if (!content.web_redirect_url.empty())
      message.headers["web_redirect"] =
          base::DumpJson({{"status", content.web_redirect_status}, {"redirectUrl", content.web_redirect_url}});
    KEEL_TRY(const Message received, Message::Parse(record.received));
    message.ack = {received.id};
  } else {
    message.expires_time = now + options_.answer_seconds;
  }
  message.body = base::DumpJson(body);
  message.attachments = content.attachments;
  return message;
}

Result<Outgoing> CredentialExchange::Start(ExchangeRole role, ExchangeMessage kind, const std::string& ours,
                                           const std::string& peer, const ExchangeContent& content,
                                           const std::string& pthid) {
  const auto next = rules_.Next(role, ExchangeState::kStart, false, kind);
  if (!next || ours.empty() || peer.empty())
    return Fail(Code::kInvalidArgument, kWhere, "this role doesn't begin with this message, or a DID is missing");
  KEEL_TRY_VOID(Admit(peer));
  KEEL_TRY(const UnixSeconds now, clock_.Now());
  ExchangeRecord record;
  record.id = {ours, peer, {}};
  record.role = role;
  record.parent = pthid;
  record.created = now;
  KEEL_TRY(Message message, Build(record, kind, content, now));
  record.id.thread = message.thid;
  record.state = *next;
  record.goal_code = content.goal_code;
  record.replacement_id = content.replacement_id;
  record.will_confirm = content.will_confirm;
  record.updated = now;
  record.deadline = now + options_.answer_seconds;
  KEEL_TRY(record.sent, message.Serialize());
  KEEL_TRY_VOID(Save(record));
  return Outgoing{.message = std::move(message)};
}

Result<std::vector<Outgoing>> CredentialExchange::Apply(ExchangeRecord record, const ExchangeDecision& decision) {
  switch (decision.kind) {
    case ExchangeDecision::Kind::kLater: return std::vector<Outgoing>();
    case ExchangeDecision::Kind::kRefuse: return End(std::move(record), decision.code, decision.comment, decision.args);
    case ExchangeDecision::Kind::kCounter:
      return SendNext(std::move(record), ExchangeMessage::kPropose, decision.content);
    case ExchangeDecision::Kind::kGoOn: break;
  }
  switch (record.state) {
    case ExchangeState::kProposalReceived: {
      const bool issuer = record.role == ExchangeRole::kIssuer;
      return SendNext(std::move(record), issuer ? ExchangeMessage::kOffer : ExchangeMessage::kRequest,
                      decision.content);
    }
    case ExchangeState::kOfferReceived: return SendNext(std::move(record), ExchangeMessage::kRequest, decision.content);
    case ExchangeState::kRequestReceived:
      return SendNext(std::move(record), ExchangeMessage::kDeliver, decision.content);
    case ExchangeState::kCredentialReceived:
      return SendNext(std::move(record), ExchangeMessage::kAck, decision.content);
    case ExchangeState::kPresentationReceived: {
      if (record.will_confirm || record.wants_ack)
        return SendNext(std::move(record), ExchangeMessage::kAck, decision.content);
      // Nobody was promised an answer: it is accepted in silence.
      KEEL_TRY(record.updated, clock_.Now());
      record.state = ExchangeState::kDone;
      record.sent.clear();
      KEEL_TRY_VOID(Save(record));
      KEEL_TRY_VOID(TellEnded(std::move(record)));
      return std::vector<Outgoing>();
    }
    case ExchangeState::kStart:
    case ExchangeState::kProposalSent:
    case ExchangeState::kOfferSent:
    case ExchangeState::kRequestSent:
    case ExchangeState::kCredentialIssued:
    case ExchangeState::kPresentationSent:
    case ExchangeState::kDone:
    case ExchangeState::kAbandoned: break;
  }
  return Fail(Code::kWrongState, kWhere, "nothing to decide in state " + std::string(ExchangeStateName(record.state)));
}

Result<std::vector<Outgoing>> CredentialExchange::SendNext(ExchangeRecord record, ExchangeMessage kind,
                                                           const ExchangeContent& content) {
  const auto next = rules_.Next(record.role, record.state, false, kind);
  if (!next)
    return Fail(Code::kWrongState, kWhere,
                "the " + std::string(ExchangeRoleName(record.role)) + " can't send " + rules_.TypeOf(kind) +
                    " in state " + std::string(ExchangeStateName(record.state)));
  KEEL_TRY(const UnixSeconds now, clock_.Now());
  KEEL_TRY(Message message, Build(record, kind, content, now));
  record.state = *next;
  // A presentation that nobody said to confirm is the prover's last message.
  if (*next == ExchangeState::kPresentationSent && !record.will_confirm && !content.please_ack)
    record.state = ExchangeState::kDone;
  if (!content.goal_code.empty()) record.goal_code = content.goal_code;
  if (!content.replacement_id.empty()) record.replacement_id = content.replacement_id;
  if (record.role == ExchangeRole::kVerifier && kind == ExchangeMessage::kRequest)
    record.will_confirm = content.will_confirm;
  record.updated = now;
  record.deadline = now + options_.answer_seconds;
  KEEL_TRY(record.sent, message.Serialize());
  KEEL_TRY_VOID(Save(record));
  if (HasEnded(record.state)) KEEL_TRY_VOID(TellEnded(std::move(record)));
  return std::vector<Outgoing>{{.message = std::move(message)}};
}

Result<std::vector<Outgoing>> CredentialExchange::End(ExchangeRecord record, std::string code, std::string comment,
                                                      std::vector<std::optional<std::string>> args) {
  ProblemReport report;
  report.code = code.empty() ? std::string(rules_.refused) : std::move(code);
  if (comment.empty()) comment = report.code == rules_.refused ? rules_.refused_text : ProblemComment(report.code);
  report.comment = std::move(comment);
  report.args = std::move(args);
  report.thread = record.id.thread;
  if (!record.seen.empty()) report.about = {record.seen.back()};
  KEEL_TRY(Message message, report.ToMessage());
  KEEL_TRY(record.updated, clock_.Now());
  message.id = NewMessageId();
  message.from = record.id.ours;
  message.to = {record.id.peer};
  message.created_time = record.updated;
  record.state = ExchangeState::kAbandoned;
  record.problem = report.code;
  record.problem_text = report.Text();
  KEEL_TRY(record.sent, message.Serialize());
  KEEL_TRY_VOID(Save(record));
  KEEL_TRY_VOID(TellEnded(std::move(record)));
  return std::vector<Outgoing>{{.message = std::move(message)}};
}

}  // namespace keel::didcomm
