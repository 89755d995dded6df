// SPDX-License-Identifier: Apache-2.0
#include "exchange/formats.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "didcomm/attachment.h"

namespace keel::exchange {
namespace {

using didcomm::Attachment;
using didcomm::Message;
using nlohmann::json;
constexpr const char* kWhere = "credential attachment";

Result<std::vector<std::string>> Texts(const json& object, const char* name) {
  if (!object.contains(name)) return std::vector<std::string>();
  KEEL_TRY(std::vector<std::string> texts, base::GetStrings(object, name));
  const bool long_one =
      std::any_of(texts.begin(), texts.end(), [](const std::string& text) { return text.size() > kMaxWishText; });
  if (texts.size() > kMaxWishes || long_one)
    return Fail(Code::kTooLarge, kWhere, std::string(name) + ": over 16 texts, or one over 512 octets");
  return texts;
}

Result<std::string> Text(const json& object, const char* name) {
  KEEL_TRY(std::optional<std::string> text, base::GetOptionalString(object, name));
  if (text && text->size() > kMaxWishText) return Fail(Code::kTooLarge, kWhere, std::string(name) + " over 512 octets");
  return text.value_or("");
}

Result<const Attachment*> Find(const Message& message, std::initializer_list<std::string_view> formats) {
  for (const std::string_view format : formats) {
    for (const Attachment& attachment : message.attachments) {
      if (attachment.format == format) return &attachment;
    }
  }
  return Fail(Code::kUnsupported, kWhere, "no attachment of format " + std::string(*formats.begin()));
}

// The content, its hash checked if it has one. Nothing is fetched; signatures on attachments aren't asked for.
Result<std::string> Content(const Attachment& attachment, size_t max_octets) {
  if (attachment.json.empty() && attachment.base64.empty())
    return Fail(Code::kUnsupported, kWhere, "content by link; it must be in the message");
  Attachment unsigned_one = attachment;
  unsigned_one.jws.clear();
  KEEL_TRY(const didcomm::AttachmentContent content, didcomm::OpenAttachment(unsigned_one, {.max_octets = max_octets}));
  return base::ToString(content.octets);
}

Result<json> Json(const Attachment& attachment) {
  KEEL_TRY(const std::string text, Content(attachment, kMaxWish));
  return base::ParseJson(text);
}

Attachment FromJson(std::string_view format, const json& value) {
  Attachment attachment;
  attachment.id = "content";
  attachment.media_type = "application/json";
  attachment.format = format;
  attachment.json = base::DumpJson(value);
  return attachment;
}

}  // namespace

Attachment ToAttachment(const CredentialWish& wish, std::string_view format) {
  return FromJson(format, {{"types", wish.types}, {"claims", base::ParseJson(wish.claims).value_or(json::object())}});
}

Attachment ToAttachment(const PresentationWish& wish) {
  json wants = json::array();
  for (const PresentationWish::Want& want : wish.credentials) {
    json entry = {{"types", want.types}};
    if (!want.issuers.empty()) entry["issuers"] = want.issuers;
    wants.push_back(std::move(entry));
  }
  json value = {{"credentials", std::move(wants)}};
  if (!wish.nonce.empty()) value["nonce"] = wish.nonce;
  if (!wish.audience.empty()) value["audience"] = wish.audience;
  return FromJson(kFormatPresentationRequest, value);
}

Attachment JwtAttachment(std::string_view jwt, std::string_view format) {
  Attachment attachment;
  attachment.id = "content";
  attachment.media_type = format == kFormatCredential ? "application/vc+jwt" : "application/vp+jwt";
  attachment.format = format;
  attachment.base64 = base::Base64Url(AsBytes(jwt));
  return attachment;
}

Result<CredentialWish> ReadCredentialWish(const Message& message) {
  KEEL_TRY(const Attachment* attachment, Find(message, {kFormatRequest, kFormatOffer}));
  KEEL_TRY(const json value, Json(*attachment));
  if (!value.is_object()) return Fail(Code::kMalformed, kWhere, "no JSON object");
  CredentialWish wish;
  KEEL_TRY(wish.types, Texts(value, "types"));
  if (const auto claims = value.find("claims"); claims != value.end()) {
    if (!claims->is_object()) return Fail(Code::kMalformed, kWhere, "claims is no object");
    wish.claims = base::DumpJson(*claims);
  }
  return wish;
}

Result<PresentationWish> ReadPresentationWish(const Message& message) {
  KEEL_TRY(const Attachment* attachment, Find(message, {kFormatPresentationRequest}));
  KEEL_TRY(const json value, Json(*attachment));
  PresentationWish wish;
  KEEL_TRY(wish.nonce, Text(value, "nonce"));
  KEEL_TRY(wish.audience, Text(value, "audience"));
  KEEL_TRY(const json* wants, base::GetArray(value, "credentials"));
  if (wants->empty() || wants->size() > kMaxWishes)
    return Fail(Code::kMalformed, kWhere, "credentials has none, or over 16");
  for (const json& entry : *wants) {
    if (!entry.is_object()) return Fail(Code::kMalformed, kWhere, "an element of credentials is no object");
    PresentationWish::Want want;
    KEEL_TRY(want.types, Texts(entry, "types"));
    KEEL_TRY(want.issuers, Texts(entry, "issuers"));
    wish.credentials.push_back(std::move(want));
  }
  return wish;
}

Result<std::string> ReadJwt(const Message& message, std::string_view format) {
  KEEL_TRY(const Attachment* attachment, Find(message, {format}));
  if (attachment->base64.empty()) return Fail(Code::kMissing, kWhere, "no data.base64");
  return Content(*attachment, kMaxJwt);
}

bool HasAll(const std::vector<std::string>& has, const std::vector<std::string>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(),
                     [&has](const std::string& text) { return std::find(has.begin(), has.end(), text) != has.end(); });
}

}  // namespace keel::exchange
