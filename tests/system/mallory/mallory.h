// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "core/result.h"

// The attacker's tools, for tests only: what can be done with a copy of a folder and the keys in it. Each does one
// wrong thing and everything else right, so that a refusal is by the guard that the test is about.
namespace keel::mallory {

// --- on a device's folder (no program may run on it)
// Opens a rendezvous value as the device would; gives the invitation.
Result<std::string> OpenValue(const std::string& device_dir, const std::string& value);
// Seals an invitation to the device, as everybody can who once held it (RS, RP).
Result<std::string> SealValue(const std::string& device_dir, const std::string& invitation);
// Replaces the device's HardwareCredential by the same with `patch` (RFC 7396) applied, signed with the key in the
// maker's folder. keep_batch: leaves the batch membership of the old one beside it, else the device has none.
Result<> Paper(const std::string& device_dir, const std::string& maker_dir, const std::string& patch, bool keep_batch);
// Every secret of the device, a line each, in hex.
Result<std::string> Secrets(const std::string& device_dir);

// --- on an issuer's or a custodian's folder
// Ends its DID for good, which no verb of the programs does.
Result<> Deactivate(const std::string& dir);
// Sells one device as `keel ownership transfer --offline` does, but for what `how` names: "good" (nothing),
// "other-key" (the spend is signed under a seal of Mallory's own), "bad-signature", "expired-credential",
// "credential-of-another" (its owner is the giver), "credential-by-another-key" (not the giver's).
Result<> Sell(const std::string& giver_dir, const std::string& request_file, const std::string& serial,
              const std::string& how, const std::string& out_file);

}  // namespace keel::mallory
