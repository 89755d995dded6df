// SPDX-License-Identifier: Apache-2.0
#include "vc/sd_jwt/sd_jwt.h"

#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "did/jose.h"

namespace keel::vc {
namespace {

using nlohmann::json;

constexpr std::string_view kSpace = " \t\r\n";

std::unexpected<Error> Bad(std::string detail) { return Fail(Code::kMalformed, "sd-jwt", std::move(detail)); }

Result<SdJwt> ParseCompact(std::string_view text) {
  SdJwt out;
  const size_t first = text.find('~');
  if (first == std::string_view::npos) return Bad("no '~' after the issuer's JWT");
  out.jwt = text.substr(0, first);
  text.remove_prefix(first + 1);
  for (size_t next = text.find('~'); next != std::string_view::npos; next = text.find('~')) {
    if (next == 0) return Bad("an empty disclosure");
    if (out.disclosures.size() == kMaxDisclosures) return Fail(Code::kTooLarge, "sd-jwt", "too many disclosures");
    out.disclosures.emplace_back(text.substr(0, next));
    text.remove_prefix(next + 1);
  }
  out.key_binding = text;
  return out;
}

// RFC 7515, section 7.2.1: the two headers share no name.
Result<> Disjoint(const std::string& protected_header, const json& header) {
  KEEL_TRY(const base::ByteVec octets, base::FromBase64Url(protected_header));
  KEEL_TRY(const json parsed, base::ParseJson(AsText(octets), {.max_size = 16 << 10}));
  for (const auto& [name, value] : header.items()) {
    if (parsed.is_object() && parsed.contains(name))
      return Fail(Code::kDuplicate, "sd-jwt", "'" + name + "' is in the protected and the unprotected header");
  }
  return {};
}

Result<SdJwt> ParseJsonForm(std::string_view text, size_t max_size) {
  KEEL_TRY(const json object, base::ParseJson(text, {.max_size = max_size}));
  if (!object.is_object()) return Bad("no object");
  KEEL_TRY(const std::string payload, base::GetString(object, "payload"));
  const json* signature = &object;
  if (const auto list = object.find("signatures"); list != object.end()) {
    if (object.contains("signature") || object.contains("protected") || object.contains("header"))
      return Bad("'signatures' beside the members of the flattened form");
    if (!list->is_array() || list->empty()) return Bad("'signatures' is no array, or empty");
    for (size_t i = 1; i < list->size(); ++i) {
      const json& other = (*list)[i];
      const auto header = other.is_object() ? other.find("header") : other.end();
      if (!other.is_object()) return Bad("a signature is no object");
      if (header != other.end() && (header->contains("disclosures") || header->contains("kb_jwt")))
        return Bad("'disclosures' and 'kb_jwt' belong into the first signature's header");
    }
    signature = &(*list)[0];
  }
  KEEL_TRY(const std::string protected_header, base::GetString(*signature, "protected"));
  KEEL_TRY(const std::string octets, base::GetString(*signature, "signature"));
  SdJwt out;
  if (const auto header = signature->find("header"); header != signature->end()) {
    if (!header->is_object()) return Bad("'header' is no object");
    KEEL_TRY_VOID(Disjoint(protected_header, *header));
    if (header->contains("crit")) return Bad("'crit' in an unprotected header");
    if (const auto disclosures = header->find("disclosures"); disclosures != header->end()) {
      if (!disclosures->is_array()) return Bad("'disclosures' is no array");
      for (const json& disclosure : *disclosures) {
        // With a '~' in it one disclosure could be read as two once it is in the compact form.
        if (!disclosure.is_string() || disclosure == "" ||
            disclosure.get_ref<const std::string&>().find('~') != std::string::npos)
          return Bad("'disclosures' has an element that is no disclosure");
        out.disclosures.push_back(disclosure.get<std::string>());
      }
    }
    KEEL_TRY(const std::optional<std::string> key_binding, base::GetOptionalString(*header, "kb_jwt"));
    if (key_binding && key_binding->empty()) return Bad("'kb_jwt' is empty");
    out.key_binding = key_binding.value_or("");
    KEEL_TRY(const std::optional<std::string> kid, base::GetOptionalString(*header, "kid"));
    out.unprotected_kid = kid.value_or("");
  }
  out.jwt = protected_header + "." + payload + "." + octets;
  if (out.jwt.find('~') != std::string::npos) return Bad("a '~' in the JWT");
  return out;
}

}  // namespace

Result<SdJwt> SdJwt::Parse(std::string_view octets, size_t max_size) {
  if (octets.size() > max_size) return Fail(Code::kTooLarge, "sd-jwt", "over " + std::to_string(max_size) + " octets");
  // A file's or terminal's last newline belongs to neither form.
  while (!octets.empty() && kSpace.find(octets.back()) != std::string_view::npos) octets.remove_suffix(1);
  while (!octets.empty() && kSpace.find(octets.front()) != std::string_view::npos) octets.remove_prefix(1);
  if (octets.starts_with('{')) return ParseJsonForm(octets, max_size);
  return ParseCompact(octets);
}

std::string SdJwt::Signed() const {
  std::string out = jwt + '~';
  for (const std::string& disclosure : disclosures) (out += disclosure) += '~';
  return out;
}

std::string SdJwt::Compact() const { return Signed() + key_binding; }

Result<SdClaims> InspectSdJwt(const SdJwt& sd_jwt, json& payload) {
  KEEL_TRY(const did::Jws jws, did::Jws::Parse(sd_jwt.jwt, kMaxCredential));
  KEEL_TRY(payload, base::ParseJson(jws.payload, {.max_size = kMaxCredential}));
  return DiscloseClaims(payload, sd_jwt.disclosures);
}

std::vector<std::string_view> CriticalClaims(std::string_view typ) {
  std::vector<std::string_view> names = {"iss", "nbf", "exp", "cnf", "status"};
  if (typ == kTypSdJwtVc || typ == kTypVcSdJwt) {
    for (const char* name : {"vct", "vct#integrity", "aka_vcts"}) names.emplace_back(name);
  }
  if (typ == kTypVcSdJwt) {
    for (const char* name : {"validFrom", "validUntil", "credentialStatus"}) names.emplace_back(name);
  }
  return names;
}

}  // namespace keel::vc
