// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace keel::onboarding {

// The verifier's side of one claim (a device expected). Sessions before M3 are not claims' states: at most
// kMaxUnprovenSessions of them exist and any may be dropped; a claim changes when a device proves itself.
enum class ClaimState : uint8_t {
  kClaimed = 0,      // imported, not published yet
  kWaiting = 1,      // invitation published
  kBound = 2,        // M3 good: bound to this P_D in one write
  kProvisioned = 3,  // M4 stored (before it was sent)
  kOnboarded = 4,    // M5 good; M6 sent
  kHeld = 5,         // clone or reset alarm: the owner decides
  kSuspended = 6,    // the owner paused it: no tokens, contact answered with not-yet
  kRefused = 7,      // policy said no; the operator may change it and try again
  kReleased = 8,     // transferred, wiped or retired: no longer ours
};
enum class ClaimEvent : uint8_t {
  kPublished = 0,
  kDeviceProof = 1,       // good M3, first of this claim
  kDeviceProofAgain = 2,  // good M3 of the same P_D
  kDeviceProofOther = 3,  // good M3 of another P_D, afterwards: clone or reset
  kPolicyRefused = 4,
  kProvisionStored = 5,
  kDone = 6,  // good M5
  kDoneAgain = 7,
  kOwnerAccepts = 8,  // decides a held claim: the new session is the device (a reset)
  kOwnerRejects = 9,  // ... it is not: revoke
  kSuspend = 10,
  kResume = 11,
  kRelease = 12,  // transfer, wipe, retire
  kRetry = 13,    // after a refusal
  kCount = 14,
};
struct ClaimStep {
  bool legal = false;
  ClaimState next = ClaimState::kClaimed;
};
ClaimStep Next(ClaimState state, ClaimEvent event);
std::string_view NameOf(ClaimState state);
std::string_view NameOf(ClaimEvent event);

// One session from M1 on, for repeated messages.
enum class SessionState : uint8_t {
  kHelloSeen = 0,
  kOwnerProofSent = 1,
  kProven = 2,
  kProvisionSent = 3,
  kFinished = 4,
  kDropped = 5
};
enum class SessionEvent : uint8_t {
  kHello = 0,  // the same M1: the same M2 while young, else a new one
  kOwnerProofSent = 1,
  kDeviceProof = 2,  // repeated: the same M4
  kProvisionSent = 3,
  kDone = 4,  // repeated: M6 again
  kDrop = 5,
  kCount = 6,
};
struct SessionStep {
  bool legal = false;
  SessionState next = SessionState::kHelloSeen;
};
SessionStep Next(SessionState state, SessionEvent event);

}  // namespace keel::onboarding
