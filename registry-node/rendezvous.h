// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/storage/key_value_store.h"
#include "core/bytes.h"
#include "core/time.h"

namespace keel::registry {

// The slots of an entry node (protocol.md section 5): max(1, floor(8/n)) values per index, the publishers' oldest goes
// first, 30 days each. Kept in memory and, unsynced group by group, in the store (prefix "r"): a value lost in a power
// cut is published again by its verifier. Never lists. Thread-safe.
inline constexpr size_t kMaxRendezvousIndices = 1'000'000;
inline constexpr uint64_t kRendezvousLifetime = 30ULL * 24 * 3600;  // seconds

class Rendezvous {
 public:
  using Value = std::vector<uint8_t>;
  // Called once, with the values newest first (possibly none).
  using Waiter = std::function<void(std::vector<Value>)>;

  // members: n of the current epoch. Reads what the store holds.
  static Result<std::unique_ptr<Rendezvous>> Open(base::KeyValueStore& store, size_t members, UnixSeconds now);

  // Adds a value; the same octets again at the same index refresh it. kNoSpace when the table is full.
  Result<> Publish(const Bytes32& index, ByteView value, UnixSeconds now);

  // Values at these indices, newest first, at most 4 of each index.
  std::vector<Value> Find(std::span<const Bytes32> indices, UnixSeconds now);

  // Find now if there is anything; else when something is published at one of the indices or `deadline_ms` (of `ticks`)
  // passes: whichever comes first calls `waiter`, from another thread's Publish or Expire. kBusy when too many wait.
  Result<> FindOrWait(std::vector<Bytes32> indices, UnixSeconds now, uint64_t deadline_ms, Waiter waiter);
  // Answers the waiters whose deadline has passed with nothing. Gives the next deadline, if any.
  std::optional<uint64_t> Expire(uint64_t ticks_ms);
  // Answers all waiters with nothing (the service stops).
  void ReleaseAll();

  // Forgets values older than 30 days; call now and then.
  void Sweep(UnixSeconds now);
  size_t size() const;
  size_t waiting() const;

 private:
  struct Slot {
    UnixSeconds at = 0;
    uint64_t order = 0;  // rises with each publication: newest first within a second
    Value value;
  };
  struct Waiting {
    std::vector<Bytes32> indices;
    Waiter waiter;
  };
  Rendezvous(base::KeyValueStore& store, size_t slots) : store_(store), slots_(slots) {}
  std::vector<Value> FindLocked(std::span<const Bytes32> indices, UnixSeconds now);

  base::KeyValueStore& store_;
  const size_t slots_;
  mutable std::mutex mutex_;
  std::map<Bytes32, std::vector<Slot>> table_;
  uint64_t order_ = 0;
  uint64_t next_waiting_ = 0;
  std::map<std::pair<uint64_t, uint64_t>, Waiting> waiting_;  // by (deadline, number)
  std::multimap<Bytes32, std::pair<uint64_t, uint64_t>> by_index_;
};

}  // namespace keel::registry
