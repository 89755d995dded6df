// SPDX-License-Identifier: Apache-2.0
#include <new>

#include "crypto/hash.h"
#include "device-wallet/core/work.h"
#include "ledger/rendezvous.h"

namespace keel::wallet {

using onboarding::DeviceState;
namespace inv = onboarding::invitation;

namespace {

constexpr size_t kR0Limit = 64 * 1024;
constexpr uint8_t kForgetAfter = 16;  // polls without a value that wasn't refused: half a day at the longest backoff

}  // namespace

ByteSpan Wallet::Front() {
  return message_.first(message_.size() - (sizeof(R0Work) > sizeof(PackWork) ? sizeof(R0Work) : sizeof(PackWork)) -
                        alignof(R0Work) - alignof(PackWork));
}

Result<> Wallet::LoadMembers(ledger::MemberSet& members, ByteSpan scratch) {
  KEEL_TRY(const size_t n, records_.ReadRaw(RecordId::kDescriptor, scratch));
  const auto descriptor = ledger::ParseDescriptor(scratch.first(n));
  if (!descriptor) return std::unexpected<Error>(descriptor.error());
  auto set = ledger::MemberSetOf(*descriptor, state_.net);
  if (!set) return std::unexpected<Error>(set.error());
  members = *set;
  return {};
}

// R0 (docs/protocols/device-onboarding.md): time, newer epochs, invitations. Onboarded devices ask for the time alone.
Result<> Wallet::PrepareR0() {
  {
    KEEL_TRY(const size_t n, records_.ReadRaw(RecordId::kStampConfig, message_));
    KEEL_TRY(const StampView stamp, ReadStamp(AsText(message_.first(n))));
    if (endpoint_number_ >= stamp.endpoint_count) endpoint_number_ = 0;
    endpoint_.Set(stamp.endpoints[endpoint_number_]);
  }
  {
    // Its own record says which epoch we are in: the state may be a write behind.
    KEEL_TRY(const size_t n, records_.ReadRaw(RecordId::kDescriptor, message_));
    const auto descriptor = ledger::ParseDescriptor(message_.first(n));
    if (!descriptor) return std::unexpected<Error>(descriptor.error());
    state_.epoch = descriptor->epoch;
  }
  ledger::R0Query query;
  KEEL_TRY_VOID(random_.Fill(nonce_));
  query.nonce = nonce_;
  if (step_ == KEEL_STEP_RENDEZVOUS) {
    for (size_t i = 0; i < state_.rendezvous_count; ++i) {
      auto rs = SecretBytes<32>::CopyFrom(std::span<const uint8_t, 32>(state_.rendezvous[i].rs));
      query.indexes[query.count++] = ledger::RendezvousIndex(rs, state_.net);
    }
  }
  query.epoch = state_.epoch;
  query.size = state_.largest_size;
  KEEL_TRY(const size_t length, ledger::WriteR0Query(query, message_));
  nonce_ms_ = now_;
  SetUrl(endpoint_.view(), "/v1/r0");
  MakeRequest(KEEL_REQUEST_REGISTRY, length, kR0Limit);
  return {};
}

Result<> Wallet::BeginR0() {
  auto* work = new (Work<R0Work>()) R0Work;
  more_values_ = false;
  return LoadMembers(work->members, Front());
}

Result<> Wallet::FeedR0(ByteView data) {
  auto* work = Work<R0Work>();
  while (!data.empty()) {
    KEEL_TRY(const bool whole, work->reader.Feed(data));
    if (whole) KEEL_TRY_VOID(OnR0Item(work->reader.tag(), work->reader.body()));
  }
  return {};
}

Result<> Wallet::OnR0Item(uint8_t tag, ByteView body) {
  switch (static_cast<ledger::R0Tag>(tag)) {
    case ledger::R0Tag::kEpoch: return OnEpochPart(body);
    case ledger::R0Tag::kTime: return OnTime(body);
    case ledger::R0Tag::kValue: OnValue(body); return {};
  }
  return {};  // unknown items are passed over
}

// The step from our epoch to the next: collected at the buffer's front, verified, saved, and only then believed.
Result<> Wallet::OnEpochPart(ByteView body) {
  auto* work = Work<R0Work>();
  if (work->time_seen) return Fail(Code::kMalformed, "epoch after time");
  KEEL_TRY(const ledger::EpochPart part, ledger::ParseEpochPart(body));
  if (part.part != work->next_part) return Fail(Code::kMalformed, "epoch part");
  ByteSpan front = Front();
  if (part.octets.size() > front.size() - work->bundle) return Fail(Code::kTooLarge, "epoch bundle");
  std::memcpy(front.data() + work->bundle, part.octets.data(), part.octets.size());
  work->bundle += part.octets.size();
  if (++work->next_part < part.parts) return {};

  KEEL_TRY_VOID(TakeEpoch(front.first(work->bundle), front.subspan(work->bundle)));
  work->bundle = 0;
  work->next_part = 0;
  return LoadMembers(work->members, front);
}

// Roots first: descriptors are big, and none is on the stack any more when the anchor's history is replayed.
[[gnu::noinline]] Result<ledger::BundleStep> Wallet::CheckStep(const ledger::EpochBundle& bundle, ByteSpan rest) {
  KEEL_TRY(const size_t n, records_.ReadRaw(RecordId::kDescriptor, rest));
  const auto current = ledger::ParseDescriptor(rest.first(n));
  if (!current) return std::unexpected<Error>(current.error());
  return ledger::VerifyBundleStep(bundle, *current, state_.net);
}

// Before onboarding the manufacturer or an alternate endorses, after it the owner does.
[[gnu::noinline]] Result<ledger::EndorsedBy> Wallet::CheckEndorsement(const ledger::EpochBundle& bundle,
                                                                      const Bytes32& descriptor_hash, ByteSpan rest) {
  ledger::Anchor anchors[3];
  size_t count = 0;
  if (state_.phase == DeviceState::kOnboarded) {
    anchors[count++] = {state_.owner.did.view(), state_.owner.operations};
  } else {
    KEEL_TRY(const size_t stamp_length, records_.ReadRaw(RecordId::kStampConfig, rest));
    const auto stamp = ReadStamp(AsText(rest.first(stamp_length)));
    if (!stamp) return std::unexpected<Error>(stamp.error());
    rest = rest.subspan(stamp_length);
    for (size_t i = 0; i < 1u + stamp->alternate_count; ++i) {
      const uint32_t stamped = i < stamp->known_count ? stamp->known[i] : 1;
      const uint32_t known = state_.anchor_operations[i] > stamped ? state_.anchor_operations[i] : stamped;
      anchors[count++] = {i == 0 ? stamp->manufacturer : stamp->alternates[i - 1], known};
    }
  }
  return ledger::VerifyBundleEndorsement(bundle, state_.label.view(), state_.net, descriptor_hash,
                                         std::span<const ledger::Anchor>(anchors, count), rest);
}

// Verifies one step and saves it: the descriptor's record is what says which epoch we are in, so it is written last.
Result<> Wallet::TakeEpoch(ByteView bundle_octets, ByteSpan rest) {
  KEEL_TRY(const ledger::EpochBundle bundle, ledger::ParseEpochBundle(bundle_octets));
  KEEL_TRY(const ledger::BundleStep step, CheckStep(bundle, rest));
  KEEL_TRY(const ledger::EndorsedBy by, CheckEndorsement(bundle, step.descriptor_hash, rest));
  if (state_.phase != DeviceState::kOnboarded && by.anchor < 3 &&
      state_.anchor_operations[by.anchor] != by.operations) {
    state_.anchor_operations[by.anchor] = by.operations;
    KEEL_TRY_VOID(SaveState());
  }
  KEEL_TRY_VOID(records_.WriteRaw(RecordId::kDescriptor, bundle.descriptor));
  state_.epoch = step.epoch;
  Note(KEEL_EVENT_NOTICE, static_cast<int>(state_.epoch), "registry epoch accepted");
  return {};
}

Result<> Wallet::OnTime(ByteView body) {
  auto* work = Work<R0Work>();
  KEEL_TRY(const ledger::TimeAnswer answer, ledger::ParseTimeAnswer(body));
  KEEL_TRY(const UnixSeconds t, ledger::VerifyQuorumTime(answer, nonce_, work->members));
  const UnixSeconds floor = state_.floor > build_time_ ? state_.floor : build_time_;
  KEEL_TRY(time_, ledger::JudgeTime(t, nonce_ms_, now_, floor, false));
  time_known_ = true;
  work->time_seen = true;
  return {};
}

// A value that is not for us, or was refused before, is passed over in silence: anybody may put values there.
void Wallet::OnValue(ByteView body) {
  auto* work = Work<R0Work>();
  if (!work->time_seen || step_ != KEEL_STEP_RENDEZVOUS) return;
  if (!work->found.empty()) {
    more_values_ = true;
    return;
  }
  for (size_t i = 0; i < state_.rendezvous_count; ++i) {
    const auto rs = SecretBytes<32>::CopyFrom(std::span<const uint8_t, 32>(state_.rendezvous[i].rs));
    const auto opened = ledger::OpenInvitation(
        body, rs, state_.net, keys_, i == 0 ? WalletKeys::kRendezvous : WalletKeys::kRendezvousNew, work->found.room());
    if (!opened) continue;
    work->found.SetSize(*opened);
    const std::string_view text = work->found.view();
    const Bytes32 hash = crypto::Sha256::Of(text);
    if (WasRefused(hash) || WasSilent(hash)) {
      more_values_ = more_values_ || WasSilent(hash);
      work->found.Clear();
      return;
    }
    const auto good = CheckInvitation(text, Now());
    if (!good) {
      NoteRefused(good.error());
      work->found.Clear();
    }
    return;
  }
}

Result<> Wallet::CheckInvitation(std::string_view text, UnixSeconds now) const {
  if (text.size() > ledger::kMaxInvitation) return Fail(Code::kTooLarge, "invitation");
  KEEL_TRY(const JsonView json, JsonView::Parse(text));
  KEEL_TRY(const uint64_t v, json.GetUint(inv::kV));
  if (v != 1) return Fail(Code::kUnknownVersion, "invitation");
  KEEL_TRY_VOID(json.GetFixed<onboarding::kInvitationId>(inv::kId));
  KEEL_TRY(const std::string_view pv, json.GetPlain(inv::kPv));
  {
    KEEL_TRY(const PeerDid verifier, ParsePeerDid(pv));
    if (verifier.agreement.type() != AgreementType(state_.suite)) return Fail(Code::kUnsupported, "invitation suite");
  }
  KEEL_TRY(const JsonView urls, json.Get(inv::kUrl));
  if (urls.kind() != JsonView::Kind::kArray || urls.count() == 0) return Fail(Code::kMissing, "invitation url");
  JsonView url;
  for (auto items = urls.items(); items.Next(url);) {
    KEEL_TRY(const std::string_view plain, url.AsPlain());
    if (plain.size() > onboarding::kMaxUrl) return Fail(Code::kTooLarge, "invitation url");
  }
  KEEL_TRY(const uint64_t exp, json.GetUint(inv::kExp));
  if (!NotAfterOk(exp, now)) return Fail(Code::kExpired, "invitation");
  return {};
}

Result<> Wallet::EndR0() {
  if (request_.refused) {
    ++endpoint_number_;
    NoteRefused(request_.error);
    BackOff(request_.error, "registry");
    return std::unexpected<Error>(request_.error);
  }
  auto* work = Work<R0Work>();
  if (!work->reader.at_boundary() || !work->time_seen) {
    request_.refused = true;
    request_.error.code = Code::kMissing;
    request_.error.where = "registry answer without time";
    return EndR0();
  }
  if (step_ == KEEL_STEP_TIME) {
    Succeeded();
    Resume();
    return {};
  }
  // An invitation that came another way goes first; it waited for the time only.
  if (offered_ && session_.stage == 1) {
    Succeeded();
    Enter(KEEL_STEP_HELLO);
    return {};
  }
  if (work->found.empty() && silent_count_ > 0) {
    // Everybody was tried: from the newest on again, after a while.
    silent_count_ = 0;
    BackOff(last_error_, "the owner's service");
    return {};
  }
  if (work->found.empty()) {
    // Not for ever: what was refused may have been a lie on somebody else's line.
    if (refused_count_ > 0 && ++empty_handed_ >= kForgetAfter) {
      refused_count_ = refused_next_ = 0;
      empty_handed_ = 0;
    }
    Error none;
    none.code = Code::kNotFound;
    none.where = "no invitation";
    BackOff(none, "an owner's invitation");
    return {};
  }
  const auto started = StartSession(work->found.view());
  if (!started) {
    BackOff(started.error(), "own storage or random source");
    return started;
  }
  wake_ = 0;
  failing_ = false;
  Enter(KEEL_STEP_HELLO);
  return {};
}

// Saves the session before M1 goes out; the same invitation again goes on with the session it had.
Result<> Wallet::StartSession(std::string_view invitation) {
  claimed_ = false;
  pack_started_ = false;
  session_url_ = 0;
  if (session_.stage == 1 && session_.invitation.view() == invitation) return {};
  Session fresh;
  if (!fresh.invitation.Set(invitation)) return Fail(Code::kTooLarge, "invitation");
  KEEL_TRY(const JsonView json, JsonView::Parse(invitation));
  KEEL_TRY(const std::string_view pv, json.GetPlain(inv::kPv));
  if (!fresh.pv.Set(pv)) return Fail(Code::kTooLarge, "invitation pv");
  KEEL_TRY_VOID(random_.Fill(fresh.thid));
  KEEL_TRY_VOID(random_.Fill(fresh.nd));
  {
    // The session before stays good until this one is saved.
    KEEL_TRY(const crypto::PublicKey agreement, keys_.MakeKey(WalletKeys::kPairwise, state_.suite, state_.hardware,
                                                              fresh.pd_private, {&session_.pd_private, 1}));
    KEEL_TRY(const crypto::PublicKey token, keys_.MakeKey(WalletKeys::kToken, state_.suite, state_.hardware,
                                                          fresh.token_seed, {&session_.token_seed, 1}));
    KEEL_TRY(const PeerDid self, MakePeerDid(agreement, token));
    fresh.pd.Set(self.did.view());
  }
  fresh.epoch = state_.epoch;
  fresh.size = state_.largest_size;
  fresh.stage = 1;
  KEEL_TRY_VOID(records_.Save(RecordId::kSession, fresh));
  keys_.DropKey(session_.pd_private);
  keys_.DropKey(session_.token_seed);
  session_ = fresh;
  Wipe(fresh.pd_private);
  Wipe(fresh.token_seed);
  shared_known_ = false;
  return {};
}

bool Wallet::WasSilent(const Bytes32& hash) const {
  for (size_t i = 0; i < silent_count_; ++i) {
    if (silent_[i] == hash) return true;
  }
  return false;
}

bool Wallet::WasRefused(const Bytes32& hash) const {
  for (size_t i = 0; i < refused_count_; ++i) {
    if (refused_[i] == hash) return true;
  }
  return false;
}

void Wallet::RememberRefused() {
  refused_[refused_next_] = crypto::Sha256::Of(session_.invitation.view());
  refused_next_ = static_cast<uint8_t>((refused_next_ + 1) % refused_.size());
  if (refused_count_ < refused_.size()) ++refused_count_;
}

}  // namespace keel::wallet
