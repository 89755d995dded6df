// SPDX-License-Identifier: Apache-2.0
#include "core/encoding.h"
#include "crypto/hash.h"
#include "device-wallet/core/jwt.h"
#include "device-wallet/core/wallet.h"
#include "onboarding/token.h"

namespace keel::wallet {

using onboarding::DeviceState;
using onboarding::Message;
namespace body = onboarding::body;
namespace order = onboarding::order;

namespace {

constexpr uint32_t kDefaultContactMs = 900'000;
constexpr uint64_t kSeqReserve = 16;  // numbers reserved by one write
constexpr size_t kOrderPayload = 640;

std::string_view OrderName(PendingOrder pending) {
  switch (pending) {
    case PendingOrder::kTransfer: return order::kOpTransfer;
    case PendingOrder::kWipe: return order::kOpWipe;
    case PendingOrder::kRetire: return order::kOpRetire;
    default: return {};
  }
}

}  // namespace

uint64_t Wallet::ContactInterval() const {
  if (contact_ms_ != 0) return contact_ms_;
  return state_.contact_ms != 0 ? state_.contact_ms : kDefaultContactMs;
}

Result<uint64_t> Wallet::NextSeq() {
  if (seq_next_ >= state_.seq_out) {
    state_.seq_out = seq_next_ + kSeqReserve;
    KEEL_TRY_VOID(SaveState());
  }
  return ++seq_next_;
}

Wallet::Talk Wallet::ChooseTalk() const {
  if (state_.order != PendingOrder::kNone) return Talk::kOrderDone;
  if (trial_) return Talk::kContact;
  if (firmware_.stage == FirmwareStage::kReport || firmware_.stage == FirmwareStage::kFailed) return Talk::kReport;
  if (firmware_.stage == FirmwareStage::kReceiving || OfferWanted()) return Talk::kAccept;
  return Talk::kContact;
}

Result<> Wallet::PrepareTalk() {
  talk_ = ChooseTalk();
  if (talk_ == Talk::kOrderDone && order_told_) return FinishOrder();
  KEEL_TRY(const uint64_t seq, NextSeq());
  KEEL_TRY_VOID(random_.Fill(talk_id_));
  const auto id = IdText(talk_id_);
  constexpr Message kTypes[] = {Message::kContact, Message::kFirmwareAccept, Message::kFirmwareReport,
                                Message::kLifecycleAck};
  JsonWriter w = MessageWriter();
  BeginMessage(w, kTypes[static_cast<size_t>(talk_)], id.view(), id.view(), {});
  w.Name(body::kSeq).Uint(seq).Name(body::kContact).Base64Url(state_.contact);
  switch (talk_) {
    case Talk::kContact:
      w.Name(body::kG).Uint(state_.generation);
      if (HasSlots()) WriteFirmware(w, body::kFw);
      break;
    case Talk::kAccept: {
      const bool goes_on = firmware_.stage == FirmwareStage::kReceiving;
      w.Name(body::kId).String(goes_on ? firmware_.id.view() : state_.offer.id.view());
      w.Name(body::kOffset).Uint(goes_on ? firmware_.offset : 0).Name(body::kBlock).Uint(BlockSize());
      break;
    }
    case Talk::kReport: {
      const bool good = firmware_.stage == FirmwareStage::kReport;
      const bool reverted = firmware_.status == static_cast<uint16_t>(Code::kRefused);
      w.Name(body::kId).String(firmware_.id.view());
      w.Name(body::kState).String(good ? body::kStateConfirmed : reverted ? body::kStateReverted : body::kStateFailed);
      if (!good) w.Name(body::kCode).String(CodeName(static_cast<Code>(firmware_.status)));
      KEEL_TRY(const keel_wallet_firmware current, Current());
      w.Name(body::kVersion).String(current.version).Name(body::kSequence).Uint(current.sequence);
      w.Name(body::kDigest).Base64Url(current.digest);
      break;
    }
    case Talk::kOrderDone:
      // Told once, before what it needs is gone; whether it arrived or not, the order is carried out.
      w.Name(body::kOf).String(OrderName(state_.order));
      order_told_ = true;
      break;
  }
  Bytes32 hash;
  return SendMessage(w, hash);
}

Result<> Wallet::OnTalkReply(const Received& m) {
  if (talk_ == Talk::kOrderDone) return FinishOrder();
  if (OnRefusal(m)) return {};
  const auto refuse = [this](const Error& error) -> Result<> {
    NoteRefused(error);
    BackOff(error, "the owner's answer");
    return std::unexpected<Error>(error);
  };
  constexpr Message kAnswers[] = {Message::kContactReply, Message::kFirmwareKey, Message::kFirmwareAck};
  if (m.type != kAnswers[static_cast<size_t>(talk_)]) return refuse(Fail(Code::kWrongState, "reply").error());
  const auto seq = m.body.GetUint(body::kSeq);
  if (!seq || *seq <= state_.seq_in) return refuse(Fail(Code::kReplayed, "reply seq").error());
  const auto next = m.body.GetFixed<onboarding::kContactSecret>(body::kNext);
  if (!next) return refuse(next.error());
  state_.seq_in = *seq;
  state_.contact = *next;
  contacted_ = true;
  contact_at_ = now_ + ContactInterval();

  Result<> handled;
  if (talk_ == Talk::kContact) handled = OnContactReply(m.body);
  if (talk_ == Talk::kAccept) handled = OnFirmwareKey(m);
  if (talk_ == Talk::kReport) {
    state_.offer = FirmwareOffer{};
    firmware_.stage = FirmwareStage::kNone;  // the id stays: the same offer is not taken again
  }
  if (!handled) NoteRefused(handled.error());
  const auto saved = SaveState();
  if (saved && talk_ == Talk::kReport) (void)records_.Save(RecordId::kFirmware, firmware_);
  if (!saved) {
    KEEL_TRY_VOID(Reload());
    BackOff(saved.error(), "own storage");
    return saved;
  }
  Succeeded();
  Resume();
  // An answer that led nowhere is not asked for again at once.
  if (!handled && talk_ == Talk::kAccept && firmware_.stage != FirmwareStage::kFailed)
    BackOff(handled.error(), "firmware");
  return handled;
}

// All that the owner has for us, in one reply. A part that is refused does not spoil the others.
Result<> Wallet::OnContactReply(const JsonView& json) {
  Result<> outcome;
  if (json.Has(body::kProvision)) {
    const auto renew = [&]() -> Result<> {
      KEEL_TRY(const JsonView part, json.Get(body::kProvision));
      KEEL_TRY(const Provision p, CheckProvision(part, state_.owner, state_.pd.view(), state_.generation, true));
      const uint8_t slot = state_.provision_slot == 1 ? 2 : 1;
      KEEL_TRY_VOID(records_.WriteRaw(slot == 1 ? RecordId::kProvisionA : RecordId::kProvisionB, AsBytes(part.raw())));
      state_.provision_slot = slot;
      state_.provision_hash = crypto::Sha256::Of(part.raw());
      state_.generation = p.generation;
      if (p.contact_ms != 0) state_.contact_ms = p.contact_ms;
      if (!p.offer.id.empty()) state_.offer = p.offer;
      Note(KEEL_EVENT_NOTICE, static_cast<int>(p.generation), "new provision");
      return {};
    };
    outcome = renew();
  }
  if (json.Has(body::kFw)) {
    const auto part = json.Get(body::kFw);
    if (part && part->kind() == JsonView::Kind::kObject) {
      const auto offer = ReadOffer(*part);
      if (offer) {
        state_.offer = *offer;
      } else {
        outcome = std::unexpected<Error>(offer.error());
      }
    }
  }
  if (json.Has(body::kMail)) {
    const auto waiting = json.GetUint(body::kMail);
    mail_waiting_ = waiting && *waiting > 0;
  }
  if (json.Has(body::kOrder)) {
    PendingOrder pending = PendingOrder::kNone;
    const auto checked = CheckOrder(json, pending);
    if (checked) {
      state_.order = pending;
      order_told_ = false;
    } else {
      outcome = checked;
    }
  }
  return outcome;
}

// Transfer, wipe and retire need O's own signature inside the envelope, bound to the active generation.
Result<> Wallet::CheckOrder(const JsonView& json, PendingOrder& pending) {
  KEEL_TRY(const std::string_view text, json.GetPlain(body::kOrder));
  KEEL_TRY(const Jwt jws, ParseJwt(text, order::kTyp));
  if (!jws.jwk.valid()) return Fail(Code::kMissing, "order jwk");
  KEEL_TRY(const Bytes32 hash, ledger::KeyHash(jws.jwk));
  bool known = false;
  for (size_t i = 0; i < state_.owner.key_count; ++i) {
    const OwnerKey& key = state_.owner.keys[i];
    if (key.hash == hash && (key.uses & ledger::kUseAuthentication) != 0) known = true;
  }
  if (!known) return Fail(Code::kUntrusted, "order key");
  KEEL_TRY_VOID(VerifyJwt(jws, jws.jwk));
  ByteArray<kOrderPayload> octets;
  KEEL_TRY(const JsonView p, DecodeJwtPayload(jws, octets));
  KEEL_TRY(const std::string_view iss, p.GetPlain(order::kIss));
  if (iss != state_.owner.did.view()) return Fail(Code::kUntrusted, "order iss");
  KEEL_TRY(const std::string_view aud, p.GetPlain(order::kAud));
  if (aud != state_.did.view()) return Fail(Code::kWrongAudience, "order");
  KEEL_TRY(const uint64_t seq, p.GetUint(order::kSeq));
  if (seq != state_.generation) return Fail(Code::kReplayed, "order seq");
  KEEL_TRY(const uint64_t exp, p.GetUint(order::kExp));
  if (time_known_ && !NotAfterOk(exp, Now())) return Fail(Code::kExpired, "order");
  KEEL_TRY(const std::string_view op, p.GetPlain(order::kOp));
  if (op == order::kOpWipe) {
    pending = PendingOrder::kWipe;
  } else if (op == order::kOpRetire) {
    pending = PendingOrder::kRetire;
  } else if (op == order::kOpTransfer) {
    // The new link spends the seal that is our base: else the notice is not about this device's ownership.
    ByteArray<ledger::kLinkRecord> link;
    ByteArray<ledger::kMaxPolicy> policy;
    ByteArray<ledger::kMaxSigs> sigs;
    KEEL_TRY(const size_t link_length, json.GetBase64Url(body::kLink, link));
    KEEL_TRY(const size_t policy_length, json.GetBase64Url(body::kPolicy, policy));
    KEEL_TRY(const size_t sigs_length, json.GetBase64Url(body::kSigs, sigs));
    ledger::ChainVerifier chain;
    chain.Start(state_.net, ledger::DeviceTag(state_.did.view()), state_.base);
    KEEL_TRY_VOID(chain.Link(ByteView(link).first(link_length), ByteView(policy).first(policy_length),
                             ByteView(sigs).first(sigs_length)));
    pending = PendingOrder::kTransfer;
  } else {
    return Fail(Code::kUnsupported, "order op");
  }
  return {};
}

Result<> Wallet::FinishOrder() {
  const PendingOrder pending = state_.order;
  if (pending == PendingOrder::kRetire) return Forget(DeviceState::kRetired, "retire");
  return Forget(DeviceState::kSeeking, pending == PendingOrder::kTransfer ? "transfer" : "wipe");
}

// Erases what belongs to the owner: one write of the state makes it so, then the records that it no longer names go.
// Identity, ownership base and what was known of the owner's history stay; a retired device keeps its name alone.
Result<> Wallet::Forget(DeviceState phase, const char* why) {
  // Gone for good with the write below; until then the record may still be the one that counts.
  StoredKey gone[4] = {state_.pd_private, state_.token_seed, {}, {}};
  Wipe(state_.pd_private);
  Wipe(state_.token_seed);
  Wipe(state_.contact);
  state_.pd.Clear();
  state_.pv.Clear();
  state_.url.Clear();
  state_.generation = 0;
  state_.provision_slot = 0;
  state_.provision_hash = {};
  state_.seq_out = 0;
  state_.seq_in = 0;
  state_.contact_ms = 0;
  state_.offer = FirmwareOffer{};
  state_.order = PendingOrder::kNone;
  state_.phase = phase;
  if (phase == DeviceState::kRetired) {
    for (size_t i = 0; i < state_.rendezvous.size(); ++i) {
      gone[2 + i] = state_.rendezvous[i].rp;
      Wipe(state_.rendezvous[i].rs);
      Wipe(state_.rendezvous[i].rp);
    }
    state_.rendezvous_count = 0;
  }
  const auto saved = SaveState();
  if (!saved) {
    for (StoredKey& key : gone) Wipe(key);
    KEEL_TRY_VOID(Reload());
    BackOff(saved.error(), "own storage");
    return saved;
  }
  for (StoredKey& key : gone) keys_.DropKey(key);
  (void)DropSession();
  firmware_ = FirmwareRecord{};
  trial_ = false;
  EraseUnreferenced();
  seq_next_ = 0;
  contacted_ = false;
  mail_waiting_ = false;
  mail_ack_.Clear();
  reply_ = PendingReply{};
  ping_ = PingWork{};
  order_told_ = false;
  refused_count_ = 0;
  refused_next_ = 0;
  tries_ = 0;
  Succeeded();
  Note(KEEL_EVENT_WIPED, 0, why);
  Resume();
  return {};
}

// Records that the state does not name (any more): after a power cut in Forget or between staging and activation.
void Wallet::EraseUnreferenced() {
  const bool seeking = state_.phase == DeviceState::kSeeking;
  const bool retired = state_.phase == DeviceState::kRetired;
  if (state_.phase == DeviceState::kFactory) return;
  if (!seeking) (void)records_.Erase(RecordId::kSession);
  if (state_.provision_slot != 1) (void)records_.Erase(RecordId::kProvisionA);
  if (state_.provision_slot != 2) (void)records_.Erase(RecordId::kProvisionB);
  if (state_.phase != DeviceState::kOnboarded) {
    (void)records_.Erase(RecordId::kFirmware);
    firmware_ = FirmwareRecord{};
  }
  (void)records_.Erase(RecordId::kCreate);
  if (retired) {
    Identity identity;
    if (state_.hardware && records_.Load(RecordId::kIdentity, identity)) {
      keys_.DropKey(identity.auth_seed);
      keys_.DropKey(identity.next_seed);
    }
    (void)records_.Erase(RecordId::kIdentity);
    (void)records_.Erase(RecordId::kCredential);
    (void)records_.Erase(RecordId::kBatch);
  }
}

Result<> Wallet::OwnerReset() {
  if (state_.phase == DeviceState::kFactory || state_.phase == DeviceState::kRetired)
    return Fail(Code::kWrongState, "reset");
  request_.active = false;
  request_.answering = false;
  return Forget(DeviceState::kSeeking, "reset");
}

Result<size_t> Wallet::SignToken(uint64_t now, std::string_view audience, uint32_t lifetime, std::span<char> out) {
  if (state_.phase != DeviceState::kOnboarded || state_.order != PendingOrder::kNone)
    return Fail(Code::kWrongState, "token");
  if (!time_known_) return Fail(Code::kUnavailable, "time");
  KEEL_TRY(const PeerDid self, ParsePeerDid(state_.pd.view()));
  FixedText<kMaxPeerKid> kid;
  kid.Set(self.did.view());
  kid.Append("#key-");
  kid.AppendUint(self.token_number);
  onboarding::TokenFields fields;
  fields.kid = kid.view();
  fields.aud = audience;
  fields.iat = time_.Now(now);
  fields.exp = fields.iat +
               (lifetime == 0 || lifetime > onboarding::kTokenLifeSeconds ? onboarding::kTokenLifeSeconds : lifetime);
  return onboarding::SignToken(fields, keys_, WalletKeys::kToken, out);
}

}  // namespace keel::wallet
