// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/encoding.h"
#include "core/time.h"
#include "crypto/keys.h"

// Conveniences for hosts over core/encoding.h: the same canonical forms, owning results. All functions are pure and
// thread-safe. The decoders give kMalformed for a foreign character and kNotCanonical for a second spelling of the same
// octets.
namespace keel::base {

using ByteVec = std::vector<uint8_t>;

inline ByteVec ToBytes(ByteView bytes) { return {bytes.begin(), bytes.end()}; }
inline ByteVec ToBytes(std::string_view text) { return ToBytes(AsBytes(text)); }
inline std::string ToString(ByteView bytes) { return std::string(AsText(bytes)); }

std::string Base64Url(ByteView bytes);  // RFC 4648 section 5, no padding
Result<ByteVec> FromBase64Url(std::string_view text);
std::string Base64(ByteView bytes);  // RFC 4648 section 4, padded
Result<ByteVec> FromBase64(std::string_view text);
std::string Hex(ByteView bytes);                 // lower case
Result<ByteVec> FromHex(std::string_view text);  // lower case only
// At most kMaxBase58Octets octets (kTooLarge).
Result<std::string> Base58(ByteView bytes);
Result<ByteVec> FromBase58(std::string_view text);
// 'z' base58btc; the decoder takes 'u' base64url too, any other prefix is kUnsupported.
Result<std::string> MultibaseBase58(ByteView bytes);
Result<ByteVec> FromMultibase(std::string_view text);

// Exactly N octets, else kMalformed.
template <size_t N>
Result<ByteArray<N>> FixedFromBase64Url(std::string_view text) {
  KEEL_TRY(const ByteVec bytes, FromBase64Url(text));
  if (bytes.size() != N)
    return Fail(Code::kMalformed, "base64url",
                "expected " + std::to_string(N) + " octets, found " + std::to_string(bytes.size()));
  ByteArray<N> out;
  std::memcpy(out.data(), bytes.data(), N);
  return out;
}

// The key's Multikey text ("z6Mk..."); empty for no key.
std::string Multikey(const crypto::PublicKey& key);

// "2026-11-22T10:41:00Z"; years past 9999 are shown as 9999-12-31T23:59:59Z.
std::string Rfc3339(UnixSeconds time);

}  // namespace keel::base
