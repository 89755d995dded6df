// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "core/bytes.h"

namespace keel {

// Writes JSON without white space into a caller's buffer, members in the order of the calls. An overflow is remembered
// (ok() false) and nothing is written past the end. Not thread-safe.
//
//   JsonWriter w(buffer);
//   w.BeginObject().Name("v").Uint(1).Name("nonce").Base64Url(nonce).EndObject();
class JsonWriter {
 public:
  explicit JsonWriter(std::span<char> out) : out_(out) {}

  JsonWriter& BeginObject();
  JsonWriter& EndObject();
  JsonWriter& BeginArray();
  JsonWriter& EndArray();
  JsonWriter& Name(std::string_view name);
  JsonWriter& String(std::string_view text);  // UTF-8, escaped as needed
  JsonWriter& Uint(uint64_t value);
  JsonWriter& Bool(bool value);
  JsonWriter& Null();
  JsonWriter& Base64Url(ByteView bytes);   // as a string
  JsonWriter& Raw(std::string_view json);  // a value that is JSON already

  bool ok() const { return ok_; }
  size_t size() const { return used_; }
  std::string_view text() const { return {out_.data(), used_}; }

 private:
  void Put(std::string_view text);
  void Separate();
  std::span<char> out_;
  size_t used_ = 0;
  bool ok_ = true;
  bool comma_ = false;
};

}  // namespace keel
