// SPDX-License-Identifier: Apache-2.0
#include "core/json_writer.h"

#include "core/encoding.h"

namespace keel {

void JsonWriter::Put(std::string_view text) {
  if (!ok_) return;
  if (text.size() > out_.size() - used_) {
    ok_ = false;
    return;
  }
  if (!text.empty()) std::memcpy(out_.data() + used_, text.data(), text.size());
  used_ += text.size();
}

void JsonWriter::Separate() {
  if (comma_) Put(",");
  comma_ = true;
}

JsonWriter& JsonWriter::BeginObject() {
  Separate();
  Put("{");
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::EndObject() {
  Put("}");
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::BeginArray() {
  Separate();
  Put("[");
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::EndArray() {
  Put("]");
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::Name(std::string_view name) {
  String(name);
  Put(":");
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::String(std::string_view text) {
  Separate();
  if (!IsUtf8(AsBytes(text))) ok_ = false;  // there is no way to write it
  Put("\"");
  size_t plain = 0;  // start of what needs no escape
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<uint8_t>(text[i]);
    if (c >= 0x20 && c != '"' && c != '\\') continue;
    Put({text.data() + plain, i - plain});
    plain = i + 1;
    char escape[6] = {'\\', 'u', '0', '0', '0', '0'};
    size_t length = 2;
    switch (c) {  // the short forms, as RFC 8785 section 3.2.2.2 has them
      case '"': escape[1] = '"'; break;
      case '\\': escape[1] = '\\'; break;
      case '\b': escape[1] = 'b'; break;
      case '\t': escape[1] = 't'; break;
      case '\n': escape[1] = 'n'; break;
      case '\f': escape[1] = 'f'; break;
      case '\r': escape[1] = 'r'; break;
      default:
        escape[4] = static_cast<char>('0' + (c >> 4));
        escape[5] = "0123456789abcdef"[c & 15];
        length = 6;
    }
    Put({escape, length});
  }
  Put({text.data() + plain, text.size() - plain});
  Put("\"");
  return *this;
}

JsonWriter& JsonWriter::Uint(uint64_t value) {
  Separate();
  if (value > (uint64_t{1} << 53) - 1) ok_ = false;  // no reader would take it (JsonView)
  char digits[20];
  size_t at = sizeof digits;
  do {
    digits[--at] = static_cast<char>('0' + value % 10);
    value /= 10;
  } while (value != 0);
  Put({digits + at, sizeof digits - at});
  return *this;
}

JsonWriter& JsonWriter::Bool(bool value) {
  Separate();
  Put(value ? "true" : "false");
  return *this;
}

JsonWriter& JsonWriter::Null() {
  Separate();
  Put("null");
  return *this;
}

JsonWriter& JsonWriter::Base64Url(ByteView bytes) {
  Separate();
  Put("\"");
  if (ok_) {
    auto length = Base64UrlEncode(bytes, out_.subspan(used_));
    if (length) {
      used_ += *length;
    } else {
      ok_ = false;
    }
  }
  Put("\"");
  return *this;
}

JsonWriter& JsonWriter::Raw(std::string_view json) {
  Separate();
  Put(json);
  return *this;
}

}  // namespace keel
