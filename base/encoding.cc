// SPDX-License-Identifier: Apache-2.0
#include "base/encoding.h"

#include <array>

namespace keel::base {
namespace {

constexpr UnixSeconds kLastSecond = 253402300799;  // 9999-12-31T23:59:59Z

// The encoders can only fail for want of room, and the room is computed.
std::string Encoded(Result<size_t> written, std::string out) {
  KEEL_ASSERT(written.has_value());
  out.resize(*written);
  return out;
}

Result<ByteVec> Decoded(Result<size_t> written, ByteVec out) {
  if (!written) return std::unexpected<Error>(std::move(written.error()));
  out.resize(*written);
  return out;
}

}  // namespace

std::string Base64Url(ByteView bytes) {
  std::string out(Base64UrlLength(bytes.size()), '\0');
  const auto written = Base64UrlEncode(bytes, out);
  return Encoded(written, std::move(out));
}

Result<ByteVec> FromBase64Url(std::string_view text) {
  ByteVec out(text.size() / 4 * 3 + 3);
  const auto written = Base64UrlDecode(text, out);
  return Decoded(written, std::move(out));
}

std::string Base64(ByteView bytes) {
  std::string out(Base64Length(bytes.size()), '\0');
  const auto written = Base64Encode(bytes, out);
  return Encoded(written, std::move(out));
}

Result<ByteVec> FromBase64(std::string_view text) {
  ByteVec out(text.size() / 4 * 3 + 3);
  const auto written = Base64Decode(text, out);
  return Decoded(written, std::move(out));
}

std::string Hex(ByteView bytes) {
  std::string out(bytes.size() * 2, '\0');
  const auto written = HexEncode(bytes, out);
  return Encoded(written, std::move(out));
}

Result<ByteVec> FromHex(std::string_view text) {
  ByteVec out(text.size() / 2 + 1);
  const auto written = HexDecode(text, out);
  return Decoded(written, std::move(out));
}

Result<std::string> Base58(ByteView bytes) {
  std::array<char, kMaxBase58Octets * 2> out;
  KEEL_TRY(const size_t n, Base58Encode(bytes, out));
  return std::string(out.data(), n);
}

Result<ByteVec> FromBase58(std::string_view text) {
  ByteVec out(kMaxBase58Octets);
  const auto written = Base58Decode(text, out);
  return Decoded(written, std::move(out));
}

Result<std::string> MultibaseBase58(ByteView bytes) {
  std::array<char, kMaxBase58Octets * 2> out;
  KEEL_TRY(const size_t n, MultibaseEncodeBase58(bytes, out));
  return std::string(out.data(), n);
}

Result<ByteVec> FromMultibase(std::string_view text) {
  ByteVec out(text.size() + 3);
  const auto written = MultibaseDecode(text, out);
  return Decoded(written, std::move(out));
}

std::string Multikey(const crypto::PublicKey& key) {
  if (!key.valid()) return {};
  std::array<char, crypto::kMaxMultikeyText> out;
  const auto n = key.ToMultikey(out);
  return n ? std::string(out.data(), *n) : std::string();
}

std::string Rfc3339(UnixSeconds time) {
  std::array<char, kRfc3339Length> out;
  const auto n = FormatRfc3339(time > kLastSecond ? kLastSecond : time, out);
  KEEL_ASSERT(n.has_value());
  return std::string(out.data(), *n);
}

}  // namespace keel::base
