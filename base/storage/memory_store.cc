// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "base/storage/key_value_store.h"

namespace keel::base {

void WriteBatch::Add(Entry entry) {
  octets_ += entry.key.size() + (entry.value ? entry.value->size() : 0) + 16;
  entries_.push_back(std::move(entry));
}

void WriteBatch::Append(WriteBatch&& other) {
  octets_ += other.octets_;
  if (entries_.empty()) {
    entries_ = std::move(other.entries_);
  } else {
    entries_.insert(entries_.end(), std::make_move_iterator(other.entries_.begin()),
                    std::make_move_iterator(other.entries_.end()));
  }
  other.Clear();
}

void WriteBatch::Clear() {
  entries_.clear();
  octets_ = 0;
}

namespace {

using Map = std::map<std::string, std::string, std::less<>>;

// The first key after all that begin with the prefix; end for a prefix of only 0xFF.
Map::const_iterator AfterPrefix(const Map& map, std::string_view prefix) {
  std::string next(prefix);
  while (!next.empty() && static_cast<uint8_t>(next.back()) == 0xFF) next.pop_back();
  if (next.empty()) return map.end();
  next.back() = static_cast<char>(static_cast<uint8_t>(next.back()) + 1);
  return map.lower_bound(next);
}

class FrozenMap final : public KeyValueReader {
 public:
  explicit FrozenMap(std::shared_ptr<const Map> map) : map_(std::move(map)) {}
  Result<std::optional<std::string>> Get(std::string_view key) const override {
    const auto it = map_->find(key);
    return it == map_->end() ? std::nullopt : std::optional<std::string>(it->second);
  }
  Result<> Scan(std::string_view prefix, std::string_view from, const Visitor& visit) const override {
    for (auto it = map_->lower_bound(std::max(prefix, from)); it != map_->end() && it->first.starts_with(prefix);
         ++it) {
      if (!visit(it->first, it->second)) break;
    }
    return {};
  }
  Result<std::optional<std::pair<std::string, std::string>>> Last(std::string_view prefix) const override {
    auto it = AfterPrefix(*map_, prefix);
    if (it == map_->begin()) return std::nullopt;
    --it;
    if (!it->first.starts_with(prefix)) return std::nullopt;
    return std::pair<std::string, std::string>(it->first, it->second);
  }

 private:
  std::shared_ptr<const Map> map_;  // shared with the store and other snapshots, copied on write
};

class MemoryStore final : public KeyValueStore {
 public:
  Result<> Write(const WriteBatch& batch, Sync) override {
    const std::lock_guard lock(mutex_);
    // Not by use_count: a reader that is just going has no order to us then.
    if (std::exchange(shared_, false)) map_ = std::make_shared<Map>(*map_);
    for (const auto& entry : batch.entries()) {
      if (entry.value) {
        map_->insert_or_assign(entry.key, *entry.value);
      } else {
        map_->erase(entry.key);
      }
    }
    return {};
  }
  std::unique_ptr<KeyValueReader> Snapshot() const override { return std::make_unique<FrozenMap>(Current()); }
  Result<> Healthy() const override { return {}; }
  Result<std::optional<std::string>> Get(std::string_view key) const override {
    const std::lock_guard lock(mutex_);
    const auto it = map_->find(key);
    return it == map_->end() ? std::nullopt : std::optional<std::string>(it->second);
  }
  Result<> Scan(std::string_view prefix, std::string_view from, const Visitor& visit) const override {
    return FrozenMap(Current()).Scan(prefix, from, visit);
  }
  Result<std::optional<std::pair<std::string, std::string>>> Last(std::string_view prefix) const override {
    return FrozenMap(Current()).Last(prefix);
  }

 private:
  std::shared_ptr<const Map> Current() const {
    const std::lock_guard lock(mutex_);
    shared_ = true;
    return map_;
  }
  mutable std::mutex mutex_;
  mutable bool shared_ = false;  // a reader may hold map_: the next write makes a copy
  std::shared_ptr<Map> map_ = std::make_shared<Map>();
};

}  // namespace

std::unique_ptr<KeyValueStore> MakeMemoryStore() { return std::make_unique<MemoryStore>(); }

}  // namespace keel::base
