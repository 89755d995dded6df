// SPDX-License-Identifier: Apache-2.0
#include "base/suit.h"

#include <gtest/gtest.h>

#include "base/files.h"
#include "crypto/hash.h"
#include "crypto/hosted/software_key_store.h"
#include "crypto/signature.h"
#include "onboarding/suit.h"

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

TEST_F(SuitTest, IsReadAsItWasWritten) {
  const auto envelope = Write();
  ASSERT_TRUE(envelope) << envelope.error().Text();
  const crypto::PublicKey keys_of[] = {*keys->Public(*keys->Generate(crypto::KeyType::kEd25519)),
                                       *keys->Public(author)};
  size_t who = 0;
  const auto read = onboarding::VerifySuitEnvelope(*envelope, keys_of, &who);
  ASSERT_TRUE(read) << read.error().Text();
  EXPECT_EQ(who, 1u);
  EXPECT_EQ(read->sequence, 7u);
  EXPECT_EQ(read->vendor, manifest.vendor_id);
  EXPECT_EQ(read->device_class, manifest.class_id);
  EXPECT_EQ(read->digest, manifest.image_digest);
  EXPECT_EQ(read->size, 5u);
  EXPECT_EQ(read->version, "2.0.1");
  EXPECT_EQ(onboarding::VerifySuitEnvelope(*envelope, {keys_of, 1}).error().code, Code::kUntrusted);
  EXPECT_EQ(onboarding::ReadSuitEnvelope(*envelope)->manifest_digest, read->manifest_digest);
}

TEST_F(SuitTest, EveryOctetCounts) {
  const ByteVec envelope = *Write();
  const crypto::PublicKey key = *keys->Public(author);
  for (size_t i = 0; i < envelope.size(); ++i) {
    ByteVec bad = envelope;
    bad[i] ^= 0x01;
    EXPECT_FALSE(onboarding::VerifySuitEnvelope(bad, {&key, 1})) << "octet " << i;
  }
  for (size_t length = 0; length < envelope.size(); ++length)
    EXPECT_FALSE(onboarding::ReadSuitEnvelope(ByteView(envelope).first(length))) << length;
  ByteVec longer = envelope;
  longer.push_back(0);
  EXPECT_FALSE(onboarding::ReadSuitEnvelope(longer));
}

// Signed by the draft's test key (SEC 1, uncompressed). What they command beyond our one component is refused after the
// signature was found good, and by name.
TEST_F(SuitTest, TheDraftsExamplesAreSignedWellAndMoreThanADeviceTakes) {
  const auto octets = FromHex(kDraftKey);
  ASSERT_TRUE(octets);
  const auto key = crypto::PublicKey::FromUncompressed(crypto::KeyType::kP256, *octets);
  ASSERT_TRUE(key) << key.error().Text();
  const crypto::PublicKey other = *keys->Public(author);
  for (const char* name : {"ietf-example0-signed.cbor", "ietf-example1-signed.cbor"}) {
    const ByteVec envelope = Vector(name);
    const auto read = onboarding::VerifySuitEnvelope(envelope, {&*key, 1});
    EXPECT_TRUE(read || read.error().code == Code::kUnsupported) << name << ": " << read.error().Text();
    EXPECT_EQ(onboarding::VerifySuitEnvelope(envelope, {&other, 1}).error().code, Code::kUntrusted) << name;
    ByteVec bad = envelope;
    bad.back() ^= 1;
    EXPECT_EQ(onboarding::VerifySuitEnvelope(bad, {&*key, 1}).error().code, Code::kBadSignature) << name;
  }
  EXPECT_EQ(onboarding::VerifySuitEnvelope(Vector("ietf-example1-unsigned.cbor"), {&*key, 1}).error().code,
            Code::kUntrusted);
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
