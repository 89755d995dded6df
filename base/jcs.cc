// SPDX-License-Identifier: Apache-2.0
#include "base/jcs.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <vector>

#include "core/encoding.h"

namespace keel::base {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 64;
constexpr int64_t kMaxExactInteger = 9007199254740991;

// UTF-8 that is known to be valid, as UTF-16 code units.
std::u16string ToUtf16(std::string_view text) {
  std::u16string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const auto byte = static_cast<uint8_t>(text[i]);
    const size_t length = byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
    uint32_t point = length == 1 ? byte : byte & (0x7Fu >> length);
    for (size_t k = 1; k < length; ++k) point = (point << 6) | (static_cast<uint8_t>(text[i + k]) & 0x3Fu);
    i += length;
    if (point >= 0x10000) {
      point -= 0x10000;
      out += static_cast<char16_t>(0xD800 + (point >> 10));
      out += static_cast<char16_t>(0xDC00 + (point & 0x3FF));
    } else {
      out += static_cast<char16_t>(point);
    }
  }
  return out;
}

// RFC 8785 section 3.2.2.2.
Result<> AppendString(std::string_view text, std::string& out) {
  if (!IsUtf8(AsBytes(text))) return Fail(Code::kMalformed, "jcs", "a string is not valid UTF-8");
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  size_t begin = 0;  // of what needs no escape
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (static_cast<uint8_t>(c) >= 0x20 && c != '"' && c != '\\') continue;
    out.append(text, begin, i - begin);
    begin = i + 1;
    switch (c) {
      case '"': out += "\\\""; break;
      case '\\': out += "\\\\"; break;
      case '\b': out += "\\b"; break;
      case '\f': out += "\\f"; break;
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      default:
        out += "\\u00";
        out += kHex[static_cast<uint8_t>(c) >> 4];
        out += kHex[static_cast<uint8_t>(c) & 15];
    }
  }
  out.append(text, begin);
  out += '"';
  return {};
}

bool IsAscii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<uint8_t>(c) < 0x80; });
}

// Recursion is bounded by kMaxDepth; ParseJson allows 32.
Result<> Append(const json& value, int depth, std::string& out) {
  if (depth > kMaxDepth) return Fail(Code::kMalformed, "jcs", "nested deeper than 64");
  switch (value.type()) {
    case json::value_t::null: out += "null"; return {};
    case json::value_t::boolean: out += value.get<bool>() ? "true" : "false"; return {};
    case json::value_t::string: return AppendString(*value.get_ptr<const std::string*>(), out);
    case json::value_t::number_unsigned:
      if (value.get<uint64_t>() > static_cast<uint64_t>(kMaxExactInteger))
        return Fail(Code::kOutOfRange, "jcs", "an integer is over 2^53-1");
      out += std::to_string(value.get<uint64_t>());
      return {};
    case json::value_t::number_integer:
      if (value.get<int64_t>() > kMaxExactInteger || value.get<int64_t>() < -kMaxExactInteger)
        return Fail(Code::kOutOfRange, "jcs", "an integer is beyond 2^53-1");
      out += std::to_string(value.get<int64_t>());
      return {};
    case json::value_t::number_float: {
      KEEL_TRY(const std::string number, Es6Number(value.get<double>()));
      out += number;
      return {};
    }
    case json::value_t::array: {
      out += '[';
      bool first = true;
      for (const json& item : value) {
        if (!first) out += ',';
        first = false;
        KEEL_TRY_VOID(Append(item, depth + 1, out));
      }
      out += ']';
      return {};
    }
    case json::value_t::object: {
      const auto& object = *value.get_ptr<const json::object_t*>();
      out += '{';
      bool first = true;
      const auto member = [&](const std::pair<const std::string, json>& item) -> Result<> {
        if (!first) out += ',';
        first = false;
        KEEL_TRY_VOID(AppendString(item.first, out));
        out += ':';
        return Append(item.second, depth + 1, out);
      };
      // Members stand sorted by octets, which for ASCII is the order of UTF-16 too.
      if (std::all_of(object.begin(), object.end(), [](const auto& item) { return IsAscii(item.first); })) {
        for (const auto& item : object) KEEL_TRY_VOID(member(item));
      } else {
        std::vector<std::pair<std::u16string, const std::pair<const std::string, json>*>> members;
        members.reserve(object.size());
        for (const auto& item : object) {
          if (!IsUtf8(AsBytes(item.first))) return Fail(Code::kMalformed, "jcs", "a name is not valid UTF-8");
          members.emplace_back(ToUtf16(item.first), &item);
        }
        std::sort(members.begin(), members.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
        for (const auto& [sort_key, item] : members) KEEL_TRY_VOID(member(*item));
      }
      out += '}';
      return {};
    }
    case json::value_t::binary:
    case json::value_t::discarded: break;
  }
  return Fail(Code::kMalformed, "jcs", "a value is not JSON");
}

}  // namespace

Result<std::string> Es6Number(double value) {
  if (!std::isfinite(value)) return Fail(Code::kOutOfRange, "jcs", "NaN and infinity are not JSON");
  if (value == 0) return std::string("0");  // also -0
  // Shortest digits that round-trip, then laid out as ECMA-262 Number::toString says.
  char text[64];
  const auto [end, error] = std::to_chars(text, text + sizeof text, std::fabs(value), std::chars_format::scientific);
  if (error != std::errc{}) return Fail(Code::kInternalError, "jcs", "number");
  const std::string_view shown(text, static_cast<size_t>(end - text));
  const size_t e = shown.find('e');
  std::string digits;
  for (const char c : shown.substr(0, e)) {
    if (c != '.') digits += c;
  }
  std::string_view power = shown.substr(e + 1);
  if (power[0] == '+') power.remove_prefix(1);
  int exponent = 0;
  std::from_chars(power.data(), power.data() + power.size(), exponent);
  const int k = static_cast<int>(digits.size());
  const int n = exponent + 1;  // the decimal point stands after n digits
  std::string out = value < 0 ? "-" : "";
  if (k <= n && n <= 21) {
    out += digits + std::string(static_cast<size_t>(n - k), '0');
  } else if (0 < n && n <= 21) {
    out += digits.substr(0, static_cast<size_t>(n)) + "." + digits.substr(static_cast<size_t>(n));
  } else if (-6 < n && n <= 0) {
    out += "0." + std::string(static_cast<size_t>(-n), '0') + digits;
  } else {
    out += digits.substr(0, 1);
    if (k > 1) out += "." + digits.substr(1);
    out += n - 1 < 0 ? "e-" : "e+";
    out += std::to_string(std::abs(n - 1));
  }
  return out;
}

Result<std::string> Jcs(const json& value) {
  std::string out;
  KEEL_TRY_VOID(Append(value, 0, out));
  return out;
}

}  // namespace keel::base
