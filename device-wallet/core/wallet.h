// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/json_reader.h"
#include "core/json_writer.h"
#include "core/seams.h"
#include "device-wallet/core/envelope.h"
#include "device-wallet/core/keys.h"
#include "device-wallet/core/messages.h"
#include "device-wallet/core/records.h"
#include "keel_wallet.h"
#include "ledger/descriptor.h"
#include "ledger/pack.h"
#include "ledger/quorum_time.h"
#include "ledger/r0.h"
#include "onboarding/backoff.h"
#include "onboarding/messages.h"
#include "onboarding/transcript.h"

namespace keel::wallet {

// Random over the port; fails closed.
class PortRandom final : public Random {
 public:
  explicit PortRandom(const keel_wallet_ports& ports) : ports_(&ports) {}
  Result<> Fill(ByteSpan out) override {
    if (out.empty()) return {};
    if (ports_->random(ports_->context, out.data(), out.size()) == KEEL_PORT_OK) return {};
    Wipe(out);
    return Fail(Code::kNoEntropy, "random port");
  }

 private:
  const keel_wallet_ports* ports_;
};

// What was learnt from M2 on arrival and is needed until the pack is through: about 350 octets, in memory only.
struct OwnerClaim {
  DidText owner;
  Bytes32 key_hash{};
  Bytes32 cred{};
  Bytes32 nv{};
  Bytes32 th2{};
  Bytes32 pack_sha256{};
  SecretBytes<32> pack_key;
  uint64_t pack_length = 0;
  uint8_t want = 0;
};

// The device's wallet behind the C ABI (api.cc). One object, no heap: what is needed only while an answer is read lies
// in the tail of the message buffer. Files: engine.cc (poll and answers), seek.cc (R0), handshake.cc (M1..M3, pack),
// provision.cc (M4..M6), relation.cc (afterwards), update.cc (firmware), factory.cc. Not thread-safe.
class Wallet {
 public:
  Wallet(const keel_wallet_config& config, const keel_wallet_ports& ports);
  ~Wallet();
  Wallet(const Wallet&) = delete;
  Wallet& operator=(const Wallet&) = delete;
  Result<> Start();

  // factory.cc
  Result<> ManufactureBegin(const keel_wallet_factory_input& input, keel_wallet_factory_output& output);
  Result<> ManufactureStamp(keel_wallet_stamp_item item, ByteView data);
  Result<> ManufactureReadBack(keel_wallet_read_back& output);
  Result<> ManufactureProve(const Bytes32& challenge, Bytes64& signature);
  Result<> ManufactureFinalize();

  // engine.cc
  Result<> Poll(uint64_t now, keel_wallet_action& action);
  Result<> ResponseBegin(uint64_t now, int http_status);
  Result<> ResponseChunk(ByteView data);
  Result<> ResponseEnd(uint64_t now);
  Result<> Failed(uint64_t now);
  Result<> OfferInvitation(ByteView invitation);
  Result<> ContactNow();
  // mail.cc
  Result<> Ping(uint64_t now, std::string_view did);
  Result<> Abandon(uint64_t now);
  void GetPing(keel_wallet_ping_result& result) const;
  void GetInfo(uint64_t now, keel_wallet_info& info) const;
  Result<size_t> ReadDocument(keel_wallet_document document, ByteSpan out);

  // relation.cc
  Result<size_t> SignToken(uint64_t now, std::string_view audience, uint32_t lifetime, std::span<char> out);
  Result<> OwnerReset();
  // update.cc
  Result<> Health(bool healthy);

 private:
  using Step = keel_wallet_step;
  enum class Talk : uint8_t { kContact, kAccept, kReport, kOrderDone };

  struct R0Work;
  struct PackWork;

  struct Request {
    bool active = false;
    bool answering = false;
    bool refused = false;  // the answer's chunks gave an error
    keel_wallet_request_kind kind = KEEL_REQUEST_REGISTRY;
    const char* method = "POST";
    const char* content_type = nullptr;
    size_t body = 0;
    size_t limit = 0;
    int status = 0;
    size_t used = 0;  // octets of the answer in the message buffer
    Error error;      // why it was refused
  };

  // factory.cc
  Result<size_t> BuildCreate(ByteSpan out, std::span<char> next_key, DidText& did);

  // engine.cc
  Result<> Prepare(uint64_t now, keel_wallet_action& action, bool& given);
  void GiveRequest(keel_wallet_action& action) const;
  void MakeRequest(keel_wallet_request_kind kind, size_t body, size_t limit);
  void SetUrl(std::string_view base, std::string_view path);
  void Enter(Step step);
  // Waits (doubling) before the step is tried again.
  void BackOff(const Error& error, const char* waiting_for);
  void WaitAtLeast(uint64_t ms);
  void Succeeded();
  void Note(keel_wallet_event event, int code, const char* text) const;
  void NoteRefused(const Error& error);
  bool TimeKnown() const { return time_known_; }
  UnixSeconds Now() const { return time_.Now(now_); }
  Result<> SaveState() { return records_.Save(RecordId::kState, state_); }
  Result<> SaveSession() { return records_.Save(RecordId::kSession, session_); }
  // Where an idle device goes on, by its state.
  void Resume();
  template <typename W>
  W* Work();
  ByteSpan Front();

  // seek.cc
  Result<> PrepareR0();
  Result<> BeginR0();
  Result<> FeedR0(ByteView data);
  Result<> EndR0();
  Result<> OnR0Item(uint8_t tag, ByteView body);
  Result<> OnEpochPart(ByteView body);
  Result<> TakeEpoch(ByteView bundle_octets, ByteSpan rest);
  Result<ledger::BundleStep> CheckStep(const ledger::EpochBundle& bundle, ByteSpan rest);
  Result<ledger::EndorsedBy> CheckEndorsement(const ledger::EpochBundle& bundle, const Bytes32& descriptor_hash,
                                              ByteSpan rest);
  Result<> OnTime(ByteView body);
  void OnValue(ByteView body);
  Result<> LoadMembers(ledger::MemberSet& members, ByteSpan scratch);
  Result<> CheckInvitation(std::string_view text, UnixSeconds now) const;
  Result<> StartSession(std::string_view invitation);
  bool WasRefused(const Bytes32& hash) const;
  bool WasSilent(const Bytes32& hash) const;
  void RememberRefused();

  // handshake.cc
  struct Kids {
    FixedText<kMaxPeerKid> own, peer;
  };
  // The ends of the session's or the relation's envelopes; `kids` must outlive the result.
  Result<EnvelopePeers> Peers(Kids& kids);
  std::string_view OwnPairwise() const { return session_.stage != 0 ? session_.pd.view() : state_.pd.view(); }
  std::string_view PeerPairwise() const { return session_.stage != 0 ? session_.pv.view() : state_.pv.view(); }
  // Begins the JSON of a message up to and with `"body":{"v":1`; EndMessage closes it.
  void BeginMessage(JsonWriter& w, onboarding::Message type, std::string_view id, std::string_view thid,
                    std::string_view pthid);
  JsonWriter MessageWriter();
  Result<> SendMessage(JsonWriter& w, Bytes32& plaintext_hash);
  // Decrypts the answer in the buffer; checks from, to, thid; gives type and body.
  struct Received {
    ByteSpan plaintext;
    Bytes32 hash{};
    onboarding::Message type = onboarding::Message::kUnknown;
    JsonView body;
  };
  Result<Received> Receive(std::string_view thid);
  Result<> PrepareHello();
  Result<> OnOwnerProof(const Received& m);
  Result<> CheckOwnerProof(const Received& m);
  // pack.cc
  Result<> PreparePack();
  Result<> BeginPack();
  Result<> FeedPack(ByteView data);
  Result<> EndPack();
  Result<> OwnerProved(const ledger::PackResult& result, std::span<const ledger::CurrentKey> keys);
  // handshake.cc again
  Result<> PrepareProof();
  // No usable answer came to a message; request_.error says why.
  void OnNoAnswer();
  // What a counterpart may always say instead of the awaited message; true when it did and was dealt with.
  bool OnRefusal(const Received& m);
  Result<> DropSession();
  // The invitation proved bad: remembered, the next one is looked for.
  void NextValue(const Error& error);
  // Nobody answers at this invitation, or only puts us off: other values are tried before it is again, after a backoff.
  void PassOver(const Error& error);
  std::string_view SessionUrl(size_t i, size_t* count) const;

  // provision.cc
  Result<> Reload();
  Result<> OnProvision(const Received& m);
  struct Provision {
    uint32_t generation = 0;
    Bytes32 contact{};
    FirmwareOffer offer;
    uint32_t contact_ms = 0;
  };
  // Checks a provision's body (M4 or a contact's reply) against owner, pairwise DID and generation.
  Result<Provision> CheckProvision(const JsonView& body, const Owner& owner, std::string_view pd,
                                   uint32_t last_generation, bool renewal);
  Result<> CheckFleetCredential(std::string_view jwt, std::string_view key, const Owner& owner, std::string_view pd);
  Result<> PrepareDone();
  Result<> OnAck(const Received& m);

  // relation.cc
  Result<> PrepareTalk();
  Result<uint64_t> NextSeq();
  Result<> OnTalkReply(const Received& m);
  Result<> OnContactReply(const JsonView& json);
  uint64_t ContactInterval() const;
  Result<> CheckOrder(const JsonView& body, PendingOrder& order);
  Result<> FinishOrder();
  Result<> Forget(onboarding::DeviceState phase, const char* why);
  void EraseUnreferenced();
  Talk ChooseTalk() const;

  // mail.cc
  enum class Mail : uint8_t { kRequest, kReceived, kReply, kPing };
  enum class PingState : uint8_t { kNone, kAnswered = 2, kRefused = 3, kWanted = 1, kSent = 4 };
  struct PingWork {
    PingState state = PingState::kNone;
    FixedText<kMaxPeerDid> to;
    Id16 id{};
    uint64_t sent_ms = 0;
    uint32_t round_trip_ms = 0;
    FixedText<kMaxProblemCode> problem;
  };
  // An answer to a message that was delivered: said in the next request.
  struct PendingReply {
    Didcomm type = Didcomm::kUnknown;
    FixedText<kMaxPeerDid> to;
    FixedText<kMaxMessageId> thid;
    uint8_t features = 0;
    std::string_view code;  // a constant
  };
  bool MailDue() const;
  uint32_t MailWait() const;
  Result<> PrepareMail();
  Result<> SendMail(JsonWriter& w, std::string_view to);
  // The ends of envelopes with another device; `kids` and `shared` must outlive the result.
  Result<EnvelopePeers> PeersWith(std::string_view did, Kids& kids, crypto::SharedSecret& shared);
  Result<size_t> PackForPeer(std::string_view did, size_t plaintext);
  Result<> OnMail();
  Result<> OnMailAnswer(Mail sent);
  Result<> OnDelivered(ByteSpan envelope, int depth);
  Result<> CheckFromPrior(const PlainMessage& m);
  Result<> OnPeerMessage(const PlainMessage& m, Didcomm type);
  void PingAnswered();
  void PingRefused(std::string_view problem);

  // update.cc
  bool HasSlots() const { return ports_.firmware_current != nullptr; }
  Result<keel_wallet_firmware> Current() const;
  Result<FirmwareOffer> ReadOffer(const JsonView& json) const;
  Result<> StartFirmware();
  void WriteFirmware(JsonWriter& w, std::string_view name) const;
  bool OfferWanted() const;
  Result<> OnFirmwareKey(const Received& m);
  Result<> PrepareFirmware(uint64_t now, keel_wallet_action& action, bool& given);
  Result<> FeedBlocks(ByteView data);
  Result<> EndBlocks();
  Result<> BlockDone();
  Result<> FinishImage();
  Result<> FailFirmware(const Error& error);
  uint32_t BlockSize() const;

  keel_wallet_ports ports_;
  ByteSpan message_;
  uint32_t poll_hold_ms_, request_ms_, contact_ms_;
  uint64_t build_time_;
  onboarding::Backoff backoff_;
  PortRandom random_;
  Records records_;
  State state_;
  Session session_;
  WalletKeys keys_;
  FirmwareRecord firmware_;
  OwnerClaim claim_;

  Step step_ = KEEL_STEP_FACTORY;
  uint64_t now_ = 0;
  uint64_t wake_ = 0;
  uint64_t contact_at_ = 0;
  Request request_;
  FixedText<KEEL_WALLET_URL_MAX> url_;
  UrlText endpoint_;
  uint8_t endpoint_number_ = 0;
  uint8_t session_url_ = 0;
  uint8_t tries_ = 0;
  bool failing_ = false;
  bool offered_ = false;  // an invitation came another way and waits in the session record's place

  // Time and R0.
  bool time_known_ = false;
  ledger::QuorumTime time_;
  Bytes32 nonce_{};
  uint64_t nonce_ms_ = 0;

  // Handshake.
  bool shared_known_ = false;
  crypto::SharedSecret shared_;
  onboarding::Transcript transcript_;
  bool claimed_ = false;  // claim_ is filled: M2 accepted
  bool pack_started_ = false;
  uint8_t pack_head_used_ = 0;
  ByteArray<2> pack_head_{};
  size_t record_used_ = 0;
  size_t record_size_ = 0;
  std::array<Bytes32, onboarding::kRememberedRefusals> refused_{};
  uint8_t refused_count_ = 0;
  uint8_t refused_next_ = 0;
  // Invitations that nobody answered since the last backoff: others go first, so that a dead or stalling one that is
  // newer can't hide the owner's.
  std::array<Bytes32, onboarding::kMaxTriesPerPoll> silent_{};
  uint8_t silent_count_ = 0;
  uint8_t empty_handed_ = 0;  // polls that brought nothing but refused invitations
  bool more_values_ = false;  // the last R0 answer held values besides the one that was taken

  // Relation.
  Talk talk_ = Talk::kContact;
  Id16 talk_id_{};
  uint64_t seq_next_ = 0;   // next number to use; state_.seq_out is reserved
  bool contacted_ = false;  // since start
  bool order_told_ = false;

  // Messages; none of it outlives a restart: what was not acknowledged is delivered again.
  bool listen_ = false;        // wait for messages whenever there is nothing else to do
  bool mail_waiting_ = false;  // the owner's service holds one for us
  Mail mail_ = Mail::kRequest;
  Id16 mail_id_{};
  uint64_t mail_sent_ms_ = 0;
  FixedText<kMaxMessageId> mail_ack_;
  PendingReply reply_;
  PingWork ping_;

  // Update.
  bool trial_ = false;
  crypto::Sha256 image_hash_;
  uint64_t hashed_ = 0;  // octets of the spare slot in image_hash_
  size_t block_used_ = 0;
  uint64_t saved_offset_ = 0;
  bool ask_again_ = false;  // the transfer's key and place must be asked for again

  // For people.
  Error last_error_;
  uint32_t round_trips_ = 0;
  uint64_t bytes_sent_ = 0;
  uint64_t bytes_received_ = 0;
};

// b64u text of 16 octets.
FixedText<24> IdText(const Id16& id);

}  // namespace keel::wallet
