// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.h"

namespace keel {

// Overwrites memory in a way that the optimizer keeps.
void Wipe(ByteSpan bytes);

// Equal in time that depends on the lengths alone.
bool ConstantTimeEqual(ByteView a, ByteView b);

// N octets of secret: move-only, wiped on move and destruction, no formatter, no operator==. Reading it is done by the
// one named member, so that grep finds every reader. Not thread-safe.
template <size_t N>
class SecretBytes {
 public:
  SecretBytes() = default;
  ~SecretBytes() { Wipe(bytes_); }
  SecretBytes(const SecretBytes&) = delete;
  SecretBytes& operator=(const SecretBytes&) = delete;
  SecretBytes(SecretBytes&& other) noexcept : bytes_(other.bytes_) { Wipe(other.bytes_); }
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      Wipe(other.bytes_);
    }
    return *this;
  }

  // Copies exactly N octets in; the caller wipes its own copy.
  static SecretBytes CopyFrom(std::span<const uint8_t, N> bytes) {
    SecretBytes secret;
    std::memcpy(secret.bytes_.data(), bytes.data(), N);
    return secret;
  }
  SecretBytes Clone() const { return CopyFrom(std::span<const uint8_t, N>(bytes_)); }

  std::span<const uint8_t, N> ExposeSecret() const { return bytes_; }
  std::span<uint8_t, N> MutableSecret() { return bytes_; }
  bool SameAs(const SecretBytes& other) const { return ConstantTimeEqual(bytes_, other.bytes_); }

 private:
  ByteArray<N> bytes_{};
};

// Wipes a caller's buffer when the scope ends, whichever way it ends.
class ScopedWipe {
 public:
  explicit ScopedWipe(ByteSpan bytes) : bytes_(bytes) {}
  ~ScopedWipe() { Wipe(bytes_); }
  ScopedWipe(const ScopedWipe&) = delete;
  ScopedWipe& operator=(const ScopedWipe&) = delete;

 private:
  ByteSpan bytes_;
};

}  // namespace keel
