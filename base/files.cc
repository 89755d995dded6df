// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>

namespace keel::base {
namespace {

std::unexpected<Error> SystemError(const char* where, const std::string& path, const char* doing, int error) {
  const Code code = error == ENOENT || error == ENOTDIR  ? Code::kNotFound
                    : error == ENOSPC || error == EDQUOT ? Code::kNoSpace
                    : error == EEXIST                    ? Code::kExists
                                                         : Code::kIo;
  return Fail(code, where, std::string(doing) + " " + path + ": " + strerror(error));
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ > 2) ::close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  int Release() { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

Result<> WriteAll(int fd, ByteView content, const std::string& path) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return SystemError("file", path, "can't write", errno);
    content = content.subspan(static_cast<size_t>(n));
  }
  return {};
}

Result<std::string> ReadAll(int fd, const std::string& path, size_t limit) {
  std::string out;
  struct stat info{};
  if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) out.reserve(std::min(static_cast<size_t>(info.st_size), limit));
  char buffer[65536];
  for (;;) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return SystemError("file", path, "can't read", errno);
    if (n == 0) return out;
    if (out.size() + static_cast<size_t>(n) > limit)
      return Fail(Code::kTooLarge, "file", path + " is over " + std::to_string(limit) + " octets");
    out.append(buffer, static_cast<size_t>(n));
  }
}

std::string ParentOf(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string TemporaryName(const std::string& path) {
  static std::atomic<uint32_t> counter{0};  // only to keep this process's temporary files apart
  return path + ".tmp." + std::to_string(::getpid()) + "." + std::to_string(counter.fetch_add(1));
}

}  // namespace

Result<std::string> ReadFile(const std::string& path, size_t limit) {
  if (path == "-") return ReadAll(0, "standard input", limit);
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return SystemError("file", path, "can't open", errno);
  return ReadAll(fd.get(), path, limit);
}

Result<std::string> ReadPrivateFile(const std::string& path, size_t limit) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) return SystemError("file", path, "can't open", errno);
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) return SystemError("file", path, "can't stat", errno);
  if (S_ISREG(info.st_mode) && (info.st_mode & 077) != 0)
    return Fail(Code::kUsage, "file", path + " can be read by others; run: chmod 600 " + path);
  return ReadAll(fd.get(), path, limit);
}

Result<> WriteFileAtomic(const std::string& path, ByteView content, uint32_t mode) {
  if (path == "-") return WriteAll(1, content, "standard output");
  const std::string temporary = TemporaryName(path);
  const Descriptor fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
  if (fd.get() < 0) return SystemError("file", temporary, "can't create", errno);
  auto undo = [&](std::unexpected<Error> error) -> Result<> {
    ::unlink(temporary.c_str());
    return error;
  };
  if (::fchmod(fd.get(), mode) != 0) return undo(SystemError("file", temporary, "can't set the mode of", errno));
  if (auto written = WriteAll(fd.get(), content, temporary); !written)
    return undo(std::unexpected<Error>(std::move(written.error())));
  if (::fsync(fd.get()) != 0) return undo(SystemError("file", temporary, "can't sync", errno));
  if (::rename(temporary.c_str(), path.c_str()) != 0) return undo(SystemError("file", path, "can't replace", errno));
  return SyncDir(ParentOf(path));
}

Result<> WriteNewFile(const std::string& path, std::string_view content, uint32_t mode) {
  // link() rather than rename(): it refuses an existing name, and what appears under the name is whole and durable.
  const std::string temporary = TemporaryName(path);
  KEEL_TRY_VOID(WriteFileAtomic(temporary, AsBytes(content), mode));
  const int linked = ::link(temporary.c_str(), path.c_str());
  const int error = errno;
  ::unlink(temporary.c_str());
  if (linked != 0) return SystemError("file", path, "can't create", error);
  return SyncDir(ParentOf(path));
}

Result<> MakeDir(const std::string& path, uint32_t mode) {
  if (path.empty()) return Fail(Code::kInvalidArgument, "file", "empty folder name");
  for (size_t at = 1; at <= path.size(); ++at) {
    if (at != path.size() && path[at] != '/') continue;
    const std::string part = path.substr(0, at);
    if (::mkdir(part.c_str(), at == path.size() ? mode : 0755) != 0 && errno != EEXIST)
      return SystemError("file", part, "can't make folder", errno);
  }
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return SystemError("file", path, "can't stat", errno);
  if (!S_ISDIR(info.st_mode)) return Fail(Code::kExists, "file", path + " is not a folder");
  return {};
}

Result<> MakePrivateDir(const std::string& path) {
  KEEL_TRY_VOID(MakeDir(path, 0700));
  if (::chmod(path.c_str(), 0700) != 0) return SystemError("file", path, "can't make private", errno);
  return {};
}

Result<> SyncDir(const std::string& path) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd.get() < 0) return SystemError("file", path, "can't open folder", errno);
  if (::fsync(fd.get()) != 0 && errno != EINVAL) return SystemError("file", path, "can't sync folder", errno);
  return {};
}

bool FileExists(const std::string& path) {
  struct stat info{};
  return ::stat(path.c_str(), &info) == 0;
}

Result<uint64_t> FileSize(const std::string& path) {
  struct stat info{};
  if (::stat(path.c_str(), &info) != 0) return SystemError("file", path, "can't stat", errno);
  return static_cast<uint64_t>(info.st_size);
}

Result<std::vector<std::string>> ListDir(const std::string& path) {
  DIR* dir = ::opendir(path.c_str());
  if (dir == nullptr) return SystemError("file", path, "can't list", errno);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(dir)) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  ::closedir(dir);
  std::sort(names.begin(), names.end());
  return names;
}

Result<> RemoveFile(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return SystemError("file", path, "can't remove", errno);
  return {};
}

Result<> RemoveTree(const std::string& path) {
  const auto remove = [](const char* name, const struct stat*, int, struct FTW*) { return ::remove(name); };
  if (::nftw(path.c_str(), remove, 32, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT)
    return SystemError("file", path, "can't remove", errno);
  return {};
}

Result<LockFile> LockFile::Acquire(const std::string& dir) {
  const std::string path = dir + "/.lock";
  Descriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (fd.get() < 0) return SystemError("lock", path, "can't open", errno);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    char holder[32] = {};
    const ssize_t n = ::pread(fd.get(), holder, sizeof holder - 1, 0);
    return Fail(Code::kBusy, "lock",
                dir + " is in use by process " +
                    (n > 0 ? std::string(holder, static_cast<size_t>(n)) : std::string("(unknown)")) +
                    "; stop it first");
  }
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), pid.data(), pid.size(), 0) < 0)
    return SystemError("lock", path, "can't write", errno);
  return LockFile(fd.Release());
}

LockFile::LockFile(LockFile&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
LockFile& LockFile::operator=(LockFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}
LockFile::~LockFile() {
  if (fd_ >= 0) ::close(fd_);
}

Result<TempDir> TempDir::Create(std::string_view prefix) {
  const char* base = std::getenv("TMPDIR");
  std::string path =
      std::string(base != nullptr && *base != '\0' ? base : "/tmp") + "/" + std::string(prefix) + ".XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) return SystemError("file", path, "can't make folder", errno);
  return TempDir(std::move(path));
}

TempDir::TempDir(TempDir&& other) noexcept : path_(std::exchange(other.path_, {})), keep_(other.keep_) {}
TempDir& TempDir::operator=(TempDir&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(keep_, other.keep_);
  return *this;
}
TempDir::~TempDir() {
  if (!path_.empty() && !keep_) static_cast<void>(RemoveTree(path_));
}

}  // namespace keel::base
