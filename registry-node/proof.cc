// SPDX-License-Identifier: Apache-2.0
#include "registry-node/proof.h"

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

}  // namespace keel::registry
