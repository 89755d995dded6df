// SPDX-License-Identifier: Apache-2.0
#include "custody/import.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/json_strict.h"
#include "custody/chain.h"
#include "custody/internal/report.h"
#include "custody/package.h"
#include "custody/request.h"
#include "did/methods/keel.h"
#include "ledger/link.h"
#include "registry-client/registry_client.h"
#include "vc/types.h"
#include "vc/verification.h"

namespace keel::custody {
namespace {

using nlohmann::json;
constexpr const char* kWhere = "ownership import";

// The last OwnershipCredential: by the giver, about the device, to us. The link commits to it, so that the giver's key
// is judged at the log index of the link's spend (protocol.md section 1: what was anchored before a rotation stays
// good); before it is anchored (index 0) only a current key counts.
Result<> CheckCredential(CustodyContext& context, const DeviceRecord& record, const Package& package,
                         did::DidResolver& resolver, registry_client::HistorySource* histories, uint64_t index) {
  vc::VerifyOptions options;
  if (index != 0) {
    options.ledger.histories = histories;
    options.anchored_at = index;
  }
  KEEL_TRY(options.now, context.clock.Now());
  options.subject = record.did;
  options.ignore_status = true;
  options.trusted_issuers = {package.giver};
  KEEL_TRY(const vc::Verification verdict, vc::VerifyCredential(record.credential, resolver, options));
  if (!verdict.valid()) return Fail(Code::kUntrusted, kWhere, "OwnershipCredential: " + verdict.Reason());
  KEEL_TRY(const json paper, base::ParseJson(verdict.credential.json));
  KEEL_TRY(const vc::OwnershipClaims claims, vc::ReadOwnership(paper));
  if (claims.giver != package.giver || claims.device != record.did || claims.owner != context.identity.did())
    return Fail(Code::kUntrusted, kWhere,
                "the OwnershipCredential is from " + claims.giver + " to " + claims.owner + ", not to us");
  return {};
}

// The manufacturer's paper, judged at its ledger time. Whether this manufacturer is trusted is the owner's policy, not
// a custodian's.
Result<> CheckHardware(Lookup& lookup, const DeviceRecord& record) {
  vc::VerifyOptions options;
  options.subject = record.did;
  options.ignore_status = true;
  options.ledger.histories = &lookup;
  options.ledger.batch_index = [&](const std::string& issuer, const Bytes32& root) {
    return lookup.BatchIndex(issuer, root);
  };
  vc::BatchMember member;
  if (!record.hardware.batch.empty()) {
    KEEL_TRY(const json object, base::ParseJson(record.hardware.batch));
    KEEL_TRY(member, vc::BatchMember::FromJson(object));
    options.batch = &member;
  }
  KEEL_TRY(const vc::Verification verdict, vc::VerifyCredential(record.hardware.jwt, lookup.resolver(), options));
  if (!verdict.valid()) return Fail(Code::kUntrusted, kWhere, "HardwareCredential: " + verdict.Reason());
  KEEL_TRY(const json paper, base::ParseJson(verdict.credential.json));
  KEEL_TRY(const vc::HardwareClaims claims, vc::ReadHardware(paper));
  if (claims.facts.serial != record.serial || claims.facts.model != record.model)
    return Fail(Code::kUntrusted, kWhere,
                "the HardwareCredential is about serial " + claims.facts.serial + ", model " + claims.facts.model);
  return {};
}

bool SameOperations(const std::vector<registry_client::AnchoredOperation>& papers,
                    const std::vector<registry_client::AnchoredOperation>& proved) {
  // The ledger may know more (a rotation since); what the papers have must be how its history begins.
  if (papers.size() > proved.size()) return false;
  for (size_t i = 0; i < papers.size(); ++i)
    if (papers[i].jws != proved[i].jws) return false;
  return true;
}

}  // namespace

json Refusal(const DeviceRecord& record, const Error& error) {
  return {{"did", record.did},
          {"serial", record.serial},
          {"code", CodeName(error.code)},
          {"message", error.detail.empty() ? std::string(error.where) : error.detail}};
}

json DoubleSale(const DeviceRecord& record, const ChainStanding& standing) {
  const size_t number = standing.conflict != 0 ? standing.conflict : record.links.size() + 1;
  json evidence = {{"seal", base::Base64Url(record.SealBefore(number))},
                   {"link_number", number},
                   {"anchored", {{"link", base::Base64Url(standing.other_link)}, {"index", standing.other_index}}}};
  if (number <= record.links.size()) {
    const ChainLink& link = record.links[number - 1];
    evidence["ours"] = {{"link_hash", base::Base64Url(ledger::LinkHash(link.link))},
                        {"link", base::Base64Url(link.link)},
                        {"policy", base::Base64Url(link.policy)},
                        {"sigs", base::Base64Url(link.sigs)}};
  }
  return {{"did", record.did},
          {"serial", record.serial},
          {"code", CodeName(Code::kSealSpent)},
          {"message", record.serial + ": sold twice: the ledger holds another link for seal " +
                          std::to_string(number - 1) + " (log index " + std::to_string(standing.other_index) +
                          "); the first anchored wins. Keep the evidence: it is signed by the seller's seal"},
          {"evidence", std::move(evidence)}};
}

Result<> CheckStanding(Lookup& lookup, DeviceRecord& record, const ChainStanding& standing) {
  if (!standing.known)
    return Fail(Code::kNotFound, kWhere,
                record.serial + ": the device's DID isn't anchored; its manufacturer anchors it");
  if (standing.conflict != 0)
    return Fail(Code::kSealSpent, kWhere,
                record.serial + ": link " + std::to_string(standing.conflict) + " isn't the one that the ledger holds");
  if (!standing.anchored) return Fail(Code::kBadChain, kWhere, record.serial + ": a spend of the chain isn't anchored");
  if (!standing.tail_unspent)
    return Fail(Code::kSealSpent, kWhere, record.serial + ": the last seal is spent: the device was passed on");
  if (!SameOperations(record.ops, standing.operations))
    return Fail(Code::kConflict, kWhere,
                record.serial + ": the device's operations aren't those that the ledger holds");
  KEEL_TRY_VOID(CheckHardware(lookup, record));
  record.ops = standing.operations;
  for (size_t i = 0; i < record.links.size(); ++i) record.links[i].index = standing.indices[i];
  record.reliable_from = standing.time + kReliableAfter;
  return {};
}

// Keeps the candidates whose OwnershipCredential is good. Asks the ledger first where their links stand (lookup null:
// nowhere yet), before anything of theirs is anchored by us.
Result<> DropBadCredentials(CustodyContext& context, const Package& package, Lookup* lookup, did::DidResolver& resolver,
                            std::vector<DeviceRecord>& candidates, std::vector<uint64_t>& positions, json& refused) {
  std::vector<ChainStanding> standings(candidates.size());
  if (lookup != nullptr && !candidates.empty()) {
    KEEL_TRY(standings, AskStandings(context, candidates));
  }
  size_t kept = 0;
  for (size_t i = 0; i < candidates.size(); ++i) {
    const ChainStanding& standing = standings[i];
    const bool ours = standing.conflict == 0 && standing.indices.size() == candidates[i].links.size();
    const auto paper =
        CheckCredential(context, candidates[i], package, resolver, lookup, ours ? standing.indices.back() : 0);
    if (!paper) {
      refused.push_back(Refusal(candidates[i], paper.error()));
      continue;
    }
    if (kept != i) {
      candidates[kept] = std::move(candidates[i]);
      positions[kept] = positions[i];
    }
    ++kept;
  }
  candidates.resize(kept);
  positions.resize(kept);
  return {};
}

Result<json> Import(CustodyContext& context, const ImportOptions& options) {
  KEEL_TRY(const std::string text, base::ReadFile(options.file, kMaxPackage));
  KEEL_TRY(Package package, ReadPackage(context, text, options.offline));
  json imported = json::array(), already = json::array(), refused = json::array();

  // Which of our seals each device's last link names.
  std::map<Bytes32, std::pair<uint64_t, const RequestSeal*>> seals;
  auto own = RequestSeals(context.store, package.request);
  std::vector<uint64_t> used_before;
  if (own) {
    for (uint64_t i = 0; i < own->size(); ++i) seals.emplace((*own)[i].seal, std::make_pair(i, &(*own)[i]));
    KEEL_TRY(const OwnRequest request, FindOwnRequest(context.store, package.request));
    used_before = request.used;
  } else if (own.error().code != Code::kNotFound) {
    return std::unexpected<Error>(std::move(own.error()));
  }

  Lookup lookup(context);
  did::StaticResolver offline_resolver;
  if (options.offline) {
    KEEL_TRY(const auto giver, HistoryOfOperations(package.giver, package.operations));
    KEEL_TRY(const auto document, did::DocumentOfHistory(giver));
    offline_resolver.Add(*document.document);
  }
  did::DidResolver& resolver = options.offline ? static_cast<did::DidResolver&>(offline_resolver) : lookup.resolver();

  std::vector<DeviceRecord> candidates;
  std::vector<uint64_t> positions;
  std::map<uint64_t, std::string> taken;
  for (DeviceRecord& record : package.devices) {
    if (record.links.empty()) {
      refused.push_back(Refusal(record, Fail(Code::kBadChain, kWhere, "no link to us").error()));
      continue;
    }
    if (auto papers = CheckPapers(record, context.identity.net()); !papers) {
      refused.push_back(Refusal(record, papers.error()));
      continue;
    }
    const auto link = ledger::ParseLink(record.links.back().link);
    const Bytes32 seal = link ? link->seal : Bytes32{};
    // A repeated import of what is here already changes nothing.
    if (const auto known = context.store.Get(record.did); known && known->k() >= record.k()) {
      if (known->k() > record.k() || known->links.back().link == record.links.back().link) {
        already.push_back({{"did", record.did}, {"serial", record.serial}});
        continue;
      }
    }
    const auto mine = seals.find(seal);
    if (mine == seals.end()) {
      refused.push_back(Refusal(
          record, own ? Fail(Code::kBadChain, kWhere, "the last link names a seal that isn't of our request").error()
                      : own.error()));
      continue;
    }
    const uint64_t position = mine->second.first;
    const bool used = std::find(used_before.begin(), used_before.end(), position) != used_before.end();
    if (used || !taken.emplace(position, record.did).second) {
      refused.push_back(Refusal(
          record, Fail(Code::kDuplicate, kWhere, "the last link names a seal that another device has taken").error()));
      continue;
    }
    record.state = DeviceState::kPending;
    record.passed_on.reset();
    candidates.push_back(std::move(record));
    positions.push_back(position);
  }
  KEEL_TRY_VOID(DropBadCredentials(context, package, options.offline ? nullptr : &lookup, resolver, candidates,
                                   positions, refused));

  std::string trouble;
  std::vector<DeviceRecord> accepted;
  std::vector<uint64_t> used;
  base::WriteBatch batch;
  std::vector<ChainStanding> standings;
  if (!options.offline && !candidates.empty()) {
    KEEL_TRY(standings, AnchorChains(context, candidates, &trouble));
  }
  for (size_t i = 0; i < candidates.size(); ++i) {
    DeviceRecord& record = candidates[i];
    if (!options.offline) {
      if (auto good = CheckStanding(lookup, record, standings[i]); !good) {
        json refusal = standings[i].conflict != 0 ? DoubleSale(record, standings[i]) : Refusal(record, good.error());
        if (!trouble.empty()) refusal["registry_says"] = trouble;
        refused.push_back(std::move(refusal));
        continue;
      }
      record.state = DeviceState::kHeld;
    }
    const RequestSeal& seal = (*own)[positions[i]];
    KEEL_TRY_VOID(context.store.PutSealSeed(batch, seal.seal, seal.seed.ExposeSecret()));
    used.push_back(positions[i]);
    imported.push_back({{"did", record.did},
                        {"serial", record.serial},
                        {"model", record.model},
                        {"links", record.k()},
                        {"state", StateName(record.state)},
                        {"reliable_from", record.reliable_from}});
    accepted.push_back(record);
  }
  if (!accepted.empty()) {
    // Seals' keys first: a device whose key is lost could never be passed on or claimed. Until the records stand, the
    // request's seed stays.
    KEEL_TRY_VOID(context.store.raw().Write(batch, base::Sync::kYes));
    KEEL_TRY_VOID(context.store.Put(accepted, CustodyStore::Secrets::kFromGiver));
    base::WriteBatch done;
    KEEL_TRY_VOID(MarkUsed(context.store, package.request, used, done));
    KEEL_TRY_VOID(context.store.raw().Write(done, base::Sync::kYes));
  }
  return json{{"from", package.giver},
              {"transfer", package.id},
              {"imported", std::move(imported)},
              {"already", std::move(already)},
              {"refused", std::move(refused)}};
}

}  // namespace keel::custody
