// SPDX-License-Identifier: Apache-2.0
#include "device-wallet/host/record_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/clock.h"
#include "base/files.h"
#include "crypto/aead.h"

namespace keel::device {
namespace {

// Entry: u32 magic || u16 id || u16 flags || u32 length of the sealed part || u64 sequence || nonce 24 || ciphertext
// and tag. The header is the additional data.
constexpr uint32_t kMagic = 0x4b4c5731;  // "KLW1"
constexpr size_t kHeader = 4 + 2 + 2 + 4 + 8;
constexpr uint16_t kErased = 1;
constexpr uint64_t kCompactAbove = 256 << 10;

std::unexpected<Error> IoError(const std::string& path) {
  const Code code = errno == ENOSPC || errno == EDQUOT ? Code::kNoSpace : Code::kIo;
  return Fail(code, "wallet journal", path + ": " + std::strerror(errno));
}

Result<> WriteAll(int fd, ByteView bytes, uint64_t offset, const std::string& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return IoError(path);
    bytes = bytes.subspan(static_cast<size_t>(n));
    offset += static_cast<uint64_t>(n);
  }
  return {};
}

Result<SecretBytes<32>> OpenKey(const std::string& path) {
  if (!base::FileExists(path)) {
    SecretBytes<32> key;
    base::SystemRandom random;
    KEEL_TRY_VOID(random.Fill(key.MutableSecret()));
    KEEL_TRY_VOID(base::WriteFileAtomic(path, ByteView(key.ExposeSecret()), 0600));
    return key;
  }
  KEEL_TRY(std::string text, base::ReadPrivateFile(path, 64));
  const ScopedWipe wipe(ByteSpan(reinterpret_cast<uint8_t*>(text.data()), text.size()));
  if (text.size() != 32) return Fail(Code::kCorrupt, "store key", path + " must have 32 octets");
  return SecretBytes<32>::CopyFrom(AsBytes(text).first<32>());
}

// True when a whole entry of ours begins anywhere in `rest`: then what stands before it was not torn off by a power cut
// (the journal only grows at its end) but damaged later.
bool EntryFollows(ByteView rest, const SecretBytes<32>& key) {
  base::ByteVec record;
  for (size_t at = 0; at + kHeader + 40 <= rest.size(); ++at) {
    ByteReader header(rest.subspan(at));
    if (header.U32() != kMagic) continue;
    static_cast<void>(header.U32());
    const uint32_t length = header.U32();
    static_cast<void>(header.U64());
    const ByteView sealed = header.Take(length);
    if (!header.ok() || length < 40 || length > kMaxRecordOctets + 40) continue;
    record.resize(length - 40);
    const bool opens = crypto::Xc20pDecrypt(key.ExposeSecret(), sealed.first(24), rest.subspan(at, kHeader),
                                            sealed.subspan(24), record)
                           .has_value();
    Wipe(record);
    if (opens) return true;
  }
  return false;
}

}  // namespace

Result<std::unique_ptr<RecordStore>> RecordStore::Open(const std::string& dir) {
  KEEL_TRY_VOID(base::MakePrivateDir(dir));
  KEEL_TRY(SecretBytes<32> key, OpenKey(dir + "/store.key"));
  std::unique_ptr<RecordStore> store(new RecordStore(dir, std::move(key)));
  KEEL_TRY_VOID(store->Load());
  return store;
}

RecordStore::~RecordStore() {
  if (fd_ >= 0) ::close(fd_);
  for (auto& record : records_) {
    if (record) Wipe(*record);
  }
}

Result<> RecordStore::Load() {
  const std::string path = dir_ + "/wallet.log";
  const bool fresh = !base::FileExists(path);
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (fd_ < 0) return IoError(path);
  if (fresh) KEEL_TRY_VOID(base::SyncDir(dir_));
  KEEL_TRY(const std::string text, base::ReadFile(path, 64 << 20));
  const ByteView all = AsBytes(text);
  size_t at = 0;
  while (at < all.size()) {
    ByteReader header(all.subspan(at));
    const uint32_t magic = header.U32();
    const uint16_t id = header.U16();
    const uint16_t flags = header.U16();
    const uint32_t length = header.U32();
    const uint64_t sequence = header.U64();
    const ByteView sealed = header.Take(length);
    const bool whole = header.ok() && magic == kMagic && id >= 1 && id <= kMaxRecordId && length >= 40 &&
                       length <= kMaxRecordOctets + 40;
    base::ByteVec record(whole ? length - 40 : 0);
    const bool good = whole && sequence == sequence_ + 1 &&
                      crypto::Xc20pDecrypt(key_.ExposeSecret(), sealed.first(24), all.subspan(at, kHeader),
                                           sealed.subspan(24), record);
    if (!good) {
      // Cut off by a power cut while it was being written: nothing was acknowledged. Anywhere else it is damage.
      const bool last =
          (!whole ? all.size() - at < kHeader + 40 + kMaxRecordOctets : at + kHeader + length == all.size()) &&
          !EntryFollows(all.subspan(at + 1), key_);
      if (!last)
        return Fail(Code::kCorrupt, "wallet journal",
                    path + " is damaged at octet " + std::to_string(at) +
                        ": restore the device's storage, or scrap the device");
      break;
    }
    sequence_ = sequence;
    if (records_[id]) Wipe(*records_[id]);
    if ((flags & kErased) != 0) {
      records_[id].reset();
    } else {
      records_[id] = std::move(record);
    }
    at += kHeader + length;
  }
  size_ = at;
  if (size_ != all.size() && ::ftruncate(fd_, static_cast<off_t>(size_)) != 0) return IoError(path);
  return {};
}

const base::ByteVec* RecordStore::Read(uint16_t id) const {
  if (id < 1 || id > kMaxRecordId || !records_[id]) return nullptr;
  return &*records_[id];
}

Result<base::ByteVec> RecordStore::Seal(uint16_t id, ByteView record, bool erased) {
  base::ByteVec entry(kHeader + 24 + record.size() + 16);
  ByteWriter w(entry);
  w.U32(kMagic).U16(id).U16(erased ? kErased : 0).U32(static_cast<uint32_t>(24 + record.size() + 16)).U64(++sequence_);
  const ByteSpan rest = ByteSpan(entry).subspan(kHeader);
  base::SystemRandom random;
  KEEL_TRY_VOID(random.Fill(rest.first(24)));
  KEEL_TRY_VOID(crypto::Xc20pEncrypt(key_.ExposeSecret(), rest.first(24), ByteView(entry).first(kHeader), record,
                                     rest.subspan(24)));
  return entry;
}

Result<> RecordStore::Append(uint16_t id, ByteView record, bool erased) {
  if (id < 1 || id > kMaxRecordId || record.size() > kMaxRecordOctets)
    return Fail(Code::kInvalidArgument, "wallet record");
  const std::string path = dir_ + "/wallet.log";
  const uint64_t sequence = sequence_;
  KEEL_TRY(const base::ByteVec entry, Seal(id, record, erased));
  auto written = WriteAll(fd_, entry, size_, path);
  if (written && ::fdatasync(fd_) != 0) written = IoError(path);
  if (!written) {
    // What got there is cut off again; if even that fails the next start drops it as torn.
    static_cast<void>(::ftruncate(fd_, static_cast<off_t>(size_)));
    sequence_ = sequence;
    return written;
  }
  size_ += entry.size();
  ++writes_;
  return {};
}

Result<> RecordStore::Write(uint16_t id, ByteView record) {
  if (size_ > kCompactAbove) KEEL_TRY_VOID(Compact());
  KEEL_TRY_VOID(Append(id, record, false));
  if (records_[id]) Wipe(*records_[id]);
  records_[id] = base::ToBytes(record);
  return {};
}

Result<> RecordStore::Erase(uint16_t id) {
  if (Read(id) == nullptr) return {};
  KEEL_TRY_VOID(Append(id, {}, true));
  Wipe(*records_[id]);
  records_[id].reset();
  // What is erased for good must not linger in older entries.
  return Compact();
}

Result<> RecordStore::Compact() {
  const std::string path = dir_ + "/wallet.log";
  base::ByteVec all;
  const uint64_t before = sequence_;
  sequence_ = 0;
  for (uint16_t id = 1; id <= kMaxRecordId; ++id) {
    if (!records_[id]) continue;
    auto entry = Seal(id, *records_[id], false);
    if (!entry) {
      sequence_ = before;
      return std::unexpected<Error>(entry.error());
    }
    all.insert(all.end(), entry->begin(), entry->end());
  }
  const uint64_t after = sequence_;
  sequence_ = before;
  KEEL_TRY_VOID(base::WriteFileAtomic(path, ByteView(all), 0600));
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return IoError(path);
  ::close(fd_);
  fd_ = fd;
  size_ = all.size();
  sequence_ = after;
  return {};
}

}  // namespace keel::device
