// SPDX-License-Identifier: Apache-2.0
// The wallet's journal (docs/formats/device-journal.md): what a power cut, damage and a wrong mode do to it.
#include "device-wallet/host/record_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/files.h"

namespace keel::device {
namespace {

namespace fs = std::filesystem;

class RecordStoreTest : public testing::Test {
 protected:
  RecordStoreTest() : dir_(*base::TempDir::Create("keel-records")), path_(dir_ / "device") {}

  std::unique_ptr<RecordStore> Open() {
    auto store = RecordStore::Open(path_);
    EXPECT_TRUE(store) << store.error().Text();
    return store ? std::move(*store) : nullptr;
  }
  Code OpenCode() {
    const auto store = RecordStore::Open(path_);
    return store ? Code::kOk : store.error().code;
  }
  std::string Log() { return *base::ReadFile(path_ + "/wallet.log", 64 << 20); }
  void SetLog(const std::string& text) { ASSERT_TRUE(base::WriteFileAtomic(path_ + "/wallet.log", text, 0600)); }
  static std::string Text(const base::ByteVec* record) { return record == nullptr ? "-" : base::ToString(*record); }
  static void Put(RecordStore& store, uint16_t id, const std::string& text) {
    const auto written = store.Write(id, AsBytes(text));
    ASSERT_TRUE(written) << written.error().Text();
  }

  base::TempDir dir_;
  std::string path_;
};

TEST_F(RecordStoreTest, KeepsRecordsOverReopening) {
  {
    auto store = Open();
    EXPECT_EQ(store->Read(1), nullptr);
    Put(*store, 1, "one");
    Put(*store, 31, std::string(kMaxRecordOctets, 'x'));
    Put(*store, 1, "one again");
    Put(*store, 2, "");
    Put(*store, 3, "gone");
    ASSERT_TRUE(store->Erase(3));
    ASSERT_TRUE(store->Erase(3));
    EXPECT_EQ(Text(store->Read(1)), "one again");
  }
  auto store = Open();
  EXPECT_EQ(Text(store->Read(1)), "one again");
  EXPECT_EQ(Text(store->Read(2)), "");
  EXPECT_EQ(store->Read(3), nullptr);
  EXPECT_EQ(store->Read(31)->size(), kMaxRecordOctets);
  EXPECT_EQ(store->Read(0), nullptr);
  EXPECT_EQ(store->Read(32), nullptr);
}

TEST_F(RecordStoreTest, RefusesWhatItCanNotKeep) {
  auto store = Open();
  const std::string large(kMaxRecordOctets + 1, 'x');
  EXPECT_EQ(store->Write(0, AsBytes("x")).error().code, Code::kInvalidArgument);
  EXPECT_EQ(store->Write(32, AsBytes("x")).error().code, Code::kInvalidArgument);
  EXPECT_EQ(store->Write(1, AsBytes(large)).error().code, Code::kInvalidArgument);
  EXPECT_EQ(store->Read(1), nullptr);
}

TEST_F(RecordStoreTest, ATornLastEntryIsDroppedAtEveryOctet) {
  std::string before;
  {
    auto store = Open();
    Put(*store, 1, "old");
    Put(*store, 2, "other");
    before = Log();
    Put(*store, 1, "new");
  }
  const std::string whole = Log();
  for (size_t cut = before.size(); cut <= whole.size(); ++cut) {
    SetLog(whole.substr(0, cut));
    {
      auto store = Open();
      ASSERT_NE(store, nullptr) << cut;
      EXPECT_EQ(Text(store->Read(1)), cut == whole.size() ? "new" : "old") << cut;
      EXPECT_EQ(Text(store->Read(2)), "other") << cut;
      // It goes on from there.
      Put(*store, 3, "after");
    }
    auto store = Open();
    ASSERT_NE(store, nullptr) << cut;
    EXPECT_EQ(Text(store->Read(3)), "after") << cut;
  }
}

TEST_F(RecordStoreTest, ATornEntryWhoseOctetsNeverCameIsDropped) {
  std::string before;
  {
    auto store = Open();
    Put(*store, 1, "old");
    before = Log();
    Put(*store, 1, "new");
  }
  const std::string whole = Log();
  // The file grew, the data did not arrive: zeroes from any octet of the entry on.
  for (size_t at = before.size(); at < whole.size(); ++at) {
    SetLog(whole.substr(0, at) + std::string(whole.size() - at, '\0'));
    auto store = Open();
    ASSERT_NE(store, nullptr) << at;
    // The last octets of a tag may be zero by chance; everything else is refused.
    EXPECT_TRUE(Text(store->Read(1)) == "old" || at + 2 >= whole.size()) << at;
  }
}

TEST_F(RecordStoreTest, DamageBeforeTheLastEntryIsReported) {
  std::vector<size_t> ends;
  {
    auto store = Open();
    for (int i = 0; i < 4; ++i) {
      Put(*store, static_cast<uint16_t>(i + 1), "record " + std::to_string(i));
      ends.push_back(Log().size());
    }
  }
  const std::string whole = Log();
  // Every octet before the last entry: acknowledged records must not vanish silently.
  for (size_t at = 0; at < ends[2]; ++at) {
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ 0x41);
    SetLog(bad);
    EXPECT_EQ(OpenCode(), Code::kCorrupt) << "octet " << at;
  }
  // An entry missing in the middle, two swapped, one twice.
  SetLog(whole.substr(0, ends[0]) + whole.substr(ends[1]));
  EXPECT_EQ(OpenCode(), Code::kCorrupt);
  SetLog(whole.substr(0, ends[0]) + whole.substr(ends[1], ends[2] - ends[1]) +
         whole.substr(ends[0], ends[1] - ends[0]) + whole.substr(ends[2]));
  EXPECT_EQ(OpenCode(), Code::kCorrupt);
  SetLog(whole);
  EXPECT_EQ(OpenCode(), Code::kOk);
}

TEST_F(RecordStoreTest, AnotherDevicesJournalDoesNotOpen) {
  {
    auto store = Open();
    Put(*store, 1, "one");
    Put(*store, 2, "two");
  }
  auto other = RecordStore::Open(dir_ / "other");
  ASSERT_TRUE(other);
  fs::copy_file(path_ + "/wallet.log", dir_ / "other/wallet.log", fs::copy_options::overwrite_existing);
  other->reset();
  const auto opened = RecordStore::Open(dir_ / "other");
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kCorrupt);
}

TEST_F(RecordStoreTest, CompactionKeepsTheNewestAndForgetsTheRest) {
  const std::string secret = "this text must not linger";
  {
    auto store = Open();
    Put(*store, 7, "kept");
    size_t largest = 0;
    for (int i = 0; i < 200; ++i) {
      Put(*store, 1, std::string(4000, static_cast<char>('a' + i % 26)));
      largest = std::max(largest, Log().size());
    }
    EXPECT_LT(largest, 300u << 10) << "the journal must not grow for ever";
    Put(*store, 2, secret);
    const size_t with = Log().size();
    ASSERT_TRUE(store->Erase(2));
    EXPECT_LT(Log().size(), with) << "what is erased leaves no older entry";
    Put(*store, 3, "after");
  }
  auto store = Open();
  EXPECT_EQ(Text(store->Read(7)), "kept");
  EXPECT_EQ(Text(store->Read(3)), "after");
  EXPECT_EQ(store->Read(1)->size(), 4000u);
  EXPECT_EQ(store->Read(2), nullptr);
  EXPECT_EQ(Log().find(secret), std::string::npos);
}

TEST_F(RecordStoreTest, NothingReadableLiesOnDisk) {
  auto store = Open();
  Put(*store, 1, "a very secret record");
  EXPECT_EQ(Log().find("secret"), std::string::npos);
  struct stat info = {};
  for (const char* name : {"/wallet.log", "/store.key"}) {
    ASSERT_EQ(::stat((path_ + name).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << name;
  }
  ASSERT_EQ(::stat(path_.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
}

TEST_F(RecordStoreTest, AKeyThatOthersMayReadIsRefused) {
  {
    auto store = Open();
  }
  for (const mode_t mode : {0640, 0604, 0660, 0644}) {
    ASSERT_EQ(::chmod((path_ + "/store.key").c_str(), mode), 0);
    EXPECT_EQ(OpenCode(), Code::kUsage) << std::oct << mode;
  }
  ASSERT_EQ(::chmod((path_ + "/store.key").c_str(), 0600), 0);
  EXPECT_EQ(OpenCode(), Code::kOk);
  ASSERT_TRUE(base::WriteFileAtomic(path_ + "/store.key", "short", 0600));
  EXPECT_EQ(OpenCode(), Code::kCorrupt);
}

}  // namespace
}  // namespace keel::device
