// SPDX-License-Identifier: Apache-2.0
// PK: the proof pack, record by record (docs/formats/pack.md).
#include <new>

#include "device-wallet/core/work.h"

namespace keel::wallet {

Result<> Wallet::PreparePack() {
  size_t count = 0;
  SetUrl(SessionUrl(session_url_, &count), onboarding::kPackPath);
  url_.Append(IdText(session_.thid).view());
  url_.Append(onboarding::kFromQuery);
  url_.AppendUint(pack_started_ ? Work<PackWork>()->verifier.next_record() : 0);
  MakeRequest(KEEL_REQUEST_PACK, 0, ledger::SealedPackSize(ledger::kMaxPack));
  return {};
}

Result<> Wallet::BeginPack() {
  pack_head_used_ = 0;
  record_used_ = 0;
  record_size_ = 0;
  if (pack_started_) return {};
  auto* work = new (Work<PackWork>()) PackWork;
  KEEL_TRY_VOID(LoadMembers(work->members, Front()));
  KEEL_TRY(const size_t n, records_.ReadRaw(RecordId::kStampConfig, Front()));
  KEEL_TRY(const StampView stamp, ReadStamp(AsText(Front().first(n))));
  ledger::PackExpectation& e = work->expect;
  e.members = &work->members;
  e.device_tag = ledger::DeviceTag(state_.did.view());
  e.base = state_.base;
  e.owner = claim_.owner.view();
  e.owner_key = claim_.key_hash;
  e.owner_use = ledger::kUseAuthentication;
  e.cred = claim_.cred;
  e.freshness.largest_size = state_.largest_size;
  e.freshness.now = Now();
  e.freshness.max_age = stamp.stale;
  if (state_.owner.did.view() == claim_.owner.view()) {
    e.known_operations = state_.owner.operations;
    e.known_head = state_.owner.head;
  }
  static_assert(ledger::kMaxRecord + ledger::kOperationWork <= 4096, "both fit in front of the work area");
  e.work = message_.subspan(ledger::kMaxRecord, ledger::kOperationWork);
  e.length = claim_.pack_length;
  e.sha256 = claim_.pack_sha256;
  KEEL_TRY_VOID(work->verifier.Start(e, claim_.pack_key));
  pack_started_ = true;
  return {};
}

Result<> Wallet::FeedPack(ByteView data) {
  if (!pack_started_) return Fail(Code::kWrongState, "pack");
  auto* work = Work<PackWork>();
  while (!data.empty()) {
    if (pack_head_used_ < 2) {
      pack_head_[pack_head_used_++] = data[0];
      data = data.subspan(1);
      if (pack_head_used_ == 2) {
        record_size_ = static_cast<size_t>(pack_head_[0]) << 8 | pack_head_[1];
        record_used_ = 0;
        if (record_size_ < 16 || record_size_ > ledger::kMaxRecord) return Fail(Code::kTooLarge, "pack record");
      }
      continue;
    }
    const size_t want = record_size_ - record_used_;
    const size_t n = data.size() < want ? data.size() : want;
    std::memcpy(message_.data() + record_used_, data.data(), n);
    record_used_ += n;
    data = data.subspan(n);
    if (record_used_ < record_size_) continue;
    KEEL_TRY_VOID(work->verifier.Record(message_.first(record_size_)));
    pack_head_used_ = 0;
    record_used_ = 0;
  }
  return {};
}

Result<> Wallet::EndPack() {
  const Error error = request_.error;
  if (request_.refused) {
    const bool transport =
        error.code == Code::kUnreachable || error.code == Code::kBusy || error.code == Code::kHttpStatus;
    if (error.code == Code::kDecryptFailed) {
      // Altered on the way: as above, not the invitation's fault. From M1 on again.
      NoteRefused(error);
      pack_started_ = false;
      claimed_ = false;
      PassOver(error);
      return std::unexpected<Error>(error);
    }
    if (!transport) {
      NextValue(error);
      return std::unexpected<Error>(error);
    }
    if (pack_started_ && failing_) {
      // Twice without progress: ask for a new proof, as this one gets old.
      pack_started_ = false;
      claimed_ = false;
      PassOver(error);
      return std::unexpected<Error>(error);
    }
    BackOff(error, "the rest of the proof pack");
    return std::unexpected<Error>(error);
  }
  auto* work = Work<PackWork>();
  if (!work->verifier.complete()) {
    Error cut;
    cut.code = Code::kMissing;
    cut.where = "pack cut short";
    if (failing_) {
      NextValue(cut);
    } else {
      BackOff(cut, "the rest of the proof pack");
      wake_ = 0;
    }
    return {};
  }
  const auto result = work->verifier.Finish();
  if (!result) {
    NextValue(result.error());
    return std::unexpected<Error>(result.error());
  }
  const auto saved = OwnerProved(*result, work->verifier.owner_keys());
  work->~PackWork();
  if (!saved) BackOff(saved.error(), "own storage");
  return saved;
}

// Only now the owner is saved: from here on a restart goes on with M3.
Result<> Wallet::OwnerProved(const ledger::PackResult& result, std::span<const ledger::CurrentKey> keys) {
  Session next = session_;
  next.owner = Owner{};
  next.owner.did.Set(claim_.owner.view());
  next.owner.head = result.owner_head;
  next.owner.operations = result.owner_operations;
  for (const auto& key : keys) {
    if (next.owner.key_count < next.owner.keys.size())
      next.owner.keys[next.owner.key_count++] = {key.key_hash, key.uses};
  }
  next.base = result.chain;
  next.checkpoint_size = result.checkpoint_size;
  next.time = time_.at_send;
  next.th2 = claim_.th2;
  next.nv = claim_.nv;
  next.want = claim_.want;
  next.proof_iat = Now();
  next.stage = 2;
  const auto saved = records_.Save(RecordId::kSession, next);
  if (saved) session_ = next;
  Wipe(next.pd_private);
  Wipe(next.token_seed);
  if (!saved) return saved;
  claim_.pack_key = SecretBytes<32>();
  tries_ = 0;
  Succeeded();
  Enter(KEEL_STEP_PROOF);
  return {};
}

}  // namespace keel::wallet
