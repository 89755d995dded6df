// SPDX-License-Identifier: Apache-2.0
#include "registry-node/proof.h"

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "ledger/statement.h"
#include "registry-client/wire.h"

namespace keel::registry {
namespace {

using registry_client::ItemTag;
using registry_client::PutItem;

void PutCheckpoint(std::string& out, const View& view) {
  PutItem(out, ItemTag::kCheckpoint, view.ckpt);
  PutItem(out, ItemTag::kState, view.state);
}

Result<bool> PutKey(std::string& out, const StoreReader& reader, const Bytes32& key) {
  KEEL_TRY(const MapProofOctets proof, ProveKey(reader, key));
  KEEL_TRY(const auto value, reader(ValueStoreKey(key)));
  if (value.has_value() != proof.present) return Fail(Code::kCorrupt, "map", "values and pages disagree");
  std::string body(AsText(key));
  const size_t length = value ? value->size() : 0;
  body.push_back(static_cast<char>(length >> 8));
  body.push_back(static_cast<char>(length & 255));
  if (value) body += *value;
  body += AsText(proof.proof);
  PutItem(out, ItemTag::kKey, AsBytes(body));
  return proof.present;
}

Result<bool> PutDid(std::string& out, const StoreReader& reader, std::string_view label, const std::string& did) {
  KEEL_TRY(const auto operations, ReadOperations(reader, label, did));
  KEEL_TRY(const MapProofOctets head, ProveKey(reader, ledger::DidKey(did)));
  if (head.present == operations.empty()) return Fail(Code::kCorrupt, "map", "operations and pages disagree");
  PutItem(out, ItemTag::kDid, AsBytes(did));
  PutItem(out, ItemTag::kHead, head.proof);
  for (const StoredOperation& op : operations) {
    std::vector<uint8_t> body(8 + op.jws.size());
    ByteWriter(body).U64(op.index).Put(op.jws);
    PutItem(out, ItemTag::kOperation, body);
  }
  return !operations.empty();
}

std::string_view Relationship(size_t bit) { return ledger::UseName(static_cast<ledger::Uses>(1u << bit)); }

}  // namespace

Result<std::vector<StoredOperation>> ReadOperations(const StoreReader& reader, std::string_view label,
                                                    const std::string& did) {
  KEEL_TRY(const ledger::DidParts parts, ledger::ParseDidOf(did, label));
  std::vector<StoredOperation> out;
  KEEL_TRY(const auto stored, ReadDid(reader, parts.scid_hash));
  if (!stored) return out;
  for (uint64_t index : stored->indices) {
    KEEL_TRY(const auto entry, reader(EntryStoreKey(index)));
    if (!entry || entry->empty()) return Fail(Code::kCorrupt, "ledger", "an operation's entry is missing");
    const ByteView jws = ledger::BodyOfEntry(AsBytes(*entry));
    out.push_back({index, {jws.begin(), jws.end()}});
  }
  return out;
}

Result<DidAnswer> DidBundle(const View& view, std::string_view label, const std::string& did) {
  DidAnswer out;
  PutCheckpoint(out.bundle, view);
  KEEL_TRY(out.found, PutDid(out.bundle, view.Reader(), label, did));
  return out;
}

Result<std::string> ProofsBundle(const View& view, std::string_view label, std::span<const Bytes32> keys,
                                 std::span<const std::string> dids) {
  std::string out;
  PutCheckpoint(out, view);
  const StoreReader reader = view.Reader();
  for (const Bytes32& key : keys) KEEL_TRY_VOID(PutKey(out, reader, key));
  for (const std::string& did : dids) KEEL_TRY_VOID(PutDid(out, reader, label, did));
  return out;
}

Result<ContentAnswer> ContentBundle(const View& view, const Bytes32& key) {
  ContentAnswer out;
  PutCheckpoint(out.bundle, view);
  const StoreReader reader = view.Reader();
  KEEL_TRY(out.found, PutKey(out.bundle, reader, key));
  if (!out.found) return out;
  KEEL_TRY(const auto value, reader(ValueStoreKey(key)));
  if (!value || value->size() < 8) return Fail(Code::kCorrupt, "map", "a value is short");
  KEEL_TRY(const auto entry, reader(EntryStoreKey(ByteReader(AsBytes(*value).subspan(value->size() - 8)).U64())));
  if (!entry) return Fail(Code::kCorrupt, "ledger", "an entry is missing");
  const ByteView jws = ledger::BodyOfEntry(AsBytes(*entry));
  std::vector<uint8_t> scratch(jws.size());
  KEEL_TRY(const ledger::Statement statement, ledger::ParseStatement(jws, scratch));
  PutItem(out.bundle, ItemTag::kContent, AsBytes(statement.payload));
  return out;
}

std::string ResolutionResult(const View& view, std::string_view label, const std::string& did, int* status) {
  using nlohmann::json;
  json result = {
      {"didDocument", nullptr}, {"didResolutionMetadata", json::object()}, {"didDocumentMetadata", json::object()}};
  const auto fail = [&](int http, const char* name, const std::string& message) {
    *status = http;
    result["didResolutionMetadata"] = {{"error", name}, {"errorMessage", message}};
    return base::DumpJson(result);
  };
  const auto operations = ReadOperations(view.Reader(), label, did);
  if (!operations) {
    if (operations.error().code == Code::kInvalidDid)
      return fail(400, "invalidDid", "not a did:keel in its canonical form");
    if (operations.error().code == Code::kWrongNetwork)
      return fail(404, "notFound", "a did:keel of another network than " + std::string(label));
    return fail(500, "internalError", operations.error().Text());
  }
  if (operations->empty()) return fail(404, "notFound", "not anchored in this registry");
  ledger::DidHistory history;
  if (!history.Start(did)) return fail(400, "invalidDid", "not a did:keel in its canonical form");
  ledger::DidHistory::Options options;
  options.verify_create_signature = false;
  options.verify_signatures = false;
  for (const StoredOperation& op : *operations) {
    if (auto ok = history.Apply(op.index, op.jws, options); !ok) return fail(500, "internalError", ok.error().Text());
  }
  json document = {{"@context", {"https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"}},
                   {"id", did}};
  ByteArray<ledger::kMaxOperationPayload> scratch;
  const auto op = ledger::ParseOperation(operations->back().jws, scratch);
  if (!op) return fail(500, "internalError", op.error().Text());
  json methods = json::array();
  for (size_t i = 0; i < op->key_count; ++i) {
    const ledger::OperationKey& key = op->keys[i];
    const std::string id = did + "#" + std::string(key.id);
    methods.push_back(
        {{"id", id}, {"type", "Multikey"}, {"controller", did}, {"publicKeyMultibase", std::string(key.multikey)}});
    for (size_t bit = 0; bit < 5; ++bit) {
      if ((key.uses & (1u << bit)) != 0) document[std::string(Relationship(bit))].push_back(id);
    }
  }
  if (!methods.empty()) document["verificationMethod"] = methods;
  if (!op->services.empty()) {
    if (auto services = base::ParseJson(op->services); services) document["service"] = *services;
  }
  result["didDocument"] = document;
  result["didResolutionMetadata"]["contentType"] = "application/did+ld+json";
  json& metadata = result["didDocumentMetadata"];
  metadata["versionId"] = std::to_string(history.seq());
  metadata["deactivated"] = history.deactivated();
  metadata["canonicalId"] = did;
  metadata["keel"] = {{"created", history.create_index()},
                      {"updated", history.last_index()},
                      {"head", base::Base64Url(history.head())},
                      {"checkpoint", {{"size", view.size}, {"time", base::Rfc3339(view.time)}}}};
  *status = history.deactivated() ? 410 : 200;
  return base::DumpJson(result);
}

}  // namespace keel::registry
