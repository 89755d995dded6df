// SPDX-License-Identifier: Apache-2.0
#include "vc/sd_jwt/hardware.h"

#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "did/did.h"
#include "vc/types.h"

namespace keel::vc {
namespace {

using nlohmann::json;
using Json = nlohmann::json;  // where a member of that name hides it

// What belongs to the token and not to the device.
constexpr std::string_view kFrame[] = {"iss", "vct", "nbf", "exp", "iat", "status", "cnf"};

bool InFrame(std::string_view name) {
  for (const std::string_view member : kFrame) {
    if (member == name) return true;
  }
  return false;
}

}  // namespace

Result<json> HardwareSdJwtClaims(const json& credential) {
  KEEL_TRY_VOID(ReadHardware(credential));
  KEEL_TRY(const Credential read, Credential::Read(credential));
  Json claims = credential.at("credentialSubject");
  for (const auto& [name, value] : claims.items()) {
    if (InFrame(name) || name == "sub" || name == "jti")
      return Fail(Code::kMalformed, "hardware sd-jwt", "a fact is named '" + name + "'");
  }
  claims["sub"] = claims.at("id");
  claims.erase("id");
  if (!read.id.empty()) claims["jti"] = read.id;
  claims["iss"] = read.issuer;
  claims["vct"] = kHardwareVct;
  if (read.valid_from) claims["nbf"] = *read.valid_from;
  if (read.valid_until) claims["exp"] = *read.valid_until;
  if (const auto status = credential.find("credentialStatus"); status != credential.end()) {
    if (!status->is_object()) return Fail(Code::kMalformed, "hardware sd-jwt", "more than one credentialStatus");
    claims["status"] = {{"bitstring_status_list", *status}};
  }
  return claims;
}

std::vector<std::string> HardwareFactPointers(const json& claims) {
  std::vector<std::string> out;
  for (const auto& [name, value] : claims.items()) {
    if (InFrame(name)) continue;
    out.push_back(PointerTo("", name));
    if (name != "properties" || !value.is_object()) continue;
    for (const auto& [inner, unused] : value.items()) out.push_back(PointerTo("/properties", inner));
  }
  return out;
}

Result<std::string> IssueHardwareSdJwt(const json& credential, const std::string& kid, const crypto::PublicKey& holder,
                                       Random& random, crypto::KeyStore& store, crypto::KeyHandle key) {
  KEEL_TRY(const Json claims, HardwareSdJwtClaims(credential));
  if (claims.at("iss") != did::DidOf(kid)) {
    return Fail(Code::kInvalidArgument, "hardware sd-jwt",
                "the issuer is " + claims.at("iss").get<std::string>() + ", the key " + kid + " is another's");
  }
  SdJwtIssue issue;
  issue.kid = kid;
  issue.concealed = HardwareFactPointers(claims);
  issue.holder = holder;
  return IssueSdJwt(claims, issue, random, store, key);
}

Result<json> HardwareFromClaims(const json& claims) {
  KEEL_TRY(const std::string vct, base::GetString(claims, "vct"));
  if (vct != kHardwareVct) return Fail(Code::kMalformed, "hardware sd-jwt", "vct is '" + vct + "'");
  Json subject = Json::object();
  for (const auto& [name, value] : claims.items()) {
    if (!InFrame(name) && name != "jti") subject[name == "sub" ? "id" : name] = value;
  }
  Json out = {{"@context", {kContextV2, kKeelContext}},
              {"type", {"VerifiableCredential", kHardwareCredential}},
              {"issuer", claims.value("iss", "")},
              {"credentialSubject", std::move(subject)}};
  if (const auto id = claims.find("jti"); id != claims.end()) out["id"] = *id;
  for (const auto& [claim, member] : {std::pair("nbf", "validFrom"), std::pair("exp", "validUntil")}) {
    KEEL_TRY(const std::optional<uint64_t> time, base::GetOptionalUint(claims, claim));
    if (time) out[member] = base::Rfc3339(*time);
  }
  if (const auto status = claims.find("status"); status != claims.end() && status->is_object()) {
    if (const auto entry = status->find("bitstring_status_list"); entry != status->end())
      out["credentialStatus"] = *entry;
  }
  return out;
}

}  // namespace keel::vc
