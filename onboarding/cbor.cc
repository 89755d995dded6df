// SPDX-License-Identifier: Apache-2.0
#include "onboarding/cbor.h"

namespace keel::onboarding {

Result<CborReader::Major> CborReader::Peek() const {
  if (at_ >= in_.size()) return Fail(Code::kMalformed, "cbor end");
  return static_cast<Major>(in_[at_] >> 5);
}

Result<CborReader::Head> CborReader::Next() {
  if (at_ >= in_.size()) return Fail(Code::kMalformed, "cbor end");
  const uint8_t first = in_[at_];
  const auto major = static_cast<Major>(first >> 5);
  const uint8_t info = first & 31;
  if (info < 24) {
    ++at_;
    return Head{major, info};
  }
  if (info > 27 || major == Major::kSimple) return Fail(Code::kUnsupported, "cbor length form");
  const size_t width = size_t{1} << (info - 24);
  if (width > in_.size() - at_ - 1) return Fail(Code::kMalformed, "cbor end");
  uint64_t value = 0;
  for (size_t i = 0; i < width; ++i) value = value << 8 | in_[at_ + 1 + i];
  constexpr uint64_t kLeast[4] = {24, 256, 65536, uint64_t{1} << 32};
  if (value < kLeast[info - 24]) return Fail(Code::kNotCanonical, "cbor");
  at_ += 1 + width;
  return Head{major, value};
}

Result<uint64_t> CborReader::Expect(Major major) {
  KEEL_TRY(const Major found, Peek());
  if (found != major) return Fail(Code::kMalformed, "cbor kind");
  KEEL_TRY(const Head head, Next());
  return head.value;
}

Result<ByteView> CborReader::Take(uint64_t n) {
  if (n > in_.size() - at_) return Fail(Code::kMalformed, "cbor end");
  const ByteView bytes = in_.subspan(at_, static_cast<size_t>(n));
  at_ += static_cast<size_t>(n);
  return bytes;
}

Result<uint64_t> CborReader::Uint() { return Expect(Major::kUint); }

Result<int64_t> CborReader::Int() {
  KEEL_TRY(const Head head, Next());
  if (head.major != Major::kUint && head.major != Major::kNint) return Fail(Code::kMalformed, "cbor int");
  if (head.value > static_cast<uint64_t>(INT64_MAX)) return Fail(Code::kOutOfRange, "cbor int");
  const auto value = static_cast<int64_t>(head.value);
  return head.major == Major::kUint ? value : -1 - value;
}

Result<ByteView> CborReader::Bytes() {
  KEEL_TRY(const uint64_t n, Expect(Major::kBytes));
  return Take(n);
}

Result<std::string_view> CborReader::Text() {
  KEEL_TRY(const uint64_t n, Expect(Major::kText));
  KEEL_TRY(const ByteView bytes, Take(n));
  return AsText(bytes);
}

Result<size_t> CborReader::Array() {
  KEEL_TRY(const uint64_t n, Expect(Major::kArray));
  if (n > in_.size() - at_) return Fail(Code::kMalformed, "cbor array");
  return static_cast<size_t>(n);
}

Result<size_t> CborReader::Map() {
  KEEL_TRY(const uint64_t n, Expect(Major::kMap));
  if (n > (in_.size() - at_) / 2) return Fail(Code::kMalformed, "cbor map");
  return static_cast<size_t>(n);
}

Result<uint64_t> CborReader::Tag() { return Expect(Major::kTag); }

Result<> CborReader::Null() {
  KEEL_TRY(const uint64_t value, Expect(Major::kSimple));
  if (value != 22) return Fail(Code::kMalformed, "cbor null");
  return {};
}

Result<> CborReader::Skip() {
  // No recursion: for definite lengths a count of the items still owed does.
  uint64_t owed = 1;
  for (size_t passed = 0; owed != 0; ++passed) {
    if (passed == kMaxCborSkipItems) return Fail(Code::kTooLarge, "cbor skip");
    --owed;
    KEEL_TRY(const Head head, Next());
    switch (head.major) {
      case Major::kBytes:
      case Major::kText: KEEL_TRY_VOID(Take(head.value)); break;
      case Major::kArray:
        if (head.value > in_.size() - at_) return Fail(Code::kMalformed, "cbor skip");
        owed += head.value;
        break;
      case Major::kMap:
        if (head.value > (in_.size() - at_) / 2) return Fail(Code::kMalformed, "cbor skip");
        owed += 2 * head.value;
        break;
      case Major::kTag: owed += 1; break;
      default: break;
    }
  }
  return {};
}

}  // namespace keel::onboarding
