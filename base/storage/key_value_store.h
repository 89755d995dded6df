// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

namespace leveldb {
class Env;
}

namespace keel::base {

// Puts and deletes applied together: all or nothing, in order. Not thread-safe.
class WriteBatch {
 public:
  struct Entry {
    std::string key;
    std::optional<std::string> value;  // none: delete
  };
  void Put(std::string_view key, std::string_view value) { Add({std::string(key), std::string(value)}); }
  void Delete(std::string_view key) { Add({std::string(key), std::nullopt}); }
  void Append(WriteBatch&& other);
  void Clear();
  const std::vector<Entry>& entries() const { return entries_; }
  bool empty() const { return entries_.empty(); }
  size_t octets() const { return octets_; }

 private:
  void Add(Entry entry);
  std::vector<Entry> entries_;
  size_t octets_ = 0;
};

// Reads of a store at one moment (a snapshot) or now (the store itself). Keys and values are octet strings, keys
// ordered by octets.
class KeyValueReader {
 public:
  virtual ~KeyValueReader() = default;
  // nullopt when the key is absent. kIo, kCorrupt (a damaged block is never given as a value).
  virtual Result<std::optional<std::string>> Get(std::string_view key) const = 0;
  // Calls `visit` for keys that begin with `prefix` and are >= `from` (empty: from the first), in order, until it
  // returns false. The views live during the call only; `visit` must not write to the store.
  using Visitor = std::function<bool(std::string_view key, std::string_view value)>;
  virtual Result<> Scan(std::string_view prefix, std::string_view from, const Visitor& visit) const = 0;
  Result<> Scan(std::string_view prefix, const Visitor& visit) const { return Scan(prefix, {}, visit); }
  // The last key that begins with `prefix`, with its value.
  virtual Result<std::optional<std::pair<std::string, std::string>>> Last(std::string_view prefix) const = 0;
};

// Whether Write returns only when the data would survive a power cut.
enum class Sync : uint8_t { kNo, kYes };

// Seam: a durable ordered map. Thread-safe; snapshots must not outlive the store.
class KeyValueStore : public KeyValueReader {
 public:
  // After an error (kIo, kNoSpace, kCorrupt) it is unknown whether the batch is in the store: it may show up after a
  // reopening. Nothing may be acknowledged.
  virtual Result<> Write(const WriteBatch& batch, Sync sync) = 0;
  virtual std::unique_ptr<KeyValueReader> Snapshot() const = 0;
  // Why the store can't be written just now; success when it can (for /readyz). A store that failed tries to recover on
  // the next Write, at most once a second.
  virtual Result<> Healthy() const = 0;
};

struct StoreOptions {
  bool create = true;             // kNotFound when false and absent
  size_t write_buffer = 4 << 20;  // octets
  size_t cache = 16 << 20;        // octets of uncompressed blocks
  bool compress = true;
  bool paranoid = true;         // check sums on every read
  leveldb::Env* env = nullptr;  // tests; not owned, outlives the store
};
// LevelDB in the folder `path` (made with mode 0700). kBusy when another process has it, kCorrupt, kIo.
Result<std::unique_ptr<KeyValueStore>> OpenLevelDb(const std::string& path, const StoreOptions& options = {});

// In memory, for tests and tools. Never fails.
std::unique_ptr<KeyValueStore> MakeMemoryStore();

}  // namespace keel::base
