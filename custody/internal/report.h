// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "custody/chain.h"
#include "custody/internal/lookup.h"

namespace keel::custody {

// A refused device in a verb's answer: {did, serial, code, message}.
nlohmann::json Refusal(const DeviceRecord& record, const Error& error);
// The same with the evidence of a seal spent twice: {seal, link (number), ours, anchored: {link, index}}; ours is
// H(link) and its signed spend.
nlohmann::json DoubleSale(const DeviceRecord& record, const ChainStanding& standing);
// What the registry must prove of a chain for us to hold the device: every spend, the last seal unspent, the device's
// operations, the HardwareCredential. Takes over operations and indices into the record and sets reliable_from.
// kSealSpent, kNotFound, kConflict, kUntrusted; registry errors.
Result<> CheckStanding(Lookup& lookup, DeviceRecord& record, const ChainStanding& standing);

}  // namespace keel::custody
