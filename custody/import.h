// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "custody/verbs.h"

// Taking devices over: every check of protocol.md section 4 (docs/formats/custody.md, "Import").
namespace keel::custody {

struct ImportOptions {
  std::string file;
  bool offline = false;  // papers only: the devices are `pending` until `anchor`
};
// Device by device: one that fails is refused with its reason (and, for a double sale, the evidence); the others are
// taken. Repeating is harmless.
// {"from","imported":[..],"already":[..],"refused":[..]}
Result<nlohmann::json> Import(CustodyContext& context, const ImportOptions& options);

// A device is relied on when max_stale + 60 s have passed since the checkpoint that proved its chain: till then a giver
// who kept a pack could still onboard it.
inline constexpr uint64_t kReliableAfter = 300 + 60;

}  // namespace keel::custody
