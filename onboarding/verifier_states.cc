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
    {S::kClaimed, E::kPublished, S::kWaiting},
    {S::kClaimed, E::kRelease, S::kReleased},

    {S::kWaiting, E::kPublished, S::kWaiting},  // a renewal is a new entry
    {S::kWaiting, E::kDeviceProof, S::kBound},
    {S::kWaiting, E::kPolicyRefused, S::kRefused},
    {S::kWaiting, E::kRelease, S::kReleased},

    {S::kRefused, E::kRetry, S::kWaiting},
    {S::kRefused, E::kDeviceProof, S::kBound},  // judged again: the policy may have changed
    {S::kRefused, E::kPolicyRefused, S::kRefused},
    {S::kRefused, E::kPublished, S::kRefused},
    {S::kRefused, E::kRelease, S::kReleased},

    {S::kBound, E::kDeviceProofAgain, S::kBound},
    {S::kBound, E::kDeviceProofOther, S::kHeld},
    {S::kBound, E::kProvisionStored, S::kProvisioned},
    {S::kBound, E::kPublished, S::kBound},
    {S::kBound, E::kRelease, S::kReleased},

    {S::kProvisioned, E::kDeviceProofAgain, S::kProvisioned},
    {S::kProvisioned, E::kDeviceProofOther, S::kHeld},
    {S::kProvisioned, E::kDone, S::kOnboarded},
    {S::kProvisioned, E::kPublished, S::kProvisioned},
    {S::kProvisioned, E::kSuspend, S::kSuspended},
    {S::kProvisioned, E::kRelease, S::kReleased},

    {S::kOnboarded, E::kDoneAgain, S::kOnboarded},
    {S::kOnboarded, E::kDeviceProofAgain, S::kOnboarded},
    {S::kOnboarded, E::kDeviceProofOther, S::kHeld},
    {S::kOnboarded, E::kPublished, S::kOnboarded},
    {S::kOnboarded, E::kSuspend, S::kSuspended},
    {S::kOnboarded, E::kRelease, S::kReleased},

    // Nothing moves a held claim but the owner.
    {S::kHeld, E::kDeviceProofAgain, S::kHeld},
    {S::kHeld, E::kDeviceProofOther, S::kHeld},
    {S::kHeld, E::kDoneAgain, S::kHeld},
    {S::kHeld, E::kOwnerAccepts, S::kBound},
    {S::kHeld, E::kOwnerRejects, S::kReleased},
    {S::kHeld, E::kRelease, S::kReleased},

    {S::kSuspended, E::kResume, S::kOnboarded},
    {S::kSuspended, E::kDeviceProofOther, S::kHeld},
    {S::kSuspended, E::kRelease, S::kReleased},
};

struct SessionRow {
  SessionState state;
  SessionEvent event;
  SessionState next;
};
using T = SessionState;
using F = SessionEvent;
constexpr SessionRow kSessionRows[] = {
    {T::kHelloSeen, F::kHello, T::kHelloSeen},
    {T::kHelloSeen, F::kOwnerProofSent, T::kOwnerProofSent},
    {T::kOwnerProofSent, F::kHello, T::kOwnerProofSent},
    {T::kOwnerProofSent, F::kOwnerProofSent, T::kOwnerProofSent},
    {T::kOwnerProofSent, F::kDeviceProof, T::kProven},
    {T::kProven, F::kDeviceProof, T::kProven},
    {T::kProven, F::kProvisionSent, T::kProvisionSent},
    {T::kProvisionSent, F::kDeviceProof, T::kProvisionSent},
    {T::kProvisionSent, F::kDone, T::kFinished},
    {T::kFinished, F::kDone, T::kFinished},
    {T::kHelloSeen, F::kDrop, T::kDropped},
    {T::kOwnerProofSent, F::kDrop, T::kDropped},
    {T::kProven, F::kDrop, T::kDropped},
    {T::kProvisionSent, F::kDrop, T::kDropped},
};

}  // namespace

ClaimStep Next(ClaimState state, ClaimEvent event) {
  for (const Row& row : kRows) {
    if (row.state == state && row.event == event) return {true, row.next};
  }
  return {false, state};
}

SessionStep Next(SessionState state, SessionEvent event) {
  for (const SessionRow& row : kSessionRows) {
    if (row.state == state && row.event == event) return {true, row.next};
  }
  return {false, state};
}

std::string_view NameOf(ClaimState state) {
  switch (state) {
    case S::kClaimed: return "claimed";
    case S::kWaiting: return "waiting";
    case S::kBound: return "bound";
    case S::kProvisioned: return "provisioned";
    case S::kOnboarded: return "onboarded";
    case S::kHeld: return "held";
    case S::kSuspended: return "suspended";
    case S::kRefused: return "refused";
    case S::kReleased: return "released";
  }
  return {};
}

std::string_view NameOf(ClaimEvent event) {
  switch (event) {
    case E::kPublished: return "published";
    case E::kDeviceProof: return "device_proof";
    case E::kDeviceProofAgain: return "device_proof_again";
    case E::kDeviceProofOther: return "device_proof_other";
    case E::kPolicyRefused: return "policy_refused";
    case E::kProvisionStored: return "provision_stored";
    case E::kDone: return "done";
    case E::kDoneAgain: return "done_again";
    case E::kOwnerAccepts: return "owner_accepts";
    case E::kOwnerRejects: return "owner_rejects";
    case E::kSuspend: return "suspend";
    case E::kResume: return "resume";
    case E::kRelease: return "release";
    case E::kRetry: return "retry";
    case E::kCount: break;
  }
  return {};
}

}  // namespace keel::onboarding
