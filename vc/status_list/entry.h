// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "core/result.h"
#include "vc/credential.h"

// A credential's BitstringStatusListEntry (Bitstring Status List 1.0, section 2.1): its rules. Pure functions.
namespace keel::vc {

inline constexpr std::string_view kStatusEntryType = "BitstringStatusListEntry";

// The specification's names of what goes wrong (section 3.5); a problem's URL is kStatusProblems + name.
inline constexpr std::string_view kStatusProblems = "https://www.w3.org/ns/credentials/status-list#";
inline constexpr std::string_view kStatusRetrievalError = "STATUS_RETRIEVAL_ERROR";
inline constexpr std::string_view kStatusVerificationError = "STATUS_VERIFICATION_ERROR";
inline constexpr std::string_view kStatusListLengthError = "STATUS_LIST_LENGTH_ERROR";
inline constexpr std::string_view kStatusRangeError = "RANGE_ERROR";
inline constexpr std::string_view kStatusMalformedValueError = "MALFORMED_VALUE_ERROR";

// Reads one credentialStatus. Of other types only type and id are read: the status check refuses them. Every MUST of
// section 2.1 is held: purpose a string; index a decimal number in a string without leading zeros (one too large for
// any list is kept as 2^64-1 and ends in RANGE_ERROR); statusListCredential a URL, and not the id; statusSize over 0;
// statusMessage when the size is over 1, one for each value, each once; statusReference URLs. kMalformed, whose text
// begins with MALFORMED_VALUE_ERROR; kUnsupported: a statusSize over 16.
Result<StatusEntry> ReadStatusEntry(const nlohmann::json& value);

// Whether a status that is set makes its credential invalid. "refresh" and "message" only inform (section 2.1);
// "revocation", "suspension" and whatever is not known here invalidate (section 3.2, step 12).
bool Invalidates(std::string_view purpose);

// What the entry says that a value means; "set" and "unset" without statusMessage (section 2.1).
std::string_view MessageOf(const StatusEntry& entry, uint64_t value);

}  // namespace keel::vc
