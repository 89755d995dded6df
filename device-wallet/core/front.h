// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "core/bytes.h"
#include "core/encoding.h"

// Working inside one buffer. Private to envelope.cc, signed.cc and messages.cc.
namespace keel::wallet {

// Puts text and base64url at the front of a buffer whose tail still holds the ciphertext.
class Front {
 public:
  explicit Front(ByteSpan out) : out_(out) {}
  void Put(std::string_view text) {
    if (text.size() > out_.size() - at_) {
      ok_ = false;
      return;
    }
    if (!text.empty()) std::memcpy(out_.data() + at_, text.data(), text.size());
    at_ += text.size();
  }
  void Base64(ByteView bytes) {
    // 48 octets at a time through a copy, so that the input may lie further up in the same buffer.
    ByteArray<48> chunk;
    char text[64];
    while (!bytes.empty()) {
      const size_t n = bytes.size() < chunk.size() ? bytes.size() : chunk.size();
      std::memcpy(chunk.data(), bytes.data(), n);
      bytes = bytes.subspan(n);
      const auto length = Base64UrlEncode(ByteView(chunk).first(n), text);
      if (!length) {
        ok_ = false;
        return;
      }
      Put({text, *length});
    }
  }
  bool ok() const { return ok_; }
  size_t at() const { return at_; }

 private:
  ByteSpan out_;
  size_t at_ = 0;
  bool ok_ = true;
};

// The octets of a view into `buffer`, writable.
inline ByteSpan Within(ByteSpan buffer, std::string_view part) {
  const auto offset = static_cast<size_t>(reinterpret_cast<const uint8_t*>(part.data()) - buffer.data());
  return buffer.subspan(offset, part.size());
}

}  // namespace keel::wallet
