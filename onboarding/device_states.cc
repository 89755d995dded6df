// SPDX-License-Identifier: Apache-2.0
#include "onboarding/device_states.h"

namespace keel::onboarding {
namespace {

using S = DeviceState;
using E = DeviceEvent;

struct Row {
  S state;
  E event;
  S next;
};
// Anything that is not here is not legal.
constexpr Row kRows[] = {
    {S::kFactory, E::kLocked, S::kSeeking},
    {S::kFactory, E::kRestart, S::kFactory},

    {S::kSeeking, E::kInvitation, S::kHello},
    {S::kSeeking, E::kTimeout, S::kSeeking},
    {S::kSeeking, E::kRefusedHere, S::kSeeking},
    {S::kSeeking, E::kOwnerReset, S::kSeeking},
    {S::kSeeking, E::kRestart, S::kSeeking},

    {S::kHello, E::kOwnerProof, S::kPack},
    {S::kHello, E::kRefusedHere, S::kSeeking},
    {S::kHello, E::kTimeout, S::kSeeking},
    {S::kHello, E::kOwnerReset, S::kSeeking},
    {S::kHello, E::kRestart, S::kHello},

    // What M2 and the pack brought is not stored before it is proved: after a restart M1 is repeated.
    {S::kPack, E::kOwnerProof, S::kPack},
    {S::kPack, E::kPackComplete, S::kProving},
    {S::kPack, E::kRefusedHere, S::kSeeking},
    {S::kPack, E::kTimeout, S::kHello},
    {S::kPack, E::kOwnerReset, S::kSeeking},
    {S::kPack, E::kRestart, S::kHello},

    {S::kProving, E::kProvision, S::kStaged},
    {S::kProving, E::kRefusedHere, S::kSeeking},
    {S::kProving, E::kTimeout, S::kProving},
    {S::kProving, E::kOwnerReset, S::kSeeking},
    {S::kProving, E::kRestart, S::kProving},

    {S::kStaged, E::kActivated, S::kActive},
    {S::kStaged, E::kOwnerReset, S::kSeeking},
    {S::kStaged, E::kRestart, S::kStaged},

    {S::kActive, E::kAck, S::kOnboarded},
    {S::kActive, E::kTimeout, S::kActive},
    {S::kActive, E::kRefusedHere, S::kActive},
    {S::kActive, E::kOwnerReset, S::kSeeking},
    {S::kActive, E::kRestart, S::kActive},

    {S::kOnboarded, E::kOwnerReset, S::kSeeking},
    {S::kOnboarded, E::kTransferred, S::kSeeking},
    {S::kOnboarded, E::kRetire, S::kRetired},
    {S::kOnboarded, E::kTimeout, S::kOnboarded},
    {S::kOnboarded, E::kRefusedHere, S::kOnboarded},
    {S::kOnboarded, E::kRestart, S::kOnboarded},

    {S::kRetired, E::kRestart, S::kRetired},
};

}  // namespace

DeviceStep Next(DeviceState state, DeviceEvent event) {
  for (const Row& row : kRows) {
    if (row.state == state && row.event == event) return {true, row.next};
  }
  return {false, state};
}

std::string_view NameOf(DeviceState state) {
  switch (state) {
    case S::kFactory: return "factory";
    case S::kSeeking: return "seeking";
    case S::kHello: return "hello";
    case S::kPack: return "pack";
    case S::kProving: return "proving";
    case S::kStaged: return "staged";
    case S::kActive: return "active";
    case S::kOnboarded: return "onboarded";
    case S::kRetired: return "retired";
  }
  return {};
}

std::string_view NameOf(DeviceEvent event) {
  switch (event) {
    case E::kLocked: return "locked";
    case E::kInvitation: return "invitation";
    case E::kOwnerProof: return "owner_proof";
    case E::kPackComplete: return "pack_complete";
    case E::kProvision: return "provision";
    case E::kActivated: return "activated";
    case E::kAck: return "ack";
    case E::kRefusedHere: return "refused";
    case E::kTimeout: return "timeout";
    case E::kOwnerReset: return "owner_reset";
    case E::kTransferred: return "transferred";
    case E::kRetire: return "retire";
    case E::kRestart: return "restart";
    case E::kCount: break;
  }
  return {};
}

}  // namespace keel::onboarding
