// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "registry-node/node.h"

namespace keel::registry {

// This member's part of quorum time (protocol.md section 6). The nonces that come while one tick is signed are the next
// tick's leaves; under load one signature serves up to kMaxTick of them, and nobody waits for a clock to strike.
// Thread-safe.
class QuorumTimeService {
 public:
  static constexpr size_t kMaxTick = 32;
  static constexpr size_t kMaxWaiting = 20'000;

  QuorumTimeService(Node& node, Clock& clock);
  ~QuorumTimeService();

  // `done` gets the TIME item's body, from the service's thread. kBusy when too many wait; the clock's or key's error.
  using Done = std::function<void(Result<std::vector<uint8_t>>)>;
  void Ask(const Bytes32& nonce, Done done);

 private:
  struct Question {
    Bytes32 nonce{};
    Done done;
  };
  void Run();
  void Answer(std::vector<Question> tick);

  Node& node_;
  Clock& clock_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Question> waiting_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace keel::registry
