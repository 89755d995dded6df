// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "crypto/hosted/software_key_store.h"
#include "tests/unit/crypto/helpers.h"

namespace keel::crypto {
namespace {

namespace fs = std::filesystem;
using namespace keel::test;  // NOLINT(google-build-using-namespace)
using Opened = Result<std::unique_ptr<SoftwareKeyStore>>;

class KeyStoreFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string folder = (fs::temp_directory_path() / "keel-keys-XXXXXX").string();
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    path_ = folder_ / "keys";
  }
  void TearDown() override { fs::remove_all(folder_); }

  Opened Open(std::string_view passphrase = "") {
    return SoftwareKeyStore::Open(path_, passphrase.empty() ? Protection::kNone : Protection::kPassphrase, passphrase,
                                  PassphraseCost::kLight);
  }
  Code OpenCode(std::string_view passphrase = "") {
    auto store = Open(passphrase);
    EXPECT_TRUE(store || !store.error().detail.empty());
    return store ? Code::kOk : store.error().code;
  }
  static std::string Read(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static void Write(const fs::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  }

  fs::path folder_, path_;
};

TEST_F(KeyStoreFile, KeysAndLabelsSurviveARestart) {
  for (const char* passphrase : {"", "correct horse"}) {
    path_ = folder_ / (std::string("keys-") + passphrase);
    PublicKey key, erased;
    KeyHandle handle, gone;
    {
      auto store = Open(passphrase);
      ASSERT_TRUE(store) << store.error().Text();
      handle = *(*store)->Generate(KeyType::kEd25519);
      gone = *(*store)->Generate(KeyType::kP521);
      key = *(*store)->Public(handle);
      erased = *(*store)->Public(gone);
      ASSERT_TRUE((*store)->SetLabel(handle, "assertion"));
      ASSERT_TRUE((*store)->SetLabel(gone, "old"));
      ASSERT_TRUE((*store)->Erase(gone));
    }
    auto store = Open(passphrase);
    ASSERT_TRUE(store) << store.error().Text();
    EXPECT_EQ((*store)->Public(handle), key);
    EXPECT_EQ((*store)->Find(key), handle);
    EXPECT_EQ((*store)->Find(erased).error().code, Code::kNoSuchKey);
    EXPECT_EQ((*store)->FindLabel("assertion"), handle);
    EXPECT_EQ((*store)->FindLabel("old").error().code, Code::kNoSuchKey);
    EXPECT_EQ((*store)->Labels().size(), 1u);
    auto next = (*store)->Generate(KeyType::kX25519);
    ASSERT_TRUE(next);
    EXPECT_GT(next->id, gone.id);
    ASSERT_TRUE((*store)->SetLabel(*next, "assertion"));  // moves
    EXPECT_EQ((*store)->FindLabel("assertion"), *next);
    EXPECT_EQ((*store)->SetLabel(KeyHandle{77}, "x").error().code, Code::kNoSuchKey);
    EXPECT_EQ((*store)->SetLabel(*next, "").error().code, Code::kInvalidArgument);
    const auto imported = (*store)->Import(KeyType::kEd25519, Octets(32, 1));
    ASSERT_TRUE(imported);
    EXPECT_EQ((*store)->Import(KeyType::kEd25519, Octets(32, 1)), *imported);  // the same key, the same handle
    EXPECT_EQ((*store)->Import(KeyType::kEd25519, Octets(31, 1)).error().code, Code::kBadKey);
    EXPECT_EQ((*store)->Import(KeyType::kP256, Octets(32, 0)).error().code, Code::kBadKey);
  }
}

TEST_F(KeyStoreFile, TheFileTellsNothing) {
  auto store = Open();
  ASSERT_TRUE(store);
  ASSERT_TRUE((*store)->SetLabel(*(*store)->Import(KeyType::kEd25519, Octets(32, 'k')), "a-telling-label"));
  const std::string text = Read(path_);
  EXPECT_EQ(text.find("kkkk"), std::string::npos);
  EXPECT_EQ(text.find("label"), std::string::npos);
  for (const auto& entry : fs::directory_iterator(folder_)) {
    EXPECT_EQ(entry.status().permissions() & (fs::perms::group_all | fs::perms::others_all), fs::perms::none)
        << entry.path();
  }
  ASSERT_TRUE((*store)->Generate(KeyType::kEd25519));
  const std::string again = Read(path_);
  EXPECT_NE(again.substr(57, 24), text.substr(57, 24)) << "a nonce was used twice";
}

TEST_F(KeyStoreFile, WrongPassphraseAndWrongKind) {
  {
    ASSERT_TRUE(Open("right"));
  }
  EXPECT_EQ(OpenCode("wrong"), Code::kWrongPassphrase);
  EXPECT_EQ(OpenCode(""), Code::kUsage);
  EXPECT_EQ(OpenCode("right"), Code::kOk);
  EXPECT_EQ(SoftwareKeyStore::Open(path_, Protection::kPassphrase, "").error().code, Code::kUsage);
  EXPECT_EQ(SoftwareKeyStore::Open(path_, Protection::kNone, "right").error().code, Code::kUsage);
  path_ = folder_ / "plain";
  {
    ASSERT_TRUE(Open());
  }
  EXPECT_EQ(OpenCode("right"), Code::kUsage);
}

TEST_F(KeyStoreFile, EveryTornFileIsRefused) {
  {
    auto store = Open();
    ASSERT_TRUE(store && (*store)->Generate(KeyType::kEd25519));
  }
  const std::string whole = Read(path_);
  for (size_t length = 0; length < whole.size(); ++length) {
    Write(path_, whole.substr(0, length));
    EXPECT_EQ(OpenCode(), Code::kCorrupt) << length;
  }
  Write(path_, whole + "x");
  EXPECT_EQ(OpenCode(), Code::kCorrupt);
  Write(path_, whole);
  EXPECT_EQ(OpenCode(), Code::kOk);
}

TEST_F(KeyStoreFile, EveryFlippedOctetIsRefused) {
  {
    auto store = Open();
    ASSERT_TRUE(store && (*store)->Generate(KeyType::kEd25519));
  }
  const std::string whole = Read(path_);
  for (size_t at = 0; at < whole.size(); ++at) {
    std::string bad = whole;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    Write(path_, bad);
    const Code code = OpenCode();
    EXPECT_TRUE(code == Code::kCorrupt || code == Code::kUsage) << at << CodeName(code);
  }
  Write(path_, whole);
  const std::string key = Read(path_.string() + ".key");
  Write(path_.string() + ".key", key.substr(0, 31));
  EXPECT_EQ(OpenCode(), Code::kCorrupt);
  Write(path_.string() + ".key", std::string(32, 'x'));
  EXPECT_EQ(OpenCode(), Code::kCorrupt);
  fs::remove(path_.string() + ".key");
  EXPECT_EQ(OpenCode(), Code::kCorrupt);  // and makes no new key, which would hide the loss
  EXPECT_FALSE(fs::exists(path_.string() + ".key"));
}

TEST_F(KeyStoreFile, AnEditedCostCannotExhaustMemory) {
  {
    ASSERT_TRUE(Open("right"));
  }
  std::string bad = Read(path_);
  bad[33] = '\x7f';  // memory: 2^62 octets
  Write(path_, bad);
  EXPECT_EQ(OpenCode("right"), Code::kCorrupt);
  bad = Read(path_);
  bad[33] = 0;
  bad[29] = '\x7f';  // passes
  Write(path_, bad);
  EXPECT_EQ(OpenCode("right"), Code::kCorrupt);
}

// assurance I13
TEST_F(KeyStoreFile, ReadableByOthersIsRefused) {
  {
    ASSERT_TRUE(Open());
  }
  for (const mode_t mode : {0640, 0604, 0660, 0602, 0601}) {
    ::chmod(path_.c_str(), mode);
    EXPECT_EQ(OpenCode(), Code::kUsage) << std::oct << mode;
  }
  ::chmod(path_.c_str(), 0600);
  ::chmod((path_.string() + ".key").c_str(), 0644);
  EXPECT_EQ(OpenCode(), Code::kUsage);
  ::chmod((path_.string() + ".key").c_str(), 0600);
  EXPECT_EQ(OpenCode(), Code::kOk);
  fs::remove(path_);
  fs::create_directory(path_);
  ::chmod(path_.c_str(), 0700);
  EXPECT_EQ(OpenCode(), Code::kUsage);
}

TEST_F(KeyStoreFile, OneHolderAtATime) {
  auto first = Open();
  ASSERT_TRUE(first);
  EXPECT_EQ(OpenCode(), Code::kBusy);
  first->reset();
  EXPECT_EQ(OpenCode(), Code::kOk);
  path_ = folder_ / "absent" / "keys";
  EXPECT_EQ(OpenCode(), Code::kIo);
  path_ = (folder_ / "keys").string() + std::string("\0hidden", 7);
  EXPECT_EQ(OpenCode(), Code::kUsage);
}

// A write that fails changes nothing, in memory or on disk.
TEST_F(KeyStoreFile, ReadersNeitherLockNorWrite) {
  EXPECT_EQ(SoftwareKeyStore::OpenToRead(path_, Protection::kNone, "").error().code, Code::kNotFound);
  EXPECT_TRUE(fs::is_empty(folder_));
  auto holder = Open();
  ASSERT_TRUE(holder);
  const KeyHandle handle = *(*holder)->Generate(KeyType::kEd25519);
  auto reader = SoftwareKeyStore::OpenToRead(path_, Protection::kNone, "");
  ASSERT_TRUE(reader) << reader.error().Text();
  EXPECT_EQ(*(*reader)->Public(handle), *(*holder)->Public(handle));
  ByteArray<64> signature;
  EXPECT_TRUE((*reader)->Sign(handle, {}, signature));
  const std::string before = Read(path_);
  EXPECT_EQ((*reader)->Generate(KeyType::kEd25519).error().code, Code::kWrongState);
  EXPECT_EQ((*reader)->Erase(handle).error().code, Code::kWrongState);
  EXPECT_EQ((*reader)->SetLabel(handle, "x").error().code, Code::kWrongState);
  EXPECT_EQ(Read(path_), before);
  EXPECT_TRUE((*holder)->Generate(KeyType::kX25519));
}

TEST_F(KeyStoreFile, FailedWritesChangeNothing) {
  auto store = Open();
  ASSERT_TRUE(store);
  auto handle = *(*store)->Generate(KeyType::kEd25519);
  ASSERT_TRUE((*store)->SetLabel(handle, "one"));
  const std::string whole = Read(path_);
  fs::create_directories(path_.string() + ".new/in-the-way");  // the next file cannot be made
  EXPECT_EQ((*store)->Generate(KeyType::kEd25519).error().code, Code::kIo);
  EXPECT_EQ((*store)->SetLabel(handle, "two").error().code, Code::kIo);
  EXPECT_EQ((*store)->Erase(handle).error().code, Code::kIo);
  EXPECT_EQ((*store)->Labels().size(), 1u);
  EXPECT_TRUE((*store)->Public(handle));
  EXPECT_EQ(Read(path_), whole);
  fs::remove_all(path_.string() + ".new");
  Write(path_.string() + ".new", "what a crash left");
  EXPECT_TRUE((*store)->Generate(KeyType::kEd25519));
  EXPECT_TRUE((*store)->Erase(handle));
}

TEST_F(KeyStoreFile, ManyThreads) {
  auto opened = Open();
  ASSERT_TRUE(opened);
  SoftwareKeyStore& store = **opened;
  auto handle = *store.Generate(KeyType::kEd25519);
  std::atomic<int> failures = 0;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&store, &failures, handle] {
        ByteArray<64> signature;
        for (int i = 0; i < 5; ++i) {
          auto own = store.Generate(KeyType::kX25519);
          if (!own || !store.Sign(handle, AsBytes("m"), signature) || !store.Agree(*own, *store.Public(*own)) ||
              !store.Erase(*own))
            ++failures;
        }
      });
    }
  }
  EXPECT_EQ(failures, 0);
}

}  // namespace
}  // namespace keel::crypto
