// SPDX-License-Identifier: Apache-2.0
// Releases that the owner has taken over, and their blocks as the device opens them.
#include "verifier/firmware.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "base/suit.h"
#include "crypto/hash.h"
#include "crypto/hosted/software_key_store.h"
#include "onboarding/messages.h"

namespace keel::verifier {
namespace {

using nlohmann::json;

class FirmwareTest : public testing::Test {
 protected:
  FirmwareTest()
      : dir_(*base::TempDir::Create("keel-firmware")),
        store_(base::MakeMemoryStore()),
        records_(*store_),
        keys_(crypto::SoftwareKeyStore::CreateInMemory()),
        author_(*keys_->Generate(crypto::KeyType::kEd25519)) {
    image_.resize(100'000);
    for (size_t i = 0; i < image_.size(); ++i) image_[i] = static_cast<char>(i * 31 + i / 256);
    EXPECT_TRUE(base::WriteFileAtomic(dir_ / "image", image_));
    envelope_ = Envelope(image_, 2, "2.0.0");
    Open();
  }
  void Open() {
    firmware_ = std::make_unique<FirmwareStore>(dir_ / "firmware", records_, random_);
    ASSERT_TRUE(firmware_->Load());
  }
  base::ByteVec Envelope(const std::string& image, uint64_t sequence, const std::string& version) {
    base::SuitManifest manifest;
    manifest.sequence = sequence;
    manifest.image_digest = crypto::Sha256::Of(image);
    manifest.image_size = image.size();
    manifest.version = version;
    manifest.model = "gateway";
    return *base::WriteSuitEnvelope(manifest, [this](ByteView message) -> Result<base::ByteVec> {
      base::ByteVec signature(64);
      KEEL_TRY(const size_t n, keys_->Sign(author_, message, signature));
      signature.resize(n);
      return signature;
    });
  }
  // All blocks from `from` on, opened as a device opens them.
  Result<std::string> Fetch(const json& key, uint64_t from, uint32_t block_size) {
    const std::string url = key[std::string(onboarding::body::kUrl)];
    const std::string id = url.substr(url.rfind('/') + 1);
    const auto secret =
        onboarding::TransferKey::CopyFrom(*base::GetFixed<32>(key, std::string(onboarding::body::kKey).c_str()));
    const onboarding::FirmwareTransfer shape{crypto::Sha256::Of(envelope_), image_.size(), block_size};
    std::string plain;
    uint64_t block = from;
    for (;;) {
      KEEL_TRY(const std::string sealed, firmware_->Blocks(id, block));
      if (sealed.empty()) return plain;
      size_t at = 0;
      while (at < sealed.size()) {
        const size_t n = shape.BlockLength(block);
        base::ByteVec out(n + onboarding::kFirmwareTag);
        KEEL_TRY(const size_t opened,
                 onboarding::OpenBlock(secret, shape, block, AsBytes(sealed).subspan(at, n + onboarding::kFirmwareTag),
                                       out));
        plain.append(reinterpret_cast<const char*>(out.data()), opened);
        at += n + onboarding::kFirmwareTag;
        ++block;
      }
    }
  }

  base::TempDir dir_;
  std::unique_ptr<base::KeyValueStore> store_;
  Records records_;
  base::SystemRandom random_;
  std::unique_ptr<crypto::SoftwareKeyStore> keys_;
  crypto::KeyHandle author_;
  std::string image_;
  base::ByteVec envelope_;
  std::unique_ptr<FirmwareStore> firmware_;
};

TEST_F(FirmwareTest, ImportsListsAndFindsAgain) {
  const auto release = firmware_->Import(envelope_, dir_ / "image");
  ASSERT_TRUE(release) << release.error().Text();
  EXPECT_EQ(release->version, "2.0.0");
  EXPECT_EQ(release->sequence, 2u);
  EXPECT_EQ(release->size, image_.size());
  EXPECT_TRUE(firmware_->Import(envelope_, dir_ / "image")) << "repeating is fine";
  EXPECT_EQ(firmware_->List().size(), 1u);
  Open();
  ASSERT_TRUE(firmware_->Find(release->id));
  EXPECT_EQ(firmware_->Find(release->id)->Offer(), release->Offer());
  EXPECT_FALSE(firmware_->Find("00"));
}

TEST_F(FirmwareTest, AnImageThatIsNotTheManifestsIsRefused) {
  for (const std::string& other : {image_ + "x", image_.substr(1), std::string()}) {
    ASSERT_TRUE(base::WriteFileAtomic(dir_ / "other", other));
    const auto release = firmware_->Import(envelope_, dir_ / "other");
    ASSERT_FALSE(release);
    EXPECT_EQ(release.error().code, Code::kConflict);
  }
  EXPECT_EQ(firmware_->Import(envelope_, dir_ / "absent").error().code, Code::kNotFound);
  EXPECT_FALSE(firmware_->Import(AsBytes("not an envelope"), dir_ / "image"));
  base::ByteVec bad = envelope_;
  bad[bad.size() / 2] ^= 1;
  EXPECT_FALSE(firmware_->Import(bad, dir_ / "image"));
  EXPECT_TRUE(firmware_->List().empty());
}

TEST_F(FirmwareTest, BlocksOpenOnTheDevicesSide) {
  const auto release = firmware_->Import(envelope_, dir_ / "image");
  ASSERT_TRUE(release);
  for (const uint32_t block : {16384u, 4096u, 512u}) {
    const auto key = firmware_->Begin("did:keel:demo:zA", release->id, block);
    ASSERT_TRUE(key) << key.error().Text();
    const auto whole = Fetch(*key, 0, block);
    ASSERT_TRUE(whole) << whole.error().Text();
    EXPECT_TRUE(*whole == image_) << block;
    const auto rest = Fetch(*key, 3, block);
    ASSERT_TRUE(rest);
    EXPECT_TRUE(*rest == image_.substr(3 * block)) << "resumed at block 3";
  }
}

TEST_F(FirmwareTest, ATransferGoesOnAfterARestart) {
  const auto release = firmware_->Import(envelope_, dir_ / "image");
  ASSERT_TRUE(release);
  const auto key = firmware_->Begin("did:keel:demo:zA", release->id, 4096);
  ASSERT_TRUE(key);
  EXPECT_EQ(*firmware_->Begin("did:keel:demo:zA", release->id, 4096), *key) << "the same transfer goes on";
  Open();
  const auto whole = Fetch(*key, 0, 4096);
  ASSERT_TRUE(whole) << whole.error().Text();
  EXPECT_TRUE(*whole == image_);
}

TEST_F(FirmwareTest, KeysAreOneTransfersOwn) {
  const auto release = firmware_->Import(envelope_, dir_ / "image");
  ASSERT_TRUE(release);
  const json a = *firmware_->Begin("did:keel:demo:zA", release->id, 4096);
  const json b = *firmware_->Begin("did:keel:demo:zB", release->id, 4096);
  const std::string name(onboarding::body::kKey), url(onboarding::body::kUrl);
  EXPECT_NE(a[name], b[name]);
  EXPECT_NE(a[url], b[url]);
  json crossed = a;
  crossed[url] = b[url];
  EXPECT_EQ(Fetch(crossed, 0, 4096).error().code, Code::kDecryptFailed);
  // Another block size is another transfer: a key serves one shape only.
  const json c = *firmware_->Begin("did:keel:demo:zA", release->id, 8192);
  EXPECT_NE(c[name], a[name]);
}

TEST_F(FirmwareTest, RefusesWhatIsNotThere) {
  const auto release = firmware_->Import(envelope_, dir_ / "image");
  ASSERT_TRUE(release);
  EXPECT_EQ(firmware_->Begin("d", "00", 4096).error().code, Code::kNotFound);
  EXPECT_FALSE(firmware_->Begin("d", release->id, 4095));
  EXPECT_FALSE(firmware_->Begin("d", release->id, 0));
  EXPECT_FALSE(firmware_->Begin("d", release->id, 1u << 20));
  EXPECT_EQ(firmware_->Blocks("unknown", 0).error().code, Code::kNotFound);
  const json key = *firmware_->Begin("d", release->id, 4096);
  const std::string url = key[std::string(onboarding::body::kUrl)];
  const std::string id = url.substr(url.rfind('/') + 1);
  const uint64_t blocks = (image_.size() + 4095) / 4096;
  EXPECT_TRUE(firmware_->Blocks(id, blocks)->empty()) << "at the end";
  EXPECT_EQ(firmware_->Blocks(id, blocks + 1).error().code, Code::kOutOfRange);
  EXPECT_EQ(firmware_->Blocks(id, UINT64_MAX).error().code, Code::kOutOfRange);
  firmware_->End("d");
  EXPECT_EQ(firmware_->Blocks(id, 0).error().code, Code::kNotFound) << "ended";
  firmware_->End("never begun");
}

TEST_F(FirmwareTest, AnImageThatWasCutOnDiskIsAnErrorNotShortBlocks) {
  const auto release = firmware_->Import(envelope_, dir_ / "image");
  ASSERT_TRUE(release);
  const json key = *firmware_->Begin("d", release->id, 4096);
  ASSERT_TRUE(base::WriteFileAtomic(dir_ / ("firmware/" + release->id + ".img"), "short"));
  EXPECT_FALSE(Fetch(key, 0, 4096));
}

}  // namespace
}  // namespace keel::verifier
