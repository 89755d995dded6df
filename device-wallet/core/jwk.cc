// SPDX-License-Identifier: Apache-2.0
#include "device-wallet/core/jwk.h"

namespace keel::wallet {
namespace {

using crypto::KeyType;

constexpr size_t kPoint = 65;  // 0x04 || x || y

Result<crypto::PublicKey> Read(const JsonView& jwk, std::string_view okp_curve, KeyType okp) {
  KEEL_TRY(const std::string_view kty, jwk.GetPlain("kty"));
  KEEL_TRY(const std::string_view crv, jwk.GetPlain("crv"));
  if (jwk.Has("d")) return Fail(Code::kMalformed, "jwk private");
  const bool ec = kty == "EC" && crv == "P-256";
  if (!ec && (kty != "OKP" || crv != okp_curve)) return Fail(Code::kAlgorithmNotAllowed, "jwk");
  KEEL_TRY(const Bytes32 x, jwk.GetFixed<32>("x"));
  if (!ec) return crypto::PublicKey::Create(okp, x);
  KEEL_TRY(const Bytes32 y, jwk.GetFixed<32>("y"));
  ByteArray<kPoint> point;
  point[0] = 4;
  std::memcpy(point.data() + 1, x.data(), x.size());
  std::memcpy(point.data() + 33, y.data(), y.size());
  return crypto::PublicKey::FromUncompressed(KeyType::kP256, point);
}

}  // namespace

Result<crypto::PublicKey> ReadSigningJwk(const JsonView& jwk) { return Read(jwk, "Ed25519", KeyType::kEd25519); }
Result<crypto::PublicKey> ReadAgreementJwk(const JsonView& jwk) { return Read(jwk, "X25519", KeyType::kX25519); }

Result<> WriteJwk(JsonWriter& w, const crypto::PublicKey& key) {
  if (!key.valid()) return Fail(Code::kBadKey, "jwk");
  w.BeginObject().Name("kty");
  if (key.type() == KeyType::kP256) {
    ByteArray<kPoint> point;
    KEEL_TRY_VOID(key.ToUncompressed(point));
    w.String("EC").Name("crv").String("P-256");
    w.Name("x").Base64Url(ByteView(point).subspan(1, 32)).Name("y").Base64Url(ByteView(point).subspan(33, 32));
  } else if (key.type() == KeyType::kEd25519 || key.type() == KeyType::kX25519) {
    w.String("OKP").Name("crv").String(key.type() == KeyType::kEd25519 ? "Ed25519" : "X25519");
    w.Name("x").Base64Url(key.bytes());
  } else {
    return Fail(Code::kBadKey, "jwk");
  }
  w.EndObject();
  return {};
}

}  // namespace keel::wallet
