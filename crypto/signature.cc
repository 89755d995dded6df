// SPDX-License-Identifier: Apache-2.0
#include "crypto/signature.h"

#include <sodium.h>

#include "crypto/embedded/p256.h"
#include "crypto/hooks.h"

namespace keel::crypto {

Result<SignatureAlgorithm> AlgorithmFor(KeyType type) {
  switch (type) {
    case KeyType::kEd25519: return SignatureAlgorithm::kEdDsa;
    case KeyType::kP256: return SignatureAlgorithm::kEs256;
    case KeyType::kSecp256k1: return SignatureAlgorithm::kEs256k;
    case KeyType::kP384: return SignatureAlgorithm::kEs384;
    case KeyType::kX25519:
    case KeyType::kP521: break;
  }
  return Fail(Code::kUnsupported, "signature with this type of key");
}

std::string_view JoseName(SignatureAlgorithm algorithm) {
  switch (algorithm) {
    case SignatureAlgorithm::kEdDsa: return "EdDSA";
    case SignatureAlgorithm::kEs256: return "ES256";
    case SignatureAlgorithm::kEs256k: return "ES256K";
    case SignatureAlgorithm::kEs384: return "ES384";
  }
  return "";
}

Result<SignatureAlgorithm> AlgorithmFromJose(std::string_view name) {
  for (const auto algorithm : {SignatureAlgorithm::kEdDsa, SignatureAlgorithm::kEs256, SignatureAlgorithm::kEs256k,
                               SignatureAlgorithm::kEs384}) {
    if (name == JoseName(algorithm)) return algorithm;
  }
  return Fail(Code::kAlgorithmNotAllowed, "JOSE alg");
}

size_t SignatureLength(SignatureAlgorithm algorithm) { return algorithm == SignatureAlgorithm::kEs384 ? 96 : 64; }

Result<bool> Verify(const PublicKey& key, ByteView message, ByteView signature, bool require_low_s) {
  if (!key.valid()) return Fail(Code::kBadKey, "no public key");
  KEEL_TRY(const SignatureAlgorithm algorithm, AlgorithmFor(key.type()));
  if (signature.size() != SignatureLength(algorithm)) return false;
  if (algorithm == SignatureAlgorithm::kEdDsa) {
    // libsodium refuses S >= L, a non-canonical or small-order key, and a small-order R.
    return crypto_sign_ed25519_verify_detached(signature.data(), message.data(), message.size(), key.bytes().data()) ==
           0;
  }
  if ((require_low_s || algorithm == SignatureAlgorithm::kEs256k) &&
      !internal::IsLowS(key.type(), signature.subspan(signature.size() / 2))) {
    return false;
  }
  if (const auto verify = internal::Hooks().verify; verify != nullptr) {
    ByteArray<kMaxUncompressed> point;
    KEEL_TRY(const size_t length, key.ToUncompressed(point));
    return verify(key.type(), ByteView(point).first(length), message, signature);
  }
  if (algorithm != SignatureAlgorithm::kEs256)
    return Fail(Code::kUnsupported, "signature (SetUpHostedCrypto not called)");
  return embedded::P256Verify(key.bytes().first<33>(), message, signature.first<64>());
}

Result<bool> VerifyEitherS(const PublicKey& key, ByteView message, ByteView signature) {
  if (!key.valid() || key.type() != KeyType::kSecp256k1 || signature.size() != 64)
    return Verify(key, message, signature);
  ByteArray<64> low;
  std::memcpy(low.data(), signature.data(), low.size());
  internal::MakeLowS(key.type(), ByteSpan(low).subspan(32));
  return Verify(key, message, low);
}

}  // namespace keel::crypto
