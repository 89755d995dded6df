// SPDX-License-Identifier: Apache-2.0
#include "custody/transfer.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/files.h"
#include "base/json_strict.h"
#include "custody/chain.h"
#include "custody/import.h"
#include "custody/internal/report.h"
#include "custody/package.h"
#include "custody/request.h"
#include "ledger/entry.h"
#include "registry-client/registry_client.h"

namespace keel::custody {
namespace {

using nlohmann::json;
constexpr const char* kWhere = "ownership transfer";

// Keys of the database: t/<id> a transfer, u/<did> the link of a device on its way out, q/<request id> how many of its
// seals are used up, c/<did> the link of a cancellation under way.
std::string TransferKey(const std::string& id) { return "t/" + id; }
std::string OutKey(const std::string& did) { return "u/" + did; }
std::string CancelKey(const std::string& did) { return "c/" + did; }
std::string QuotaKey(const std::string& id) { return "q/" + id; }

struct Outgoing {
  std::string transfer;
  NextLink next;
};

json OutgoingJson(const Outgoing& out) {
  return {{"transfer", out.transfer},
          {"link", base::Base64Url(out.next.link.link)},
          {"policy", base::Base64Url(out.next.link.policy)},
          {"credential", out.next.credential}};
}

Result<Outgoing> OutgoingFrom(const std::string& did, std::string_view text) {
  KEEL_TRY(const json object, base::ParseJson(text));
  Outgoing out;
  out.next.device = did;
  KEEL_TRY(out.transfer, base::GetString(object, "transfer"));
  KEEL_TRY(out.next.link.link, base::GetBytes(object, "link"));
  KEEL_TRY(out.next.link.policy, base::GetBytes(object, "policy"));
  KEEL_TRY(out.next.credential, base::GetString(object, "credential"));
  return out;
}

struct Plan {
  std::string id;
  bool offline = false;
  std::vector<DeviceRecord> records;
  std::vector<NextLink> links;
};

json PlanJson(const Plan& plan, const OwnershipRequest& request, const char* stage) {
  json devices = json::array();
  for (const DeviceRecord& record : plan.records) devices.push_back(record.did);
  return {{"v", 1},
          {"id", plan.id},
          {"request", request.id},
          {"to", request.did},
          {"offline", plan.offline},
          {"stage", stage},
          {"devices", std::move(devices)}};
}

// An interrupted transfer for this request; empty id when there is none.
Result<Plan> FindUnfinished(CustodyContext& context, const std::string& request_id) {
  Plan plan;
  std::vector<std::string> devices;
  Result<> bad;
  KEEL_TRY_VOID(context.store.raw().Scan("t/", [&](std::string_view, std::string_view value) {
    const auto object = base::ParseJson(value);
    if (!object) return true;
    const auto request = base::GetString(*object, "request");
    const auto stage = base::GetString(*object, "stage");
    if (!request || *request != request_id || !stage || *stage != "made") return true;
    plan.id = base::GetString(*object, "id").value_or("");
    plan.offline = base::GetBool(*object, "offline").value_or(false);
    devices = base::GetStrings(*object, "devices").value_or(std::vector<std::string>{});
    return false;
  }));
  for (const std::string& did : devices) {
    KEEL_TRY(const auto text, context.store.raw().Get(OutKey(did)));
    if (!text) continue;  // refused the last time
    KEEL_TRY(DeviceRecord record, context.store.Get(did));
    KEEL_TRY(Outgoing out, OutgoingFrom(did, *text));
    plan.records.push_back(std::move(record));
    plan.links.push_back(std::move(out.next));
  }
  return plan;
}

Result<std::vector<DeviceRecord>> Choose(CustodyContext& context, const TransferOptions& options) {
  std::vector<DeviceRecord> chosen;
  if (!options.serials.empty()) {
    std::set<std::string> once;
    for (const std::string& serial : options.serials) {
      KEEL_TRY(DeviceRecord record,
               serial.starts_with("did:") ? context.store.Get(serial) : context.store.FindSerial(serial));
      if (record.state == DeviceState::kGiven)
        return Fail(
            Code::kWrongState, kWhere,
            serial + " was given to " + (record.given_to.empty() ? "somebody else" : record.given_to) + " already");
      if (record.state == DeviceState::kPending && !options.offline)
        return Fail(Code::kWrongState, kWhere,
                    serial + " is pending: run `keel ownership anchor` first, or transfer --offline");
      if (once.insert(record.did).second) chosen.push_back(std::move(record));
    }
    return chosen;
  }
  if (!options.all && options.model.empty())
    return Fail(Code::kUsage, kWhere, "say which devices: --all, --model MODEL or --serial SERIAL");
  KEEL_TRY_VOID(context.store.Visit([&](const DeviceRecord& record) {
    const bool ours = record.state == DeviceState::kHeld || (options.offline && record.state == DeviceState::kPending);
    if (ours && (options.model.empty() || record.model == options.model)) chosen.push_back(record);
    return true;
  }));
  if (chosen.empty())
    return Fail(
        Code::kNotFound, kWhere,
        options.model.empty() ? "no device is held here" : "no device of model " + options.model + " is held here");
  return chosen;
}

Result<Plan> MakePlan(CustodyContext& context, const TransferOptions& options, const OwnershipRequest& request) {
  Plan plan;
  plan.offline = options.offline;
  KEEL_TRY(plan.records, Choose(context, options));
  uint64_t used = 0;
  KEEL_TRY(const auto quota, context.store.raw().Get(QuotaKey(request.id)));
  if (quota) {
    KEEL_TRY(const json object, base::ParseJson(*quota));
    KEEL_TRY(used, base::GetUint(object, "used"));
  }
  if (plan.records.size() > request.seals.size() - std::min<size_t>(used, request.seals.size()))
    return Fail(Code::kOutOfRange, kWhere,
                std::to_string(plan.records.size()) + " devices chosen, but the request has " +
                    std::to_string(request.seals.size() - used) + " of its " + std::to_string(request.seals.size()) +
                    " seals left: ask for a larger request or choose fewer");
  ByteArray<16> id{};
  KEEL_TRY_VOID(context.random.Fill(id));
  plan.id = base::Base64Url(id);
  std::vector<LinkOrder> orders;
  for (const DeviceRecord& record : plan.records) orders.push_back({&record, request.seals[used++], request.did});
  KEEL_TRY(plan.links, BuildLinks(context, orders));
  base::WriteBatch batch;
  batch.Put(TransferKey(plan.id), base::DumpJson(PlanJson(plan, request, "made")));
  batch.Put(QuotaKey(request.id), base::DumpJson({{"used", used}}));
  for (const NextLink& next : plan.links) batch.Put(OutKey(next.device), base::DumpJson(OutgoingJson({plan.id, next})));
  KEEL_TRY_VOID(context.store.raw().Write(batch, base::Sync::kYes));
  return plan;
}

Result<> AnchorReceiver(CustodyContext& context, const OwnershipRequest& request) {
  if (request.anchored) return {};
  std::vector<uint8_t> entry(request.create.size() + 16);
  KEEL_TRY(const size_t length, ledger::WriteOperationEntry(AsBytes(request.create), entry));
  entry.resize(length);
  KEEL_TRY(const auto verdicts, context.registry.Submit({&entry, 1}));
  if (verdicts.size() != 1 || verdicts[0].code != Code::kOk)
    return Fail(verdicts.empty() ? Code::kInternalError : verdicts[0].code, kWhere,
                "the receiver's DID isn't anchored and couldn't be: " +
                    (verdicts.empty() ? std::string() : verdicts[0].detail) +
                    ". An accredited sponsor can do it: keel-registry sponsor add --identity FILE");
  return {};
}

}  // namespace

Result<json> Transfer(CustodyContext& context, const TransferOptions& options) {
  KEEL_TRY(const std::string text, base::ReadFile(options.request_file));
  KEEL_TRY(const OwnershipRequest request, ReadRequest(context, text, options.offline));
  if (request.did == context.identity.did()) return Fail(Code::kUsage, kWhere, "the request is our own");
  KEEL_TRY(Plan plan, FindUnfinished(context, request.id));
  const bool resumed = !plan.id.empty();
  if (!resumed) {
    KEEL_TRY(plan, MakePlan(context, options, request));
  }
  if (resumed && plan.offline && !options.offline) plan.offline = false;
  KEEL_TRY_VOID(SignLinks(context, plan.records, plan.links, false));

  std::vector<DeviceRecord> outgoing;
  for (size_t i = 0; i < plan.records.size(); ++i) outgoing.push_back(WithLink(plan.records[i], plan.links[i]));
  json given = json::array(), refused = json::array();
  std::vector<DeviceRecord> records;  // ours, as they will stand
  Package package;
  base::WriteBatch batch;
  std::vector<ChainStanding> standings(outgoing.size());
  if (!plan.offline) {
    KEEL_TRY_VOID(AnchorReceiver(context, request));
    std::string trouble;
    KEEL_TRY(standings, AnchorChains(context, outgoing, &trouble));
    for (size_t i = 0; i < outgoing.size(); ++i)
      if (standings[i].conflict == 0 && !standings[i].anchored)
        return Fail(
            Code::kBusy, kWhere,
            "not every spend is anchored: " + (trouble.empty() ? std::string("the registry gave no reason") : trouble) +
                ". Nothing is lost: run the same command again to go on");
  }
  for (size_t i = 0; i < outgoing.size(); ++i) {
    DeviceRecord record = plan.records[i];
    if (standings[i].conflict != 0) {
      refused.push_back(DoubleSale(outgoing[i], standings[i]));
      record.state = DeviceState::kGiven;
      record.given_to.clear();
      record.transfer = "spent elsewhere";
      batch.Delete(OutKey(record.did));
      records.push_back(std::move(record));
      continue;
    }
    for (size_t l = 0; l < standings[i].indices.size(); ++l) {
      outgoing[i].links[l].index = standings[i].indices[l];
      if (l < record.links.size()) record.links[l].index = standings[i].indices[l];
    }
    if (!standings[i].operations.empty()) outgoing[i].ops = standings[i].operations;
    record.state = DeviceState::kGiven;
    record.given_to = request.did;
    record.transfer = plan.id;
    given.push_back({{"did", record.did},
                     {"serial", record.serial},
                     {"model", record.model},
                     {"index", outgoing[i].links.back().index}});
    if (!plan.offline) {
      record.passed_on = outgoing[i].links.back();
      context.store.EraseSeal(batch, record.LastSeal());
      batch.Delete(OutKey(record.did));
    }
    package.devices.push_back(outgoing[i]);
    records.push_back(std::move(record));
  }
  if (!package.devices.empty()) {
    package.id = plan.id;
    package.request = request.id;
    package.operations = context.identity.operations();
    package.offline = plan.offline;
    KEEL_TRY(const std::string file, WritePackage(context, package, request.history));
    KEEL_TRY_VOID(base::WriteFileAtomic(options.out_file, file, 0600));
  }
  // The package is written; from here a repeat would make another transfer.
  KEEL_TRY_VOID(context.store.Put(records));
  batch.Put(TransferKey(plan.id), base::DumpJson(PlanJson(plan, request, plan.offline ? "offline" : "done")));
  KEEL_TRY_VOID(context.store.raw().Write(batch, base::Sync::kYes));
  return json{{"transfer", plan.id},          {"to", request.did},  {"file", options.out_file},
              {"offline", plan.offline},      {"resumed", resumed}, {"given", std::move(given)},
              {"refused", std::move(refused)}};
}

Result<json> AnchorPending(CustodyContext& context) {
  json anchored = json::array(), refused = json::array(), waiting = json::array();
  // As a giver: links on their way out.
  std::vector<DeviceRecord> outgoing;
  std::vector<Outgoing> links;
  std::vector<std::pair<std::string, std::string>> found;
  KEEL_TRY_VOID(context.store.raw().Scan("u/", [&](std::string_view key, std::string_view value) {
    found.emplace_back(std::string(key.substr(2)), std::string(value));
    return true;
  }));
  std::vector<DeviceRecord> own;
  std::vector<NextLink> next;
  for (const auto& [did, text] : found) {
    KEEL_TRY(Outgoing out, OutgoingFrom(did, text));
    KEEL_TRY(DeviceRecord record, context.store.Get(did));
    if (record.state != DeviceState::kGiven) continue;  // an interrupted transfer: `transfer` goes on with it
    own.push_back(std::move(record));
    next.push_back(std::move(out.next));
  }
  std::string trouble;
  if (!own.empty()) {
    KEEL_TRY_VOID(SignLinks(context, own, next, false));
    for (size_t i = 0; i < own.size(); ++i) outgoing.push_back(WithLink(own[i], next[i]));
    KEEL_TRY(const auto standings, AnchorChains(context, outgoing, &trouble));
    base::WriteBatch batch;
    std::vector<DeviceRecord> given;
    for (size_t i = 0; i < own.size(); ++i) {
      const json name = {{"did", own[i].did}, {"serial", own[i].serial}, {"as", "giver"}};
      if (standings[i].conflict != 0) {
        refused.push_back(DoubleSale(outgoing[i], standings[i]));
        batch.Delete(OutKey(own[i].did));
      } else if (!standings[i].anchored) {
        waiting.push_back(name);
      } else {
        anchored.push_back(name);
        context.store.EraseSeal(batch, own[i].LastSeal());
        batch.Delete(OutKey(own[i].did));
        own[i].passed_on = outgoing[i].links.back();
        own[i].passed_on->index = standings[i].indices.back();
        given.push_back(own[i]);
      }
    }
    KEEL_TRY_VOID(context.store.Put(given));
    KEEL_TRY_VOID(context.store.raw().Write(batch, base::Sync::kYes));
  }
  // As a receiver: devices that are ours by the papers.
  KEEL_TRY(const std::vector<DeviceRecord> pending, context.store.List(DeviceState::kPending));
  if (!pending.empty()) {
    KEEL_TRY(const auto standings, AnchorChains(context, pending, &trouble));
    std::vector<DeviceRecord> now_held;
    Lookup lookup(context);
    for (size_t i = 0; i < pending.size(); ++i) {
      DeviceRecord record = pending[i];
      const json name = {{"did", record.did}, {"serial", record.serial}, {"as", "receiver"}};
      auto checked = CheckStanding(lookup, record, standings[i]);
      if (checked) {
        record.state = DeviceState::kHeld;
        anchored.push_back(name);
        now_held.push_back(std::move(record));
      } else if (standings[i].conflict == 0 && !standings[i].anchored) {
        waiting.push_back(name);
      } else {
        refused.push_back(standings[i].conflict != 0 ? DoubleSale(record, standings[i])
                                                     : Refusal(record, checked.error()));
      }
    }
    KEEL_TRY_VOID(context.store.Put(now_held));
  }
  json out = {{"anchored", std::move(anchored)}, {"refused", std::move(refused)}, {"waiting", std::move(waiting)}};
  if (!trouble.empty()) out["registry_says"] = trouble;
  return out;
}

namespace {

// Links to seals of our own, kept before anything signs them: a repeat after a crash finds the same ones, and a seal
// never signs two cancellations.
Result<std::vector<NextLink>> CancelLinks(CustodyContext& context, const std::vector<DeviceRecord>& records) {
  std::vector<NextLink> links(records.size());
  std::vector<size_t> fresh;
  for (size_t i = 0; i < records.size(); ++i) {
    KEEL_TRY(const auto kept, context.store.raw().Get(CancelKey(records[i].did)));
    if (!kept) {
      fresh.push_back(i);
      continue;
    }
    KEEL_TRY(Outgoing out, OutgoingFrom(records[i].did, *kept));
    links[i] = std::move(out.next);
  }
  if (fresh.empty()) return links;
  KEEL_TRY(const auto seals, context.store.MakeSeals(fresh.size()));
  std::vector<LinkOrder> orders;
  for (size_t n = 0; n < fresh.size(); ++n)
    orders.push_back({&records[fresh[n]], seals[n].seal, context.identity.did()});
  KEEL_TRY(const std::vector<NextLink> made, BuildLinks(context, orders));
  base::WriteBatch batch;
  for (size_t n = 0; n < fresh.size(); ++n) {
    batch.Put(CancelKey(records[fresh[n]].did), base::DumpJson(OutgoingJson({"cancel", made[n]})));
    links[fresh[n]] = made[n];
  }
  KEEL_TRY_VOID(context.store.raw().Write(batch, base::Sync::kYes));
  return links;
}

}  // namespace

Result<json> Cancel(CustodyContext& context, const std::vector<std::string>& serials) {
  if (serials.empty()) return Fail(Code::kUsage, "ownership cancel", "name the devices: --serial SERIAL");
  std::vector<DeviceRecord> records;
  for (const std::string& serial : serials) {
    KEEL_TRY(DeviceRecord record,
             serial.starts_with("did:") ? context.store.Get(serial) : context.store.FindSerial(serial));
    KEEL_TRY(const bool have, context.store.HasSeal(record.LastSeal()));
    if (!have)
      return Fail(Code::kWrongState, "ownership cancel",
                  serial + ": its seal is spent and destroyed; only the one who holds it now can pass it on");
    records.push_back(std::move(record));
  }
  KEEL_TRY(std::vector<NextLink> links, CancelLinks(context, records));
  KEEL_TRY_VOID(SignLinks(context, records, links, true));
  std::vector<DeviceRecord> outgoing;
  for (size_t i = 0; i < records.size(); ++i) outgoing.push_back(WithLink(records[i], links[i]));
  std::string trouble;
  KEEL_TRY(const auto standings, AnchorChains(context, outgoing, &trouble));
  json cancelled = json::array(), refused = json::array();
  base::WriteBatch batch;
  std::vector<DeviceRecord> ours;
  for (size_t i = 0; i < records.size(); ++i) {
    if (standings[i].conflict != 0) {
      refused.push_back(DoubleSale(outgoing[i], standings[i]));
      batch.Delete(CancelKey(records[i].did));
      continue;
    }
    if (!standings[i].anchored) {
      refused.push_back(Refusal(records[i], Fail(Code::kBusy, "ownership cancel", "not anchored: " + trouble).error()));
      continue;
    }
    DeviceRecord record = outgoing[i];
    for (size_t l = 0; l < record.links.size(); ++l) record.links[l].index = standings[i].indices[l];
    record.state = DeviceState::kHeld;
    record.given_to.clear();
    record.transfer.clear();
    record.passed_on.reset();
    context.store.EraseSeal(batch, records[i].LastSeal());
    batch.Delete(OutKey(record.did));
    batch.Delete(CancelKey(record.did));
    cancelled.push_back({{"did", record.did}, {"serial", record.serial}, {"index", record.links.back().index}});
    ours.push_back(std::move(record));
  }
  KEEL_TRY_VOID(context.store.Put(ours));
  KEEL_TRY_VOID(context.store.raw().Write(batch, base::Sync::kYes));
  return json{{"cancelled", std::move(cancelled)}, {"refused", std::move(refused)}};
}

}  // namespace keel::custody
