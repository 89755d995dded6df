// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>

namespace keel::registry {

// Counts what each client does within an hour, by buckets that refill evenly. At most kMaxClients are remembered; when
// full, those whose bucket is full again are forgotten first, then the count starts anew for all (bounded memory before
// fairness). Thread-safe.
class QuotaTable {
 public:
  static constexpr size_t kMaxClients = 65'536;

  // Takes `amount` from the client's bucket of `per_hour`; false, taking nothing, when less is left. A burst of a whole
  // hour's worth is allowed.
  bool Take(const std::string& client, uint64_t amount, uint64_t per_hour, uint64_t now_ms);

 private:
  struct Bucket {
    double left = 0;
    uint64_t at_ms = 0;
    uint64_t per_hour = 0;
  };
  std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace keel::registry
