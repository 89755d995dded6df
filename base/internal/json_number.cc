// SPDX-License-Identifier: Apache-2.0
#include "base/internal/json_number.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <string>

namespace keel::base::internal {
namespace {

// A decimal number as significant digits without leading or trailing zeroes, and the power of ten of the last one:
// 0.1200e3 is 12 * 10^1.
struct Decimal {
  std::string digits;
  int64_t exponent = 0;
  friend bool operator==(const Decimal&, const Decimal&) = default;
};

// text is a JSON number's unsigned part or std::to_chars' output. False when the exponent is absurd.
bool ToDecimal(std::string_view text, Decimal& out) {
  int64_t exponent = 0;
  const size_t e = text.find_first_of("eE");
  if (e != std::string_view::npos) {
    std::string_view power = text.substr(e + 1);
    if (!power.empty() && power[0] == '+') power.remove_prefix(1);
    const auto [end, error] = std::from_chars(power.data(), power.data() + power.size(), exponent);
    if (error != std::errc{} || end != power.data() + power.size() || exponent > 100'000 || exponent < -100'000)
      return false;
    text = text.substr(0, e);
  }
  bool fraction = false;
  for (const char c : text) {
    if (c == '.') {
      fraction = true;
      continue;
    }
    out.digits += c;
    if (fraction) --exponent;
  }
  while (!out.digits.empty() && out.digits.back() == '0') {
    out.digits.pop_back();
    ++exponent;
  }
  out.digits.erase(0, out.digits.find_first_not_of('0'));
  out.exponent = out.digits.empty() ? 0 : exponent;
  return true;
}

}  // namespace

bool Survives(double value, std::string_view text) {
  if (!std::isfinite(value)) return false;
  if (!text.empty() && text[0] == '-') text.remove_prefix(1);
  Decimal written, kept;
  if (!ToDecimal(text, written) || written.digits.size() > 17) return false;
  if (written.digits.empty()) return value == 0;
  if (written.exponent < 0 && std::fabs(value) >= std::numeric_limits<double>::min()) return true;
  char shown[64];
  const auto [end, error] = std::to_chars(shown, shown + sizeof shown, std::fabs(value), std::chars_format::scientific,
                                          static_cast<int>(written.digits.size()) - 1);
  return error == std::errc{} && ToDecimal({shown, static_cast<size_t>(end - shown)}, kept) && written == kept;
}

}  // namespace keel::base::internal
