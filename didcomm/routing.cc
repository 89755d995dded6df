// SPDX-License-Identifier: Apache-2.0
#include "didcomm/routing.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json_strict.h"
#include "did/did.h"
#include "didcomm/pack.h"
#include "didcomm/protocols/message_type.h"

namespace keel::didcomm {
namespace {

using nlohmann::json;

constexpr const char* kWhere = "didcomm routing";
constexpr std::string_view kProfile = "didcomm/v2";

// Anoncrypt uses no key of ours.
class NoKeys final : public did::KeyFinder {
 public:
  Result<did::KeyRef> Find(const std::string& kid) override { return Fail(Code::kNoSuchKey, kWhere, kid); }
};

// One entry of a serviceEndpoint as it stands in the document.
struct Listed {
  std::string uri;
  std::vector<std::string> accept, routing_keys;
};

Result<> Strings(const json& object, const char* name, std::vector<std::string>& out) {
  const auto it = object.find(name);
  if (it == object.end()) return {};
  if (!it->is_array()) return Fail(Code::kMalformed, kWhere, std::string(name) + " of a service is no array");
  for (const json& item : *it) {
    if (!item.is_string()) return Fail(Code::kMalformed, kWhere, std::string(name) + " of a service has no strings");
    out.push_back(item.get<std::string>());
  }
  return {};
}

// `value`: one object or string of a serviceEndpoint; `service`: where accept and routingKeys stand beside a bare
// string (DIDComm v1's and old did:peer's place).
Result<Listed> ReadEntry(const json& value, const json& service) {
  Listed listed;
  const json& properties = value.is_object() ? value : service;
  if (value.is_object()) {
    KEEL_TRY(listed.uri, base::GetString(value, "uri"));
  } else if (value.is_string()) {
    listed.uri = value.get<std::string>();
  } else {
    return Fail(Code::kMalformed, kWhere, "a serviceEndpoint is neither an object nor a string");
  }
  if (listed.uri.empty()) return Fail(Code::kMalformed, kWhere, "a serviceEndpoint has an empty uri");
  KEEL_TRY_VOID(Strings(properties, "accept", listed.accept));
  KEEL_TRY_VOID(Strings(properties, "routingKeys", listed.routing_keys));
  for (const std::string& key : listed.routing_keys) {
    if (!did::IsDid(did::DidOf(key)))
      return Fail(Code::kMalformed, kWhere, "the routing key '" + key + "' is no DID URL");
  }
  return listed;
}

bool Accepts(const Listed& listed) {
  // Parameters ("didcomm/v2;env=...") only narrow a profile.
  return listed.accept.empty() || std::any_of(listed.accept.begin(), listed.accept.end(), [](const std::string& entry) {
           return entry.substr(0, entry.find(';')) == kProfile;
         });
}

// The document's endpoints that accept DIDComm v2, in its order. `why` is set to what was passed over last.
std::vector<Listed> ReadServices(const did::DidDocument& document, Error& why) {
  std::vector<Listed> out;
  for (const did::Service& service : document.services) {
    if (std::find(service.types.begin(), service.types.end(), "DIDCommMessaging") == service.types.end()) continue;
    const auto object = base::ParseJson(service.json);
    if (!object || !object->is_object()) continue;  // a document's own text: it was parsed before
    const auto endpoint = object->find("serviceEndpoint");
    if (endpoint == object->end()) continue;
    const json one = json::array({*endpoint});
    for (const json& entry : endpoint->is_array() ? *endpoint : one) {
      if (out.size() == kMaxEndpoints) return out;
      auto listed = ReadEntry(entry, *object);
      if (!listed) {
        why = std::move(listed.error());
      } else if (!Accepts(*listed)) {
        why = Fail(Code::kUnsupported, kWhere, listed->uri + " doesn't accept " + std::string(kProfile)).error();
      } else {
        out.push_back(std::move(*listed));
      }
    }
  }
  return out;
}

Result<std::vector<Listed>> ServicesOf(const std::string& did_text, did::DidResolver& resolver, Error& why) {
  KEEL_TRY(const did::ResolutionResult result, resolver.Resolve(did_text));
  if (result.deactivated) return Fail(Code::kDeactivated, kWhere, did_text + " is deactivated");
  return ReadServices(*result.document, why);
}

// A mediator's own endpoints, with it as a hop in front of `behind`.
Result<std::vector<Endpoint>> ThroughMediator(const std::string& mediator, const std::vector<std::string>& behind,
                                              did::DidResolver& resolver) {
  Error why = Fail(Code::kNotFound, kWhere, "the mediator " + mediator + " has no DIDCommMessaging service").error();
  KEEL_TRY(std::vector<Listed> services, ServicesOf(mediator, resolver, why));
  std::vector<Endpoint> out;
  for (Listed& listed : services) {
    if (did::IsDid(did::DidOf(listed.uri))) {
      why = Fail(Code::kUnsupported, kWhere, "the mediator " + mediator + " names a mediator of its own").error();
      continue;
    }
    Endpoint endpoint{std::move(listed.uri), std::move(listed.routing_keys)};
    endpoint.hops.push_back(mediator);
    endpoint.hops.insert(endpoint.hops.end(), behind.begin(), behind.end());
    out.push_back(std::move(endpoint));
  }
  if (out.empty()) return std::unexpected<Error>(std::move(why));
  return out;
}

Result<std::string> PayloadOf(const Attachment& attachment) {
  std::string text = attachment.json;
  if (text.empty()) {
    if (attachment.base64.empty()) {
      return Fail(Code::kUnsupported, kWhere, "a forward whose payload must be fetched from a link");
    }
    auto octets = base::FromBase64Url(attachment.base64);
    if (!octets) octets = base::FromBase64(attachment.base64);  // some write the padded alphabet
    if (!octets) return Fail(Code::kMalformed, kWhere, "a forward's payload is no base64url");
    text = base::ToString(*octets);
  }
  if (!LooksEncrypted(text)) return Fail(Code::kMalformed, kWhere, "a forward's payload is no encrypted message");
  return text;
}

// Whether the payload is for us: it lists a key of `next`'s that we have. Nothing is resolved: a stranger chose `next`.
Result<bool> IsOurs(const Forward& forward, did::KeyFinder& keys) {
  for (const std::string& payload : forward.payloads) {
    KEEL_TRY(const json envelope, base::ParseJson(payload, {.max_size = 2 * kMaxMessage}));
    const json& recipients = envelope["recipients"];
    for (size_t i = 0; i < recipients.size() && i < kMaxRecipients; ++i) {
      const auto header = base::GetObject(recipients[i], "header");
      const auto kid = header ? base::GetString(**header, "kid") : Result<std::string>("");
      if (!kid || (*kid != forward.next && did::DidOf(*kid) != forward.next)) continue;
      auto key = keys.Find(*kid);
      if (key) return true;
      if (key.error().code != Code::kNoSuchKey) return std::unexpected<Error>(std::move(key.error()));
    }
  }
  return false;
}

}  // namespace

Result<std::vector<Endpoint>> FindEndpoints(const std::string& did, did::DidResolver& resolver) {
  Error why = Fail(Code::kNotFound, kWhere, did + " has no DIDCommMessaging service").error();
  KEEL_TRY(std::vector<Listed> services, ServicesOf(did, resolver, why));
  std::vector<Endpoint> out;
  for (Listed& listed : services) {
    std::vector<Endpoint> found;
    if (const std::string mediator(did::DidOf(listed.uri)); did::IsDid(mediator)) {
      auto through = mediator == did ? Fail(Code::kMalformed, kWhere, did + " names itself as its mediator")
                                     : ThroughMediator(mediator, listed.routing_keys, resolver);
      if (!through) {
        why = std::move(through.error());
        continue;
      }
      found = std::move(*through);
    } else {
      found.push_back({std::move(listed.uri), std::move(listed.routing_keys)});
    }
    for (Endpoint& endpoint : found) {
      if (endpoint.hops.size() > kMaxHops) {
        why = Fail(Code::kTooLarge, kWhere, endpoint.uri + ": over " + std::to_string(kMaxHops) + " hops").error();
      } else if (out.size() < kMaxEndpoints) {
        out.push_back(std::move(endpoint));
      }
    }
  }
  if (out.empty()) return std::unexpected<Error>(std::move(why));
  return out;
}

Result<std::string> WrapForward(std::string packed, const std::string& next, const std::vector<std::string>& hops,
                                did::DidResolver& resolver, const RouteOptions& options) {
  if (hops.size() > kMaxHops) return Fail(Code::kTooLarge, kWhere, "over " + std::to_string(kMaxHops) + " hops");
  if (!hops.empty() && !LooksEncrypted(packed))
    return Fail(Code::kRefused, kWhere, "only an encrypted message goes through mediators");
  NoKeys keys;
  for (size_t i = hops.size(); i-- > 0;) {
    const std::string& hop = hops[i];
    Message forward;
    forward.id = NewMessageId();
    forward.type = kForwardType;
    forward.to = {std::string(did::DidOf(hop))};
    forward.expires_time = options.expires_time;
    forward.body = base::DumpJson({{"next", i + 1 < hops.size() ? hops[i + 1] : next}});
    Attachment payload;
    payload.json = std::move(packed);
    forward.attachments.push_back(std::move(payload));
    PackOptions pack;
    pack.random = options.random;
    pack.anoncrypt = options.anoncrypt;
    KEEL_TRY(Packed wrapped, PackAnoncrypt(forward, hop, keys, resolver, pack));
    packed = std::move(wrapped.text);
  }
  return packed;
}

Result<std::vector<Delivery>> Route(std::string packed, const std::string& to, did::DidResolver& resolver,
                                    const RouteOptions& options) {
  KEEL_TRY(std::vector<Endpoint> endpoints, FindEndpoints(std::string(did::DidOf(to)), resolver));
  std::vector<Delivery> out;
  const std::vector<std::string>* last_hops = nullptr;
  Error why;
  for (Endpoint& endpoint : endpoints) {
    // A mediator's several uris take one envelope.
    if (last_hops != nullptr && *last_hops == endpoint.hops) {
      out.back().uris.push_back(std::move(endpoint.uri));
      continue;
    }
    auto envelope = WrapForward(packed, to, endpoint.hops, resolver, options);
    if (!envelope) {  // a mediator that can't be resolved: the recipient's other endpoints are left
      why = std::move(envelope.error());
      last_hops = nullptr;
      continue;
    }
    last_hops = &endpoint.hops;
    out.push_back({std::move(*envelope), {std::move(endpoint.uri)}});
  }
  if (out.empty()) return std::unexpected<Error>(std::move(why));
  return out;
}

bool IsForward(std::string_view type) {
  if (type == kForwardType) return true;
  const auto parsed = MessageType::Parse(type);
  const auto ours = MessageType::ParseProtocol(kRoutingProtocol);
  return parsed && ours && ours->Compatible(*parsed) && parsed->Is("forward");
}

bool LooksEncrypted(std::string_view text) {
  const auto value = base::ParseJson(text, {.max_size = 2 * kMaxMessage});
  if (!value || !value->is_object()) return false;
  const auto is_text = [&](const char* name) {
    const auto it = value->find(name);
    return it != value->end() && it->is_string();
  };
  const auto recipients = value->find("recipients");
  return is_text("protected") && is_text("ciphertext") && recipients != value->end() && recipients->is_array() &&
         !recipients->empty();
}

Result<Forward> UnwrapForward(const Message& message) {
  if (!IsForward(message.type))
    return Fail(Code::kUnsupported, kWhere, "'" + message.type + "' is not a forward of routing 2.0");
  KEEL_TRY(const json body, message.ParseBody());
  Forward forward;
  KEEL_TRY(forward.next, base::GetString(body, "next"));
  const std::string_view next_did = did::DidOf(forward.next);
  if (!did::IsDid(next_did) || forward.next.size() > did::kMaxDidUrl)
    return Fail(Code::kMalformed, kWhere, "a forward's next is no DID and no key's DID URL");
  if (message.attachments.empty()) return Fail(Code::kMalformed, kWhere, "a forward without a payload");
  if (message.attachments.size() > kMaxForwardPayloads)
    return Fail(Code::kTooLarge, kWhere, "a forward of more than " + std::to_string(kMaxForwardPayloads) + " payloads");
  for (const Attachment& attachment : message.attachments) {
    KEEL_TRY(forward.payloads.emplace_back(), PayloadOf(attachment));
  }
  return forward;
}

Result<Unpacked> UnpackForwarded(std::string_view text, did::KeyFinder& keys, did::DidResolver& resolver,
                                 const UnpackOptions& options) {
  KEEL_TRY(Unpacked unpacked, Unpack(text, keys, resolver, options));
  for (size_t depth = 0; IsForward(unpacked.message.type); ++depth) {
    KEEL_TRY(const Forward forward, UnwrapForward(unpacked.message));
    KEEL_TRY(const bool ours, IsOurs(forward, keys));
    if (!ours) break;
    if (depth == kMaxRewraps)
      return Fail(Code::kTooLarge, kWhere, "over " + std::to_string(kMaxRewraps) + " forwards in each other");
    if (forward.payloads.size() != 1)
      return Fail(Code::kUnsupported, kWhere, "a forward to ourselves of several payloads");
    KEEL_TRY(unpacked, Unpack(forward.payloads.front(), keys, resolver, options));
    unpacked.metadata.re_wrapped_in_forward = true;
  }
  return unpacked;
}

}  // namespace keel::didcomm
