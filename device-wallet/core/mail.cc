// SPDX-License-Identifier: Apache-2.0
// Messages of DIDComm's own protocols: with the owner's verifier, and through it with other devices of the fleet. One
// request at a time, in this order: an answer that is due, a ping that was asked for, the receipt of what was handled,
// and then the next message, waiting for one when the target listens. docs/protocols/device-messages.md.
#include "core/encoding.h"
#include "device-wallet/core/wallet.h"

namespace keel::wallet {

using onboarding::DeviceState;
namespace hdr = onboarding::header;

namespace {

constexpr uint32_t kWaitSeconds = 20;  // that the owner's service may hold an answer back
constexpr uint64_t kShortestWaitMs = 2'000;
constexpr size_t kForwardFrame = 1024;  // octets of a forward around its payload, with the longest DIDs
constexpr size_t kMaxFromPrior = 900;

// What stands before the '#' of a key id.
std::string_view DidOf(std::string_view kid) {
  for (size_t i = 0; i < kid.size(); ++i) {
    if (kid[i] == '#') return Part(kid, 0, i);
  }
  return kid;
}

std::string_view PlainView(const JsonView& json, std::string_view name) {
  const auto text = json.GetPlain(name);
  return text ? *text : std::string_view{};
}

}  // namespace

bool Wallet::MailDue() const {
  // Listening alone doesn't begin a wait that the next contact would have to sit out.
  return reply_.type != Didcomm::kUnknown || !mail_ack_.empty() || mail_waiting_ || ping_.state == PingState::kWanted ||
         ping_.state == PingState::kSent || (listen_ && contact_at_ >= now_ + 1000);
}

// Seconds that the owner's service may hold its answer back: not past the next contact, which carries its orders.
uint32_t Wallet::MailWait() const {
  const uint64_t left = contact_at_ > now_ ? (contact_at_ - now_) / 1000 : 0;
  return left >= kWaitSeconds ? kWaitSeconds : left > 0 ? static_cast<uint32_t>(left) : 1;
}

Result<> Wallet::Ping(uint64_t now, std::string_view did) {
  if (state_.phase != DeviceState::kOnboarded || state_.order != PendingOrder::kNone)
    return Fail(Code::kWrongState, "ping");
  if (did.empty() || did == state_.owner.did.view()) did = state_.pv.view();
  if (did == state_.pd.view()) return Fail(Code::kInvalidArgument, "ping to ourselves");
  KEEL_TRY(const PeerDid peer, ParsePeerDid(did));
  if (peer.agreement.type() != AgreementType(state_.suite)) return Fail(Code::kUnsupported, "ping to another suite");
  ping_ = PingWork{};
  ping_.to.Set(did);
  ping_.state = PingState::kWanted;
  now_ = now;
  if (!request_.active) wake_ = 0;
  return {};
}

Result<> Wallet::Abandon(uint64_t now) {
  if (!request_.active || request_.kind != KEEL_REQUEST_WAIT) return Fail(Code::kWrongState, "nothing to abandon");
  now_ = now;
  request_.active = false;
  request_.answering = false;
  return {};
}

void Wallet::GetPing(keel_wallet_ping_result& result) const {
  keel_wallet_ping_result out{};
  out.size = sizeof out;
  out.state = static_cast<keel_wallet_ping_state>(ping_.state);
  out.round_trip_ms = ping_.round_trip_ms;
  const std::string_view problem = ping_.problem.view();
  std::memcpy(out.problem, problem.data(), problem.size());
  result = out;
}

void Wallet::PingAnswered() {
  ping_.state = PingState::kAnswered;
  ping_.round_trip_ms = static_cast<uint32_t>(now_ - ping_.sent_ms);
}

void Wallet::PingRefused(std::string_view problem) {
  ping_.state = PingState::kRefused;
  ping_.problem.Set(problem);
}

Result<> Wallet::PrepareMail() {
  KEEL_TRY_VOID(random_.Fill(mail_id_));
  mail_sent_ms_ = now_;
  const auto id = IdText(mail_id_);
  const std::string_view own = state_.pd.view(), owner = state_.pv.view();
  JsonWriter w = MessageWriter();
  // What goes inside a forward has an id of its own: mail_id_ is then the forward's.
  Id16 inner_id;
  KEEL_TRY_VOID(random_.Fill(inner_id));
  if (reply_.type != Didcomm::kUnknown) {
    mail_ = Mail::kReply;
    BeginPlain(w, reply_.type, IdText(reply_.to.view() == owner ? mail_id_ : inner_id).view(), own, reply_.to.view(),
               reply_.thid.view());
    if (reply_.type == Didcomm::kDisclose) WriteDisclosures(w, reply_.features, message_.size());
    if (reply_.type == Didcomm::kProblemReport) WriteProblem(w, reply_.code);
    w.EndObject().EndObject();
    return SendMail(w, reply_.to.view());
  }
  if (ping_.state == PingState::kWanted) {
    mail_ = Mail::kPing;
    ping_.id = ping_.to.view() == owner ? mail_id_ : inner_id;
    ping_.sent_ms = now_;
    BeginPlain(w, Didcomm::kPing, IdText(ping_.id).view(), own, ping_.to.view(), {});
    w.Name("response_requested").Bool(true).EndObject().EndObject();
    return SendMail(w, ping_.to.view());
  }
  if (!mail_ack_.empty()) {
    mail_ = Mail::kReceived;
    BeginPlain(w, Didcomm::kMessagesReceived, id.view(), own, owner, {});
    w.Name("message_id_list").BeginArray().String(mail_ack_.view()).EndArray().EndObject().EndObject();
    return SendMail(w, owner);
  }
  mail_ = Mail::kRequest;
  BeginPlain(w, Didcomm::kDeliveryRequest, id.view(), own, owner, {});
  w.Name("recipient_did").String(own).Name("limit").Uint(1);
  // What surely waits is not waited for.
  if (!mail_waiting_) w.Name("wait").Uint(MailWait());
  w.EndObject().EndObject();
  KEEL_TRY_VOID(SendMail(w, owner));
  if (!mail_waiting_) request_.kind = KEEL_REQUEST_WAIT;
  return {};
}

// The plaintext that `w` wrote at the buffer's front goes to the owner as it is, to anybody else inside a forward to
// the owner's service.
Result<> Wallet::SendMail(JsonWriter& w, std::string_view to) {
  if (!w.ok()) return Fail(Code::kTooLarge, "message");
  size_t length = w.size();
  if (to != state_.pv.view()) {
    KEEL_TRY(const size_t n, PackForPeer(to, length));
    if (n > onboarding::kMaxForwardPayload || kForwardFrame + 2 * n > message_.size())
      return Fail(Code::kTooLarge, "forwarded message");
    // Up to the free end, and back down into its place.
    const ByteSpan end = message_.last(n);
    std::memmove(end.data(), message_.data(), n);
    JsonWriter f = MessageWriter();
    BeginPlain(f, Didcomm::kForward, IdText(mail_id_).view(), state_.pd.view(), state_.pv.view(), {});
    f.Name("next").String(to).EndObject().Name("attachments").BeginArray().BeginObject().Name("data").BeginObject();
    f.Name("json").Raw(AsText(end)).EndObject().EndObject().EndArray().EndObject();
    if (!f.ok()) return Fail(Code::kTooLarge, "forwarded message");
    length = f.size();
  }
  Kids kids;
  KEEL_TRY(const EnvelopePeers peers, Peers(kids));
  KEEL_TRY(const size_t n, PackAuthcrypt(peers, random_, message_, length));
  SetUrl(state_.url.view(), onboarding::kMessagePath);
  MakeRequest(KEEL_REQUEST_DIDCOMM, n, message_.size());
  return {};
}

Result<EnvelopePeers> Wallet::PeersWith(std::string_view did, Kids& kids, crypto::SharedSecret& shared) {
  KEEL_TRY(const PeerDid other, ParsePeerDid(did));
  EnvelopePeers peers;
  {
    KEEL_TRY(const PeerDid self, ParsePeerDid(state_.pd.view()));
    kids.own = AgreementKid(self);
  }
  kids.peer = AgreementKid(other);
  peers.self = {kids.own.view(), AgreementType(state_.suite), &keys_, WalletKeys::kPairwise};
  peers.peer = {kids.peer.view(), other.agreement};
  KEEL_TRY(shared, keys_.Agree(WalletKeys::kPairwise, other.agreement));
  peers.static_shared = &shared;
  return peers;
}

Result<size_t> Wallet::PackForPeer(std::string_view did, size_t plaintext) {
  Kids kids;
  crypto::SharedSecret shared;
  KEEL_TRY(const EnvelopePeers peers, PeersWith(did, kids, shared));
  return PackAuthcrypt(peers, random_, message_, plaintext);
}

// Something came back, or a message may travel without an answer.
Result<> Wallet::OnMail() {
  const Mail sent = mail_;
  const auto handled = request_.used == 0 ? Result<>{} : OnMailAnswer(sent);
  if (!handled) {
    NoteRefused(handled.error());
    if (sent == Mail::kRequest) mail_waiting_ = false;
  }
  switch (sent) {
    case Mail::kReply: reply_ = PendingReply{}; break;
    case Mail::kReceived: mail_ack_.Clear(); break;
    case Mail::kPing:
      if (ping_.state == PingState::kWanted) ping_.state = PingState::kSent;
      break;
    case Mail::kRequest: break;
  }
  if (handled) {
    Succeeded();
    // A service that doesn't hold its answers back isn't asked as often as it could be.
    if (sent == Mail::kRequest && !mail_waiting_ && now_ - mail_sent_ms_ < kShortestWaitMs)
      WaitAtLeast(kShortestWaitMs);
  } else {
    BackOff(handled.error(), "messages");
  }
  Resume();
  return handled;
}

Result<> Wallet::OnMailAnswer(Mail sent) {
  ByteSpan plaintext;
  {
    Kids kids;
    KEEL_TRY(const EnvelopePeers peers, Peers(kids));
    KEEL_TRY(plaintext, UnpackAuthcrypt(peers, message_.first(request_.used)));
  }
  KEEL_TRY(const PlainMessage m, ReadPlain(plaintext, state_.pd.view(), TimeKnown() ? Now() : 0));
  if (m.from != state_.pv.view()) return Fail(Code::kWrongSender, "message from");
  if (!m.to_us) return Fail(Code::kWrongRecipient, "message to");
  if (m.thid != IdText(mail_id_).view() && PlainView(m.json, hdr::kPthid) != IdText(mail_id_).view())
    return Fail(Code::kReplayed, "message thid");
  switch (DidcommFromType(m.type)) {
    case Didcomm::kPingResponse:
      if (sent == Mail::kPing && ping_.to.view() == state_.pv.view()) PingAnswered();
      return {};
    case Didcomm::kStatus: {
      const auto count = m.body.GetUint("message_count");
      mail_waiting_ = count && *count > 0;
      return {};
    }
    case Didcomm::kDelivery: {
      if (sent != Mail::kRequest) return Fail(Code::kWrongState, "delivery");
      // Handled or not, it is received: what can't be used isn't fetched twice.
      FixedText<kMaxMessageId> receipt;
      const auto inner = TakeAttached(m, plaintext, state_.pd.view(), &receipt);
      if (!inner) {
        if (receipt.empty()) return std::unexpected<Error>(inner.error());
        NoteRefused(inner.error());
      } else if (const auto handled = OnDelivered(*inner, 0); !handled) {
        NoteRefused(handled.error());
      }
      mail_ack_ = receipt;
      mail_waiting_ = true;
      return {};
    }
    case Didcomm::kProblemReport: {
      const std::string_view code = ProblemCode(m);
      if (sent == Mail::kPing) {
        PingRefused(code);
        return {};
      }
      return Fail(Code::kRefused, "owner's service reports a problem");
    }
    default: return Fail(Code::kUnsupported, "message type");
  }
}

// An envelope that somebody sent to our pairwise DID. Whoever it is from has proved to hold the keys of its did:peer,
// no more: it gets answers, and nothing that is the owner's.
Result<> Wallet::OnDelivered(ByteSpan envelope, int depth) {
  Kids kids;
  {
    KEEL_TRY(const PeerDid self, ParsePeerDid(state_.pd.view()));
    kids.own = AgreementKid(self);
  }
  FixedText<kMaxPeerDid> sender;
  ByteSpan plaintext;
  {
    KEEL_TRY(const EnvelopeHead head, ReadEnvelopeHead(envelope, kids.own.view()));
    if (!head.for_us) return Fail(Code::kWrongRecipient, "delivered envelope");
    if (head.authcrypt) {
      if (!sender.Set(DidOf(head.sender.view()))) return Fail(Code::kTooLarge, "sender");
      crypto::SharedSecret shared;
      KEEL_TRY(const EnvelopePeers peers, PeersWith(sender.view(), kids, shared));
      KEEL_TRY(plaintext, UnpackAuthcrypt(peers, envelope));
    } else {
      const OwnEnd self{kids.own.view(), AgreementType(state_.suite), &keys_, WalletKeys::kPairwise};
      KEEL_TRY(plaintext, UnpackAnoncrypt(self, envelope, 1));
    }
  }
  KEEL_TRY(const PlainMessage m, ReadPlain(plaintext, state_.pd.view(), TimeKnown() ? Now() : 0));
  const Didcomm type = DidcommFromType(m.type);
  if (type == Didcomm::kForward) {
    // A mediator that wraps anew for us: once, not in a chain.
    if (depth != 0) return Fail(Code::kTooLarge, "forwards");
    KEEL_TRY(const ByteSpan inner, TakeAttached(m, plaintext, state_.pd.view(), nullptr));
    return OnDelivered(inner, depth + 1);
  }
  if (sender.empty()) return Fail(Code::kWrongSender, "anonymous message");
  if (m.from != sender.view()) return Fail(Code::kWrongSender, "message from");
  if (!m.to_us) return Fail(Code::kWrongRecipient, "message to");
  if (m.json.Has("from_prior")) KEEL_TRY_VOID(CheckFromPrior(m));
  return OnPeerMessage(m, type);
}

// A sender that took the place of an earlier did:peer says so under that one's signature; nothing here hangs on it, but
// a false claim spoils the message.
Result<> Wallet::CheckFromPrior(const PlainMessage& m) {
  KEEL_TRY(const std::string_view jwt, m.json.GetPlain("from_prior"));
  ByteArray<kMaxFromPrior> scratch;
  if (jwt.size() > scratch.size()) return Fail(Code::kTooLarge, "from_prior");
  FixedText<kMaxPeerKid> kid;
  KEEL_TRY_VOID(FromPriorKid(jwt, scratch, kid));
  KEEL_TRY(const PeerDid before, ParsePeerDid(DidOf(kid.view())));
  FixedText<kMaxPeerKid> expected;
  expected.Set(before.did.view());
  expected.Append("#key-");
  expected.AppendUint(before.token_number);
  if (!before.token.valid() || kid.view() != expected.view()) return Fail(Code::kUntrusted, "from_prior key");
  KEEL_TRY_VOID(ReadFromPrior(jwt, m.from, kid.view(), before.token, scratch));
  return {};
}

Result<> Wallet::OnPeerMessage(const PlainMessage& m, Didcomm type) {
  const auto answer = [&](Didcomm with) {
    reply_ = PendingReply{};
    reply_.to.Set(m.from);
    reply_.thid.Set(m.thid);
    reply_.type = with;
  };
  const bool of_ping = ping_.state == PingState::kSent && m.from == ping_.to.view() &&
                       (m.thid == IdText(ping_.id).view() || PlainView(m.json, hdr::kPthid) == IdText(ping_.id).view());
  switch (type) {
    case Didcomm::kPing: {
      KEEL_TRY(const bool wanted, WantsResponse(m));
      if (wanted) answer(Didcomm::kPingResponse);
      return {};
    }
    case Didcomm::kPingResponse:
      if (of_ping) PingAnswered();
      return {};
    case Didcomm::kQueries: {
      KEEL_TRY(const uint8_t features, MatchFeatures(m));
      answer(Didcomm::kDisclose);
      reply_.features = features;
      return {};
    }
    case Didcomm::kProblemReport:
      // Never answered: two that don't understand each other would go on for ever.
      if (of_ping) PingRefused(ProblemCode(m));
      Note(KEEL_EVENT_NOTICE, 0, "another device reports a problem");
      return {};
    case Didcomm::kUnknown:
    case Didcomm::kOtherVersion:
      answer(Didcomm::kProblemReport);
      reply_.code = type == Didcomm::kUnknown ? kProblemUnsupportedType : kProblemUnsupportedVersion;
      return {};
    default: return Fail(Code::kWrongState, "message of a mediator from somebody else");
  }
}

}  // namespace keel::wallet
