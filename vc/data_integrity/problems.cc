// SPDX-License-Identifier: Apache-2.0
#include "vc/data_integrity/problems.h"

#include "vc/data_integrity/internal/context_rules.h"

namespace keel::vc {

std::string_view ProblemOf(const Check& check) {
  if (check.ok) return {};
  if (check.name == kCheckEnvelope) return kParsingError;
  if (check.name == kCheckDomain) return kInvalidDomainError;
  if (check.name == kCheckChallenge) return kInvalidChallengeError;
  if (check.name == kCheckContext)
    return check.detail.starts_with(internal::kDataLoss) ? kDataLossDetectionError : kProofTransformationError;
  if (check.name == kCheckProof || check.name == kCheckPurpose || check.name == kCheckSignature ||
      check.name == kCheckIssuer || check.name == kCheckHolder)
    return kProofVerificationError;
  return {};
}

std::string_view ProblemOfGeneration(const Error& error) {
  // What JSON-LD's safe mode refuses (json_ld::ToRdf).
  return error.code == Code::kRefused ? kDataLossDetectionError : kProofGenerationError;
}

}  // namespace keel::vc
