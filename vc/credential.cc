// SPDX-License-Identifier: Apache-2.0
#include "vc/credential.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "crypto/hosted/software_key_store.h"
#include "did/did.h"
#include "did/jose.h"
#include "vc/status_list/entry.h"

namespace keel::vc {
namespace {

using nlohmann::json;
using Json = nlohmann::json;  // where a member of that name hides it

constexpr size_t kMaxStatuses = 16;

std::unexpected<Error> Bad(std::string detail) { return Fail(Code::kMalformed, "credential", std::move(detail)); }

// A string or an array of strings.
Result<std::vector<std::string>> Strings(const json& value, const char* name) {
  std::vector<std::string> out;
  if (value.is_string()) {
    out.push_back(value.get<std::string>());
  } else if (value.is_array()) {
    for (const json& item : value) {
      if (!item.is_string()) return Bad(std::string("'") + name + "' has an element that is no string");
      out.push_back(item.get<std::string>());
    }
  } else {
    return Bad(std::string("'") + name + "' is neither a string nor an array");
  }
  return out;
}

// A string, or an object with an id.
Result<std::string> IdOf(const json& value, const char* name) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_object()) {
    const auto id = value.find("id");
    if (id != value.end() && id->is_string()) return id->get<std::string>();
  }
  return Bad(std::string("'") + name + "' has no id");
}

bool IsUrl(std::string_view text) {
  const size_t colon = text.find(':');
  return colon != std::string_view::npos && colon > 0 && text.find_first_of(" \t\r\n<>\"") == std::string_view::npos;
}

Result<> ReadContext(const json& value) {
  const auto context = value.find("@context");
  if (context == value.end()) return Bad("no @context");
  const json& first = context->is_array() && !context->empty() ? (*context)[0] : *context;
  if (!first.is_string() || first != kContextV2) {
    return Fail(Code::kUnsupported, "credential", "the first @context is not " + std::string(kContextV2));
  }
  if (context->is_array()) {
    for (const json& item : *context) {
      if (!(item.is_string() && IsUrl(item.get_ref<const std::string&>())) && !item.is_object())
        return Bad("an @context is neither a URL nor an object");
    }
  }
  return {};
}

}  // namespace

bool Credential::Is(std::string_view type) const { return std::find(types.begin(), types.end(), type) != types.end(); }

Result<json> Credential::Subject() const { return base::ParseJson(subject_json); }

Result<Credential> Credential::Parse(std::string_view payload, size_t max_size) {
  KEEL_TRY(const Json value, base::ParseJson(payload, {.max_size = max_size}));
  KEEL_TRY(Credential credential, Read(value));
  KEEL_TRY_VOID(credential.TakeClaims(value));
  credential.json = payload;
  return credential;
}

Result<Credential> Credential::Read(const Json& value) {
  if (!value.is_object()) return Bad("no JSON object");
  KEEL_TRY_VOID(ReadContext(value));
  Credential credential;
  const auto type = value.find("type");
  if (type == value.end()) return Bad("no type");
  KEEL_TRY(credential.types, Strings(*type, "type"));
  if (!credential.Is("VerifiableCredential")) return Bad("type doesn't have VerifiableCredential");
  if (const auto id = value.find("id"); id != value.end()) {
    if (!id->is_string() || !IsUrl(id->get_ref<const std::string&>())) return Bad("id is no URL");
    credential.id = id->get<std::string>();
  }
  const auto issuer = value.find("issuer");
  if (issuer == value.end()) return Bad("no issuer");
  KEEL_TRY(credential.issuer, IdOf(*issuer, "issuer"));
  if (!IsUrl(credential.issuer)) return Bad("issuer is no URL");
  const auto subject = value.find("credentialSubject");
  if (subject == value.end()) return Bad("no credentialSubject");
  const Json subjects = subject->is_array() ? *subject : Json::array({*subject});
  if (subjects.empty()) return Bad("no credentialSubject");
  for (const Json& item : subjects) {
    if (!item.is_object() || item.empty()) return Bad("a credentialSubject is no object, or empty");
    if (const auto id = item.find("id"); id != item.end()) {
      if (!id->is_string() || !IsUrl(id->get_ref<const std::string&>())) return Bad("credentialSubject.id is no URL");
      credential.subjects.push_back(id->get<std::string>());
    }
  }
  credential.subject_json = base::DumpJson(subjects[0]);
  KEEL_TRY(credential.valid_from, base::GetOptionalTime(value, "validFrom"));
  KEEL_TRY(credential.valid_until, base::GetOptionalTime(value, "validUntil"));
  if (credential.valid_from && credential.valid_until && *credential.valid_until < *credential.valid_from)
    return Bad("validUntil is before validFrom");
  if (const auto status = value.find("credentialStatus"); status != value.end()) {
    const Json list = status->is_array() ? *status : Json::array({*status});
    if (list.size() > kMaxStatuses) return Bad("more than " + std::to_string(kMaxStatuses) + " credentialStatus");
    for (const Json& item : list) {
      KEEL_TRY(credential.status.emplace_back(), ReadStatusEntry(item));
    }
  }
  if (const auto schema = value.find("credentialSchema"); schema != value.end()) {
    const Json list = schema->is_array() ? *schema : Json::array({*schema});
    for (const Json& item : list) {
      KEEL_TRY(credential.schemas.emplace_back(), IdOf(item, "credentialSchema"));
    }
  }
  return credential;
}

Result<> Credential::TakeClaims(const Json& payload) {
  if (!payload.is_object()) return Bad("no JSON object");
  // The payload is the credential itself, never a claim in it.
  if (payload.contains("vc") || payload.contains("vp")) return Bad("a 'vc' or 'vp' claim must not be there");
  KEEL_TRY(const std::optional<std::string> iss, base::GetOptionalString(payload, "iss"));
  if (iss && *iss != issuer) return Bad("iss and issuer differ");
  KEEL_TRY(const std::optional<std::string> jti, base::GetOptionalString(payload, "jti"));
  if (jti && !id.empty() && *jti != id) return Bad("jti and id differ");
  KEEL_TRY(const std::optional<std::string> sub, base::GetOptionalString(payload, "sub"));
  if (sub && !subjects.empty() && *sub != subjects[0]) return Bad("sub and credentialSubject.id differ");
  KEEL_TRY(const std::optional<uint64_t> exp, base::GetOptionalUint(payload, "exp"));
  if (exp && (!valid_until || *exp < *valid_until)) valid_until = *exp;
  KEEL_TRY(const std::optional<uint64_t> nbf, base::GetOptionalUint(payload, "nbf"));
  if (nbf && (!valid_from || *nbf > *valid_from)) valid_from = *nbf;
  return {};
}

Result<std::string> IssueCredential(const json& credential, crypto::KeyStore& store, crypto::KeyHandle key,
                                    const std::string& kid) {
  std::string payload = base::DumpJson(credential);
  // What we would refuse to read we refuse to sign; status lists are the large ones.
  auto parsed = Credential::Parse(payload, 32 << 20);
  if (!parsed) return Fail(Code::kInvalidArgument, "issue credential", parsed.error().Text());
  if (did::DidOf(kid) != parsed->issuer) {
    return Fail(Code::kInvalidArgument, "issue credential",
                "the issuer is " + parsed->issuer + ", the key " + kid + " is another's");
  }
  return did::SignJws(json{{"kid", kid}, {"typ", "vc+jwt"}, {"cty", "vc"}}, payload, store, key);
}

std::string NewCredentialId() {
  ByteArray<16> octets;
  KEEL_ASSERT(crypto::SystemRandom().Fill(octets).has_value());
  octets[6] = static_cast<uint8_t>((octets[6] & 0x0f) | 0x40);
  octets[8] = static_cast<uint8_t>((octets[8] & 0x3f) | 0x80);
  const std::string hex = base::Hex(octets);
  return "urn:uuid:" + hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) +
         "-" + hex.substr(20);
}

}  // namespace keel::vc
