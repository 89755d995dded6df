// SPDX-License-Identifier: Apache-2.0
#include "did/internal/long_base58.h"

#include <algorithm>
#include <array>
#include <vector>

namespace keel::did::internal {
namespace {

constexpr std::string_view kAlphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr size_t kGroup = 5;  // characters taken at once
constexpr uint64_t kGroupBase = uint64_t{58} * 58 * 58 * 58 * 58;

consteval std::array<uint8_t, 256> Values() {
  std::array<uint8_t, 256> values{};
  values.fill(0xff);
  for (size_t i = 0; i < kAlphabet.size(); ++i) values[static_cast<uint8_t>(kAlphabet[i])] = static_cast<uint8_t>(i);
  return values;
}
constexpr auto kValues = Values();

// number = number * factor + add; digits of the given base, least significant first.
void MultiplyAdd(std::vector<uint32_t>& number, uint64_t base, uint64_t factor, uint64_t add) {
  for (uint32_t& digit : number) {
    const uint64_t sum = digit * factor + add;  // under 2^63: both bases and factors are at most 2^32
    digit = static_cast<uint32_t>(sum % base);
    add = sum / base;
  }
  for (; add != 0; add /= base) number.push_back(static_cast<uint32_t>(add % base));
}

}  // namespace

Result<std::string> LongBase58(ByteView octets) {
  if (octets.size() > kMaxLongBase58) return Fail(Code::kTooLarge, "base58btc");
  size_t zeros = 0;
  while (zeros < octets.size() && octets[zeros] == 0) ++zeros;
  std::vector<uint32_t> number;  // digits of kGroupBase
  for (size_t at = zeros; at < octets.size();) {
    // The first piece takes what doesn't fill four octets.
    const size_t take = (octets.size() - at) % 4 == 0 ? 4 : (octets.size() - at) % 4;
    uint64_t piece = 0;
    for (size_t i = 0; i < take; ++i) piece = piece << 8 | octets[at + i];
    MultiplyAdd(number, kGroupBase, uint64_t{1} << (8 * take), piece);
    at += take;
  }
  std::string text;  // reversed
  for (uint32_t digit : number) {
    for (size_t i = 0; i < kGroup; ++i, digit /= 58) text += kAlphabet[digit % 58];
  }
  while (!text.empty() && text.back() == kAlphabet[0]) text.pop_back();
  text.append(zeros, kAlphabet[0]);
  if (text.size() > kMaxLongBase58) return Fail(Code::kTooLarge, "base58btc");
  std::reverse(text.begin(), text.end());
  return text;
}

Result<base::ByteVec> FromLongBase58(std::string_view text) {
  if (text.size() > kMaxLongBase58) return Fail(Code::kTooLarge, "base58btc");
  size_t zeros = 0;
  while (zeros < text.size() && text[zeros] == kAlphabet[0]) ++zeros;
  std::vector<uint32_t> number;  // digits of 2^32
  for (size_t at = zeros; at < text.size();) {
    const size_t take = (text.size() - at) % kGroup == 0 ? kGroup : (text.size() - at) % kGroup;
    uint64_t piece = 0, factor = 1;
    for (size_t i = 0; i < take; ++i) {
      const uint8_t value = kValues[static_cast<uint8_t>(text[at + i])];
      if (value == 0xff) return Fail(Code::kMalformed, "base58btc");
      piece = piece * 58 + value;
      factor *= 58;
    }
    MultiplyAdd(number, uint64_t{1} << 32, factor, piece);
    at += take;
  }
  base::ByteVec octets;  // reversed
  for (uint32_t digit : number) {
    for (size_t i = 0; i < 4; ++i, digit >>= 8) octets.push_back(static_cast<uint8_t>(digit));
  }
  while (!octets.empty() && octets.back() == 0) octets.pop_back();
  octets.insert(octets.end(), zeros, 0);
  std::reverse(octets.begin(), octets.end());
  return octets;
}

}  // namespace keel::did::internal
