// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace keel::base {
namespace {

mode_t ModeOf(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0 ? info.st_mode & 0777 : 0;
}

TEST(Files, WriteAtomicReplacesWholeAndSetsMode) {
  const auto dir = TempDir::Create();
  ASSERT_TRUE(dir);
  const std::string path = *dir / "f";
  ASSERT_TRUE(WriteFileAtomic(path, "one", 0600));
  EXPECT_EQ(ModeOf(path), 0600u);
  ASSERT_TRUE(WriteFileAtomic(path, "second", 0644));
  EXPECT_EQ(*ReadFile(path), "second");
  EXPECT_EQ(ModeOf(path), 0644u);
  EXPECT_EQ(ListDir(dir->path())->size(), 1u);  // no temporary file is left
  EXPECT_EQ(*FileSize(path), 6u);
}

TEST(Files, Errors) {
  const auto dir = TempDir::Create();
  EXPECT_EQ(ReadFile(*dir / "none").error().code, Code::kNotFound);
  EXPECT_EQ(WriteFileAtomic(*dir / "no/where", "x").error().code, Code::kNotFound);
  ASSERT_TRUE(WriteNewFile(*dir / "new", "x", 0600));
  EXPECT_EQ(WriteNewFile(*dir / "new", "y").error().code, Code::kExists);
  EXPECT_EQ(*ReadFile(*dir / "new"), "x");
  EXPECT_EQ(ReadFile(*dir / "new", 0).error().code, Code::kTooLarge);
  EXPECT_EQ(MakeDir(*dir / "new").error().code, Code::kExists);
  EXPECT_TRUE(RemoveFile(*dir / "none"));
  EXPECT_EQ(ReadFile("/dev/null/x").error().code, Code::kNotFound);
}

TEST(Files, PrivateFilesMustBePrivate) {
  const auto dir = TempDir::Create();
  ASSERT_TRUE(WriteFileAtomic(*dir / "open", "secret", 0644));
  EXPECT_EQ(ReadPrivateFile(*dir / "open").error().code, Code::kUsage);
  ASSERT_TRUE(WriteFileAtomic(*dir / "closed", "secret", 0600));
  EXPECT_EQ(*ReadPrivateFile(*dir / "closed"), "secret");
  ASSERT_TRUE(MakePrivateDir(*dir / "a/b/c"));
  EXPECT_EQ(ModeOf(*dir / "a/b/c"), 0700u);
  ASSERT_TRUE(MakeDir(*dir / "was open", 0755));
  ASSERT_TRUE(MakePrivateDir(*dir / "was open"));
  EXPECT_EQ(ModeOf(*dir / "was open"), 0700u);
}

TEST(Files, OneProcessPerFolder) {
  const auto dir = TempDir::Create();
  {
    auto lock = LockFile::Acquire(dir->path());
    ASSERT_TRUE(lock);
    const auto second = LockFile::Acquire(dir->path());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Code::kBusy);
    EXPECT_NE(second.error().detail.find(std::to_string(::getpid())), std::string::npos);
    const LockFile moved = std::move(*lock);
    EXPECT_FALSE(LockFile::Acquire(dir->path()));
  }
  EXPECT_TRUE(LockFile::Acquire(dir->path()));
}

TEST(Files, TempDirGoesWithEverythingInIt) {
  std::string path;
  {
    const auto dir = TempDir::Create();
    path = dir->path();
    ASSERT_TRUE(MakeDir(path + "/x/y"));
    ASSERT_TRUE(WriteFileAtomic(path + "/x/y/z", "1"));
  }
  EXPECT_FALSE(FileExists(path));
}

}  // namespace
}  // namespace keel::base
