// SPDX-License-Identifier: Apache-2.0
#include "core/encoding.h"

#include "core/base64_blocks.h"
#include "core/secret.h"

namespace keel {
namespace {

constexpr char kBase64UrlAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr char kBase64Alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr char kBase58Alphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
constexpr uint8_t kNone = 0xff;

template <size_t N>
consteval std::array<uint8_t, 128> Inverse(const char (&alphabet)[N]) {
  std::array<uint8_t, 128> table{};
  for (auto& entry : table) entry = kNone;
  for (size_t i = 0; i + 1 < N; ++i) table[static_cast<uint8_t>(alphabet[i])] = static_cast<uint8_t>(i);
  return table;
}
constexpr auto kBase64UrlValues = Inverse(kBase64UrlAlphabet);
constexpr auto kBase64Values = Inverse(kBase64Alphabet);
constexpr auto kBase58Values = Inverse(kBase58Alphabet);

uint8_t ValueOf(const std::array<uint8_t, 128>& table, char c) {
  const auto index = static_cast<uint8_t>(c);
  return index < 128 ? table[index] : kNone;
}

// One of base64's two alphabets.
struct Base64Alphabet {
  const char* characters;
  const std::array<uint8_t, 128>& values;
  bool url;
};
constexpr Base64Alphabet kUrl{kBase64UrlAlphabet, kBase64UrlValues, true};
constexpr Base64Alphabet kPadded{kBase64Alphabet, kBase64Values, false};

// The characters of base64 without padding; the caller has checked the room.
size_t EncodeBits(ByteView in, const Base64Alphabet& base64, char* out) {
  const char* alphabet = base64.characters;
  // Three octets are four characters; what is left over goes the slow way.
  auto [at, used] = internal::EncodeBase64Blocks(in, out, base64.url);
  const uint8_t* from = in.data();
  for (; in.size() - at >= 3; at += 3) {
    const uint32_t three =
        static_cast<uint32_t>(from[at]) << 16 | static_cast<uint32_t>(from[at + 1]) << 8 | from[at + 2];
    out[used] = alphabet[three >> 18];
    out[used + 1] = alphabet[three >> 12 & 63];
    out[used + 2] = alphabet[three >> 6 & 63];
    out[used + 3] = alphabet[three & 63];
    used += 4;
  }
  uint32_t bits = 0;
  int count = 0;
  for (const uint8_t octet : in.subspan(at)) {
    bits = (bits << 8 | octet) & 0xffff;
    count += 8;
    while (count >= 6) {
      count -= 6;
      out[used++] = alphabet[bits >> count & 63];
    }
  }
  if (count > 0) out[used++] = alphabet[bits << (6 - count) & 63];
  return used;
}

Result<size_t> DecodeBits(std::string_view in, const Base64Alphabet& base64, ByteSpan out, const char* where) {
  const std::array<uint8_t, 128>& table = base64.values;
  if (in.size() % 4 == 1) return Fail(Code::kMalformed, where);
  const size_t need = in.size() / 4 * 3 + (in.size() % 4 == 0 ? 0 : in.size() % 4 - 1);
  if (need > out.size()) return Fail(Code::kBufferTooSmall, where);
  auto [at, used] = internal::DecodeBase64Blocks(in, out.first(need), base64.url);
  // Whole groups of four while nothing is odd in them; the slow way finds out what is.
  // Pointers: the bounds are those of the loop, and `need` has been compared with the room.
  const auto* from = reinterpret_cast<const uint8_t*>(in.data());
  uint8_t* to = out.data();
  const uint8_t* values = table.data();
  for (; in.size() - at >= 4; at += 4) {
    const uint8_t a = from[at], b = from[at + 1], c = from[at + 2], d = from[at + 3];
    if (((a | b | c | d) & 0x80) != 0) break;
    const uint32_t va = values[a], vb = values[b], vc = values[c], vd = values[d];
    if (((va | vb | vc | vd) & 0xc0) != 0) break;
    const uint32_t three = va << 18 | vb << 12 | vc << 6 | vd;
    to[used] = static_cast<uint8_t>(three >> 16);
    to[used + 1] = static_cast<uint8_t>(three >> 8);
    to[used + 2] = static_cast<uint8_t>(three);
    used += 3;
  }
  uint32_t bits = 0;
  int count = 0;
  in.remove_prefix(at);
  for (const char c : in) {
    const uint8_t value = ValueOf(table, c);
    if (value == kNone) return Fail(c == '=' ? Code::kNotCanonical : Code::kMalformed, where);
    bits = (bits << 6 | value) & 0xffff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out[used++] = static_cast<uint8_t>(bits >> count);
    }
  }
  // Bits that no octet holds must be zero, or two texts would mean the same octets.
  if ((bits & ((1u << count) - 1)) != 0) return Fail(Code::kNotCanonical, where);
  return used;
}

}  // namespace

Result<size_t> Base64UrlEncode(ByteView in, std::span<char> out) {
  if (Base64UrlLength(in.size()) > out.size()) return Fail(Code::kBufferTooSmall, "base64url");
  return EncodeBits(in, kUrl, out.data());
}

Result<size_t> Base64UrlDecode(std::string_view in, ByteSpan out) { return DecodeBits(in, kUrl, out, "base64url"); }

Result<size_t> Base64Encode(ByteView in, std::span<char> out) {
  const size_t length = Base64Length(in.size());
  if (length > out.size()) return Fail(Code::kBufferTooSmall, "base64");
  size_t used = EncodeBits(in, kPadded, out.data());
  while (used < length) out[used++] = '=';
  return used;
}

Result<size_t> Base64Decode(std::string_view in, ByteSpan out) {
  if (in.size() % 4 != 0) return Fail(Code::kMalformed, "base64");
  size_t padding = 0;
  while (padding < 2 && padding < in.size() && in[in.size() - 1 - padding] == '=') ++padding;
  in.remove_suffix(padding);
  return DecodeBits(in, kPadded, out, "base64");
}

Result<size_t> HexEncode(ByteView in, std::span<char> out) {
  if (in.size() > out.size() / 2) return Fail(Code::kBufferTooSmall, "hex");
  constexpr char kDigits[] = "0123456789abcdef";
  size_t used = 0;
  for (const uint8_t octet : in) {
    out[used++] = kDigits[octet >> 4];
    out[used++] = kDigits[octet & 15];
  }
  return used;
}

Result<size_t> HexDecode(std::string_view in, ByteSpan out) {
  if (in.size() % 2 != 0) return Fail(Code::kMalformed, "hex");
  if (in.size() / 2 > out.size()) return Fail(Code::kBufferTooSmall, "hex");
  for (size_t i = 0; i < in.size(); ++i) {
    const char c = in[i];
    unsigned value = 0;
    if (c >= '0' && c <= '9') {
      value = static_cast<unsigned>(c - '0');
    } else if (c >= 'a' && c <= 'f') {
      value = static_cast<unsigned>(c - 'a' + 10);
    } else {
      return Fail(c >= 'A' && c <= 'F' ? Code::kNotCanonical : Code::kMalformed, "hex");
    }
    out[i / 2] = static_cast<uint8_t>(i % 2 == 0 ? value << 4 : out[i / 2] | value);
  }
  return in.size() / 2;
}

// Both directions work on pairs, two octets against two digits: a quarter of the steps, still in 32 bits.
constexpr uint32_t kBase58Pair = 58 * 58;

Result<size_t> Base58Encode(ByteView in, std::span<char> out) {
  if (in.size() > kMaxBase58Octets) return Fail(Code::kTooLarge, "base58btc");
  size_t zeros = 0;
  while (zeros < in.size() && in[zeros] == 0) ++zeros;
  // Pairs of digits, least significant first; log(256)/log(58) < 1.38.
  std::array<uint16_t, kMaxBase58Octets * 138 / 200 + 2> pairs;
  const ScopedWipe wipe(std::span(reinterpret_cast<uint8_t*>(pairs.data()), sizeof pairs));  // private keys come by too
  size_t count = 0;
  const auto add = [&](uint32_t carry, unsigned shift) {
    for (size_t i = 0; i < count; ++i) {
      carry += static_cast<uint32_t>(pairs[i]) << shift;
      pairs[i] = static_cast<uint16_t>(carry % kBase58Pair);
      carry /= kBase58Pair;
    }
    for (; carry != 0; carry /= kBase58Pair) pairs[count++] = static_cast<uint16_t>(carry % kBase58Pair);
  };
  const ByteView rest = in.subspan(zeros);
  size_t at = rest.size() % 2;
  if (at == 1) add(rest[0], 8);
  for (; at < rest.size(); at += 2) add(static_cast<uint32_t>(rest[at]) << 8 | rest[at + 1], 16);
  const size_t digits = count == 0 ? 0 : 2 * count - (pairs[count - 1] < 58 ? 1 : 0);
  if (zeros + digits > out.size()) return Fail(Code::kBufferTooSmall, "base58btc");
  for (size_t i = 0; i < zeros; ++i) out[i] = kBase58Alphabet[0];
  for (size_t i = 0; i < digits; ++i) {  // least significant first
    const uint16_t pair = pairs[i / 2];
    out[zeros + digits - 1 - i] = kBase58Alphabet[i % 2 == 0 ? pair % 58 : pair / 58];
  }
  return zeros + digits;
}

Result<size_t> Base58Decode(std::string_view in, ByteSpan out) {
  if (in.size() > kMaxBase58Octets * 138 / 100 + 1) return Fail(Code::kTooLarge, "base58btc");
  size_t zeros = 0;
  while (zeros < in.size() && in[zeros] == kBase58Alphabet[0]) ++zeros;
  std::array<uint16_t, kMaxBase58Octets / 2> pairs;  // of octets, least significant first
  const ScopedWipe wipe(std::span(reinterpret_cast<uint8_t*>(pairs.data()), sizeof pairs));
  size_t count = 0;
  for (size_t at = zeros; at < in.size();) {
    const bool two = (in.size() - at) % 2 == 0;
    const uint8_t first = ValueOf(kBase58Values, in[at]);
    const uint8_t second = two ? ValueOf(kBase58Values, in[at + 1]) : 0;
    if (first == kNone || second == kNone) return Fail(Code::kMalformed, "base58btc");
    uint32_t carry = two ? first * 58u + second : first;
    const uint32_t scale = two ? kBase58Pair : 58;
    at += two ? 2 : 1;
    for (size_t i = 0; i < count; ++i) {
      carry += pairs[i] * scale;
      pairs[i] = static_cast<uint16_t>(carry);
      carry >>= 16;
    }
    if (carry == 0) continue;
    if (count == pairs.size()) return Fail(Code::kTooLarge, "base58btc");
    pairs[count++] = static_cast<uint16_t>(carry);
  }
  const size_t octets = count == 0 ? 0 : 2 * count - (pairs[count - 1] < 256 ? 1 : 0);
  if (zeros + octets > kMaxBase58Octets) return Fail(Code::kTooLarge, "base58btc");
  if (zeros + octets > out.size()) return Fail(Code::kBufferTooSmall, "base58btc");
  for (size_t i = 0; i < zeros; ++i) out[i] = 0;
  for (size_t i = 0; i < octets; ++i) {
    const uint16_t pair = pairs[i / 2];
    out[zeros + octets - 1 - i] = static_cast<uint8_t>(i % 2 == 0 ? pair : pair >> 8);
  }
  return zeros + octets;
}

Result<size_t> MultibaseEncodeBase58(ByteView in, std::span<char> out) {
  if (out.empty()) return Fail(Code::kBufferTooSmall, "multibase");
  KEEL_TRY(const size_t used, Base58Encode(in, out.subspan(1)));
  out[0] = 'z';
  return used + 1;
}

Result<size_t> MultibaseDecode(std::string_view in, ByteSpan out) {
  if (in.empty()) return Fail(Code::kMalformed, "multibase");
  const char prefix = in[0];
  in.remove_prefix(1);
  if (prefix == 'z') return Base58Decode(in, out);
  if (prefix == 'u') return Base64UrlDecode(in, out);
  return Fail(Code::kUnsupported, "multibase prefix");
}

Result<size_t> VarintEncode(uint64_t value, ByteSpan out) {
  if (value >> 63 != 0) return Fail(Code::kOutOfRange, "varint");
  size_t used = 0;
  do {
    if (used == out.size()) return Fail(Code::kBufferTooSmall, "varint");
    const auto low = static_cast<uint8_t>(value & 0x7f);
    value >>= 7;
    out[used++] = static_cast<uint8_t>(low | (value != 0 ? 0x80 : 0));
  } while (value != 0);
  return used;
}

Result<Varint> VarintDecode(ByteView in) {
  Varint result;
  for (; result.length < 9;) {
    if (result.length == in.size()) return Fail(Code::kMalformed, "varint");
    const uint8_t octet = in[result.length];
    result.value |= static_cast<uint64_t>(octet & 0x7f) << (7 * result.length);
    ++result.length;
    if ((octet & 0x80) == 0) {
      if (octet == 0 && result.length > 1) return Fail(Code::kNotCanonical, "varint");
      return result;
    }
  }
  return Fail(Code::kTooLarge, "varint");
}

bool IsUtf8(ByteView in) {
  size_t at = 0;
  while (at < in.size()) {
    uint64_t ascii[4];
    while (in.size() - at >= sizeof ascii) {  // 32 octets at a step while all are ASCII
      std::memcpy(ascii, in.data() + at, sizeof ascii);
      if (((ascii[0] | ascii[1] | ascii[2] | ascii[3]) & 0x8080808080808080u) != 0) break;
      at += sizeof ascii;
    }
    if (at == in.size()) break;
    const uint8_t lead = in[at++];
    if (lead < 0x80) continue;
    size_t more = 0;
    uint8_t low = 0x80, high = 0xbf;  // range of the second octet (Unicode table 3-7)
    if (lead >= 0xc2 && lead <= 0xdf) {
      more = 1;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      more = 2;
      if (lead == 0xe0) low = 0xa0;
      if (lead == 0xed) high = 0x9f;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      more = 3;
      if (lead == 0xf0) low = 0x90;
      if (lead == 0xf4) high = 0x8f;
    } else {
      return false;
    }
    if (in.size() - at < more) return false;
    for (size_t i = 0; i < more; ++i) {
      if (in[at] < low || in[at] > high) return false;
      ++at;
      low = 0x80;
      high = 0xbf;
    }
  }
  return true;
}

}  // namespace keel
