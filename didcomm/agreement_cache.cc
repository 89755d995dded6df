// SPDX-License-Identifier: Apache-2.0
#include <list>
#include <map>
#include <mutex>

#include "didcomm/jwe.h"

namespace keel::didcomm {

struct AgreementCache::Impl {
  struct Entry {
    std::string key;
    crypto::WideSecret secret;
  };
  explicit Impl(size_t max) : max_entries(max) {}

  const size_t max_entries;
  mutable std::mutex mutex;  // guards all below; not held during an agreement
  std::list<Entry> order;    // most recently used first
  std::map<std::string, std::list<Entry>::iterator, std::less<>> index;
};

namespace {

// Store's address, handle, then the peer's key: our side first, so that Forget finds a range.
std::string OurPart(const did::KeyRef& ours) {
  std::string key;
  const auto address = reinterpret_cast<uintptr_t>(ours.store);
  key.append(reinterpret_cast<const char*>(&address), sizeof address);
  key.append(reinterpret_cast<const char*>(&ours.handle.id), sizeof ours.handle.id);
  return key;
}

}  // namespace

AgreementCache::AgreementCache(size_t max_entries)
    : impl_(std::make_unique<Impl>(max_entries == 0 ? 1 : max_entries)) {}
AgreementCache::~AgreementCache() = default;

Result<crypto::WideSecret> AgreementCache::Agree(const did::KeyRef& ours, const crypto::PublicKey& peer) {
  std::string key = OurPart(ours);
  key += static_cast<char>(peer.type());
  key += AsText(peer.bytes());
  {
    const std::lock_guard lock(impl_->mutex);
    if (const auto it = impl_->index.find(key); it != impl_->index.end()) {
      impl_->order.splice(impl_->order.begin(), impl_->order, it->second);
      return it->second->secret.Clone();
    }
  }
  crypto::WideSecret secret;
  KEEL_TRY(secret.length, ours.store->AgreeWide(ours.handle, peer, secret.octets.MutableSecret()));
  const std::lock_guard lock(impl_->mutex);
  if (impl_->index.contains(key)) return secret;  // another thread was as fast
  while (impl_->order.size() >= impl_->max_entries) {
    impl_->index.erase(impl_->order.back().key);
    impl_->order.pop_back();
  }
  impl_->order.push_front({key, secret.Clone()});
  impl_->index[std::move(key)] = impl_->order.begin();
  return secret;
}

void AgreementCache::Forget(const did::KeyRef& ours) {
  const std::string prefix = OurPart(ours);
  const std::lock_guard lock(impl_->mutex);
  auto it = impl_->index.lower_bound(prefix);
  while (it != impl_->index.end() && it->first.starts_with(prefix)) {
    impl_->order.erase(it->second);
    it = impl_->index.erase(it);
  }
}

size_t AgreementCache::size() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->order.size();
}

}  // namespace keel::didcomm
