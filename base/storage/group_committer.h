// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <future>
#include <memory>

#include "base/storage/key_value_store.h"

namespace keel::base {

// Collects the batches of many callers and writes them with one synced write: a synced write costs 0.5-2 ms however
// much is in it. Batches are written in the order of Submit; no batch is split. One thread of its own; thread-safe. The
// store must outlive it.
class GroupCommitter {
 public:
  using Done = std::function<void(Result<>)>;
  struct Options {
    size_t max_batches = 4096;    // in one write
    size_t max_octets = 8 << 20;  // in one write
    size_t max_queue = 65536;     // waiting; more are refused with kBusy
    Sync sync = Sync::kYes;       // kNo only in tests that show what sync is for
  };
  GroupCommitter(KeyValueStore& store, Options options);
  explicit GroupCommitter(KeyValueStore& store);
  // Writes what waits, then ends the thread. Later Submits get kClosed.
  ~GroupCommitter();

  // `done` is called once from the committer's thread, after the write is durable or has failed (then every batch of
  // that write fails with the same error and it is unknown which are in the store). It must not block and must not call
  // Commit.
  void Submit(WriteBatch batch, Done done);
  std::future<Result<>> Submit(WriteBatch batch);
  // Submit and wait.
  Result<> Commit(WriteBatch batch);
  // Waits until everything submitted before is durable or has failed.
  void Flush();

  struct Stats {
    uint64_t writes = 0, batches = 0, failed_writes = 0;
  };
  Stats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keel::base
