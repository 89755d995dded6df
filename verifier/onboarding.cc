// SPDX-License-Identifier: Apache-2.0
#include "verifier/onboarding.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/json_strict.h"
#include "crypto/hash.h"
#include "did/jose.h"
#include "ledger/pack.h"
#include "onboarding/limits.h"
#include "onboarding/messages.h"
#include "onboarding/problem.h"
#include "onboarding/transcript.h"
#include "vc/presentation.h"
#include "vc/types.h"
#include "verifier/incoming.h"

namespace keel::verifier {

using nlohmann::json;
using onboarding::Transcript;
namespace body = onboarding::body;
namespace proof = onboarding::proof;

namespace {

constexpr uint64_t kKeepPeersSeconds = 3600;  // a did:peer never changes: only memory is at stake

const std::string kThreadPrefix = "thread/";

std::string Key(std::string_view name) { return std::string(name); }

Result<uint64_t> SuiteOf(const Claim& claim) {
  KEEL_TRY(const crypto::KeyType type, AgreementTypeOf(claim));
  return type == crypto::KeyType::kP256 ? onboarding::kSuiteP256 : onboarding::kSuiteOkp;
}

Session* FindSession(ClaimSlot& slot, const std::string& thread, const std::string& device_pairwise) {
  for (Session& known : slot.sessions) {
    if (known.thread == thread && known.device_pairwise == device_pairwise) return &known;
  }
  return nullptr;
}

}  // namespace

// A reply of the same thread, as plaintext octets.
Result<std::string> WriteReply(const Onboarding::Incoming& in, onboarding::Message type, json body_members) {
  didcomm::Message message;
  message.id = didcomm::NewMessageId();
  message.type = std::string(onboarding::TypeOf(type));
  message.from = in.ours;
  message.to = {in.theirs};
  message.thid = in.message.Thread();
  body_members[Key(body::kV)] = 1;
  message.body = base::DumpJson(body_members);
  KEEL_TRY(std::string plaintext, message.Serialize());
  if (plaintext.size() > onboarding::kMaxPlaintext) {
    return Fail(Code::kTooLarge, "reply",
                message.type + " would have " + std::to_string(plaintext.size()) + " octets, a device takes " +
                    std::to_string(onboarding::kMaxPlaintext));
  }
  return plaintext;
}

Onboarding::Onboarding(Parts parts)
    : parts_(std::move(parts)), peer_resolver_(peer_method_, parts_.clock, {.ttl_seconds = kKeepPeersSeconds}) {}

Result<Onboarding::Incoming> Onboarding::Open(const std::string& envelope) {
  if (envelope.size() > onboarding::kMaxEnvelope) return Fail(Code::kTooLarge, "envelope");
  didcomm::UnpackOptions options;
  options.now = base::NowSeconds();
  options.agreements = &agreements_;
  options.require_encrypted = true;
  options.require_authenticated = true;
  KEEL_TRY(didcomm::Unpacked opened, didcomm::Unpack(envelope, parts_.keys, peer_resolver_, options));
  Incoming in;
  in.message = std::move(opened.message);
  in.plaintext = std::move(opened.plaintext);
  in.type = onboarding::MessageFromType(in.message.type);
  if (in.message.to.size() != 1) return Fail(Code::kWrongRecipient, "envelope");
  in.ours = in.message.to.front();
  in.theirs = in.message.from;
  in.slot = parts_.book.FindPairwise(in.ours);
  if (in.slot == nullptr) return Fail(Code::kNotFound, "envelope");
  KEEL_TRY(json members, in.message.ParseBody());
  in.parsed = std::make_shared<const json>(std::move(members));
  return in;
}

namespace {

// What could not be checked just now may be tried again.
bool PassesBy(Code code) {
  return code == Code::kUnreachable || code == Code::kTimeout || code == Code::kStale || code == Code::kIo ||
         code == Code::kNoSpace || code == Code::kUnavailable || code == Code::kBusy || code == Code::kClosed;
}

// How an error is told. To a hello: nothing but that it is refused. To a proof, which answers our own proof: whether a
// new session may help.
Result<std::string> Refusal(const Onboarding::Incoming& in, const Error& error) {
  if (PassesBy(error.code)) return WriteReply(in, onboarding::Message::kBusy, {{Key(body::kRetryAfter), 5}});
  if (in.type != onboarding::Message::kDeviceProof)
    return WriteReply(in, onboarding::Message::kRefused, json::object());
  const bool late = error.code == Code::kExpired || error.code == Code::kWrongState;
  const auto problem = late ? onboarding::Problem::kExpired : onboarding::Problem::kBadProof;
  return WriteReply(in, onboarding::Message::kProblem,
                    {{Key(body::kCode), onboarding::ProblemName(problem)}, {Key(body::kComment), ""}});
}

}  // namespace

Result<std::string> Onboarding::Handle(const std::string& envelope) {
  auto opened = Open(envelope);
  if (!opened) {
    refusals_.Log(base::LogLevel::kInfo, "didcomm.refused", {{"why", opened.error().Text()}});
    return Fail(Code::kRefused, "didcomm");
  }
  return Answer(*opened);
}

void Onboarding::Handle(const std::string& envelope, Later later) {
  auto opened = Open(envelope);
  if (!opened) {
    refusals_.Log(base::LogLevel::kInfo, "didcomm.refused", {{"why", opened.error().Text()}});
    return later(Fail(Code::kRefused, "didcomm"));
  }
  if (opened->type != onboarding::Message::kUnknown || parts_.relay == nullptr) return later(Answer(*opened));
  Relay::Letter letter;
  letter.message = std::move(opened->message);
  letter.ours = opened->ours;
  letter.theirs = opened->theirs;
  {
    const std::lock_guard lock(opened->slot->mutex);
    Claim& claim = opened->slot->claim;
    const bool bound = claim.device_pairwise == letter.theirs && claim.pairwise == letter.ours;
    letter.member = bound && claim.state == ClaimState::kOnboarded;
    if (bound) claim.seen = base::NowSeconds();
  }
  parts_.relay->Receive(letter, [this, ours = letter.ours, theirs = letter.theirs,
                                 give = std::move(later)](Result<std::string> plaintext) {
    if (!plaintext || plaintext->empty()) return give(std::move(plaintext));
    give(Seal(*plaintext, ours, theirs));
  });
}

Result<std::string> Onboarding::Answer(Incoming& in) {
  Reply reply = Fail(Code::kUnsupported, "message");
  {
    const std::lock_guard lock(in.slot->mutex);
    // What a handler could not make durable has not happened: a repeat must not be told that it has.
    Claim before = in.slot->claim;
    in.slot->claim.seen = base::NowSeconds();
    switch (in.type) {
      case onboarding::Message::kHello: reply = OnHello(in); break;
      case onboarding::Message::kDeviceProof: reply = OnDeviceProof(in); break;
      case onboarding::Message::kDone: reply = OnDone(in); break;
      case onboarding::Message::kContact: reply = OnContact(in); break;
      case onboarding::Message::kFirmwareAccept: reply = OnFirmwareAccept(in); break;
      case onboarding::Message::kFirmwareReport: reply = OnFirmwareReport(in); break;
      case onboarding::Message::kLifecycleAck: reply = OnLifecycleAck(in); break;
      default: break;
    }
    if (!reply) {
      refusals_.Log(base::LogLevel::kWarn, "onboarding.refused",
                    {{"device", in.slot->claim.did}, {"type", in.message.type}, {"why", reply.error().Text()}});
      // The question that waits for the owner, and its answer, stay what `why` says.
      in.slot->claim = std::move(before);
      const ClaimState state = in.slot->claim.state;
      if (state != ClaimState::kHeld && state != ClaimState::kRevoked && state != ClaimState::kReleased)
        in.slot->claim.problem = reply.error().Text();
      reply = Refusal(in, reply.error());
    }
  }
  KEEL_TRY(const std::string plaintext, std::move(reply));
  return Seal(plaintext, in.ours, in.theirs);
}

Result<std::string> Onboarding::Seal(const std::string& plaintext, const std::string& ours, const std::string& theirs) {
  didcomm::PackOptions options;
  options.agreements = &agreements_;
  options.random = &parts_.random;
  KEEL_TRY(didcomm::Packed packed,
           didcomm::PackAuthcryptOctets(plaintext, ours, theirs, parts_.keys, peer_resolver_, options));
  return std::move(packed.text);
}

Result<Onboarding::PackView> Onboarding::Pack(const std::string& thread, uint32_t from) {
  std::shared_ptr<const std::string> octets;
  if (const auto slot = parts_.book.FindThread(thread)) {
    const std::lock_guard lock(slot->mutex);
    for (const Session& session : slot->sessions) {
      if (session.thread == thread && !session.proofs.empty()) octets = session.proofs.back().pack;
    }
  } else {
    KEEL_TRY(const std::optional<std::string> kept, parts_.records.Session(kThreadPrefix + thread));
    if (!kept) return Fail(Code::kNotFound, "pack");
    std::string device;
    KEEL_TRY(const Session session, DecodeSession(*kept, device));
    if (!session.proofs.empty()) octets = session.proofs.back().pack;
  }
  if (octets == nullptr) return Fail(Code::kNotFound, "pack");
  KEEL_TRY(const ByteView rest, ledger::PackFrom(AsBytes(*octets), from));
  return PackView{octets, octets->size() - rest.size()};
}

void Onboarding::DropSessions(ClaimSlot& slot, size_t keep) {
  while (slot.sessions.size() > keep) {
    const std::string& thread = slot.sessions.front().thread;
    static_cast<void>(parts_.records.RemoveSession(kThreadPrefix + thread));
    parts_.book.DropThread(thread, slot);
    slot.sessions.pop_front();
  }
}

// M1 ------------------------------------------------------------------------------------------------------------------

Onboarding::Reply Onboarding::OnHello(Incoming& in) {
  ClaimSlot& slot = *in.slot;
  const Claim& claim = slot.claim;
  // The invitation's id is a secret that only who opened the rendezvous value knows.
  if (in.message.pthid != base::Base64Url(claim.invitation_id) || in.ours != claim.invited_as) {
    return Fail(Code::kUntrusted, "hello", "does not carry this invitation's id");
  }
  if (claim.state == ClaimState::kRevoked || claim.state == ClaimState::kReleased ||
      claim.state == ClaimState::kRetired) {
    return Fail(Code::kRefused, "hello", std::string("the device is ") + ClaimStateName(claim.state));
  }
  KEEL_TRY(const std::vector<std::string> versions, base::GetStrings(in.body(), body::kVersions.data()));
  if (std::find(versions.begin(), versions.end(), onboarding::kVersion1) == versions.end())
    return Fail(Code::kUnknownVersion, "hello");
  KEEL_TRY(const json* suites, base::GetArray(in.body(), body::kSuites.data()));
  KEEL_TRY(const uint64_t suite, SuiteOf(claim));
  if (std::find(suites->begin(), suites->end(), json(suite)) == suites->end())
    return Fail(Code::kUnsupported, "hello", "the device doesn't offer the suite of its own rendezvous key");
  KEEL_TRY(const Bytes32 nd, base::GetFixed<32>(in.body(), body::kNd.data()));
  KEEL_TRY(const std::optional<uint64_t> base_k, base::GetOptionalUint(in.body(), body::kK.data()));

  const std::string thread = in.message.Thread();
  const Bytes32 hello_hash = crypto::Sha256::Of(in.plaintext);
  Session* session = FindSession(slot, thread, in.theirs);
  if (session != nullptr && session->hello_hash != hello_hash)
    return Fail(Code::kConflict, "hello", "another hello in the same thread");
  if (session == nullptr) {
    if (thread.empty() || thread.size() > onboarding::kMaxMessageId) return Fail(Code::kMalformed, "hello", "thid");
    DropSessions(slot, onboarding::kMaxUnprovenSessions - 1);
    Session fresh;
    fresh.device_pairwise = in.theirs;
    fresh.thread = thread;
    fresh.hello_hash = hello_hash;
    Transcript transcript(AsBytes(claim.invitation));
    transcript.AddHash(hello_hash);
    fresh.th1 = transcript.value();
    slot.sessions.push_back(std::move(fresh));
    session = &slot.sessions.back();
    parts_.book.IndexThread(thread, in.slot);
  }
  const bool young = !session->proofs.empty() &&
                     session->proofs.back().pack_time + onboarding::kRepeatOwnerProofSeconds > base::NowSeconds();
  if (!young) {
    const uint32_t known_links =
        base_k ? static_cast<uint32_t>(std::min<uint64_t>(*base_k, UINT32_MAX)) : claim.base_links;
    auto proof = MakeOwnerProof(in, *session, base::Base64Url(nd), known_links);
    if (!proof) {
      // Only that the device was passed on is final. Anything else is ours or the registry's trouble, and a device that
      // hears `refused` would not come back.
      if (proof.error().code == Code::kConflict) return std::unexpected<Error>(proof.error());
      return Fail(Code::kUnavailable, "owner proof", proof.error().Text());
    }
    OwnerProof made = std::move(*proof);
    if (session->proofs.size() >= onboarding::kRememberedOwnerProofs) session->proofs.pop_front();
    session->proofs.push_back(std::move(made));
    KEEL_TRY_VOID(parts_.records.SaveSession(kThreadPrefix + thread, EncodeSession(*session, claim.did)));
  }
  return session->proofs.back().plaintext;
}

Result<OwnerProof> Onboarding::MakeOwnerProof(Incoming& in, const Session& session, const std::string& nd,
                                              uint32_t known_links) {
  const Claim& claim = in.slot->claim;
  OwnerProof made;
  KEEL_TRY(const ProofPack pack, parts_.prover.MakePack(claim, known_links));
  ByteArray<onboarding::kNonce> nonce{};
  KEEL_TRY_VOID(parts_.random.Fill(nonce));
  made.nonce = base::Base64Url(nonce);
  made.pack = std::make_shared<const std::string>(base::ToString(pack.sealed));
  made.pack_time = pack.time;

  vc::PresentationRequest request;
  request.holder = parts_.owner.did;
  request.audience = in.theirs;
  request.nonce = nd;
  request.iat = base::NowSeconds();
  request.exp = request.iat + onboarding::kProofLifeSeconds;
  const json extra = {{Key(proof::kPv), in.ours},
                      {Key(proof::kTh), base::Base64Url(session.th1)},
                      {Key(proof::kVcs), {base::Base64Url(crypto::Sha256::Of(claim.ownership_credential))}},
                      {Key(proof::kPack),
                       {{Key(proof::kPackLen), pack.length},
                        {Key(proof::kPackSha256), base::Base64Url(pack.sha256)},
                        {Key(proof::kPackKey), base::Base64Url(pack.key.ExposeSecret())}}},
                      {Key(proof::kWant), {{Key(proof::kWantEvidence), false}, {Key(proof::kWantFw), true}}}};
  request.extra = base::DumpJson(extra);
  KEEL_TRY(const std::string vp,
           vc::CreatePresentation(request, *parts_.owner.store, parts_.owner.auth, parts_.owner.auth_kid, true));
  KEEL_TRY(const uint64_t suite, SuiteOf(claim));
  KEEL_TRY(made.plaintext, WriteReply(in, onboarding::Message::kOwnerProof,
                                      {{Key(body::kSuite), suite},
                                       {Key(body::kNv), made.nonce},
                                       {Key(body::kVp), vp},
                                       {Key(body::kVc), claim.ownership_credential}}));
  Transcript transcript = Transcript::At(1, session.th1);
  transcript.Add(AsBytes(made.plaintext));
  made.th2 = transcript.value();
  return made;
}

// M3 ------------------------------------------------------------------------------------------------------------------

Result<Onboarding::DeviceProof> Onboarding::CheckDeviceProof(const Incoming& in, const Session& session,
                                                             const std::string& vp, const std::string& vc) {
  const std::string& device = in.slot->claim.did;
  KEEL_TRY(const did::Jws jws, did::Jws::Parse(vp));
  if (jws.typ != proof::kTyp) return Fail(Code::kMalformed, "device proof", "typ is not vp+jwt");
  KEEL_TRY(const json claims, base::ParseJson(jws.payload));
  KEEL_TRY(const std::string issuer, base::GetString(claims, proof::kIss.data()));
  if (issuer != device) return Fail(Code::kWrongSender, "device proof", "iss is not the device of this claim");
  // The key that signed must be a current authentication key of the device, by the registry.
  const auto resolution = parts_.resolver.Resolve(device);
  if (!resolution) return Fail(Code::kUnavailable, "device proof", resolution.error().Text());  // could not be checked
  const did::ResolutionResult& resolved = *resolution;
  if (resolved.deactivated) return Fail(Code::kDeactivated, "device proof", "the device's DID is deactivated");
  const crypto::PublicKey* key = nullptr;
  for (const did::VerificationMethod* method : resolved.document->All(did::Relationship::kAuthentication)) {
    if (jws.jwk.valid() ? method->key == jws.jwk : method->id == jws.kid) key = &method->key;
  }
  if (key == nullptr)
    return Fail(Code::kUntrusted, "device proof", "the signing key is no current authentication key of the device");
  KEEL_TRY(const bool signed_well, did::VerifyJws(jws, *key));
  if (!signed_well) return Fail(Code::kBadSignature, "device proof");

  KEEL_TRY(const std::string audience, base::GetString(claims, proof::kAud.data()));
  KEEL_TRY(const std::string nonce, base::GetString(claims, proof::kNonce.data()));
  KEEL_TRY(const std::string pairwise, base::GetString(claims, proof::kPd.data()));
  KEEL_TRY(const uint64_t issued, base::GetUint(claims, proof::kIat.data()));
  KEEL_TRY(const std::string th, base::GetString(claims, proof::kTh.data()));
  KEEL_TRY(const std::vector<std::string> credentials, base::GetStrings(claims, proof::kVcs.data()));
  if (audience != parts_.owner.did) return Fail(Code::kWrongAudience, "device proof");
  if (pairwise != in.theirs) return Fail(Code::kWrongSender, "device proof", "pd is not who sent it: a relayed proof");
  const UnixSeconds now = base::NowSeconds();
  if (!NotBeforeOk(issued, now) || !NotAfterOk(issued + onboarding::kProofLifeSeconds, now))
    return Fail(Code::kExpired, "device proof");
  if (credentials.size() != 1 || credentials.front() != base::Base64Url(crypto::Sha256::Of(vc))) {
    return Fail(Code::kConflict, "device proof", "vcs is not the hash of the credential beside it");
  }
  for (const OwnerProof& sent : session.proofs) {
    if (base::Base64Url(sent.th2) != th) continue;
    if (sent.nonce != nonce) return Fail(Code::kWrongNonce, "device proof");
    return DeviceProof{sent.th2};
  }
  return Fail(Code::kWrongTranscript, "device proof",
              "answers none of our last two proofs: a spliced or stale handshake");
}

Result<const Session*> Onboarding::SessionOf(Incoming& in) {
  ClaimSlot& slot = *in.slot;
  const std::string thread = in.message.Thread();
  if (const Session* session = FindSession(slot, thread, in.theirs)) return session;
  // A verifier that was restarted in between finds it beside its records.
  KEEL_TRY(const std::optional<std::string> kept, parts_.records.Session(kThreadPrefix + thread));
  if (!kept) return Fail(Code::kWrongState, "device proof", "no such session");
  std::string device;
  KEEL_TRY(Session session, DecodeSession(*kept, device));
  if (device != slot.claim.did || session.device_pairwise != in.theirs)
    return Fail(Code::kWrongState, "device proof", "no such session");
  DropSessions(slot, onboarding::kMaxUnprovenSessions - 1);
  slot.sessions.push_back(std::move(session));
  parts_.book.IndexThread(thread, in.slot);
  return &slot.sessions.back();
}

Onboarding::Reply Onboarding::OnDeviceProof(Incoming& in) {
  ClaimSlot& slot = *in.slot;
  Claim& claim = slot.claim;
  const std::string thread = in.message.Thread();
  const Bytes32 hash = crypto::Sha256::Of(in.plaintext);
  const bool bound_to_this = claim.device_pairwise == in.theirs && claim.thread == thread;
  if (bound_to_this && claim.proof_hash == hash && !claim.provision.empty()) return claim.provision;  // a repeat

  // P_V's key is found again by the invitation's id: a proof under an earlier invitation is of no use any more.
  if (in.ours != claim.invited_as) return Fail(Code::kWrongState, "device proof", "under an invitation that is over");

  KEEL_TRY(const Session* session, SessionOf(in));
  KEEL_TRY(const std::string vp, base::GetString(in.body(), body::kVp.data()));
  KEEL_TRY(const std::string vc, base::GetString(in.body(), body::kVc.data()));
  KEEL_TRY(const DeviceProof proven, CheckDeviceProof(in, *session, vp, vc));
  Transcript transcript = Transcript::At(2, proven.th2);
  transcript.AddHash(hash);

  // From here on the device has proved itself: problems are named to it.
  const UnixSeconds now = base::NowSeconds();
  const auto problem = [&](onboarding::Problem code, const std::string& comment) {
    return WriteReply(in, onboarding::Message::kProblem,
                      {{Key(body::kCode), onboarding::ProblemName(code)}, {Key(body::kComment), comment}});
  };
  const json batch = in.body().contains(Key(body::kBatch)) ? in.body()[Key(body::kBatch)] : json();
  json seen = json::object();
  if (const auto running = base::GetObject(in.body(), body::kFw.data())) {
    seen["firmware"] = **running;
    TakeFirmware(in.body(), claim);
  }
  const auto checked = parts_.hardware.Check(vc, batch, claim.did, claim.maker, seen, *parts_.settings.policy(), now);
  if (!checked)
    return Fail(Code::kUnavailable, "hardware credential", "could not be checked: " + checked.error().Text());
  const HardwareReport& report = *checked;
  claim.judgement = base::DumpJson(report.judgement.ToJson());
  claim.facts = report.facts;
  claim.changed = now;
  if (!report.judgement.accepted) {
    claim.problem = report.judgement.Sentence();
    base::LogWarn("onboarding.policy", {{"device", claim.did}, {"why", claim.problem}});
    KEEL_TRY_VOID(parts_.records.SaveClaim(claim));
    return problem(onboarding::Problem::kPolicy, "policy refuses; the owner's log says which rule");
  }
  const ClaimEvent event = claim.state == ClaimState::kClaimed ? ClaimEvent::kDeviceProof
                           : bound_to_this                     ? ClaimEvent::kDeviceProofAgain
                                                               : ClaimEvent::kDeviceProofOther;
  // Put out by the owner: proving itself again, or a copy's doing so, opens no question that was answered.
  if (!Step(claim, event)) return problem(onboarding::Problem::kRevoked, "the owner has put this device out");
  if (claim.state == ClaimState::kHeld) {
    claim.rival_pairwise = in.theirs;
    claim.problem =
        "clone or reset: the device has proved itself in a second session; decide with `keel-verifier decide " +
        claim.serial + " --reset|--clone`";
    base::LogError("onboarding.clone_or_reset", {{"device", claim.did}, {"serial", claim.serial}});
    KEEL_TRY_VOID(parts_.members.Remove(MemberId(claim.device_pairwise)));
    KEEL_TRY_VOID(parts_.records.SaveClaim(claim));
    return problem(onboarding::Problem::kClone, "held until the owner decides");
  }
  claim.device_pairwise = in.theirs;
  claim.pairwise = in.ours;
  claim.pairwise_id = claim.invitation_id;
  claim.thread = thread;
  claim.proof_hash = hash;
  claim.hardware_credential = vc;
  if (!report.firmware_version.empty()) claim.firmware_version = report.firmware_version;
  if (!report.model.empty()) claim.model = report.model;
  claim.problem.clear();
  return Provision(in, transcript.value());
}

}  // namespace keel::verifier
