// SPDX-License-Identifier: Apache-2.0
#include "crypto/hosted/jwk.h"

#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/encoding.h"
#include "crypto/signature.h"

namespace keel::crypto {
namespace {

struct Curve {
  KeyType type;
  const char* kty;
  const char* crv;
  uint64_t private_codec;  // multicodec of the private key
};
constexpr Curve kCurves[] = {
    {KeyType::kEd25519, "OKP", "Ed25519", 0x1300}, {KeyType::kX25519, "OKP", "X25519", 0x1302},
    {KeyType::kP256, "EC", "P-256", 0x1306},       {KeyType::kSecp256k1, "EC", "secp256k1", 0x1301},
    {KeyType::kP384, "EC", "P-384", 0x1307},       {KeyType::kP521, "EC", "P-521", 0x1308},
};

// The string member, or null.
const std::string* Text(const nlohmann::json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : found->get_ptr<const std::string*>();
}

Result<const Curve*> CurveNamed(std::string_view kty, std::string_view crv) {
  if (kty != "OKP" && kty != "EC")
    return Fail(Code::kUnsupported, "JWK", "kty " + std::string(kty.substr(0, 32)) + " is not taken; use OKP or EC");
  for (const Curve& curve : kCurves) {
    if (kty == curve.kty && crv == curve.crv) return &curve;
  }
  return Fail(Code::kUnsupported, "JWK",
              "crv " + std::string(crv.substr(0, 32)) + " is not taken with kty " + std::string(kty));
}

Result<const Curve*> CurveOf(const nlohmann::json& jwk) {
  const std::string* kty = Text(jwk, "kty");
  const std::string* crv = Text(jwk, "crv");
  if (kty == nullptr) return Fail(Code::kMalformed, "JWK", "member kty is missing or no string");
  if (*kty != "OKP" && *kty != "EC") return CurveNamed(*kty, "");
  if (crv == nullptr) return Fail(Code::kMalformed, "JWK", "member crv is missing or no string");
  return CurveNamed(*kty, *crv);
}

// A coordinate or scalar of exactly out.size() octets.
Result<> Octets(std::optional<std::string_view> text, const char* name, ByteSpan out) {
  if (!text) return Fail(Code::kMalformed, "JWK", std::string("member ") + name + " is missing or no string");
  auto length = Base64UrlDecode(*text, out);
  if (!length && length.error().code != Code::kBufferTooSmall) {
    return Fail(length.error().code, "JWK", std::string("member ") + name + " is not canonical base64url");
  }
  if (!length || *length != out.size()) {
    return Fail(Code::kMalformed, "JWK",
                std::string("member ") + name + " must have " + std::to_string(out.size()) + " octets");
  }
  return {};
}

Result<PublicKey> FromMembers(const Curve& curve, std::optional<std::string_view> x_text,
                              std::optional<std::string_view> y_text) {
  if (std::string_view(curve.kty) == "OKP") {
    Bytes32 x;
    KEEL_TRY_VOID(Octets(x_text, "x", x));
    return PublicKey::Create(curve.type, x);
  }
  const size_t size = PublicKeyLength(curve.type) - 1;
  ByteArray<kMaxUncompressed> point;
  point[0] = 4;
  KEEL_TRY_VOID(Octets(x_text, "x", ByteSpan(point).subspan(1, size)));
  KEEL_TRY_VOID(Octets(y_text, "y", ByteSpan(point).subspan(1 + size, size)));
  return PublicKey::FromUncompressed(curve.type, ByteView(point).first(1 + 2 * size));
}

std::optional<std::string_view> View(const nlohmann::json& jwk, const char* name) {
  const std::string* text = Text(jwk, name);
  return text == nullptr ? std::nullopt : std::optional<std::string_view>(*text);
}

Result<PublicKey> PublicPart(const nlohmann::json& jwk) {
  KEEL_TRY(const Curve* curve, CurveOf(jwk));
  return FromMembers(*curve, View(jwk, "x"), View(jwk, "y"));
}

std::string Base64Url(ByteView octets) {
  std::string text(Base64UrlLength(octets.size()), '\0');
  const auto length = Base64UrlEncode(octets, text);
  KEEL_ASSERT(length && *length == text.size());
  return text;
}

Result<KeyHandle> FromJwk(SoftwareKeyStore& store, const nlohmann::json& jwk) {
  KEEL_TRY(const Curve* curve, CurveOf(jwk));
  ByteArray<kMaxPrivateKey> octets;
  const ScopedWipe wipe(octets);
  const ByteSpan scalar = ByteSpan(octets).first(PrivateKeyLength(curve->type));
  KEEL_TRY_VOID(Octets(View(jwk, "d"), "d", scalar));
  KEEL_TRY(const PublicKey stated, PublicPart(jwk));
  KEEL_TRY(const PublicKey derived, PublicFromPrivate(curve->type, scalar));
  if (!(stated == derived)) return Fail(Code::kBadKey, "JWK", "d does not belong to x");
  return store.Import(curve->type, scalar);
}

// Ed25519 secrets are written as the seed, or as seed || public key.
Result<KeyHandle> ImportOctets(SoftwareKeyStore& store, KeyType type, ByteView octets) {
  if (type == KeyType::kEd25519 && octets.size() == 64) {
    KEEL_TRY(const PublicKey derived, PublicFromPrivate(type, octets.first(32)));
    if (!Equal(derived.bytes(), octets.subspan(32)))
      return Fail(Code::kBadKey, "secret", "public half does not belong to the seed");
    octets = octets.first(32);
  }
  return store.Import(type, octets);
}

std::optional<KeyType> TypeFromMethod(const std::string& type) {
  if (type == "Ed25519VerificationKey2018" || type == "Ed25519VerificationKey2020") return KeyType::kEd25519;
  if (type == "X25519KeyAgreementKey2019" || type == "X25519KeyAgreementKey2020") return KeyType::kX25519;
  if (type == "EcdsaSecp256k1VerificationKey2019") return KeyType::kSecp256k1;
  return std::nullopt;
}

Result<KeyHandle> FromText(SoftwareKeyStore& store, const std::string& type, const std::string* multibase,
                           const std::string* base58) {
  ByteArray<kMaxBase58Octets> octets;
  const ScopedWipe wipe(octets);
  const auto known = TypeFromMethod(type);
  auto length = multibase != nullptr ? MultibaseDecode(*multibase, octets) : Base58Decode(*base58, octets);
  if (!length) {
    return Fail(length.error().code, "secret",
                std::string(multibase != nullptr ? "privateKeyMultibase" : "privateKeyBase58") + " cannot be decoded");
  }
  ByteView secret = ByteView(octets).first(*length);
  if (multibase == nullptr) {
    if (!known) return Fail(Code::kUnsupported, "secret", "privateKeyBase58 with type " + type.substr(0, 64));
    return ImportOctets(store, *known, secret);
  }
  KEEL_TRY(const Varint codec, VarintDecode(secret));
  secret = secret.subspan(codec.length);
  for (const Curve& curve : kCurves) {
    if (codec.value != curve.private_codec) continue;
    if (known && *known != curve.type) return Fail(Code::kBadKey, "secret", "type and the key's multicodec disagree");
    return ImportOctets(store, curve.type, secret);
  }
  return Fail(Code::kUnsupported, "secret", "privateKeyMultibase has no private key's multicodec that is taken");
}

}  // namespace

Result<PublicKey> PublicKeyFromJwk(const nlohmann::json& jwk) {
  if (!jwk.is_object()) return Fail(Code::kMalformed, "JWK", "is no object");
  if (jwk.contains("d"))
    return Fail(Code::kUsage, "JWK",
                "holds a private key (d) where a public key belongs; remove d and replace the key");
  return PublicPart(jwk);
}

Result<PublicKey> PublicKeyFromJwk(const nlohmann::json& jwk, JwkUse use) {
  KEEL_TRY(const PublicKey key, PublicKeyFromJwk(jwk));
  const bool verify = use == JwkUse::kVerify;
  const auto refuse = [](const char* member) {
    return Fail(Code::kUntrusted, "JWK", std::string("its ") + member + " says that the key is for something else");
  };
  if (jwk.contains("use") && View(jwk, "use") != (verify ? "sig" : "enc")) return refuse("use");
  if (const auto operations = jwk.find("key_ops"); operations != jwk.end()) {
    if (!operations->is_array()) return refuse("key_ops");
    bool allowed = !verify && operations->empty();  // what WebCrypto writes for a public agreement key
    for (const auto& each : *operations) {
      allowed = allowed || (verify ? each == "verify" : each == "deriveKey" || each == "deriveBits");
    }
    if (!allowed) return refuse("key_ops");
  }
  if (jwk.contains("alg")) {
    const std::string_view named = View(jwk, "alg").value_or("");
    const auto algorithm = AlgorithmFor(key.type());
    if (verify ? !algorithm || named != JoseName(*algorithm) : !named.starts_with("ECDH-")) return refuse("alg");
  }
  return key;
}

Result<PublicKey> PublicKeyFromJwkMembers(std::string_view kty, std::string_view crv, std::string_view x,
                                          std::optional<std::string_view> y) {
  KEEL_TRY(const Curve* curve, CurveNamed(kty, crv));
  return FromMembers(*curve, x, y);
}

nlohmann::json PublicKeyToJwk(const PublicKey& key) {
  for (const Curve& curve : kCurves) {
    if (!key.valid() || key.type() != curve.type) continue;
    nlohmann::json jwk = {{"kty", curve.kty}, {"crv", curve.crv}};
    if (std::string_view(curve.kty) == "OKP") {
      jwk["x"] = Base64Url(key.bytes());
      return jwk;
    }
    ByteArray<kMaxUncompressed> point;
    const auto length = key.ToUncompressed(point);
    if (!length) return nullptr;
    const size_t size = (*length - 1) / 2;
    jwk["x"] = Base64Url(ByteView(point).subspan(1, size));
    jwk["y"] = Base64Url(ByteView(point).subspan(1 + size, size));
    return jwk;
  }
  return nullptr;
}

void AppendJwk(std::string& out, const PublicKey& key) {
  for (const Curve& curve : kCurves) {
    if (!key.valid() || key.type() != curve.type) continue;
    out.append("{\"crv\":\"").append(curve.crv).append("\",\"kty\":\"").append(curve.kty).append("\",\"x\":\"");
    if (std::string_view(curve.kty) == "OKP") {
      out.append(Base64Url(key.bytes())).append("\"}");
      return;
    }
    ByteArray<kMaxUncompressed> point;
    const auto length = key.ToUncompressed(point);
    KEEL_ASSERT(length.has_value());  // a key that exists is a point
    const size_t size = (*length - 1) / 2;
    out.append(Base64Url(ByteView(point).subspan(1, size))).append("\",\"y\":\"");
    out.append(Base64Url(ByteView(point).subspan(1 + size, size))).append("\"}");
    return;
  }
}

Result<KeyHandle> ImportSecret(SoftwareKeyStore& store, const nlohmann::json& secret) {
  const std::string* id = Text(secret, "id");
  if (id == nullptr || id->empty()) return Fail(Code::kMalformed, "secret", "member id is missing or no string");
  const std::string* type = Text(secret, "type");
  if (type == nullptr)
    return Fail(Code::kMalformed, "secret", "member type is missing or no string in " + id->substr(0, 128));
  const auto jwk = secret.find("privateKeyJwk");
  const std::string* multibase = Text(secret, "privateKeyMultibase");
  const std::string* base58 = Text(secret, "privateKeyBase58");
  const int forms = (jwk != secret.end() ? 1 : 0) + (multibase != nullptr ? 1 : 0) + (base58 != nullptr ? 1 : 0);
  if (forms != 1) {
    return Fail(
        Code::kMalformed, "secret",
        "exactly one of privateKeyJwk, privateKeyMultibase, privateKeyBase58 is wanted in " + id->substr(0, 128));
  }
  KEEL_TRY(const KeyHandle handle,
           jwk != secret.end() ? FromJwk(store, *jwk) : FromText(store, *type, multibase, base58));
  KEEL_TRY_VOID(store.SetLabel(handle, *id));
  return handle;
}

}  // namespace keel::crypto
