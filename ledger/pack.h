// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/seams.h"
#include "core/secret.h"
#include "crypto/hash.h"
#include "ledger/checkpoint.h"
#include "ledger/history.h"
#include "ledger/link.h"

// The proof pack: what a verifier brings a device so that it needs no registry (docs/formats/pack.md). Items in the
// order CKPT STATE (LINK SPENT)* TAIL OP+ HEAD, whole items in records of at most 1,264 octets, each record encrypted
// under a key of this pack alone.
namespace keel::ledger {

enum class PackTag : uint8_t { kCkpt = 1, kState = 2, kLink = 3, kSpent = 4, kTail = 5, kOp = 6, kHead = 7 };

// Host side -----------------------------------------------------------------------------------------------------------
// Item bodies are what the registry answers and ledger codecs write; each call appends one item to `out` (a caller that
// has a growing buffer gives its tail, kMaxItem octets suffice) and returns the octets written.
Result<size_t> WritePackItem(PackTag tag, ByteView body, ByteSpan out);
Result<size_t> WriteLinkItem(ByteView link, ByteView policy, ByteView sigs, ByteSpan out);
Result<size_t> WriteSpentItem(uint64_t log_index, ByteView map_proof, ByteSpan out);
Result<size_t> WriteOpItem(uint64_t log_index, ByteView jws, ByteSpan out);

struct PackInfo {
  uint64_t length = 0;  // `len` of M2: the sum of plaintexts
  Bytes32 sha256{};     // over all plaintexts
  uint32_t records = 0;
  size_t octets = 0;  // sealed, with the records' u16 lengths
};
// Encrypts the concatenated items into records. `out`: SealedPackSize(items.size()) suffices. A key is used for one
// pack's octets only.
Result<PackInfo> SealPack(ByteView items, const SecretBytes<32>& key, ByteSpan out);
constexpr size_t SealedPackSize(size_t items) { return items + (items / 600 + 2) * 18; }
// The octets from record `from` on, for resuming; empty at the end. kOutOfRange beyond it, kMalformed.
Result<ByteView> PackFrom(ByteView sealed, uint32_t from);

// Device side ---------------------------------------------------------------------------------------------------------
// What the pack is judged against; the caller keeps all of it until Finish.
struct PackExpectation {
  const MemberSet* members = nullptr;  // the current epoch's; has net
  Bytes32 device_tag{};
  ChainBase base;
  std::string_view owner;  // O's did:keel, M2's iss
  Bytes32 owner_key{};     // KeyHash of the key that signed M2's vp (or the delegation)
  Uses owner_use = kUseAuthentication;
  Bytes32 cred{};                 // H(vc) of M2
  Freshness freshness;            // largest size accepted, quorum time, limit
  uint32_t known_operations = 0;  // of O, when O was our owner before: its history may not be shorter, nor differ
  Bytes32 known_head{};
  ByteSpan work;        // kOperationWork octets beside the records, or none (ledger/operation.h)
  uint64_t length = 0;  // from M2's `pack`
  Bytes32 sha256{};
};
struct PackResult {
  ChainBase chain;               // seal_k, k, H(link_k), cred_k: the next base
  uint64_t checkpoint_size = 0;  // the next largest accepted
  UnixSeconds checkpoint_time = 0;
  uint64_t state_height = 0;
  Bytes32 owner_head{};
  uint32_t owner_operations = 0;
};

// Checks a pack record by record, each item on arrival, in constant memory (sizeof is under 1,300 octets; the record
// buffer and the expectation are the caller's). Any error is final: the object then refuses everything (kWrongState).
// Not thread-safe.
class PackVerifier {
 public:
  // kInvalidArgument when the expectation is not usable (no members, bad owner DID, length over kMaxPack).
  Result<> Start(const PackExpectation& expectation, const SecretBytes<32>& key);
  // Decrypts the next record in place (`record`: its ciphertext without the u16 length) and checks its items.
  // kDecryptFailed, kTooLarge, kMalformed, and what the items' checks give: kStale, kNoQuorum, kBadChain, kBadProof,
  // kConflict, ...
  Result<> Record(ByteSpan record);
  // After the last record: everything there, length and digest right, the chain ends in M2's credential, M2's key is
  // O's. kMissing (cut short), kConflict (digest), kUntrusted (key, credential), kDeactivated.
  Result<PackResult> Finish();
  // The number of the next record: `from` of a resumed request.
  uint32_t next_record() const { return next_record_; }
  // O's current keys as the history stands: after Finish only. A device keeps their hashes to judge what O signs later.
  std::span<const CurrentKey> owner_keys() const { return history_.keys(); }
  bool complete() const { return started_ && !failed_ && stage_ == PackTag::kHead; }

 private:
  Result<> Item(PackTag tag, ByteView body);
  Result<> OnCkpt(ByteView body);
  Result<> OnState(ByteView body);
  Result<> OnLink(ByteView body);
  Result<> OnSpent(ByteView body);
  Result<> OnOp(ByteView body);
  Result<> OnHead(ByteView body);
  Result<> RecordInner(ByteSpan record);

  const PackExpectation* expect_ = nullptr;
  SecretBytes<32> key_;
  crypto::Sha256 digest_;
  DidHistory history_;
  ChainVerifier chain_;
  Bytes32 root_{};  // the checkpoint's until STATE, then the map's
  uint64_t size_ = 0;
  UnixSeconds time_ = 0;
  uint64_t height_ = 0;
  uint64_t length_ = 0;
  uint32_t next_record_ = 0;
  PackTag stage_{};  // the last item seen
  bool started_ = false;
  bool failed_ = false;
};

}  // namespace keel::ledger
