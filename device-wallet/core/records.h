// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "crypto/keys.h"
#include "device-wallet/core/jwt.h"
#include "device-wallet/core/peer_did.h"
#include "device-wallet/core/text.h"
#include "keel_wallet.h"
#include "ledger/history.h"
#include "ledger/limits.h"
#include "ledger/link.h"
#include "onboarding/device_states.h"
#include "onboarding/limits.h"
#include "onboarding/messages.h"

// What the wallet keeps in its record store. Each record is written whole in one atomic write; a record that names
// another (State names the active provision) is written after it, so that every prefix of writes is a state to go on
// from. Layout on flash: u8 format || fields in the order of Visit || first 8 octets of SHA-256 of all before.
// docs/porting.md.
namespace keel::wallet {

enum class RecordId : uint16_t {
  kIdentity = 1,     // identity keys: written once, in the factory
  kState = 2,        // everything that changes with the life of the device
  kSession = 3,      // one onboarding under way
  kStampConfig = 4,  // raw JSON
  kDescriptor = 5,   // raw octets of the newest epoch's descriptor
  kCredential = 6,   // raw vc+jwt
  kBatch = 7,        // raw JSON
  kProvisionA = 8,   // raw plaintext of M4, two slots
  kProvisionB = 9,
  kFirmware = 10,  // a transfer under way
  kCreate = 11,    // raw signed create operation, in the factory and with hardware keys only
};

inline constexpr uint8_t kRecordFormat = 2;
inline constexpr size_t kMaxStructRecord = 2432;

using DidText = FixedText<ledger::kMaxDid>;
using UrlText = FixedText<onboarding::kMaxUrl>;
using Id16 = ByteArray<16>;

// A private key as a record has it: seed or scalar; with keys in hardware the number of their slot and zeroes.
using StoredKey = Bytes32;

struct Identity {
  uint8_t suite = onboarding::kSuiteOkp;
  StoredKey auth_seed{};  // authentication, assertion
  StoredKey next_seed{};  // committed to by the create operation
};

// A key of the owner's DID as its history stood at the pack's checkpoint.
struct OwnerKey {
  Bytes32 hash{};
  uint8_t uses = 0;
};

struct Owner {
  DidText did;
  Bytes32 head{};
  uint32_t operations = 0;
  uint8_t key_count = 0;
  std::array<OwnerKey, ledger::kMaxKeys> keys{};
};

struct Rendezvous {
  Bytes32 rs{};
  StoredKey rp{};
};

struct FirmwareOffer {
  FixedText<64> id;
  FixedText<64> version;
  uint64_t sequence = 0;
  uint64_t size = 0;
  Bytes32 digest{};
};

enum class PendingOrder : uint8_t { kNone = 0, kTransfer = 1, kWipe = 2, kRetire = 3 };

struct State {
  onboarding::DeviceState phase =
      onboarding::DeviceState::kFactory;  // kFactory, kSeeking, kActive, kOnboarded or kRetired
  // From the factory.
  uint8_t suite = onboarding::kSuiteOkp;
  bool hardware = false;  // private keys are in hardware slots
  DidText did;
  FixedText<ledger::kMaxLabel> label;
  Bytes32 net{};
  Bytes32 root_seal{};
  Id16 salt{};
  Id16 create_nonce{};
  // Rendezvous: [0] in use, [1] the new pair between M5 and M6 (or kept after a reset there).
  uint8_t rendezvous_count = 0;
  std::array<Rendezvous, 2> rendezvous{};
  // Ownership base of the last finished onboarding, and the one that M6 will make so.
  ledger::ChainBase base;
  ledger::ChainBase next_base;
  uint64_t largest_size = 0;
  uint64_t next_size = 0;
  uint64_t floor = 0;  // T of the last finished onboarding - 180 s
  uint64_t next_time = 0;
  uint32_t epoch = 0;
  uint32_t anchor_operations[3] = {0, 0, 0};  // known of manufacturer and alternates
  // Provision.
  uint32_t generation = 0;
  uint8_t provision_slot = 0;  // 0 none, 1 A, 2 B
  Bytes32 provision_hash{};
  Owner owner;  // known also after a reset: its history may not get shorter
  // The pairwise relation.
  StoredKey pd_private{};
  StoredKey token_seed{};
  FixedText<kMaxPeerDid> pd;
  FixedText<kMaxPeerDid> pv;
  UrlText url;
  Bytes32 contact{};
  uint64_t seq_out = 0;  // reserved up to here: after a restart numbering goes on from it
  uint64_t seq_in = 0;
  uint32_t contact_ms = 0;
  Bytes32 th{};  // th4 while kActive
  Id16 thid{};
  // Firmware.
  uint64_t rollback = 0;
  FirmwareOffer offer;  // id empty: none
  PendingOrder order = PendingOrder::kNone;
};

struct Session {
  uint8_t stage = 0;  // 0 none, 1 before M3 (kHello), 2 owner proved (kProving)
  FixedText<ledger::kMaxInvitation> invitation;
  Id16 thid{};
  Bytes32 nd{};
  StoredKey pd_private{};
  StoredKey token_seed{};
  FixedText<kMaxPeerDid> pd;
  FixedText<kMaxPeerDid> pv;
  uint32_t epoch = 0;  // as said in M1, so that a repeat has the same octets
  uint64_t size = 0;
  // From M2 and the pack.
  Bytes32 th2{};
  Bytes32 nv{};
  Owner owner;
  ledger::ChainBase base;
  uint64_t checkpoint_size = 0;
  uint64_t time = 0;       // T by which the pack was judged
  uint64_t proof_iat = 0;  // of M3, so that a repeat has the same octets
  KeptSignature proof;     // of M3, for the same reason, where signatures are randomized
  uint8_t want = 0;        // bit 0 evidence, bit 1 firmware
};

enum class FirmwareStage : uint8_t { kNone = 0, kReceiving = 1, kStaged = 2, kReport = 3, kFailed = 4 };

struct FirmwareRecord {
  FirmwareStage stage = FirmwareStage::kNone;
  FixedText<64> id;
  FixedText<64> version;
  uint64_t sequence = 0;
  uint64_t size = 0;
  Bytes32 digest{};
  Bytes32 manifest{};  // SHA-256 of the SUIT envelope's octets: binds the blocks
  Bytes32 key{};
  UrlText url;
  uint32_t block = 0;
  uint64_t offset = 0;  // octets that are surely in the spare slot
  uint16_t status = 0;  // why it failed
  uint8_t trials = 0;   // that ended with no verdict: power was lost, or the image did not get that far
};

// Record store behind the ports, with the integrity check.
class Records {
 public:
  explicit Records(const keel_wallet_ports& ports) : ports_(&ports) {}

  // kNotFound, kCorrupt, kIo, kUnknownVersion.
  Result<> Load(RecordId id, Identity& out) const;
  Result<> Load(RecordId id, State& out) const;
  Result<> Load(RecordId id, Session& out) const;
  Result<> Load(RecordId id, FirmwareRecord& out) const;
  Result<> Save(RecordId id, Identity& value) const;
  Result<> Save(RecordId id, State& value) const;
  Result<> Save(RecordId id, Session& value) const;
  Result<> Save(RecordId id, FirmwareRecord& value) const;

  // Raw records. ReadRaw returns the length.
  Result<size_t> ReadRaw(RecordId id, ByteSpan out) const;
  Result<> WriteRaw(RecordId id, ByteView data) const;
  Result<> Erase(RecordId id) const;

 private:
  const keel_wallet_ports* ports_;
};

// What of the stamp's JSON the wallet uses; views into the text it was read from.
struct StampView {
  std::string_view manufacturer;
  uint8_t alternate_count = 0;
  std::array<std::string_view, 2> alternates{};
  uint8_t known_count = 0;
  std::array<uint32_t, 3> known{};
  uint8_t endpoint_count = 0;
  std::array<std::string_view, KEEL_WALLET_ENDPOINTS_MAX> endpoints{};
  uint8_t author_count = 0;
  std::array<crypto::PublicKey, KEEL_WALLET_AUTHORS_MAX> authors{};
  Id16 vendor{};
  Id16 device_class{};
  uint64_t stale = ledger::kMaxCheckpointAge;
};
// kMalformed, kMissing, kTooLarge, kInvalidDid, kBadKey, kUnknownVersion.
Result<StampView> ReadStamp(std::string_view json);

}  // namespace keel::wallet
