// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "crypto/hosted/jwk.h"
#include "did/jose.h"
#include "vc/sd_jwt/sd_jwt.h"

namespace keel::vc {
namespace {

using nlohmann::json;

std::unexpected<Error> Wrong(std::string detail) {
  return Fail(Code::kInvalidArgument, "present sd-jwt", std::move(detail));
}

// Whether a JSON pointer leads to something. nlohmann's own throws at pointers that are none.
bool Exists(const json& document, std::string_view pointer) {
  const json* at = &document;
  while (!pointer.empty()) {
    if (pointer[0] != '/') return false;
    pointer.remove_prefix(1);
    const std::string_view raw = pointer.substr(0, pointer.find('/'));
    pointer.remove_prefix(raw.size());
    if (at->is_object()) {
      std::string token;
      for (size_t i = 0; i < raw.size(); ++i) {
        if (raw[i] != '~') {
          token += raw[i];
        } else if (i + 1 < raw.size() && (raw[i + 1] == '0' || raw[i + 1] == '1')) {
          token += raw[++i] == '0' ? '~' : '/';
        } else {
          return false;
        }
      }
      const auto it = at->find(token);
      if (it == at->end()) return false;
      at = &*it;
    } else if (at->is_array()) {
      // Only the one spelling of a number, as pointers are compared as text.
      size_t index = 0;
      while (index < at->size() && std::to_string(index) != raw) ++index;
      if (index == at->size()) return false;
      at = &(*at)[index];
    } else {
      return false;
    }
  }
  return true;
}

Result<std::string> SignBinding(const SdJwt& presented, SdHash hash, const json& payload, const KeyBinding& binding) {
  if (binding.store == nullptr) return Wrong("no key to bind with");
  const auto cnf = payload.find("cnf");
  if (cnf == payload.end() || !cnf->is_object()) return Wrong("the SD-JWT names no holder's key (cnf)");
  if (const auto jwk = cnf->find("jwk"); jwk != cnf->end()) {
    KEEL_TRY(const crypto::PublicKey bound, crypto::PublicKeyFromJwk(*jwk, crypto::JwkUse::kVerify));
    KEEL_TRY(const crypto::PublicKey own, binding.store->Public(binding.key));
    if (!(bound == own)) return Wrong("the SD-JWT is bound to another key (cnf.jwk)");
  }
  const json claims = {{"aud", binding.audience},
                       {"iat", binding.iat},
                       {"nonce", binding.nonce},
                       {"sd_hash", SdDigest(hash, presented.Signed())}};
  return did::SignJws(json{{"typ", kTypKeyBinding}}, base::DumpJson(claims), *binding.store, binding.key);
}

}  // namespace

Result<std::string> PresentSdJwt(std::string_view issued, const std::vector<std::string>& reveal,
                                 const KeyBinding* binding) {
  KEEL_TRY(const SdJwt sd_jwt, SdJwt::Parse(issued));
  if (!sd_jwt.key_binding.empty()) return Wrong("it is a presentation already (its last part is a key binding JWT)");
  json payload;
  KEEL_TRY(const SdClaims claims, InspectSdJwt(sd_jwt, payload));
  for (const std::string& pointer : reveal) {
    if (!Exists(payload, pointer))
      return Fail(Code::kNotFound, "present sd-jwt", "the credential has no claim at '" + pointer + "'");
  }
  std::vector<bool> chosen(sd_jwt.disclosures.size());
  for (const DisclosedClaim& claim : claims.claims) {
    chosen[claim.disclosure] = std::any_of(reveal.begin(), reveal.end(), [&](const std::string& wanted) {
      return wanted.empty() || PointerWithin(wanted, claim.pointer);
    });
  }
  SdJwt presented{.jwt = sd_jwt.jwt, .disclosures = {}, .key_binding = {}, .unprotected_kid = {}};
  for (size_t i = 0; i < chosen.size(); ++i) {
    if (chosen[i]) presented.disclosures.push_back(sd_jwt.disclosures[i]);
  }
  if (binding != nullptr) {
    KEEL_TRY(presented.key_binding, SignBinding(presented, claims.hash, payload, *binding));
  }
  return presented.Compact();
}

}  // namespace keel::vc
