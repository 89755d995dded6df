// SPDX-License-Identifier: Apache-2.0
#include "vc/enveloped.h"

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "vc/data_model/model.h"

namespace keel::vc {
namespace {

using Syntax = SecuredType::Syntax;
constexpr SecuredType kTypes[] = {
    {"application/vc+jwt", Syntax::kJwt, true, false},      {"application/vp+jwt", Syntax::kJwt, false, true},
    {"application/jwt", Syntax::kJwt, true, true},          {"application/vc+sd-jwt", Syntax::kSdJwt, true, false},
    {"application/vp+sd-jwt", Syntax::kSdJwt, false, true}, {"application/dc+sd-jwt", Syntax::kSdJwt, true, false},
    {"application/vc+cose", Syntax::kCose, true, false},    {"application/vp+cose", Syntax::kCose, false, true},
};

std::unexpected<Error> Bad(std::string what) { return Fail(Code::kMalformed, "data URL", std::move(what)); }

char Lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = Lower(c);
  return out;
}

int HexDigit(char c) {
  c = Lower(c);
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

Result<std::string> PercentDecode(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? HexDigit(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? HexDigit(text[i + 2]) : -1;
    if (high < 0 || low < 0) return Bad("a '%' is not followed by two hexadecimal digits");
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  return out;
}

Result<std::string> DecodeBase64(std::string text) {
  while (!text.empty() && std::string_view(" \t\r\n").contains(text.back())) text.pop_back();
  while (text.size() % 4 != 0) text += '=';
  KEEL_TRY(const base::ByteVec octets, base::FromBase64(text));
  return base::ToString(octets);
}

}  // namespace

Result<SecuredType> SecuredTypeOf(std::string_view media_type) {
  std::string known;
  for (const SecuredType& type : kTypes) {
    if (type.media_type == media_type) return type;
    known += (known.empty() ? "" : ", ") + std::string(type.media_type);
  }
  return Fail(
      Code::kUnsupported, "media type",
      "'" + std::string(media_type.substr(0, 64)) + "' is no secured credential or presentation; known: " + known);
}

Result<Envelope> OpenDataUrl(std::string_view url, size_t max_size) {
  constexpr std::string_view kScheme = "data:";
  if (!url.starts_with(kScheme)) return Bad("it doesn't begin with data:");
  url.remove_prefix(kScheme.size());
  const size_t comma = url.find(',');
  if (comma == std::string_view::npos) return Bad("no ',' before the data");
  // Three characters for one octet is the most that an encoding adds.
  if (comma > 256 || (url.size() - comma) / 3 > max_size)
    return Fail(Code::kTooLarge, "data URL", "more than " + std::to_string(max_size) + " octets");
  std::string head = Lower(url.substr(0, comma));
  const bool base64 = head.ends_with(";base64");
  head = head.substr(0, head.find(';'));
  Envelope envelope{{}, {}};
  KEEL_TRY(envelope.type, SecuredTypeOf(head));
  KEEL_TRY(envelope.octets, PercentDecode(url.substr(comma + 1)));
  if (base64) {
    KEEL_TRY(envelope.octets, DecodeBase64(std::move(envelope.octets)));
  }
  if (envelope.octets.size() > max_size)
    return Fail(Code::kTooLarge, "data URL", "more than " + std::to_string(max_size) + " octets");
  return envelope;
}

Result<nlohmann::json> MakeEnvelope(std::string_view media_type, std::string_view octets) {
  KEEL_TRY(const SecuredType type, SecuredTypeOf(media_type));
  // Tokens are made of characters that a URL can have; CBOR isn't.
  std::string url = "data:" + std::string(media_type);
  url += type.syntax == Syntax::kCose ? ";base64," + base::Base64(AsBytes(octets)) : "," + std::string(octets);
  return nlohmann::json{{"@context", kContextV2},
                        {"type", type.presentation && !type.credential ? kEnvelopedPresentation : kEnvelopedCredential},
                        {"id", std::move(url)}};
}

}  // namespace keel::vc
