// SPDX-License-Identifier: Apache-2.0
#include "didcomm/protocols/discover_features.h"

#include <algorithm>
#include <charconv>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "core/wildcard.h"
#include "crypto/hosted/software_key_store.h"
#include "didcomm/protocols/message_type.h"

namespace keel::didcomm {
namespace {

using nlohmann::json;

constexpr std::string_view kMaxReceiveBytes = "max_receive_bytes";

Result<std::string> Id(const json& object, const char* name) {
  KEEL_TRY(std::string text, base::GetString(object, name));
  if (text.size() > kMaxFeatureId)
    return Fail(Code::kTooLarge, "discover features", std::string(name) + " over 512 octets");
  return text;
}

// The specification's example has the number as a string; a number is plain enough to be read too.
std::optional<uint64_t> ReadSize(const json& item) {
  const auto member = item.find(std::string(kMaxReceiveBytes));
  if (member == item.end()) return std::nullopt;
  if (member->is_number_unsigned()) return member->get<uint64_t>();
  if (!member->is_string()) return std::nullopt;
  const auto text = member->get<std::string>();
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

void Shuffle(std::vector<Disclosure>& list) {
  for (size_t i = list.size(); i > 1; --i) {
    ByteArray<4> octets;
    if (!crypto::SystemRandom().Fill(octets)) return;
    std::swap(list[i - 1], list[ByteReader(octets).U32() % i]);
  }
}

}  // namespace

Message MakeQueries(const std::vector<FeatureQuery>& queries) {
  Message message;
  message.type = kQueriesType;
  json list = json::array();
  for (const FeatureQuery& query : queries)
    list.push_back({{"feature-type", query.feature_type}, {"match", query.match}});
  message.body = base::DumpJson({{"queries", std::move(list)}});
  return message;
}

Result<std::vector<FeatureQuery>> ReadQueries(const Message& message) {
  KEEL_TRY(const json body, message.ParseBody());
  KEEL_TRY(const json* list, base::GetArray(body, "queries"));
  if (list->size() > kMaxQueries) return Fail(Code::kTooLarge, "discover features", "over 32 queries");
  std::vector<FeatureQuery> out;
  for (const json& item : *list) {
    FeatureQuery query;
    KEEL_TRY(query.feature_type, Id(item, "feature-type"));
    KEEL_TRY(query.match, Id(item, "match"));
    out.push_back(std::move(query));
  }
  return out;
}

Message MakeDisclose(const std::vector<Disclosure>& disclosures) {
  Message message;
  message.type = kDiscloseType;
  json list = json::array();
  for (const Disclosure& item : disclosures) {
    if (list.size() == kMaxDisclosures) break;
    json entry = {{"feature-type", item.feature_type}, {"id", item.id}};
    if (!item.roles.empty()) entry["roles"] = item.roles;
    if (item.max_receive_bytes) entry[std::string(kMaxReceiveBytes)] = std::to_string(*item.max_receive_bytes);
    list.push_back(std::move(entry));
  }
  message.body = base::DumpJson({{"disclosures", std::move(list)}});
  return message;
}

Result<std::vector<Disclosure>> ReadDisclose(const Message& message) {
  KEEL_TRY(const json body, message.ParseBody());
  KEEL_TRY(const json* list, base::GetArray(body, "disclosures"));
  if (list->size() > kMaxDisclosures) return Fail(Code::kTooLarge, "discover features", "over 256 disclosures");
  std::vector<Disclosure> out;
  for (const json& item : *list) {
    Disclosure disclosure;
    KEEL_TRY(disclosure.feature_type, Id(item, "feature-type"));
    KEEL_TRY(disclosure.id, Id(item, "id"));
    if (item.contains("roles")) {
      KEEL_TRY(disclosure.roles, base::GetStrings(item, "roles"));
    }
    if (disclosure.id == kMaxReceiveBytes) disclosure.max_receive_bytes = ReadSize(item);
    out.push_back(std::move(disclosure));
  }
  return out;
}

std::optional<uint64_t> MaxReceiveBytes(const std::vector<Disclosure>& disclosures) {
  for (const Disclosure& item : disclosures) {
    if (item.feature_type == "constraint" && item.id == kMaxReceiveBytes) return item.max_receive_bytes;
  }
  return std::nullopt;
}

std::vector<ProtocolInfo> DiscoverFeatures::Speaks() const {
  return {{std::string(kDiscoverFeaturesProtocol), {"requester", "responder"}}};
}

std::vector<Disclosure> DiscoverFeatures::All() const {
  std::vector<Disclosure> all;
  const std::vector<ProtocolInfo> protocols = features_.protocols ? features_.protocols() : Speaks();
  for (const ProtocolInfo& info : protocols) all.push_back({"protocol", info.uri, info.roles, {}});
  for (const std::string& id : features_.goal_codes) all.push_back({"goal-code", id, {}, {}});
  for (const std::string& id : features_.headers) all.push_back({"header", id, {}, {}});
  for (const std::string& id : features_.accept) all.push_back({"accept", id, {}, {}});
  if (features_.max_receive_bytes)
    all.push_back({"constraint", std::string(kMaxReceiveBytes), {}, features_.max_receive_bytes});
  return all;
}

Result<std::vector<Outgoing>> DiscoverFeatures::Receive(const Incoming& incoming) {
  const Message& message = incoming.message();
  KEEL_TRY(const MessageType type, MessageType::Parse(message.type));
  std::vector<Outgoing> out;
  if (type.Is("queries")) {
    KEEL_TRY(const std::vector<FeatureQuery> queries, ReadQueries(message));
    if (!incoming.Proven()) return out;
    std::vector<Disclosure> answer;
    for (Disclosure& item : All()) {
      const bool wanted = std::any_of(queries.begin(), queries.end(), [&item](const FeatureQuery& query) {
        return query.feature_type == item.feature_type && MatchesWildcard(query.match, item.id);
      });
      if (wanted && (!features_.shows || features_.shows(incoming, item))) answer.push_back(std::move(item));
    }
    Shuffle(answer);
    Message reply = incoming.Reply(std::string(kDiscloseType));
    reply.body = MakeDisclose(answer).body;
    out.push_back({.message = std::move(reply)});
    return out;
  }
  if (type.Is("disclose")) {
    KEEL_TRY(const std::vector<Disclosure> disclosures, ReadDisclose(message));
    if (on_disclose_) on_disclose_(incoming, disclosures);
    return out;
  }
  return Fail(Code::kUnsupported, "discover features", "no message type of this protocol: " + message.type);
}

}  // namespace keel::didcomm
