// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "core/bytes.h"

// Text encodings, canonical forms only: what a decoder accepts, the encoder gives back octet for octet. All write into
// the caller's buffer and return the number of characters or octets written; kBufferTooSmall when it does not fit,
// kMalformed for a foreign character, kNotCanonical for a second spelling of the same octets (padding, stray bits,
// upper-case hex).
namespace keel {

// RFC 4648 section 5 without padding.
constexpr size_t Base64UrlLength(size_t octets) { return (octets * 4 + 2) / 3; }
Result<size_t> Base64UrlEncode(ByteView in, std::span<char> out);
Result<size_t> Base64UrlDecode(std::string_view in, ByteSpan out);

// RFC 4648 section 4 with padding (signed notes).
constexpr size_t Base64Length(size_t octets) { return (octets + 2) / 3 * 4; }
Result<size_t> Base64Encode(ByteView in, std::span<char> out);
Result<size_t> Base64Decode(std::string_view in, ByteSpan out);

// Lower-case hexadecimal.
Result<size_t> HexEncode(ByteView in, std::span<char> out);
Result<size_t> HexDecode(std::string_view in, ByteSpan out);

// base58btc (the Bitcoin alphabet); inputs of at most kMaxBase58Octets octets, since its cost is quadratic.
inline constexpr size_t kMaxBase58Octets = 256;
Result<size_t> Base58Encode(ByteView in, std::span<char> out);
Result<size_t> Base58Decode(std::string_view in, ByteSpan out);

// Multibase: 'z' base58btc or 'u' base64url without padding; any other prefix is kUnsupported.
Result<size_t> MultibaseEncodeBase58(ByteView in, std::span<char> out);
Result<size_t> MultibaseDecode(std::string_view in, ByteSpan out);

// Unsigned varint of multiformats: at most 9 octets, minimal form only.
Result<size_t> VarintEncode(uint64_t value, ByteSpan out);
struct Varint {
  uint64_t value = 0;
  size_t length = 0;
};
Result<Varint> VarintDecode(ByteView in);

// True when the octets are well-formed UTF-8 (no surrogates, no overlong forms, at most U+10FFFF).
bool IsUtf8(ByteView in);

}  // namespace keel
