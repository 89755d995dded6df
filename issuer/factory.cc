// SPDX-License-Identifier: Apache-2.0
// The issuer's side of the factory protocol (docs/protocols/factory.md). Everything that a row is given (root seal,
// status index, credential, batch) is stored before it is used, so that a repeat of any step gives the same.
#include <map>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "base/suit.h"
#include "crypto/hash.h"
#include "custody/request.h"
#include "issuer/internal/keys.h"
#include "issuer/issuer.h"
#include "ledger/entry.h"
#include "ledger/history.h"
#include "vc/batch.h"
#include "vc/credential.h"

namespace keel::issuer {

using nlohmann::json;

namespace {

constexpr const char* kWhere = "factory";
constexpr size_t kMaxGroup = 1024;

Result<const json*> Group(const json& args, const char* name) {
  KEEL_TRY(const json* list, base::GetArray(args, name));
  if (list->empty() || list->size() > kMaxGroup)
    return Fail(Code::kOutOfRange, kWhere, std::string(name) + ": 1 to 1,024 devices a call");
  return list;
}

// The device's create operation, judged before the issuer sponsors it.
Result<> CheckCreate(const Row& row) {
  if (row.create.size() > ledger::kMaxOperation)
    return Fail(Code::kTooLarge, kWhere, row.serial() + ": create operation over 1,200 octets");
  ledger::DidHistory history;
  KEEL_TRY_VOID(history.Start(row.did));
  if (auto applied = history.Apply(1, AsBytes(row.create)); !applied)
    return Fail(applied.error().code, kWhere,
                row.serial() + ": the device's create operation: " + applied.error().Text());
  if (!history.has_seal0() || history.seal0() != ledger::RootSealCommitment(row.salt, row.root_seal))
    return Fail(Code::kBadChain, kWhere,
                row.serial() + ": the device's DID doesn't commit to the root seal that it was given");
  return {};
}

std::string DateOf(UnixSeconds now) { return base::Rfc3339(now).substr(0, 10); }

}  // namespace

Result<Row> Issuer::GetRow(std::string_view serial) const {
  KEEL_TRY(const auto text, db_->Get(RowKey(serial)));
  if (!text) return Fail(Code::kNotFound, kWhere, "no device with serial " + std::string(serial) + " was made here");
  KEEL_TRY(const json object, base::ParseJson(*text));
  return RowFromJson(object);
}

void Issuer::PutRow(base::WriteBatch& batch, const Row& row) {
  batch.Put(RowKey(row.serial()), base::DumpJson(RowToJson(row)));
}

Result<json> Issuer::Begin(const json& args) {
  const std::lock_guard lock(mutex_);
  KEEL_TRY(const json* rows, Group(args, "rows"));
  KEEL_TRY(const UnixSeconds now, clock_.Now());
  std::vector<Row> out;
  size_t fresh = 0;
  for (const json& item : *rows) {
    KEEL_TRY(const json* facts_json, base::GetObject(item, "facts"));
    KEEL_TRY(vc::HardwareFacts facts, FactsFromJson(*facts_json));
    if (facts.serial.empty() || facts.model.empty()) return Fail(Code::kMissing, kWhere, "serial or model of a row");
    if (facts.assurance_level.empty()) facts.assurance_level = std::string(vc::kAssuranceUnprotected);
    if (facts.manufacturer_name.empty()) facts.manufacturer_name = options_.name;
    KEEL_TRY(const auto date, base::GetOptionalString(item, "date"));
    auto known = GetRow(facts.serial);
    if (known) {
      if (known->state != RowState::kBegun && FactsToJson(known->facts) != FactsToJson(facts))
        return Fail(Code::kConflict, kWhere,
                    "serial " + facts.serial + " was made with other facts: serials are used once");
      known->facts = std::move(facts);
      out.push_back(std::move(*known));
      continue;
    }
    if (known.error().code != Code::kNotFound) return std::unexpected<Error>(std::move(known.error()));
    Row row;
    row.facts = std::move(facts);
    row.manufacture_date = date.value_or(DateOf(now));
    row.root_seal = {};
    out.push_back(std::move(row));
    ++fresh;
  }
  if (fresh != 0) {
    KEEL_TRY(auto seals, custody_->MakeSeals(fresh));
    size_t next = 0;
    for (Row& row : out)
      if (row.root_seal == Bytes32{}) row.root_seal = seals[next++].seal;
  }
  base::WriteBatch batch;
  json answer = json::array();
  for (const Row& row : out) {
    if (row.state == RowState::kBegun) PutRow(batch, row);
    json one = {
        {"serial", row.serial()}, {"state", RowStateName(row.state)}, {"root_seal", base::Base64Url(row.root_seal)}};
    if (!row.did.empty()) one["did"] = row.did;
    answer.push_back(std::move(one));
  }
  KEEL_TRY_VOID(db_->Write(batch, base::Sync::kYes));
  return json{
      {"net", base::Base64Url(identity_->net())}, {"label", identity_->network().label}, {"rows", std::move(answer)}};
}

// Issues the credentials of rows that have none, and puts them into one batch.
Result<> Issuer::IssueMissing(std::vector<Row>& rows) {
  std::vector<Row*> missing;
  for (Row& row : rows)
    if (row.jwt.empty()) missing.push_back(&row);
  if (missing.empty()) return {};
  KEEL_TRY(const UnixSeconds now, clock_.Now());
  std::vector<std::string> credentials;
  const ByteArray<16> vendor = base::SuitVendorId(options_.vendor);
  for (Row* row : missing) {
    KEEL_TRY(row->status_index, status_->Take(random_));
    vc::HardwareRequest request;
    request.issuer = identity_->did();
    request.device = row->did;
    request.valid_from = now;
    request.facts = row->facts;
    request.status_list = StatusUrl();
    request.status_index = row->status_index;
    json credential = vc::HardwareCredential(request);
    json& subject = credential["credentialSubject"];
    subject["vendorId"] = base::Base64Url(vendor);
    subject["classId"] = base::Base64Url(base::SuitClassId(vendor, row->facts.model));
    subject["manufactureDate"] = row->manufacture_date;
    if (auto conforms = ConformToDefinition(credential); !conforms)
      return Fail(conforms.error().code, kWhere, row->serial() + ": " + conforms.error().Text());
    KEEL_TRY(row->jwt, vc::IssueCredential(credential, identity_->keys(), identity_->auth(), identity_->auth_kid()));
    if (row->jwt.size() > kMaxDeviceCredential)
      return Fail(Code::kTooLarge, kWhere,
                  row->serial() + ": the HardwareCredential has " + std::to_string(row->jwt.size()) +
                      " octets, a device takes 3,072: fewer or shorter columns");
    credentials.push_back(row->jwt);
  }
  KEEL_TRY(const vc::Batch batch, vc::MakeBatch(credentials, random_));
  ByteArray<256> payload{};
  KEEL_TRY(const size_t payload_length,
           ledger::WriteBatchPayload({batch.root, static_cast<uint32_t>(credentials.size())},
                                     std::span<char>(reinterpret_cast<char*>(payload.data()), payload.size())));
  base::ByteVec statement(ledger::kMaxStatement);
  KEEL_TRY(const size_t statement_length,
           ledger::SignStatement(AsText(ByteView(payload).first(payload_length)), identity_->auth_kid(),
                                 identity_->keys(), identity_->auth(), statement));
  statement.resize(statement_length);
  base::WriteBatch write;
  write.Put(BatchRecordKey(base::Hex(batch.root)),
            base::DumpJson({{"n", credentials.size()}, {"statement", base::ToString(ByteView(statement))}}));
  for (size_t i = 0; i < missing.size(); ++i) {
    missing[i]->batch = base::DumpJson(batch.members[i].ToJson());
    missing[i]->batch_root = base::Hex(batch.root);
    PutRow(write, *missing[i]);
    write.Put(StatusIndexKey(missing[i]->status_index), missing[i]->serial());
  }
  status_->SaveTaken(write);
  return db_->Write(write, base::Sync::kYes);
}

Result<std::string> Issuer::StampConfig(const Row& row) const {
  KEEL_TRY(const crypto::KeyHandle author, identity_->keys().FindLabel(kAuthorLabel));
  KEEL_TRY(const crypto::PublicKey author_key, identity_->keys().Public(author));
  const ByteArray<16> vendor = base::SuitVendorId(options_.vendor);
  json endpoints = json::array();
  const std::vector<std::string>& hints = !options_.stamp_endpoints.empty() ? options_.stamp_endpoints
                                          : !options_.endpoints.empty()     ? options_.endpoints
                                                                            : identity_->network().endpoints;
  for (size_t i = 0; i < hints.size() && i < 4; ++i) endpoints.push_back(hints[i]);
  const json config = {{"v", 1},
                       {"manufacturer", identity_->did()},
                       {"alternates", json::array()},
                       {"known", {identity_->operations().size()}},
                       {"endpoints", std::move(endpoints)},
                       {"authors", {base::Multikey(author_key)}},
                       {"vendor", base::Base64Url(vendor)},
                       {"class", base::Base64Url(base::SuitClassId(vendor, row.facts.model))},
                       {"stale", options_.max_stale},
                       {"facts", base::Base64Url(crypto::Sha256::Of(base::DumpJson(FactsToJson(row.facts))))},
                       {"oneWay", false}};
  return base::DumpJson(config);
}

Result<json> Issuer::Anchor(const json& args) {
  const std::lock_guard lock(mutex_);
  KEEL_TRY(const json* devices, Group(args, "devices"));
  std::vector<Row> rows;
  base::WriteBatch keep;
  for (const json& item : *devices) {
    KEEL_TRY(const std::string serial, base::GetString(item, "serial"));
    KEEL_TRY(Row row, GetRow(serial));
    KEEL_TRY(const std::string did, base::GetString(item, "did"));
    KEEL_TRY(const std::string create, base::GetString(item, "create"));
    if (row.did.empty()) {
      row.did = did;
      row.create = create;
      KEEL_TRY(row.salt, base::GetFixed<16>(item, "salt"));
      KEEL_TRY(row.rs, base::GetFixed<32>(item, "rs"));
      KEEL_TRY(row.rp, base::GetString(item, "rp"));
      KEEL_TRY(const crypto::PublicKey rp, crypto::PublicKey::FromMultikey(row.rp));
      if (rp.type() != crypto::KeyType::kX25519 && rp.type() != crypto::KeyType::kP256)
        return Fail(Code::kUnsupported, kWhere, serial + ": rp is neither an X25519 nor a P-256 key");
      KEEL_TRY_VOID(CheckCreate(row));
      PutRow(keep, row);
    } else if (row.did != did || row.create != create) {
      return Fail(Code::kConflict, kWhere,
                  serial + ": the device says " + did + ", but " + row.did +
                      " was made for this serial: another device, or its store was erased");
    }
    rows.push_back(std::move(row));
  }
  KEEL_TRY_VOID(db_->Write(keep, base::Sync::kYes));
  KEEL_TRY_VOID(IssueMissing(rows));

  // Creates, then batch roots, in one transaction; what is anchored already answers as before.
  std::vector<std::vector<uint8_t>> entries;
  std::vector<Row*> creating;
  std::map<std::string, uint64_t> roots;
  for (Row& row : rows) {
    if (row.state != RowState::kBegun) continue;
    std::vector<uint8_t> entry(row.create.size() + 16);
    KEEL_TRY(const size_t length, ledger::WriteOperationEntry(AsBytes(row.create), entry));
    entry.resize(length);
    entries.push_back(std::move(entry));
    creating.push_back(&row);
    roots.emplace(row.batch_root, 0);
  }
  for (auto& [root, index] : roots) {
    KEEL_TRY(const auto text, db_->Get(BatchRecordKey(root)));
    if (!text) return Fail(Code::kCorrupt, kWhere, "batch " + root + " is missing from the database");
    KEEL_TRY(const json object, base::ParseJson(*text));
    KEEL_TRY(const std::string statement, base::GetString(object, "statement"));
    KEEL_TRY(const base::ByteVec octets, base::FromHex(root));
    Bytes32 hash{};
    std::copy(octets.begin(), octets.end(), hash.begin());
    std::vector<uint8_t> entry(statement.size() + 64);
    KEEL_TRY(const size_t length, ledger::WriteBatchEntry(hash, AsBytes(statement), entry));
    entry.resize(length);
    index = entries.size();
    entries.push_back(std::move(entry));
  }
  if (!entries.empty()) {
    KEEL_TRY(const auto verdicts, registry_->Submit(entries));
    if (verdicts.size() != entries.size()) return Fail(Code::kInternalError, kWhere, "verdicts are missing");
    for (size_t i = 0; i < creating.size(); ++i) {
      if (verdicts[i].code != Code::kOk)
        return Fail(verdicts[i].code, kWhere,
                    creating[i]->serial() + ": the registry refuses the device's DID: " + verdicts[i].detail +
                        (verdicts[i].code == Code::kNotSponsored
                             ? ". Accredit this issuer: keel-registry sponsor add --identity FILE"
                             : ""));
      creating[i]->create_index = verdicts[i].index;
    }
    for (auto& [root, at] : roots) {
      if (verdicts[at].code != Code::kOk)
        return Fail(verdicts[at].code, kWhere, "the registry refuses the batch root: " + verdicts[at].detail);
      at = verdicts[at].index;
    }
    base::WriteBatch write;
    for (Row* row : creating) {
      KEEL_TRY(const json object, base::ParseJson(row->batch));
      KEEL_TRY(vc::BatchMember member, vc::BatchMember::FromJson(object));
      member.log_index = roots[row->batch_root];
      row->batch = base::DumpJson(member.ToJson());
      row->state = RowState::kAnchored;
      PutRow(write, *row);
    }
    KEEL_TRY_VOID(db_->Write(write, base::Sync::kYes));
  }
  json stamps = json::array();
  for (const Row& row : rows) {
    KEEL_TRY(const std::string config, StampConfig(row));
    stamps.push_back({{"serial", row.serial()},
                      {"state", RowStateName(row.state)},
                      {"config", config},
                      {"credential", row.jwt},
                      {"batch", row.batch}});
  }
  return json{{"descriptor", base::Base64Url(identity_->network().genesis)}, {"stamps", std::move(stamps)}};
}

Result<json> Issuer::Verified(const json& args) {
  const std::lock_guard lock(mutex_);
  KEEL_TRY(const json* devices, Group(args, "devices"));
  base::WriteBatch batch;
  for (const json& item : *devices) {
    KEEL_TRY(const std::string serial, base::GetString(item, "serial"));
    KEEL_TRY(Row row, GetRow(serial));
    if (row.state == RowState::kBegun) return Fail(Code::kWrongState, kWhere, serial + " isn't anchored");
    KEEL_TRY(row.digest, base::GetString(item, "digest"));
    if (row.state == RowState::kAnchored) row.state = RowState::kVerified;
    PutRow(batch, row);
  }
  KEEL_TRY_VOID(db_->Write(batch, base::Sync::kYes));
  return json{{"verified", devices->size()}};
}

Result<json> Issuer::Finish(const json& args) {
  const std::lock_guard lock(mutex_);
  KEEL_TRY(const std::vector<std::string> serials, base::GetStrings(args, "serials"));
  if (serials.empty() || serials.size() > kMaxGroup)
    return Fail(Code::kOutOfRange, kWhere, "1 to 1,024 devices a call");
  std::vector<custody::DeviceRecord> records;
  base::WriteBatch batch;
  for (const std::string& serial : serials) {
    KEEL_TRY(Row row, GetRow(serial));
    if (row.state == RowState::kFinished) continue;
    if (row.state != RowState::kVerified) return Fail(Code::kWrongState, kWhere, serial + " wasn't read back");
    custody::DeviceRecord record;
    record.did = row.did;
    record.serial = row.serial();
    record.model = row.facts.model;
    record.rs = row.rs;
    KEEL_TRY(record.rp, crypto::PublicKey::FromMultikey(row.rp));
    record.ops.push_back({row.create_index, base::ToBytes(row.create)});
    record.hardware = {row.jwt, row.batch, row.salt, row.root_seal};
    record.state = custody::DeviceState::kHeld;
    row.state = RowState::kFinished;
    PutRow(batch, row);
    batch.Put(DidIndexKey(row.did), serial);
    records.push_back(std::move(record));
  }
  // Custody first: a repeat puts the same record again, but a finished row is never looked at twice.
  KEEL_TRY_VOID(custody_->Put(records));
  KEEL_TRY_VOID(db_->Write(batch, base::Sync::kYes));
  return json{{"finished", serials.size()}};
}

}  // namespace keel::issuer
