// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/seams.h"

// Disclosures and their digests (RFC 9901, sections 4.2 and 7.1). Pure, thread-safe.
namespace keel::vc {

inline constexpr size_t kMaxDisclosures = 1024;     // of one SD-JWT
inline constexpr size_t kMaxSdDigests = 4096;       // in one SD-JWT, decoys and what disclosures hold included
inline constexpr size_t kMaxSdDepth = 64;           // nested arrays and objects of the processed payload
inline constexpr size_t kMaxSdPointers = 1 << 20;   // octets of the pointers that SdClaims holds, all together
inline constexpr size_t kMaxDisclosure = 64 << 10;  // octets of one disclosure's text

// `_sd_alg`.
enum class SdHash : uint8_t { kSha256, kSha384, kSha512 };
std::string_view SdHashName(SdHash hash);              // "sha-256", ...
Result<SdHash> SdHashFromName(std::string_view name);  // kUnsupported: weak ones and unknown ones alike
// BASE64URL(hash(text)).
std::string SdDigest(SdHash hash, std::string_view text);

// A fresh disclosure with a salt of 128 bits: of an object's member, or (name null) of an array's element. kNoEntropy.
Result<std::string> MakeDisclosure(const std::string* name, const nlohmann::json& value, Random& random);

// A claim that a disclosure brought in.
struct DisclosedClaim {
  std::string pointer;    // where it stands in the processed payload (RFC 6901)
  size_t disclosure = 0;  // its position among the disclosures
};

struct SdClaims {
  SdHash hash = SdHash::kSha256;
  std::vector<DisclosedClaim> claims;  // outer ones before those inside them
  // Objects and arrays of the processed payload that hold digests, disclosed or not. An undisclosed digest may be a
  // decoy.
  std::vector<std::string> concealing;
  size_t undisclosed = 0;
};

// Section 7.1, step 3 to 5: puts the disclosures where their digests are, drops undisclosed array elements, `_sd` and
// `_sd_alg`. `payload` is then the processed payload. Errors, each one a reason to reject the SD-JWT: kMalformed (a
// disclosure that is no JSON array of salt[, name], value or has the wrong length for its place; `_sd`, `...` or
// `_sd_alg` where they must not be; a name that may not be disclosed), kDuplicate (a disclosure given twice, a digest
// found twice, a claim that is there already), kMissing (a disclosure that no digest refers to), kUnsupported
// (`_sd_alg`), kTooLarge.
Result<SdClaims> DiscloseClaims(nlohmann::json& payload, std::span<const std::string> disclosures);

// Appends a reference token to a JSON pointer (RFC 6901, section 3).
std::string PointerTo(const std::string& parent, std::string_view token);
// `pointer` is `ancestor` or lies inside it.
bool PointerWithin(std::string_view pointer, std::string_view ancestor);

}  // namespace keel::vc
