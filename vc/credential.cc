// SPDX-License-Identifier: Apache-2.0
#include "vc/credential.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "crypto/hosted/software_key_store.h"
#include "did/did.h"
#include "did/jose.h"
#include "vc/data_model/model.h"
#include "vc/status_list/entry.h"

namespace keel::vc {
namespace {

using nlohmann::json;
using Json = nlohmann::json;  // where a member of that name hides it

std::unexpected<Error> Bad(std::string detail) { return Fail(Code::kMalformed, "credential", std::move(detail)); }

// The value's elements when it is an array, else the value itself.
template <typename Each>
Result<> ForEach(const json& object, const char* name, Each each) {
  const auto value = object.find(name);
  if (value == object.end()) return {};
  if (!value->is_array()) return each(*value);
  for (const json& item : *value) KEEL_TRY_VOID(each(item));
  return {};
}

// Of a string, or of an object with an id: what the model's rules leave.
std::string IdOf(const json& value) {
  return value.is_string() ? value.get<std::string>() : value.value("id", std::string());
}

}  // namespace

bool Credential::Is(std::string_view type) const { return std::find(types.begin(), types.end(), type) != types.end(); }

Result<json> Credential::Subject() const { return base::ParseJson(subject_json); }

Result<Credential> Credential::Parse(std::string_view payload, size_t max_size) {
  KEEL_TRY(const Json value, base::ParseJson(payload, {.max_size = max_size}));
  KEEL_TRY(Credential credential, Read(value));
  if (credential.version != ModelVersion::kV2)
    return Fail(Code::kUnsupported, "credential", "a vc+jwt holds a credential of the data model 2.0");
  KEEL_TRY_VOID(credential.TakeClaims(value));
  credential.json = payload;
  return credential;
}

Result<Credential> Credential::Read(const Json& value) {
  Credential credential;
  KEEL_TRY(credential.version, CheckCredentialModel(value));
  const bool v2 = credential.version == ModelVersion::kV2;
  KEEL_TRY_VOID(ForEach(value, "type", [&](const Json& type) -> Result<> {
    credential.types.push_back(type.get<std::string>());
    return {};
  }));
  credential.id = value.value("id", std::string());
  credential.issuer = IdOf(value["issuer"]);
  KEEL_TRY_VOID(ForEach(value, "credentialSubject", [&](const Json& subject) -> Result<> {
    if (credential.subject_json.empty()) credential.subject_json = base::DumpJson(subject);
    if (subject.contains("id")) credential.subjects.push_back(subject["id"].get<std::string>());
    return {};
  }));
  KEEL_TRY(credential.valid_from, base::GetOptionalTime(value, v2 ? "validFrom" : "issuanceDate"));
  KEEL_TRY(credential.valid_until, base::GetOptionalTime(value, v2 ? "validUntil" : "expirationDate"));
  KEEL_TRY_VOID(ForEach(value, "credentialStatus", [&](const Json& status) -> Result<> {
    KEEL_TRY(credential.status.emplace_back(), ReadStatusEntry(status));
    return {};
  }));
  KEEL_TRY_VOID(ForEach(value, "credentialSchema", [&](const Json& schema) -> Result<> {
    credential.schemas.push_back(IdOf(schema));
    return {};
  }));
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
