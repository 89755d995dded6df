// SPDX-License-Identifier: Apache-2.0
#include "onboarding/verifier_states.h"

namespace keel::onboarding {
namespace {

using S = ClaimState;
using E = ClaimEvent;

struct Row {
  S state;
  E event;
  S next;
};
constexpr Row kRows[] = {
    {S::kClaimed, E::kDeviceProof, S::kBound},
    {S::kClaimed, E::kRevoke, S::kRevoked},
    {S::kClaimed, E::kPassedOn, S::kReleased},

    {S::kBound, E::kDeviceProofAgain, S::kBound},  // M4 was lost, and the device began a new session with its P_D
    {S::kBound, E::kDeviceProofOther, S::kHeld},
    {S::kBound, E::kDone, S::kOnboarded},
    {S::kBound, E::kRevoke, S::kRevoked},
    {S::kBound, E::kPassedOn, S::kReleased},

    // An onboarded device proves itself no more: who does is a copy, or was reset by hand.
    {S::kOnboarded, E::kDeviceProofAgain, S::kHeld},
    {S::kOnboarded, E::kDeviceProofOther, S::kHeld},
    {S::kOnboarded, E::kRevoke, S::kRevoked},
    {S::kOnboarded, E::kPassedOn, S::kReleased},
    {S::kOnboarded, E::kWiped, S::kClaimed},
    {S::kOnboarded, E::kRetire, S::kRetired},

    // Nothing lets a held or revoked device in again but the owner's word: not its own obedience either, for a copy can
    // obey too.
    {S::kHeld, E::kDeviceProofAgain, S::kHeld},
    {S::kHeld, E::kDeviceProofOther, S::kHeld},
    {S::kHeld, E::kDone, S::kHeld},
    {S::kHeld, E::kIsReset, S::kClaimed},
    {S::kHeld, E::kIsClone, S::kRevoked},
    {S::kHeld, E::kRevoke, S::kRevoked},
    {S::kHeld, E::kPassedOn, S::kReleased},
    {S::kHeld, E::kWiped, S::kHeld},
    {S::kHeld, E::kRetire, S::kRetired},

    {S::kRevoked, E::kIsReset, S::kClaimed},
    {S::kRevoked, E::kRevoke, S::kRevoked},
    {S::kRevoked, E::kPassedOn, S::kReleased},
    {S::kRevoked, E::kWiped, S::kRevoked},
    {S::kRevoked, E::kRetire, S::kRetired},

    // It is somebody else's, or nobody's.
    {S::kReleased, E::kTransferred, S::kReleased},
};

}  // namespace

ClaimStep Next(ClaimState state, ClaimEvent event) {
  for (const Row& row : kRows) {
    if (row.state == state && row.event == event) return {true, row.next};
  }
  return {false, state};
}

std::string_view NameOf(ClaimState state) {
  switch (state) {
    case S::kClaimed: return "claimed";
    case S::kBound: return "bound";
    case S::kOnboarded: return "onboarded";
    case S::kHeld: return "held";
    case S::kRevoked: return "revoked";
    case S::kReleased: return "released";
    case S::kRetired: return "retired";
  }
  return "";
}

std::string_view NameOf(ClaimEvent event) {
  switch (event) {
    case E::kDeviceProof: return "device_proof";
    case E::kDeviceProofAgain: return "device_proof_again";
    case E::kDeviceProofOther: return "device_proof_other";
    case E::kDone: return "done";
    case E::kRevoke: return "revoke";
    case E::kIsReset: return "is_reset";
    case E::kIsClone: return "is_clone";
    case E::kPassedOn: return "passed_on";
    case E::kTransferred: return "transferred";
    case E::kWiped: return "wiped";
    case E::kRetire: return "retire";
    case E::kCount: break;
  }
  return "";
}

}  // namespace keel::onboarding
