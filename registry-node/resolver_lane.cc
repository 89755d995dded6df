// SPDX-License-Identifier: Apache-2.0
#include "registry-node/resolver_lane.h"

namespace keel::registry {

ResolverLane::~ResolverLane() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    waiting_.clear();
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

bool ResolverLane::Post(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= kMaxWaiting) return false;
    waiting_.push_back(std::move(work));
    if (threads_.size() < kThreads) threads_.emplace_back([this] { Run(); });
  }
  wake_.notify_one();
  return true;
}

void ResolverLane::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (stop_) return;
    const std::function<void()> work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    work();
    lock.lock();
  }
}

}  // namespace keel::registry
