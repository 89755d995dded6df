// SPDX-License-Identifier: Apache-2.0
#include "core/encoding.h"
#include "crypto/hash.h"
#include "device-wallet/core/wallet.h"
#include "onboarding/firmware.h"
#include "onboarding/suit.h"

namespace keel::wallet {

namespace body = onboarding::body;

namespace {

constexpr size_t kHashPerPoll = 64 * 1024;   // octets of the spare slot hashed again in one poll
constexpr uint8_t kMaxTrials = 3;            // starts of a new image without a verdict, then it is given up
constexpr uint64_t kSaveEvery = 256 * 1024;  // octets between two writes of the offset

onboarding::FirmwareTransfer TransferOf(const FirmwareRecord& record) {
  return {record.manifest, record.size, record.block};
}

}  // namespace

Result<keel_wallet_firmware> Wallet::Current() const {
  keel_wallet_firmware current{};
  if (!HasSlots() || ports_.firmware_current(ports_.context, &current) != KEEL_PORT_OK)
    return Fail(Code::kIo, "firmware port");
  current.version[sizeof current.version - 1] = '\0';
  return current;
}

void Wallet::WriteFirmware(JsonWriter& w, std::string_view name) const {
  const auto current = Current();
  if (!current) return;
  w.Name(name).BeginObject().Name(body::kVersion).String(current->version);
  w.Name(body::kSequence).Uint(current->sequence).Name(body::kDigest).Base64Url(current->digest).EndObject();
}

uint32_t Wallet::BlockSize() const {
  uint32_t block = onboarding::kMinFirmwareBlock;
  while (block < onboarding::kFirmwareBlock && size_t{2} * block + onboarding::kFirmwareTag <= message_.size())
    block *= 2;
  return block;
}

Result<FirmwareOffer> Wallet::ReadOffer(const JsonView& json) const {
  FirmwareOffer offer;
  KEEL_TRY(const std::string_view id, json.GetPlain(body::kId));
  if (id.empty() || !offer.id.Set(id)) return Fail(Code::kTooLarge, "firmware id");
  KEEL_TRY(const std::string_view version, json.GetPlain(body::kVersion));
  if (!offer.version.Set(version)) return Fail(Code::kTooLarge, "firmware version");
  KEEL_TRY(offer.sequence, json.GetUint(body::kSequence));
  KEEL_TRY(offer.size, json.GetUint(body::kLength));
  if (offer.size == 0 || offer.size > onboarding::kMaxFirmware) return Fail(Code::kTooLarge, "firmware size");
  KEEL_TRY(offer.digest, json.GetFixed<32>(body::kDigest));
  return offer;
}

// An offer is taken up once; what already runs needs no transfer.
bool Wallet::OfferWanted() const {
  if (state_.offer.id.empty() || !HasSlots()) return false;
  if (firmware_.id.view() == state_.offer.id.view()) return false;
  const auto current = Current();
  return current && !Equal(current->digest, state_.offer.digest);
}

// At start-up: what became of a transfer that was staged before the restart.
Result<> Wallet::StartFirmware() {
  if (!HasSlots()) return {};
  KEEL_TRY(const keel_wallet_firmware current, Current());
  const bool complete = firmware_.stage == FirmwareStage::kStaged ||
                        (firmware_.stage == FirmwareStage::kReceiving && firmware_.offset == firmware_.size);
  const bool runs_it = current.sequence == firmware_.sequence && Equal(current.digest, firmware_.digest);
  if (complete && runs_it) {
    if (current.trial != 0) {
      firmware_.stage = FirmwareStage::kStaged;
      trial_ = true;
      return {};
    }
    // Confirmed before the power went, the counter not yet raised.
    if (state_.rollback < firmware_.sequence) {
      state_.rollback = firmware_.sequence;
      KEEL_TRY_VOID(SaveState());
    }
    firmware_.stage = FirmwareStage::kReport;
    return records_.Save(RecordId::kFirmware, firmware_);
  }
  if (firmware_.stage == FirmwareStage::kStaged && ++firmware_.trials < kMaxTrials) {
    // The boot loader gave it up, but nobody said that it is bad: power may have been lost. What lies in the spare slot
    // is hashed again and has another trial.
    firmware_.stage = FirmwareStage::kReceiving;
    firmware_.offset = firmware_.size;
    Note(KEEL_EVENT_FIRMWARE, 0, "the trial had no verdict: the new image is tried again");
    return records_.Save(RecordId::kFirmware, firmware_);
  }
  if (firmware_.stage == FirmwareStage::kStaged) {
    firmware_.stage = FirmwareStage::kFailed;
    firmware_.status = static_cast<uint16_t>(Code::kRefused);
    Note(KEEL_EVENT_FIRMWARE, firmware_.status, "the new image was given up, the old one runs");
    return records_.Save(RecordId::kFirmware, firmware_);
  }
  return {};
}

Result<> Wallet::FailFirmware(const Error& error) {
  NoteRefused(error);
  Note(KEEL_EVENT_FIRMWARE, static_cast<int>(error.code), error.where);
  firmware_.stage = FirmwareStage::kFailed;
  firmware_.status = static_cast<uint16_t>(error.code);
  Wipe(firmware_.key);
  return records_.Save(RecordId::kFirmware, firmware_);
}

// Manifest first: author's signature before anything is parsed out of it, then vendor, class, sequence, and that it is
// what was offered.
Result<> Wallet::OnFirmwareKey(const Received& m) {
  const bool goes_on = firmware_.stage == FirmwareStage::kReceiving;
  FirmwareRecord next;
  next.id = goes_on ? firmware_.id : state_.offer.id;
  KEEL_TRY(const std::string_view id, m.body.GetPlain(body::kId));
  if (id != next.id.view()) return Fail(Code::kConflict, "firmware id");
  KEEL_TRY(next.key, m.body.GetFixed<32>(body::kKey));
  KEEL_TRY(const std::string_view url, m.body.GetPlain(body::kUrl));
  if (!next.url.Set(url)) return Fail(Code::kTooLarge, "firmware url");
  KEEL_TRY(const uint64_t block, m.body.GetUint(body::kBlock));
  if (block > BlockSize()) return Fail(Code::kTooLarge, "firmware block");
  next.block = static_cast<uint32_t>(block);
  ByteArray<onboarding::kMaxSuitEnvelope> envelope;
  KEEL_TRY(const size_t n, m.body.GetBase64Url(body::kManifest, envelope));
  next.manifest = crypto::Sha256::Of(ByteView(envelope).first(n));

  // From here on the message is no longer needed: its buffer holds the stamp.
  const auto verify = [&]() -> Result<> {
    KEEL_TRY(const size_t stamp_length, records_.ReadRaw(RecordId::kStampConfig, message_));
    KEEL_TRY(const StampView stamp, ReadStamp(AsText(message_.first(stamp_length))));
    KEEL_TRY(const onboarding::SuitManifest manifest,
             onboarding::VerifySuitEnvelope(ByteView(envelope).first(n), {stamp.authors.data(), stamp.author_count}));
    if (manifest.vendor != stamp.vendor || manifest.device_class != stamp.device_class) {
      return Fail(Code::kUntrusted, "firmware of another vendor or class");
    }
    KEEL_TRY(const keel_wallet_firmware current, Current());
    if (manifest.sequence < state_.rollback || manifest.sequence < current.sequence)
      return Fail(Code::kRollback, "firmware sequence");
    const FirmwareOffer& offer = state_.offer;
    if (!goes_on &&
        (manifest.sequence != offer.sequence || manifest.size != offer.size || manifest.digest != offer.digest)) {
      return Fail(Code::kConflict, "manifest is not what was offered");
    }
    next.sequence = manifest.sequence;
    next.size = manifest.size;
    next.digest = manifest.digest;
    next.version.Set(manifest.version.empty() ? offer.version.view() : manifest.version);
    KEEL_TRY_VOID(onboarding::CheckTransfer(TransferOf(next)));
    return {};
  };
  const auto verified = verify();
  if (!verified) {
    firmware_ = next;
    (void)FailFirmware(verified.error());
    return verified;
  }
  const bool same = goes_on && firmware_.manifest == next.manifest && firmware_.block == next.block;
  if (same) next.trials = firmware_.trials;
  if (same && firmware_.offset > 0) {
    next.offset = firmware_.offset;
  } else if (ports_.firmware_begin(ports_.context, next.size) != KEEL_PORT_OK) {
    return Fail(Code::kIo, "firmware slot");
  }
  next.stage = FirmwareStage::kReceiving;
  KEEL_TRY_VOID(records_.Save(RecordId::kFirmware, next));
  firmware_ = next;
  Wipe(next.key);
  saved_offset_ = firmware_.offset;
  hashed_ = 0;
  image_hash_ = crypto::Sha256();
  ask_again_ = false;
  Note(KEEL_EVENT_FIRMWARE, 0, same ? "transfer goes on" : "transfer begins");
  return {};
}

Result<> Wallet::PrepareFirmware(uint64_t now, keel_wallet_action& action, bool& given) {
  if (ask_again_) {
    Enter(KEEL_STEP_CONTACT);
    return {};
  }
  if (hashed_ < firmware_.offset) {
    // What an earlier run wrote is read back and hashed again, a bounded part at a time.
    for (size_t done = 0; done < kHashPerPoll && hashed_ < firmware_.offset;) {
      const uint64_t left = firmware_.offset - hashed_;
      const size_t n = left < message_.size() ? static_cast<size_t>(left) : message_.size();
      if (ports_.firmware_read(ports_.context, hashed_, message_.data(), n) != KEEL_PORT_OK)
        return Fail(Code::kIo, "firmware slot");
      image_hash_.Update(message_.first(n));
      hashed_ += n;
      done += n;
    }
    action.kind = KEEL_ACTION_WAIT;
    action.wake_ms = now;
    given = true;
    return {};
  }
  if (hashed_ >= firmware_.size) return FinishImage();
  SetUrl(firmware_.url.view(), onboarding::kFromQuery);
  url_.AppendUint(hashed_ / firmware_.block);
  block_used_ = 0;
  const uint64_t blocks = (firmware_.size - hashed_ + firmware_.block - 1) / firmware_.block;
  MakeRequest(KEEL_REQUEST_BLOCKS, 0,
              static_cast<size_t>(firmware_.size - hashed_ + blocks * onboarding::kFirmwareTag));
  return {};
}

Result<> Wallet::FeedBlocks(ByteView data) {
  const onboarding::FirmwareTransfer transfer = TransferOf(firmware_);
  while (!data.empty()) {
    const size_t plain = transfer.BlockLength(hashed_ / firmware_.block);
    if (plain == 0) return Fail(Code::kTooLarge, "firmware blocks");
    const size_t sealed = plain + onboarding::kFirmwareTag;
    const size_t want = sealed - block_used_;
    const size_t n = data.size() < want ? data.size() : want;
    std::memcpy(message_.data() + block_used_, data.data(), n);
    block_used_ += n;
    data = data.subspan(n);
    if (block_used_ < sealed) continue;
    KEEL_TRY_VOID(BlockDone());
  }
  return {};
}

Result<> Wallet::BlockDone() {
  const auto key = onboarding::TransferKey::CopyFrom(std::span<const uint8_t, 32>(firmware_.key));
  const ByteSpan sealed = message_.first(block_used_);
  KEEL_TRY(const size_t n,
           onboarding::OpenBlock(key, TransferOf(firmware_), hashed_ / firmware_.block, sealed, message_));
  if (ports_.firmware_write(ports_.context, hashed_, message_.data(), n) != KEEL_PORT_OK)
    return Fail(Code::kIo, "firmware slot");
  image_hash_.Update(message_.first(n));
  hashed_ += n;
  firmware_.offset = hashed_;
  block_used_ = 0;
  if (firmware_.offset - saved_offset_ >= kSaveEvery) {
    KEEL_TRY_VOID(records_.Save(RecordId::kFirmware, firmware_));
    saved_offset_ = firmware_.offset;
  }
  return {};
}

Result<> Wallet::EndBlocks() {
  if (firmware_.offset > saved_offset_) {
    // Progress is kept, however the answer ended.
    const auto saved = records_.Save(RecordId::kFirmware, firmware_);
    if (!saved) {
      BackOff(saved.error(), "own storage");
      return saved;
    }
    saved_offset_ = firmware_.offset;
    Succeeded();
    if (!request_.refused) return {};
  }
  if (!request_.refused && firmware_.offset == firmware_.size) return {};
  if (!request_.refused) {
    request_.error = Error{};
    request_.error.code = Code::kMissing;
    request_.error.where = "firmware blocks";
  }
  // A transfer that its server no longer knows, or blocks that do not open: ask for key and place again.
  ask_again_ = request_.error.code == Code::kHttpStatus || request_.error.code == Code::kDecryptFailed;
  BackOff(request_.error, "firmware blocks");
  return std::unexpected<Error>(request_.error);
}

Result<> Wallet::FinishImage() {
  crypto::Sha256 hash = image_hash_;
  if (hash.Final() != firmware_.digest) {
    if (firmware_.trials > 0) {
      // The boot loader didn't leave the image as it was: from the beginning.
      firmware_.offset = hashed_ = saved_offset_ = 0;
      image_hash_ = crypto::Sha256();
      ask_again_ = true;
      return records_.Save(RecordId::kFirmware, firmware_);
    }
    KEEL_TRY_VOID(FailFirmware(Fail(Code::kConflict, "firmware image digest").error()));
    Resume();
    return {};
  }
  FixedText<65> version;
  version.Set(firmware_.version.view());
  version.Append({"\0", 1});
  if (ports_.firmware_finish(ports_.context, firmware_.size, firmware_.sequence, version.view().data()) !=
      KEEL_PORT_OK) {
    return Fail(Code::kIo, "firmware slot");
  }
  Wipe(firmware_.key);
  firmware_.stage = FirmwareStage::kStaged;
  KEEL_TRY_VOID(records_.Save(RecordId::kFirmware, firmware_));
  Note(KEEL_EVENT_FIRMWARE, 0, "image complete, restart follows");
  Resume();
  return {};
}

// The application's verdict on the image that runs on trial. Confirm first, then raise the counter: the other way round
// a power cut could leave a device that may run neither image.
Result<> Wallet::Health(bool healthy) {
  if (!trial_) return Fail(Code::kWrongState, "no image on trial");
  if (!healthy) {
    firmware_.stage = FirmwareStage::kFailed;
    firmware_.status = static_cast<uint16_t>(Code::kRefused);
    KEEL_TRY_VOID(records_.Save(RecordId::kFirmware, firmware_));
    Note(KEEL_EVENT_FIRMWARE, firmware_.status, "unhealthy: restart reverts");
    wake_ = 0;
    Enter(KEEL_STEP_RESTART);
    return {};
  }
  if (ports_.firmware_confirm(ports_.context) != KEEL_PORT_OK) return Fail(Code::kIo, "firmware slot");
  if (state_.rollback < firmware_.sequence) {
    state_.rollback = firmware_.sequence;
    KEEL_TRY_VOID(SaveState());
  }
  firmware_.stage = FirmwareStage::kReport;
  KEEL_TRY_VOID(records_.Save(RecordId::kFirmware, firmware_));
  trial_ = false;
  Note(KEEL_EVENT_FIRMWARE, 0, "image confirmed");
  if (!request_.active) {
    wake_ = 0;
    Resume();
  }
  return {};
}

}  // namespace keel::wallet
