// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "core/bytes.h"

// Reading JSON (RFC 8259) where there is no heap: the text is checked whole once, then looked at through views into it.
// Strict in what assurance.md's I4 asks: no duplicate names (compared after unescaping), depth at most kMaxJsonDepth,
// valid UTF-8, no byte-order mark, nothing after the value, integers only within +-(2^53-1), no fractions or exponents
// (no Keel message has any). A view is valid as long as the text is. Nothing here recurses on input or allocates.
namespace keel {

inline constexpr size_t kMaxJsonDepth = 32;
inline constexpr size_t kMaxJsonSize = 65536;
inline constexpr size_t kMaxJsonMembers = 256;  // of one object

class JsonView {
 public:
  enum class Kind : uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };

  JsonView() = default;

  // Checks the whole text. kTooLarge, kMalformed, kDuplicate, kOutOfRange.
  static Result<JsonView> Parse(std::string_view text);

  Kind kind() const { return kind_; }
  // The value's own text, as it stands (for signing over received octets, for nested parsing).
  std::string_view raw() const { return text_; }

  // An object's member; kMissing when absent, kMalformed when this is no object.
  Result<JsonView> Get(std::string_view name) const;
  bool Has(std::string_view name) const;

  // Typed reads of a member, each with kMissing / kMalformed / kOutOfRange / kBufferTooSmall.
  Result<uint64_t> GetUint(std::string_view name) const;
  Result<bool> GetBool(std::string_view name) const;
  // A string without escapes, as a view into the text; kUnsupported if it has escapes.
  Result<std::string_view> GetPlain(std::string_view name) const;
  // base64url member decoded; GetFixed demands exactly N octets.
  Result<size_t> GetBase64Url(std::string_view name, ByteSpan out) const;
  template <size_t N>
  Result<ByteArray<N>> GetFixed(std::string_view name) const {
    ByteArray<N> out{};
    KEEL_TRY(const size_t n, GetBase64Url(name, out));
    if (n != N) return Fail(Code::kMalformed, "json member length");
    return out;
  }

  // Typed reads of this value.
  Result<uint64_t> AsUint() const;
  Result<int64_t> AsInt() const;
  Result<bool> AsBool() const;
  Result<std::string_view> AsPlain() const;
  // The unescaped string, written to out.
  Result<size_t> AsString(std::span<char> out) const;

  // Walks an array's elements or an object's members in order: `JsonView item; for (auto it = v.begin_items();
  // it.Next(item);)`.
  class Items {
   public:
    // False at the end. For objects `name` is the member's name as written (unescaped only if it had no escapes).
    bool Next(JsonView& item);
    bool Next(std::string_view& name, JsonView& item);

   private:
    friend class JsonView;
    std::string_view rest_;
    bool object_ = false;
  };
  Items items() const;
  size_t count() const;  // elements or members

 private:
  JsonView(Kind kind, std::string_view text) : kind_(kind), text_(text) {}
  Kind kind_ = Kind::kNull;
  std::string_view text_;
};

}  // namespace keel
