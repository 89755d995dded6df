// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "did/resolver.h"

// What a DIDComm message says to somebody who holds none of its keys (`keel didcomm inspect`).
namespace keel::cli {

// A report on one message of any kind, hostile ones included: every layer that can be read without keys, outermost
// first, what was checked, and what only a receiver can check.
//
//   {"kind": "encrypted" | "signed" | "plaintext" | "unknown", "octets",
//    "layers": [{"layer", ...}],                       as deep as they can be read
//    "checks": [{"name", "ok": true | false | null, "detail"}],   null: could not be checked
//    "receiver_checks": ["..."],
//    "refused": null | {"code", "message"}}            what Keel would refuse it for, whoever it is for
//
// The resolver serves signatures and from_prior; give one that asks nobody. Expiry is judged at `now`. An error: the
// text is no strict JSON, or too large.
Result<nlohmann::json> ExplainMessage(std::string_view text, did::DidResolver& resolver, UnixSeconds now);

// The report for people: lines for a terminal, with nothing in them that could move its cursor.
std::string ReportText(const nlohmann::json& report);

}  // namespace keel::cli
