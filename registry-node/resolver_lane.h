// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace keel::registry {

// Where work runs that waits for hosts of strangers (did:web, did:webvh), so that it holds up nothing else: a few
// threads and a short queue. Thread-safe.
class ResolverLane {
 public:
  static constexpr size_t kThreads = 2;
  static constexpr size_t kMaxWaiting = 32;

  ResolverLane() = default;
  // Waits for what runs; what waits is dropped.
  ~ResolverLane();
  // False when the queue is full. The threads start with the first work.
  bool Post(std::function<void()> work);

 private:
  void Run();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> waiting_;
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace keel::registry
