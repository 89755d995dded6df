// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "core/result.h"

namespace keel::onboarding {

// Named codes of kProblem messages, spoken only after mutual proof. The names are DIDComm report-problem codes
// ("e.p.xfer..." style is not used: these are fixed strings). docs/protocols/device-onboarding.md says when each is
// sent and what the other side does.
enum class Problem : uint8_t {
  kNone = 0,
  kBadProof,     // "bad-proof"         a proof's signature, nonce, audience or transcript is wrong
  kExpired,      // "expired"           a proof or credential is out of its time
  kPolicy,       // "policy"            policy refuses; the operator sees the rules (`keel-verifier why`)
  kRevoked,      // "revoked"
  kUntrusted,    // "untrusted"         manufacturer, issuer or anchor not accepted
  kEvidence,     // "evidence"          missing, stale or not matching
  kClone,        // "clone-or-reset"    held until the owner decides
  kGeneration,   // "generation"        not the next provisioning generation
  kTooLarge,     // "too-large"         does not fit the device's buffer or storage
  kUnsupported,  // "unsupported"       version, suite or member
  kFirmware,     // "firmware"          image refused: digest, signature, class or rollback
  kStorage,      // "storage"           the device could not store it
  kSequence,     // "sequence"          seq not rising, or an old contact secret
  kNotYet,       // "not-yet"           wait: retry_after
  kInternal,     // "internal"
};
std::string_view ProblemName(Problem problem);   // "" for kNone
Problem ProblemFromName(std::string_view name);  // kInternal for unknown names
Problem ProblemFor(Code code);                   // how an error of ours is told to the peer

}  // namespace keel::onboarding
