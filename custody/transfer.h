// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "custody/verbs.h"

// Passing devices on, and taking it back (protocol.md section 4; docs/formats/custody.md).
namespace keel::custody {

struct TransferOptions {
  std::string request_file;  // the receiver's
  std::string out_file;      // the package
  bool all = false;          // else by model or serials
  std::string model;
  std::vector<std::string> serials;
  bool offline = false;  // anchors nothing now: `anchor` later, by giver or receiver, whoever is first
};
// Makes links, credentials and spends (kept before anything leaves), anchors, writes the package, notes the devices as
// given, destroys the spent seals' keys. A second run with the same request finishes an interrupted one with the same
// octets. A device whose seal turns out spent on another link is left out, with the evidence.
// {"transfer","to","file","given":[..],"refused":[..]}. kUsage (choice), kOutOfRange (more devices than seals),
// kNotFound, kWrongState.
Result<nlohmann::json> Transfer(CustodyContext& context, const TransferOptions& options);

// Anchors what transfers and imports left unanchored. {"anchored":[..],"refused":[..],"waiting":[..]}
Result<nlohmann::json> AnchorPending(CustodyContext& context);

// Takes back devices given offline whose spend nobody has anchored: spends our seal on a new seal of our own. The first
// anchored wins.
Result<nlohmann::json> Cancel(CustodyContext& context, const std::vector<std::string>& serials);

}  // namespace keel::custody
