// SPDX-License-Identifier: Apache-2.0
#include "didcomm/message.h"

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "crypto/hosted/software_key_store.h"
#include "didcomm/internal/message_text.h"

namespace keel::didcomm {
namespace {

using base::JsonText;
using nlohmann::json;

std::unexpected<Error> Bad(std::string detail) { return Fail(Code::kMalformed, "didcomm message", std::move(detail)); }

// A value's text without white space between its tokens: as it stands when it has none, which is what peers send.
std::string Compact(const JsonText::Value& value) {
  const std::string_view raw = value.raw();
  if (value.compact()) return std::string(raw);
  auto parsed = base::ParseJson(raw, {.max_size = 2 * kMaxMessage});
  KEEL_ASSERT(parsed.has_value());  // the scanner has taken it
  return base::DumpJson(*parsed);
}

Result<> Text(const JsonText::Value& value, const char* name, std::string& out) {
  if (!value.is_string()) return Bad(std::string("member '") + name + "' is no string");
  out = value.String();
  return {};
}

Result<> Number(const JsonText::Value& value, const char* name, std::optional<uint64_t>& out) {
  if (value.is_null()) return {};
  const auto number = value.Uint();
  if (!number) return Bad(std::string("member '") + name + "' is no positive integer");
  out = *number;
  return {};
}

Result<> Texts(const JsonText::Value& value, const char* name, std::vector<std::string>& out) {
  if (!value.is_array() || value.size() > kMaxRecipients)
    return Bad(std::string("member '") + name + "' is no array, or too long");
  for (const JsonText::Value item : value) {
    if (!item.is_string()) return Bad(std::string("member '") + name + "' has an element that is no string");
    out.push_back(item.String());
  }
  return {};
}

Result<> ReadData(const JsonText::Value& data, Attachment& attachment) {
  if (!data.is_object()) return Bad("an attachment without data");
  int ways = 0;
  for (auto it = data.begin(); !(it == data.end()); ++it) {
    const JsonText::Value name = it.name(), value = *it;
    if (name.Equals("json")) {
      attachment.json = Compact(value);
      ++ways;
    } else if (name.Equals("base64")) {
      KEEL_TRY_VOID(Text(value, "base64", attachment.base64));
      ++ways;
    } else if (name.Equals("links")) {
      KEEL_TRY_VOID(Texts(value, "links", attachment.links));
      if (attachment.links.empty()) return Bad("an attachment whose links are none");
      ++ways;
    } else if (name.Equals("hash")) {
      KEEL_TRY_VOID(Text(value, "hash", attachment.hash));
    } else if (name.Equals("jws")) {
      attachment.jws = Compact(value);
    }
  }
  if (ways == 0) return Bad("an attachment whose data has none of json, base64, links");
  if (!attachment.links.empty() && attachment.hash.empty()) return Bad("an attachment with links needs a hash");
  return {};
}

Result<Attachment> ReadAttachment(const JsonText::Value& root) {
  if (!root.is_object()) return Bad("an attachment is no object");
  Attachment attachment;
  bool has_data = false;
  for (auto it = root.begin(); !(it == root.end()); ++it) {
    const JsonText::Value name = it.name(), value = *it;
    if (name.Equals("id")) {
      KEEL_TRY_VOID(Text(value, "id", attachment.id));
    } else if (name.Equals("description")) {
      KEEL_TRY_VOID(Text(value, "description", attachment.description));
    } else if (name.Equals("filename")) {
      KEEL_TRY_VOID(Text(value, "filename", attachment.filename));
    } else if (name.Equals("media_type")) {
      KEEL_TRY_VOID(Text(value, "media_type", attachment.media_type));
    } else if (name.Equals("format")) {
      KEEL_TRY_VOID(Text(value, "format", attachment.format));
    } else if (name.Equals("lastmod_time")) {
      KEEL_TRY_VOID(Number(value, "lastmod_time", attachment.lastmod_time));
    } else if (name.Equals("byte_count")) {
      KEEL_TRY_VOID(Number(value, "byte_count", attachment.byte_count));
    } else if (name.Equals("data")) {
      KEEL_TRY_VOID(ReadData(value, attachment));
      has_data = true;
    }
  }
  if (!has_data) return Bad("an attachment without data");
  return attachment;
}

// Writes an object's members one after the other.
class Members {
 public:
  explicit Members(std::string& out) : out_(out) { out_ += '{'; }
  void End() { out_ += '}'; }
  void Name(std::string_view name) {
    if (!first_) out_ += ',';
    first_ = false;
    base::AppendJsonString(out_, name);
    out_ += ':';
  }
  void Text(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    Name(name);
    base::AppendJsonString(out_, value);
  }
  void Number(std::string_view name, const std::optional<uint64_t>& value) {
    if (!value) return;
    Name(name);
    out_ += std::to_string(*value);
  }
  void Texts(std::string_view name, const std::vector<std::string>& values) {
    if (values.empty()) return;
    Name(name);
    char before = '[';
    for (const std::string& value : values) {
      out_ += before;
      base::AppendJsonString(out_, value);
      before = ',';
    }
    out_ += ']';
  }
  // JSON text of the caller's: strict, and `object` says whether it must be one.
  Result<> Json(std::string_view name, const std::string& text, bool object = false) {
    auto parsed = JsonText::Parse(text, {.max_size = kMaxMessage, .max_depth = kMaxDepthInside});
    if (!parsed) {
      parsed.error().detail = "'" + std::string(name) + "': " + parsed.error().detail;
      return std::unexpected<Error>(std::move(parsed.error()));
    }
    if (object && !parsed->root().is_object())
      return Fail(Code::kInvalidArgument, "didcomm message", std::string(name) + " is no JSON object");
    Name(name);
    out_ += Compact(parsed->root());
    return {};
  }

 private:
  static constexpr size_t kMaxDepthInside = 28;  // so that the whole stays within a reader's 32
  std::string& out_;
  bool first_ = true;
};

Result<> WriteAttachment(std::string& out, const Attachment& attachment) {
  Members members(out);
  members.Text("id", attachment.id);
  members.Text("description", attachment.description);
  members.Text("filename", attachment.filename);
  members.Text("media_type", attachment.media_type);
  members.Text("format", attachment.format);
  members.Number("lastmod_time", attachment.lastmod_time);
  members.Number("byte_count", attachment.byte_count);
  members.Name("data");
  Members data(out);
  if (!attachment.json.empty()) KEEL_TRY_VOID(data.Json("json", attachment.json));
  if (!attachment.base64.empty() || (attachment.json.empty() && attachment.links.empty())) {
    data.Name("base64");  // also of content that is empty
    base::AppendJsonString(out, attachment.base64);
  }
  data.Texts("links", attachment.links);
  data.Text("hash", attachment.hash);
  if (!attachment.jws.empty()) KEEL_TRY_VOID(data.Json("jws", attachment.jws, true));
  data.End();
  members.End();
  return {};
}

bool IsKnown(std::string_view name) {
  for (const std::string_view known :
       {"id", "type", "typ", "from", "to", "thid", "pthid", "created_time", "expires_time", "body", "attachments",
        "from_prior", "return_route", "please_ack", "ack"}) {
    if (name == known) return true;
  }
  return false;
}

Result<> ReadMember(const std::string& name, const JsonText::Value& value, Message& message) {
  if (name == "id") return Text(value, "id", message.id);
  if (name == "type") return Text(value, "type", message.type);
  if (name == "from") return Text(value, "from", message.from);
  if (name == "to") return Texts(value, "to", message.to);
  if (name == "thid") return Text(value, "thid", message.thid);
  if (name == "pthid") return Text(value, "pthid", message.pthid);
  if (name == "created_time") return Number(value, "created_time", message.created_time);
  if (name == "expires_time") return Number(value, "expires_time", message.expires_time);
  if (name == "from_prior") return Text(value, "from_prior", message.from_prior);
  if (name == "return_route") return Text(value, "return_route", message.return_route);
  if (name == "please_ack") return Texts(value, "please_ack", message.please_ack);
  if (name == "ack") return Texts(value, "ack", message.ack);
  if (name == "typ") {
    std::string typ;
    KEEL_TRY_VOID(Text(value, "typ", typ));
    // A media type without '/' has "application/" before it (section "IANA Media Types").
    if (!typ.empty() && typ != kTypPlain && typ != kTypPlain.substr(kTypPlain.find('/') + 1))
      return Bad("typ is '" + typ + "', not that of a plaintext message");
    return {};
  }
  if (name == "body") {
    if (!value.is_object()) return Bad("body is no object");
    message.body = Compact(value);
    return {};
  }
  if (name == "attachments") {
    if (!value.is_array() || value.size() > kMaxAttachments) return Bad("attachments is no array, or too long");
    for (const JsonText::Value item : value) {
      KEEL_TRY(message.attachments.emplace_back(), ReadAttachment(item));
    }
    return {};
  }
  message.headers[name] = Compact(value);
  return {};
}

}  // namespace

Result<json> Message::ParseBody() const { return base::ParseJson(body); }

Result<Message> ReadMessage(const JsonText::Value& root, Body body) {
  if (!root.is_object()) return Bad("no JSON object");
  Message message;
  for (auto it = root.begin(); !(it == root.end()); ++it) {
    KEEL_TRY_VOID(ReadMember(it.name().String(), *it, message));
  }
  if (message.id.empty()) return Bad("no id");
  if (message.type.empty()) return Bad("no type");
  if (body == Body::kRequired && !root.Find("body")) return Bad("no body");
  return message;
}

Result<Message> Message::Parse(std::string_view plaintext) {
  KEEL_TRY(const JsonText parsed, JsonText::Parse(plaintext, {.max_size = kMaxMessage}));
  return ReadMessage(parsed.root(), Body::kRequired);
}

Result<std::string> Message::Serialize() const {
  if (id.empty() || type.empty()) return Fail(Code::kInvalidArgument, "didcomm message", "id and type are required");
  std::string out;
  size_t inside = 0;
  for (const Attachment& attachment : attachments)
    inside += attachment.json.size() + attachment.base64.size() + attachment.jws.size() + 256;
  out.reserve(512 + from.size() + body.size() + from_prior.size() + inside);
  Members members(out);
  members.Text("id", id);
  members.Text("typ", kTypPlain);
  members.Text("type", type);
  members.Text("from", from);
  members.Texts("to", to);
  members.Text("thid", thid);
  members.Text("pthid", pthid);
  members.Number("created_time", created_time);
  members.Number("expires_time", expires_time);
  members.Text("from_prior", from_prior);
  members.Text("return_route", return_route);
  members.Texts("please_ack", please_ack);
  members.Texts("ack", ack);
  KEEL_TRY_VOID(members.Json("body", body, true));
  if (!attachments.empty()) {
    members.Name("attachments");
    char before = '[';
    for (const Attachment& attachment : attachments) {
      out += before;
      KEEL_TRY_VOID(WriteAttachment(out, attachment));
      before = ',';
    }
    out += ']';
  }
  for (const auto& [name, text] : headers) {
    if (IsKnown(name))
      return Fail(Code::kInvalidArgument, "didcomm message", "header '" + name + "' has a field of its own");
    KEEL_TRY_VOID(members.Json(name, text));
  }
  members.End();
  if (out.size() > kMaxMessage)
    return Fail(Code::kTooLarge, "didcomm message", "over " + std::to_string(kMaxMessage) + " octets");
  return out;
}

std::string NewMessageId() {
  ByteArray<16> octets;
  KEEL_ASSERT(crypto::SystemRandom().Fill(octets).has_value());
  return base::Base64Url(octets);
}

}  // namespace keel::didcomm
