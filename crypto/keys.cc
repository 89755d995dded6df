// SPDX-License-Identifier: Apache-2.0
#include "crypto/keys.h"

#include <sodium.h>

#include "core/encoding.h"
#include "crypto/embedded/p256.h"
#include "crypto/hooks.h"

namespace keel::crypto {
namespace {

// Points of small order on curve25519, low 255 bits, little-endian: what agrees to zero with every key (X25519), or
// makes signatures that fit every message (Ed25519). The list both libsodium and RFC 7748's security notes work from.
constexpr uint8_t kOrder8X25519[2][32] = {
    {0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4, 0x6a,
     0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49, 0xb8, 0x00},
    {0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef, 0x5b,
     0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f, 0x11, 0x57}};
constexpr uint8_t kOrder8Ed25519[2][32] = {
    {0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef, 0x98, 0xf0,
     0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88, 0x6d, 0x53, 0xfc, 0x05},
    {0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10, 0x67, 0x0f,
     0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77, 0x92, 0xac, 0x03, 0x7a}};

// 2^255-19 <= value (its top bit left out): a second spelling of a smaller value.
bool NotReduced(const Bytes32& value) {
  for (size_t i = 1; i < 31; ++i) {
    if (value[i] != 0xff) return false;
  }
  return value[31] == 0x7f && value[0] >= 0xed;
}

// value is 0, 1 or -1, or one of the two of order 8.
bool IsSmallOrder(const Bytes32& value, const uint8_t (&order8)[2][32]) {
  bool middle_zero = true, middle_full = true;
  for (size_t i = 1; i < 31; ++i) {
    middle_zero = middle_zero && value[i] == 0;
    middle_full = middle_full && value[i] == 0xff;
  }
  if (middle_zero && value[31] == 0 && value[0] <= 1) return true;
  if (middle_full && value[31] == 0x7f && (value[0] == 0xec || value[0] == 0xed || value[0] == 0xee)) return true;
  return Equal(value, order8[0]) || Equal(value, order8[1]);
}

#if KEEL_HOSTED
// Adding takes only points of the curve, at a fifth of a verification's cost. libsodium's minimal build, for
// microcontrollers, lacks it: there Verify finds out.
bool OnEdwards(ByteView octets) {
  Bytes32 sum;
  return crypto_core_ed25519_add(sum.data(), octets.data(), octets.data()) == 0;
}
#endif

bool EdwardsOk(ByteView octets) {
  Bytes32 y;
  std::memcpy(y.data(), octets.data(), y.size());
  y[31] = static_cast<uint8_t>(y[31] & 0x7f);
  if (NotReduced(y) || IsSmallOrder(y, kOrder8Ed25519)) return false;
#if KEEL_HOSTED
  if (const auto check = internal::Hooks().on_edwards; check != nullptr) return check(octets);
  return OnEdwards(octets);
#else
  return true;
#endif
}

bool MontgomeryOk(ByteView octets) {
  Bytes32 u;
  std::memcpy(u.data(), octets.data(), u.size());
  u[31] = static_cast<uint8_t>(u[31] & 0x7f);  // RFC 7748 section 5: the bit is ignored
  return !IsSmallOrder(u, kOrder8X25519);
}

// The multicodec's two octets (unsigned varint).
struct Codec {
  uint8_t first, second;
};
Codec CodecOf(KeyType type) {
  switch (type) {
    case KeyType::kEd25519: return {0xed, 0x01};
    case KeyType::kX25519: return {0xec, 0x01};
    case KeyType::kP256: return {0x80, 0x24};
    case KeyType::kSecp256k1: return {0xe7, 0x01};
    case KeyType::kP384: return {0x81, 0x24};
    case KeyType::kP521: return {0x82, 0x24};
  }
  return {0, 0};
}

constexpr KeyType kAllTypes[] = {KeyType::kEd25519,   KeyType::kX25519, KeyType::kP256,
                                 KeyType::kSecp256k1, KeyType::kP384,   KeyType::kP521};

}  // namespace

size_t PublicKeyLength(KeyType type) {
  switch (type) {
    case KeyType::kEd25519:
    case KeyType::kX25519: return 32;
    case KeyType::kP256:
    case KeyType::kSecp256k1: return 33;
    case KeyType::kP384: return 49;
    case KeyType::kP521: return 67;
  }
  return 0;
}

size_t PrivateKeyLength(KeyType type) {
  switch (type) {
    case KeyType::kEd25519:
    case KeyType::kX25519:
    case KeyType::kP256:
    case KeyType::kSecp256k1: return 32;
    case KeyType::kP384: return 48;
    case KeyType::kP521: return 66;
  }
  return 0;
}

Result<PublicKey> PublicKey::Create(KeyType type, ByteView octets) {
  const size_t length = PublicKeyLength(type);
  if (length == 0) return Fail(Code::kUnsupported, "public key type");
  if (octets.size() != length) return Fail(Code::kBadKey, "public key length");
  bool good = false;
  ByteArray<kMaxUncompressed> point;
  switch (type) {
    case KeyType::kEd25519: good = EdwardsOk(octets); break;
    case KeyType::kX25519: good = MontgomeryOk(octets); break;
    case KeyType::kP256:
      if (internal::Hooks().uncompress == nullptr) {
        good = embedded::P256Uncompress(octets.first<33>(), ByteSpan(point).first<65>());
        break;
      }
      [[fallthrough]];
    case KeyType::kSecp256k1:
    case KeyType::kP384:
    case KeyType::kP521: {
      const auto uncompress = internal::Hooks().uncompress;
      if (uncompress == nullptr) return Fail(Code::kUnsupported, "public key type (SetUpHostedCrypto not called)");
      good = uncompress(type, octets, ByteSpan(point).first(2 * length - 1));
      break;
    }
  }
  if (!good) return Fail(Code::kBadKey, "public key");
  PublicKey key;
  key.type_ = type;
  key.length_ = static_cast<uint8_t>(length);
  std::memcpy(key.bytes_.data(), octets.data(), length);
  return key;
}

Result<PublicKey> PublicKey::FromMultikeyOctets(ByteView octets) {
  if (octets.size() < 3) return Fail(Code::kMalformed, "multikey");
  for (const KeyType type : kAllTypes) {
    const Codec codec = CodecOf(type);
    if (octets[0] == codec.first && octets[1] == codec.second) return Create(type, octets.subspan(2));
  }
  return Fail(Code::kUnsupported, "multikey codec");
}

Result<PublicKey> PublicKey::FromMultikey(std::string_view text) {
  if (text.empty() || text[0] != 'z') return Fail(Code::kMalformed, "multikey");
  if (text.size() > kMaxMultikeyText) return Fail(Code::kTooLarge, "multikey");
  ByteArray<kMaxMultikeyOctets + 8> octets;
  text.remove_prefix(1);
  KEEL_TRY(const size_t length, Base58Decode(text, octets));
  return FromMultikeyOctets(ByteView(octets).first(length));
}

Result<size_t> PublicKey::ToMultikeyOctets(ByteSpan out) const {
  if (!valid()) return Fail(Code::kBadKey, "no public key");
  if (out.size() < size_t{2} + length_) return Fail(Code::kBufferTooSmall, "multikey");
  const Codec codec = CodecOf(type_);
  out[0] = codec.first;
  out[1] = codec.second;
  std::memcpy(out.data() + 2, bytes_.data(), length_);
  return size_t{2} + length_;
}

Result<size_t> PublicKey::ToMultikey(std::span<char> out) const {
  ByteArray<kMaxMultikeyOctets> octets;
  KEEL_TRY(const size_t length, ToMultikeyOctets(octets));
  return MultibaseEncodeBase58(ByteView(octets).first(length), out);
}

Result<PublicKey> PublicKey::FromUncompressed(KeyType type, ByteView octets) {
  if (type == KeyType::kEd25519 || type == KeyType::kX25519) return Fail(Code::kUnsupported, "uncompressed key");
  const size_t length = PublicKeyLength(type);
  if (length == 0 || octets.size() != 2 * length - 1 || octets[0] != 4) return Fail(Code::kBadKey, "uncompressed key");
  ByteArray<kMaxPublicKey> compressed;
  compressed[0] = static_cast<uint8_t>(2 | (octets[octets.size() - 1] & 1));
  std::memcpy(compressed.data() + 1, octets.data() + 1, length - 1);
#if KEEL_HOSTED
  // With y at hand it is enough to see that the point is on the curve.
  if (const auto check = internal::Hooks().check; check != nullptr) {
    if (!check(type, octets)) return Fail(Code::kBadKey, "uncompressed key");
    PublicKey key;
    key.type_ = type;
    key.length_ = static_cast<uint8_t>(length);
    std::memcpy(key.bytes_.data(), compressed.data(), length);
    return key;
  }
#endif
  KEEL_TRY(const PublicKey key, Create(type, ByteView(compressed).first(length)));
  // The sign bit alone does not make y right.
  ByteArray<kMaxUncompressed> again;
  KEEL_TRY(const size_t used, key.ToUncompressed(again));
  if (!Equal(ByteView(again).first(used), octets)) return Fail(Code::kBadKey, "uncompressed key");
  return key;
}

Result<size_t> PublicKey::ToUncompressed(ByteSpan out) const {
  if (!valid()) return Fail(Code::kBadKey, "no public key");
  if (type_ == KeyType::kEd25519 || type_ == KeyType::kX25519) return Fail(Code::kUnsupported, "uncompressed key");
  const size_t length = size_t{2} * length_ - 1;
  if (out.size() < length) return Fail(Code::kBufferTooSmall, "uncompressed key");
  bool good = false;
  if (const auto uncompress = internal::Hooks().uncompress; uncompress != nullptr) {
    good = uncompress(type_, bytes(), out.first(length));
  } else if (type_ == KeyType::kP256) {
    good = embedded::P256Uncompress(bytes().first<33>(), out.first<65>());
  }
  if (!good) return Fail(Code::kBadKey, "uncompressed key");
  return length;
}

Result<PublicKey> X25519FromEd25519(const PublicKey& key) {
  Bytes32 u;
  if (!key.valid() || key.type() != KeyType::kEd25519 ||
      crypto_sign_ed25519_pk_to_curve25519(u.data(), key.bytes().data()) != 0) {
    return Fail(Code::kBadKey, "X25519 from Ed25519");
  }
  return PublicKey::Create(KeyType::kX25519, u);
}

}  // namespace keel::crypto
