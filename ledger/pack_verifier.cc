// SPDX-License-Identifier: Apache-2.0
#include "crypto/aead.h"
#include "ledger/entry.h"
#include "ledger/map_proof.h"
#include "ledger/pack.h"
#include "ledger/pack_record.h"

// The device's side of packs. Each rule here stops one attack (docs/formats/pack.md lists them with their tests).
namespace keel::ledger {
namespace {

// CKPT STATE (LINK SPENT)* TAIL OP+ HEAD
bool MayFollow(PackTag before, PackTag tag) {
  switch (tag) {
    case PackTag::kCkpt: return before == PackTag{};
    case PackTag::kState: return before == PackTag::kCkpt;
    case PackTag::kLink:
    case PackTag::kTail: return before == PackTag::kState || before == PackTag::kSpent;
    case PackTag::kSpent: return before == PackTag::kLink;
    case PackTag::kOp: return before == PackTag::kTail || before == PackTag::kOp;
    case PackTag::kHead: return before == PackTag::kOp;
  }
  return false;
}

}  // namespace

Result<> PackVerifier::Start(const PackExpectation& expectation, const SecretBytes<32>& key) {
  started_ = false;
  if (expectation.members == nullptr || expectation.members->count == 0)
    return Fail(Code::kInvalidArgument, "pack members");
  if (expectation.length == 0 || expectation.length > kMaxPack) return Fail(Code::kTooLarge, "pack");
  KEEL_TRY_VOID(history_.Start(expectation.owner));
  chain_.Start(expectation.members->net, expectation.device_tag, expectation.base);
  expect_ = &expectation;
  key_ = key.Clone();
  digest_ = crypto::Sha256();
  size_ = 0;
  time_ = 0;
  height_ = 0;
  length_ = 0;
  next_record_ = 0;
  stage_ = PackTag{};
  failed_ = false;
  started_ = true;
  return {};
}

Result<> PackVerifier::Record(ByteSpan record) {
  if (!started_ || failed_) return Fail(Code::kWrongState, "pack");
  auto done = RecordInner(record);
  if (!done) {
    failed_ = true;
    return done;
  }
  ++next_record_;
  return {};
}

Result<> PackVerifier::RecordInner(ByteSpan record) {
  if (record.size() > kMaxRecord) return Fail(Code::kTooLarge, "pack record");
  KEEL_TRY(const size_t n, crypto::Xc20pDecrypt(key_.ExposeSecret(), PackRecordNonce(next_record_),
                                                PackRecordAad(expect_->length), record, record));
  const ByteView plain = ByteView(record).first(n);
  if (plain.empty()) return Fail(Code::kMalformed, "pack record: empty");
  length_ += plain.size();
  if (length_ > expect_->length) return Fail(Code::kConflict, "pack: longer than announced");
  digest_.Update(plain);
  ByteReader r(plain);
  while (r.left() > 0) {
    const PackTag tag = static_cast<PackTag>(r.U8());
    const ByteView body = r.Take(r.U16());
    if (!r.ok()) return Fail(Code::kMalformed, "pack record: not whole items");
    if (!MayFollow(stage_, tag)) return Fail(Code::kMalformed, "pack: order of items");
    KEEL_TRY_VOID(Item(tag, body));
    stage_ = tag;
  }
  return {};
}

Result<> PackVerifier::Item(PackTag tag, ByteView body) {
  switch (tag) {
    case PackTag::kCkpt: return OnCkpt(body);
    case PackTag::kState: return OnState(body);
    case PackTag::kLink: return OnLink(body);
    case PackTag::kSpent: return OnSpent(body);
    case PackTag::kTail:
      KEEL_TRY_VOID(chain_.Tail(body, root_));
      // The paper that M2 showed must be the last link's, whoever else signed it.
      if (chain_.end().k == 0 || chain_.end().cred != expect_->cred) {
        return Fail(Code::kUntrusted, "pack: the credential is not the last link's");
      }
      return {};
    case PackTag::kOp: return OnOp(body);
    case PackTag::kHead: return OnHead(body);
  }
  return Fail(Code::kMalformed, "pack item");
}

Result<> PackVerifier::OnCkpt(ByteView body) {
  KEEL_TRY(const Checkpoint checkpoint, ParseCheckpoint(body));
  KEEL_TRY(time_, VerifyCheckpoint(checkpoint, *expect_->members));
  size_ = checkpoint.size;
  root_ = checkpoint.root;
  return AcceptCheckpoint(size_, time_, expect_->freshness);
}

Result<> PackVerifier::OnState(ByteView body) {
  KEEL_TRY(const StateProof state, ParseStateProof(body));
  KEEL_TRY_VOID(VerifyStateProof(state, size_, root_));
  height_ = state.leaf.height;
  root_ = state.leaf.map_root;
  return {};
}

Result<> PackVerifier::OnLink(ByteView body) {
  ByteReader r(body);
  const ByteView link = r.Take(kLinkRecord);
  const ByteView policy = r.Take(r.U16());
  const ByteView sigs = r.Take(r.left());
  if (!r.done()) return Fail(Code::kMalformed, "pack link");
  return chain_.Link(link, policy, sigs);
}

Result<> PackVerifier::OnSpent(ByteView body) {
  ByteReader r(body);
  const uint64_t index = r.U64();
  const ByteView proof = r.Take(r.left());
  if (!r.done()) return Fail(Code::kMalformed, "pack spent");
  return chain_.Spent(index, proof, root_);
}

Result<> PackVerifier::OnOp(ByteView body) {
  ByteReader r(body);
  const uint64_t index = r.U64();
  const ByteView jws = r.Take(r.left());
  if (!r.done()) return Fail(Code::kMalformed, "pack operation");
  DidHistory::Options options;
  options.verify_create_signature = false;  // HEAD proves that the members anchored it
  options.work = expect_->work;
  KEEL_TRY_VOID(history_.Apply(index, jws, options));
  if (history_.count() == expect_->known_operations && history_.head() != expect_->known_head) {
    return Fail(Code::kConflict, "pack: not the owner's history that we knew");
  }
  return {};
}

Result<> PackVerifier::OnHead(ByteView body) {
  return VerifyPresent(body, root_, DidKey(expect_->owner), history_.MapValue());
}

Result<PackResult> PackVerifier::Finish() {
  if (!started_ || failed_) return Fail(Code::kWrongState, "pack");
  failed_ = true;  // whatever comes out, the object is used up
  if (stage_ != PackTag::kHead || length_ != expect_->length) return Fail(Code::kMissing, "pack: cut short");
  if (digest_.Final() != expect_->sha256) return Fail(Code::kConflict, "pack digest");
  if (history_.count() < expect_->known_operations)
    return Fail(Code::kStale, "pack: the owner's history is shorter than known");
  if (history_.deactivated()) return Fail(Code::kDeactivated, "pack: the owner's DID");
  if (!history_.IsCurrent(expect_->owner_key, expect_->owner_use)) {
    return Fail(Code::kUntrusted, "pack: the proof's key is not a current key of the owner");
  }
  PackResult result;
  result.chain = chain_.end();
  result.checkpoint_size = size_;
  result.checkpoint_time = time_;
  result.state_height = height_;
  result.owner_head = history_.head();
  result.owner_operations = history_.count();
  Wipe(key_.MutableSecret());
  return result;
}

}  // namespace keel::ledger
