// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <mutex>
#include <unordered_map>

#include "crypto/hash.h"
#include "didcomm/unpack.h"

namespace keel::didcomm {
namespace {

// One name for (sender, id) of fixed size; the length keeps the two apart.
std::string NameOf(std::string_view sender, std::string_view id) {
  ByteArray<8> length;
  ByteWriter(length).U64(sender.size());
  const Bytes32 hash = crypto::Sha256().Update(length).Update(sender).Update(id).Final();
  return std::string(AsText(hash));
}

std::string Big(uint64_t value) {
  ByteArray<8> octets;
  ByteWriter(octets).U64(value);
  return std::string(AsText(octets));
}

class MemoryReplayCache final : public ReplayCache {
 public:
  explicit MemoryReplayCache(size_t max_entries) : max_entries_(max_entries) {}

  Result<bool> Remember(std::string_view sender, std::string_view id, UnixSeconds now, UnixSeconds until) override {
    std::string name = NameOf(sender, id);
    const std::lock_guard lock(mutex_);
    while (!by_time_.empty() && by_time_.begin()->first < now) {
      known_.erase(by_time_.begin()->second);
      by_time_.erase(by_time_.begin());
    }
    if (known_.contains(name)) return false;
    if (known_.size() >= max_entries_)
      return Fail(Code::kBusy, "replay cache", "full: " + std::to_string(max_entries_) + " messages not yet expired");
    known_.emplace(name, until);
    by_time_.emplace(until, std::move(name));
    return true;
  }

 private:
  const size_t max_entries_;
  std::mutex mutex_;  // guards the two below
  std::unordered_map<std::string, UnixSeconds> known_;
  std::multimap<UnixSeconds, std::string> by_time_;
};

// "<prefix>m" name -> until, and "<prefix>t" until name -> nothing, for clearing away.
class StoredReplayCache final : public ReplayCache {
 public:
  StoredReplayCache(base::KeyValueStore& store, std::string prefix) : store_(store), prefix_(std::move(prefix)) {}

  Result<bool> Remember(std::string_view sender, std::string_view id, UnixSeconds now, UnixSeconds until) override {
    const std::string name = NameOf(sender, id);
    const std::lock_guard lock(mutex_);
    KEEL_TRY(const std::optional<std::string> known, store_.Get(prefix_ + "m" + name));
    if (known) {
      if (known->size() != 8) return Fail(Code::kCorrupt, "replay cache", "an entry of a wrong size");
      if (ByteReader(AsBytes(*known)).U64() >= now) return false;
    }
    base::WriteBatch batch;
    size_t cleared = 0;
    const std::string times = prefix_ + "t";
    KEEL_TRY_VOID(store_.Scan(times, [&](std::string_view key, std::string_view) {
      const std::string_view rest = key.substr(times.size());
      if (rest.size() != 40 || ByteReader(AsBytes(rest)).U64() >= now || cleared == kClearAtOnce) return false;
      batch.Delete(key);
      batch.Delete(prefix_ + "m" + std::string(rest.substr(8)));
      ++cleared;
      return true;
    }));
    batch.Put(prefix_ + "m" + name, Big(until));
    batch.Put(times + Big(until) + name, "");
    KEEL_TRY_VOID(store_.Write(batch, base::Sync::kYes));
    return true;
  }

 private:
  static constexpr size_t kClearAtOnce = 64;
  base::KeyValueStore& store_;
  const std::string prefix_;
  std::mutex mutex_;  // makes look and write one step
};

}  // namespace

std::unique_ptr<ReplayCache> MakeMemoryReplayCache(size_t max_entries) {
  return std::make_unique<MemoryReplayCache>(max_entries);
}

std::unique_ptr<ReplayCache> MakeStoredReplayCache(base::KeyValueStore& store, std::string prefix) {
  return std::make_unique<StoredReplayCache>(store, std::move(prefix));
}

}  // namespace keel::didcomm
