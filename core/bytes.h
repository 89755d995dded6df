// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

#include "core/result.h"

namespace keel {

using ByteView = std::span<const uint8_t>;
using ByteSpan = std::span<uint8_t>;

template <size_t N>
using ByteArray = std::array<uint8_t, N>;
using Bytes32 = ByteArray<32>;
using Bytes64 = ByteArray<64>;

// The octets of a string, and the other way round; both only look, neither owns.
inline ByteView AsBytes(std::string_view text) { return {reinterpret_cast<const uint8_t*>(text.data()), text.size()}; }
inline std::string_view AsText(ByteView bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

// Not constant-time: for public values only (secrets: core/secret.h).
inline bool Equal(ByteView a, ByteView b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

// Writes big-endian values into a caller's buffer and remembers an overflow instead of making one. Check ok() once at
// the end.
class ByteWriter {
 public:
  explicit ByteWriter(ByteSpan out) : out_(out) {}

  ByteWriter& U8(uint8_t value) {
    if (Room(1)) out_[used_++] = value;
    return *this;
  }
  ByteWriter& U16(uint16_t value) { return U8(static_cast<uint8_t>(value >> 8)).U8(static_cast<uint8_t>(value)); }
  ByteWriter& U32(uint32_t value) { return U16(static_cast<uint16_t>(value >> 16)).U16(static_cast<uint16_t>(value)); }
  ByteWriter& U64(uint64_t value) { return U32(static_cast<uint32_t>(value >> 32)).U32(static_cast<uint32_t>(value)); }
  ByteWriter& Put(ByteView bytes) {
    if (Room(bytes.size()) && !bytes.empty()) {
      std::memcpy(out_.data() + used_, bytes.data(), bytes.size());
      used_ += bytes.size();
    }
    return *this;
  }
  ByteWriter& Put(std::string_view text) { return Put(AsBytes(text)); }

  bool ok() const { return ok_; }
  size_t size() const { return used_; }
  ByteView written() const { return out_.first(used_); }

 private:
  bool Room(size_t n) {
    if (!ok_ || n > out_.size() - used_) ok_ = false;
    return ok_;
  }

  ByteSpan out_;
  size_t used_ = 0;
  bool ok_ = true;
};

// Reads big-endian values; after running past the end every read gives zeroes and ok() is false.
class ByteReader {
 public:
  explicit ByteReader(ByteView in) : in_(in) {}

  uint8_t U8() {
    ByteView b = Take(1);
    return b.empty() ? uint8_t{0} : b[0];
  }
  uint16_t U16() {
    const uint16_t high = U8();
    return static_cast<uint16_t>((high << 8) | U8());
  }
  uint32_t U32() {
    const uint32_t high = U16();
    return (high << 16) | U16();
  }
  uint64_t U64() {
    const uint64_t high = U32();
    return (high << 32) | U32();
  }
  // The next n octets, or an empty view (and ok() false) when fewer are left.
  ByteView Take(size_t n) {
    if (!ok_ || n > in_.size() - at_) {
      ok_ = false;
      return {};
    }
    ByteView bytes = in_.subspan(at_, n);
    at_ += n;
    return bytes;
  }
  template <size_t N>
  ByteArray<N> Fixed() {
    ByteArray<N> out{};
    ByteView bytes = Take(N);
    if (bytes.size() == N) std::memcpy(out.data(), bytes.data(), N);
    return out;
  }

  bool ok() const { return ok_; }
  size_t left() const { return in_.size() - at_; }
  size_t at() const { return at_; }
  // True when everything was read and nothing was missing.
  bool done() const { return ok_ && at_ == in_.size(); }

 private:
  ByteView in_;
  size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace keel
