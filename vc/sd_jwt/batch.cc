// SPDX-License-Identifier: Apache-2.0
#include "vc/sd_jwt/batch.h"

#include <nlohmann/json.hpp>
#include <set>

#include "base/encoding.h"
#include "did/did.h"
#include "vc/status_list/entry.h"

namespace keel::vc {
namespace {

using nlohmann::json;
using Json = nlohmann::json;  // where a member of that name hides it

// What is of one device alone, or may be: `properties` are the factory's own columns.
constexpr const char* kIdentifying[] = {"sub", "jti", "serial", "rootSeal", "properties", "status", "nbf", "exp"};

std::unexpected<Error> Wrong(std::string detail) {
  return Fail(Code::kInvalidArgument, "hardware batch", std::move(detail));
}

UnixSeconds Day(UnixSeconds time) { return time - time % kHardwareBatchDay; }

}  // namespace

Result<std::vector<std::string>> IssueHardwareBatch(const json& credential, const HardwareBatch& batch, Random& random,
                                                    crypto::KeyStore& store, crypto::KeyHandle key) {
  if (batch.keys.empty() || batch.keys.size() > kMaxHardwareBatch)
    return Wrong("from 1 to " + std::to_string(kMaxHardwareBatch) + " keys are needed");
  std::set<std::string> keys;
  for (const crypto::PublicKey& each : batch.keys) {
    if (!each.valid() || !keys.insert(base::Multikey(each)).second) return Wrong("a key is missing, or there twice");
  }
  if (!batch.status_list.empty() && !batch.status_index) return Wrong("a status list, and no source of indexes");
  KEEL_TRY(Json claims, HardwareSdJwtClaims(credential));
  if (claims.at("iss") != did::DidOf(batch.kid)) return Wrong("the key " + batch.kid + " is not the issuer's");
  for (const char* name : kIdentifying) claims.erase(name);
  claims["iat"] = Day(batch.issued_at);
  if (batch.valid_until) claims["exp"] = Day(*batch.valid_until);
  SdJwtIssue issue;
  issue.kid = batch.kid;
  issue.concealed = HardwareFactPointers(claims);
  if (issue.concealed.size() > kHardwareBatchDigests)
    return Wrong(std::to_string(issue.concealed.size()) + " facts, at most " + std::to_string(kHardwareBatchDigests));
  issue.decoys = kHardwareBatchDigests - issue.concealed.size();
  std::vector<std::string> out;
  for (const crypto::PublicKey& holder : batch.keys) {
    issue.holder = holder;
    if (!batch.status_list.empty()) {
      KEEL_TRY(const uint64_t index, batch.status_index());
      claims["status"] = {{"bitstring_status_list",
                           {{"type", kStatusEntryType},
                            {"statusPurpose", "revocation"},
                            {"statusListIndex", std::to_string(index)},
                            {"statusListCredential", batch.status_list}}}};
    }
    KEEL_TRY(out.emplace_back(), IssueSdJwt(claims, issue, random, store, key));
  }
  return out;
}

}  // namespace keel::vc
