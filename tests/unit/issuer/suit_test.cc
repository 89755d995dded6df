// SPDX-License-Identifier: Apache-2.0
#include "base/suit.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "crypto/hash.h"
#include "crypto/hosted/software_key_store.h"
#include "crypto/signature.h"

namespace keel::base {
namespace {

constexpr const char* kDraftKey =
    "048496811aae0baaabd26157189eecda26beaa8bf11b6f3fe6e2b5659c85dbc0ad"
    "3b1f2a4b6c098131c0a36dacd1d78bd381dcdfb09c052db33991db7338b4a896";

class SuitTest : public testing::Test {
 protected:
  SuitTest() {
    crypto::SetUpHostedCrypto();
    keys = crypto::SoftwareKeyStore::CreateInMemory();
    author = *keys->Generate(crypto::KeyType::kEd25519);
    manifest.sequence = 7;
    manifest.vendor_id = SuitVendorId("maker.example");
    manifest.class_id = SuitClassId(manifest.vendor_id, "keel-sensor-1");
    manifest.image_digest = crypto::Sha256::Of("image");
    manifest.image_size = 5;
    manifest.version = "2.0.1";
    manifest.model = "keel-sensor-1";
  }
  Result<ByteVec> Write() {
    return WriteSuitEnvelope(manifest, [&](ByteView message) -> Result<ByteVec> {
      ByteVec out(64);
      KEEL_TRY([[maybe_unused]] const size_t n, keys->Sign(author, message, out));
      return out;
    });
  }
  static ByteVec Vector(const std::string& name) {
    return ToBytes(*ReadFile(std::string(KEEL_SOURCE_DIR) + "/tests/vectors/suit/" + name));
  }

  std::unique_ptr<crypto::SoftwareKeyStore> keys;
  crypto::KeyHandle author;
  SuitManifest manifest;
};

TEST_F(SuitTest, ReadsWhatItWrites) {
  const auto envelope = Write();
  ASSERT_TRUE(envelope) << envelope.error().Text();
  EXPECT_LT(envelope->size(), 2048u);  // what a device takes
  const auto info = ReadSuitEnvelope(*envelope);
  ASSERT_TRUE(info) << info.error().Text();
  EXPECT_EQ(info->manifest.sequence, 7u);
  EXPECT_EQ(info->manifest.vendor_id, manifest.vendor_id);
  EXPECT_EQ(info->manifest.class_id, manifest.class_id);
  EXPECT_EQ(info->manifest.image_digest, manifest.image_digest);
  EXPECT_EQ(info->manifest.image_size, 5u);
  EXPECT_EQ(info->manifest.version, "2.0.1");
  EXPECT_EQ(info->manifest.model, "keel-sensor-1");
  EXPECT_EQ(info->algorithm, -8);
  EXPECT_TRUE(*VerifySuitEnvelope(*envelope, *keys->Public(author)));
  EXPECT_FALSE(*VerifySuitEnvelope(*envelope, *keys->Public(*keys->Generate(crypto::KeyType::kEd25519))));
}

TEST_F(SuitTest, EveryOctetCounts) {
  const ByteVec envelope = *Write();
  const crypto::PublicKey key = *keys->Public(author);
  for (size_t i = 0; i < envelope.size(); ++i) {
    ByteVec bad = envelope;
    bad[i] ^= 0x01;
    const auto good = VerifySuitEnvelope(bad, key);
    EXPECT_FALSE(good && *good) << "octet " << i;
  }
  for (size_t length = 0; length < envelope.size(); ++length)
    EXPECT_FALSE(ReadSuitEnvelope(ByteView(envelope).first(length))) << length;
  ByteVec longer = envelope;
  longer.push_back(0);
  EXPECT_FALSE(ReadSuitEnvelope(longer));
}

TEST_F(SuitTest, ReadsTheDraftsExamples) {
  const auto unsigned_info = ReadSuitEnvelope(Vector("ietf-example1-unsigned.cbor"));
  ASSERT_TRUE(unsigned_info) << unsigned_info.error().Text();
  EXPECT_EQ(unsigned_info->algorithm, 0);
  const ByteVec envelope = Vector("ietf-example1-signed.cbor");
  const auto info = ReadSuitEnvelope(envelope);
  ASSERT_TRUE(info) << info.error().Text();
  EXPECT_EQ(info->manifest.sequence, 1u);
  EXPECT_EQ(info->manifest.image_size, 34768u);
  EXPECT_EQ(Hex(info->manifest.vendor_id), "fa6b4a53d5ad5fdfbe9de663e4d41ffe");
  EXPECT_EQ(Hex(info->manifest.class_id), "1492af1425695e48bf429b2d51f2ab45");
  EXPECT_EQ(Hex(info->manifest_digest), "1f2e7acca0dc2786f2fe4eb947f50873a6a3cfaa98866c5b02e621f42074daf2");
  EXPECT_EQ(info->algorithm, -7);
  // The draft's test key, SEC 1 uncompressed.
  const auto octets = FromHex(kDraftKey);
  ASSERT_TRUE(octets);
  const auto key = crypto::PublicKey::FromUncompressed(crypto::KeyType::kP256, *octets);
  ASSERT_TRUE(key) << key.error().Text();
  EXPECT_TRUE(*VerifySuitEnvelope(envelope, *key));
  EXPECT_EQ(VerifySuitEnvelope(envelope, *keys->Public(author)).error().code, Code::kUnsupported);
  EXPECT_TRUE(ReadSuitEnvelope(Vector("ietf-example0-signed.cbor")));
}

TEST_F(SuitTest, UuidsAreVersion5) {
  // RFC 9562, appendix A.4: version 5 of the name www.example.com in the DNS namespace.
  EXPECT_EQ(Hex(SuitVendorId("www.example.com")), "2ed6657de927568b95e12665a8aea6a2");
  EXPECT_NE(SuitClassId(manifest.vendor_id, "a"), SuitClassId(manifest.vendor_id, "b"));
}

TEST_F(SuitTest, RefusesBadTexts) {
  manifest.version = "";
  EXPECT_FALSE(Write());
  manifest.version = std::string(65, '1');
  EXPECT_FALSE(Write());
  manifest.version = "\xff";
  EXPECT_FALSE(Write());
}

}  // namespace
}  // namespace keel::base
