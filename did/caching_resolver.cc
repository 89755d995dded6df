// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <list>
#include <unordered_map>

#include "did/resolver.h"

namespace keel::did {

struct CachingResolver::Impl {
  struct Entry {
    std::string did;
    ResolutionResult result;
    uint64_t expires_ms = 0;
  };

  Impl(DidResolver& source_in, Clock& clock_in, Options options_in)
      : source(source_in), clock(clock_in), options(options_in) {}

  DidResolver& source;
  Clock& clock;
  const Options options;
  std::mutex mutex;        // guards all below; never held while the source is asked
  std::list<Entry> order;  // most recently used first
  std::unordered_map<std::string_view, std::list<Entry>::iterator> index;
  Stats stats;
};

CachingResolver::CachingResolver(DidResolver& source, Clock& clock, Options options)
    : impl_(std::make_unique<Impl>(source, clock, options)) {}
CachingResolver::CachingResolver(DidResolver& source, Clock& clock) : CachingResolver(source, clock, Options{}) {}
CachingResolver::~CachingResolver() = default;

Result<ResolutionResult> CachingResolver::Resolve(const std::string& did, const ResolutionOptions& options) {
  if (options.AsksVersion()) return impl_->source.Resolve(did, options);
  const uint64_t now = impl_->clock.TicksMs();
  if (!options.no_cache) {
    const std::lock_guard lock(impl_->mutex);
    const auto it = impl_->index.find(did);
    if (it != impl_->index.end() && now < it->second->expires_ms) {
      impl_->order.splice(impl_->order.begin(), impl_->order, it->second);
      ++impl_->stats.hits;
      return it->second->result;
    }
    ++impl_->stats.misses;
  }
  auto result = impl_->source.Resolve(did, options);
  if (!result) {
    // What was known before is no longer confirmed; an outage must not make an old answer last.
    if (result.error().code == Code::kNotFound) Forget(did);
    return result;
  }
  const std::lock_guard lock(impl_->mutex);
  if (const auto it = impl_->index.find(did); it != impl_->index.end()) {
    const auto entry = it->second;
    impl_->index.erase(it);
    impl_->order.erase(entry);
  }
  const uint64_t keep_seconds = std::min(impl_->options.ttl_seconds, result->max_age.value_or(UINT64_MAX));
  if (impl_->options.max_entries == 0 || keep_seconds == 0) return result;
  while (impl_->order.size() >= impl_->options.max_entries) {
    impl_->index.erase(impl_->order.back().did);
    impl_->order.pop_back();
  }
  impl_->order.push_front({did, *result, now + keep_seconds * 1000});
  impl_->index[impl_->order.front().did] = impl_->order.begin();
  return result;
}

void CachingResolver::Forget(const std::string& did) {
  const std::lock_guard lock(impl_->mutex);
  const auto it = impl_->index.find(did);
  if (it == impl_->index.end()) return;
  const auto entry = it->second;
  impl_->index.erase(it);
  impl_->order.erase(entry);
}

CachingResolver::Stats CachingResolver::stats() const {
  const std::lock_guard lock(impl_->mutex);
  Stats stats = impl_->stats;
  stats.entries = impl_->order.size();
  return stats;
}

}  // namespace keel::did
