// SPDX-License-Identifier: Apache-2.0
#include "registry-node/did_resolver.h"

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "did/did.h"
#include "did/methods/keel.h"
#include "ledger/checkpoint.h"
#include "ledger/entry.h"
#include "registry-node/proof.h"
#include "registry-node/state.h"

namespace keel::registry {
namespace {

using nlohmann::json;

constexpr size_t kMaxTimes = 65'536;
constexpr uint64_t kMaxCommit = 8192;  // entries before their commit's state leaf (NodeOptions::max_commit_entries)

Result<registry_client::VerifiedHistory> ReadHistory(const View& view, const std::string& label,
                                                     const std::string& did) {
  auto operations = ReadOperations(view.Reader(), label, did);
  if (!operations) {
    if (operations.error().code == Code::kWrongNetwork)
      return Fail(Code::kNotFound, "did:keel", "a did:keel of another network than " + label);
    if (operations.error().code == Code::kInvalidDid)
      return Fail(Code::kInvalidDid, "did:keel", "not a did:keel in its canonical form");
    return std::unexpected<Error>(operations.error());
  }
  if (operations->empty()) return Fail(Code::kNotFound, "did:keel", "not anchored in this registry");
  registry_client::VerifiedHistory history;
  history.did = did;
  for (StoredOperation& operation : *operations)
    history.operations.push_back({operation.index, std::move(operation.jws)});
  history.checkpoint.time = view.time;
  history.checkpoint.size = view.size;
  return history;
}

}  // namespace

// An operation's time is its commit's: that of the next state leaf in the log.
Result<UnixSeconds> NodeResolver::TimeOf(const View& view, uint64_t index) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto it = times_.find(index); it != times_.end()) return it->second;
  }
  const StoreReader reader = view.Reader();
  for (uint64_t at = index + 1; at < view.size && at - index <= kMaxCommit; ++at) {
    KEEL_TRY(const auto entry, reader(EntryStoreKey(at)));
    if (!entry || entry->empty()) break;
    if (static_cast<uint8_t>(entry->front()) != static_cast<uint8_t>(ledger::EntryType::kState)) continue;
    KEEL_TRY(const ledger::StateLeaf leaf, ledger::ParseStateLeaf(AsBytes(*entry)));
    const std::lock_guard lock(mutex_);
    if (times_.size() >= kMaxTimes) times_.clear();
    times_[index] = leaf.time;
    return leaf.time;
  }
  return Fail(Code::kCorrupt, "ledger", "no state leaf follows entry " + std::to_string(index));
}

Result<registry_client::VerifiedHistory> NodeResolver::History(const std::string& did) const {
  const auto view = node_.view();
  if (!view) return Fail(Code::kUnavailable, "registry", "no checkpoint yet");
  return ReadHistory(*view, node_.label(), did);
}

Result<did::ResolutionResult> NodeResolver::Resolve(const std::string& did, const did::ResolutionOptions& options) {
  KEEL_TRY(const did::Did parsed, did::Did::Parse(did));
  if (parsed.method != "keel") {
    if (others_ != nullptr) return others_->Resolve(did, options);
    return Fail(Code::kMethodNotSupported, "resolve", "did:" + parsed.method + " is not resolved here, only did:keel");
  }
  const auto view = node_.view();
  if (!view) {
    const std::string hold = node_.HoldReason();
    return Fail(Code::kUnavailable, "registry", hold.empty() ? "no checkpoint yet" : hold);
  }
  KEEL_TRY(const registry_client::VerifiedHistory history, ReadHistory(*view, node_.label(), did));
  std::vector<UnixSeconds> times;
  for (const registry_client::AnchoredOperation& operation : history.operations) {
    KEEL_TRY(times.emplace_back(), TimeOf(*view, operation.index));
  }
  KEEL_TRY(did::ResolutionResult result, did::DocumentOfHistory(history, options, times));
  KEEL_TRY(const DidAnswer answer, DidBundle(*view, node_.label(), did));
  result.metadata.proof = base::DumpJson(json::array({{{"type", "KeelRegistryProof"},
                                                       {"network", base::Hex(node_.net())},
                                                       {"bundle", base::Base64Url(AsBytes(answer.bundle))}}}));
  result.metadata.method =
      base::DumpJson({{"keel",
                       {{"logIndex", *result.log_index},
                        {"checkpoint", {{"size", view->size}, {"time", base::Rfc3339(view->time)}}}}}});
  return result;
}

}  // namespace keel::registry
