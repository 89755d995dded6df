// SPDX-License-Identifier: Apache-2.0
#include "didcomm/mediator/coordinate_mediation.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/json_strict.h"
#include "didcomm/protocols/message_type.h"

namespace keel::didcomm {
namespace {

using nlohmann::json;

constexpr const char* kWhere = "coordinate-mediation";

const char* OutcomeName(MediationAccounts::Outcome outcome) {
  switch (outcome) {
    case MediationAccounts::Outcome::kSuccess: return "success";
    case MediationAccounts::Outcome::kNoChange: return "no_change";
    case MediationAccounts::Outcome::kClientError: return "client_error";
    case MediationAccounts::Outcome::kServerError: return "server_error";
  }
  return "server_error";
}

std::string TypeOf(bool version3, std::string_view name) {
  return std::string(version3 ? kCoordinateMediation3 : kCoordinateMediation2) + "/" + std::string(name);
}

}  // namespace

std::vector<ProtocolInfo> CoordinateMediation::Speaks() const {
  return {{std::string(kCoordinateMediation3), {"mediator"}}, {std::string(kCoordinateMediation2), {"mediator"}}};
}

Result<Message> CoordinateMediation::Request(const Incoming& incoming, bool version3) const {
  const std::string& did = incoming.message().from;
  if (!parts_.admit(did)) return incoming.Reply(TypeOf(version3, "mediate-deny"));
  if (const auto granted = parts_.accounts.Grant(did, incoming.now); !granted) {
    if (granted.error().code == Code::kQuotaExceeded) return incoming.Reply(TypeOf(version3, "mediate-deny"));
    return std::unexpected<Error>(granted.error());
  }
  if (parts_.granted) parts_.granted(did);
  Message reply = incoming.Reply(TypeOf(version3, "mediate-grant"));
  const std::string routing_did = parts_.routing_did();
  reply.body = base::DumpJson({{"routing_did", version3 ? json::array({routing_did}) : json(routing_did)}});
  return reply;
}

Result<Message> CoordinateMediation::Update(const Incoming& incoming, bool version3) const {
  KEEL_TRY(const json body, incoming.message().ParseBody());
  KEEL_TRY(const json* updates, base::GetArray(body, "updates"));
  if (updates->size() > kMaxRecipientUpdates)
    return Fail(Code::kTooLarge, kWhere, "over " + std::to_string(kMaxRecipientUpdates) + " updates in a message");
  std::vector<MediationAccounts::Update> wanted;
  for (const json& item : *updates) {
    KEEL_TRY(const std::string did, base::GetString(item, "recipient_did"));
    KEEL_TRY(const std::string action, base::GetString(item, "action"));
    if (action != "add" && action != "remove")
      return Fail(Code::kMalformed, kWhere, "an update's action is neither add nor remove");
    wanted.push_back({did, action == "add"});
  }
  KEEL_TRY(const auto outcomes, parts_.accounts.Apply(incoming.message().from, wanted));
  json updated = json::array();
  for (size_t i = 0; i < wanted.size(); ++i) {
    updated.push_back({{"recipient_did", wanted[i].recipient},
                       {"action", wanted[i].add ? "add" : "remove"},
                       {"result", OutcomeName(outcomes[i])}});
  }
  Message reply = incoming.Reply(TypeOf(version3, version3 ? "recipient-update-response" : "keylist-update-response"));
  reply.body = base::DumpJson({{"updated", std::move(updated)}});
  return reply;
}

Result<Message> CoordinateMediation::Query(const Incoming& incoming, bool version3) const {
  KEEL_TRY(const json body, incoming.message().ParseBody());
  uint64_t limit = kMaxRecipientUpdates, offset = 0;
  if (body.contains("paginate")) {
    KEEL_TRY(const json* page, base::GetObject(body, "paginate"));
    KEEL_TRY(limit, base::GetUint(*page, "limit"));
    KEEL_TRY(offset, base::GetUint(*page, "offset"));
    limit = std::min<uint64_t>(limit, kMaxRecipientUpdates);
  }
  size_t all = 0;
  const auto found = parts_.accounts.Recipients(incoming.message().from, offset, limit, all);
  json list = json::array();
  for (const std::string& did : found) list.push_back({{"recipient_did", did}});
  const uint64_t seen = std::min<uint64_t>(all, offset) + found.size();
  Message reply = incoming.Reply(TypeOf(version3, version3 ? "recipient" : "keylist"));
  reply.body =
      base::DumpJson({{version3 ? "dids" : "keys", std::move(list)},
                      {"pagination", {{"count", found.size()}, {"offset", offset}, {"remaining", all - seen}}}});
  return reply;
}

Result<std::vector<Outgoing>> CoordinateMediation::Receive(const Incoming& incoming) {
  const Message& message = incoming.message();
  if (!incoming.Proven()) return Fail(Code::kRefused, kWhere, "a sender who isn't proven");
  KEEL_TRY(const MessageType type, MessageType::Parse(message.type));
  const bool version3 = type.major == 3;
  std::optional<Result<Message>> reply;
  if (type.Is("mediate-request")) {
    reply = Request(incoming, version3);
  } else if (!parts_.accounts.Has(message.from) || !parts_.admit(message.from)) {
    return Fail(Code::kWrongState, kWhere, "'" + message.type + "' before mediation was granted");
  } else if (type.Is(version3 ? "recipient-update" : "keylist-update")) {
    reply = Update(incoming, version3);
  } else if (type.Is(version3 ? "recipient-query" : "keylist-query")) {
    reply = Query(incoming, version3);
  } else {
    return Fail(Code::kUnsupported, kWhere, "'" + message.type + "' is nothing for a mediator");
  }
  if (!*reply) return std::unexpected<Error>(reply->error());
  return std::vector<Outgoing>{{.message = std::move(**reply)}};
}

}  // namespace keel::didcomm
