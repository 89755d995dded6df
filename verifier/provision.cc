// SPDX-License-Identifier: Apache-2.0
// The last messages of onboarding: M4 gives the device what it gets, M5 says that it has it.
#include <nlohmann/json.hpp>
#include <utility>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/json_strict.h"
#include "crypto/hash.h"
#include "onboarding/limits.h"
#include "onboarding/messages.h"
#include "onboarding/transcript.h"
#include "vc/schema/credentials.h"
#include "vc/types.h"
#include "verifier/incoming.h"
#include "verifier/onboarding.h"

namespace keel::verifier {

using nlohmann::json;
using onboarding::Transcript;
namespace body = onboarding::body;

namespace {

constexpr uint64_t kFleetCredentialLife = 365ull * 24 * 3600;

std::string Key(std::string_view name) { return std::string(name); }

}  // namespace

// M4 ------------------------------------------------------------------------------------------------------------------

json Onboarding::NetworkFor(const Claim& claim) const {
  const BrokerAddress broker = parts_.settings.broker();
  const std::string member = MemberId(claim.device_pairwise);
  if (broker.host.empty()) return json::object();
  return {{"mqtt",
           {{"host", broker.host},
            {"port", broker.port},
            {"client_id", member},
            {"username", member},
            {"topic_prefix", parts_.members.TopicOf(member)},
            {"audience", parts_.members.audience()},
            {"token_lifetime", onboarding::kTokenLifeSeconds}}}};
}

std::string Onboarding::BundleId(const Claim& claim) const {
  const Profile profile = parts_.settings.ProfileFor(claim.model);
  return base::Base64Url(crypto::Sha256::Of(profile.configuration + "\n" + std::to_string(profile.contact_seconds) +
                                            "\n" + base::DumpJson(NetworkFor(claim))));
}

Result<json> Onboarding::Bundle(Claim& claim, UnixSeconds now) {
  const Profile profile = parts_.settings.ProfileFor(claim.model);
  const std::string member = MemberId(claim.device_pairwise);
  vc::FleetRequest request;
  request.owner = parts_.owner.did;
  request.subject = claim.device_pairwise;
  request.fleet = parts_.members.fleet();
  request.name = member;
  request.profile = profile.model;
  request.topic = parts_.members.TopicOf(member);
  request.valid_from = now;
  request.valid_until = now + kFleetCredentialLife;
  KEEL_TRY(const std::string fleet_credential, vc::IssueOwnCredential(vc::FleetCredential(request), *parts_.owner.store,
                                                                      parts_.owner.auth, parts_.owner.auth_kid));
  KEEL_TRY(const crypto::PublicKey owner_key, parts_.owner.store->Public(parts_.owner.auth));
  KEEL_TRY(const json configuration, base::ParseJson(profile.configuration));
  json members = {{Key(body::kStage), body::kStageFull},           {Key(body::kFc), fleet_credential},
                  {Key(body::kFck), base::Multikey(owner_key)},    {Key(body::kNet), NetworkFor(claim)},
                  {Key(body::kInterval), profile.contact_seconds}, {Key(body::kConfig), configuration}};
  claim.provided = BundleId(claim);
  claim.fleet_until = request.valid_until;
  return members;
}

Onboarding::Reply Onboarding::Provision(Incoming& in, const Bytes32& th3) {
  Claim& claim = in.slot->claim;
  const UnixSeconds now = base::NowSeconds();
  KEEL_TRY_VOID(parts_.random.Fill(claim.next_contact_secret));
  claim.contact_secret = claim.next_contact_secret;
  claim.seq_in = claim.seq_out = 0;
  ++claim.generation;
  KEEL_TRY(json members, Bundle(claim, now));
  members[Key(body::kTh)] = base::Base64Url(th3);
  members[Key(body::kG)] = claim.generation;
  members[Key(body::kContact)] = base::Base64Url(claim.contact_secret);
  const auto release = parts_.firmware.Find(parts_.settings.ProfileFor(claim.model).firmware);
  if (release && release->sequence > claim.firmware_sequence) members[Key(body::kFw)] = release->Offer();
  KEEL_TRY(claim.provision, WriteReply(in, onboarding::Message::kProvision, std::move(members)));
  Transcript transcript = Transcript::At(3, th3);
  transcript.Add(AsBytes(claim.provision));
  claim.th4 = transcript.value();
  claim.changed = now;
  // Bound and stored in one write before it is sent: a second session finds the claim taken, a repeat gets these
  // octets.
  KEEL_TRY_VOID(parts_.records.SaveClaim(claim));
  parts_.book.Index(in.slot);
  return claim.provision;
}

// M5 ------------------------------------------------------------------------------------------------------------------

Onboarding::Reply Onboarding::OnDone(Incoming& in) {
  Claim& claim = in.slot->claim;
  if (in.theirs != claim.device_pairwise || in.ours != claim.pairwise || in.message.Thread() != claim.thread) {
    return Fail(Code::kWrongState, "done", "not the session that this claim is bound to");
  }
  KEEL_TRY(const Bytes32 rs, base::GetFixed<32>(in.body(), body::kRs.data()));
  KEEL_TRY(const std::string rp_text, base::GetString(in.body(), body::kRp.data()));
  KEEL_TRY(const crypto::PublicKey rp, crypto::PublicKey::FromMultikey(rp_text));
  const Bytes32 hash = crypto::Sha256::Of(in.plaintext);
  if (claim.done_hash == hash && !claim.acknowledgement.empty()) {
    // A power cut may have come when the claim was durable and custody was not: nobody has been told yet.
    KEEL_TRY_VOID(parts_.keep_rendezvous(claim.did, rs, rp).get());
    return claim.acknowledgement;
  }
  KEEL_TRY(const Bytes32 th, base::GetFixed<32>(in.body(), body::kTh.data()));
  if (th != claim.th4) return Fail(Code::kWrongTranscript, "done");
  KEEL_TRY(const uint64_t generation, base::GetUint(in.body(), body::kG.data()));
  if (generation != claim.generation) return Fail(Code::kConflict, "done", "another generation");
  if (const auto report = base::GetObject(in.body(), body::kReport.data())) TakeFirmware(**report, claim);
  Transcript transcript = Transcript::At(4, claim.th4);
  transcript.AddHash(hash);
  // A claim that is held because a second session proved itself lets the first one finish, but keeps it out of the
  // fleet.
  KEEL_TRY_VOID(Step(claim, ClaimEvent::kDone));
  const bool held = claim.state != ClaimState::kOnboarded;
  claim.rendezvous_secret = rs;
  ByteArray<crypto::kMaxMultikeyOctets> multikey{};
  KEEL_TRY(const size_t multikey_length, rp.ToMultikeyOctets(multikey));
  claim.rendezvous_key.assign(multikey.begin(), multikey.begin() + static_cast<std::ptrdiff_t>(multikey_length));
  claim.base_links = static_cast<uint32_t>(claim.links.size());
  claim.done_hash = hash;
  if (!held) claim.problem.clear();
  claim.changed = base::NowSeconds();
  KEEL_TRY(claim.acknowledgement,
           WriteReply(in, onboarding::Message::kAck, {{Key(body::kTh), base::Base64Url(transcript.value())}}));
  // The next invitation, for the day when somebody resets the device: under its new secrets.
  KEEL_TRY_VOID(parts_.book.Invite(claim));
  KEEL_TRY(const did::DidDocument device, did::ResolvePeer(claim.device_pairwise));
  const auto token_keys = device.All(did::Relationship::kAuthentication);
  // Two stores, one wait: M6 leaves when both are durable.
  std::future<Result<>> kept = parts_.keep_rendezvous(claim.did, rs, rp);
  std::future<Result<>> saved = parts_.records.BeginSaveClaim(claim);
  const Result<> kept_well = kept.get(), saved_well = saved.get();
  KEEL_TRY_VOID(kept_well);
  KEEL_TRY_VOID(saved_well);
  if (!held && !token_keys.empty()) {
    KEEL_TRY_VOID(parts_.members.Put(MemberId(claim.device_pairwise),
                                     {token_keys.front()->key, claim.device_pairwise, claim.fleet_until}));
  }
  parts_.book.Index(in.slot);
  parts_.book.Publish(in.slot);
  DropSessions(*in.slot, 0);
  base::LogInfo("onboarding.done", {{"device", claim.did}, {"serial", claim.serial}, {"thid", claim.thread}});
  return claim.acknowledgement;
}

}  // namespace keel::verifier
