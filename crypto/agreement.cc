// SPDX-License-Identifier: Apache-2.0
#include "crypto/agreement.h"

#include <sodium.h>

#include "crypto/embedded/p256.h"
#include "crypto/hooks.h"
#include "crypto/signature.h"

namespace keel::crypto {

Result<SharedSecret> AgreeRaw(KeyType type, ByteView private_key, const PublicKey& peer) {
  if (!peer.valid() || peer.type() != type || private_key.size() != 32 || PrivateKeyLength(type) != 32) {
    return Fail(Code::kBadKey, "key agreement");
  }
  SharedSecret secret;
  bool good = false;
  switch (type) {
    case KeyType::kX25519:
      // -1 when the result is all zero (RFC 7748 section 6.1).
      good = crypto_scalarmult_curve25519(secret.MutableSecret().data(), private_key.data(), peer.bytes().data()) == 0;
      break;
    case KeyType::kP256:
      if (internal::Hooks().agree == nullptr) {
        good = embedded::P256Agree(private_key.first<32>(), peer.bytes().first<33>(), secret.MutableSecret());
        break;
      }
      [[fallthrough]];
    case KeyType::kSecp256k1: {
      const auto agree = internal::Hooks().agree;
      if (agree == nullptr) return Fail(Code::kUnsupported, "key agreement (SetUpHostedCrypto not called)");
      ByteArray<65> point;
      KEEL_TRY(const size_t length, peer.ToUncompressed(point));
      good = agree(type, private_key, ByteView(point).first(length), secret.MutableSecret()) == 32;
      break;
    }
    case KeyType::kEd25519:
    case KeyType::kP384:
    case KeyType::kP521: break;
  }
  if (!good) return Fail(Code::kBadKey, "key agreement");
  return secret;
}

Result<EphemeralKey> GenerateEphemeral(KeyType type, Random& random) {
  if (PrivateKeyLength(type) != 32) return Fail(Code::kUnsupported, "ephemeral key type");
  EphemeralKey key;
  // A scalar out of range is drawn once in 2^32 (P-256); eight in a row mean a broken source.
  for (int tries = 0; tries < 8; ++tries) {
    KEEL_TRY_VOID(random.Fill(key.private_key.MutableSecret()));
    auto derived = PublicFromPrivate(type, key.private_key.ExposeSecret());
    if (derived) {
      key.public_key = *derived;
      return key;
    }
    if (derived.error().code != Code::kBadKey) return std::unexpected<Error>(std::move(derived.error()));
  }
  return Fail(Code::kNoEntropy, "ephemeral key");
}

Result<PublicKey> PublicFromPrivate(KeyType type, ByteView private_key) {
  if (private_key.size() != PrivateKeyLength(type) || private_key.empty())
    return Fail(Code::kBadKey, "private key length");
  ByteArray<kMaxUncompressed> octets;
  size_t length = 0;
  switch (type) {
    case KeyType::kEd25519: {
      ByteArray<64> expanded;
      const ScopedWipe wipe(expanded);
      if (crypto_sign_ed25519_seed_keypair(octets.data(), expanded.data(), private_key.data()) == 0) length = 32;
      break;
    }
    case KeyType::kX25519:
      if (crypto_scalarmult_curve25519_base(octets.data(), private_key.data()) == 0) length = 32;
      break;
    case KeyType::kP256:
      if (internal::Hooks().derive == nullptr) {
        if (embedded::P256Derive(private_key.first<32>(), ByteSpan(octets).first<33>())) length = 33;
        break;
      }
      [[fallthrough]];
    case KeyType::kSecp256k1:
    case KeyType::kP384:
    case KeyType::kP521: {
      const auto derive = internal::Hooks().derive;
      if (derive == nullptr) return Fail(Code::kUnsupported, "private key type (SetUpHostedCrypto not called)");
      length = derive(type, private_key, octets);
      if (length == 0) break;
      return PublicKey::FromUncompressed(type, ByteView(octets).first(length));
    }
  }
  if (length == 0) return Fail(Code::kBadKey, "private key");
  return PublicKey::Create(type, ByteView(octets).first(length));
}

Result<size_t> SignEd25519(ByteView seed, const PublicKey& own, ByteView message, ByteSpan signature) {
  if (seed.size() != 32 || !own.valid() || own.type() != KeyType::kEd25519)
    return Fail(Code::kBadKey, "Ed25519 signature");
  if (signature.size() < 64) return Fail(Code::kBufferTooSmall, "Ed25519 signature");
  ByteArray<64> expanded;  // libsodium's secret key is seed || public key
  const ScopedWipe wipe(expanded);
  std::memcpy(expanded.data(), seed.data(), 32);
  std::memcpy(expanded.data() + 32, own.bytes().data(), 32);
  crypto_sign_ed25519_detached(signature.data(), nullptr, message.data(), message.size(), expanded.data());
  return size_t{64};
}

Result<size_t> SignRaw(KeyType type, ByteView private_key, ByteView message, ByteSpan signature) {
  if (private_key.empty() || private_key.size() != PrivateKeyLength(type))
    return Fail(Code::kBadKey, "private key length");
  KEEL_TRY(const SignatureAlgorithm algorithm, AlgorithmFor(type));
  const size_t length = SignatureLength(algorithm);
  if (signature.size() < length) return Fail(Code::kBufferTooSmall, "signature");
  switch (type) {
    case KeyType::kEd25519: {
      KEEL_TRY(const PublicKey own, PublicFromPrivate(type, private_key));
      return SignEd25519(private_key, own, message, signature);
    }
    case KeyType::kP256:
      // Always BearSSL, also on hosts: RFC 6979 needs no randomness that could fail.
      if (!embedded::P256Sign(private_key.first<32>(), message, signature.first<64>()))
        return Fail(Code::kBadKey, "private key");
      return length;
    case KeyType::kSecp256k1:
    case KeyType::kP384: {
      const auto sign = internal::Hooks().sign;
      if (sign == nullptr) return Fail(Code::kUnsupported, "signature (SetUpHostedCrypto not called)");
      if (sign(type, private_key, message, signature.first(length)) != length)
        return Fail(Code::kBadKey, "private key");
      return length;
    }
    case KeyType::kX25519:
    case KeyType::kP521: break;
  }
  return Fail(Code::kUnsupported, "signature with this type of key");
}

}  // namespace keel::crypto
