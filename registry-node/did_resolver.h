// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <unordered_map>

#include "did/resolver.h"
#include "registry-client/history_source.h"
#include "registry-node/node.h"

namespace keel::registry {

// Resolves did:keel of this node's network from the node's own newest state: every version, by number or by time, with
// the bundle that proves it (docs/formats/registry-api.md) as didDocumentMetadata.proof. Other methods go to `others`,
// when there are any. Thread-safe; node and others outlive it.
//
// kNotFound (not anchored here, or of another network), kInvalidDid, kMethodNotSupported, kUnavailable (no checkpoint
// yet), DocumentOfHistory's and the store's errors.
class NodeResolver final : public did::DidResolver {
 public:
  using did::DidResolver::Resolve;
  explicit NodeResolver(const Node& node, did::DidResolver* others = nullptr) : node_(node), others_(others) {}
  Result<did::ResolutionResult> Resolve(const std::string& did, const did::ResolutionOptions& options) override;
  // The whole history as this node has it. Its checkpoint has the time alone.
  Result<registry_client::VerifiedHistory> History(const std::string& did) const;

 private:
  Result<UnixSeconds> TimeOf(const View& view, uint64_t index);

  const Node& node_;
  did::DidResolver* const others_;
  std::mutex mutex_;                                 // guards times_
  std::unordered_map<uint64_t, UnixSeconds> times_;  // of log indices that were asked for; they never change
};

}  // namespace keel::registry
