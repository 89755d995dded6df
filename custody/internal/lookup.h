// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "custody/verbs.h"
#include "did/resolver.h"
#include "registry-client/registry_client.h"

namespace keel::custody {

// What one verb has asked the registry already, so that a thousand devices of one maker cost one question about it.
// Lives as long as the verb. Not thread-safe.
class Lookup final : public registry_client::HistorySource {
 public:
  explicit Lookup(CustodyContext& context) : context_(context), caching_(context.resolver, context.clock) {}

  Result<registry_client::VerifiedHistory> ResolveDid(const std::string& did) override {
    if (const auto known = histories_.find(did); known != histories_.end()) return known->second;
    KEEL_TRY(auto history, context_.registry.ResolveDid(did));
    return histories_.emplace(did, std::move(history)).first->second;
  }
  Result<uint64_t> BatchIndex(const std::string& issuer, const Bytes32& root) {
    const auto key = std::make_pair(issuer, root);
    if (const auto known = batches_.find(key); known != batches_.end()) return known->second;
    KEEL_TRY(const uint64_t index, context_.registry.GetBatchIndex(issuer, root));
    return batches_.emplace(key, index).first->second;
  }
  did::DidResolver& resolver() { return caching_; }

 private:
  CustodyContext& context_;
  did::CachingResolver caching_;
  std::map<std::string, registry_client::VerifiedHistory> histories_;
  std::map<std::pair<std::string, Bytes32>, uint64_t> batches_;
};

}  // namespace keel::custody
