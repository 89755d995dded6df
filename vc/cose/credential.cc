// SPDX-License-Identifier: Apache-2.0
#include "vc/cose/credential.h"

#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "did/did.h"
#include "vc/common_checks.h"

namespace keel::vc {
namespace {

using nlohmann::json;

constexpr size_t kMaxIssued = 32 << 20;  // as IssueCredential: status lists are the large ones

}  // namespace

Result<base::ByteVec> IssueCose(const json& credential, crypto::KeyStore& store, crypto::KeyHandle key,
                                const std::string& kid) {
  const std::string payload = base::DumpJson(credential);
  // What we would refuse to read we refuse to sign.
  const auto parsed = Credential::Parse(payload, kMaxIssued);
  if (!parsed) return Fail(Code::kInvalidArgument, "issue vc+cose", parsed.error().Text());
  if (did::DidOf(kid) != parsed->issuer) {
    return Fail(Code::kInvalidArgument, "issue vc+cose",
                "the issuer is " + parsed->issuer + ", the key " + kid + " is another's");
  }
  const CoseHeaders headers{.content_type = "application/vc", .typ = std::string(kTypVcCose), .kid = kid, .claims = {}};
  return SignCoseSign1(headers, AsBytes(payload), store, key);
}

Result<base::ByteVec> PresentCose(const json& presentation, const CwtClaims& bound, crypto::KeyStore& store,
                                  crypto::KeyHandle key, const std::string& kid) {
  const std::string holder = HolderOf(presentation);
  if (holder.empty() || did::DidOf(kid) != holder) {
    return Fail(Code::kInvalidArgument, "present vp+cose",
                "the holder is '" + holder + "', the key " + kid + " is another's");
  }
  CoseHeaders headers{.content_type = "application/vp", .typ = std::string(kTypVpCose), .kid = kid, .claims = bound};
  headers.claims.issuer = holder;
  return SignCoseSign1(headers, AsBytes(base::DumpJson(presentation)), store, key);
}

}  // namespace keel::vc
