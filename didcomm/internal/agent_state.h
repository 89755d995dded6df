// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <deque>
#include <list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "didcomm/message.h"

// Private to didcomm: what an agent remembers, all of it bounded. None is thread-safe: the agent's mutex guards them.
namespace keel::didcomm {

// A message that waits for delivery, or, when that failed for good, for its recipient to fetch it.
struct Waiting {
  Message message;
  std::string from;      // DID, or a key's DID URL
  uint64_t due_ms = 0;   // ticks
  uint64_t gone_ms = 0;  // ticks: given up then
  size_t attempts = 0;
  bool parked = false;  // only a return route takes it
};

class Outbox {
 public:
  Outbox(size_t max, size_t max_for_peer) : max_(max), max_for_peer_(max_for_peer) {}
  bool full() const { return waiting_.size() >= max_; }
  size_t size() const { return waiting_.size(); }
  // kBusy when too much waits, for anybody or for this recipient.
  Result<> Add(Waiting waiting);
  // One that was taken and goes on waiting: there is always room for it.
  void PutBack(Waiting waiting) { waiting_.push_back(std::move(waiting)); }
  std::optional<Waiting> TakeDue(uint64_t now_ms);
  // The oldest from `ours` to `peer`; of this thread only, if one is named.
  std::optional<Waiting> TakeFor(std::string_view ours, std::string_view peer, std::string_view thread);
  std::vector<Waiting> TakeGone(uint64_t now_ms);
  // Ticks of the next one due; none when nothing will be.
  std::optional<uint64_t> NextDue() const;

 private:
  const size_t max_, max_for_peer_;
  std::list<Waiting> waiting_;  // oldest first
};

// Counts problem reports by (peer, thread) and says when a thread is ended ("Cascading Problems").
class ThreadProblems {
 public:
  explicit ThreadProblems(size_t max_problems, size_t max_threads = 4096)
      : max_problems_(max_problems), max_threads_(max_threads) {}
  enum class Verdict { kGoOn, kCrossed, kEnded };
  // One more report came in or is about to go out. kCrossed once: now the thread is ended.
  Verdict Count(const std::string& peer, const std::string& thread);
  void End(const std::string& peer, const std::string& thread);
  bool Ended(const std::string& peer, const std::string& thread) const;

 private:
  using Key = std::pair<std::string, std::string>;
  size_t& Find(const Key& key);
  const size_t max_problems_, max_threads_;
  std::map<Key, size_t> counts_;
  std::deque<Key> order_;  // oldest first; as many as counts_
};

// Which messages came lately, to acknowledge old ones ("ACKs").
class RecentMessages {
 public:
  explicit RecentMessages(size_t max = 1024) : max_(max) {}
  void Add(std::string peer, std::string id);
  // Those of `ids` that came from the peer, in the order received, each once.
  std::vector<std::string> Known(const std::string& peer, const std::vector<std::string>& ids) const;

 private:
  const size_t max_;
  std::deque<std::pair<std::string, std::string>> recent_;
};

// What peers said that they take at most, in octets of an envelope.
class PeerLimits {
 public:
  explicit PeerLimits(size_t max = 1024) : max_(max) {}
  void Set(const std::string& peer, uint64_t octets);
  uint64_t Of(const std::string& peer) const;  // 0: unknown

 private:
  const size_t max_;
  std::map<std::string, uint64_t> limits_;
  std::deque<std::string> order_;  // oldest first; as many as limits_
};

}  // namespace keel::didcomm
