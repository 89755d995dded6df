// SPDX-License-Identifier: Apache-2.0
#include "crypto/keys.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <random>

#include "crypto/aead.h"
#include "crypto/agreement.h"
#include "crypto/embedded/p256.h"
#include "crypto/hash.h"
#include "crypto/hosted/software_key_store.h"
#include "crypto/signature.h"
#include "tests/unit/crypto/helpers.h"

namespace keel::crypto {
namespace {

using namespace keel::test;  // NOLINT(google-build-using-namespace)

constexpr KeyType kAll[] = {KeyType::kEd25519,   KeyType::kX25519, KeyType::kP256,
                            KeyType::kSecp256k1, KeyType::kP384,   KeyType::kP521};

class Keys : public testing::Test {
 protected:
  static void SetUpTestSuite() { SetUpHostedCrypto(); }
};

Code CreateCode(KeyType type, const std::string& hex) {
  auto key = PublicKey::Create(type, FromHex(hex));
  return key ? Code::kOk : key.error().code;
}

TEST_F(Keys, MultikeyRoundTripOfEveryType) {
  auto store = SoftwareKeyStore::CreateInMemory();
  for (const KeyType type : kAll) {
    auto handle = store->Generate(type);
    ASSERT_TRUE(handle);
    auto key = store->Public(*handle);
    ASSERT_TRUE(key);
    EXPECT_EQ(key->type(), type);
    EXPECT_EQ(key->bytes().size(), PublicKeyLength(type));
    char text[kMaxMultikeyText];
    auto n = key->ToMultikey(text);
    ASSERT_TRUE(n);
    EXPECT_EQ(PublicKey::FromMultikey({text, *n}), *key);
    EXPECT_EQ(key->ToMultikey(std::span(text).first(*n - 1)).error().code, Code::kBufferTooSmall);
    ByteArray<kMaxMultikeyOctets> octets;
    auto m = key->ToMultikeyOctets(octets);
    ASSERT_TRUE(m);
    EXPECT_EQ(PublicKey::FromMultikeyOctets(ByteView(octets).first(*m)), *key);
    EXPECT_EQ(PublicKey::FromMultikeyOctets(ByteView(octets).first(*m - 1)).error().code, Code::kBadKey);
    for (const KeyType other : kAll) {
      if (PublicKeyLength(other) == PublicKeyLength(type)) continue;
      EXPECT_EQ(PublicKey::Create(other, key->bytes()).error().code, Code::kBadKey);
    }
    ByteArray<kMaxUncompressed> point;
    auto u = key->ToUncompressed(point);
    if (type == KeyType::kEd25519 || type == KeyType::kX25519) {
      EXPECT_EQ(u.error().code, Code::kUnsupported);
      continue;
    }
    ASSERT_TRUE(u);
    EXPECT_EQ(PublicKey::FromUncompressed(type, ByteView(point).first(*u)), *key);
    point[*u - 1] ^= 2;
    EXPECT_EQ(PublicKey::FromUncompressed(type, ByteView(point).first(*u)).error().code, Code::kBadKey);
    point[0] = 6;  // SEC 1's hybrid form
    EXPECT_EQ(PublicKey::FromUncompressed(type, ByteView(point).first(*u)).error().code, Code::kBadKey);
  }
  EXPECT_FALSE(PublicKey().valid());
  EXPECT_EQ(PublicKey().ToMultikey({}).error().code, Code::kBadKey);
  EXPECT_EQ(Verify(PublicKey(), {}, {}).error().code, Code::kBadKey);
}

TEST_F(Keys, DidKeyFixtures) {
  int checked = 0;
  for (const char* name : {"ed25519-x25519", "nist-curves", "secp256k1"}) {
    const auto file = ReadJson(std::string("did-key/") + name + ".json");
    for (const auto& [did, entry] : file.items()) {
      auto key = PublicKey::FromMultikey(did.substr(8));
      ASSERT_TRUE(key) << did;
      char text[kMaxMultikeyText];
      auto n = key->ToMultikey(text);
      ASSERT_TRUE(n);
      EXPECT_EQ(std::string(text, *n), did.substr(8));
      if (entry.contains("seed") && std::string(name) == "ed25519-x25519") {
        auto derived = PublicFromPrivate(KeyType::kEd25519, FromHex(entry["seed"]));
        ASSERT_TRUE(derived);
        EXPECT_EQ(*derived, *key);
        auto agreement = X25519FromEd25519(*key);
        ASSERT_TRUE(agreement);
        n = agreement->ToMultikey(text);
        ASSERT_TRUE(n);
        EXPECT_TRUE(entry["keyAgreementKeyPair"]["id"].get<std::string>().ends_with("#" + std::string(text, *n)));
      }
      ++checked;
    }
  }
  EXPECT_GE(checked, 10);
}

TEST_F(Keys, RefusesWhatIsNoMultikey) {
  EXPECT_EQ(PublicKey::FromMultikey("").error().code, Code::kMalformed);
  EXPECT_EQ(PublicKey::FromMultikey("u7QE").error().code, Code::kMalformed);
  EXPECT_EQ(PublicKey::FromMultikey("z").error().code, Code::kMalformed);
  EXPECT_EQ(PublicKey::FromMultikey("z0OIl").error().code, Code::kMalformed);
  EXPECT_EQ(PublicKey::FromMultikey(std::string(101, 'z')).error().code, Code::kTooLarge);
  Octets octets(34, 1);
  EXPECT_EQ(PublicKey::FromMultikeyOctets(octets).error().code, Code::kUnsupported);
  octets[0] = 0xed;
  octets[1] = 0x81;  // a longer spelling of the codec
  EXPECT_EQ(PublicKey::FromMultikeyOctets(octets).error().code, Code::kUnsupported);
}

// assurance I7
TEST_F(Keys, RefusesBadPoints) {
  const std::string zeros(64, '0');
  // Small order, in every spelling that the field allows: with and without the ignored or sign bit, reduced or not.
  for (const char* low : {"0000000000000000000000000000000000000000000000000000000000000000",
                          "0100000000000000000000000000000000000000000000000000000000000000",
                          "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
                          "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"}) {
    Octets octets = FromHex(low);
    for (int bit = 0; bit < 2; ++bit) {
      EXPECT_EQ(PublicKey::Create(KeyType::kX25519, octets).error().code, Code::kBadKey) << low;
      EXPECT_EQ(PublicKey::Create(KeyType::kEd25519, octets).error().code, Code::kBadKey) << low;
      octets[31] ^= 0x80;
    }
  }
  for (const char* low : {"e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
                          "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157"}) {
    EXPECT_EQ(CreateCode(KeyType::kX25519, low), Code::kBadKey);
    Bytes32 out, scalar{};
    scalar[0] = 8;
    EXPECT_NE(crypto_scalarmult_curve25519(out.data(), scalar.data(), FromHex(low).data()), 0) << "libsodium agrees";
  }
  for (const char* low : {"26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
                          "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"}) {
    EXPECT_EQ(CreateCode(KeyType::kEd25519, low), Code::kBadKey);
    EXPECT_NE(crypto_core_ed25519_is_valid_point(FromHex(low).data()), 1) << "libsodium agrees";
  }
  // y = 2 is on no point of edwards25519; p + 3 is a second spelling of 3.
  EXPECT_EQ(CreateCode(KeyType::kEd25519, "0200000000000000000000000000000000000000000000000000000000000000"),
            Code::kBadKey);
  EXPECT_EQ(CreateCode(KeyType::kEd25519, "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
            Code::kBadKey);
  EXPECT_EQ(CreateCode(KeyType::kEd25519, "5866666666666666666666666666666666666666666666666666666666666666"),
            Code::kOk);
  // Compressed points: wrong prefix, x beyond p, x on no point, infinity.
  for (const char* prefix : {"00", "04", "05", "06", "ff"})
    EXPECT_EQ(CreateCode(KeyType::kP256, prefix + zeros), Code::kBadKey);
  EXPECT_EQ(CreateCode(KeyType::kP256, "02ffffffff00000001000000000000000000000000ffffffffffffffffffffffff"),
            Code::kBadKey);
  EXPECT_EQ(CreateCode(KeyType::kP256, "02ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
            Code::kBadKey);
  EXPECT_EQ(CreateCode(KeyType::kSecp256k1, "02ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
            Code::kBadKey);
  EXPECT_EQ(CreateCode(KeyType::kSecp256k1, "02" + zeros), Code::kBadKey);
  EXPECT_EQ(CreateCode(KeyType::kSecp256k1, "00" + zeros), Code::kBadKey);
  EXPECT_EQ(CreateCode(KeyType::kP384, "02" + std::string(96, 'f')), Code::kBadKey);
  EXPECT_EQ(CreateCode(KeyType::kP521, "02" + std::string(132, 'f')), Code::kBadKey);
  EXPECT_EQ(CreateCode(KeyType::kP256, ""), Code::kBadKey);
}

// What one library decompresses, the other must, to the same point.
TEST_F(Keys, BearSslAndOpenSslDecompressAlike) {
  std::mt19937 random(3);
  int points = 0;
  for (int i = 0; i < 200; ++i) {
    ByteArray<33> compressed;
    for (auto& octet : compressed) octet = static_cast<uint8_t>(random());
    compressed[0] = static_cast<uint8_t>(2 | (i & 1));
    if (i < 8) {
      for (size_t j = 1; j < 33; ++j) compressed[j] = static_cast<uint8_t>(j == 32 ? i : 0);
    }
    ByteArray<65> embedded{}, hosted{};
    const bool a = embedded::P256Uncompress(compressed, embedded);
    auto key = PublicKey::Create(KeyType::kP256, compressed);
    ASSERT_EQ(a, key.has_value());
    if (!a) continue;
    ++points;
    ASSERT_TRUE(key->ToUncompressed(hosted));
    EXPECT_EQ(embedded, hosted);
  }
  EXPECT_GT(points, 50);
}

TEST_F(Keys, SignaturesOfBothLibrariesVerifyInBoth) {
  for (uint8_t i = 1; i < 10; ++i) {
    const Octets seed(32, i), message(i, i);
    ByteArray<64> signature;
    ASSERT_TRUE(SignRaw(KeyType::kP256, seed, message, signature));  // BearSSL
    auto key = PublicFromPrivate(KeyType::kP256, seed);
    ASSERT_TRUE(key);
    EXPECT_EQ(Verify(*key, message, signature, true), true);  // OpenSSL
    auto store = SoftwareKeyStore::CreateInMemory();
    auto handle = store->Import(KeyType::kP256, seed);
    ASSERT_TRUE(handle);
    ASSERT_TRUE(store->Sign(*handle, message, signature));  // OpenSSL
    EXPECT_TRUE(embedded::P256Verify(key->bytes().first<33>(), message, signature));
  }
}

TEST_F(Keys, AlgorithmsAreAClosedSet) {
  EXPECT_EQ(AlgorithmFromJose("EdDSA"), SignatureAlgorithm::kEdDsa);
  EXPECT_EQ(AlgorithmFromJose("ES256"), SignatureAlgorithm::kEs256);
  EXPECT_EQ(AlgorithmFromJose("ES256K"), SignatureAlgorithm::kEs256k);
  EXPECT_EQ(AlgorithmFromJose("ES384"), SignatureAlgorithm::kEs384);
  for (const char* name : {"none", "None", "HS256", "RS256", "PS256", "ES512", "eddsa", "", "EdDSA "}) {
    EXPECT_EQ(AlgorithmFromJose(name).error().code, Code::kAlgorithmNotAllowed) << name;
  }
  EXPECT_EQ(AlgorithmFor(KeyType::kX25519).error().code, Code::kUnsupported);
  EXPECT_EQ(AlgorithmFor(KeyType::kP521).error().code, Code::kUnsupported);
}

TEST_F(Keys, Rfc8037Signature) {
  const auto vector = ReadJson("jose/rfc8037-jws.json");
  const Octets seed = FromB64(vector["input"]["key"]["d"]);
  auto key = PublicFromPrivate(KeyType::kEd25519, seed);
  ASSERT_TRUE(key);
  EXPECT_TRUE(Equal(key->bytes(), FromB64(vector["input"]["key"]["x"])));
  ByteArray<64> signature;
  const Octets input = Text(vector["signing"]["sig-input"].get<std::string>());
  ASSERT_TRUE(SignRaw(KeyType::kEd25519, seed, input, signature));
  EXPECT_TRUE(Equal(signature, FromB64(vector["signing"]["sig"])));
  ASSERT_TRUE(SignEd25519(seed, *key, input, signature));
  EXPECT_TRUE(Equal(signature, FromB64(vector["signing"]["sig"])));
  EXPECT_EQ(Verify(*key, input, signature), true);
}

TEST_F(Keys, Hashes) {
  EXPECT_EQ(Hex(Sha256::Of("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Sha256 parts;
  parts.Update("a").Update("").Update("bc");
  EXPECT_EQ(parts.Final(), Sha256::Of("abc"));
  EXPECT_EQ(Hex(Sha512(Text("abc"))).substr(0, 32), "ddaf35a193617abacc417349ae204131");
  Octets out(255 * 32 + 1);
  EXPECT_EQ(HkdfSha256({}, {}, {}, out).error().code, Code::kTooLarge);
  EXPECT_TRUE(HkdfSha256({}, {}, {}, ByteSpan(out).first(255 * 32)));
  EXPECT_EQ(ConcatKdfSha256({}, {}, ByteSpan(out).first(1025)).error().code, Code::kTooLarge);
  // RFC 7518 appendix C
  const Octets z = {158, 86, 217, 29,  129, 113, 53,  211, 114, 131, 66,  131, 191, 132, 38,  156,
                    251, 49, 110, 163, 218, 128, 106, 72,  246, 218, 167, 121, 140, 254, 144, 196};
  Octets key(16);
  const Octets info = {0,   0,   0,  7,   65, 49, 50, 56, 71, 67,  77, 0, 0, 0, 5,  65,
                       108, 105, 99, 101, 0,  0,  0,  3,  66, 111, 98, 0, 0, 0, 128};
  ASSERT_TRUE(ConcatKdfSha256(z, info, key));
  EXPECT_EQ(key, FromB64("VqqN6vgjbSBcIijNcacQGg"));
}

// draft-madden-jose-ecdh-1pu-04: Z = Ze || Zs, the KDF with the tag in SuppPubInfo for key wrapping.
TEST_F(Keys, Ecdh1PuVectors) {
  const auto file = ReadJson("jose/ecdh-1pu-draft-04.json");
  const auto& b = file[1];
  auto epk = PublicKey::Create(KeyType::kX25519, FromB64(b["alice_ephemeral_public_x"]));
  auto sender = PublicKey::Create(KeyType::kX25519, FromB64(b["alice_static_public_x"]));
  ASSERT_TRUE(epk && sender);
  const auto field = [](Octets& out, ByteView value) {
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<uint8_t>(value.size() >> shift));
    out.insert(out.end(), value.begin(), value.end());
  };
  for (const auto& recipient : b["recipients"]) {
    const Octets d = FromB64(recipient["d"]);
    auto ze = AgreeRaw(KeyType::kX25519, d, *epk), zs = AgreeRaw(KeyType::kX25519, d, *sender);
    ASSERT_TRUE(ze && zs);
    Octets z(ze->ExposeSecret().begin(), ze->ExposeSecret().end());
    z.insert(z.end(), zs->ExposeSecret().begin(), zs->ExposeSecret().end());
    EXPECT_EQ(z, FromHex(recipient["Z_hex"]));
    Octets info;
    field(info, Text(b["alg"].get<std::string>()));
    field(info, Text(b["apu"].get<std::string>()));
    field(info, Text(b["apv"].get<std::string>()));
    info.insert(info.end(), {0, 0, 0, 128});
    field(info, FromB64(b["tag"]));
    Octets kek(16);
    ASSERT_TRUE(ConcatKdfSha256(z, info, kek));
    EXPECT_EQ(kek, FromHex(recipient["kek_hex"]));
  }
  const Octets aad = Text(b["jwe"]["protected"].get<std::string>());
  Octets out(64);
  auto n = CbcHmacDecrypt(kOpenSslAes, FromHex(b["cek_hex"]), FromHex(b["iv_hex"]), aad, FromB64(b["ciphertext"]),
                          FromB64(b["tag"]), out);
  ASSERT_TRUE(n);
  EXPECT_EQ(std::string(out.begin(), out.begin() + static_cast<long>(*n)), b["plaintext"].get<std::string>());
}

TEST_F(Keys, AeadsRefuseEveryChangedBit) {
  const Octets key(64, 7), iv(16, 8), aad = Text("header"), message = Text("some plaintext of two blocks...");
  Octets sealed(CbcHmacCiphertextLength(message.size()));
  Bytes32 tag;
  ASSERT_TRUE(CbcHmacEncrypt(kOpenSslAes, key, iv, aad, message, sealed, tag));
  Octets out(sealed.size());
  for (size_t i = 0; i < sealed.size() * 8; i += 5) {
    Octets bad = sealed;
    bad[i / 8] = static_cast<uint8_t>(bad[i / 8] ^ 1u << (i % 8));
    EXPECT_EQ(CbcHmacDecrypt(kOpenSslAes, key, iv, aad, bad, tag, out).error().code, Code::kDecryptFailed);
  }
  EXPECT_EQ(CbcHmacDecrypt(kOpenSslAes, key, iv, aad, sealed, ByteView(tag).first(31), out).error().code,
            Code::kDecryptFailed);
  EXPECT_EQ(CbcHmacDecrypt(kOpenSslAes, key, iv, Text("headex"), sealed, tag, out).error().code, Code::kDecryptFailed);
  EXPECT_EQ(CbcHmacDecrypt(kOpenSslAes, ByteView(key).first(32), iv, aad, sealed, tag, out).error().code,
            Code::kDecryptFailed);
  EXPECT_EQ(CbcHmacDecrypt(kOpenSslAes, key, iv, aad, {}, tag, out).error().code, Code::kDecryptFailed);
  EXPECT_EQ(CbcHmacDecrypt(kOpenSslAes, key, iv, aad, sealed, tag, ByteSpan(out).first(16)).error().code,
            Code::kBufferTooSmall);
  // In place, both ways.
  Octets place = message;
  place.resize(sealed.size());
  ASSERT_TRUE(CbcHmacEncrypt(kBearSslAes, key, iv, aad, ByteView(place).first(message.size()), place, tag));
  EXPECT_EQ(place, sealed);
  auto n = CbcHmacDecrypt(kBearSslAes, key, iv, aad, place, tag, place);
  ASSERT_TRUE(n);
  place.resize(*n);
  EXPECT_EQ(place, message);
  EXPECT_EQ(AesKwWrap(kOpenSslAes, ByteView(key).first(32), ByteView(key).first(12), out).error().code,
            Code::kInvalidArgument);
  EXPECT_EQ(AesKwUnwrap(kOpenSslAes, ByteView(key).first(32), ByteView(key).first(25), out).error().code,
            Code::kDecryptFailed);
  EXPECT_EQ(
      Xc20pDecrypt(ByteView(key).first(32), ByteView(key).first(24), {}, ByteView(key).first(15), out).error().code,
      Code::kDecryptFailed);
  Octets empty(16);
  ASSERT_EQ(Xc20pEncrypt(ByteView(key).first(32), ByteView(key).first(24), {}, {}, empty), 16u);
  EXPECT_EQ(Xc20pDecrypt(ByteView(key).first(32), ByteView(key).first(24), {}, empty, {}), 0u);
}

}  // namespace
}  // namespace keel::crypto
