// SPDX-License-Identifier: Apache-2.0
#include "cli/text.h"

#include <cstdint>

namespace keel::cli {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD
constexpr std::string_view kEllipsis = "\xE2\x80\xA6";     // U+2026

// Length of the UTF-8 sequence at the front and its code point; 0 when it is none.
size_t Decode(std::string_view text, uint32_t& point) {
  const auto first = static_cast<uint8_t>(text[0]);
  if (first < 0x80) {
    point = first;
    return 1;
  }
  const size_t length = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < length) return 0;
  point = first & (0xFFu >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    const auto next = static_cast<uint8_t>(text[i]);
    if ((next & 0xC0) != 0x80) return 0;
    point = point << 6 | (next & 0x3Fu);
  }
  const uint32_t least = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000;
  return point < least || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000) ? 0 : length;
}

bool Harmless(uint32_t point) {
  if (point < 0x20 || (point >= 0x7F && point < 0xA0)) return false;
  if (point == 0xAD || point == 0x061C || point == 0xFEFF) return false;
  if (point >= 0x200B && point <= 0x200F) return false;  // zero width, direction marks
  if (point >= 0x2028 && point <= 0x202E) return false;  // separators, direction embeddings
  if (point >= 0x2060 && point <= 0x206F) return false;  // word joiner, isolates
  return point < 0xE0000;                                // tags, private planes
}

}  // namespace

std::string Printable(std::string_view text, size_t max_octets) {
  std::string out;
  while (!text.empty()) {
    if (out.size() >= max_octets) return out.append(kEllipsis);
    uint32_t point = 0;
    const size_t length = Decode(text, point);
    if (length == 0 || !Harmless(point)) {
      out.append(kReplacement);
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length == 0 ? 1 : length);
  }
  return out;
}

std::string Thousands(uint64_t number) {
  std::string digits = std::to_string(number);
  for (size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

}  // namespace keel::cli
