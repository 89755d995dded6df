// SPDX-License-Identifier: Apache-2.0
// device-lifecycle/1.0: what a device and its owner say to each other after onboarding
// (docs/protocols/device-onboarding.md).
#include <nlohmann/json.hpp>
#include <utility>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/json_strict.h"
#include "core/secret.h"
#include "crypto/hosted/jwk.h"
#include "did/jose.h"
#include "ledger/limits.h"
#include "onboarding/limits.h"
#include "onboarding/problem.h"
#include "verifier/incoming.h"

namespace keel::verifier {

using nlohmann::json;
namespace body = onboarding::body;

namespace {

std::string Key(std::string_view name) { return std::string(name); }

// How long before its end a FleetCredential is renewed at the next contact.
constexpr uint64_t kRenewBefore = 30ull * 24 * 3600;

bool InFleet(ClaimState state) { return state == ClaimState::kOnboarded; }

}  // namespace

Result<> Onboarding::Advance(Claim& claim, const json& members) {
  KEEL_TRY(const uint64_t seq, base::GetUint(members, body::kSeq.data()));
  KEEL_TRY(const Bytes32 contact, base::GetFixed<32>(members, body::kContact.data()));
  if (seq <= claim.seq_in)
    return Fail(Code::kReplayed, "lifecycle message",
                "seq " + std::to_string(seq) + " is not above " + std::to_string(claim.seq_in));
  // The device shows the newest secret that reached it: the last one given, or the one before when our last reply was
  // lost. A clone that was made earlier has neither.
  const bool newest = ConstantTimeEqual(contact, claim.next_contact_secret);
  if (!newest && !ConstantTimeEqual(contact, claim.contact_secret)) {
    claim.problem = "shows an old contact secret: a copy of the device may be about";
    return Fail(Code::kUntrusted, "lifecycle message", claim.problem);
  }
  claim.seq_in = seq;
  claim.contact_secret = contact;
  KEEL_TRY_VOID(parts_.random.Fill(claim.next_contact_secret));
  return {};
}

json Onboarding::Answered(Claim& claim) const {
  return {{Key(body::kSeq), ++claim.seq_out}, {Key(body::kNext), base::Base64Url(claim.next_contact_secret)}};
}

namespace {

Result<> CheckRelation(const Onboarding::Incoming& in) {
  const Claim& claim = in.slot->claim;
  if (in.theirs != claim.device_pairwise || in.ours != claim.pairwise) {
    return Fail(Code::kWrongSender, "lifecycle message", "not of the relation that this claim is bound to");
  }
  if (claim.state == ClaimState::kBound)
    return Fail(Code::kWrongState, "lifecycle message", "onboarding is not finished");
  return {};
}

// The device checks by itself that the link spends its base seal.
Result<> PutLink(const ChainLink& link, json& members) {
  ByteReader reader(link.item);
  members[Key(body::kLink)] = base::Base64Url(reader.Take(ledger::kLinkRecord));
  members[Key(body::kPolicy)] = base::Base64Url(reader.Take(reader.U16()));
  members[Key(body::kSigs)] = base::Base64Url(reader.Take(reader.left()));
  if (!reader.ok()) return Fail(Code::kCorrupt, "claim", "the link that passed the device on");
  return {};
}

}  // namespace

Onboarding::Reply Onboarding::OnContact(Incoming& in) {
  Claim& claim = in.slot->claim;
  KEEL_TRY_VOID(CheckRelation(in));
  KEEL_TRY(const uint64_t generation, base::GetUint(in.body(), body::kG.data()));
  if (generation >= UINT32_MAX) return Fail(Code::kOutOfRange, "contact", "generation");
  KEEL_TRY_VOID(Advance(claim, in.body()));
  TakeFirmware(in.body(), claim);
  // What the device has, not what we sent: a reply with a renewal may be lost, and the device takes the next number
  // only.
  const bool behind = generation < claim.generation;
  claim.generation = static_cast<uint32_t>(generation);
  json members = Answered(claim);
  const UnixSeconds now = base::NowSeconds();
  members[Key(body::kTime)] = now;
  if (parts_.relay != nullptr && InFleet(claim.state)) {
    if (const size_t waiting = parts_.relay->Waiting(claim.device_pairwise)) members[Key(body::kMail)] = waiting;
  }
  if (!claim.order.empty()) {
    KEEL_TRY(members[Key(body::kOrder)], SignOrder(claim, now));
    if (claim.order == onboarding::order::kOpTransfer) KEEL_TRY_VOID(PutLink(claim.passed_on, members));
  }
  // An order is bound to the generation that the device has when it reads it, so no renewal comes with it.
  if (InFleet(claim.state) && claim.order.empty()) {
    const Profile profile = parts_.settings.ProfileFor(claim.model);
    const auto release = parts_.firmware.Find(profile.firmware);
    const auto declined = base::GetObject(in.body(), body::kRefusedOffer.data());
    const auto declined_id = declined ? base::GetString(**declined, body::kId.data()) : Result<std::string>("");
    const bool refused = release && declined_id && *declined_id == base::Base64Url(release->manifest_digest);
    if (behind || claim.provided != BundleId(claim) || claim.fleet_until < now + kRenewBefore) {
      KEEL_TRY(json provision, Bundle(claim, now));
      provision[Key(body::kV)] = 1;
      provision[Key(body::kG)] = ++claim.generation;
      members[Key(body::kProvision)] = std::move(provision);
    }
    if (release && !refused && release->sequence > claim.firmware_sequence) members[Key(body::kFw)] = release->Offer();
  }
  claim.changed = base::NowSeconds();
  KEEL_TRY_VOID(parts_.records.SaveRelation(claim));
  if (InFleet(claim.state)) KEEL_TRY_VOID(parts_.members.Extend(MemberId(claim.device_pairwise), claim.fleet_until));
  return WriteReply(in, onboarding::Message::kContactReply, std::move(members));
}

Onboarding::Reply Onboarding::OnFirmwareAccept(Incoming& in) {
  Claim& claim = in.slot->claim;
  KEEL_TRY_VOID(CheckRelation(in));
  KEEL_TRY_VOID(Advance(claim, in.body()));
  if (!InFleet(claim.state))
    return Fail(Code::kWrongState, "firmware", std::string("the device is ") + ClaimStateName(claim.state));
  KEEL_TRY(const Bytes32 id, base::GetFixed<32>(in.body(), body::kId.data()));
  KEEL_TRY(const uint64_t largest, base::GetUint(in.body(), body::kBlock.data()));
  uint32_t block = onboarding::kFirmwareBlock;
  while (block > largest && block > onboarding::kMinFirmwareBlock) block /= 2;
  const Profile profile = parts_.settings.ProfileFor(claim.model);
  if (profile.firmware != base::Hex(id))
    return Fail(Code::kNotFound, "firmware", "the profile wants another release by now");
  KEEL_TRY(const json transfer, parts_.firmware.Begin(claim.did, profile.firmware, block));
  json members = Answered(claim);
  members.update(transfer);
  members[Key(body::kUrl)] = parts_.url + transfer[Key(body::kUrl)].get<std::string>();
  KEEL_TRY_VOID(parts_.records.SaveRelation(claim));
  return WriteReply(in, onboarding::Message::kFirmwareKey, std::move(members));
}

Onboarding::Reply Onboarding::OnFirmwareReport(Incoming& in) {
  Claim& claim = in.slot->claim;
  KEEL_TRY_VOID(CheckRelation(in));
  KEEL_TRY_VOID(Advance(claim, in.body()));
  KEEL_TRY(const std::string state, base::GetString(in.body(), body::kState.data()));
  KEEL_TRY(const std::string version, base::GetString(in.body(), body::kVersion.data()));
  KEEL_TRY(const uint64_t sequence, base::GetUint(in.body(), body::kSequence.data()));
  claim.firmware_version = version;
  claim.firmware_sequence = sequence;
  if (state == onboarding::body::kStateConfirmed) {
    claim.problem.clear();
  } else {
    claim.problem = "firmware: the device reports \"" + state + "\" and runs " + version;
    base::LogWarn("firmware.report", {{"device", claim.did}, {"state", state}, {"version", version}});
  }
  parts_.firmware.End(claim.did);
  json members = Answered(claim);
  claim.changed = base::NowSeconds();
  KEEL_TRY_VOID(parts_.records.SaveRelation(claim));
  return WriteReply(in, onboarding::Message::kFirmwareAck, std::move(members));
}

// The device is about to carry out the order: what it was to us is over, whatever becomes of the answer.
Onboarding::Reply Onboarding::OnLifecycleAck(Incoming& in) {
  Claim& claim = in.slot->claim;
  KEEL_TRY_VOID(CheckRelation(in));
  KEEL_TRY_VOID(Advance(claim, in.body()));
  KEEL_TRY(const std::string of, base::GetString(in.body(), body::kOf.data()));
  if (of != claim.order) return Fail(Code::kWrongState, "lifecycle ack", "no such order is waiting");
  KEEL_TRY_VOID(parts_.members.Remove(MemberId(claim.device_pairwise)));
  claim.order.clear();
  claim.changed = base::NowSeconds();
  if (of == onboarding::order::kOpRetire) {
    KEEL_TRY_VOID(Step(claim, ClaimEvent::kRetire));
  } else if (of == onboarding::order::kOpTransfer) {
    KEEL_TRY_VOID(Step(claim, ClaimEvent::kTransferred));
    claim.passed_on = {};  // it has forgotten us and looks for its next owner
  } else {
    KEEL_TRY_VOID(Step(claim, ClaimEvent::kWiped));
    // It may come back to us, or go to the next owner.
    if (claim.state == ClaimState::kClaimed) KEEL_TRY_VOID(parts_.book.Invite(claim));
  }
  KEEL_TRY_VOID(parts_.records.SaveClaim(claim));
  parts_.book.Index(in.slot);
  parts_.book.Publish(in.slot);
  return WriteReply(in, onboarding::Message::kLifecycleAck, Answered(claim));
}

void TakeFirmware(const json& report, Claim& claim) {
  const auto running = base::GetObject(report, body::kFw.data());
  if (!running) return;
  if (const auto version = base::GetString(**running, body::kVersion.data())) claim.firmware_version = *version;
  if (const auto sequence = base::GetUint(**running, body::kSequence.data())) claim.firmware_sequence = *sequence;
}

Result<std::string> Onboarding::SignOrder(const Claim& claim, UnixSeconds now) {
  namespace name = onboarding::order;
  KEEL_TRY(const crypto::PublicKey key, parts_.owner.store->Public(parts_.owner.auth));
  const json payload = {{Key(name::kIss), parts_.owner.did},
                        {Key(name::kAud), claim.did},
                        {Key(name::kOp), claim.order},
                        {Key(name::kSeq), claim.generation},
                        {Key(name::kIat), now},
                        {Key(name::kExp), now + onboarding::kProofLifeSeconds}};
  // The device compares the key with O's history that it knows; it doesn't resolve.
  const json header = {{"typ", name::kTyp}, {"jwk", crypto::PublicKeyToJwk(key)}};
  return did::SignJws(header, base::DumpJson(payload), *parts_.owner.store, parts_.owner.auth);
}

}  // namespace keel::verifier
