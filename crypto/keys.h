// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "core/bytes.h"
#include "core/secret.h"

namespace keel::crypto {

// The kinds of public key, with their multicodec. P-256/P-384/P-521/secp256k1 are held compressed.
enum class KeyType : uint8_t { kEd25519 = 1, kX25519 = 2, kP256 = 3, kSecp256k1 = 4, kP384 = 5, kP521 = 6 };

inline constexpr size_t kMaxPublicKey = 67;       // P-521 compressed
inline constexpr size_t kMaxUncompressed = 133;   // P-521, 0x04 || x || y
inline constexpr size_t kMaxPrivateKey = 66;      // P-521
inline constexpr size_t kMaxMultikeyOctets = 69;  // with the multicodec's varint
inline constexpr size_t kMaxMultikeyText = 100;   // 'z' + base58btc of that
inline constexpr size_t kMaxSignature = 132;      // P-521; Ed25519, ES256, ES256K: 64

// Octets of a public key of this type in the form held here, and of a private key (seed or scalar).
size_t PublicKeyLength(KeyType type);
size_t PrivateKeyLength(KeyType type);

// A public key: a type and octets. One that exists is well-formed and a valid point (Create checks; off-curve, infinity
// and low-order points are kBadKey). Exception: a microcontroller leaves the on-curve test of Ed25519 keys to Verify,
// which refuses every signature under an off-curve key; hosts test it in Create. Value type, comparable.
class PublicKey {
 public:
  PublicKey() = default;  // no key: valid() is false
  static Result<PublicKey> Create(KeyType type, ByteView octets);
  // Multikey octets: multicodec varint || key. Multikey text: 'z' + base58btc of that.
  static Result<PublicKey> FromMultikeyOctets(ByteView octets);
  static Result<PublicKey> FromMultikey(std::string_view text);

  bool valid() const { return length_ != 0; }
  KeyType type() const { return type_; }
  ByteView bytes() const { return {bytes_.data(), length_}; }
  Result<size_t> ToMultikeyOctets(ByteSpan out) const;
  Result<size_t> ToMultikey(std::span<char> out) const;
  // From 0x04 || x || y (SEC 1) of a curve with coordinates; kBadKey when y is not that of a point on the curve.
  static Result<PublicKey> FromUncompressed(KeyType type, ByteView octets);
  // 0x04 || x || y; at most kMaxUncompressed octets. kUnsupported for Ed25519 and X25519.
  Result<size_t> ToUncompressed(ByteSpan out) const;
  friend bool operator==(const PublicKey& a, const PublicKey& b) {
    return a.type_ == b.type_ && Equal(a.bytes(), b.bytes());
  }

 private:
  KeyType type_ = KeyType::kEd25519;
  uint8_t length_ = 0;
  ByteArray<kMaxPublicKey> bytes_{};
};

// The X25519 key on the birationally equivalent curve (RFC 7748 section 4.1), as did:key derives it from an Ed25519
// key. kBadKey for another type or a point outside the main subgroup.
Result<PublicKey> X25519FromEd25519(const PublicKey& key);

// The embedded build knows Ed25519, X25519 and P-256; for the other curves it answers kUnsupported until hosted code
// calls SetUpHostedCrypto().

}  // namespace keel::crypto
