// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "core/encoding.h"
#include "crypto/aead.h"
#include "crypto/agreement.h"
#include "crypto/hash.h"
#include "crypto/signature.h"
#include "tests/fakes/heap_count.h"

namespace keel::crypto {
namespace {

class CountingRandom final : public Random {
 public:
  Result<> Fill(ByteSpan out) override {
    for (auto& octet : out) octet = next_++;
    return {};
  }

 private:
  uint8_t next_ = 1;
};

class StuckRandom final : public Random {
 public:
  Result<> Fill(ByteSpan out) override {
    for (auto& octet : out) octet = 0xff;
    return {};
  }
};

class NoRandom final : public Random {
 public:
  Result<> Fill(ByteSpan) override { return Fail(Code::kNoEntropy, "test"); }
};

std::string Hex(ByteView octets) {
  std::string text(octets.size() * 2, ' ');
  static_cast<void>(HexEncode(octets, text));
  return text;
}

TEST(EmbeddedCrypto, WorksWithoutHostedCode) {
  CountingRandom random;
  for (const KeyType type : {KeyType::kX25519, KeyType::kP256}) {
    auto a = GenerateEphemeral(type, random), b = GenerateEphemeral(type, random);
    ASSERT_TRUE(a && b);
    auto ab = AgreeRaw(type, a->private_key.ExposeSecret(), b->public_key);
    auto ba = AgreeRaw(type, b->private_key.ExposeSecret(), a->public_key);
    ASSERT_TRUE(ab && ba);
    EXPECT_TRUE(ab->SameAs(*ba));
  }
  const ByteView message = AsBytes("message");
  for (const KeyType type : {KeyType::kEd25519, KeyType::kP256}) {
    Bytes32 seed;
    ASSERT_TRUE(random.Fill(seed));
    auto key = PublicFromPrivate(type, seed);
    ASSERT_TRUE(key);
    ByteArray<64> signature;
    ASSERT_EQ(SignRaw(type, seed, message, signature), 64u);
    EXPECT_EQ(Verify(*key, message, signature, true), true);
    for (size_t i = 0; i < 64; i += 7) {
      signature[i] ^= 1;
      EXPECT_EQ(Verify(*key, message, signature), false);
      signature[i] ^= 1;
    }
    EXPECT_EQ(Verify(*key, AsBytes("massage"), signature), false);
    EXPECT_EQ(Verify(*key, message, ByteView(signature).first(63)), false);
    EXPECT_EQ(SignRaw(type, seed, message, ByteSpan(signature).first(63)).error().code, Code::kBufferTooSmall);
  }
}

TEST(EmbeddedCrypto, OtherCurvesAreUnsupportedHere) {
  ByteArray<33> octets{2};
  octets[32] = 1;
  EXPECT_EQ(PublicKey::Create(KeyType::kSecp256k1, octets).error().code, Code::kUnsupported);
  EXPECT_EQ(PublicFromPrivate(KeyType::kSecp256k1, ByteView(octets).first(32)).error().code, Code::kUnsupported);
  ByteArray<64> signature;
  EXPECT_EQ(SignRaw(KeyType::kSecp256k1, ByteView(octets).first(32), {}, signature).error().code, Code::kUnsupported);
  CountingRandom random;
  EXPECT_EQ(GenerateEphemeral(KeyType::kP384, random).error().code, Code::kUnsupported);
  EXPECT_EQ(PublicKey::Create(static_cast<KeyType>(99), octets).error().code, Code::kUnsupported);
}

TEST(EmbeddedCrypto, RandomFailsClosed) {
  NoRandom none;
  EXPECT_EQ(GenerateEphemeral(KeyType::kX25519, none).error().code, Code::kNoEntropy);
  StuckRandom stuck;  // all ones are beyond P-256's order every time
  EXPECT_EQ(GenerateEphemeral(KeyType::kP256, stuck).error().code, Code::kNoEntropy);
}

// RFC 6979 appendix A.2.5, P-256 with SHA-256; s made low.
TEST(EmbeddedCrypto, EcdsaIsDeterministicAndLowS) {
  Bytes32 key;
  ASSERT_TRUE(HexDecode("c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721", key));
  ByteArray<64> signature;
  ASSERT_TRUE(SignRaw(KeyType::kP256, key, AsBytes("sample"), signature));
  EXPECT_EQ(Hex(ByteView(signature).first(32)), "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716");
  // n - f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8
  EXPECT_EQ(Hex(ByteView(signature).last(32)), "0834e36ad29a83bf2bc9385e491d6099c8fdf9d1ed67aa7ea5f51f93782857a9");
  auto own = PublicFromPrivate(KeyType::kP256, key);
  ASSERT_TRUE(own);
  EXPECT_EQ(Hex(own->bytes()), "0360fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6");
  ByteArray<65> point;
  ASSERT_EQ(own->ToUncompressed(point), 65u);
  EXPECT_EQ(Hex(ByteView(point).last(32)), "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299");
  EXPECT_EQ(PublicKey::FromUncompressed(KeyType::kP256, point), *own);
  point[64] ^= 2;
  EXPECT_EQ(PublicKey::FromUncompressed(KeyType::kP256, point).error().code, Code::kBadKey);
  const Bytes32 zero{};
  EXPECT_EQ(PublicFromPrivate(KeyType::kP256, zero).error().code, Code::kBadKey);
  Bytes32 order;
  ASSERT_TRUE(HexDecode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551", order));
  EXPECT_EQ(PublicFromPrivate(KeyType::kP256, order).error().code, Code::kBadKey);
  EXPECT_EQ(SignRaw(KeyType::kP256, order, {}, signature).error().code, Code::kBadKey);
  order[31] -= 1;
  EXPECT_TRUE(PublicFromPrivate(KeyType::kP256, order));
}

TEST(EmbeddedCrypto, AllocatesNothing) {
  if (!fakes::HeapCountWorks()) GTEST_SKIP() << "sanitizer's allocator";
  CountingRandom random;
  ByteArray<512> buffer;
  char text[kMaxMultikeyText];
  Bytes32 tag;
  const ByteView message = AsBytes("a message of some length");
  bool good = true;
  const size_t before = fakes::HeapAllocations();
  for (const KeyType type : {KeyType::kEd25519, KeyType::kP256}) {
    Bytes32 seed;
    good = good && random.Fill(seed).has_value();
    auto key = PublicFromPrivate(type, seed);
    ByteArray<64> signature;
    good = good && key && SignRaw(type, seed, message, signature) && *Verify(*key, message, signature);
    auto n = key->ToMultikey(text);
    good = good && n && *PublicKey::FromMultikey({text, *n}) == *key && !PublicKey::FromMultikey("zzzz");
  }
  for (const KeyType type : {KeyType::kX25519, KeyType::kP256}) {
    auto key = GenerateEphemeral(type, random);
    good = good && key && AgreeRaw(type, key->private_key.ExposeSecret(), key->public_key);
  }
  const ByteArray<64> key64{};
  const ByteView key32 = ByteView(key64).first(32), nonce = ByteView(key64).first(24), iv = ByteView(key64).first(16);
  auto n = CbcHmacEncrypt(kBearSslAes, key64, iv, {}, message, buffer, tag);
  good = good && n && CbcHmacDecrypt(kBearSslAes, key64, iv, {}, ByteView(buffer).first(*n), tag, buffer);
  n = AesKwWrap(kBearSslAes, key32, key64, buffer);
  good = good && n && AesKwUnwrap(kBearSslAes, key32, ByteView(buffer).first(*n), buffer);
  n = Xc20pEncrypt(key32, nonce, {}, message, buffer);
  good = good && n && Xc20pDecrypt(key32, nonce, {}, ByteView(buffer).first(*n), buffer);
  good = good && HkdfSha256(message, {}, {}, buffer) && ConcatKdfSha256(message, {}, buffer);
  const Bytes32 digest = Sha256::Of(message);
  const Bytes64 long_digest = Sha512(digest);
  const Bytes64 mac = HmacSha512(HmacSha256(digest, message), long_digest);
  const size_t after = fakes::HeapAllocations();
  EXPECT_TRUE(good);
  EXPECT_NE(mac[0] | mac[1] | mac[2], 0);
  EXPECT_EQ(after, before);
}

}  // namespace
}  // namespace keel::crypto
