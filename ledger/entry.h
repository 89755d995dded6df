// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "ledger/descriptor.h"
#include "ledger/map_proof.h"
#include "ledger/seal.h"
#include "ledger/statement.h"

// Log entries: u8 type || body, one per operation, spend, batch and so on, and the transactions that carry them to a
// member (docs/formats/ledger.md). Parsing looks at form alone; registry-node judges meaning against its state.
namespace keel::ledger {

enum class EntryType : uint8_t {
  kOperation = 1,   // JWS octets of a DID operation
  kSpend = 2,       // seal 32 || H(link) 32 || u16 length || policy || SIGS
  kBatch = 3,       // root 32 || statement {v, op:"batch", root, n}
  kSchema = 4,      // statement {v, op:"schema", id, content}
  kDefinition = 5,  // statement {v, op:"definition", id, schema, content}
  kStatus = 6,      // statement {v, op:"status", id, version, digest}
  kSponsor = 7,     // u16 length || payload {v, op:"sponsor", did, seq, quota, until} || SIGS of a quorum of members
  kMember = 8,      // u16 length || payload {v, op:"member", id, seq, name, endpoints} || SIGS of that member alone
  kEpoch = 9,  // EPOCH bundle (descriptor.h); epoch 0 is the log's first entry, with empty SIGS of e and no endorsement
  kState = 0x6b,  // "keel-state/1\n"...: the k is the type
};

struct SpendEntry {
  Bytes32 seal{};
  Bytes32 link_hash{};
  ByteView policy;
  ByteView sigs;
};
struct BatchEntry {
  Bytes32 root{};
  ByteView statement;  // JWS octets
};
struct SignedPayloadEntry {
  ByteView payload;  // JSON
  ByteView sigs;
};

// The type, or kUnsupported / kMalformed (empty) / kTooLarge.
Result<EntryType> TypeOfEntry(ByteView entry);
inline ByteView BodyOfEntry(ByteView entry) { return entry.subspan(1); }
Result<SpendEntry> ParseSpendEntry(ByteView entry);
Result<BatchEntry> ParseBatchEntry(ByteView entry);
Result<SignedPayloadEntry> ParseSignedPayloadEntry(ByteView entry);  // sponsor, member

// Writers: each returns the entry's length.
Result<size_t> WriteOperationEntry(ByteView jws, ByteSpan out);
Result<size_t> WriteSpendEntry(const SpendEntry& spend, ByteSpan out);
Result<size_t> WriteBatchEntry(const Bytes32& root, ByteView statement, ByteSpan out);
Result<size_t> WriteStatementEntry(EntryType type, ByteView statement, ByteSpan out);  // schema, definition, status
Result<size_t> WriteSignedPayloadEntry(EntryType type, ByteView payload, ByteView sigs, ByteSpan out);
Result<size_t> WriteEpochEntry(ByteView bundle, ByteSpan out);

// Payload writers and readers of the statements. Views point into the payload.
struct BatchPayload {
  Bytes32 root{};
  uint32_t n = 0;  // leaves
};
struct SchemaPayload {  // also definitions, which name their schema
  std::string_view id;
  std::string_view schema;   // definitions: "<author DID>\n<id>" is split by the reader of the map; here an opaque id
  std::string_view content;  // any JSON value's text
};
struct StatusPayload {
  std::string_view id;  // the list's URL or name
  uint64_t version = 0;
  Bytes32 digest{};  // H(octets of the status list credential)
};
struct SponsorPayload {
  std::string_view did;
  uint64_t seq = 0;       // rises with each entry about this DID
  uint64_t quota = 0;     // creates and batches a day; 0 ends the accreditation
  UnixSeconds until = 0;  // 0: no end
};
struct MemberPayload {
  std::string_view id;
  uint64_t seq = 0;
  std::string_view name;       // for people
  std::string_view endpoints;  // JSON array of URLs
};
Result<size_t> WriteBatchPayload(const BatchPayload& payload, std::span<char> out);
Result<size_t> WriteSchemaPayload(const SchemaPayload& payload, bool definition, std::span<char> out);
Result<size_t> WriteStatusPayload(const StatusPayload& payload, std::span<char> out);
Result<size_t> WriteSponsorPayload(const SponsorPayload& payload, std::span<char> out);
Result<size_t> WriteMemberPayload(const MemberPayload& payload, std::span<char> out);
Result<BatchPayload> ParseBatchPayload(std::string_view payload);
Result<SchemaPayload> ParseSchemaPayload(std::string_view payload, bool definition);
Result<StatusPayload> ParseStatusPayload(std::string_view payload);
Result<SponsorPayload> ParseSponsorPayload(std::string_view payload);
Result<MemberPayload> ParseMemberPayload(std::string_view payload);

// What members sign for sponsor and member entries: "keel-sponsor/1\n" or "keel-member/1\n" || net || H(payload).
inline constexpr size_t kMaxMemberMessage = 15 + 64;
Result<size_t> WriteMemberMessage(EntryType type, const Net& net, ByteView payload, ByteSpan out);

// Map keys and values.
Bytes32 DidKey(std::string_view did);
Bytes32 SealKey(const Bytes32& seal);
Bytes32 BatchKey(std::string_view issuer_did, const Bytes32& root);
Bytes32 NamedKey(MapType type, std::string_view author_did, std::string_view id);  // schema, definition, status
Bytes32 SponsorKey(std::string_view did);
Bytes32 MemberKey(std::string_view id);
Bytes32 EpochKey(uint32_t epoch);
ByteArray<8> BatchMapValue(uint64_t log_index);
ByteArray<40> DigestMapValue(const Bytes32& digest,
                             uint64_t log_index);  // schema, definition: H(payload); epoch: H(octets)
ByteArray<48> StatusMapValue(uint64_t version, const Bytes32& digest, uint64_t log_index);
ByteArray<32> SponsorMapValue(uint64_t seq, uint64_t quota, UnixSeconds until, uint64_t log_index);
ByteArray<48> MemberMapValue(uint64_t seq, const Bytes32& payload_hash, uint64_t log_index);

// A transaction: "keel-tx/1\n" || u16 length || sponsoring statement (may be empty) || u32 count || count x (u32 length
// || entry). The statement {v, op:"sponsoring", digest} is by an accredited sponsor; digest = H(everything after the
// statement).
struct Transaction {
  ByteView sponsoring;  // JWS octets, or empty
  ByteView rest;        // what the digest covers
  uint32_t count = 0;
};
Result<Transaction> ParseTransaction(ByteView octets);
class TransactionReader {
 public:
  explicit TransactionReader(const Transaction& transaction) : reader_(transaction.rest), left_(transaction.count) {
    reader_.U32();
  }
  bool Next(ByteView& entry);

 private:
  ByteReader reader_;
  uint32_t left_;
};
// `rest` of the entries: write this first, sign its digest, then WriteTransaction joins both.
Result<size_t> WriteTransactionRest(std::span<const ByteView> entries, ByteSpan out);
Result<size_t> WriteTransaction(ByteView sponsoring, ByteView rest, ByteSpan out);
Result<size_t> WriteSponsoringPayload(const Bytes32& digest, std::span<char> out);
Result<Bytes32> ParseSponsoringPayload(std::string_view payload);

}  // namespace keel::ledger
