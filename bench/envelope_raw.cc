// SPDX-License-Identifier: Apache-2.0
#define OPENSSL_SUPPRESS_DEPRECATED  // EC_KEY: as fast as anything in OpenSSL 3.0
#include "bench/envelope_raw.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>
#include <openssl/sha.h>
#include <sodium.h>

#include <cstdlib>
#include <memory>
#include <vector>

#include "crypto/aead.h"

namespace keel::bench {
namespace {

using crypto::KeyType;
using Octets = std::vector<uint8_t>;

void Must(bool good) {
  if (!good) std::abort();
}

// One curve's operations. The objects live as long as the program: a benchmark.
class Curve {
 public:
  explicit Curve(KeyType type) : type_(type) {
    if (type == KeyType::kX25519) {
      randombytes_buf(scalar_, sizeof scalar_);
      Must(crypto_scalarmult_base(point_, scalar_) == 0);
      return;
    }
    group_ = EC_GROUP_new_by_curve_name(type == KeyType::kP256 ? NID_X9_62_prime256v1 : NID_secp384r1);
    key_ = EC_KEY_new();
    Must(EC_KEY_set_group(key_, group_) == 1 && EC_KEY_generate_key(key_) == 1);
    product_ = EC_POINT_new(group_);
    x_ = BN_new();
    k_ = BN_new();
    ctx_ = BN_CTX_new();
  }
  void Generate() {
    if (type_ == KeyType::kX25519) {
      uint8_t scalar[32], point[32];
      randombytes_buf(scalar, sizeof scalar);
      Must(crypto_scalarmult_base(point, scalar) == 0);
      return;
    }
    Must(BN_priv_rand_range(k_, EC_GROUP_get0_order(group_)) == 1 &&
         EC_POINT_mul(group_, product_, k_, nullptr, nullptr, ctx_) == 1 && Affine());
  }
  void Agree() {
    if (type_ == KeyType::kX25519) {
      uint8_t shared[32];
      Must(crypto_scalarmult(shared, scalar_, point_) == 0);
      return;
    }
    Must(EC_POINT_mul(group_, product_, nullptr, EC_KEY_get0_public_key(key_), EC_KEY_get0_private_key(key_), ctx_) ==
             1 &&
         Affine());
  }
  EC_KEY* key() { return key_; }

 private:
  bool Affine() { return EC_POINT_get_affine_coordinates(group_, product_, x_, nullptr, ctx_) == 1; }
  KeyType type_;
  uint8_t scalar_[32] = {}, point_[32] = {};
  EC_GROUP* group_ = nullptr;
  EC_KEY* key_ = nullptr;
  EC_POINT* product_ = nullptr;
  BIGNUM* x_ = nullptr;
  BIGNUM* k_ = nullptr;
  BN_CTX* ctx_ = nullptr;
};

struct Content {
  Octets plain, sealed, key = Octets(64, 1), iv = Octets(24, 2), kek = Octets(32, 3), wrapped;
  uint8_t tag[32] = {};
  bool cbc = true;
  Content(bool is_cbc, size_t size) : plain(size), sealed(size + 48), cbc(is_cbc) {
    wrapped.resize((cbc ? 64 : 32) + 8);
    Encrypt();
  }
  ByteView Key() const { return ByteView(key).first(cbc ? 64 : 32); }
  void Encrypt() {
    if (cbc) {
      const auto n = crypto::CbcHmacEncrypt(crypto::kOpenSslAes, Key(), ByteView(iv).first(16), {}, plain, sealed,
                                            std::span<uint8_t, 32>(tag));
      Must(n.has_value());
      sealed.resize(*n);
    } else {
      sealed.resize(plain.size() + 16);
      Must(crypto::Xc20pEncrypt(Key(), iv, {}, plain, sealed).has_value());
    }
    Must(crypto::AesKwWrap(crypto::kOpenSslAes, kek, Key(), wrapped).has_value());
  }
  void Decrypt() {
    Octets& out = opened;
    out.resize(sealed.size());
    uint8_t unwrapped[64];
    Must(crypto::AesKwUnwrap(crypto::kOpenSslAes, kek, wrapped, unwrapped).has_value());
    if (cbc) {
      Must(
          crypto::CbcHmacDecrypt(crypto::kOpenSslAes, Key(), ByteView(iv).first(16), {}, sealed, tag, out).has_value());
    } else {
      Must(crypto::Xc20pDecrypt(Key(), iv, {}, sealed, out).has_value());
    }
  }
  Octets opened;
};

}  // namespace

Work RawPack(KeyType type, int agreements, bool cbc, size_t size) {
  auto curve = std::make_shared<Curve>(type);
  auto content = std::make_shared<Content>(cbc, size);
  return [curve, content, agreements] {
    curve->Generate();
    for (int i = 0; i < agreements; ++i) curve->Agree();
    content->Encrypt();
  };
}

Work RawUnpack(KeyType type, int agreements, bool cbc, size_t size) {
  auto curve = std::make_shared<Curve>(type);
  auto content = std::make_shared<Content>(cbc, size);
  return [curve, content, agreements] {
    for (int i = 0; i < agreements; ++i) curve->Agree();
    content->Decrypt();
  };
}

namespace {
struct Signing {
  Octets text;
  uint8_t pk[32] = {}, sk[64] = {}, signature[64] = {};
  std::shared_ptr<Curve> curve;
  uint8_t der[80] = {};
  unsigned der_length = 0;
  explicit Signing(KeyType type, size_t size) : text(size, 'x') {
    if (type == KeyType::kEd25519) {
      Must(crypto_sign_keypair(pk, sk) == 0);
    } else {
      curve = std::make_shared<Curve>(type);
    }
    Sign();
  }
  void Sign() {
    if (!curve) {
      Must(crypto_sign_detached(signature, nullptr, text.data(), text.size(), sk) == 0);
      return;
    }
    uint8_t digest[32];
    SHA256(text.data(), text.size(), digest);
    Must(ECDSA_sign(0, digest, sizeof digest, der, &der_length, curve->key()) == 1);
  }
  void Verify() {
    if (!curve) {
      Must(crypto_sign_verify_detached(signature, text.data(), text.size(), pk) == 0);
      return;
    }
    uint8_t digest[32];
    SHA256(text.data(), text.size(), digest);
    Must(ECDSA_verify(0, digest, sizeof digest, der, static_cast<int>(der_length), curve->key()) == 1);
  }
};
}  // namespace

Work RawSign(KeyType type, size_t size) {
  auto signing = std::make_shared<Signing>(type, size);
  return [signing] { signing->Sign(); };
}

Work RawVerify(KeyType type, size_t size) {
  auto signing = std::make_shared<Signing>(type, size);
  return [signing] { signing->Verify(); };
}

}  // namespace keel::bench
