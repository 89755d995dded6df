// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "core/result.h"
#include "core/secret.h"

namespace keel::device {

inline constexpr uint16_t kMaxRecordId = 31;
inline constexpr size_t kMaxRecordOctets = 8192;

// The wallet's records in one journal, DIR/wallet.log: each write appends a sealed entry and syncs once, so a write
// costs one fdatasync; a torn last entry is dropped at the next start and the one before it counts. Compacted by
// writing anew and renaming. Entries are sealed with XChaCha20-Poly1305 under a random key in DIR/store.key (0600): an
// "unprotected software key" in the sense of the design. Format: docs/formats/device-journal.md. Not thread-safe.
class RecordStore {
 public:
  // Makes folder, key and journal when absent. kCorrupt (an entry that is not the last can't be opened), kUsage (key
  // readable by others), kIo.
  static Result<std::unique_ptr<RecordStore>> Open(const std::string& dir);
  ~RecordStore();
  RecordStore(const RecordStore&) = delete;
  RecordStore& operator=(const RecordStore&) = delete;

  // nullptr when there is none; valid until the next Write or Erase.
  const base::ByteVec* Read(uint16_t id) const;
  // Durable when it returns. After an error the old record stands, here and on disk.
  Result<> Write(uint16_t id, ByteView record);
  Result<> Erase(uint16_t id);
  uint64_t writes() const { return writes_; }

 private:
  RecordStore(std::string dir, SecretBytes<32> key) : dir_(std::move(dir)), key_(std::move(key)) {}
  Result<> Load();
  Result<base::ByteVec> Seal(uint16_t id, ByteView record, bool erased);
  Result<> Append(uint16_t id, ByteView record, bool erased);
  Result<> Compact();

  std::string dir_;
  SecretBytes<32> key_;
  int fd_ = -1;
  uint64_t size_ = 0;  // of the journal's good part
  uint64_t sequence_ = 0;
  uint64_t writes_ = 0;
  std::array<std::optional<base::ByteVec>, kMaxRecordId + 1> records_;
};

}  // namespace keel::device
