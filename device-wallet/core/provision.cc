// SPDX-License-Identifier: Apache-2.0
#include "core/time.h"
#include "crypto/hash.h"
#include "device-wallet/core/jwt.h"
#include "device-wallet/core/wallet.h"

namespace keel::wallet {

using onboarding::DeviceState;
using onboarding::Message;
namespace body = onboarding::body;

namespace {

constexpr size_t kFleetPayload = onboarding::kMaxCredential * 3 / 4;
constexpr uint64_t kMaxContactSeconds = 7 * 24 * 3600;

}  // namespace

// FleetCredential: vc+jwt by an assertion key of O that stood in O's history at the pack's checkpoint, about our
// pairwise DID.
Result<> Wallet::CheckFleetCredential(std::string_view jwt, std::string_view key_text, const Owner& owner,
                                      std::string_view pd) {
  if (jwt.size() > onboarding::kMaxCredential) return Fail(Code::kTooLarge, "fleet credential");
  KEEL_TRY(const crypto::PublicKey key, crypto::PublicKey::FromMultikey(key_text));
  const Bytes32 hash = ledger::KeyHashOfText(key_text);
  bool known = false;
  for (size_t i = 0; i < owner.key_count; ++i) {
    if (owner.keys[i].hash == hash && (owner.keys[i].uses & ledger::kUseAssertion) != 0) known = true;
  }
  if (!known) return Fail(Code::kUntrusted, "fleet credential key");
  KEEL_TRY(const Jwt vc, ParseJwt(jwt, "vc+jwt"));
  KEEL_TRY_VOID(VerifyJwt(vc, key));
  ByteArray<kFleetPayload> octets;
  KEEL_TRY(const JsonView c, DecodeJwtPayload(vc, octets));
  KEEL_TRY(const std::string_view issuer, c.GetPlain("issuer"));
  if (issuer != owner.did.view()) return Fail(Code::kUntrusted, "fleet credential issuer");
  KEEL_TRY(const JsonView subject, c.Get("credentialSubject"));
  KEEL_TRY(const std::string_view id, subject.GetPlain("id"));
  if (id != pd) return Fail(Code::kWrongAudience, "fleet credential subject");
  // After a restart in the middle the time by which the pack was judged is a lower bound: enough to refuse what is
  // over.
  const UnixSeconds now = time_known_ ? Now() : session_.time;
  if (c.Has("validUntil")) {
    KEEL_TRY(const std::string_view until, c.GetPlain("validUntil"));
    KEEL_TRY(const UnixSeconds t, ParseRfc3339(until));
    if (!NotAfterOk(t, now)) return Fail(Code::kExpired, "fleet credential");
  }
  if (time_known_ && c.Has("validFrom")) {
    KEEL_TRY(const std::string_view from, c.GetPlain("validFrom"));
    KEEL_TRY(const UnixSeconds t, ParseRfc3339(from));
    if (!NotBeforeOk(t, now)) return Fail(Code::kNotYetValid, "fleet credential");
  }
  return {};
}

Result<Wallet::Provision> Wallet::CheckProvision(const JsonView& json, const Owner& owner, std::string_view pd,
                                                 uint32_t last_generation, bool renewal) {
  Provision p;
  KEEL_TRY(const uint64_t g, json.GetUint(body::kG));
  // M4 is fresh by its transcript; a renewal is ordered by this number alone.
  if (g > UINT32_MAX || (renewal ? g != uint64_t{last_generation} + 1 : g <= last_generation))
    return Fail(Code::kConflict, "provision generation");
  p.generation = static_cast<uint32_t>(g);
  KEEL_TRY(const std::string_view stage, json.GetPlain(body::kStage));
  const bool full = stage == body::kStageFull;
  if (!full && stage != body::kStageFirmwareFirst) return Fail(Code::kUnsupported, "provision stage");
  if (full || json.Has(body::kFc)) {
    KEEL_TRY(const std::string_view fc, json.GetPlain(body::kFc));
    KEEL_TRY(const std::string_view fck, json.GetPlain(body::kFck));
    KEEL_TRY_VOID(CheckFleetCredential(fc, fck, owner, pd));
  }
  if (json.Has(body::kFw)) {
    KEEL_TRY(const JsonView fw, json.Get(body::kFw));
    if (fw.kind() == JsonView::Kind::kObject) {
      KEEL_TRY(p.offer, ReadOffer(fw));
    }
  }
  if (json.Has(body::kInterval)) {
    KEEL_TRY(const uint64_t seconds, json.GetUint(body::kInterval));
    p.contact_ms = static_cast<uint32_t>((seconds > kMaxContactSeconds ? kMaxContactSeconds : seconds) * 1000);
  }
  if (json.raw().size() > KEEL_WALLET_RECORD_MAX) return Fail(Code::kTooLarge, "provision");
  return p;
}

// M4: staged in one record, which nothing names yet, and activated in one write of the state.
Result<> Wallet::OnProvision(const Received& m) {
  if (OnRefusal(m)) return {};
  const auto refuse = [this](const Error& error) -> Result<> {
    NoteRefused(error);
    BackOff(error, "a provision that can be used");
    return std::unexpected<Error>(error);
  };
  if (m.type != Message::kProvision) return refuse(Fail(Code::kWrongState, "awaited M4").error());
  const auto th = m.body.GetFixed<32>(body::kTh);
  if (!th || *th != transcript_.value()) return refuse(Fail(Code::kWrongTranscript, "M4").error());
  const auto contact = m.body.GetFixed<onboarding::kContactSecret>(body::kContact);
  if (!contact) return refuse(contact.error());
  const auto provision = CheckProvision(m.body, session_.owner, session_.pd.view(), state_.generation, false);
  if (!provision) return refuse(provision.error());

  const auto activate = [&]() -> Result<> {
    const std::string_view octets = m.body.raw();
    const uint8_t slot = state_.provision_slot == 1 ? 2 : 1;
    KEEL_TRY_VOID(records_.WriteRaw(slot == 1 ? RecordId::kProvisionA : RecordId::kProvisionB, AsBytes(octets)));
    KEEL_TRY_VOID(random_.Fill(state_.rendezvous[1].rs));
    {
      // Neither the pair in use nor one that an earlier owner may have got is overwritten before the state is.
      const StoredKey in_use[2] = {state_.rendezvous[0].rp, state_.rendezvous[1].rp};
      KEEL_TRY_VOID(
          keys_.MakeKey(WalletKeys::kRendezvousNew, state_.suite, state_.hardware, state_.rendezvous[1].rp, in_use));
    }
    state_.rendezvous_count = 2;
    transcript_.AddHash(m.hash);
    state_.th = transcript_.value();
    state_.thid = session_.thid;
    state_.phase = DeviceState::kActive;
    state_.generation = provision->generation;
    state_.provision_slot = slot;
    state_.provision_hash = crypto::Sha256::Of(octets);
    state_.owner = session_.owner;
    state_.pd_private = session_.pd_private;
    state_.token_seed = session_.token_seed;
    state_.pd = session_.pd;
    state_.pv = session_.pv;
    size_t count = 0;
    state_.url.Set(SessionUrl(session_url_, &count));
    state_.contact = *contact;
    state_.contact_ms = provision->contact_ms;
    state_.seq_out = 0;
    state_.seq_in = 0;
    state_.next_base = session_.base;
    state_.next_size = session_.checkpoint_size;
    state_.next_time = session_.time;
    state_.offer = provision->offer;
    state_.order = PendingOrder::kNone;
    return SaveState();
  };
  const auto activated = activate();
  if (!activated) {
    // Whether the write counts only the store knows: believe it, not memory.
    KEEL_TRY_VOID(Reload());
    if (state_.phase != DeviceState::kActive) {
      BackOff(activated.error(), "own storage");
      return activated;
    }
  }
  seq_next_ = state_.seq_out;
  (void)DropSession();
  Succeeded();
  Enter(KEEL_STEP_DONE);
  return {};
}

Result<> Wallet::Reload() {
  State stored;
  const auto loaded = records_.Load(RecordId::kState, stored);
  if (loaded) state_ = stored;
  return loaded;
}

// M5, repeated until M6.
Result<> Wallet::PrepareDone() {
  const auto thid = IdText(state_.thid);
  FixedText<32> id;
  id.Set(thid.view());
  id.Append(".5");
  JsonWriter w = MessageWriter();
  BeginMessage(w, Message::kDone, id.view(), thid.view(), {});
  w.Name(body::kTh).Base64Url(state_.th).Name(body::kG).Uint(state_.generation);
  w.Name(body::kRs).Base64Url(state_.rendezvous[1].rs);
  char rp[crypto::kMaxMultikeyText];
  KEEL_TRY(const crypto::PublicKey key, keys_.Public(WalletKeys::kRendezvousNew));
  KEEL_TRY(const size_t n, key.ToMultikey(rp));
  w.Name(body::kRp).String({rp, n});
  w.Name(body::kReport).BeginObject();
  if (HasSlots()) WriteFirmware(w, body::kFw);
  w.EndObject();
  transcript_ = onboarding::Transcript::At(4, state_.th);
  Bytes32 hash;
  KEEL_TRY_VOID(SendMessage(w, hash));
  transcript_.AddHash(hash);
  return {};
}

// M6: the base moves forward, the old rendezvous secrets go.
Result<> Wallet::OnAck(const Received& m) {
  if (OnRefusal(m)) return {};
  const auto th = m.body.GetFixed<32>(body::kTh);
  if (m.type != Message::kAck || !th || *th != transcript_.value()) {
    const Error error = Fail(Code::kWrongTranscript, "M6").error();
    NoteRefused(error);
    BackOff(error, "the owner's acknowledgement");
    return std::unexpected<Error>(error);
  }
  state_.phase = DeviceState::kOnboarded;
  state_.base = state_.next_base;
  if (state_.next_size > state_.largest_size) state_.largest_size = state_.next_size;
  const UnixSeconds floor = ledger::TimeFloor(build_time_, state_.next_time);
  if (floor > state_.floor) state_.floor = floor;
  StoredKey old = state_.rendezvous[0].rp;
  ScopedWipe wipe_old(old);
  Wipe(state_.rendezvous[0].rs);
  Wipe(state_.rendezvous[0].rp);
  state_.rendezvous[0] = state_.rendezvous[1];
  state_.rendezvous[1] = Rendezvous{};
  state_.rendezvous_count = 1;
  const auto saved = SaveState();
  if (!saved) {
    KEEL_TRY_VOID(Reload());
    if (state_.phase != DeviceState::kOnboarded) {
      BackOff(saved.error(), "own storage");
      return saved;
    }
  }
  if (saved) keys_.DropKey(old);
  Succeeded();
  contacted_ = true;
  contact_at_ = now_ + ContactInterval();
  FixedText<ledger::kMaxDid + 1> owner;
  owner.Set(state_.owner.did.view());
  owner.Append({"\0", 1});
  Note(KEEL_EVENT_ONBOARDED, 0, owner.view().data());
  Resume();
  return {};
}

}  // namespace keel::wallet
