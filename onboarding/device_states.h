// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace keel::onboarding {

// The device's side as a pure table: which event is legal when, and what comes next. The wallet does the work, saves
// the new state, and only then sends.
enum class DeviceState : uint8_t {
  kFactory = 0,    // not locked yet
  kSeeking = 1,    // R0: time, epochs, values; backing off between polls
  kHello = 2,      // session saved; M1 sent, M2 awaited
  kPack = 3,       // M2 accepted on arrival; records streaming
  kProving = 4,    // owner saved; M3 sent, M4 awaited
  kStaged = 5,     // M4 stored in one record, not active
  kActive = 6,     // activated in one write; M5 sent, M6 awaited
  kOnboarded = 7,  // M6 seen; base saved, client dormant
  kRetired = 8,    // keys destroyed
};
enum class DeviceEvent : uint8_t {
  kLocked = 0,        // the factory finished
  kInvitation = 1,    // a value opened to an invitation not refused before
  kOwnerProof = 2,    // M2 checked
  kPackComplete = 3,  // PackVerifier::Finish gave a result
  kProvision = 4,     // M4 checked and staged
  kActivated = 5,     // the staged record became the active one
  kAck = 6,           // M6
  kRefusedHere = 7,   // any check of ours failed, or the peer refused: next value
  kTimeout = 8,       // no answer: same state, again, or (unproven) next value
  kOwnerReset = 9,    // a person at the device
  kTransferred = 10,  // owner's signed notice, new link checked
  kRetire = 11,       // owner's signed order
  kRestart = 12,      // power came back: the saved state goes on
  kCount = 13,
};
struct DeviceStep {
  bool legal = false;
  DeviceState next = DeviceState::kFactory;
};
DeviceStep Next(DeviceState state, DeviceEvent event);
std::string_view NameOf(DeviceState state);  // "seeking"
std::string_view NameOf(DeviceEvent event);  // "owner_proof"
// Does the peer know us to be genuine, and we it? Only then problems are named.
constexpr bool MutualProof(DeviceState state) {
  return state >= DeviceState::kStaged && state <= DeviceState::kOnboarded;
}

}  // namespace keel::onboarding
