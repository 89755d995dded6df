// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/storage/key_value_store.h"
#include "core/time.h"

namespace keel::didcomm {

// What a mediator keeps for one account and for one of its recipients, and for how long.
struct QueueLimits {
  size_t recipient_messages = 1'000;
  uint64_t recipient_octets = 16 << 20;
  size_t account_messages = 4'000;
  uint64_t account_octets = 64 << 20;
  size_t all_messages = 1'000'000;
  uint64_t all_octets = 4ull << 30;
  uint64_t keep_seconds = 7 * 86'400;  // a message nobody fetches
  uint64_t remember_seconds = 86'400;  // a message's fingerprint at least: a repeat isn't queued again
};

struct QueuedMessage {
  std::string id;         // opaque, never used again
  std::string recipient;  // what it was queued for
  std::string envelope;
  UnixSeconds received = 0;
};

struct QueueStatus {
  size_t count = 0;
  uint64_t octets = 0;
  UnixSeconds oldest = 0, newest = 0;  // received; 0 when there is none
};

// Messages that wait for their recipients, on disk. An account is whoever fetches (a DID), a recipient one of the DIDs
// that it fetches for. What Put accepted is there until Acknowledge named it, its time is over, or its recipient is
// removed: over a crash and a power cut too; and it is never given out again afterwards. The order is that of arrival.
// Starts one thread (the group committer's). Thread-safe. The store outlives it; keys lie under `prefix`.
class MessageQueue {
 public:
  // Reads what is there. kCorrupt, kIo.
  static Result<std::unique_ptr<MessageQueue>> Open(base::KeyValueStore& store, std::string prefix = "didcomm-queue/",
                                                    const QueueLimits& limits = {});
  ~MessageQueue();

  // Durable when it returns. The id; empty when these very octets (`identity`, if it is given, else the envelope) came
  // for this recipient before (a repeat: nothing is queued). `until`: when the message is worthless (a forward's
  // expires_time), 0 for none. kQuotaExceeded (a limit; the text says which), kExpired, kTooLarge, kIo and kNoSpace:
  // not queued, except that after kIo it may show up.
  Result<std::string> Put(const std::string& account, const std::string& recipient, std::string_view envelope,
                          UnixSeconds now, UnixSeconds until = 0, std::string_view identity = {});
  // The oldest, at most `limit` messages and max_octets octets (one in any case); of one recipient when it is named.
  // They stay.
  Result<std::vector<QueuedMessage>> List(const std::string& account, std::string_view recipient, size_t limit,
                                          UnixSeconds now, uint64_t max_octets = 512 << 10);
  // Forgets these of the account's; ids that aren't there are passed over. Durable when it returns; how many were
  // there.
  Result<size_t> Acknowledge(const std::string& account, std::span<const std::string> ids);
  QueueStatus Status(const std::string& account, std::string_view recipient, UnixSeconds now) const;
  // Forgets all of an account's messages for one recipient (empty: for every one).
  Result<size_t> Drop(const std::string& account, std::string_view recipient);
  // Forgets what is over, a bounded number at a time: call it every minute. How many messages went.
  Result<size_t> Expire(UnixSeconds now);

  struct Totals {
    size_t accounts = 0, messages = 0;
    uint64_t octets = 0;
  };
  Totals totals() const;

 private:
  struct Impl;
  explicit MessageQueue(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace keel::didcomm
