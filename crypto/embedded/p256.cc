// SPDX-License-Identifier: Apache-2.0
#include "crypto/embedded/p256.h"

#include <bearssl.h>

#include "core/secret.h"
#include "crypto/hash.h"
#include "crypto/hooks.h"

namespace keel::crypto::embedded {
namespace {

using Field = ByteArray<32>;  // big-endian, below p

constexpr Field kP = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                      0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
constexpr Field kB = {0x5a, 0xc6, 0x35, 0xd8, 0xaa, 0x3a, 0x93, 0xe7, 0xb3, 0xeb, 0xbd, 0x55, 0x76, 0x98, 0x86, 0xbc,
                      0x65, 0x1d, 0x06, 0xb0, 0xcc, 0x53, 0xb0, 0xf6, 0x3b, 0xce, 0x3c, 0x3e, 0x27, 0xd2, 0x60, 0x4b};
constexpr Field kN = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                      0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
// (p+1)/4: since p = 3 mod 4, a^((p+1)/4) is a root of a if there is one.
constexpr Field kRootExponent = {0x3f, 0xff, 0xff, 0xff, 0xc0, 0x00, 0x00, 0x00, 0x40, 0x00, 0x00,
                                 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x00,
                                 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00};

// x^e mod p. BearSSL keeps its big integers private, but its RSA public operation is exactly this for any odd modulus.
bool Power(Field& x, ByteView exponent) {
  br_rsa_public_key key;
  key.n = const_cast<unsigned char*>(kP.data());
  key.nlen = kP.size();
  key.e = const_cast<unsigned char*>(exponent.data());
  key.elen = exponent.size();
  return br_rsa_i31_public(x.data(), x.size(), &key) == 1;  // 0 also when x >= p
}

// a - b, and whether it borrowed.
bool Subtract(Field& a, const Field& b) {
  int borrow = 0;
  for (size_t i = a.size(); i-- > 0;) {
    const int difference = a[i] - b[i] - borrow;
    borrow = difference < 0 ? 1 : 0;
    a[i] = static_cast<uint8_t>(difference & 0xff);
  }
  return borrow != 0;
}

bool Add(Field& a, const Field& b) {
  unsigned carry = 0;
  for (size_t i = a.size(); i-- > 0;) {
    carry += static_cast<unsigned>(a[i]) + b[i];
    a[i] = static_cast<uint8_t>(carry);
    carry >>= 8;
  }
  return carry != 0;
}

void AddMod(Field& a, const Field& b) {
  const bool carry = Add(a, b);
  Field reduced = a;
  if (!Subtract(reduced, kP) || carry) a = reduced;
}

void SubtractMod(Field& a, const Field& b) {
  if (Subtract(a, b)) Add(a, kP);
}

bool IsZero(const Field& a) {
  uint8_t any = 0;
  for (const uint8_t octet : a) any = static_cast<uint8_t>(any | octet);
  return any == 0;
}

br_ec_private_key PrivateKey(std::span<const uint8_t, 32> scalar) {
  br_ec_private_key key;
  key.curve = BR_EC_secp256r1;
  key.x = const_cast<unsigned char*>(scalar.data());
  key.xlen = scalar.size();
  return key;
}

}  // namespace

bool P256Uncompress(std::span<const uint8_t, 33> compressed, std::span<uint8_t, 65> out) {
  if (compressed[0] != 2 && compressed[0] != 3) return false;
  Field x;
  std::memcpy(x.data(), compressed.data() + 1, x.size());
  // y^2 = x^3 - 3x + b
  constexpr uint8_t kTwo = 2, kThree = 3;
  Field square = x;
  if (!Power(square, {&kThree, 1})) return false;
  for (int i = 0; i < 3; ++i) SubtractMod(square, x);
  AddMod(square, kB);
  Field y = square;
  if (!Power(y, kRootExponent)) return false;
  Field check = y;
  if (!Power(check, {&kTwo, 1}) || check != square) return false;
  if ((y[31] & 1) != (compressed[0] & 1)) {
    if (IsZero(y)) return false;  // no point of P-256 has y = 0; -0 is no second one
    Field negative = kP;
    Subtract(negative, y);
    y = negative;
  }
  out[0] = 4;
  std::memcpy(out.data() + 1, x.data(), x.size());
  std::memcpy(out.data() + 33, y.data(), y.size());
  return true;
}

bool P256ScalarOk(std::span<const uint8_t, 32> scalar) {
  Field difference;
  std::memcpy(difference.data(), scalar.data(), difference.size());
  const ScopedWipe wipe(difference);
  const bool zero = IsZero(difference);
  return Subtract(difference, kN) && !zero;
}

bool P256Derive(std::span<const uint8_t, 32> scalar, std::span<uint8_t, 33> out) {
  if (!P256ScalarOk(scalar)) return false;
  const br_ec_private_key key = PrivateKey(scalar);
  ByteArray<65> point;
  if (br_ec_compute_pub(&br_ec_p256_m31, nullptr, point.data(), &key) != point.size()) return false;
  out[0] = static_cast<uint8_t>(2 | (point[64] & 1));
  std::memcpy(out.data() + 1, point.data() + 1, 32);
  return true;
}

bool P256Agree(std::span<const uint8_t, 32> scalar, std::span<const uint8_t, 33> peer, std::span<uint8_t, 32> x) {
  ByteArray<65> point;
  if (!P256ScalarOk(scalar) || !P256Uncompress(peer, point)) return false;
  const ScopedWipe wipe(point);
  if (br_ec_p256_m31.mul(point.data(), point.size(), scalar.data(), scalar.size(), BR_EC_secp256r1) != 1) return false;
  std::memcpy(x.data(), point.data() + 1, x.size());
  return true;
}

bool P256Sign(std::span<const uint8_t, 32> scalar, ByteView message, std::span<uint8_t, 64> signature) {
  if (!P256ScalarOk(scalar)) return false;
  const br_ec_private_key key = PrivateKey(scalar);
  const Bytes32 digest = Sha256::Of(message);
  if (br_ecdsa_i31_sign_raw(&br_ec_p256_m31, &br_sha256_vtable, digest.data(), &key, signature.data()) !=
      signature.size()) {
    return false;
  }
  P256MakeLowS(signature);
  return true;
}

void P256MakeLowS(std::span<uint8_t, 64> signature) { internal::MakeLowS(KeyType::kP256, signature.subspan<32, 32>()); }

bool P256Verify(std::span<const uint8_t, 33> key, ByteView message, std::span<const uint8_t, 64> signature) {
  ByteArray<65> point;
  if (!P256Uncompress(key, point)) return false;
  br_ec_public_key public_key;
  public_key.curve = BR_EC_secp256r1;
  public_key.q = point.data();
  public_key.qlen = point.size();
  const Bytes32 digest = Sha256::Of(message);
  return br_ecdsa_i31_vrfy_raw(&br_ec_p256_m31, digest.data(), digest.size(), &public_key, signature.data(),
                               signature.size()) == 1;
}

}  // namespace keel::crypto::embedded
