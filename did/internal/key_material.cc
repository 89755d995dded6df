// SPDX-License-Identifier: Apache-2.0
#include "did/internal/key_material.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "base/encoding.h"
#include "crypto/hosted/jwk.h"

namespace keel::did::internal {
namespace {

using crypto::KeyType;
using crypto::PublicKey;
using nlohmann::json;

// Types whose name says what key they hold.
constexpr std::pair<std::string_view, KeyType> kSuites[] = {
    {"Ed25519VerificationKey2018", KeyType::kEd25519},
    {"Ed25519VerificationKey2020", KeyType::kEd25519},
    {"X25519KeyAgreementKey2018", KeyType::kX25519},
    {"X25519KeyAgreementKey2019", KeyType::kX25519},
    {"X25519KeyAgreementKey2020", KeyType::kX25519},
    {"EcdsaSecp256k1VerificationKey2018", KeyType::kSecp256k1},
    {"EcdsaSecp256k1VerificationKey2019", KeyType::kSecp256k1},
    {"EcdsaSecp256r1VerificationKey2019", KeyType::kP256},
    {"EcdsaSecp384r1VerificationKey2019", KeyType::kP384},
    {"EcdsaSecp521r1VerificationKey2019", KeyType::kP521},
    {"P256Key2021", KeyType::kP256},
    {"P384Key2021", KeyType::kP384},
    {"P521Key2021", KeyType::kP521},
};
constexpr std::string_view kGeneric[] = {"Multikey", "JsonWebKey", "JsonWebKey2020", "JwsVerificationKey2020"};

constexpr const char* kMaterials[] = {"publicKeyJwk", "publicKeyMultibase", "publicKeyBase58", "publicKeyHex"};

// Octets without a multicodec: the key as its type has it; curves with coordinates uncompressed too (SEC 1).
Result<PublicKey> FromRaw(KeyType type, ByteView octets) {
  const bool edwards = type == KeyType::kEd25519 || type == KeyType::kX25519;
  if (!edwards && octets.size() == 2 * crypto::PublicKeyLength(type) - 1)
    return PublicKey::FromUncompressed(type, octets);
  return PublicKey::Create(type, octets);
}

Result<PublicKey> FromMultibaseText(const std::string& text, std::optional<KeyType> fixed) {
  auto octets = base::FromMultibase(text);
  if (!octets) {
    // Longer than any key of ours.
    if (octets.error().code == Code::kTooLarge) return Fail(Code::kUnsupported, "multikey", "too long");
    return std::unexpected<Error>(std::move(octets.error()));
  }
  if (!fixed) return PublicKey::FromMultikeyOctets(*octets);
  // Some writers of the 2020 suites leave the multicodec out. The length tells: it is two octets more with it.
  const size_t length = crypto::PublicKeyLength(*fixed);
  if (octets->size() != length + 2) return FromRaw(*fixed, *octets);
  auto key = PublicKey::FromMultikeyOctets(*octets);
  if (!key && key.error().code == Code::kUnsupported)
    return Fail(Code::kBadKey, "multikey", "its multicodec is not that of the method's type");
  return key;
}

// Upper case is a writer's choice here, no second spelling that matters.
Result<base::ByteVec> AnyHex(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c + 32);
  }
  return base::FromHex(text);
}

Result<PublicKey> ReadOne(const char* name, const json& value, std::optional<KeyType> fixed) {
  const std::string_view material = name;
  if (material == "publicKeyJwk") return crypto::PublicKeyFromJwk(value);
  const auto* text = value.get_ptr<const std::string*>();
  if (text == nullptr) return Fail(Code::kMalformed, name, "is no string");
  if (material == "publicKeyMultibase") return FromMultibaseText(*text, fixed);
  if (!fixed) return Fail(Code::kMalformed, name, "without a type that fixes the key's");
  KEEL_TRY(const base::ByteVec octets, material == "publicKeyBase58" ? base::FromBase58(*text) : AnyHex(*text));
  return FromRaw(*fixed, octets);
}

}  // namespace

Result<PublicKey> ReadKeyMaterial(const json& method, const std::string& type, const std::string& id) {
  const auto bad = [&id](const std::string& what) {
    return Fail(Code::kInvalidDidDocument, "did document", "verification method " + id + ": " + what);
  };
  std::optional<KeyType> fixed;
  bool known = false;
  for (const auto& [name, held] : kSuites) {
    if (type == name) fixed = held;
  }
  for (const std::string_view name : kGeneric) known = known || type == name;
  if (!fixed && !known) return PublicKey();
  PublicKey found;
  bool seen = false;
  for (const char* name : kMaterials) {
    const auto it = method.find(name);
    if (it == method.end() || it->is_null()) continue;
    auto key = ReadOne(name, *it, fixed);
    if (!key && key.error().code == Code::kUnsupported) key = PublicKey();
    if (!key) return bad(key.error().Text());
    if (fixed && key->valid() && key->type() != *fixed) return bad("the key is not of type " + type);
    if (seen && !(*key == found)) return bad("its key is written in two ways that differ");
    found = *key;
    seen = true;
  }
  return found;
}

}  // namespace keel::did::internal
