// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <concepts>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/encoding.h"
#include "core/bytes.h"
#include "core/result.h"

// How records are written: one octet of version, then the fields in a fixed order. Numbers are big-endian and 8 octets
// (enumerations 1), octet strings u32 length || octets, fixed arrays as they are, lists u32 count || elements. One list
// of fields serves both directions, so that they cannot differ:
//
//   template <typename Archive, typename Record>
//   void Fields(Archive& archive, Record& record) { archive(record.name); archive(record.count); }
namespace keel::verifier {

inline constexpr uint8_t kRecordVersion = 1;

class RecordWriter {
 public:
  RecordWriter() { out_.push_back(static_cast<char>(kRecordVersion)); }

  void operator()(std::string_view text) {
    Number(text.size(), 4);
    out_ += text;
  }
  void operator()(const base::ByteVec& octets) { (*this)(AsText(octets)); }
  template <size_t N>
  void operator()(const ByteArray<N>& octets) {
    out_ += AsText(octets);
  }
  void operator()(std::unsigned_integral auto number) { Number(number, 8); }
  template <typename Enum>
    requires std::is_enum_v<Enum>
  void operator()(Enum value) {
    Number(static_cast<uint64_t>(value), 1);
  }
  // Each element by `fields(archive, element)`.
  template <typename Items, typename Fields>
  void List(const Items& list, const Fields& fields) {
    Number(list.size(), 4);
    for (const auto& item : list) fields(*this, item);
  }

  std::string Take() { return std::move(out_); }

 private:
  void Number(uint64_t number, size_t octets) {
    while (octets-- > 0) out_.push_back(static_cast<char>(number >> (8 * octets)));
  }
  std::string out_;
};

// Reads what RecordWriter wrote. After the last field `Done()` says whether all was there and nothing was left over.
class RecordReader {
 public:
  explicit RecordReader(std::string_view octets) : in_(AsBytes(octets)) { good_ = in_.U8() == kRecordVersion; }

  void operator()(std::string& text) { text = std::string(AsText(Octets())); }
  void operator()(base::ByteVec& octets) {
    const ByteView view = Octets();
    octets.assign(view.begin(), view.end());
  }
  template <size_t N>
  void operator()(ByteArray<N>& octets) {
    octets = in_.Fixed<N>();
  }
  template <std::unsigned_integral Number>
  void operator()(Number& number) {
    const uint64_t read = in_.U64();
    good_ = good_ && read <= std::numeric_limits<Number>::max();
    number = static_cast<Number>(read);
  }
  // EndOf(Enum) says how many values there are, numbered from 0.
  template <typename Enum>
    requires std::is_enum_v<Enum>
  void operator()(Enum& value) {
    const uint8_t read = in_.U8();
    good_ = good_ && read < EndOf(value);
    value = good_ ? static_cast<Enum>(read) : Enum{};
  }
  template <typename Items, typename Fields>
  void List(Items& list, const Fields& fields) {
    const uint32_t count = in_.U32();
    list.clear();
    for (uint32_t i = 0; i < count && in_.ok() && good_; ++i) fields(*this, list.emplace_back());
  }

  // kCorrupt: another version, cut off, a value out of range, or octets left over.
  Result<> Done(const char* what) const {
    if (good_ && in_.done()) return {};
    return Fail(Code::kCorrupt, what, "the record is damaged or of another version");
  }

 private:
  ByteView Octets() { return in_.Take(in_.U32()); }
  ByteReader in_;
  bool good_ = true;
};

}  // namespace keel::verifier
