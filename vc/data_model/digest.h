// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/encoding.h"

// Digests of octets elsewhere, as the data model writes them. Pure, thread-safe.
namespace keel::vc {

struct Digest {
  enum class Hash : uint8_t { kSha256, kSha384, kSha512 };  // the stronger the larger
  Hash hash = Hash::kSha256;
  base::ByteVec octets;

  bool Matches(std::string_view text) const;
};

// Subresource Integrity 1: one or more "sha256-...", "sha384-...", "sha512-..." with spaces between, in base64
// (base64url is taken too). kMalformed.
Result<std::vector<Digest>> ReadDigestSri(std::string_view text);
// Multibase 'u' or 'z' of a multihash, or of the bare hash as the data model's own example has it: told apart by
// length. kMalformed, kUnsupported (another base or hash).
Result<std::vector<Digest>> ReadDigestMultibase(std::string_view text);
// Subresource Integrity, section 3.3.5: one of those of the strongest hash fits. False for none.
bool MatchesStrongest(const std::vector<Digest>& digests, std::string_view text);

}  // namespace keel::vc
