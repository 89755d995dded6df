// SPDX-License-Identifier: Apache-2.0
#include "vc/cbor/cbor.h"

#include <algorithm>

#include "core/encoding.h"

namespace keel::vc {

Result<std::string_view> CborReader::Text() {
  KEEL_TRY(const std::string_view text, onboarding::CborReader::Text());
  if (!IsUtf8(AsBytes(text))) return Fail(Code::kMalformed, "cbor text", "no UTF-8");
  return text;
}

Result<size_t> CborReader::Array(size_t limit) {
  KEEL_TRY(const size_t count, onboarding::CborReader::Array());
  if (count > limit) return Fail(Code::kTooLarge, "cbor array", std::to_string(count) + " elements");
  return count;
}

Result<size_t> CborReader::Map(size_t limit) {
  KEEL_TRY(const size_t count, onboarding::CborReader::Map());
  if (count > limit) return Fail(Code::kTooLarge, "cbor map", std::to_string(count) + " pairs");
  return count;
}

Result<> CborReader::ExpectTag(uint64_t tag) {
  KEEL_TRY(const uint64_t found, Tag());
  if (found != tag)
    return Fail(Code::kMalformed, "cbor tag", std::to_string(found) + ", expected " + std::to_string(tag));
  return {};
}

Result<ByteView> CborReader::Item() {
  const ByteView before = rest();
  KEEL_TRY_VOID(Skip());
  return before.first(before.size() - rest().size());
}

Result<> CborReader::End() const {
  if (!done()) return Fail(Code::kMalformed, "cbor", std::to_string(rest().size()) + " octets after the end");
  return {};
}

Result<> CborKeys::Add(ByteView key) {
  base::ByteVec octets = base::ToBytes(key);
  const auto at = std::lower_bound(seen_.begin(), seen_.end(), octets);
  if (at != seen_.end() && *at == octets) return Fail(Code::kDuplicate, "cbor map", "a key appears twice");
  seen_.insert(at, std::move(octets));
  return {};
}

void CborWriter::Head(uint8_t major, uint64_t value) {
  const auto type = static_cast<uint8_t>(major << 5);
  if (value < 24) {
    out_.push_back(static_cast<uint8_t>(type | value));
    return;
  }
  const int width = value <= 0xff ? 0 : value <= 0xffff ? 1 : value <= 0xffffffff ? 2 : 3;
  out_.push_back(static_cast<uint8_t>(type | (24 + width)));
  for (int shift = (8 << width) - 8; shift >= 0; shift -= 8) out_.push_back(static_cast<uint8_t>(value >> shift));
}

CborWriter& CborWriter::Uint(uint64_t value) {
  Head(0, value);
  return *this;
}

CborWriter& CborWriter::Int(int64_t value) {
  if (value >= 0) return Uint(static_cast<uint64_t>(value));
  Head(1, static_cast<uint64_t>(-1 - value));
  return *this;
}

CborWriter& CborWriter::Bytes(ByteView value) {
  Head(2, value.size());
  return Encoded(value);
}

CborWriter& CborWriter::Text(std::string_view value) {
  Head(3, value.size());
  return Encoded(AsBytes(value));
}

CborWriter& CborWriter::Array(size_t count) {
  Head(4, count);
  return *this;
}

CborWriter& CborWriter::Map(size_t count) {
  Head(5, count);
  return *this;
}

CborWriter& CborWriter::Tag(uint64_t tag) {
  Head(6, tag);
  return *this;
}

CborWriter& CborWriter::Null() {
  out_.push_back(0xf6);
  return *this;
}

CborWriter& CborWriter::Encoded(ByteView item) {
  out_.insert(out_.end(), item.begin(), item.end());
  return *this;
}

Result<> CborWriter::SortedMap(std::vector<std::pair<base::ByteVec, base::ByteVec>> pairs) {
  std::sort(pairs.begin(), pairs.end());
  for (size_t i = 1; i < pairs.size(); ++i) {
    if (pairs[i - 1].first == pairs[i].first) return Fail(Code::kDuplicate, "cbor map", "a key appears twice");
  }
  Map(pairs.size());
  for (const auto& [key, value] : pairs) Encoded(key).Encoded(value);
  return {};
}

base::ByteVec CborUint(uint64_t value) { return CborWriter().Uint(value).Take(); }
base::ByteVec CborInt(int64_t value) { return CborWriter().Int(value).Take(); }
base::ByteVec CborBytes(ByteView value) { return CborWriter().Bytes(value).Take(); }
base::ByteVec CborText(std::string_view value) { return CborWriter().Text(value).Take(); }

}  // namespace keel::vc
