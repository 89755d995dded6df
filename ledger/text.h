// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstring>
#include <string_view>

#include "core/bytes.h"

namespace keel::ledger {

// Text of at most N characters that owns its octets. A value type; N < 65536.
template <size_t N>
class FixedText {
 public:
  FixedText() = default;
  // kTooLarge when the text is longer than N.
  static Result<FixedText> Create(std::string_view text) {
    FixedText out;
    if (text.size() > N) return Fail(Code::kTooLarge, "text");
    if (!text.empty()) std::memcpy(out.chars_.data(), text.data(), text.size());
    out.size_ = static_cast<uint16_t>(text.size());
    return out;
  }
  std::string_view view() const { return {chars_.data(), size_}; }
  bool empty() const { return size_ == 0; }
  friend bool operator==(const FixedText& a, const FixedText& b) { return a.view() == b.view(); }

 private:
  std::array<char, N> chars_{};
  uint16_t size_ = 0;
};

}  // namespace keel::ledger
