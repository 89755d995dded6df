// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "vc/sd_jwt/hardware.h"

// Hardware credentials for single use, issued many at a time (RFC 9901, section 10.1): a device shows each owner
// another one, so that owners who compare notes find nothing in common but what any two devices of the model have in
// common. The issuer itself can still tell them together.
namespace keel::vc {

inline constexpr size_t kMaxHardwareBatch = 1024;
inline constexpr UnixSeconds kHardwareBatchDay = 86'400;  // times are rounded down to it
inline constexpr size_t kHardwareBatchDigests = 24;       // in each credential, decoys included

struct HardwareBatch {
  std::string kid;
  std::vector<crypto::PublicKey> keys;  // the device's, one for each credential, all different
  UnixSeconds issued_at = 0;
  std::optional<UnixSeconds> valid_until;
  // Empty: no status. Else the list's URL and where each credential gets an index of its own, which must tell nothing
  // of the others' (vc/status_list's random allocation).
  std::string status_list;
  std::function<Result<uint64_t>()> status_index;
};

// One SD-JWT VC for each key, from a HardwareCredential. Left out of all: id, the device's DID, serial number, root
// seal, `properties` and its own status entry and times; every other fact is concealed with a fresh salt. As many
// digests in one as in the other. kInvalidArgument: no keys, too many, one twice, an issuer that isn't kid's DID, over
// kHardwareBatchDigests facts, or a list without status_index. kMalformed: no HardwareCredential. The errors of
// status_index and the key store.
Result<std::vector<std::string>> IssueHardwareBatch(const nlohmann::json& credential, const HardwareBatch& batch,
                                                    Random& random, crypto::KeyStore& store, crypto::KeyHandle key);

}  // namespace keel::vc
