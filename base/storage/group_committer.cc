// SPDX-License-Identifier: Apache-2.0
#include "base/storage/group_committer.h"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace keel::base {

struct GroupCommitter::Impl {
  struct Item {
    WriteBatch batch;
    Done done;
  };

  Impl(KeyValueStore& s, Options o) : store(s), options(o), thread([this] { Run(); }) {}

  void Run() {
    std::unique_lock lock(mutex);
    for (;;) {
      work.wait(lock, [this] { return closing || !queue.empty(); });
      if (queue.empty()) return;
      std::vector<Item> items;
      size_t octets = 0;
      while (!queue.empty() && items.size() < options.max_batches &&
             (items.empty() || octets + queue.front().batch.octets() <= options.max_octets)) {
        octets += queue.front().batch.octets();
        items.push_back(std::move(queue.front()));
        queue.pop_front();
      }
      lock.unlock();
      WriteBatch all;
      for (Item& item : items) all.Append(std::move(item.batch));
      const Result<> result = all.empty() ? Result<>() : store.Write(all, options.sync);
      lock.lock();
      ++stats.writes;
      stats.batches += items.size();
      if (!result) ++stats.failed_writes;
      lock.unlock();
      for (const Item& item : items) item.done(result);
      lock.lock();
    }
  }

  KeyValueStore& store;
  const Options options;
  std::mutex mutex;  // everything below
  std::condition_variable work;
  std::deque<Item> queue;
  bool closing = false;
  Stats stats;
  std::thread thread;  // last: starts when the rest is there
};

GroupCommitter::GroupCommitter(KeyValueStore& store, Options options) : impl_(std::make_unique<Impl>(store, options)) {}
GroupCommitter::GroupCommitter(KeyValueStore& store) : GroupCommitter(store, Options{}) {}

GroupCommitter::~GroupCommitter() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->closing = true;
  }
  impl_->work.notify_all();
  impl_->thread.join();
}

void GroupCommitter::Submit(WriteBatch batch, Done done) {
  {
    const std::lock_guard lock(impl_->mutex);
    if (!impl_->closing && impl_->queue.size() < impl_->options.max_queue) {
      impl_->queue.push_back({std::move(batch), std::move(done)});
      impl_->work.notify_one();
      return;
    }
  }
  done(Fail(Code::kBusy, "store", "too many writes are waiting; try again"));
}

std::future<Result<>> GroupCommitter::Submit(WriteBatch batch) {
  auto promise = std::make_shared<std::promise<Result<>>>();
  std::future<Result<>> future = promise->get_future();
  Submit(std::move(batch), [promise](Result<> result) { promise->set_value(std::move(result)); });
  return future;
}

Result<> GroupCommitter::Commit(WriteBatch batch) { return Submit(std::move(batch)).get(); }

// Batches are written in order, so an empty one that is done comes after all before it.
void GroupCommitter::Flush() { static_cast<void>(Commit({})); }

GroupCommitter::Stats GroupCommitter::stats() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->stats;
}

}  // namespace keel::base
