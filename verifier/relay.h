// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/storage/key_value_store.h"
#include "core/seams.h"
#include "didcomm/mediator/queue.h"
#include "didcomm/message.h"
#include "verifier/claim_book.h"

namespace keel::verifier {

// Messages between the devices of the fleet, and pings to the owner (docs/protocols/device-messages.md): a small
// mediator for members alone, over the relation that each device has with us anyway. Forwards are queued on disk for
// the member they are for; a device fetches its messages by message pickup, one at a time, and may wait for the next
// one. Thread-safe. Starts one thread, which ends waits that are over and forgets what nobody fetched.
class Relay {
 public:
  static constexpr uint64_t kMaxWaitSeconds = 20;
  static constexpr size_t kForwardsAMinute = 60;  // of one device
  static didcomm::QueueLimits Limits();

  // Book, store and clock outlive it. kCorrupt, kIo.
  static Result<std::unique_ptr<Relay>> Open(ClaimBook& book, base::KeyValueStore& store, Clock& clock);
  ~Relay();
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  // A message that a device sent to us; who it is from is proved.
  struct Letter {
    didcomm::Message message;
    std::string ours, theirs;  // our and the device's pairwise DID
    bool member = false;       // an onboarded device of ours, speaking as the one that it was bound as
  };
  // Takes the plaintext of the answer, empty for none, exactly once: at once or when there is a message, from any
  // thread.
  using Give = std::function<void(Result<std::string> plaintext)>;
  void Receive(const Letter& letter, Give give);

  // Ends all waits, and holds nothing back from now on: before the listener stops, which waits for every answer.
  void Stop();

  // How many messages wait for a device.
  size_t Waiting(const std::string& device_pairwise) const;

 private:
  Relay(ClaimBook& book, Clock& clock) : book_(book), clock_(clock) {}
  struct Held {
    Letter letter;
    Give give;
    uint64_t until_ms = 0;
  };
  struct Rate {
    uint64_t minute = 0;
    size_t forwards = 0;
  };
  Result<std::string> Forward(const Letter& letter);
  // The next message as a delivery, or a status when there is none.
  Result<std::string> Next(const Letter& letter);
  Result<std::string> Received(const Letter& letter);
  Result<std::string> Status(const Letter& letter) const;
  void Hold(const Letter& letter, uint64_t seconds, Give give);
  void Arrived(const std::string& device_pairwise);
  void Run();

  ClaimBook& book_;
  Clock& clock_;
  std::unique_ptr<didcomm::MessageQueue> queue_;
  std::mutex mutex_;  // held_, rates_, stop_
  std::condition_variable changed_;
  std::map<std::string, Held> held_;  // by the device's pairwise DID
  std::map<std::string, Rate> rates_;
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace keel::verifier
