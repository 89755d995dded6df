// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string_view>

#include "core/bytes.h"

namespace keel::wallet {

// A text of at most N characters held by value; Set refuses what does not fit and leaves the old text.
template <size_t N>
class FixedText {
 public:
  static_assert(N < 65536);
  static constexpr size_t kCapacity = N;
  bool Set(std::string_view text) {
    if (text.size() > N) return false;
    if (!text.empty()) std::memmove(text_.data(), text.data(), text.size());
    size_ = static_cast<uint16_t>(text.size());
    return true;
  }
  bool Append(std::string_view text) {
    if (text.size() > N - size_) return false;
    if (!text.empty()) std::memcpy(text_.data() + size_, text.data(), text.size());
    size_ = static_cast<uint16_t>(size_ + text.size());
    return true;
  }
  bool AppendUint(uint64_t value) {
    char digits[20];
    size_t n = 0;
    do {
      digits[sizeof digits - ++n] = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value != 0);
    return Append({digits + sizeof digits - n, n});
  }
  void Clear() { size_ = 0; }
  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  std::string_view view() const { return {text_.data(), size_}; }
  std::span<char> room() { return text_; }
  void SetSize(size_t size) { size_ = static_cast<uint16_t>(size <= N ? size : N); }

 private:
  std::array<char, N> text_{};
  uint16_t size_ = 0;
};

// The part of `text` from `from` on, at most `count` characters; never throws (std::string_view::substr pulls that in).
inline std::string_view Part(std::string_view text, size_t from, size_t count = SIZE_MAX) {
  if (from > text.size()) from = text.size();
  if (count > text.size() - from) count = text.size() - from;
  return {text.data() + from, count};
}

}  // namespace keel::wallet
