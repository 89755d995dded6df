// SPDX-License-Identifier: Apache-2.0
#include "core/encoding.h"
#include "crypto/hash.h"
#include "device-wallet/core/jwt.h"
#include "device-wallet/core/wallet.h"
#include "onboarding/problem.h"

namespace keel::wallet {

using onboarding::Message;
namespace hdr = onboarding::header;
namespace body = onboarding::body;
namespace proof = onboarding::proof;
namespace inv = onboarding::invitation;

namespace {

constexpr std::string_view kPlainTyp = "application/didcomm-plain+json";
constexpr uint8_t kWantEvidence = 1, kWantFirmware = 2;

bool IsOneText(const Result<JsonView>& array, std::string_view text) {
  if (!array || array->kind() != JsonView::Kind::kArray || array->count() != 1) return false;
  JsonView item;
  auto items = array->items();
  items.Next(item);
  const auto plain = item.AsPlain();
  return plain && *plain == text;
}

// The only element of an array of base64url hashes.
Result<Bytes32> OneHash(const JsonView& json, std::string_view name) {
  KEEL_TRY(const JsonView array, json.Get(name));
  if (array.kind() != JsonView::Kind::kArray || array.count() != 1) return Fail(Code::kMalformed, "proof vcs");
  JsonView item;
  auto items = array.items();
  items.Next(item);
  KEEL_TRY(const std::string_view text, item.AsPlain());
  Bytes32 hash;
  KEEL_TRY(const size_t n, Base64UrlDecode(text, hash));
  if (n != hash.size()) return Fail(Code::kMalformed, "proof vcs");
  return hash;
}

// A view's own octets, writable: it points into the message buffer.
ByteSpan Writable(ByteSpan buffer, std::string_view part) {
  return buffer.subspan(static_cast<size_t>(reinterpret_cast<const uint8_t*>(part.data()) - buffer.data()),
                        part.size());
}

}  // namespace

Result<EnvelopePeers> Wallet::Peers(Kids& kids) {
  EnvelopePeers peers;
  peers.self.type = AgreementType(state_.suite);
  peers.self.store = &keys_;
  peers.self.key = WalletKeys::kPairwise;
  {
    KEEL_TRY(const PeerDid self, ParsePeerDid(OwnPairwise()));
    kids.own = AgreementKid(self);
  }
  KEEL_TRY(const PeerDid peer, ParsePeerDid(PeerPairwise()));
  kids.peer = AgreementKid(peer);
  peers.self.kid = kids.own.view();
  peers.peer = {kids.peer.view(), peer.agreement};
  if (!shared_known_) {
    KEEL_TRY(shared_, keys_.Agree(WalletKeys::kPairwise, peer.agreement));
    shared_known_ = true;
  }
  peers.static_shared = &shared_;
  return peers;
}

JsonWriter Wallet::MessageWriter() {
  const size_t n = message_.size() < onboarding::kMaxPlaintext ? message_.size() : onboarding::kMaxPlaintext;
  return JsonWriter({reinterpret_cast<char*>(message_.data()), n});
}

void Wallet::BeginMessage(JsonWriter& w, Message type, std::string_view id, std::string_view thid,
                          std::string_view pthid) {
  w.BeginObject()
      .Name(hdr::kId)
      .String(id)
      .Name("typ")
      .String(kPlainTyp)
      .Name(hdr::kType)
      .String(onboarding::TypeOf(type));
  w.Name(hdr::kFrom).String(OwnPairwise()).Name(hdr::kTo).BeginArray().String(PeerPairwise()).EndArray();
  w.Name(hdr::kThid).String(thid);
  if (!pthid.empty()) w.Name(hdr::kPthid).String(pthid);
  w.Name("return_route").String("all");
  w.Name(hdr::kBody).BeginObject().Name(body::kV).Uint(1);
}

Result<> Wallet::SendMessage(JsonWriter& w, Bytes32& plaintext_hash) {
  w.EndObject().EndObject();
  if (!w.ok()) return Fail(Code::kTooLarge, "message");
  plaintext_hash = crypto::Sha256::Of(w.text());
  Kids kids;
  KEEL_TRY(const EnvelopePeers peers, Peers(kids));
  KEEL_TRY(const size_t n, PackAuthcrypt(peers, random_, message_, w.size()));
  size_t count = 0;
  const std::string_view url = session_.stage != 0 ? SessionUrl(session_url_, &count) : state_.url.view();
  SetUrl(url, onboarding::kMessagePath);
  MakeRequest(KEEL_REQUEST_DIDCOMM, n, message_.size());
  return {};
}

Result<Wallet::Received> Wallet::Receive(std::string_view thid) {
  if (request_.used == 0) return Fail(Code::kMissing, "empty answer");
  Received m;
  {
    Kids kids;
    KEEL_TRY(const EnvelopePeers peers, Peers(kids));
    KEEL_TRY(m.plaintext, UnpackAuthcrypt(peers, message_.first(request_.used)));
  }
  if (m.plaintext.size() > onboarding::kMaxPlaintext) return Fail(Code::kTooLarge, "plaintext");
  m.hash = crypto::Sha256::Of(m.plaintext);
  KEEL_TRY(const JsonView json, JsonView::Parse(AsText(m.plaintext)));
  KEEL_TRY(const std::string_view from, json.GetPlain(hdr::kFrom));
  if (from != PeerPairwise()) return Fail(Code::kWrongSender, "message from");
  if (!IsOneText(json.Get(hdr::kTo), OwnPairwise())) return Fail(Code::kWrongRecipient, "message to");
  KEEL_TRY(const std::string_view got_thid, json.GetPlain(hdr::kThid));
  if (got_thid != thid) return Fail(Code::kReplayed, "message thid");
  KEEL_TRY(const std::string_view type, json.GetPlain(hdr::kType));
  m.type = onboarding::MessageFromType(type);
  if (m.type == Message::kUnknown) {
    return Fail(onboarding::IsOtherVersion(type) ? Code::kUnknownVersion : Code::kUnsupported, "message type");
  }
  if (json.Has(hdr::kExpires) && time_known_) {
    KEEL_TRY(const uint64_t expires, json.GetUint(hdr::kExpires));
    if (!NotAfterOk(expires, Now())) return Fail(Code::kExpired, "message");
  }
  if (json.Has(hdr::kBody)) {
    KEEL_TRY(m.body, json.Get(hdr::kBody));
  }
  return m;
}

std::string_view Wallet::SessionUrl(size_t i, size_t* count) const {
  const auto json = JsonView::Parse(session_.invitation.view());
  if (!json) return {};
  const auto urls = json->Get(inv::kUrl);
  if (!urls) return {};
  *count = urls->count();
  JsonView url;
  size_t n = 0;
  for (auto items = urls->items(); items.Next(url); ++n) {
    if (n != i) continue;
    const auto plain = url.AsPlain();
    return plain ? *plain : std::string_view{};
  }
  return {};
}

Result<> Wallet::DropSession() {
  // What became the relation's keys is the state's now.
  if (session_.pd_private != state_.pd_private) {
    keys_.DropKey(session_.pd_private);
    keys_.DropKey(session_.token_seed);
  }
  Wipe(session_.pd_private);
  Wipe(session_.token_seed);
  session_ = Session{};
  claimed_ = false;
  pack_started_ = false;
  shared_known_ = false;
  offered_ = false;
  claim_.pack_key = SecretBytes<32>();
  return records_.Erase(RecordId::kSession);
}

void Wallet::NextValue(const Error& error) {
  NoteRefused(error);
  RememberRefused();
  (void)DropSession();
  if (++tries_ >= onboarding::kMaxTriesPerPoll) {
    tries_ = 0;
    BackOff(error, "another invitation");
  } else {
    wake_ = 0;
  }
  Enter(KEEL_STEP_RENDEZVOUS);
}

void Wallet::OnNoAnswer() {
  const Error error = request_.error;
  const bool transport = error.code == Code::kUnreachable || error.code == Code::kHttpStatus ||
                         error.code == Code::kBusy || error.code == Code::kMissing;
  if (step_ != KEEL_STEP_HELLO) {
    if (!transport) NoteRefused(error);
    // An order is carried out whether the last word arrived or not.
    if (step_ == KEEL_STEP_CONTACT && talk_ == Talk::kOrderDone) {
      (void)FinishOrder();
      return;
    }
    BackOff(error, "the owner's service");
    return;
  }
  // What doesn't come from P_V in this session says nothing about the invitation: anybody on the line can send it, and
  // must not make the device forget its owner.
  if (!transport) NoteRefused(error);
  size_t count = 0;
  (void)SessionUrl(0, &count);
  if (++session_url_ < count) {
    wake_ = 0;
    return;
  }
  PassOver(error);
}

void Wallet::PassOver(const Error& error) {
  session_url_ = 0;
  // The session stays: the same invitation goes on with it, unless another value comes first.
  if (more_values_ && !offered_ && silent_count_ < silent_.size()) {
    silent_[silent_count_++] = crypto::Sha256::Of(session_.invitation.view());
    last_error_ = error;
    wake_ = 0;
  } else {
    silent_count_ = 0;
    BackOff(error, "the owner's service");
  }
  Enter(KEEL_STEP_RENDEZVOUS);
}

bool Wallet::OnRefusal(const Received& m) {
  Error error;
  if (m.type == Message::kBusy) {
    error.code = Code::kBusy;
    error.where = "verifier is busy";
    if (step_ == KEEL_STEP_HELLO) {
      // Whoever holds us off here has proved nothing yet.
      const bool others = more_values_;
      PassOver(error);
      if (others) return true;
    } else {
      BackOff(error, "the owner's service");
    }
    const auto retry = m.body.GetUint(body::kRetryAfter);
    if (retry && *retry <= 3600) WaitAtLeast(*retry * 1000);
    return true;
  }
  if (m.type != Message::kRefused && m.type != Message::kProblem) return false;
  error.code = Code::kRefused;
  error.where = "verifier refused";
  if (m.type == Message::kRefused && step_ == KEEL_STEP_HELLO) {
    NextValue(error);
    return true;
  }
  if (step_ == KEEL_STEP_HELLO) return false;  // no codes before mutual proof
  const auto code =
      m.type == Message::kProblem ? m.body.GetPlain(body::kCode) : Result<std::string_view>(std::string_view{});
  const auto problem = code ? onboarding::ProblemFromName(*code) : onboarding::Problem::kInternal;
  NoteRefused(error);
  // Only a proof that is too old, or of a session that the verifier does not know, makes a new session better than
  // patience.
  if (step_ == KEEL_STEP_PROOF &&
      (problem == onboarding::Problem::kExpired || problem == onboarding::Problem::kBadProof)) {
    (void)DropSession();
    BackOff(error, "a new session");
    Enter(KEEL_STEP_RENDEZVOUS);
    return true;
  }
  BackOff(error, "the owner's decision");
  const auto retry = m.body.GetUint(body::kRetryAfter);
  if (retry && *retry <= 3600) WaitAtLeast(*retry * 1000);
  return true;
}

Result<> Wallet::PrepareHello() {
  KEEL_TRY(const JsonView invitation, JsonView::Parse(session_.invitation.view()));
  KEEL_TRY(const std::string_view pthid, invitation.GetPlain(inv::kId));
  const auto thid = IdText(session_.thid);
  JsonWriter w = MessageWriter();
  BeginMessage(w, Message::kHello, thid.view(), thid.view(), pthid);
  w.Name(body::kVersions).BeginArray().String(onboarding::kVersion1).EndArray();
  w.Name(body::kSuites).BeginArray().Uint(state_.suite).EndArray();
  w.Name(body::kNd)
      .Base64Url(session_.nd)
      .Name(body::kEpoch)
      .Uint(session_.epoch)
      .Name(body::kSize)
      .Uint(session_.size);
  w.Name(body::kK).Uint(state_.base.k).Name(body::kBuf).Uint(message_.size());
  transcript_ = onboarding::Transcript(AsBytes(session_.invitation.view()));
  Bytes32 hash;
  KEEL_TRY_VOID(SendMessage(w, hash));
  transcript_.AddHash(hash);
  return {};
}

Result<> Wallet::OnOwnerProof(const Received& m) {
  if (OnRefusal(m)) return {};
  const auto checked =
      m.type == Message::kOwnerProof ? CheckOwnerProof(m) : Result<>(Fail(Code::kWrongState, "awaited M2"));
  if (!checked) {
    NextValue(checked.error());
    return checked;
  }
  claimed_ = true;
  pack_started_ = false;
  wake_ = 0;
  Enter(KEEL_STEP_PACK);
  return {};
}

// M2, on arrival (section 8): everything that needs no ledger. Decoding payloads in place destroys the plaintext; its
// hash is taken.
Result<> Wallet::CheckOwnerProof(const Received& m) {
  KEEL_TRY(const uint64_t suite, m.body.GetUint(body::kSuite));
  if (suite != state_.suite) return Fail(Code::kUnsupported, "M2 suite");
  KEEL_TRY(claim_.nv, m.body.GetFixed<onboarding::kNonce>(body::kNv));
  KEEL_TRY(const std::string_view vp_text, m.body.GetPlain(body::kVp));
  KEEL_TRY(const std::string_view vc_text, m.body.GetPlain(body::kVc));
  if (m.body.Has(body::kDc)) return Fail(Code::kUnsupported, "M2 delegation");
  KEEL_TRY(const Jwt vp, ParseJwt(vp_text, proof::kTyp));
  if (!vp.jwk.valid()) return Fail(Code::kMissing, "M2 jwk");
  KEEL_TRY_VOID(VerifyJwt(vp, vp.jwk));
  KEEL_TRY(const Jwt vc, ParseJwt(vc_text, "vc+jwt"));
  claim_.cred = crypto::Sha256::Of(vc_text);
  KEEL_TRY(claim_.key_hash, ledger::KeyHash(vp.jwk));

  {
    KEEL_TRY(const JsonView p, DecodeJwtPayload(vp, Writable(message_, vp.payload)));
    KEEL_TRY(const std::string_view iss, p.GetPlain(proof::kIss));
    KEEL_TRY_VOID(ledger::ParseDidOf(iss, state_.label.view()));
    if (!claim_.owner.Set(iss)) return Fail(Code::kTooLarge, "M2 iss");
    KEEL_TRY(const std::string_view aud, p.GetPlain(proof::kAud));
    if (aud != session_.pd.view()) return Fail(Code::kWrongAudience, "M2");
    KEEL_TRY(const Bytes32 nonce, p.GetFixed<32>(proof::kNonce));
    if (nonce != session_.nd) return Fail(Code::kWrongNonce, "M2");
    KEEL_TRY(const uint64_t iat, p.GetUint(proof::kIat));
    KEEL_TRY(const uint64_t exp, p.GetUint(proof::kExp));
    if (!NotBeforeOk(iat, Now())) return Fail(Code::kNotYetValid, "M2");
    if (!NotAfterOk(exp, Now()) || exp > iat + onboarding::kProofLifeSeconds) return Fail(Code::kExpired, "M2");
    KEEL_TRY(const std::string_view pv, p.GetPlain(proof::kPv));
    if (pv != session_.pv.view()) return Fail(Code::kWrongSender, "M2 pv");
    KEEL_TRY(const Bytes32 th, p.GetFixed<32>(proof::kTh));
    if (th != transcript_.value()) return Fail(Code::kWrongTranscript, "M2");
    KEEL_TRY(const Bytes32 vcs, OneHash(p, proof::kVcs));
    if (vcs != claim_.cred) return Fail(Code::kUntrusted, "M2 vcs");
    KEEL_TRY(const JsonView pack, p.Get(proof::kPack));
    KEEL_TRY(claim_.pack_length, pack.GetUint(proof::kPackLen));
    KEEL_TRY(claim_.pack_sha256, pack.GetFixed<32>(proof::kPackSha256));
    KEEL_TRY(Bytes32 key, pack.GetFixed<32>(proof::kPackKey));
    claim_.pack_key = SecretBytes<32>::CopyFrom(std::span<const uint8_t, 32>(key));
    Wipe(key);
    claim_.want = 0;
    if (p.Has(proof::kWant)) {
      KEEL_TRY(const JsonView want, p.Get(proof::kWant));
      const auto evidence = want.GetBool(proof::kWantEvidence);
      const auto firmware = want.GetBool(proof::kWantFw);
      if (evidence && *evidence) claim_.want |= kWantEvidence;
      if (firmware && *firmware) claim_.want |= kWantFirmware;
    }
  }
  {
    // Its signature needn't be checked: the link commits to these octets, and the pack proves the link.
    KEEL_TRY(const JsonView c, DecodeJwtPayload(vc, Writable(message_, vc.payload)));
    KEEL_TRY(const JsonView subject, c.Get("credentialSubject"));
    KEEL_TRY(const std::string_view id, subject.GetPlain("id"));
    if (id != state_.did.view()) return Fail(Code::kUntrusted, "M2 credential of another device");
    KEEL_TRY(const std::string_view owner, subject.GetPlain("owner"));
    if (owner != claim_.owner.view()) return Fail(Code::kUntrusted, "M2 credential of another owner");
  }
  transcript_.AddHash(m.hash);
  claim_.th2 = transcript_.value();
  return {};
}

// M3. All of it follows from the session and the stamp, so that a repeat after a restart has the same octets.
Result<> Wallet::PrepareProof() {
  const auto thid = IdText(session_.thid);
  FixedText<32> id;
  id.Set(thid.view());
  id.Append(".3");
  JsonWriter w = MessageWriter();
  BeginMessage(w, Message::kDeviceProof, id.view(), thid.view(), {});
  w.Name(body::kVc);
  // Read to the free end of the buffer, copied to its place by the writer.
  ByteSpan end = message_.last(KEEL_WALLET_CREDENTIAL_MAX);
  KEEL_TRY(const size_t vc_length, records_.ReadRaw(RecordId::kCredential, end));
  const Bytes32 vc_hash = crypto::Sha256::Of(ByteView(end).first(vc_length));
  w.String(AsText(end.first(vc_length)));

  // Scratch for the parts to come lies at the free end of the buffer too: the stack is scarcer.
  std::span<char> vp(reinterpret_cast<char*>(message_.last(onboarding::kMaxPresentation).data()),
                     onboarding::kMaxPresentation);
  size_t vp_length = 0;
  {
    char payload[1024];
    JsonWriter p(payload);
    p.BeginObject().Name(proof::kIss).String(state_.did.view()).Name(proof::kAud).String(session_.owner.did.view());
    p.Name(proof::kNonce).Base64Url(session_.nv).Name(proof::kIat).Uint(session_.proof_iat);
    p.Name(proof::kExp).Uint(session_.proof_iat + onboarding::kProofLifeSeconds);
    p.Name(proof::kPd).String(session_.pd.view()).Name(proof::kTh).Base64Url(session_.th2);
    p.Name(proof::kVcs).BeginArray().Base64Url(vc_hash).EndArray();
    p.EndObject();
    if (!p.ok()) return Fail(Code::kTooLarge, "M3 proof");
    const bool had = session_.proof.present;
    KEEL_TRY(vp_length, SignJwt(proof::kTyp, p.text(), keys_, WalletKeys::kAuthentication, vp,
                                state_.hardware ? &session_.proof : nullptr));
    if (session_.proof.present != had) KEEL_TRY_VOID(SaveSession());
  }
  w.Name(body::kVp).String({vp.data(), vp_length});
  if ((session_.want & kWantFirmware) != 0 && HasSlots()) WriteFirmware(w, body::kFw);

  {
    // The batch member is JSON already; it is read to the free end of the buffer and copied down.
    ByteSpan room = message_.last(message_.size() - w.size() > KEEL_WALLET_BATCH_MAX ? KEEL_WALLET_BATCH_MAX : 0);
    const auto batch = records_.ReadRaw(RecordId::kBatch, room);
    if (batch) {
      w.Name(body::kBatch).Raw(AsText(room.first(*batch)));
    } else if (batch.error().code != Code::kNotFound) {
      return std::unexpected<Error>(batch.error());
    }
  }
  if ((session_.want & kWantEvidence) != 0 && ports_.evidence != nullptr) {
    char mk[crypto::kMaxMultikeyText];
    KEEL_TRY(const crypto::PublicKey key, keys_.Public(WalletKeys::kAuthentication));
    KEEL_TRY(const size_t mk_length, key.ToMultikey(mk));
    const Bytes32 over = onboarding::EvidenceBinding(session_.th2, state_.did.view(), {mk, mk_length});
    const ByteSpan evidence = message_.last(onboarding::kMaxEvidence);
    size_t length = 0;
    if (ports_.evidence(ports_.context, over.data(), evidence.data(), evidence.size(), &length) != KEEL_PORT_OK) {
      return Fail(Code::kIo, "evidence port");
    }
    if (length > evidence.size()) return Fail(Code::kTooLarge, "evidence");
    w.Name(body::kEv).Base64Url(ByteView(evidence).first(length));
  }
  transcript_ = onboarding::Transcript::At(2, session_.th2);
  Bytes32 hash;
  KEEL_TRY_VOID(SendMessage(w, hash));
  transcript_.AddHash(hash);
  return {};
}

}  // namespace keel::wallet
