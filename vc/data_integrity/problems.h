// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "vc/verification.h"

// Data Integrity's processing errors (section 4.7), for RFC 9457 problem details: `type` is kProblemBase + the name.
// Pure functions, thread-safe.
namespace keel::vc {

inline constexpr std::string_view kProblemBase = "https://w3id.org/security#";
inline constexpr std::string_view kParsingError = "PARSING_ERROR";
inline constexpr std::string_view kProofGenerationError = "PROOF_GENERATION_ERROR";
inline constexpr std::string_view kProofVerificationError = "PROOF_VERIFICATION_ERROR";
inline constexpr std::string_view kProofTransformationError = "PROOF_TRANSFORMATION_ERROR";
inline constexpr std::string_view kDataLossDetectionError = "DATA_LOSS_DETECTION_ERROR";
inline constexpr std::string_view kInvalidDomainError = "INVALID_DOMAIN_ERROR";
inline constexpr std::string_view kInvalidChallengeError = "INVALID_CHALLENGE_ERROR";

// The processing error that a failed check stands for; empty for a check that holds and for those that are not Data
// Integrity's (validity, status, ...).
std::string_view ProblemOf(const Check& check);

// The processing error that an error of AddProof or Derive stands for.
std::string_view ProblemOfGeneration(const Error& error);

}  // namespace keel::vc
