// SPDX-License-Identifier: Apache-2.0
#include "didcomm/protocols/out_of_band.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "base/net/http.h"
#include "didcomm/protocols/message_type.h"

namespace keel::didcomm {
namespace {

using nlohmann::json;
constexpr const char* kWhere = "out-of-band invitation";

std::unexpected<Error> Bad(std::string detail) { return Fail(Code::kMalformed, kWhere, std::move(detail)); }

// The value of a query parameter, decoded; none when it isn't there.
Result<std::optional<std::string>> QueryValue(std::string_view url, std::string_view name) {
  if (url.size() > kMaxInvitationUrl) return Fail(Code::kTooLarge, kWhere, "the URL is over 64 KiB");
  url = url.substr(0, url.find('#'));
  const size_t question = url.find('?');
  if (question == std::string_view::npos) return std::nullopt;
  std::string_view query = url.substr(question + 1);
  std::optional<std::string> found;
  while (!query.empty()) {
    const size_t end = std::min(query.find('&'), query.size());
    const std::string_view pair = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos || pair.substr(0, equals) != name) continue;
    if (found) return Fail(Code::kDuplicate, kWhere, "the URL has " + std::string(name) + " twice");
    KEEL_TRY(found, base::UrlDecode(pair.substr(equals + 1)));
  }
  return found;
}

Result<std::string> WithQuery(std::string_view base, std::string_view name, std::string_view value) {
  const size_t scheme = base.find("://");
  const std::string_view kind = base.substr(0, scheme);
  if (scheme == std::string_view::npos || (kind != "https" && kind != "http") || base.size() == scheme + 3)
    return Fail(Code::kInvalidArgument, kWhere, "'" + std::string(base) + "' is no http or https URL");
  for (const char c : base) {
    if (static_cast<unsigned char>(c) <= 0x20 || c == '#' || static_cast<unsigned char>(c) >= 0x7F)
      return Fail(Code::kInvalidArgument, kWhere, "the URL has a fragment, or characters that no URL has");
  }
  for (const char* taken : {"_oob", "oob", "_oobid", "oobid"}) {
    KEEL_TRY(const auto there, QueryValue(base, taken));
    if (there) return Fail(Code::kInvalidArgument, kWhere, "the URL has " + std::string(taken) + " already");
  }
  std::string url(base);
  if (url.find('?') == std::string::npos) {
    // "https://example.com?_oob=" is a URL too, but not all readers think so.
    if (url.find('/', scheme + 3) == std::string::npos) url += '/';
    url += '?';
  } else if (url.back() != '?' && url.back() != '&') {
    url += '&';
  }
  return url + std::string(name) + "=" + std::string(value);
}

Result<std::string> Bounded(const json& body, const char* name) {
  KEEL_TRY(std::optional<std::string> text, base::GetOptionalString(body, name));
  if (text && text->size() > kMaxInvitationText)
    return Fail(Code::kTooLarge, kWhere, std::string(name) + " over 1024 octets");
  return text.value_or("");
}

}  // namespace

std::vector<Message> Invitation::Messages() const {
  std::vector<Message> messages;
  for (const Attachment& attachment : attachments) {
    std::string text = attachment.json;
    if (text.empty() && !attachment.base64.empty()) {
      const auto octets = base::FromBase64Url(attachment.base64);
      if (!octets) continue;
      text = base::ToString(*octets);
    }
    if (text.empty()) continue;
    // Some put the message's text into data.json as a string.
    if (text.front() == '"') {
      const auto inner = base::ParseJson(text);
      if (!inner) continue;
      text = inner->get<std::string>();
    }
    auto message = Message::Parse(text);
    if (!message) continue;
    if (message->from.empty()) message->from = from;
    if (message->from == from) messages.push_back(std::move(*message));
  }
  return messages;
}

Result<> Invitation::Attach(const Message& message) {
  Message copy = message;
  if (copy.id.empty()) copy.id = NewMessageId();
  if (attachments.size() >= kMaxAttachments) return Fail(Code::kTooLarge, kWhere, "too many attachments");
  Attachment attachment;
  attachment.id = "request-" + std::to_string(attachments.size());
  attachment.media_type = kTypPlain;
  KEEL_TRY(attachment.json, copy.Serialize());
  attachments.push_back(std::move(attachment));
  return {};
}

bool Invitation::AcceptsV2() const {
  // "didcomm/v2;..." names a profile of the same.
  return accept.empty() || std::any_of(accept.begin(), accept.end(), [](const std::string& profile) {
           return profile == "didcomm/v2" || profile.starts_with("didcomm/v2;");
         });
}

Result<Invitation> Invitation::FromMessage(const Message& message, std::optional<UnixSeconds> now) {
  KEEL_TRY(const MessageType type, MessageType::Parse(message.type));
  const auto ours = MessageType::ParseProtocol(kOutOfBandProtocol);
  if (!type.Compatible(*ours) || !type.Is("invitation"))
    return Fail(Code::kUnsupported, kWhere,
                "message type '" + message.type + "' is not " + std::string(kInvitationType));
  if (message.from.empty()) return Fail(Code::kMissing, kWhere, "no from: it doesn't say whose invitation it is");
  if (!message.from.starts_with("did:")) return Bad("from is no DID");
  KEEL_TRY(const json body, message.ParseBody());
  Invitation out;
  out.id = message.id;
  out.from = message.from;
  KEEL_TRY(out.goal_code, Bounded(body, "goal_code"));
  KEEL_TRY(out.goal, Bounded(body, "goal"));
  if (body.contains("accept")) {
    KEEL_TRY(out.accept, base::GetStrings(body, "accept"));
    if (out.accept.size() > kMaxInvitationAccept) return Fail(Code::kTooLarge, kWhere, "over 16 profiles in accept");
  }
  out.attachments = message.attachments;
  out.created_time = message.created_time;
  out.expires_time = message.expires_time;
  if (now && out.expires_time && !NotAfterOk(*out.expires_time, *now))
    return Fail(Code::kExpired, kWhere, "it was good until " + base::Rfc3339(*out.expires_time));
  return out;
}

Result<Message> Invitation::ToMessage() const {
  if (from.empty()) return Fail(Code::kMissing, kWhere, "an invitation needs the sender's DID");
  if (goal.size() > kMaxInvitationText || goal_code.size() > kMaxInvitationText || accept.size() > kMaxInvitationAccept)
    return Fail(Code::kTooLarge, kWhere, "goal or goal_code over 1024 octets, or over 16 profiles");
  Message message;
  message.id = id.empty() ? NewMessageId() : id;
  message.type = kInvitationType;
  message.from = from;
  message.created_time = created_time;
  message.expires_time = expires_time;
  json body = json::object();
  if (!goal_code.empty()) body["goal_code"] = goal_code;
  if (!goal.empty()) body["goal"] = goal;
  if (!accept.empty()) body["accept"] = accept;
  message.body = base::DumpJson(body);
  message.attachments = attachments;
  return message;
}

Result<std::string> Invitation::ToUrl(std::string_view base_url) const {
  KEEL_TRY(const Message message, ToMessage());
  KEEL_TRY(const std::string text, message.Serialize());
  if (text.size() > kMaxInvitation)
    return Fail(Code::kTooLarge, kWhere, "over 32 KiB: serve it under a short URL instead");
  return WithQuery(base_url, "_oob", base::Base64Url(AsBytes(text)));
}

Result<Invitation> Invitation::FromUrl(std::string_view url, std::optional<UnixSeconds> now) {
  KEEL_TRY(std::optional<std::string> encoded, QueryValue(url, "_oob"));
  if (!encoded) {
    KEEL_TRY(encoded, QueryValue(url, "oob"));
  }
  if (!encoded) {
    if (ShortInvitationId(url))
      return Fail(Code::kUnsupported, kWhere, "this is a short URL: the invitation has to be fetched from it");
    return Fail(Code::kMissing, kWhere, "the URL has no _oob parameter");
  }
  while (encoded->ends_with('=')) encoded->pop_back();  // padded by senders who don't know better
  const auto octets = base::FromBase64Url(*encoded);
  if (!octets) return Bad("_oob is no base64url: " + octets.error().detail);
  if (octets->size() > kMaxInvitation) return Fail(Code::kTooLarge, kWhere, "over 32 KiB");
  KEEL_TRY(const Message message, Message::Parse(base::ToString(*octets)));
  return FromMessage(message, now);
}

Result<Invitation> Invitation::FromText(std::string_view text, std::optional<UnixSeconds> now) {
  const auto blank = [](char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  if (!text.starts_with('{')) return FromUrl(text, now);
  if (text.size() > kMaxInvitation) return Fail(Code::kTooLarge, kWhere, "over 32 KiB");
  KEEL_TRY(const Message message, Message::Parse(text));
  return FromMessage(message, now);
}

std::optional<std::string> ShortInvitationId(std::string_view url) {
  for (const char* name : {"_oobid", "oobid"}) {
    const auto id = QueryValue(url, name);
    if (id && *id && !(*id)->empty()) return **id;
  }
  return std::nullopt;
}

Result<std::string> ShortInvitationUrl(std::string_view base_url, std::string_view id) {
  if (id.empty() || id.size() > 64) return Fail(Code::kInvalidArgument, kWhere, "an id has 1 to 64 characters");
  for (const char c : id) {
    const bool unreserved = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                            c == '.' || c == '_' || c == '~';
    if (!unreserved) return Fail(Code::kInvalidArgument, kWhere, "an id has only unreserved URI characters");
  }
  return WithQuery(base_url, "_oobid", id);
}

Result<Invitation> FetchInvitation(const std::string& url, base::HttpClient& client, std::optional<UnixSeconds> now,
                                   const base::Deadlines& deadlines) {
  if (!ShortInvitationId(url)) return Fail(Code::kMissing, kWhere, "the URL has no _oobid parameter");
  base::HttpCall call;
  call.url = url;
  call.max_response = kMaxInvitationUrl;
  KEEL_TRY(const base::HttpResponse response, client.Send(call, deadlines));
  if (response.status == 301 || response.status == 302 || response.status == 303 || response.status == 307 ||
      response.status == 308) {
    const std::string_view location = base::FindHeader(response.headers, "Location");
    if (location.empty()) return Fail(Code::kMalformed, kWhere, url + " redirects to nowhere");
    return Invitation::FromUrl(location, now);
  }
  if (!response.ok()) return Fail(Code::kHttpStatus, kWhere, url + " answered " + std::to_string(response.status));
  return Invitation::FromText(response.body, now);
}

std::vector<ProtocolInfo> OutOfBand::Speaks() const {
  return {{std::string(kOutOfBandProtocol), {"sender", "receiver"}}};
}

Result<std::vector<Outgoing>> OutOfBand::Receive(const Incoming& incoming) {
  KEEL_TRY(const MessageType type, MessageType::Parse(incoming.message().type));
  if (!type.Is("invitation"))
    return Fail(Code::kUnsupported, kWhere, "no message type of this protocol: " + incoming.message().type);
  KEEL_TRY(const Invitation invitation, Invitation::FromMessage(incoming.message(), incoming.now));
  if (on_invitation_) on_invitation_(incoming, invitation);
  return std::vector<Outgoing>();
}

}  // namespace keel::didcomm
