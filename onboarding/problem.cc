// SPDX-License-Identifier: Apache-2.0
#include "onboarding/problem.h"

namespace keel::onboarding {
namespace {

struct Row {
  Problem problem;
  std::string_view name;
};
constexpr Row kRows[] = {
    {Problem::kBadProof, "bad-proof"},      {Problem::kExpired, "expired"},       {Problem::kPolicy, "policy"},
    {Problem::kRevoked, "revoked"},         {Problem::kUntrusted, "untrusted"},   {Problem::kEvidence, "evidence"},
    {Problem::kClone, "clone-or-reset"},    {Problem::kGeneration, "generation"}, {Problem::kTooLarge, "too-large"},
    {Problem::kUnsupported, "unsupported"}, {Problem::kFirmware, "firmware"},     {Problem::kStorage, "storage"},
    {Problem::kSequence, "sequence"},       {Problem::kNotYet, "not-yet"},        {Problem::kInternal, "internal"},
};

}  // namespace

std::string_view ProblemName(Problem problem) {
  for (const Row& row : kRows) {
    if (row.problem == problem) return row.name;
  }
  return {};
}

Problem ProblemFromName(std::string_view name) {
  for (const Row& row : kRows) {
    if (row.name == name) return row.problem;
  }
  return Problem::kInternal;
}

Problem ProblemFor(Code code) {
  switch (code) {
    case Code::kBadSignature:
    case Code::kBadProof:
    case Code::kWrongAudience:
    case Code::kWrongNonce:
    case Code::kWrongTranscript:
    case Code::kWrongSender:
    case Code::kWrongRecipient:
    case Code::kBadChain:
    case Code::kDecryptFailed: return Problem::kBadProof;
    case Code::kExpired:
    case Code::kNotYetValid:
    case Code::kStale: return Problem::kExpired;
    case Code::kRefused: return Problem::kPolicy;
    case Code::kRevoked:
    case Code::kDeactivated: return Problem::kRevoked;
    case Code::kUntrusted:
    case Code::kWrongNetwork:
    case Code::kNotSponsored: return Problem::kUntrusted;
    case Code::kTooLarge:
    case Code::kBufferTooSmall: return Problem::kTooLarge;
    case Code::kUnsupported:
    case Code::kUnknownVersion:
    case Code::kAlgorithmNotAllowed: return Problem::kUnsupported;
    case Code::kRollback: return Problem::kFirmware;
    case Code::kIo:
    case Code::kNoSpace:
    case Code::kCorrupt: return Problem::kStorage;
    case Code::kReplayed:
    case Code::kConflict: return Problem::kSequence;
    case Code::kBusy:
    case Code::kWrongState:
    case Code::kUnavailable: return Problem::kNotYet;
    default:  // every other code says nothing that the peer could act on
      return Problem::kInternal;
  }
}

}  // namespace keel::onboarding
