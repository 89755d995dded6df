// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace keel::onboarding {

// The verifier's side as a pure table: what becomes of one claim (a device that is expected, and then ours). What comes
// before a good M3 changes no claim: sessions are bounded and may be dropped at any time. The values are stored.
enum class ClaimState : uint8_t {
  kClaimed = 0,    // waiting for the device
  kBound = 1,      // both have proved themselves: M4 is stored, M5 not seen yet
  kOnboarded = 2,  // M5 seen
  kHeld = 3,       // "clone or reset": a second session proved the same device; the owner decides
  kRevoked = 4,    // taken out of the fleet by the owner
  kReleased = 5,   // passed on to the next owner
  kRetired = 6,    // end of life
};
enum class ClaimEvent : uint8_t {
  kDeviceProof = 0,       // good M3 that policy takes, of a claim that nobody is bound to
  kDeviceProofAgain = 1,  // another good M3 of the P_D that it is bound to
  kDeviceProofOther = 2,  // a good M3 of another P_D
  kDone = 3,              // good M5
  kRevoke = 4,            // the owner takes it out
  kIsReset = 5,           // the owner decides about the alarm: the second session is the device ...
  kIsClone = 6,           // ... or a copy of it
  kPassedOn = 7,          // the spend of our seal is anchored
  kTransferred = 8,       // the device has been told, and forgets us
  kWiped = 9,             // the device carries out our order to forget us
  kRetire = 10,           // the device carries out our order to end
  kCount = 11,
};
struct ClaimStep {
  bool legal = false;
  ClaimState next = ClaimState::kClaimed;
};
ClaimStep Next(ClaimState state, ClaimEvent event);
std::string_view NameOf(ClaimState state);  // "claimed"; ends with a zero octet
std::string_view NameOf(ClaimEvent event);  // "device_proof"

}  // namespace keel::onboarding
