// SPDX-License-Identifier: Apache-2.0
#include "did/methods/jwk.h"

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "crypto/hosted/jwk.h"
#include "did/did.h"

namespace keel::did {
namespace {

using nlohmann::json;

constexpr std::string_view kPrefix = "did:jwk:";
constexpr uint8_t kSigning = 1 | 2 | 8 | 16;  // all but key agreement
constexpr uint8_t kAgreement = static_cast<uint8_t>(Relationship::kKeyAgreement);

std::unexpected<Error> Bad(std::string detail) { return Fail(Code::kInvalidDid, "did:jwk", std::move(detail)); }

// The relationships that `use` gives and the key type can serve for; 0: none.
uint8_t UsesOf(crypto::KeyType type, JwkUse use) {
  uint8_t uses = 0;
  if (use != JwkUse::kEncryption && CanServe(type, Relationship::kAuthentication)) uses |= kSigning;
  if (use != JwkUse::kSignature && CanServe(type, Relationship::kKeyAgreement)) uses |= kAgreement;
  return uses;
}

}  // namespace

Result<std::string> DidJwk(const crypto::PublicKey& key, JwkUse use) {
  json jwk = crypto::PublicKeyToJwk(key);
  if (!jwk.is_object() || UsesOf(key.type(), use) == 0)
    return Fail(Code::kUnsupported, "did:jwk", "no key, or one that can't serve for that use");
  if (use == JwkUse::kSignature) jwk["use"] = "sig";
  if (use == JwkUse::kEncryption) jwk["use"] = "enc";
  return std::string(kPrefix) + base::Base64Url(AsBytes(base::DumpJson(jwk)));
}

Result<DidDocument> ResolveJwk(std::string_view did) {
  KEEL_TRY(const Did parsed, Did::Parse(did));
  if (parsed.method != "jwk") return Fail(Code::kMethodNotSupported, "did:jwk", "did:" + parsed.method);
  const auto octets = base::FromBase64Url(parsed.id);
  if (!octets) return Bad(octets.error().Text());
  const auto jwk = base::ParseJson(AsText(*octets), {.max_size = kMaxJwk});
  if (!jwk) return Bad(jwk.error().Text());
  const auto key = crypto::PublicKeyFromJwk(*jwk);
  if (!key) return Bad(key.error().Text());
  JwkUse use = JwkUse::kAny;
  if (const auto it = jwk->find("use"); it != jwk->end()) {
    if (*it == "sig") {
      use = JwkUse::kSignature;
    } else if (*it == "enc") {
      use = JwkUse::kEncryption;
    } else {
      return Bad("the JWK's use is neither sig nor enc");
    }
  }
  const uint8_t uses = UsesOf(key->type(), use);
  if (uses == 0) return Bad("the JWK's use is one that its key type can't serve for");
  DidDocument document;
  document.id = did;
  std::string kid;
  if (const auto it = jwk->find("kid"); it != jwk->end() && it->is_string()) kid = it->get<std::string>();
  document.methods.push_back({document.id + "#0", "JsonWebKey2020", document.id, *key, std::move(kid), uses});
  return document;
}

Result<ResolutionResult> JwkMethod::Resolve(const std::string& did, const ResolutionOptions& options) {
  KEEL_TRY_VOID(RefuseVersions(options, "did:jwk"));
  KEEL_TRY(DidDocument document, ResolveJwk(did));
  ResolutionResult result;
  result.document = std::make_shared<const DidDocument>(std::move(document));
  return result;
}

}  // namespace keel::did
