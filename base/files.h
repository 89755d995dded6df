// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/encoding.h"
#include "core/bytes.h"

// Files, with the care that keys and ledgers need. Errors: kNotFound, kIo, kNoSpace, kTooLarge, kExists; details name
// the path and the cause.
namespace keel::base {

// The whole file, at most `limit` octets (kTooLarge). Works for pipes and /dev/stdin ("-" is standard input).
Result<std::string> ReadFile(const std::string& path, size_t limit = 16 << 20);
// As ReadFile, but kUsage when group or others may read or write the file: for secrets.
Result<std::string> ReadPrivateFile(const std::string& path, size_t limit = 1 << 20);

// Replaces the file as a whole: temporary file in the same folder, write, fsync, rename, fsync of the folder. After
// success the new content survives a power cut; after an error the old one stands. "-" writes to standard output.
Result<> WriteFileAtomic(const std::string& path, ByteView content, uint32_t mode = 0644);
inline Result<> WriteFileAtomic(const std::string& path, std::string_view content, uint32_t mode = 0644) {
  return WriteFileAtomic(path, AsBytes(content), mode);
}
// As above but kExists when the path exists already.
Result<> WriteNewFile(const std::string& path, std::string_view content, uint32_t mode = 0644);

// Makes the folder and its parents; the last one gets mode 0700 (also when it exists and is ours).
Result<> MakePrivateDir(const std::string& path);
Result<> MakeDir(const std::string& path, uint32_t mode = 0755);
Result<> SyncDir(const std::string& path);
bool FileExists(const std::string& path);
Result<uint64_t> FileSize(const std::string& path);
// Names in a folder without . and .., sorted.
Result<std::vector<std::string>> ListDir(const std::string& path);
Result<> RemoveFile(const std::string& path);  // absent is fine
Result<> RemoveTree(const std::string& path);

// Held while the object lives: one process per data folder (flock on DIR/.lock). kBusy, naming the holder's pid, when
// another has it.
class LockFile {
 public:
  static Result<LockFile> Acquire(const std::string& dir);
  LockFile(LockFile&& other) noexcept;
  LockFile& operator=(LockFile&& other) noexcept;
  ~LockFile();

 private:
  explicit LockFile(int fd) : fd_(fd) {}
  int fd_ = -1;
};

// A fresh private folder below $TMPDIR, removed with all its content at the end of the object's life. For tests and the
// demo.
class TempDir {
 public:
  static Result<TempDir> Create(std::string_view prefix = "keel");
  TempDir(TempDir&& other) noexcept;
  TempDir& operator=(TempDir&& other) noexcept;
  ~TempDir();
  const std::string& path() const { return path_; }
  std::string operator/(std::string_view name) const { return path_ + "/" + std::string(name); }
  // Leaves the folder where it is.
  void Keep() { keep_ = true; }

 private:
  explicit TempDir(std::string path) : path_(std::move(path)) {}
  std::string path_;
  bool keep_ = false;
};

}  // namespace keel::base
