// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "didcomm/internal/agent_state.h"

namespace keel::didcomm {
namespace {

bool GoesTo(const Waiting& waiting, std::string_view peer) {
  return !waiting.message.to.empty() && waiting.message.to[0] == peer;
}

}  // namespace

Result<> Outbox::Add(Waiting waiting) {
  const std::string& to = waiting.message.to[0];
  if (full()) return Fail(Code::kBusy, "didcomm agent", std::to_string(max_) + " messages wait for delivery");
  const auto of_peer = static_cast<size_t>(
      std::count_if(waiting_.begin(), waiting_.end(), [&to](const Waiting& other) { return GoesTo(other, to); }));
  if (of_peer >= max_for_peer_)
    return Fail(Code::kBusy, "didcomm agent", std::to_string(of_peer) + " messages wait for " + to);
  waiting_.push_back(std::move(waiting));
  return {};
}

std::optional<Waiting> Outbox::TakeDue(uint64_t now_ms) {
  for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
    if (it->parked || it->due_ms > now_ms) continue;
    Waiting taken = std::move(*it);
    waiting_.erase(it);
    return taken;
  }
  return std::nullopt;
}

std::optional<Waiting> Outbox::TakeFor(std::string_view ours, std::string_view peer, std::string_view thread) {
  for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
    if (!GoesTo(*it, peer) || it->message.from != ours) continue;
    if (!thread.empty() && it->message.Thread() != thread) continue;
    Waiting taken = std::move(*it);
    waiting_.erase(it);
    return taken;
  }
  return std::nullopt;
}

std::vector<Waiting> Outbox::TakeGone(uint64_t now_ms) {
  std::vector<Waiting> gone;
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    if (it->gone_ms > now_ms) {
      ++it;
      continue;
    }
    gone.push_back(std::move(*it));
    it = waiting_.erase(it);
  }
  return gone;
}

std::optional<uint64_t> Outbox::NextDue() const {
  std::optional<uint64_t> next;
  for (const Waiting& waiting : waiting_) {
    if (!waiting.parked && (!next || waiting.due_ms < *next)) next = waiting.due_ms;
  }
  return next;
}

size_t& ThreadProblems::Find(const Key& key) {
  const auto [it, fresh] = counts_.try_emplace(key, 0);
  if (fresh) {
    order_.push_back(key);
    if (order_.size() > max_threads_) {
      counts_.erase(order_.front());
      order_.pop_front();
    }
  }
  return it->second;
}

ThreadProblems::Verdict ThreadProblems::Count(const std::string& peer, const std::string& thread) {
  size_t& count = Find({peer, thread});
  if (count > max_problems_) return Verdict::kEnded;
  ++count;
  return count > max_problems_ ? Verdict::kCrossed : Verdict::kGoOn;
}

void ThreadProblems::End(const std::string& peer, const std::string& thread) {
  Find({peer, thread}) = max_problems_ + 1;
}

bool ThreadProblems::Ended(const std::string& peer, const std::string& thread) const {
  const auto it = counts_.find({peer, thread});
  return it != counts_.end() && it->second > max_problems_;
}

void RecentMessages::Add(std::string peer, std::string id) {
  recent_.emplace_back(std::move(peer), std::move(id));
  if (recent_.size() > max_) recent_.pop_front();
}

std::vector<std::string> RecentMessages::Known(const std::string& peer, const std::vector<std::string>& ids) const {
  std::vector<std::string> known;
  for (const auto& [from, id] : recent_) {
    if (from == peer && std::find(ids.begin(), ids.end(), id) != ids.end() &&
        std::find(known.begin(), known.end(), id) == known.end()) {
      known.push_back(id);
    }
  }
  return known;
}

void PeerLimits::Set(const std::string& peer, uint64_t octets) {
  const auto [it, fresh] = limits_.insert_or_assign(peer, octets);
  if (!fresh) return;
  order_.push_back(peer);
  if (order_.size() <= max_) return;
  limits_.erase(order_.front());
  order_.pop_front();
}

uint64_t PeerLimits::Of(const std::string& peer) const {
  const auto it = limits_.find(peer);
  return it == limits_.end() ? 0 : it->second;
}

}  // namespace keel::didcomm
