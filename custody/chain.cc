// SPDX-License-Identifier: Apache-2.0
#include "custody/chain.h"

#include <nlohmann/json.hpp>

#include "crypto/hash.h"
#include "ledger/entry.h"
#include "ledger/history.h"
#include "ledger/link.h"
#include "registry-client/registry_client.h"
#include "vc/credential.h"
#include "vc/schema/credentials.h"
#include "vc/types.h"

namespace keel::custody {
namespace {

constexpr const char* kWhere = "chain of ownership";

std::unexpected<Error> Bad(Code code, const DeviceRecord& record, const std::string& why) {
  return Fail(code, kWhere, record.serial + ": " + why);
}

// Without its code, which the error around it carries.
std::string Why(const Error& error) {
  return error.detail.empty() ? std::string(error.where) : std::string(error.where) + ": " + error.detail;
}

Result<> Standing(const DeviceRecord& record, const registry_client::ProofSet& set, size_t first_key,
                  ChainStanding& out) {
  out.time = set.checkpoint.time;
  out.indices.assign(record.links.size(), 0);
  bool all = true;
  for (size_t i = 1; i <= record.links.size(); ++i) {
    const registry_client::KeyProof& proof = set.keys[first_key + i - 1];
    if (!proof.value) {
      all = false;
      continue;
    }
    KEEL_TRY(const auto spent, registry_client::SpentFrom(proof));
    if (spent.link_hash != ledger::LinkHash(record.links[i - 1].link)) {
      out.conflict = i;
      out.other_link = spent.link_hash;
      out.other_index = spent.index;
      return {};
    }
    out.indices[i - 1] = spent.index;
  }
  out.anchored = all;
  const registry_client::KeyProof& tail = set.keys[first_key + record.links.size()];
  out.tail_unspent = !tail.value.has_value();
  if (tail.value) {
    KEEL_TRY(const auto spent, registry_client::SpentFrom(tail));
    out.other_link = spent.link_hash;
    out.other_index = spent.index;
  }
  return {};
}

}  // namespace

Result<> CheckPapers(const DeviceRecord& record, const Bytes32& net) {
  ledger::DidHistory history;
  KEEL_TRY_VOID(history.Start(record.did));
  uint64_t index = 0;
  for (const auto& op : record.ops) {
    // Their real places are the registry's to prove; here the order counts.
    auto applied = history.Apply(++index, op.jws);
    if (!applied) return Bad(applied.error().code, record, "the device's operations: " + Why(applied.error()));
  }
  if (!history.has_seal0()) return Bad(Code::kBadChain, record, "the create operation commits to no root seal");
  if (ledger::RootSealCommitment(record.hardware.salt, record.hardware.root_seal) != history.seal0())
    return Bad(Code::kBadChain, record, "the root seal isn't the one that the device's DID commits to");
  ledger::ChainVerifier chain;
  chain.Start(net, ledger::DeviceTag(record.did), ledger::ChainBase::Root(record.hardware.root_seal));
  for (size_t i = 0; i < record.links.size(); ++i) {
    const ChainLink& link = record.links[i];
    auto good = chain.Link(link.link, link.policy, link.sigs);
    if (!good) return Bad(good.error().code, record, "link " + std::to_string(i + 1) + ": " + Why(good.error()));
  }
  if (!record.links.empty() && crypto::Sha256::Of(record.credential) != chain.end().cred)
    return Bad(Code::kBadChain, record, "the OwnershipCredential isn't the one that the last link commits to");
  return {};
}

Result<std::vector<uint8_t>> SpendEntryOf(const DeviceRecord& record, size_t number) {
  const ChainLink& link = record.links[number - 1];
  ledger::SpendEntry entry;
  entry.seal = record.SealBefore(number);
  entry.link_hash = ledger::LinkHash(link.link);
  entry.policy = link.policy;
  entry.sigs = link.sigs;
  std::vector<uint8_t> out(1 + 64 + 2 + link.policy.size() + link.sigs.size());
  KEEL_TRY(const size_t length, ledger::WriteSpendEntry(entry, out));
  out.resize(length);
  return out;
}

Result<std::vector<NextLink>> BuildLinks(CustodyContext& context, const std::vector<LinkOrder>& orders) {
  Identity& identity = context.identity;
  KEEL_TRY(const UnixSeconds now, context.clock.Now());
  std::vector<NextLink> out;
  for (const LinkOrder& order : orders) {
    const DeviceRecord& record = *order.record;
    vc::OwnershipRequest paper;
    paper.giver = identity.did();
    paper.device = record.did;
    paper.owner = order.owner;
    paper.valid_from = now;
    NextLink next;
    next.device = record.did;
    KEEL_TRY(next.credential, vc::IssueOwnCredential(vc::OwnershipCredential(paper), identity.keys(), identity.auth(),
                                                     identity.auth_kid()));
    ledger::LinkRecord link;
    link.net = identity.net();
    link.device_tag = ledger::DeviceTag(record.did);
    link.i = record.k() + 1;
    link.prev = record.links.empty() ? record.hardware.root_seal : ledger::LinkHash(record.links.back().link);
    link.seal = order.seal;
    link.cred = crypto::Sha256::Of(next.credential);
    next.link.link = base::ToBytes(ByteView(ledger::WriteLink(link)));
    KEEL_TRY(next.link.policy, context.store.SealPolicy(record.LastSeal()));
    out.push_back(std::move(next));
  }
  return out;
}

Result<> SignLinks(CustodyContext& context, const std::vector<DeviceRecord>& records, std::vector<NextLink>& links,
                   bool cancels) {
  std::vector<CustodyStore::SpendOrder> spends;
  for (size_t i = 0; i < links.size(); ++i) {
    const Bytes32 spent = records[i].LastSeal();
    spends.push_back({spent,
                      base::ToBytes(ByteView(
                          ledger::SpendMessage(context.identity.net(), spent, ledger::LinkHash(links[i].link.link)))),
                      cancels});
  }
  KEEL_TRY(auto sigs, context.store.SignSpends(spends));
  for (size_t i = 0; i < links.size(); ++i) links[i].link.sigs = std::move(sigs[i]);
  return {};
}

DeviceRecord WithLink(const DeviceRecord& record, const NextLink& next) {
  DeviceRecord out = record;
  out.links.push_back(next.link);
  out.credential = next.credential;
  return out;
}

Result<std::vector<ChainStanding>> AskStandings(CustodyContext& context, const std::vector<DeviceRecord>& records) {
  constexpr size_t kDids = 64, kKeys = 1024;
  std::vector<ChainStanding> out(records.size());
  for (size_t from = 0; from < records.size();) {
    std::vector<Bytes32> keys;
    std::vector<std::string> dids;
    std::vector<size_t> first;
    size_t to = from;
    while (to < records.size() && dids.size() < kDids && keys.size() + records[to].links.size() + 1 <= kKeys) {
      first.push_back(keys.size());
      for (size_t i = 1; i <= records[to].links.size() + 1; ++i)
        keys.push_back(ledger::SealKey(records[to].SealBefore(i)));
      dids.push_back(records[to].did);
      ++to;
    }
    if (to == from) return Bad(Code::kTooLarge, records[from], "too many links");
    auto set = context.registry.ProveKeys(keys, dids);
    if (!set && set.error().code == Code::kNotFound) {
      // Some device isn't anchored: ask about each, so that the others aren't held up.
      for (size_t i = from; i < to; ++i) {
        const std::span<const Bytes32> mine =
            std::span<const Bytes32>(keys).subspan(first[i - from], records[i].links.size() + 1);
        auto one = context.registry.ProveKeys(mine, {&dids[i - from], 1});
        out[i].known = one.has_value();
        if (!one && one.error().code == Code::kNotFound) one = context.registry.ProveKeys(mine);
        if (!one) return std::unexpected<Error>(std::move(one.error()));
        if (out[i].known) out[i].operations = one->histories[0].operations;
        KEEL_TRY_VOID(Standing(records[i], *one, 0, out[i]));
      }
    } else if (!set) {
      return std::unexpected<Error>(std::move(set.error()));
    } else {
      for (size_t i = from; i < to; ++i) {
        out[i].known = true;
        out[i].operations = set->histories[i - from].operations;
        KEEL_TRY_VOID(Standing(records[i], *set, first[i - from], out[i]));
      }
    }
    from = to;
  }
  return out;
}

Result<std::vector<ChainStanding>> AnchorChains(CustodyContext& context, const std::vector<DeviceRecord>& records,
                                                std::string* trouble) {
  KEEL_TRY(std::vector<ChainStanding> standings, AskStandings(context, records));
  std::vector<std::vector<uint8_t>> entries;
  for (size_t r = 0; r < records.size(); ++r) {
    if (standings[r].conflict != 0) continue;
    for (size_t i = 1; i <= records[r].links.size(); ++i) {
      if (standings[r].indices[i - 1] != 0) continue;
      KEEL_TRY(auto entry, SpendEntryOf(records[r], i));
      entries.push_back(std::move(entry));
    }
  }
  if (entries.empty()) return standings;
  // Verdicts aren't believed: what the map then proves decides.
  KEEL_TRY(const auto verdicts, context.registry.Submit(entries));
  for (const auto& verdict : verdicts)
    if (verdict.code != Code::kOk && trouble != nullptr && trouble->empty())
      *trouble = verdict.detail + " (" + CodeName(verdict.code) + ")";
  return AskStandings(context, records);
}

}  // namespace keel::custody
