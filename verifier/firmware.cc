// SPDX-License-Identifier: Apache-2.0
#include "verifier/firmware.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/files.h"
#include "base/json_strict.h"
#include "crypto/hash.h"
#include "onboarding/messages.h"

namespace keel::verifier {

using nlohmann::json;

// An open image; reads by position, so threads share it.
struct FirmwareStore::Image {
  explicit Image(int descriptor) : fd(descriptor) {}
  ~Image() { ::close(fd); }
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  Result<> Read(uint64_t offset, ByteSpan out) const {
    size_t done = 0;
    while (done < out.size()) {
      const ssize_t n = ::pread(fd, out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0)
        return Fail(Code::kIo, "firmware image", n == 0 ? "is shorter than its manifest says" : std::strerror(errno));
      done += static_cast<size_t>(n);
    }
    return {};
  }
  const int fd;
};

namespace {

constexpr size_t kHashChunk = 1 << 20;

Result<std::pair<Bytes32, uint64_t>> HashFile(int fd) {
  crypto::Sha256 hash;
  uint64_t size = 0;
  std::vector<uint8_t> chunk(kHashChunk);
  for (;;) {
    const ssize_t n = ::pread(fd, chunk.data(), chunk.size(), static_cast<off_t>(size));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Fail(Code::kIo, "firmware image", std::strerror(errno));
    if (n == 0) break;
    hash.Update(ByteView(chunk).first(static_cast<size_t>(n)));
    size += static_cast<uint64_t>(n);
  }
  return std::pair{hash.Final(), size};
}

Result<int> OpenFile(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return Fail(errno == ENOENT ? Code::kNotFound : Code::kIo, "firmware image", path + ": " + std::strerror(errno));
  return fd;
}

Result<Release> ReleaseOf(ByteView envelope) {
  KEEL_TRY(const onboarding::SuitManifest manifest, onboarding::ReadSuitEnvelope(envelope));
  Release release;
  release.id = base::Hex(manifest.manifest_digest);
  release.envelope = base::ToBytes(envelope);
  release.version = std::string(manifest.version);
  release.sequence = manifest.sequence;
  release.size = manifest.size;
  release.image_digest = manifest.digest;
  release.manifest_digest = manifest.manifest_digest;
  return release;
}

}  // namespace

json Release::Offer() const {
  namespace name = onboarding::body;
  return {{std::string(name::kId), base::Base64Url(manifest_digest)},
          {std::string(name::kVersion), version},
          {std::string(name::kSequence), sequence},
          {std::string(name::kDigest), base::Base64Url(image_digest)},
          {std::string(name::kLength), size}};
}

FirmwareStore::FirmwareStore(std::string dir, Records& records, Random& random)
    : dir_(std::move(dir)), records_(records), random_(random) {}
FirmwareStore::~FirmwareStore() = default;

std::string FirmwareStore::ImagePath(const std::string& id) const { return dir_ + "/" + id + ".img"; }

Result<> FirmwareStore::Load() {
  KEEL_TRY_VOID(base::MakePrivateDir(dir_));
  KEEL_TRY(const auto texts, records_.Documents("release/"));
  for (const auto& [name, text] : texts) {
    KEEL_TRY(const base::ByteVec envelope, base::FromBase64Url(text));
    KEEL_TRY(Release release, ReleaseOf(envelope));
    releases_[release.id] = std::move(release);
  }
  return {};
}

Result<Release> FirmwareStore::Import(ByteView envelope, const std::string& image_path) {
  KEEL_TRY(Release release, ReleaseOf(envelope));
  KEEL_TRY(const int fd, OpenFile(image_path));
  const Image source(fd);
  KEEL_TRY(const auto hashed, HashFile(fd));
  if (hashed.first != release.image_digest || hashed.second != release.size) {
    return Fail(Code::kConflict, "firmware import",
                image_path + " is not the image of this manifest: it has " + std::to_string(hashed.second) +
                    " octets and digest " + base::Hex(hashed.first) + ", the manifest says " +
                    std::to_string(release.size) + " and " + base::Hex(release.image_digest));
  }
  KEEL_TRY(const std::string image, base::ReadFile(image_path, onboarding::kMaxFirmware));
  KEEL_TRY_VOID(base::WriteFileAtomic(ImagePath(release.id), image, 0600));
  KEEL_TRY_VOID(records_.SaveDocument("release/" + release.id, base::Base64Url(release.envelope)));
  const std::lock_guard lock(mutex_);
  releases_[release.id] = release;
  return release;
}

std::optional<Release> FirmwareStore::Find(const std::string& id) const {
  const std::lock_guard lock(mutex_);
  const auto found = releases_.find(id);
  return found == releases_.end() ? std::nullopt : std::optional(found->second);
}

std::vector<Release> FirmwareStore::List() const {
  const std::lock_guard lock(mutex_);
  std::vector<Release> all;
  for (const auto& [id, release] : releases_) all.push_back(release);
  return all;
}

Result<std::shared_ptr<const FirmwareStore::Image>> FirmwareStore::Open(const std::string& release) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = images_.find(release);
    if (found != images_.end()) return found->second;
  }
  KEEL_TRY(const int fd, OpenFile(ImagePath(release)));
  auto image = std::make_shared<const Image>(fd);
  const std::lock_guard lock(mutex_);
  images_[release] = image;
  return image;
}

Result<json> FirmwareStore::Begin(const std::string& device, const std::string& release_id, uint32_t block_size) {
  const std::optional<Release> release = Find(release_id);
  if (!release) return Fail(Code::kNotFound, "firmware", "no release " + release_id + " was imported");
  const auto answer = [&](const std::string& id, const Transfer& transfer) {
    namespace name = onboarding::body;
    return json{{std::string(name::kId), base::Base64Url(release->manifest_digest)},
                {std::string(name::kManifest), base::Base64Url(release->envelope)},
                {std::string(name::kKey), base::Base64Url(transfer.key.ExposeSecret())},
                {std::string(name::kUrl), std::string(onboarding::kFirmwarePath) + id},
                {std::string(name::kBlock), transfer.shape.block_size}};
  };
  {
    const std::lock_guard lock(mutex_);
    const auto id = of_device_.find(device);
    if (id != of_device_.end()) {
      const Transfer& old = *transfers_.at(id->second);
      if (old.release == release_id && old.shape.block_size == block_size) return answer(id->second, old);
    }
  }
  auto transfer = std::make_shared<Transfer>();
  transfer->device = device;
  transfer->release = release_id;
  transfer->shape.manifest_digest = crypto::Sha256::Of(release->envelope);
  transfer->shape.image_size = release->size;
  transfer->shape.block_size = block_size;
  KEEL_TRY_VOID(onboarding::CheckTransfer(transfer->shape));
  KEEL_TRY_VOID(random_.Fill(transfer->key.MutableSecret()));
  ByteArray<16> octets{};
  KEEL_TRY_VOID(random_.Fill(octets));
  const std::string id = base::Base64Url(octets);
  // Kept so that a verifier that was restarted goes on where the device stands.
  KEEL_TRY_VOID(records_.SaveSession("fw/" + id, base::DumpJson({{"device", device},
                                                                 {"release", release_id},
                                                                 {"key", base::Base64Url(transfer->key.ExposeSecret())},
                                                                 {"block", block_size}})));
  const std::lock_guard lock(mutex_);
  const auto old = of_device_.find(device);
  if (old != of_device_.end()) transfers_.erase(old->second);
  of_device_[device] = id;
  transfers_[id] = transfer;
  return answer(id, *transfer);
}

Result<std::shared_ptr<const FirmwareStore::Transfer>> FirmwareStore::FindTransfer(const std::string& id) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = transfers_.find(id);
    if (found != transfers_.end()) return found->second;
  }
  KEEL_TRY(const std::optional<std::string> text, records_.Session("fw/" + id));
  if (!text) return Fail(Code::kNotFound, "firmware transfer");
  KEEL_TRY(const json saved, base::ParseJson(*text));
  auto transfer = std::make_shared<Transfer>();
  KEEL_TRY(transfer->device, base::GetString(saved, "device"));
  KEEL_TRY(transfer->release, base::GetString(saved, "release"));
  KEEL_TRY(const Bytes32 key, base::GetFixed<32>(saved, "key"));
  transfer->key = onboarding::TransferKey::CopyFrom(key);
  KEEL_TRY(const uint64_t block, base::GetUint(saved, "block"));
  const std::optional<Release> release = Find(transfer->release);
  if (!release) return Fail(Code::kNotFound, "firmware transfer");
  transfer->shape = {crypto::Sha256::Of(release->envelope), release->size, static_cast<uint32_t>(block)};
  const std::lock_guard lock(mutex_);
  transfers_[id] = transfer;
  of_device_[transfer->device] = id;
  return transfer;
}

Result<std::string> FirmwareStore::Blocks(const std::string& id, uint64_t from) {
  KEEL_TRY(const auto transfer, FindTransfer(id));
  const onboarding::FirmwareTransfer& shape = transfer->shape;
  if (from > shape.blocks())
    return Fail(Code::kOutOfRange, "firmware block", "the image has " + std::to_string(shape.blocks()) + " blocks");
  KEEL_TRY(const auto image, Open(transfer->release));
  const uint64_t sealed_size = shape.block_size + onboarding::kFirmwareTag;
  const uint64_t count = std::min<uint64_t>(shape.blocks() - from, std::max<uint64_t>(kMaxAnswer / sealed_size, 1));
  std::string out(count * sealed_size, '\0');
  size_t used = 0;
  for (uint64_t b = from; b < from + count; ++b) {
    const ByteSpan place(reinterpret_cast<uint8_t*>(out.data()) + used, out.size() - used);
    const size_t length = shape.BlockLength(b);
    KEEL_TRY_VOID(image->Read(b * shape.block_size, place.first(length)));
    KEEL_TRY(const size_t sealed, onboarding::SealBlock(transfer->key, shape, b, place.first(length), place));
    used += sealed;
  }
  out.resize(used);
  return out;
}

void FirmwareStore::End(const std::string& device) {
  std::string id;
  {
    const std::lock_guard lock(mutex_);
    const auto found = of_device_.find(device);
    if (found == of_device_.end()) return;
    id = found->second;
    of_device_.erase(found);
    transfers_.erase(id);
  }
  static_cast<void>(
      records_.RemoveSession("fw/" + id));  // a leftover does no harm: its key is of no use without the relation
}

}  // namespace keel::verifier
