// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/json_strict.h"
#include "crypto/hosted/jwk.h"
#include "did/jose.h"
#include "vc/sd_jwt/sd_jwt.h"

namespace keel::vc {
namespace {

using nlohmann::json;

constexpr size_t kMaxDecoys = 64;

std::unexpected<Error> Wrong(std::string detail) {
  return Fail(Code::kInvalidArgument, "issue sd-jwt", std::move(detail));
}

// Replaces the claims at the pointers by digests, the innermost first.
class Concealer {
 public:
  Concealer(const SdJwtIssue& issue, Random& random) : issue_(issue), random_(random) {
    pointers_.insert(issue.concealed.begin(), issue.concealed.end());
  }

  Result<> Conceal(json& node, const std::string& pointer) {
    if (node.is_object()) return ConcealObject(node, pointer);
    if (node.is_array()) return ConcealArray(node, pointer);
    return {};
  }

  // Pointers that led nowhere, once Conceal is done.
  const std::set<std::string>& left() const { return pointers_; }
  const std::vector<std::string>& disclosures() const { return disclosures_; }

 private:
  Result<> ConcealObject(json& object, const std::string& pointer) {
    std::vector<std::string> names;
    for (auto& [name, value] : object.items()) {
      if (name == "_sd" || name == "..." || name == "_sd_alg") return Wrong("no claim may be named '" + name + "'");
      const std::string at = PointerTo(pointer, name);
      KEEL_TRY_VOID(Conceal(value, at));
      if (pointers_.erase(at) != 0) names.push_back(name);
    }
    if (names.empty()) return {};
    json digests = json::array();
    for (const std::string& name : names) {
      KEEL_TRY(std::string disclosure, MakeDisclosure(&name, object[name], random_));
      digests.push_back(SdDigest(issue_.hash, disclosure));
      disclosures_.push_back(std::move(disclosure));
      object.erase(name);
    }
    for (size_t i = 0; i < issue_.decoys; ++i) {
      KEEL_TRY(digests.emplace_back(), Decoy());
    }
    std::sort(digests.begin(), digests.end());
    object["_sd"] = std::move(digests);
    return {};
  }

  Result<> ConcealArray(json& array, const std::string& pointer) {
    bool conceals = false;
    for (size_t i = 0; i < array.size(); ++i) {
      const std::string at = PointerTo(pointer, std::to_string(i));
      KEEL_TRY_VOID(Conceal(array[i], at));
      if (pointers_.erase(at) == 0) continue;
      conceals = true;
      KEEL_TRY(std::string disclosure, MakeDisclosure(nullptr, array[i], random_));
      array[i] = {{"...", SdDigest(issue_.hash, disclosure)}};
      disclosures_.push_back(std::move(disclosure));
    }
    if (!conceals) return {};
    for (size_t i = 0; i < issue_.decoys; ++i) {
      KEEL_TRY(std::string decoy, Decoy());
      array.push_back({{"...", std::move(decoy)}});
    }
    return {};
  }

  // Indistinguishable from the digest of a disclosure (section 4.2.5).
  Result<std::string> Decoy() {
    Bytes32 octets;
    KEEL_TRY_VOID(random_.Fill(octets));
    return SdDigest(issue_.hash, AsText(octets));
  }

  const SdJwtIssue& issue_;
  Random& random_;
  std::set<std::string> pointers_;
  std::vector<std::string> disclosures_;
};

}  // namespace

Result<std::string> IssueSdJwt(const json& claims, const SdJwtIssue& issue, Random& random, crypto::KeyStore& store,
                               crypto::KeyHandle key) {
  if (!claims.is_object()) return Wrong("the claims are no JSON object");
  if (issue.decoys > kMaxDecoys) return Wrong("over " + std::to_string(kMaxDecoys) + " decoys");
  if (issue.concealed.size() > kMaxDisclosures) return Wrong("too many claims to conceal");
  for (const std::string& pointer : issue.concealed) {
    if (std::count(issue.concealed.begin(), issue.concealed.end(), pointer) != 1)
      return Wrong("'" + pointer + "' is there twice");
    for (const std::string_view name : CriticalClaims(issue.typ)) {
      if (PointerWithin(pointer, PointerTo("", name)))
        return Wrong("'" + pointer + "' decides over validity and can't be concealed");
    }
  }
  json payload = claims;
  Concealer concealer(issue, random);
  KEEL_TRY_VOID(concealer.Conceal(payload, ""));
  if (!concealer.left().empty()) return Wrong("no claim is at '" + *concealer.left().begin() + "'");
  if (!issue.concealed.empty()) payload["_sd_alg"] = SdHashName(issue.hash);
  if (issue.holder.valid()) {
    if (payload.contains("cnf")) return Wrong("'cnf' is there already");
    payload["cnf"]["jwk"] = crypto::PublicKeyToJwk(issue.holder);
  }
  json header = {{"typ", issue.typ}};
  if (!issue.kid.empty()) header["kid"] = issue.kid;
  SdJwt out;
  KEEL_TRY(out.jwt, did::SignJws(header, base::DumpJson(payload), store, key));
  out.disclosures = concealer.disclosures();
  return out.Signed();
}

}  // namespace keel::vc
