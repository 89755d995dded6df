// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "core/bytes.h"

// A bounded reader of deterministic CBOR (RFC 8949): definite lengths and shortest forms only, no floats, no recursion.
namespace keel::onboarding {

inline constexpr size_t kMaxCborSkipItems = 256;  // items passed over in one Skip

class CborReader {
 public:
  enum class Major : uint8_t {
    kUint = 0,
    kNint = 1,
    kBytes = 2,
    kText = 3,
    kArray = 4,
    kMap = 5,
    kTag = 6,
    kSimple = 7
  };

  explicit CborReader(ByteView in) : in_(in) {}

  // The kind of the next item; kMalformed at the end.
  Result<Major> Peek() const;
  Result<uint64_t> Uint();
  Result<int64_t> Int();  // positive or negative, within int64
  Result<ByteView> Bytes();
  Result<std::string_view> Text();
  Result<size_t> Array();  // number of items that follow
  Result<size_t> Map();    // number of pairs that follow
  Result<uint64_t> Tag();
  Result<> Null();
  // Passes over one whole item, at most kMaxCborSkipItems with what is inside it.
  Result<> Skip();

  bool done() const { return at_ == in_.size(); }
  ByteView rest() const { return in_.subspan(at_); }  // what has not been read

 private:
  struct Head {
    Major major;
    uint64_t value;
  };
  Result<Head> Next();
  Result<uint64_t> Expect(Major major);
  Result<ByteView> Take(uint64_t n);
  ByteView in_;
  size_t at_ = 0;
};

}  // namespace keel::onboarding
