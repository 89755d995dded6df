// SPDX-License-Identifier: Apache-2.0
#include "vc/status_list/bitstring.h"

#include <zlib.h>

#include <bit>

#include "base/encoding.h"
#include "vc/status_list/encoder.h"

namespace keel::vc {
namespace {

constexpr int kGzip = 16 + MAX_WBITS;  // zlib: expect a gzip header

}  // namespace

Result<Bitstring> Bitstring::Create(uint64_t bits) {
  if (bits < kMinStatusBits || bits > kMaxStatusOctets * 8)
    return Fail(Code::kOutOfRange, "status list", std::to_string(bits) + " bits");
  Bitstring list;
  list.octets_.resize((bits + 7) / 8);
  return list;
}

Result<Bitstring> Bitstring::Decode(std::string_view encoded) {
  if (encoded.size() > kMaxEncodedList) return Fail(Code::kTooLarge, "status list", "encodedList is too long");
  if (!encoded.starts_with('u'))
    return Fail(Code::kMalformed, "status list", "encodedList isn't multibase base64url ('u')");
  KEEL_TRY(base::ByteVec compressed, base::FromBase64Url(encoded.substr(1)));
  z_stream stream{};
  if (inflateInit2(&stream, kGzip) != Z_OK) return Fail(Code::kInternalError, "status list", "zlib");
  stream.next_in = compressed.data();
  stream.avail_in = static_cast<uInt>(compressed.size());
  Bitstring list;
  int code = Z_OK;
  // Grown step by step, so that a bomb costs no more than the cap.
  while (code == Z_OK && list.octets_.size() <= kMaxStatusOctets) {
    const size_t at = list.octets_.size();
    list.octets_.resize(at + (64 << 10));
    stream.next_out = list.octets_.data() + at;
    stream.avail_out = static_cast<uInt>(list.octets_.size() - at);
    code = inflate(&stream, Z_NO_FLUSH);
    list.octets_.resize(list.octets_.size() - stream.avail_out);
    if (code == Z_OK && stream.avail_in == 0 && stream.avail_out != 0) break;  // truncated
  }
  const bool trailing = stream.avail_in != 0;
  inflateEnd(&stream);
  if (list.octets_.size() > kMaxStatusOctets)
    return Fail(Code::kTooLarge, "status list", "more than " + std::to_string(kMaxStatusOctets) + " octets unpacked");
  if (code != Z_STREAM_END) return Fail(Code::kMalformed, "status list", "the gzip stream is damaged or truncated");
  if (trailing) return Fail(Code::kMalformed, "status list", "octets after the gzip stream");
  if (list.bits() < kMinStatusBits)
    return Fail(Code::kOutOfRange, "status list", "shorter than " + std::to_string(kMinStatusBits) + " bits");
  return list;
}

Result<std::string> Bitstring::Encode() const { return StatusListEncoder(*this).Encode(); }

Result<bool> Bitstring::Get(uint64_t index) const {
  if (index >= bits())
    return Fail(Code::kOutOfRange, "status list", "index " + std::to_string(index) + " of " + std::to_string(bits()));
  return ((octets_[index / 8] >> (7 - index % 8)) & 1) != 0;
}

Result<> Bitstring::Set(uint64_t index, bool value) {
  if (index >= bits())
    return Fail(Code::kOutOfRange, "status list", "index " + std::to_string(index) + " of " + std::to_string(bits()));
  const auto mask = static_cast<uint8_t>(1u << (7 - index % 8));
  octets_[index / 8] = static_cast<uint8_t>(value ? octets_[index / 8] | mask : octets_[index / 8] & ~mask);
  return {};
}

Result<uint64_t> Bitstring::GetValue(uint64_t index, uint32_t size) const {
  if (size == 0 || size > 32 || index >= bits() / size)
    return Fail(Code::kOutOfRange, "status list", "index " + std::to_string(index));
  uint64_t value = 0;
  for (uint64_t bit = index * size; bit < (index + 1) * size; ++bit) {
    value = (value << 1) | ((octets_[bit / 8] >> (7 - bit % 8)) & 1u);
  }
  return value;
}

Result<> Bitstring::SetValue(uint64_t index, uint32_t size, uint64_t value) {
  if (size == 0 || size > 32 || index >= bits() / size || value >> size != 0)
    return Fail(Code::kOutOfRange, "status list",
                "index " + std::to_string(index) + ", value " + std::to_string(value) + " of " + std::to_string(size) +
                    " bits");
  for (uint32_t i = 0; i < size; ++i) KEEL_TRY_VOID(Set(index * size + i, (value >> (size - 1 - i)) & 1u));
  return {};
}

uint64_t Bitstring::Count() const {
  uint64_t count = 0;
  for (const uint8_t octet : octets_) count += static_cast<uint64_t>(std::popcount(octet));
  return count;
}

}  // namespace keel::vc
