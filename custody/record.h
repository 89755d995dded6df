// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/encoding.h"
#include "core/bytes.h"
#include "core/time.h"
#include "crypto/keys.h"
#include "registry-client/history_source.h"

// What a custodian knows of one device, and how it is written in the store and in packages (docs/formats/custody.md).
namespace keel::custody {

// Link i with the spend of seal_{i-1} on it (protocol.md section 4). Octets as in a pack's LINK item.
struct ChainLink {
  base::ByteVec link;    // 176 octets
  base::ByteVec policy;  // of seal_{i-1}
  base::ByteVec sigs;    // SIGS over the spend
  uint64_t index = 0;    // log index of the spend once anchored; 0: not known yet (index 0 of a log is never a spend)
};

enum class DeviceState : uint8_t {
  kHeld,     // its last seal is ours and its spend chain is anchored
  kPending,  // ours by the papers, but a link of the chain isn't anchored yet (offline sale)
  kGiven,    // we spent our seal; kept as a record of whom it went to
};
const char* StateName(DeviceState state);  // "held", "pending", "given"

// The manufacturer's paper about the device.
struct HardwarePaper {
  std::string jwt;       // HardwareCredential, vc+jwt
  std::string batch;     // BATCH member {salt,i,n,path,index} as JSON text; empty: not anchored in a batch
  ByteArray<16> salt{};  // of seal0
  Bytes32 root_seal{};
};

struct DeviceRecord {
  std::string did;
  std::string serial;
  std::string model;
  Bytes32 rs{};          // rendezvous secret and key; new ones come with M5 (SetRendezvous)
  crypto::PublicKey rp;  // X25519 or P-256, by the device's suite
  std::vector<registry_client::AnchoredOperation> ops;  // the device's own, create first
  HardwarePaper hardware;
  std::vector<ChainLink> links;  // links[i-1] is link i; empty while the manufacturer holds it
  std::string credential;        // OwnershipCredential of the last link (vc+jwt); empty for the manufacturer
  DeviceState state = DeviceState::kHeld;
  UnixSeconds reliable_from =
      0;                 // protocol.md section 4: not to be relied on before (max_stale + 60 s after its checkpoint)
  std::string given_to;  // kGiven: the receiver's DID
  std::string transfer;  // kGiven: id of the transfer
  std::optional<ChainLink> passed_on;  // kGiven, once its spend is anchored: the link to the next owner, for the device

  uint32_t k() const { return static_cast<uint32_t>(links.size()); }
  // seal_k: of the last link, else the root seal. Its spend is what would end our title.
  Bytes32 LastSeal() const;
  // The seal that link i (1..k) spends: seal_{i-1}.
  Bytes32 SealBefore(size_t i) const;
};

nlohmann::json ToJson(const DeviceRecord& record);
// kMalformed, kMissing: names the member. Unknown members are refused: the file is ours or a package under our own
// version.
Result<DeviceRecord> RecordFromJson(const nlohmann::json& json);

}  // namespace keel::custody
