// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"

// The bitstring of Bitstring Status List 1.0 (sections 3.2, 3.3): GZIP, multibase base64url 'u'. Not thread-safe.
namespace keel::vc {

inline constexpr uint64_t kMinStatusBits = 131'072;     // herd privacy
inline constexpr uint64_t kMaxStatusOctets = 16 << 20;  // uncompressed; what a bomb may not pass
inline constexpr size_t kMaxEncodedList = 24 << 20;     // characters

class Bitstring {
 public:
  // All zero. bits: rounded up to octets, at least kMinStatusBits, at most kMaxStatusOctets * 8 (kOutOfRange).
  static Result<Bitstring> Create(uint64_t bits = kMinStatusBits);
  // kMalformed (multibase, gzip, truncated, concatenated members, trailing octets), kTooLarge (more than
  // kMaxStatusOctets), kOutOfRange (too short).
  static Result<Bitstring> Decode(std::string_view encoded);
  // As StatusListEncoder (vc/status_list/encoder.h) does it; who encodes often keeps one of those.
  Result<std::string> Encode() const;

  uint64_t bits() const { return octets_.size() * 8; }
  // Index 0 is the most significant bit of the first octet (section 3.3). kOutOfRange.
  Result<bool> Get(uint64_t index) const;
  Result<> Set(uint64_t index, bool value);
  // A status of `size` bits (1 to 32) at position `index`, the most significant bit first. kOutOfRange; SetValue also
  // for a value of more bits.
  Result<uint64_t> GetValue(uint64_t index, uint32_t size) const;
  Result<> SetValue(uint64_t index, uint32_t size, uint64_t value);
  uint64_t Count() const;  // bits set
  ByteView octets() const { return octets_; }

 private:
  std::vector<uint8_t> octets_;
};

}  // namespace keel::vc
