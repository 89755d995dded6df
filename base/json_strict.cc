// SPDX-License-Identifier: Apache-2.0
#include "base/json_strict.h"

#include <charconv>
#include <nlohmann/json.hpp>

#include "base/internal/json_begin.h"
#include "base/internal/json_by_library.h"
#include "base/internal/json_number.h"
#include "base/json_text.h"

namespace keel::base {
namespace {

using internal::kMaxExactInteger;
using internal::Survives;
using nlohmann::json;

// Builds the value without recursion and stops at the first thing that is not allowed.
class StrictBuilder final : public nlohmann::json_sax<json> {
 public:
  explicit StrictBuilder(const JsonLimits& limits) : limits_(limits) {}

  bool null() override { return Add(json(nullptr)); }
  bool boolean(bool value) override { return Add(json(value)); }
  bool number_integer(number_integer_t value) override {
    if (value < -kMaxExactInteger) return Refuse(Code::kOutOfRange, "an integer is below -(2^53-1)");
    return Add(json(value));
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<uint64_t>(kMaxExactInteger)) return Refuse(Code::kOutOfRange, "an integer is over 2^53-1");
    return Add(json(value));
  }
  bool number_float(number_float_t value, const string_t& text) override {
    // "-0" comes here as a float in some versions and as an integer in others; it is zero either way.
    if (text.size() > 64 || !Survives(value, text))
      return Refuse(Code::kOutOfRange, "the number " + text.substr(0, 40) + " can't be kept exactly");
    if (text.find_first_of(".eE") == std::string::npos) return Refuse(Code::kOutOfRange, "an integer is beyond 2^53-1");
    return Add(json(value == 0 ? 0.0 : value));
  }
  bool string(string_t& value) override { return Add(json(std::move(value))); }
  bool binary(binary_t&) override { return Refuse(Code::kMalformed, "binary value"); }

  bool start_object(std::size_t) override { return Open(json::object()); }
  bool key(string_t& name) override {
    if (stack_.back()->contains(name))
      return Refuse(Code::kDuplicate, "the name '" + name.substr(0, 64) + "' appears twice in one object");
    name_ = std::move(name);
    return true;
  }
  bool end_object() override {
    stack_.pop_back();
    return true;
  }
  bool start_array(std::size_t) override { return Open(json::array()); }
  bool end_array() override {
    stack_.pop_back();
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
    if (error_.code == Code::kOk) {
      // A number that no double holds (1e400) is an out_of_range of the lexer (406), the rest is syntax.
      error_.code = error.id == 406 ? Code::kOutOfRange : Code::kMalformed;
      error_.detail = std::string(error.id == 406 ? "a number is too large" : "not valid JSON") + " at octet " +
                      std::to_string(position);
    }
    return false;
  }

  json root;
  Error& error() { return error_; }

 private:
  bool Refuse(Code code, std::string detail) {
    error_.code = code;
    error_.detail = std::move(detail);
    return false;
  }
  json* Place(json&& value) {
    if (stack_.empty()) {
      root = std::move(value);
      return &root;
    }
    json& parent = *stack_.back();
    if (parent.is_array()) {
      parent.push_back(std::move(value));
      return &parent.back();
    }
    json& slot = parent[name_];
    slot = std::move(value);
    return &slot;
  }
  bool Count() {
    if (!stack_.empty() && ++members_ > limits_.max_members)
      return Refuse(Code::kTooLarge, "more than " + std::to_string(limits_.max_members) + " members");
    return true;
  }
  bool Add(json&& value) {
    if (!Count()) return false;
    Place(std::move(value));
    return true;
  }
  bool Open(json&& container) {
    if (stack_.size() >= limits_.max_depth)
      return Refuse(Code::kTooLarge, "nested deeper than " + std::to_string(limits_.max_depth));
    if (!Count()) return false;
    // Safe to keep: a container that is open is the last element of its parent, so nothing moves it.
    json* placed = Place(std::move(container));
    stack_.push_back(placed);
    return true;
  }

  const JsonLimits limits_;
  std::vector<json*> stack_;
  std::string name_;
  size_t members_ = 0;
  Error error_{Code::kOk, "json", {}};
};

// The parser gives no position to SAX events; how far it had read is what its input iterator says.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;
  CountingIterator(const char* at, const char** furthest) : at_(at), furthest_(furthest) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    ++at_;
    if (furthest_ != nullptr) *furthest_ = at_;
    return *this;
  }
  CountingIterator operator++(int) {
    CountingIterator before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const CountingIterator& a, const CountingIterator& b) { return a.at_ == b.at_; }
  friend bool operator!=(const CountingIterator& a, const CountingIterator& b) { return a.at_ != b.at_; }

 private:
  const char* at_;
  const char** furthest_;
};

std::string Named(const char* name, const char* what) { return std::string("member '") + name + "' " + what; }

Result<const json*> Find(const json& object, const char* name) {
  if (!object.is_object())
    return Fail(Code::kMalformed, "json", std::string("expected an object with member '") + name + "'");
  const auto it = object.find(name);
  if (it == object.end()) return Fail(Code::kMissing, "json", Named(name, "is missing"));
  return &*it;
}

template <typename T>
Result<std::optional<T>> Optional(const json& object, const char* name, Result<T> (*get)(const json&, const char*)) {
  if (object.is_object() && !object.contains(name)) return std::optional<T>();
  auto value = get(object, name);
  if (!value) return std::unexpected<Error>(std::move(value.error()));
  return std::optional<T>(std::move(*value));
}

// The tree of a text that has been checked; as deep as the limits let it be.
json Tree(JsonText::Value value) {
  switch (value.kind()) {
    case JsonText::Kind::kNull: return nullptr;
    case JsonText::Kind::kBool: return value.raw() == "true";
    case JsonText::Kind::kString: return value.String();
    case JsonText::Kind::kInteger: {
      const std::string_view text = value.raw();
      if (text[0] != '-') {
        json::number_unsigned_t number = 0;
        std::from_chars(text.data(), text.data() + text.size(), number);
        return number;
      }
      json::number_integer_t number = 0;
      std::from_chars(text.data(), text.data() + text.size(), number);
      return number;
    }
    case JsonText::Kind::kDouble: {
      double number = 0;
      std::from_chars(value.raw().data(), value.raw().data() + value.raw().size(), number);
      return number == 0 ? 0.0 : number;
    }
    case JsonText::Kind::kArray: {
      json out = json::array();
      auto& items = out.get_ref<json::array_t&>();
      for (const JsonText::Value item : value) items.push_back(Tree(item));
      return out;
    }
    case JsonText::Kind::kObject: {
      json out = json::object();
      auto& members = out.get_ref<json::object_t&>();
      // Our own texts have them sorted.
      for (auto it = value.begin(); !(it == value.end()); ++it)
        members.emplace_hint(members.end(), it.name().String(), Tree(*it));
      return out;
    }
  }
  return nullptr;
}

}  // namespace

Result<json> ParseJson(std::string_view text, JsonLimits limits) {
  const auto scanned = JsonText::Parse(text, limits);
  if (scanned) return Tree(scanned->root());
  auto refused = internal::ParseJsonByLibrary(text, limits);
  if (refused) return std::unexpected<Error>(scanned.error());  // the readers differ: tests/fuzz/fuzz_json_text.cc
  return refused;
}

Result<json> internal::ParseJsonByLibrary(std::string_view text, JsonLimits limits) {
  KEEL_TRY_VOID(internal::CheckJsonText(text, limits));
  StrictBuilder builder(limits);
  const char* furthest = text.data();
  bool complete = false;
  // Nothing in here throws by itself; the library could.
  try {
    complete = json::sax_parse(CountingIterator(text.data(), &furthest),
                               CountingIterator(text.data() + text.size(), nullptr), &builder);
  } catch (const std::exception& error) {
    return Fail(Code::kMalformed, "json", error.what());
  }
  if (complete) return std::move(builder.root);
  Error error = std::move(builder.error());
  if (error.code == Code::kOk) error.code = Code::kMalformed;
  if (error.detail.find(" at octet ") == std::string::npos)
    error.detail += " at octet " + std::to_string(furthest - text.data());
  return std::unexpected<Error>(std::move(error));
}

namespace {

// What nlohmann/json's dump writes, octet for octet, and several times as fast: strings, nearly all of a text, are
// copied as they are when nothing in them needs an escape. As deep as the value, like that one.
void Write(const json& value, std::string& out) {
  switch (value.type()) {
    case json::value_t::object: {
      out += '{';
      bool first = true;
      for (const auto& [name, member] : value.get_ref<const json::object_t&>()) {
        if (!first) out += ',';
        first = false;
        AppendJsonString(out, name);
        out += ':';
        Write(member, out);
      }
      out += '}';
      return;
    }
    case json::value_t::array: {
      out += '[';
      bool first = true;
      for (const json& item : value) {
        if (!first) out += ',';
        first = false;
        Write(item, out);
      }
      out += ']';
      return;
    }
    case json::value_t::string: AppendJsonString(out, value.get_ref<const std::string&>()); return;
    case json::value_t::boolean: out += value.get<bool>() ? "true" : "false"; return;
    case json::value_t::null: out += "null"; return;
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
    case json::value_t::number_float:
    case json::value_t::binary:
    case json::value_t::discarded: break;
  }
  out += value.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

std::string DumpJson(const json& value) {
  std::string out;
  Write(value, out);
  return out;
}
std::string DumpJsonPretty(const json& value) { return value.dump(2, ' ', false, json::error_handler_t::replace); }

Result<std::string> GetString(const json& object, const char* name) {
  KEEL_TRY(const json* value, Find(object, name));
  if (!value->is_string()) return Fail(Code::kMalformed, "json", Named(name, "must be a string"));
  return *value->get_ptr<const std::string*>();
}

Result<uint64_t> GetUint(const json& object, const char* name) {
  KEEL_TRY(const json* value, Find(object, name));
  if (value->is_number_unsigned()) return value->get<uint64_t>();
  // Values made by our own code from signed integers.
  if (value->is_number_integer() && value->get<int64_t>() >= 0) return static_cast<uint64_t>(value->get<int64_t>());
  return Fail(Code::kMalformed, "json", Named(name, "must be a whole number, 0 or more"));
}

Result<int64_t> GetInt(const json& object, const char* name) {
  KEEL_TRY(const json* value, Find(object, name));
  if (!value->is_number_integer()) return Fail(Code::kMalformed, "json", Named(name, "must be a whole number"));
  if (value->is_number_unsigned() && value->get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))
    return Fail(Code::kOutOfRange, "json", Named(name, "is too large"));
  return value->get<int64_t>();
}

Result<bool> GetBool(const json& object, const char* name) {
  KEEL_TRY(const json* value, Find(object, name));
  if (!value->is_boolean()) return Fail(Code::kMalformed, "json", Named(name, "must be true or false"));
  return value->get<bool>();
}

Result<const json*> GetObject(const json& object, const char* name) {
  KEEL_TRY(const json* value, Find(object, name));
  if (!value->is_object()) return Fail(Code::kMalformed, "json", Named(name, "must be an object"));
  return value;
}

Result<const json*> GetArray(const json& object, const char* name) {
  KEEL_TRY(const json* value, Find(object, name));
  if (!value->is_array()) return Fail(Code::kMalformed, "json", Named(name, "must be an array"));
  return value;
}

Result<std::vector<std::string>> GetStrings(const json& object, const char* name) {
  KEEL_TRY(const json* value, GetArray(object, name));
  std::vector<std::string> out;
  for (const json& item : *value) {
    if (!item.is_string()) return Fail(Code::kMalformed, "json", Named(name, "must be an array of strings"));
    out.push_back(*item.get_ptr<const std::string*>());
  }
  return out;
}

Result<ByteVec> GetBytes(const json& object, const char* name) {
  KEEL_TRY(const std::string text, GetString(object, name));
  auto bytes = FromBase64Url(text);
  if (!bytes) bytes.error().detail = Named(name, "is not canonical base64url");
  return bytes;
}

Result<UnixSeconds> GetTime(const json& object, const char* name) {
  KEEL_TRY(const std::string text, GetString(object, name));
  auto time = ParseRfc3339(text);
  if (!time) time.error().detail = Named(name, "is not an RFC 3339 time");
  return time;
}

Result<std::optional<std::string>> GetOptionalString(const json& object, const char* name) {
  return Optional<std::string>(object, name, &GetString);
}
Result<std::optional<uint64_t>> GetOptionalUint(const json& object, const char* name) {
  return Optional<uint64_t>(object, name, &GetUint);
}
Result<std::optional<bool>> GetOptionalBool(const json& object, const char* name) {
  return Optional<bool>(object, name, &GetBool);
}
Result<std::optional<UnixSeconds>> GetOptionalTime(const json& object, const char* name) {
  return Optional<UnixSeconds>(object, name, &GetTime);
}

Result<> OnlyMembers(const json& object, std::initializer_list<std::string_view> allowed) {
  if (!object.is_object()) return Fail(Code::kMalformed, "json", "expected an object");
  for (const auto& item : object.items()) {
    bool known = false;
    for (const std::string_view name : allowed) known = known || name == item.key();
    if (!known) return Fail(Code::kMalformed, "json", "unknown member '" + item.key().substr(0, 64) + "'");
  }
  return {};
}

}  // namespace keel::base
