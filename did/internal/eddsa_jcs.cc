// SPDX-License-Identifier: Apache-2.0
#include "did/internal/eddsa_jcs.h"

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/jcs.h"
#include "base/json_strict.h"
#include "crypto/hash.h"
#include "crypto/signature.h"

namespace keel::did::internal {
namespace {

using nlohmann::json;

std::unexpected<Error> Bad(std::string detail) { return Fail(Code::kBadSignature, "proof", std::move(detail)); }

Result<std::string> KeyOf(const std::string& method) {
  constexpr std::string_view kPrefix = "did:key:";
  const size_t hash = method.find('#');
  if (!method.starts_with(kPrefix) || hash == std::string::npos) return Bad("verificationMethod is no did:key URL");
  std::string body = method.substr(kPrefix.size(), hash - kPrefix.size());
  // The body says whose key it is, the fragment which: they must not be two keys.
  if (body != std::string_view(method).substr(hash + 1)) return Bad("verificationMethod names two keys");
  return body;
}

}  // namespace

Result<> VerifyEddsaJcs(const json& document, const json& proof, std::string& multikey) {
  if (!proof.is_object()) return Bad("no object");
  const auto member = [&proof](const char* name) { return base::GetString(proof, name).value_or(""); };
  if (member("type") != "DataIntegrityProof") return Bad("type is not DataIntegrityProof");
  if (member("cryptosuite") != "eddsa-jcs-2022") return Bad("cryptosuite is not eddsa-jcs-2022");
  if (member("proofPurpose") != "assertionMethod") return Bad("proofPurpose is not assertionMethod");
  if (proof.contains("@context")) return Bad("a proof with @context over a document without");
  if (proof.contains("expires")) return Bad("a proof that expires");
  KEEL_TRY(multikey, KeyOf(member("verificationMethod")));
  const auto key = crypto::PublicKey::FromMultikey(multikey);
  if (!key || key->type() != crypto::KeyType::kEd25519) return Bad("verificationMethod is no Ed25519 key");
  const std::string value = member("proofValue");
  const auto signature = value.starts_with('z') ? base::FromMultibase(value) : Result<base::ByteVec>(Bad("z"));
  if (!signature || signature->size() != 64) return Bad("proofValue is not 64 octets in base58btc");

  json options = proof;
  options.erase("proofValue");
  KEEL_TRY(const std::string options_text, base::Jcs(options));
  KEEL_TRY(const std::string document_text, base::Jcs(document));
  const Bytes32 first = crypto::Sha256::Of(options_text), second = crypto::Sha256::Of(document_text);
  std::array<uint8_t, 64> message{};
  std::copy(first.begin(), first.end(), message.begin());
  std::copy(second.begin(), second.end(), message.begin() + 32);
  KEEL_TRY(const bool good, crypto::Verify(*key, message, *signature));
  if (!good) return Bad("the signature is not that of " + multikey);
  return {};
}

std::string WebvhHash(std::string_view octets) {
  const Bytes32 digest = crypto::Sha256::Of(octets);
  std::array<uint8_t, 34> multihash{0x12, 0x20};
  std::copy(digest.begin(), digest.end(), multihash.begin() + 2);
  return base::Base58(multihash).value_or("");
}

bool IsWebvhHash(std::string_view text) {
  const auto octets = text.size() == 46 ? base::FromBase58(text) : Result<base::ByteVec>(Bad("length"));
  return octets && octets->size() == 34 && (*octets)[0] == 0x12 && (*octets)[1] == 0x20;
}

}  // namespace keel::did::internal
