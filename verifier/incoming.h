// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "onboarding/messages.h"
#include "verifier/onboarding.h"

// Shared by onboarding.cc and lifecycle.cc only.
namespace keel::verifier {

// An opened message and the claim that it is about.
struct Onboarding::Incoming {
  didcomm::Message message;
  std::string plaintext;                         // exact octets, for transcripts
  std::shared_ptr<const nlohmann::json> parsed;  // the body; never null
  const nlohmann::json& body() const { return *parsed; }
  onboarding::Message type = onboarding::Message::kUnknown;
  std::string ours, theirs;  // our and the device's pairwise DID
  std::shared_ptr<ClaimSlot> slot;
};

// What a good M3 proved.
struct Onboarding::DeviceProof {
  Bytes32 th2{};  // of the M2 that it answers
};

// A reply's plaintext in the thread of `in`; adds v = 1. kTooLarge.
Result<std::string> WriteReply(const Onboarding::Incoming& in, onboarding::Message type, nlohmann::json body);

// Notes the running firmware that a report's `fw` names: {"fw":{version, sequence, digest}}.
void TakeFirmware(const nlohmann::json& report, Claim& claim);

}  // namespace keel::verifier
