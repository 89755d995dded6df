// SPDX-License-Identifier: Apache-2.0
#include "core/encoding.h"
#include "device-wallet/core/work.h"

namespace keel::wallet {

using onboarding::DeviceState;

namespace {

constexpr uint64_t kForeverMs = UINT64_MAX;
constexpr uint32_t kDefaultPollMs = 25'000, kDefaultRequestMs = 30'000, kDefaultContactMs = 900'000;

template <size_t N>
void CopyText(char (&out)[N], std::string_view text) {
  const size_t n = text.size() < N ? text.size() : N - 1;
  if (n != 0) std::memcpy(out, text.data(), n);
  out[n] = '\0';
}

}  // namespace

FixedText<24> IdText(const Id16& id) {
  FixedText<24> text;
  const auto n = Base64UrlEncode(id, text.room());
  text.SetSize(n ? *n : 0);
  return text;
}

Wallet::Wallet(const keel_wallet_config& config, const keel_wallet_ports& ports)
    : ports_(ports),
      message_(config.message, config.message_size),
      poll_hold_ms_(config.poll_hold_ms != 0 ? config.poll_hold_ms : kDefaultPollMs),
      request_ms_(config.request_ms != 0 ? config.request_ms : kDefaultRequestMs),
      contact_ms_(config.contact_ms),
      build_time_(config.build_time),
      random_(ports_),
      records_(ports_),
      keys_(ports_, random_, records_, state_, session_) {
  listen_ = config.listen != 0;
  if (config.backoff_min_ms != 0) backoff_.min_ms = config.backoff_min_ms;
  if (config.backoff_max_ms != 0) backoff_.max_ms = config.backoff_max_ms;
}

Wallet::~Wallet() { Wipe(message_); }

Result<> Wallet::Start() {
  const auto loaded = records_.Load(RecordId::kState, state_);
  if (!loaded) {
    if (loaded.error().code != Code::kNotFound) {
      Note(KEEL_EVENT_NOTICE, static_cast<int>(loaded.error().code), "record 2 (state) cannot be used");
      return loaded;
    }
    state_ = State{};
  }
  if (state_.hardware && !keys_.HasHardware()) {
    Note(KEEL_EVENT_NOTICE, static_cast<int>(Code::kUnsupported), "the keys are in hardware, and no key port is given");
    return Fail(Code::kUnsupported, "hardware keys");
  }
  seq_next_ = state_.seq_out;
  const auto session = records_.Load(RecordId::kSession, session_);
  if (!session) {
    // A damaged session is only a handshake lost; a store that fails is a reason to stop.
    if (session.error().code == Code::kIo) return session;
    session_ = Session{};
  }
  const auto firmware = records_.Load(RecordId::kFirmware, firmware_);
  if (!firmware) {
    if (firmware.error().code == Code::kIo) return firmware;
    firmware_ = FirmwareRecord{};
  }
  if (state_.phase != DeviceState::kSeeking) session_ = Session{};
  EraseUnreferenced();
  if (state_.phase == DeviceState::kOnboarded) KEEL_TRY_VOID(StartFirmware());
  Resume();
  return {};
}

void Wallet::Resume() {
  switch (state_.phase) {
    case DeviceState::kFactory: return Enter(KEEL_STEP_FACTORY);
    case DeviceState::kRetired: return Enter(KEEL_STEP_RETIRED);
    case DeviceState::kActive: return Enter(KEEL_STEP_DONE);
    case DeviceState::kOnboarded: break;
    default:
      // The owner proved itself already: no time is needed to go on. Before that it is: its proof must be fresh.
      return Enter(session_.stage == 2 ? KEEL_STEP_PROOF : KEEL_STEP_RENDEZVOUS);
  }
  if (state_.order != PendingOrder::kNone) return Enter(KEEL_STEP_CONTACT);
  if (!time_known_) return Enter(KEEL_STEP_TIME);
  if (trial_) return Enter(contacted_ ? KEEL_STEP_TRIAL : KEEL_STEP_CONTACT);
  switch (firmware_.stage) {
    case FirmwareStage::kReceiving: return Enter(KEEL_STEP_FIRMWARE);
    case FirmwareStage::kStaged: return Enter(KEEL_STEP_RESTART);
    case FirmwareStage::kReport:
    case FirmwareStage::kFailed: return Enter(KEEL_STEP_CONTACT);
    default: break;
  }
  if (OfferWanted() || !contacted_) return Enter(KEEL_STEP_CONTACT);
  Enter(KEEL_STEP_DORMANT);
}

void Wallet::Enter(Step step) {
  if (step_ == step) return;
  step_ = step;
  Note(KEEL_EVENT_STATE, step, keel_wallet_step_name(step));
}

void Wallet::Note(keel_wallet_event event, int code, const char* text) const {
  if (ports_.event != nullptr) ports_.event(ports_.context, event, code, text);
}

void Wallet::NoteRefused(const Error& error) {
  last_error_ = error;
  Note(KEEL_EVENT_REFUSED, static_cast<int>(error.code), error.where);
}

void Wallet::BackOff(const Error& error, const char* waiting_for) {
  last_error_ = error;
  uint32_t random = 0;
  ByteArray<4> octets;
  if (random_.Fill(octets)) random = ByteReader(octets).U32();
  wake_ = now_ + backoff_.Next(random);
  failing_ = true;
  Note(KEEL_EVENT_WAITING, static_cast<int>(error.code), waiting_for);
}

void Wallet::WaitAtLeast(uint64_t ms) {
  if (wake_ < now_ + ms) wake_ = now_ + ms;
}

void Wallet::Succeeded() {
  backoff_.Reset();
  failing_ = false;
  wake_ = 0;
}

void Wallet::SetUrl(std::string_view base, std::string_view path) {
  while (base.ends_with('/')) base = Part(base, 0, base.size() - 1);
  url_.Set(base);
  url_.Append(path);
}

void Wallet::MakeRequest(keel_wallet_request_kind kind, size_t body, size_t limit) {
  request_ = Request{};
  request_.active = true;
  request_.kind = kind;
  request_.body = body;
  request_.limit = limit;
  const bool get = kind == KEEL_REQUEST_PACK || kind == KEEL_REQUEST_BLOCKS;
  request_.method = get ? "GET" : "POST";
  request_.content_type = get                             ? nullptr
                          : kind == KEEL_REQUEST_REGISTRY ? "application/octet-stream"
                                                          : onboarding::header::kMediaType.data();
  url_.Append({"\0", 1});
  bytes_sent_ += body;
}

void Wallet::GiveRequest(keel_wallet_action& action) const {
  action.kind = KEEL_ACTION_REQUEST;
  action.request.kind = request_.kind;
  action.request.method = request_.method;
  action.request.url = url_.view().data();
  action.request.content_type = request_.content_type;
  action.request.body = request_.body == 0 ? nullptr : message_.data();
  action.request.body_length = request_.body;
  action.request.response_limit = request_.limit;
  action.request.timeout_ms =
      request_.kind == KEEL_REQUEST_REGISTRY || request_.kind == KEEL_REQUEST_WAIT ? poll_hold_ms_ : request_ms_;
}

Result<> Wallet::Poll(uint64_t now, keel_wallet_action& action) {
  now_ = now;
  if (request_.active) {
    GiveRequest(action);
    return {};
  }
  // Steps that need no answer follow each other a few times; the bound only guards against a mistake here.
  for (int turn = 0; turn < 16; ++turn) {
    if (now_ < wake_) {
      action.kind = KEEL_ACTION_WAIT;
      action.wake_ms = wake_;
      return {};
    }
    bool given = false;
    const auto prepared = Prepare(now, action, given);
    if (!prepared) {
      BackOff(prepared.error(), "own storage or random source");
      return prepared;
    }
    if (given) return {};
    if (request_.active) {
      GiveRequest(action);
      return {};
    }
  }
  action.kind = KEEL_ACTION_WAIT;
  action.wake_ms = now_ + 1;
  return {};
}

Result<> Wallet::Prepare(uint64_t now, keel_wallet_action& action, bool& given) {
  switch (step_) {
    case KEEL_STEP_RENDEZVOUS:
    case KEEL_STEP_TIME: return PrepareR0();
    case KEEL_STEP_HELLO: return PrepareHello();
    case KEEL_STEP_PACK: return PreparePack();
    case KEEL_STEP_PROOF: return PrepareProof();
    case KEEL_STEP_DONE: return PrepareDone();
    case KEEL_STEP_CONTACT: return PrepareTalk();
    case KEEL_STEP_FIRMWARE: return PrepareFirmware(now, action, given);
    case KEEL_STEP_RESTART:
      action.kind = KEEL_ACTION_RESTART;
      given = true;
      return {};
    case KEEL_STEP_DORMANT:
      if (now >= contact_at_) {
        Enter(KEEL_STEP_CONTACT);
        return {};
      }
      if (MailDue()) return PrepareMail();
      action.kind = KEEL_ACTION_WAIT;
      action.wake_ms = contact_at_;
      given = true;
      return {};
    default:
      action.kind = KEEL_ACTION_WAIT;
      action.wake_ms = kForeverMs;
      given = true;
      return {};
  }
}

Result<> Wallet::ResponseBegin(uint64_t now, int http_status) {
  if (!request_.active || request_.answering) return Fail(Code::kWrongState, "no request under way");
  now_ = now;
  request_.answering = true;
  request_.status = http_status;
  request_.used = 0;
  ++round_trips_;
  if (http_status < 200 || http_status > 299) return {};
  Result<> begun;
  if (request_.kind == KEEL_REQUEST_REGISTRY) begun = BeginR0();
  if (request_.kind == KEEL_REQUEST_PACK) begun = BeginPack();
  if (!begun) {
    request_.refused = true;
    request_.error = begun.error();
  }
  return begun;
}

Result<> Wallet::ResponseChunk(ByteView data) {
  if (!request_.active || !request_.answering) return Fail(Code::kWrongState, "no answer begun");
  bytes_received_ += data.size();
  if (request_.refused || request_.status < 200 || request_.status > 299) return {};
  request_.used += data.size();
  Result<> fed;
  if (request_.used > request_.limit) {
    fed = Fail(Code::kTooLarge, "answer");
  } else if (request_.kind == KEEL_REQUEST_REGISTRY) {
    fed = FeedR0(data);
  } else if (request_.kind == KEEL_REQUEST_PACK) {
    fed = FeedPack(data);
  } else if (request_.kind == KEEL_REQUEST_BLOCKS) {
    fed = FeedBlocks(data);
  } else if (!data.empty()) {
    // The request's body is not needed any more: the answer takes its place.
    std::memcpy(message_.data() + request_.used - data.size(), data.data(), data.size());
  }
  if (!fed) {
    request_.refused = true;
    request_.error = fed.error();
  }
  return fed;
}

Result<> Wallet::ResponseEnd(uint64_t now) {
  if (!request_.active || !request_.answering) return Fail(Code::kWrongState, "no answer begun");
  now_ = now;
  const Request answer = request_;
  request_.active = false;
  request_.answering = false;
  if (answer.status < 200 || answer.status > 299) {
    request_.error = Error{};
    request_.error.code = answer.status == 503 || answer.status == 429 ? Code::kBusy : Code::kHttpStatus;
    request_.error.where = "http status";
    request_.refused = true;
  }
  Result<> ended;
  switch (answer.kind) {
    case KEEL_REQUEST_REGISTRY: ended = EndR0(); break;
    case KEEL_REQUEST_PACK: ended = EndPack(); break;
    case KEEL_REQUEST_BLOCKS: ended = EndBlocks(); break;
    case KEEL_REQUEST_WAIT:
    case KEEL_REQUEST_DIDCOMM: {
      if (request_.refused) {
        ended = std::unexpected<Error>(request_.error);
        OnNoAnswer();
        break;
      }
      if (step_ == KEEL_STEP_DORMANT) {
        ended = OnMail();
        break;
      }
      const bool in_session = session_.stage != 0;
      const auto thid = in_session || state_.phase == DeviceState::kActive
                            ? IdText(in_session ? session_.thid : state_.thid)
                            : IdText(talk_id_);
      const auto received = Receive(thid.view());
      if (!received) {
        request_.refused = true;
        request_.error = received.error();
        ended = std::unexpected<Error>(received.error());
        OnNoAnswer();
        break;
      }
      switch (step_) {
        case KEEL_STEP_HELLO: ended = OnOwnerProof(*received); break;
        case KEEL_STEP_PROOF: ended = OnProvision(*received); break;
        case KEEL_STEP_DONE: ended = OnAck(*received); break;
        case KEEL_STEP_CONTACT: ended = OnTalkReply(*received); break;
        default: break;
      }
      break;
    }
  }
  // Secrets that came in clear text must not outlive their use.
  if (answer.kind == KEEL_REQUEST_DIDCOMM || answer.kind == KEEL_REQUEST_WAIT) Wipe(message_);
  return ended;
}

Result<> Wallet::Failed(uint64_t now) {
  if (!request_.active) return Fail(Code::kWrongState, "no request under way");
  now_ = now;
  const keel_wallet_request_kind kind = request_.kind;
  if (!request_.refused) {
    request_.refused = true;
    request_.error = Error{};
    request_.error.code = Code::kUnreachable;
    request_.error.where = "transport";
  }
  request_.active = false;
  request_.answering = false;
  switch (kind) {
    case KEEL_REQUEST_REGISTRY: (void)EndR0(); break;
    case KEEL_REQUEST_PACK: (void)EndPack(); break;
    case KEEL_REQUEST_BLOCKS: (void)EndBlocks(); break;
    case KEEL_REQUEST_WAIT:
    case KEEL_REQUEST_DIDCOMM: OnNoAnswer(); break;
  }
  return {};
}

Result<> Wallet::OfferInvitation(ByteView invitation) {
  if (state_.phase != DeviceState::kSeeking || session_.stage == 2 || request_.active) {
    return Fail(Code::kWrongState, "invitation");
  }
  KEEL_TRY_VOID(CheckInvitation(AsText(invitation), time_known_ ? Now() : 0));
  KEEL_TRY_VOID(StartSession(AsText(invitation)));
  offered_ = true;
  wake_ = 0;
  Enter(time_known_ ? KEEL_STEP_HELLO : KEEL_STEP_RENDEZVOUS);
  return {};
}

Result<> Wallet::ContactNow() {
  if (state_.phase != DeviceState::kOnboarded) return Fail(Code::kWrongState, "contact");
  contact_at_ = 0;
  if (!request_.active) wake_ = 0;
  return {};
}

void Wallet::GetInfo(uint64_t now, keel_wallet_info& info) const {
  keel_wallet_info out{};
  out.size = sizeof out;
  out.phase = state_.phase == DeviceState::kFactory     ? KEEL_PHASE_FACTORY
              : state_.phase == DeviceState::kOnboarded ? KEEL_PHASE_ONBOARDED
              : state_.phase == DeviceState::kRetired   ? KEEL_PHASE_RETIRED
                                                        : KEEL_PHASE_SEEKING;
  out.step = failing_ && now < wake_ ? KEEL_STEP_BACKOFF : step_;
  CopyText(out.did, state_.did.view());
  if (state_.phase == DeviceState::kOnboarded || state_.phase == DeviceState::kActive) {
    CopyText(out.owner, state_.owner.did.view());
    CopyText(out.pairwise, state_.pd.view());
    out.generation = state_.generation;
  } else if (session_.stage != 0) {
    if (session_.stage == 2) CopyText(out.owner, session_.owner.did.view());
    CopyText(out.pairwise, session_.pd.view());
  }
  out.last_status = static_cast<int>(last_error_.code == Code::kInternalError ? Code::kOk : last_error_.code);
  out.last_where = last_error_.where;
  if (firmware_.stage == FirmwareStage::kReceiving || firmware_.stage == FirmwareStage::kStaged) {
    out.firmware_offset = firmware_.stage == FirmwareStage::kStaged ? firmware_.size : hashed_;
    out.firmware_size = firmware_.size;
  }
  out.rollback_counter = state_.rollback;
  out.time = time_known_ ? time_.Now(now) : 0;
  out.round_trips = round_trips_;
  out.bytes_sent = bytes_sent_;
  out.bytes_received = bytes_received_;
  info = out;
}

Result<size_t> Wallet::ReadDocument(keel_wallet_document document, ByteSpan out) {
  switch (document) {
    case KEEL_DOCUMENT_PROVISION: {
      if (state_.provision_slot == 0) return Fail(Code::kNotFound, "provision");
      return records_.ReadRaw(state_.provision_slot == 1 ? RecordId::kProvisionA : RecordId::kProvisionB, out);
    }
    case KEEL_DOCUMENT_HARDWARE_CREDENTIAL: return records_.ReadRaw(RecordId::kCredential, out);
    case KEEL_DOCUMENT_STAMP: return records_.ReadRaw(RecordId::kStampConfig, out);
  }
  return Fail(Code::kInvalidArgument, "document");
}

}  // namespace keel::wallet
