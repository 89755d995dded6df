// SPDX-License-Identifier: Apache-2.0
#include "didcomm/mediator/mediation_client.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/json_strict.h"
#include "didcomm/mediator/coordinate_mediation.h"
#include "didcomm/mediator/message_pickup.h"
#include "didcomm/pack.h"
#include "didcomm/protocols/report_problem.h"
#include "didcomm/routing.h"

namespace keel::didcomm {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr const char* kWhere = "mediation";
constexpr size_t kMaxPages = 1'000;

milliseconds Until(uint64_t deadline) {
  const uint64_t now = base::MonotonicMs();
  return milliseconds(now < deadline ? deadline - now : 0);
}

std::string Mediation(std::string_view name) { return std::string(kCoordinateMediation3) + "/" + std::string(name); }
std::string Pickup(std::string_view name) { return std::string(kMessagePickup) + "/" + std::string(name); }

Result<> Expect(const Message& message, const std::string& type) {
  if (message.type == type) return {};
  return Fail(Code::kRefused, kWhere, "the mediator answered with '" + message.type + "', not '" + type + "'");
}

Result<MediationClient::Waiting> ReadStatus(const Message& message) {
  KEEL_TRY_VOID(Expect(message, Pickup("status")));
  KEEL_TRY(const json body, message.ParseBody());
  MediationClient::Waiting out;
  KEEL_TRY(out.count, base::GetUint(body, "message_count"));
  KEEL_TRY(const auto octets, base::GetOptionalUint(body, "total_bytes"));
  KEEL_TRY(const auto live, base::GetOptionalBool(body, "live_delivery"));
  out.octets = octets.value_or(0);
  out.live = live.value_or(false);
  return out;
}

Result<std::vector<MediationClient::Fetched>> ReadDelivery(const Message& message) {
  std::vector<MediationClient::Fetched> out;
  for (const Attachment& attachment : message.attachments) {
    if (attachment.id.empty()) return Fail(Code::kMalformed, kWhere, "a delivered message without an id");
    std::string envelope = attachment.json;
    if (envelope.empty()) {
      auto octets = base::FromBase64Url(attachment.base64);
      if (!octets) octets = base::FromBase64(attachment.base64);
      if (!octets) return Fail(Code::kMalformed, kWhere, "a delivered message that is no base64url");
      envelope = base::ToString(*octets);
    }
    out.push_back({attachment.id, std::move(envelope)});
  }
  return out;
}

}  // namespace

MediationClient::MediationClient(Parts parts, std::string account, std::string mediator)
    : parts_(std::move(parts)), account_(std::move(account)), mediator_(std::move(mediator)) {}
MediationClient::~MediationClient() = default;

Result<std::vector<std::string>> MediationClient::MediatorUris() {
  KEEL_TRY(const std::vector<Endpoint> endpoints, FindEndpoints(mediator_, parts_.resolver));
  std::vector<std::string> uris;
  for (const Endpoint& endpoint : endpoints) {
    if (endpoint.hops.empty()) uris.push_back(endpoint.uri);
  }
  if (uris.empty()) return Fail(Code::kUnsupported, kWhere, mediator_ + " is itself behind a mediator");
  return uris;
}

Result<Message> MediationClient::Open(std::string_view envelope) {
  KEEL_TRY(const UnixSeconds now, parts_.clock.Now());
  UnpackOptions how;
  how.now = now;
  how.agreements = parts_.agreements;
  how.require_encrypted = true;
  how.require_authenticated = true;
  KEEL_TRY(Unpacked opened, Unpack(envelope, parts_.keys, parts_.resolver, how));
  if (opened.message.from != mediator_)
    return Fail(Code::kWrongSender, kWhere, "a message from " + opened.message.from + ", not from the mediator");
  return std::move(opened.message);
}

Result<Message> MediationClient::Ask(std::string_view type, const json& body) {
  Message question;
  question.id = NewMessageId();
  question.type = type;
  question.from = account_;
  question.to = {mediator_};
  question.return_route = "all";
  KEEL_TRY(question.created_time, parts_.clock.Now());
  question.body = base::DumpJson(body);
  PackOptions how;
  how.agreements = parts_.agreements;
  KEEL_TRY(const Packed packed, PackAuthcrypt(question, account_, mediator_, parts_.keys, parts_.resolver, how));

  const auto read = [&](const Message& answer) -> Result<Message> {
    if (!IsProblemReport(answer)) return answer;
    KEEL_TRY(const ProblemReport report, ProblemReport::Parse(answer));
    return Fail(Code::kRefused, kWhere, "the mediator reports a problem: " + report.code + ": " + report.Text());
  };
  const auto about = [&](const Message& answer) {
    return answer.thid == question.id || (IsProblemReport(answer) && answer.pthid == question.id);
  };

  if (live()) {
    const uint64_t deadline = base::MonotonicMs() + static_cast<uint64_t>(deadlines_.total.count());
    KEEL_TRY_VOID(socket_->Send(packed.text, Until(deadline)));
    while (true) {
      KEEL_TRY(const std::string envelope, socket_->Receive(Until(deadline)));
      KEEL_TRY(const Message answer, Open(envelope));
      if (about(answer)) return read(answer);
      if (answer.type != Pickup("delivery")) continue;
      KEEL_TRY(delivered_.emplace_back(), ReadDelivery(answer));
    }
  }
  KEEL_TRY(const std::vector<std::string> uris, MediatorUris());
  SendOptions sending(deadlines_);
  sending.wants_reply = true;
  Error last = Fail(Code::kUnsupported, kWhere, "no transport for " + uris.front()).error();
  for (const std::string& uri : uris) {
    const auto transport = std::find_if(parts_.transports.begin(), parts_.transports.end(),
                                        [&](const Transport* item) { return item->Carries(uri); });
    if (transport == parts_.transports.end()) continue;
    auto reply = (*transport)->Send(uri, packed.text, sending);
    if (!reply) {
      last = std::move(reply.error());
      continue;
    }
    if (reply->empty()) return Fail(Code::kMalformed, kWhere, uri + " gave no answer");
    KEEL_TRY(const Message answer, Open(*reply));
    if (!about(answer)) return Fail(Code::kMalformed, kWhere, "an answer to another question");
    return read(answer);
  }
  return std::unexpected<Error>(std::move(last));
}

Result<std::string> MediationClient::RequestMediation() {
  KEEL_TRY(const Message answer, Ask(Mediation("mediate-request"), json::object()));
  if (answer.type == Mediation("mediate-deny"))
    return Fail(Code::kRefused, kWhere, mediator_ + " doesn't mediate for us");
  KEEL_TRY_VOID(Expect(answer, Mediation("mediate-grant")));
  KEEL_TRY(const json body, answer.ParseBody());
  KEEL_TRY(const std::vector<std::string> dids, base::GetStrings(body, "routing_did"));
  if (dids.empty()) return Fail(Code::kMalformed, kWhere, "a grant without a routing DID");
  return dids.front();
}

Result<> MediationClient::Update(const std::vector<std::string>& recipients, const char* action) {
  for (size_t at = 0; at < recipients.size(); at += kMaxRecipientUpdates) {
    json updates = json::array();
    for (size_t i = at; i < recipients.size() && i < at + kMaxRecipientUpdates; ++i)
      updates.push_back({{"recipient_did", recipients[i]}, {"action", action}});
    KEEL_TRY(const Message answer, Ask(Mediation("recipient-update"), {{"updates", updates}}));
    KEEL_TRY_VOID(Expect(answer, Mediation("recipient-update-response")));
    KEEL_TRY(const json body, answer.ParseBody());
    KEEL_TRY(const json* updated, base::GetArray(body, "updated"));
    if (updated->size() != updates.size()) return Fail(Code::kMalformed, kWhere, "an answer for other updates");
    for (const json& item : *updated) {
      KEEL_TRY(const std::string result, base::GetString(item, "result"));
      if (result == "success" || result == "no_change") continue;
      KEEL_TRY(const std::string did, base::GetString(item, "recipient_did"));
      return Fail(Code::kRefused, kWhere, did + ": " + result);
    }
  }
  return {};
}

Result<> MediationClient::AddRecipients(const std::vector<std::string>& recipients) {
  return Update(recipients, "add");
}
Result<> MediationClient::RemoveRecipients(const std::vector<std::string>& recipients) {
  return Update(recipients, "remove");
}

Result<std::vector<std::string>> MediationClient::Recipients() {
  std::vector<std::string> out;
  for (size_t page = 0; page < kMaxPages; ++page) {
    KEEL_TRY(const Message answer, Ask(Mediation("recipient-query"),
                                       {{"paginate", {{"limit", kMaxRecipientUpdates}, {"offset", out.size()}}}}));
    KEEL_TRY_VOID(Expect(answer, Mediation("recipient")));
    KEEL_TRY(const json body, answer.ParseBody());
    KEEL_TRY(const json* dids, base::GetArray(body, "dids"));
    for (const json& item : *dids) {
      KEEL_TRY(out.emplace_back(), base::GetString(item, "recipient_did"));
    }
    if (!body.contains("pagination") || dids->empty()) return out;
    KEEL_TRY(const json* pagination, base::GetObject(body, "pagination"));
    KEEL_TRY(const uint64_t remaining, base::GetUint(*pagination, "remaining"));
    if (remaining == 0) return out;
  }
  return Fail(Code::kTooLarge, kWhere, "a list of recipients without an end");
}

Result<MediationClient::Waiting> MediationClient::Status(std::string_view recipient) {
  json body = json::object();
  if (!recipient.empty()) body["recipient_did"] = recipient;
  KEEL_TRY(const Message answer, Ask(Pickup("status-request"), body));
  return ReadStatus(answer);
}

Result<std::vector<MediationClient::Fetched>> MediationClient::Fetch(uint64_t limit, std::string_view recipient) {
  json body = {{"limit", limit}};
  if (!recipient.empty()) body["recipient_did"] = recipient;
  KEEL_TRY(const Message answer, Ask(Pickup("delivery-request"), body));
  if (answer.type == Pickup("status")) return std::vector<Fetched>();
  KEEL_TRY_VOID(Expect(answer, Pickup("delivery")));
  return ReadDelivery(answer);
}

Result<MediationClient::Waiting> MediationClient::Acknowledge(const std::vector<std::string>& ids) {
  KEEL_TRY(const Message answer, Ask(Pickup("messages-received"), {{"message_id_list", ids}}));
  return ReadStatus(answer);
}

Result<> MediationClient::GoLive() {
  socket_.reset();
  delivered_.clear();
  KEEL_TRY(const std::vector<std::string> uris, MediatorUris());
  Error last = Fail(Code::kUnsupported, kWhere, mediator_ + " has no ws or wss URI for live delivery").error();
  for (const std::string& uri : uris) {
    if (!uri.starts_with("ws://") && !uri.starts_with("wss://")) continue;
    auto socket = base::WebSocketClient::Connect(uri, parts_.sockets, deadlines_);
    if (!socket) {
      last = std::move(socket.error());
      continue;
    }
    socket_ = std::move(*socket);
    auto answer = Ask(Pickup("live-delivery-change"), {{"live_delivery", true}});
    const auto status = answer ? ReadStatus(*answer) : Result<Waiting>(std::unexpected<Error>(answer.error()));
    if (status && status->live) return {};
    socket_.reset();
    if (!status) return std::unexpected<Error>(status.error());
    return Fail(Code::kRefused, kWhere, "the mediator didn't turn live delivery on");
  }
  return std::unexpected<Error>(std::move(last));
}

Result<std::vector<MediationClient::Fetched>> MediationClient::WaitLive(milliseconds timeout) {
  const uint64_t deadline = base::MonotonicMs() + static_cast<uint64_t>(timeout.count());
  while (delivered_.empty()) {
    if (socket_ == nullptr) return Fail(Code::kWrongState, kWhere, "live mode is off");
    KEEL_TRY(const std::string envelope, socket_->Receive(Until(deadline)));
    KEEL_TRY(const Message message, Open(envelope));
    if (message.type != Pickup("delivery")) continue;
    KEEL_TRY(delivered_.emplace_back(), ReadDelivery(message));
  }
  std::vector<Fetched> out = std::move(delivered_.front());
  delivered_.pop_front();
  return out;
}

}  // namespace keel::didcomm
