// SPDX-License-Identifier: Apache-2.0
#include "didcomm/message.h"

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "crypto/hosted/software_key_store.h"

namespace keel::didcomm {
namespace {

using nlohmann::json;

std::unexpected<Error> Bad(std::string detail) { return Fail(Code::kMalformed, "didcomm message", std::move(detail)); }

Result<> Text(const json& object, const char* name, std::string& out) {
  const auto it = object.find(name);
  if (it == object.end()) return {};
  if (!it->is_string()) return Bad(std::string("member '") + name + "' is no string");
  out = it->get<std::string>();
  return {};
}

Result<> Number(const json& object, const char* name, std::optional<uint64_t>& out) {
  const auto it = object.find(name);
  if (it == object.end() || it->is_null()) return {};
  if (!it->is_number_unsigned() && !(it->is_number_integer() && it->get<int64_t>() >= 0))
    return Bad(std::string("member '") + name + "' is no positive integer");
  out = it->get<uint64_t>();
  return {};
}

Result<> Texts(const json& object, const char* name, std::vector<std::string>& out) {
  const auto it = object.find(name);
  if (it == object.end()) return {};
  if (!it->is_array() || it->size() > kMaxRecipients)
    return Bad(std::string("member '") + name + "' is no array, or too long");
  for (const json& item : *it) {
    if (!item.is_string()) return Bad(std::string("member '") + name + "' has an element that is no string");
    out.push_back(item.get<std::string>());
  }
  return {};
}

Result<Attachment> ReadAttachment(const json& value) {
  if (!value.is_object()) return Bad("an attachment is no object");
  Attachment attachment;
  KEEL_TRY_VOID(Text(value, "id", attachment.id));
  KEEL_TRY_VOID(Text(value, "description", attachment.description));
  KEEL_TRY_VOID(Text(value, "filename", attachment.filename));
  KEEL_TRY_VOID(Text(value, "media_type", attachment.media_type));
  KEEL_TRY_VOID(Text(value, "format", attachment.format));
  KEEL_TRY_VOID(Number(value, "lastmod_time", attachment.lastmod_time));
  KEEL_TRY_VOID(Number(value, "byte_count", attachment.byte_count));
  const auto data = value.find("data");
  if (data == value.end() || !data->is_object()) return Bad("an attachment without data");
  if (const auto content = data->find("json"); content != data->end()) attachment.json = base::DumpJson(*content);
  KEEL_TRY_VOID(Text(*data, "base64", attachment.base64));
  KEEL_TRY_VOID(Texts(*data, "links", attachment.links));
  KEEL_TRY_VOID(Text(*data, "hash", attachment.hash));
  if (const auto jws = data->find("jws"); jws != data->end()) attachment.jws = base::DumpJson(*jws);
  const int ways =
      (data->contains("json") ? 1 : 0) + (data->contains("base64") ? 1 : 0) + (data->contains("links") ? 1 : 0);
  if (ways == 0) return Bad("an attachment whose data has none of json, base64, links");
  if (!attachment.links.empty() && attachment.hash.empty()) return Bad("an attachment with links needs a hash");
  return attachment;
}

json WriteAttachment(const Attachment& attachment) {
  json out = json::object();
  auto put = [&out](const char* name, const std::string& value) {
    if (!value.empty()) out[name] = value;
  };
  put("id", attachment.id);
  put("description", attachment.description);
  put("filename", attachment.filename);
  put("media_type", attachment.media_type);
  put("format", attachment.format);
  if (attachment.lastmod_time) out["lastmod_time"] = *attachment.lastmod_time;
  if (attachment.byte_count) out["byte_count"] = *attachment.byte_count;
  json data = json::object();
  if (!attachment.json.empty()) {
    if (auto parsed = base::ParseJson(attachment.json)) data["json"] = std::move(*parsed);
  }
  if (!attachment.base64.empty()) data["base64"] = attachment.base64;
  if (!attachment.links.empty()) data["links"] = attachment.links;
  if (!attachment.hash.empty()) data["hash"] = attachment.hash;
  if (!attachment.jws.empty()) {
    if (auto parsed = base::ParseJson(attachment.jws)) data["jws"] = std::move(*parsed);
  }
  out["data"] = std::move(data);
  return out;
}

bool IsKnown(std::string_view name) {
  for (const std::string_view known :
       {"id", "type", "typ", "from", "to", "thid", "pthid", "created_time", "expires_time", "body", "attachments",
        "from_prior", "return_route", "please_ack", "ack"}) {
    if (name == known) return true;
  }
  return false;
}

}  // namespace

Result<json> Message::ParseBody() const { return base::ParseJson(body); }

Result<Message> Message::Parse(std::string_view plaintext) {
  KEEL_TRY(const json value, base::ParseJson(plaintext, {.max_size = kMaxMessage}));
  if (!value.is_object()) return Bad("no JSON object");
  Message message;
  std::string typ;
  KEEL_TRY_VOID(Text(value, "typ", typ));
  if (!typ.empty() && typ != kTypPlain) return Bad("typ is '" + typ + "', not that of a plaintext message");
  KEEL_TRY_VOID(Text(value, "id", message.id));
  KEEL_TRY_VOID(Text(value, "type", message.type));
  if (message.id.empty()) return Bad("no id");
  if (message.type.empty()) return Bad("no type");
  KEEL_TRY_VOID(Text(value, "from", message.from));
  KEEL_TRY_VOID(Texts(value, "to", message.to));
  KEEL_TRY_VOID(Text(value, "thid", message.thid));
  KEEL_TRY_VOID(Text(value, "pthid", message.pthid));
  KEEL_TRY_VOID(Number(value, "created_time", message.created_time));
  KEEL_TRY_VOID(Number(value, "expires_time", message.expires_time));
  const auto body = value.find("body");
  if (body == value.end() || !body->is_object()) return Bad("no body, or not an object");
  message.body = base::DumpJson(*body);
  if (const auto attachments = value.find("attachments"); attachments != value.end()) {
    if (!attachments->is_array() || attachments->size() > kMaxAttachments)
      return Bad("attachments is no array, or too long");
    for (const json& item : *attachments) {
      KEEL_TRY(message.attachments.emplace_back(), ReadAttachment(item));
    }
  }
  KEEL_TRY_VOID(Text(value, "from_prior", message.from_prior));
  KEEL_TRY_VOID(Text(value, "return_route", message.return_route));
  KEEL_TRY_VOID(Texts(value, "please_ack", message.please_ack));
  KEEL_TRY_VOID(Texts(value, "ack", message.ack));
  for (const auto& [name, member] : value.items()) {
    if (!IsKnown(name)) message.headers[name] = base::DumpJson(member);
  }
  return message;
}

Result<std::string> Message::Serialize() const {
  if (id.empty() || type.empty()) return Fail(Code::kInvalidArgument, "didcomm message", "id and type are required");
  nlohmann::ordered_json out = nlohmann::ordered_json::object();
  out["id"] = id;
  out["typ"] = kTypPlain;
  out["type"] = type;
  auto put = [&out](const char* name, const std::string& value) {
    if (!value.empty()) out[name] = value;
  };
  put("from", from);
  if (!to.empty()) out["to"] = to;
  put("thid", thid);
  put("pthid", pthid);
  if (created_time) out["created_time"] = *created_time;
  if (expires_time) out["expires_time"] = *expires_time;
  put("from_prior", from_prior);
  put("return_route", return_route);
  if (!please_ack.empty()) out["please_ack"] = please_ack;
  if (!ack.empty()) out["ack"] = ack;
  KEEL_TRY(const json parsed_body, base::ParseJson(body));
  if (!parsed_body.is_object()) return Fail(Code::kInvalidArgument, "didcomm message", "body is no JSON object");
  out["body"] = parsed_body;
  for (const Attachment& attachment : attachments)
    out["attachments"].push_back(nlohmann::ordered_json(WriteAttachment(attachment)));
  for (const auto& [name, text] : headers) {
    if (IsKnown(name))
      return Fail(Code::kInvalidArgument, "didcomm message", "header '" + name + "' has a field of its own");
    KEEL_TRY(const json value, base::ParseJson(text));
    out[name] = value;
  }
  std::string text = out.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
  if (text.size() > kMaxMessage)
    return Fail(Code::kTooLarge, "didcomm message", "over " + std::to_string(kMaxMessage) + " octets");
  return text;
}

std::string NewMessageId() {
  ByteArray<16> octets;
  KEEL_ASSERT(crypto::SystemRandom().Fill(octets).has_value());
  return base::Base64Url(octets);
}

}  // namespace keel::didcomm
