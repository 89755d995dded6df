// SPDX-License-Identifier: Apache-2.0
// The EVP layer costs 10-20 us a key for parsing alone in OpenSSL 3.0; EC_KEY and ECDSA_do_* are deprecated there but
// not slow.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>
#include <openssl/sha.h>

#include <memory>

#include "core/secret.h"
#include "crypto/hosted/curves.h"

namespace keel::crypto::internal {
namespace {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using Bn = std::unique_ptr<BIGNUM, Deleter<BN_clear_free>>;
using BnCtx = std::unique_ptr<BN_CTX, Deleter<BN_CTX_free>>;
using Point = std::unique_ptr<EC_POINT, Deleter<EC_POINT_clear_free>>;
using Key = std::unique_ptr<EC_KEY, Deleter<EC_KEY_free>>;
using Signature = std::unique_ptr<ECDSA_SIG, Deleter<ECDSA_SIG_free>>;

const EC_GROUP* GroupOf(KeyType type) {
  // Made once, never freed, then only read: safe for all threads.
  static const EC_GROUP* const p256 = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  static const EC_GROUP* const p384 = EC_GROUP_new_by_curve_name(NID_secp384r1);
  static const EC_GROUP* const p521 = EC_GROUP_new_by_curve_name(NID_secp521r1);
  switch (type) {
    case KeyType::kP256: return p256;
    case KeyType::kP384: return p384;
    case KeyType::kP521: return p521;
    case KeyType::kEd25519:
    case KeyType::kX25519:
    case KeyType::kSecp256k1: break;
  }
  return nullptr;
}

Point Decode(const EC_GROUP* group, ByteView octets, BN_CTX* ctx) {
  Point point(EC_POINT_new(group));
  // Checks that the point is on the curve; infinity is one octet, which no length here allows.
  if (!point || EC_POINT_oct2point(group, point.get(), octets.data(), octets.size(), ctx) != 1) return nullptr;
  return point;
}

// The private scalar in 1..n-1, or null.
Bn Scalar(const EC_GROUP* group, ByteView private_key) {
  Bn scalar(BN_secure_new());
  if (!scalar || BN_bin2bn(private_key.data(), static_cast<int>(private_key.size()), scalar.get()) == nullptr)
    return nullptr;
  BN_set_flags(scalar.get(), BN_FLG_CONSTTIME);
  if (BN_is_zero(scalar.get()) || BN_cmp(scalar.get(), EC_GROUP_get0_order(group)) >= 0) return nullptr;
  return scalar;
}

// The digest that goes with the curve; its length.
size_t Digest(KeyType type, ByteView message, ByteArray<64>& out) {
  if (type == KeyType::kP256) {
    SHA256(message.data(), message.size(), out.data());
    return 32;
  }
  SHA384(message.data(), message.size(), out.data());
  return 48;
}

}  // namespace

bool NistCheck(KeyType type, ByteView point) {
  const EC_GROUP* group = GroupOf(type);
  const BnCtx ctx(BN_CTX_new());
  return group != nullptr && ctx && point.size() == 2 * PublicKeyLength(type) - 1 && point[0] == 4 &&
         Decode(group, point, ctx.get()) != nullptr;
}

bool NistUncompress(KeyType type, ByteView compressed, ByteSpan out) {
  const EC_GROUP* group = GroupOf(type);
  BnCtx ctx(BN_CTX_new());
  if (group == nullptr || !ctx) return false;
  const Point point = Decode(group, compressed, ctx.get());
  return point && EC_POINT_point2oct(group, point.get(), POINT_CONVERSION_UNCOMPRESSED, out.data(), out.size(),
                                     ctx.get()) == out.size();
}

bool NistVerify(KeyType type, ByteView encoded, ByteView message, ByteView signature) {
  const EC_GROUP* group = GroupOf(type);
  BnCtx ctx(BN_CTX_new());
  if (group == nullptr || !ctx || type == KeyType::kP521) return false;
  const Point point = Decode(group, encoded, ctx.get());
  const Key key(EC_KEY_new());
  if (!point || !key || EC_KEY_set_group(key.get(), group) != 1 || EC_KEY_set_public_key(key.get(), point.get()) != 1)
    return false;
  const size_t half = signature.size() / 2;
  const Signature parsed(ECDSA_SIG_new());
  Bn r(BN_bin2bn(signature.data(), static_cast<int>(half), nullptr));
  Bn s(BN_bin2bn(signature.data() + half, static_cast<int>(half), nullptr));
  if (!parsed || !r || !s || ECDSA_SIG_set0(parsed.get(), r.get(), s.get()) != 1) return false;
  static_cast<void>(r.release());  // now the signature's
  static_cast<void>(s.release());
  ByteArray<64> digest;
  const size_t length = Digest(type, message, digest);
  return ECDSA_do_verify(digest.data(), static_cast<int>(length), parsed.get(), key.get()) == 1;
}

size_t NistAgree(KeyType type, ByteView private_key, ByteView peer, ByteSpan out) {
  const EC_GROUP* group = GroupOf(type);
  BnCtx ctx(BN_CTX_secure_new());
  const size_t length = PrivateKeyLength(type);
  if (group == nullptr || !ctx || out.size() < length) return 0;
  const Bn scalar = Scalar(group, private_key);
  const Point point = Decode(group, peer, ctx.get());
  const Point product(EC_POINT_new(group));
  const Bn x(BN_secure_new());
  if (!scalar || !point || !product || !x) return 0;
  // What ECDH_compute_key does for cofactor 1: the constant-time ladder (nistz256 for P-256).
  if (EC_POINT_mul(group, product.get(), nullptr, point.get(), scalar.get(), ctx.get()) != 1 ||
      EC_POINT_is_at_infinity(group, product.get()) != 0 ||
      EC_POINT_get_affine_coordinates(group, product.get(), x.get(), nullptr, ctx.get()) != 1 ||
      BN_bn2binpad(x.get(), out.data(), static_cast<int>(length)) != static_cast<int>(length)) {
    return 0;
  }
  return length;
}

size_t NistDerive(KeyType type, ByteView private_key, ByteSpan out) {
  const EC_GROUP* group = GroupOf(type);
  BnCtx ctx(BN_CTX_secure_new());
  const size_t length = 2 * PublicKeyLength(type) - 1;
  if (group == nullptr || !ctx || out.size() < length) return 0;
  const Bn scalar = Scalar(group, private_key);
  const Point point(EC_POINT_new(group));
  if (!scalar || !point || EC_POINT_mul(group, point.get(), scalar.get(), nullptr, nullptr, ctx.get()) != 1) return 0;
  return EC_POINT_point2oct(group, point.get(), POINT_CONVERSION_UNCOMPRESSED, out.data(), length, ctx.get());
}

size_t NistSign(KeyType type, ByteView private_key, ByteView message, ByteSpan out) {
  const EC_GROUP* group = GroupOf(type);
  if (group == nullptr || type == KeyType::kP521) return 0;
  const Bn scalar = Scalar(group, private_key);
  const Key key(EC_KEY_new());
  if (!scalar || !key || EC_KEY_set_group(key.get(), group) != 1 ||
      EC_KEY_set_private_key(key.get(), scalar.get()) != 1)
    return 0;
  ByteArray<64> digest;
  const size_t length = Digest(type, message, digest);
  const Signature signature(ECDSA_do_sign(digest.data(), static_cast<int>(length), key.get()));
  const size_t octets = PrivateKeyLength(type);
  const auto half = static_cast<int>(octets);
  if (!signature || out.size() < 2 * octets) return 0;
  if (BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out.data(), half) != half ||
      BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out.data() + half, half) != half) {
    return 0;
  }
  MakeLowS(type, out.subspan(octets, octets));
  return 2 * octets;
}

}  // namespace keel::crypto::internal
