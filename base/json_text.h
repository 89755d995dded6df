// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json_strict.h"
#include "core/result.h"

// JSON read where it stands: one pass checks the whole text and notes where each value begins and ends; nothing is
// copied until somebody asks for it. For texts whose strings are large (envelopes, messages), which a tree of values
// would copy several times. The language is ParseJson's to the error code of every refusal; tests/fuzz compares the
// two.
namespace keel::base {

class JsonText {
 public:
  enum class Kind : uint8_t { kNull, kBool, kInteger, kDouble, kString, kArray, kObject };
  class Value;

  JsonText() = default;
  // Errors as ParseJson's. `text` must outlive the result and every value of it.
  static Result<JsonText> Parse(std::string_view text, JsonLimits limits = {});

  Value root() const;

 private:
  friend class Value;
  friend class JsonScanner;
  struct Node {
    uint32_t begin = 0, end = 0;  // octets of the text, a string's quotes included
    uint32_t next = 0;            // node after this one and all inside it
    Kind kind = Kind::kNull;
    bool escaped = false;  // a string with a backslash in it
  };
  std::string_view text_;
  std::vector<Node> nodes_;  // in the text's order; an object's members are name, value, name, value
  bool compact_ = false;
};

// A value within a JsonText, as cheap to copy as a pointer; valid as long as that and its text are. Const, so safe to
// share between threads.
class JsonText::Value {
 public:
  Value() = default;
  Kind kind() const { return node().kind; }
  bool is_string() const { return kind() == Kind::kString; }
  bool is_object() const { return kind() == Kind::kObject; }
  bool is_array() const { return kind() == Kind::kArray; }
  bool is_null() const { return kind() == Kind::kNull; }
  // The value as it is written, white space inside included.
  std::string_view raw() const;

  // The whole text that this is a value of has no white space between its tokens.
  bool compact() const { return text_->compact_; }

  // A string's octets: in the text itself when it has no escapes (nullopt otherwise, and for other kinds).
  std::optional<std::string_view> View() const;
  // A string's octets, unescaped; empty for other kinds.
  std::string String() const;
  // The string is `text`.
  bool Equals(std::string_view text) const;
  // A whole number from 0 up; nullopt for anything else.
  std::optional<uint64_t> Uint() const;

  // An object's member; nullopt when it has none of that name, and for other kinds.
  std::optional<Value> Find(std::string_view name) const;

  // The elements of an array in order, or the values of an object's members.
  class Iterator {
   public:
    Value operator*() const;
    Value name() const;  // of an object's member: a string
    Iterator& operator++();
    friend bool operator==(const Iterator& a, const Iterator& b) { return a.at_ == b.at_; }

   private:
    friend class Value;
    const JsonText* text_ = nullptr;
    uint32_t at_ = 0;
    bool object_ = false;
  };
  Iterator begin() const;
  Iterator end() const;
  size_t size() const;  // elements or members; counts them

 private:
  friend class JsonText;
  Value(const JsonText* text, uint32_t index) : text_(text), index_(index) {}
  const Node& node() const { return text_->nodes_[index_]; }
  const JsonText* text_ = nullptr;
  uint32_t index_ = 0;
};

inline JsonText::Value JsonText::root() const { return {this, 0}; }

// Appends `text` as a JSON string with its quotes, octet for octet as DumpJson writes one.
void AppendJsonString(std::string& out, std::string_view text);

}  // namespace keel::base
