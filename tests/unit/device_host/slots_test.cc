// SPDX-License-Identifier: Apache-2.0
// The two firmware slots: trial, confirmation, the way back, and power cuts in between.
#include "device-wallet/host/slots.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/files.h"
#include "crypto/hash.h"

namespace keel::device {
namespace {

namespace fs = std::filesystem;

class SlotsTest : public testing::Test {
 protected:
  SlotsTest() : dir_(*base::TempDir::Create("keel-slots")), path_(dir_ / "now") {
    fs::create_directory(path_);
    Slots::Image facts;
    facts.version = "1.0.0";
    facts.sequence = 1;
    EXPECT_TRUE(Slots::Install(path_, facts, AsBytes(old_)));
  }
  Slots Boot() {
    auto slots = Slots::Boot(path_);
    EXPECT_TRUE(slots) << slots.error().Text();
    return *slots;
  }
  Code BootCode() {
    const auto slots = Slots::Boot(path_);
    return slots ? Code::kOk : slots.error().code;
  }
  void Load(Slots& slots, const std::string& image, const std::string& version, uint64_t sequence) {
    ASSERT_TRUE(slots.Begin(image.size()));
    for (size_t at = 0; at < image.size(); at += 700)
      ASSERT_TRUE(slots.Write(at, AsBytes(std::string_view(image).substr(at, 700))));
    ASSERT_TRUE(slots.Finish(image.size(), sequence, version));
  }

  base::TempDir dir_;
  std::string path_;
  const std::string old_ = "the factory's image";
  const std::string new_ = std::string(5000, 'n') + "ew";
};

TEST_F(SlotsTest, InstalledOnce) {
  const Slots slots = Boot();
  EXPECT_EQ(slots.running().version, "1.0.0");
  EXPECT_EQ(slots.running().size, old_.size());
  EXPECT_EQ(slots.running().digest, crypto::Sha256::Of(old_));
  EXPECT_FALSE(slots.on_trial());
  EXPECT_FALSE(slots.reverted());
  Slots::Image other;
  other.version = "9";
  ASSERT_TRUE(Slots::Install(path_, other, AsBytes("another")));
  EXPECT_EQ(Boot().running().version, "1.0.0");
}

TEST_F(SlotsTest, TrialThenConfirmed) {
  {
    Slots slots = Boot();
    Load(slots, new_, "2.0.0", 2);
    EXPECT_EQ(slots.running().version, "1.0.0") << "nothing changes before the restart";
  }
  {
    Slots slots = Boot();
    EXPECT_EQ(slots.running().version, "2.0.0");
    EXPECT_EQ(slots.running().sequence, 2u);
    EXPECT_EQ(slots.running().digest, crypto::Sha256::Of(new_));
    EXPECT_TRUE(slots.on_trial());
    EXPECT_EQ(slots.Begin(10).error().code, Code::kWrongState) << "the way back must stay";
    ASSERT_TRUE(slots.Confirm());
    ASSERT_TRUE(slots.Confirm());
  }
  for (int i = 0; i < 2; ++i) {
    const Slots slots = Boot();
    EXPECT_EQ(slots.running().version, "2.0.0");
    EXPECT_FALSE(slots.on_trial());
    EXPECT_FALSE(slots.reverted());
  }
  // And the next one goes into the other slot.
  Slots slots = Boot();
  Load(slots, "third", "3.0.0", 3);
  EXPECT_EQ(Boot().running().version, "3.0.0");
}

TEST_F(SlotsTest, AnUnconfirmedTrialGoesBackOnce) {
  {
    Slots slots = Boot();
    Load(slots, new_, "2.0.0", 2);
  }
  EXPECT_TRUE(Boot().on_trial());
  {
    const Slots slots = Boot();
    EXPECT_EQ(slots.running().version, "1.0.0");
    EXPECT_EQ(slots.running().digest, crypto::Sha256::Of(old_));
    EXPECT_TRUE(slots.reverted());
    EXPECT_FALSE(slots.on_trial());
  }
  const Slots slots = Boot();
  EXPECT_EQ(slots.running().version, "1.0.0") << "it is not tried again by itself";
  EXPECT_FALSE(slots.reverted());
}

TEST_F(SlotsTest, AnImageThatChangedInTheSpareSlotIsNotBooted) {
  {
    Slots slots = Boot();
    Load(slots, new_, "2.0.0", 2);
    ASSERT_TRUE(slots.Write(17, AsBytes("x")));
  }
  const Slots slots = Boot();
  EXPECT_EQ(slots.running().version, "1.0.0");
  EXPECT_FALSE(slots.on_trial());
}

TEST_F(SlotsTest, AShortSpareSlotIsNotBooted) {
  {
    Slots slots = Boot();
    Load(slots, new_, "2.0.0", 2);
  }
  fs::resize_file(path_ + "/slot-b", 100);
  EXPECT_EQ(Boot().running().version, "1.0.0");
}

TEST_F(SlotsTest, ReadsBackWhatWasWritten) {
  Slots slots = Boot();
  ASSERT_TRUE(slots.Begin(new_.size()));
  ASSERT_TRUE(slots.Write(0, AsBytes(new_)));
  std::vector<uint8_t> out(10);
  ASSERT_TRUE(slots.Read(new_.size() - 10, out));
  EXPECT_EQ(std::string(out.begin(), out.end()), new_.substr(new_.size() - 10));
  EXPECT_EQ(slots.Read(new_.size() - 9, out).error().code, Code::kCorrupt) << "beyond the end";
  EXPECT_EQ(slots.Finish(new_.size() + 1, 2, "2").error().code, Code::kCorrupt) << "shorter than it should be";
}

TEST_F(SlotsTest, DamageIsSaidNotRun) {
  ASSERT_TRUE(base::WriteFileAtomic(path_ + "/slot-a", "the factory's imagE"));
  EXPECT_EQ(BootCode(), Code::kCorrupt);
  ASSERT_TRUE(base::RemoveFile(path_ + "/slot-a"));
  EXPECT_NE(BootCode(), Code::kOk);
  for (const char* text : {"", "{}", "{\"active\":2,\"pending\":false,\"trial\":false,\"slots\":[]}", "null"}) {
    ASSERT_TRUE(base::WriteFileAtomic(path_ + "/boot.json", text));
    EXPECT_NE(BootCode(), Code::kOk) << text;
  }
  ASSERT_TRUE(base::RemoveFile(path_ + "/boot.json"));
  EXPECT_EQ(BootCode(), Code::kNotFound);
}

// The power goes between any two steps of an update and in the middle of a block: what boots is the old image or the
// new one, whole, and a device that nobody confirmed ends up on the old one.
TEST_F(SlotsTest, PowerCutAtEachStep) {
  std::vector<std::string> snapshots;
  const auto snapshot = [&] {
    snapshots.push_back(dir_ / ("cut-" + std::to_string(snapshots.size())));
    fs::copy(path_, snapshots.back(), fs::copy_options::recursive);
  };
  snapshot();
  {
    Slots slots = Boot();
    ASSERT_TRUE(slots.Begin(new_.size()));
    snapshot();
    for (size_t at = 0; at < new_.size(); at += 700) {
      const std::string_view block = std::string_view(new_).substr(at, 700);
      ASSERT_TRUE(slots.Write(at, AsBytes(block.substr(0, block.size() / 2))));
      snapshot();
      ASSERT_TRUE(slots.Write(at, AsBytes(block)));
      snapshot();
    }
    ASSERT_TRUE(slots.Finish(new_.size(), 2, "2.0.0"));
    snapshot();
  }
  const size_t finished = snapshots.size() - 1;
  Slots trial = Boot();
  snapshot();  // on trial, not confirmed
  const size_t tried = snapshots.size() - 1;
  ASSERT_TRUE(trial.Confirm());
  snapshot();
  for (size_t i = 0; i < snapshots.size(); ++i) {
    for (int boots = 1; boots <= 3; ++boots) {
      const auto slots = Slots::Boot(snapshots[i]);
      ASSERT_TRUE(slots) << i << ": " << slots.error().Text();
      std::string wanted = "1.0.0";
      if (i == finished && boots == 1) wanted = "2.0.0";
      if (i > tried) wanted = "2.0.0";
      EXPECT_EQ(slots->running().version, wanted) << "snapshot " << i << ", boot " << boots;
      EXPECT_EQ(slots->running().digest, crypto::Sha256::Of(wanted == "1.0.0" ? old_ : new_));
      EXPECT_EQ(slots->reverted(), (i == finished && boots == 2) || (i == tried && boots == 1));
    }
    // An update begun anew from there gets through.
    Slots slots = *Slots::Boot(snapshots[i]);
    Load(slots, new_, "2.0.1", 3);
    EXPECT_EQ(Slots::Boot(snapshots[i])->running().version, "2.0.1") << i;
  }
}

}  // namespace
}  // namespace keel::device
