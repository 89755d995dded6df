// SPDX-License-Identifier: Apache-2.0
#include "verifier/prover.h"

#include <algorithm>
#include <utility>

#include "ledger/limits.h"
#include "ledger/map_proof.h"
#include "ledger/pack.h"

namespace keel::verifier {
namespace {

using ledger::PackTag;

constexpr size_t kMaxKeysAtOnce = 768;  // the registry takes 1,024 a call

// Grows a buffer by one item, written by `write` into its tail.
template <typename Write>
Result<> Append(base::ByteVec& items, const Write& write) {
  const size_t before = items.size();
  items.resize(before + ledger::kMaxItem);
  KEEL_TRY(const size_t length, write(ByteSpan(items).subspan(before)));
  items.resize(before + length);
  return {};
}

Result<> AppendItem(base::ByteVec& items, PackTag tag, ByteView body) {
  return Append(items, [&](ByteSpan out) { return ledger::WritePackItem(tag, body, out); });
}

}  // namespace

Prover::Prover(registry_client::RegistryClient& registry, did::CachingHistorySource& histories, Random& random,
               std::string owner)
    : registry_(registry), histories_(histories), random_(random), owner_(std::move(owner)), thread_([this] {
        Run();
      }) {}

Prover::~Prover() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

Result<Prover::Answer> Prover::Ask(const std::string& device, std::vector<Bytes32> keys) {
  auto request = std::make_shared<Request>();
  request->device = device;
  request->keys = std::move(keys);
  auto done = request->done.get_future();
  {
    const std::lock_guard lock(mutex_);
    if (stop_) return Fail(Code::kClosed, "prover");
    waiting_.push_back(request);
  }
  wake_.notify_one();
  KEEL_TRY(auto set, done.get());
  return Answer{std::move(set), request->first};
}

Result<registry_client::ProofSet> Prover::AskRegistry(const std::vector<Bytes32>& keys, std::vector<std::string> dids) {
  auto answer = registry_.ProveKeys(keys, dids);
  // One device that the registry doesn't know is that device's trouble, later: it must not cost the others their packs.
  if (!answer && answer.error().code == Code::kNotFound && dids.size() > 1)
    return registry_.ProveKeys(keys, std::span(&owner_, 1));
  return answer;
}

void Prover::Run() {
  for (;;) {
    std::vector<std::shared_ptr<Request>> batch;
    std::vector<Bytes32> keys;
    std::vector<std::string> dids = {owner_};
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
      if (waiting_.empty()) return;
      while (!waiting_.empty() && (batch.empty() || keys.size() + waiting_.front()->keys.size() <= kMaxKeysAtOnce)) {
        auto request = std::move(waiting_.front());
        waiting_.pop_front();
        request->first = keys.size();
        keys.insert(keys.end(), request->keys.begin(), request->keys.end());
        const bool listed = std::find(dids.begin(), dids.end(), request->device) != dids.end();
        if (!listed && dids.size() < registry_client::kMaxProofDids) dids.push_back(request->device);
        batch.push_back(std::move(request));
      }
    }
    auto answer = AskRegistry(keys, std::move(dids));
    if (answer) {
      for (size_t i = 1; i < answer->histories.size(); ++i) histories_.Keep(answer->histories[i]);
      const auto set = std::make_shared<const registry_client::ProofSet>(std::move(*answer));
      for (const auto& request : batch) request->done.set_value(set);
    } else {
      for (const auto& request : batch) request->done.set_value(std::unexpected<Error>(answer.error()));
    }
  }
}

Result<ProofPack> Prover::MakePack(const Claim& claim, uint32_t known_links) {
  if (known_links > claim.links.size()) {
    return Fail(Code::kConflict, "proof pack",
                "the device knows more links than this claim has: it was passed on after this claim was made");
  }
  std::vector<Bytes32> keys;
  for (size_t i = known_links; i < claim.links.size(); ++i) {
    keys.push_back(ledger::MapKey(ledger::MapType::kSeal, claim.links[i].spent_seal));
  }
  keys.push_back(ledger::MapKey(ledger::MapType::kSeal, claim.seal));
  KEEL_TRY(const Answer answer, Ask(claim.did, keys));
  const registry_client::ProofSet& set = *answer.set;
  const auto proof = [&](size_t i) -> const registry_client::KeyProof& { return set.keys[answer.first + i]; };

  base::ByteVec items;
  KEEL_TRY_VOID(AppendItem(items, PackTag::kCkpt, set.checkpoint.ckpt));
  KEEL_TRY_VOID(AppendItem(items, PackTag::kState, set.checkpoint.state));
  for (size_t i = known_links; i < claim.links.size(); ++i) {
    const ChainLink& link = claim.links[i];
    const registry_client::KeyProof& spent = proof(i - known_links);
    const auto value = registry_client::SpentFrom(spent);
    if (!value || value->link_hash != ledger::LinkHash(ByteView(link.item).first(ledger::kLinkRecord))) {
      return Fail(Code::kConflict, "proof pack",
                  "link " + std::to_string(i + 1) + " of " + claim.did +
                      " is not what the ledger holds: the sale was never anchored, or the seal was spent twice");
    }
    KEEL_TRY_VOID(AppendItem(items, PackTag::kLink, link.item));
    KEEL_TRY_VOID(Append(items, [&](ByteSpan out) { return ledger::WriteSpentItem(value->index, spent.proof, out); }));
  }
  const registry_client::KeyProof& tail = proof(claim.links.size() - known_links);
  if (tail.value)
    return Fail(Code::kConflict, "proof pack", "our seal of " + claim.did + " is spent: the device was passed on");
  KEEL_TRY_VOID(AppendItem(items, PackTag::kTail, tail.proof));
  const registry_client::VerifiedHistory& owner = set.histories.front();
  for (const auto& operation : owner.operations) {
    KEEL_TRY_VOID(
        Append(items, [&](ByteSpan out) { return ledger::WriteOpItem(operation.index, operation.jws, out); }));
  }
  KEEL_TRY_VOID(AppendItem(items, PackTag::kHead, owner.head_proof));

  ProofPack pack;
  KEEL_TRY_VOID(random_.Fill(pack.key.MutableSecret()));
  pack.sealed.resize(ledger::SealedPackSize(items.size()));
  KEEL_TRY(const ledger::PackInfo info, ledger::SealPack(items, pack.key, pack.sealed));
  pack.sealed.resize(info.octets);
  pack.length = info.length;
  pack.sha256 = info.sha256;
  pack.time = set.checkpoint.time;
  return pack;
}

}  // namespace keel::verifier
