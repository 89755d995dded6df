// SPDX-License-Identifier: Apache-2.0
#include "registry-node/high_water.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/files.h"
#include "crypto/hash.h"

namespace keel::registry {
namespace {

constexpr size_t kRecord = 512;
constexpr std::string_view kTag = "keel-high-water/1\n";

ByteArray<kRecord> Encode(uint64_t counter, const HighWater& hw) {
  ByteArray<kRecord> record{};
  ByteWriter w(record);
  w.Put(kTag).U64(counter).U64(hw.size).Put(hw.root);
  const Bytes32 digest = crypto::Sha256::Of(w.written());
  w.Put(digest);
  return record;
}

bool Decode(ByteView record, uint64_t& counter, HighWater& hw) {
  ByteReader r(record);
  if (!Equal(r.Take(kTag.size()), AsBytes(kTag))) return false;
  counter = r.U64();
  hw.size = r.U64();
  hw.root = r.Fixed<32>();
  const size_t covered = r.at();
  const Bytes32 digest = r.Fixed<32>();
  return r.ok() && digest == crypto::Sha256::Of(record.first(covered));
}

std::unexpected<Error> IoError(const std::string& path, const char* what) {
  return Fail(errno == ENOSPC ? Code::kNoSpace : Code::kIo, "high-water file",
              path + ": " + what + ": " + std::strerror(errno));
}

}  // namespace

Result<std::unique_ptr<HighWaterFile>> HighWaterFile::Open(const std::string& path, bool create) {
  const bool existed = base::FileExists(path);
  if (!existed && !create) {
    return Fail(Code::kNotFound, "high-water file",
                path +
                    " is missing: without it this member can't know what it signed last; put the file back, or point "
                    "high_water at it");
  }
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) return IoError(path, "open");
  std::unique_ptr<HighWaterFile> file(new HighWaterFile(fd, path));
  ByteArray<2 * kRecord> both{};
  const ssize_t n = ::pread(fd, both.data(), both.size(), 0);
  if (n < 0) return IoError(path, "read");
  if (n == 0) {
    // New (or cut before its first record): full length now, so that later writes change no metadata.
    if (::pwrite(fd, both.data(), both.size(), 0) != static_cast<ssize_t>(both.size()) || ::fsync(fd) != 0)
      return IoError(path, "write");
    KEEL_TRY_VOID(base::SyncDir(std::filesystem::path(path).parent_path().string()));
    return file;
  }
  bool any = false;
  for (size_t i = 0; i < 2; ++i) {
    uint64_t counter = 0;
    HighWater hw;
    if (!Decode(ByteView(both).subspan(i * kRecord, kRecord), counter, hw)) continue;
    if (!any || counter > file->counter_) {
      file->counter_ = counter;
      file->current_ = hw;
    }
    any = true;
  }
  const bool blank = both == ByteArray<2 * kRecord>{};
  if (!any && !blank) return Fail(Code::kCorrupt, "high-water file", path + ": neither record is whole");
  return file;
}

HighWaterFile::~HighWaterFile() {
  if (fd_ >= 0) ::close(fd_);
}

Result<> HighWaterFile::Advance(const HighWater& next) {
  if (current_) {
    if (next.size < current_->size)
      return Fail(Code::kConflict, "high-water", "a smaller log than the one signed before");
    if (next.size == current_->size) {
      if (next.root != current_->root)
        return Fail(Code::kConflict, "high-water", "another root for the size signed before");
      return {};
    }
  }
  const ByteArray<kRecord> record = Encode(counter_ + 1, next);
  const off_t at = static_cast<off_t>(((counter_ + 1) % 2) * kRecord);
  if (::pwrite(fd_, record.data(), record.size(), at) != static_cast<ssize_t>(record.size()))
    return IoError(path_, "write");
  if (::fdatasync(fd_) != 0) return IoError(path_, "sync");
  ++counter_;
  current_ = next;
  return {};
}

}  // namespace keel::registry
