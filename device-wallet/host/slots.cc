// SPDX-License-Identifier: Apache-2.0
#include "device-wallet/host/slots.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <vector>

#include "base/encoding.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "crypto/hash.h"

namespace keel::device {
namespace {

using nlohmann::json;

constexpr const char* kNames[2] = {"/slot-a", "/slot-b"};

std::unexpected<Error> IoError(const std::string& path) {
  return Fail(errno == ENOSPC ? Code::kNoSpace : Code::kIo, "firmware slot", path + ": " + std::strerror(errno));
}

class File {
 public:
  File(const std::string& path, int flags) : fd_(::open(path.c_str(), flags | O_CLOEXEC, 0600)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  bool ok() const { return fd_ >= 0; }
  int fd() const { return fd_; }

 private:
  int fd_;
};

Result<Bytes32> DigestOf(const std::string& path, uint64_t size) {
  const File file(path, O_RDONLY);
  if (!file.ok()) return IoError(path);
  crypto::Sha256 hash;
  std::vector<uint8_t> chunk(256 << 10);
  for (uint64_t at = 0; at < size;) {
    const size_t wanted = static_cast<size_t>(std::min<uint64_t>(chunk.size(), size - at));
    const ssize_t n = ::pread(file.fd(), chunk.data(), wanted, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return IoError(path);
    if (n == 0) return Fail(Code::kCorrupt, "firmware slot", path + " is shorter than it should be");
    hash.Update(ByteView(chunk).first(static_cast<size_t>(n)));
    at += static_cast<uint64_t>(n);
  }
  return hash.Final();
}

json ToJson(const Slots::Image& image) {
  return {{"version", image.version},
          {"sequence", image.sequence},
          {"size", image.size},
          {"digest", base::Hex(image.digest)}};
}

Result<Slots::Image> FromJson(const json& value) {
  Slots::Image image;
  KEEL_TRY(image.version, base::GetString(value, "version"));
  KEEL_TRY(image.sequence, base::GetUint(value, "sequence"));
  KEEL_TRY(image.size, base::GetUint(value, "size"));
  KEEL_TRY(const std::string hex, base::GetString(value, "digest"));
  KEEL_TRY(const base::ByteVec digest, base::FromHex(hex));
  if (digest.size() != image.digest.size()) return Fail(Code::kCorrupt, "boot.json", "digest");
  std::memcpy(image.digest.data(), digest.data(), digest.size());
  return image;
}

}  // namespace

Result<> Slots::Install(const std::string& dir, const Image& facts, ByteView image) {
  if (base::FileExists(dir + "/boot.json")) return {};
  Slots slots(dir);
  KEEL_TRY_VOID(base::WriteFileAtomic(dir + kNames[0], image, 0600));
  slots.slots_[0] = facts;
  slots.slots_[0].size = image.size();
  slots.slots_[0].digest = crypto::Sha256::Of(image);
  return slots.Save();
}

Result<Slots> Slots::Boot(const std::string& dir) {
  Slots slots(dir);
  KEEL_TRY_VOID(slots.Load());
  if (slots.trial_) {
    // The trial was not confirmed before this boot: back to the old image.
    slots.active_ = 1 - slots.active_;
    slots.trial_ = false;
    slots.reverted_ = true;
    KEEL_TRY_VOID(slots.Save());
  } else if (slots.pending_) {
    const Image& next = slots.slots_[1 - slots.active_];
    const auto digest = DigestOf(slots.SpareFile(), next.size);
    slots.pending_ = false;
    if (digest && *digest == next.digest) {
      slots.active_ = 1 - slots.active_;
      slots.trial_ = true;
    }
    KEEL_TRY_VOID(slots.Save());
  }
  KEEL_TRY(const Bytes32 digest, DigestOf(dir + kNames[slots.active_], slots.running().size));
  if (digest != slots.running().digest)
    return Fail(Code::kCorrupt, "firmware slot",
                std::string(kNames[slots.active_] + 1) + " is not the image that was installed");
  return slots;
}

Result<> Slots::Load() {
  KEEL_TRY(const std::string text, base::ReadFile(dir_ + "/boot.json", 1 << 16));
  KEEL_TRY(const json value, base::ParseJson(text));
  KEEL_TRY(const uint64_t active, base::GetUint(value, "active"));
  if (active > 1) return Fail(Code::kCorrupt, "boot.json", "active");
  active_ = static_cast<int>(active);
  KEEL_TRY(pending_, base::GetBool(value, "pending"));
  KEEL_TRY(trial_, base::GetBool(value, "trial"));
  KEEL_TRY(const json* list, base::GetArray(value, "slots"));
  if (list->size() != 2) return Fail(Code::kCorrupt, "boot.json", "slots");
  for (size_t i = 0; i < 2; ++i) {
    KEEL_TRY(slots_[i], FromJson((*list)[i]));
  }
  return {};
}

Result<> Slots::Save() const {
  const json value = {
      {"active", active_}, {"pending", pending_}, {"trial", trial_}, {"slots", {ToJson(slots_[0]), ToJson(slots_[1])}}};
  return base::WriteFileAtomic(dir_ + "/boot.json", base::DumpJson(value), 0600);
}

std::string Slots::SpareFile() const { return dir_ + kNames[1 - active_]; }

Result<> Slots::Begin(uint64_t size) {
  if (trial_) return Fail(Code::kWrongState, "firmware slot", "the running image is on trial: its way back must stay");
  pending_ = false;
  KEEL_TRY_VOID(Save());
  const File file(SpareFile(), O_WRONLY | O_CREAT | O_TRUNC);
  if (!file.ok()) return IoError(SpareFile());
  // Room for all of it now, not in the middle.
  if (size != 0 && ::posix_fallocate(file.fd(), 0, static_cast<off_t>(size)) != 0)
    return Fail(Code::kNoSpace, "firmware slot", SpareFile());
  return {};
}

Result<> Slots::Write(uint64_t offset, ByteView data) {
  const File file(SpareFile(), O_WRONLY);
  if (!file.ok()) return IoError(SpareFile());
  while (!data.empty()) {
    const ssize_t n = ::pwrite(file.fd(), data.data(), data.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return IoError(SpareFile());
    data = data.subspan(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return {};
}

Result<> Slots::Read(uint64_t offset, ByteSpan out) const {
  const File file(SpareFile(), O_RDONLY);
  if (!file.ok()) return IoError(SpareFile());
  while (!out.empty()) {
    const ssize_t n = ::pread(file.fd(), out.data(), out.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return IoError(SpareFile());
    if (n == 0) return Fail(Code::kCorrupt, "firmware slot", SpareFile() + " is shorter than was written");
    out = out.subspan(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return {};
}

Result<> Slots::Finish(uint64_t size, uint64_t sequence, const std::string& version) {
  {
    const File file(SpareFile(), O_RDWR);
    if (!file.ok() || ::fsync(file.fd()) != 0) return IoError(SpareFile());
  }
  Image& spare = slots_[1 - active_];
  KEEL_TRY(spare.digest, DigestOf(SpareFile(), size));
  spare.size = size;
  spare.sequence = sequence;
  spare.version = version;
  pending_ = true;
  return Save();
}

Result<> Slots::Confirm() {
  if (!trial_) return {};
  trial_ = false;
  return Save();
}

}  // namespace keel::device
