// SPDX-License-Identifier: Apache-2.0
#include "registry-node/quota.h"

#include <algorithm>

namespace keel::registry {

bool QuotaTable::Take(const std::string& client, uint64_t amount, uint64_t per_hour, uint64_t now_ms) {
  if (amount == 0) return true;
  const auto refill = [&](Bucket& b) {
    if (now_ms > b.at_ms) {
      b.left = std::min(static_cast<double>(b.per_hour),
                        b.left + static_cast<double>(now_ms - b.at_ms) * static_cast<double>(b.per_hour) / 3'600'000.0);
      b.at_ms = now_ms;
    }
  };
  std::lock_guard lock(mutex_);
  auto it = buckets_.find(client);
  if (it == buckets_.end()) {
    if (buckets_.size() >= kMaxClients) {
      for (auto at = buckets_.begin(); at != buckets_.end();) {
        refill(at->second);
        at = at->second.left >= static_cast<double>(at->second.per_hour) ? buckets_.erase(at) : std::next(at);
      }
      if (buckets_.size() >= kMaxClients) buckets_.clear();
    }
    it = buckets_.emplace(client, Bucket{static_cast<double>(per_hour), now_ms, per_hour}).first;
  }
  Bucket& b = it->second;
  if (b.per_hour != per_hour) {
    b.left = std::min(b.left + static_cast<double>(per_hour) - static_cast<double>(b.per_hour),
                      static_cast<double>(per_hour));
    b.per_hour = per_hour;
  }
  refill(b);
  if (b.left < static_cast<double>(amount)) return false;
  b.left -= static_cast<double>(amount);
  return true;
}

}  // namespace keel::registry
