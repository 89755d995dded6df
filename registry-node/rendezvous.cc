// SPDX-License-Identifier: Apache-2.0
#include "registry-node/rendezvous.h"

#include <algorithm>

namespace keel::registry {
namespace {

constexpr size_t kMaxWaiting = 20'000;
constexpr size_t kMaxPerIndex = 4;  // in one answer

// 'r' || index 32 || u64 order -> u64 time || value
std::string SlotKey(const Bytes32& index, uint64_t order) {
  std::string key = "r" + std::string(AsText(index));
  for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>(order >> shift));
  return key;
}

}  // namespace

Result<std::unique_ptr<Rendezvous>> Rendezvous::Open(base::KeyValueStore& store, size_t members, UnixSeconds now) {
  std::unique_ptr<Rendezvous> out(new Rendezvous(store, std::max<size_t>(1, 8 / std::max<size_t>(1, members))));
  base::WriteBatch expired;
  KEEL_TRY_VOID(store.Scan("r", [&](std::string_view key, std::string_view value) {
    ByteReader k(AsBytes(key));
    k.U8();
    const Bytes32 index = k.Fixed<32>();
    Slot slot;
    slot.order = k.U64();
    ByteReader v(AsBytes(value));
    slot.at = v.U64();
    if (!k.done() || !v.ok() || slot.at + kRendezvousLifetime < now) {
      expired.Delete(key);
      return true;
    }
    ByteView rest = v.Take(v.left());
    slot.value.assign(rest.begin(), rest.end());
    out->order_ = std::max(out->order_, slot.order);
    out->table_[index].push_back(std::move(slot));
    return true;
  }));
  if (!expired.empty()) KEEL_TRY_VOID(store.Write(expired, base::Sync::kNo));
  return out;
}

Result<> Rendezvous::Publish(const Bytes32& index, ByteView value, UnixSeconds now) {
  std::vector<std::pair<Waiter, std::vector<Value>>> ready;
  {
    std::lock_guard lock(mutex_);
    auto it = table_.find(index);
    if (it == table_.end()) {
      if (table_.size() >= kMaxRendezvousIndices)
        return Fail(Code::kNoSpace, "rendezvous", "the table is full; try another member");
      it = table_.emplace(index, std::vector<Slot>{}).first;
    }
    base::WriteBatch batch;
    std::vector<Slot>& slots = it->second;
    std::erase_if(slots, [&](const Slot& s) {
      const bool gone = s.at + kRendezvousLifetime < now || Equal(s.value, value);
      if (gone) batch.Delete(SlotKey(index, s.order));
      return gone;
    });
    while (slots.size() >= slots_) {
      const auto oldest =
          std::min_element(slots.begin(), slots.end(), [](const Slot& a, const Slot& b) { return a.order < b.order; });
      batch.Delete(SlotKey(index, oldest->order));
      slots.erase(oldest);
    }
    Slot slot;
    slot.at = now;
    slot.order = ++order_;
    slot.value.assign(value.begin(), value.end());
    std::string record(8, '\0');
    for (size_t i = 0; i < 8; ++i) record[i] = static_cast<char>(now >> (56 - 8 * i));
    record += AsText(value);
    batch.Put(SlotKey(index, slot.order), record);
    slots.push_back(std::move(slot));
    KEEL_TRY_VOID(store_.Write(batch, base::Sync::kNo));

    const auto [first, last] = by_index_.equal_range(index);
    std::vector<std::pair<uint64_t, uint64_t>> ids;
    for (auto at = first; at != last; ++at) ids.push_back(at->second);
    for (const auto& id : ids) {
      auto waiting = waiting_.find(id);
      if (waiting == waiting_.end()) continue;
      ready.emplace_back(std::move(waiting->second.waiter), FindLocked(waiting->second.indices, now));
      for (const Bytes32& i : waiting->second.indices) {
        const auto range = by_index_.equal_range(i);
        for (auto at = range.first; at != range.second;) at = at->second == id ? by_index_.erase(at) : std::next(at);
      }
      waiting_.erase(waiting);
    }
  }
  for (auto& [waiter, values] : ready) waiter(std::move(values));
  return {};
}

std::vector<Rendezvous::Value> Rendezvous::FindLocked(std::span<const Bytes32> indices, UnixSeconds now) {
  std::vector<Value> out;
  for (const Bytes32& index : indices) {
    const auto it = table_.find(index);
    if (it == table_.end()) continue;
    std::vector<const Slot*> slots;
    for (const Slot& s : it->second) {
      if (s.at + kRendezvousLifetime >= now) slots.push_back(&s);
    }
    std::sort(slots.begin(), slots.end(), [](const Slot* a, const Slot* b) { return a->order > b->order; });
    if (slots.size() > kMaxPerIndex) slots.resize(kMaxPerIndex);
    for (const Slot* s : slots) out.push_back(s->value);
  }
  return out;
}

std::vector<Rendezvous::Value> Rendezvous::Find(std::span<const Bytes32> indices, UnixSeconds now) {
  std::lock_guard lock(mutex_);
  return FindLocked(indices, now);
}

Result<> Rendezvous::FindOrWait(std::vector<Bytes32> indices, UnixSeconds now, uint64_t deadline_ms, Waiter waiter) {
  std::vector<Value> found;
  {
    std::lock_guard lock(mutex_);
    found = FindLocked(indices, now);
    if (found.empty()) {
      if (waiting_.size() >= kMaxWaiting) return Fail(Code::kBusy, "rendezvous", "too many wait; come back later");
      const std::pair<uint64_t, uint64_t> id{deadline_ms, ++next_waiting_};
      for (const Bytes32& i : indices) by_index_.emplace(i, id);
      waiting_.emplace(id, Waiting{std::move(indices), std::move(waiter)});
      return {};
    }
  }
  waiter(std::move(found));
  return {};
}

std::optional<uint64_t> Rendezvous::Expire(uint64_t ticks_ms) {
  std::vector<Waiter> late;
  std::optional<uint64_t> next;
  {
    std::lock_guard lock(mutex_);
    while (!waiting_.empty()) {
      auto it = waiting_.begin();
      if (it->first.first > ticks_ms) {
        next = it->first.first;
        break;
      }
      for (const Bytes32& i : it->second.indices) {
        const auto range = by_index_.equal_range(i);
        for (auto at = range.first; at != range.second;)
          at = at->second == it->first ? by_index_.erase(at) : std::next(at);
      }
      late.push_back(std::move(it->second.waiter));
      waiting_.erase(it);
    }
  }
  for (Waiter& w : late) w({});
  return next;
}

void Rendezvous::ReleaseAll() { Expire(UINT64_MAX); }

void Rendezvous::Sweep(UnixSeconds now) {
  std::lock_guard lock(mutex_);
  base::WriteBatch batch;
  for (auto it = table_.begin(); it != table_.end();) {
    std::erase_if(it->second, [&](const Slot& s) {
      const bool gone = s.at + kRendezvousLifetime < now;
      if (gone) batch.Delete(SlotKey(it->first, s.order));
      return gone;
    });
    it = it->second.empty() ? table_.erase(it) : std::next(it);
  }
  // A failure leaves them to the next sweep, or to Open.
  if (!batch.empty() && !store_.Write(batch, base::Sync::kNo)) return;
}

size_t Rendezvous::size() const {
  std::lock_guard lock(mutex_);
  return table_.size();
}

size_t Rendezvous::waiting() const {
  std::lock_guard lock(mutex_);
  return waiting_.size();
}

}  // namespace keel::registry
