// SPDX-License-Identifier: Apache-2.0
#include "custody/record.h"

#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "ledger/link.h"

namespace keel::custody {
namespace {

using nlohmann::json;
constexpr size_t kMaxRecordLinks = 256;

Result<DeviceState> StateFrom(const std::string& name) {
  for (const DeviceState state : {DeviceState::kHeld, DeviceState::kPending, DeviceState::kGiven})
    if (name == StateName(state)) return state;
  return Fail(Code::kMalformed, "custody record", "state '" + name + "'");
}

}  // namespace

const char* StateName(DeviceState state) {
  switch (state) {
    case DeviceState::kHeld: return "held";
    case DeviceState::kPending: return "pending";
    case DeviceState::kGiven: return "given";
  }
  return "";
}

Bytes32 DeviceRecord::SealBefore(size_t i) const {
  if (i <= 1 || i - 2 >= links.size()) return hardware.root_seal;
  const auto link = ledger::ParseLink(links[i - 2].link);
  return link ? link->seal : Bytes32{};
}

Bytes32 DeviceRecord::LastSeal() const { return SealBefore(links.size() + 1); }

namespace {
json LinkJson(const ChainLink& link) {
  return {{"link", base::Base64Url(link.link)},
          {"policy", base::Base64Url(link.policy)},
          {"sigs", base::Base64Url(link.sigs)},
          {"index", link.index}};
}
Result<ChainLink> LinkFrom(const json& item) {
  ChainLink link;
  KEEL_TRY(link.link, base::GetBytes(item, "link"));
  KEEL_TRY([[maybe_unused]] const auto parsed, ledger::ParseLink(link.link));
  KEEL_TRY(link.policy, base::GetBytes(item, "policy"));
  KEEL_TRY(link.sigs, base::GetBytes(item, "sigs"));
  KEEL_TRY(link.index, base::GetUint(item, "index"));
  return link;
}
}  // namespace

json ToJson(const DeviceRecord& record) {
  json ops = json::array();
  for (const auto& op : record.ops) ops.push_back({{"index", op.index}, {"jws", base::ToString(op.jws)}});
  json links = json::array();
  for (const ChainLink& link : record.links) links.push_back(LinkJson(link));
  json hardware = {
      {"jwt", record.hardware.jwt},
      {"rootSeal",
       {{"salt", base::Base64Url(record.hardware.salt)}, {"seal", base::Base64Url(record.hardware.root_seal)}}}};
  if (!record.hardware.batch.empty()) hardware["batch"] = record.hardware.batch;
  json out = {{"did", record.did},
              {"serial", record.serial},
              {"model", record.model},
              {"rs", base::Base64Url(record.rs)},
              {"rp", base::Multikey(record.rp)},
              {"ops", std::move(ops)},
              {"hardware", std::move(hardware)},
              {"links", std::move(links)},
              {"state", StateName(record.state)},
              {"reliable_from", record.reliable_from}};
  if (!record.credential.empty()) out["credential"] = record.credential;
  if (!record.given_to.empty()) out["given_to"] = record.given_to;
  if (!record.transfer.empty()) out["transfer"] = record.transfer;
  if (record.passed_on) out["passed_on"] = LinkJson(*record.passed_on);
  return out;
}

Result<DeviceRecord> RecordFromJson(const json& object) {
  KEEL_TRY_VOID(base::OnlyMembers(object, {"did", "serial", "model", "rs", "rp", "ops", "hardware", "links", "state",
                                           "reliable_from", "credential", "given_to", "transfer", "passed_on"}));
  DeviceRecord record;
  KEEL_TRY(record.did, base::GetString(object, "did"));
  KEEL_TRY(record.serial, base::GetString(object, "serial"));
  KEEL_TRY(record.model, base::GetString(object, "model"));
  KEEL_TRY(record.rs, base::GetFixed<32>(object, "rs"));
  KEEL_TRY(const std::string rp, base::GetString(object, "rp"));
  KEEL_TRY(record.rp, crypto::PublicKey::FromMultikey(rp));
  if (record.rp.type() != crypto::KeyType::kX25519 && record.rp.type() != crypto::KeyType::kP256)
    return Fail(Code::kUnsupported, "custody record", "rp is neither an X25519 nor a P-256 key");
  KEEL_TRY(const json* ops, base::GetArray(object, "ops"));
  for (const json& item : *ops) {
    registry_client::AnchoredOperation op;
    KEEL_TRY(op.index, base::GetUint(item, "index"));
    KEEL_TRY(const std::string jws, base::GetString(item, "jws"));
    op.jws = base::ToBytes(jws);
    record.ops.push_back(std::move(op));
  }
  if (record.ops.empty() || record.ops.size() > ledger::kMaxOperations)
    return Fail(Code::kMalformed, "custody record", "ops: 1 to 64 operations");
  KEEL_TRY(const json* hardware, base::GetObject(object, "hardware"));
  KEEL_TRY(record.hardware.jwt, base::GetString(*hardware, "jwt"));
  KEEL_TRY(const auto batch, base::GetOptionalString(*hardware, "batch"));
  record.hardware.batch = batch.value_or("");
  KEEL_TRY(const json* root, base::GetObject(*hardware, "rootSeal"));
  KEEL_TRY(record.hardware.salt, base::GetFixed<16>(*root, "salt"));
  KEEL_TRY(record.hardware.root_seal, base::GetFixed<32>(*root, "seal"));
  KEEL_TRY(const json* links, base::GetArray(object, "links"));
  if (links->size() > kMaxRecordLinks)
    return Fail(Code::kTooLarge, "custody record", "more than " + std::to_string(kMaxRecordLinks) + " links");
  for (const json& item : *links) {
    KEEL_TRY(record.links.emplace_back(), LinkFrom(item));
  }
  KEEL_TRY(const std::string state, base::GetString(object, "state"));
  KEEL_TRY(record.state, StateFrom(state));
  KEEL_TRY(record.reliable_from, base::GetUint(object, "reliable_from"));
  KEEL_TRY(const auto credential, base::GetOptionalString(object, "credential"));
  KEEL_TRY(const auto given_to, base::GetOptionalString(object, "given_to"));
  KEEL_TRY(const auto transfer, base::GetOptionalString(object, "transfer"));
  record.credential = credential.value_or("");
  record.given_to = given_to.value_or("");
  record.transfer = transfer.value_or("");
  if (const auto passed_on = object.find("passed_on"); passed_on != object.end()) {
    KEEL_TRY(record.passed_on, LinkFrom(*passed_on));
  }
  return record;
}

}  // namespace keel::custody
