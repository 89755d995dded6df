// SPDX-License-Identifier: Apache-2.0
#include "vc/schema/keywords.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace keel::vc {
namespace {

using nlohmann::json;

constexpr std::string_view kDialect = "https://json-schema.org/draft/2020-12/schema";

std::unexpected<Error> Bad(const std::string& at, const std::string& what) {
  return Fail(Code::kMalformed, "JSON schema", (at.empty() ? "the schema" : at) + ": " + what);
}

// What a keyword's value must be.
enum class Kind : uint8_t {
  kOneDialect,    // the one $schema
  kId,            // at the top only
  kAnnotation,    // says nothing about instances: left out
  kType,          // a type's name, or several
  kEnum,          // a non-empty array
  kAnyValue,      // const
  kNumber,        // a number
  kPositive,      // a number over 0
  kCount,         // an integer from 0
  kPattern,       // a regular expression
  kBool,          // a boolean
  kSchema,        // a schema
  kSchemas,       // a non-empty array of schemas
  kNamed,         // an object of schemas
  kPatternNamed,  // the same, the names regular expressions
  kNames,         // an array of different strings
};

const std::map<std::string_view, Kind>& Keywords() {
  static const std::map<std::string_view, Kind> keywords = {
      {"$schema", Kind::kOneDialect},
      {"$id", Kind::kId},
      {"$comment", Kind::kAnnotation},
      {"title", Kind::kAnnotation},
      {"description", Kind::kAnnotation},
      {"default", Kind::kAnnotation},
      {"examples", Kind::kAnnotation},
      {"deprecated", Kind::kAnnotation},
      {"readOnly", Kind::kAnnotation},
      {"writeOnly", Kind::kAnnotation},
      {"format", Kind::kAnnotation},
      {"type", Kind::kType},
      {"enum", Kind::kEnum},
      {"const", Kind::kAnyValue},
      {"multipleOf", Kind::kPositive},
      {"maximum", Kind::kNumber},
      {"exclusiveMaximum", Kind::kNumber},
      {"minimum", Kind::kNumber},
      {"exclusiveMinimum", Kind::kNumber},
      {"maxLength", Kind::kCount},
      {"minLength", Kind::kCount},
      {"pattern", Kind::kPattern},
      {"items", Kind::kSchema},
      {"maxItems", Kind::kCount},
      {"minItems", Kind::kCount},
      {"uniqueItems", Kind::kBool},
      {"contains", Kind::kSchema},
      {"properties", Kind::kNamed},
      {"patternProperties", Kind::kPatternNamed},
      {"additionalProperties", Kind::kSchema},
      {"propertyNames", Kind::kSchema},
      {"maxProperties", Kind::kCount},
      {"minProperties", Kind::kCount},
      {"required", Kind::kNames},
      {"allOf", Kind::kSchemas},
      {"anyOf", Kind::kSchemas},
      {"oneOf", Kind::kSchemas},
      {"not", Kind::kSchema},
      {"if", Kind::kSchema},
      {"then", Kind::kSchema},
      {"else", Kind::kSchema},
  };
  return keywords;
}

bool IsTypeName(const json& value) {
  static constexpr std::array<std::string_view, 7> kNames = {"null",   "boolean", "object", "array",
                                                             "number", "string",  "integer"};
  if (!value.is_string()) return false;
  for (const std::string_view name : kNames) {
    if (value == name) return true;
  }
  return false;
}

// 1.0 and 1 are the same number.
json Normal(const json& value) {
  if (value.is_number_float()) {
    const double number = value.get<double>();
    if (std::trunc(number) == number && std::fabs(number) <= 9007199254740991.0) return static_cast<int64_t>(number);
    return value;
  }
  if (value.is_array()) {
    json out = json::array();
    for (const json& item : value) out.push_back(Normal(item));
    return out;
  }
  if (value.is_object()) {
    json out = json::object();
    for (const auto& [name, member] : value.items()) out[name] = Normal(member);
    return out;
  }
  return value;
}

class Preparer {
 public:
  Result<json> Schema(const json& schema, const std::string& at) {
    if (++nodes_ > kMaxSchemaNodes)
      return Fail(Code::kTooLarge, "JSON schema", "more than " + std::to_string(kMaxSchemaNodes) + " schemas in it");
    if (schema.is_boolean()) {
      return schema.get<bool>() ? json::object() : json{{"not", json::object()}};
    }
    if (!schema.is_object()) return Bad(at, "neither an object nor a boolean");
    json out = json::object();
    for (const auto& [name, value] : schema.items()) {
      const auto keyword = Keywords().find(name);
      const std::string here = at + "/" + name;
      if (keyword == Keywords().end()) {
        return Fail(Code::kUnsupported, "JSON schema",
                    "the keyword '" + name + "' (at " + here +
                        ") is not on the list of those that published schemas may use (docs/formats/schemas.md)");
      }
      KEEL_TRY_VOID(Keyword(keyword->second, name, value, here, at.empty(), out));
    }
    return out;
  }

 private:
  Result<> Keyword(Kind kind, const std::string& name, const json& value, const std::string& at, bool top, json& out) {
    switch (kind) {
      case Kind::kOneDialect:
        if (value != kDialect)
          return Fail(Code::kUnsupported, "JSON schema", "$schema is not " + std::string(kDialect));
        return {};
      case Kind::kId:
        if (!top) return Fail(Code::kUnsupported, "JSON schema", "$id (at " + at + ") is allowed at the top only");
        if (!value.is_string()) return Bad(at, "no string");
        return {};
      case Kind::kAnnotation: return {};
      case Kind::kType: {
        if (value.is_array() && !value.empty()) {
          for (const json& item : value) {
            if (!IsTypeName(item)) return Bad(at, "no type's name");
          }
        } else if (!IsTypeName(value)) {
          return Bad(at, "no type's name");
        }
        out[name] = value;
        return {};
      }
      case Kind::kEnum:
        if (!value.is_array()) return Bad(at, "no array with values");
        if (value.empty()) return Fail(Code::kUnsupported, "JSON schema", "an enum (at " + at + ") without values");
        out[name] = Normal(value);
        return {};
      case Kind::kAnyValue: out[name] = Normal(value); return {};
      case Kind::kNumber:
        if (!value.is_number()) return Bad(at, "no number");
        out[name] = Normal(value);
        return {};
      case Kind::kPositive: {
        if (!value.is_number() || !(value.get<double>() > 0)) return Bad(at, "no number over 0");
        const json divisor = Normal(value);
        // Fractions divide differently in each implementation: 2020-12 itself says so of floating point.
        if (!divisor.is_number_integer())
          return Fail(Code::kUnsupported, "JSON schema", "multipleOf (at " + at + ") of a fraction");
        out[name] = divisor;
        return {};
      }
      case Kind::kCount: {
        const json count = Normal(value);
        if (!count.is_number_integer() || count < 0) return Bad(at, "no integer from 0");
        out[name] = count;
        return {};
      }
      case Kind::kPattern:
        if (!value.is_string()) return Bad(at, "no string");
        KEEL_TRY_VOID(CheckPattern(value.get_ref<const std::string&>()));
        out[name] = value;
        return {};
      case Kind::kBool:
        if (!value.is_boolean()) return Bad(at, "no boolean");
        out[name] = value;
        return {};
      case Kind::kSchema: {
        KEEL_TRY(out[name], Schema(value, at));
        return {};
      }
      case Kind::kSchemas: {
        if (!value.is_array() || value.empty()) return Bad(at, "no array with schemas");
        json list = json::array();
        for (size_t i = 0; i < value.size(); ++i) {
          KEEL_TRY(json one, Schema(value[i], at + "/" + std::to_string(i)));
          list.push_back(std::move(one));
        }
        out[name] = std::move(list);
        return {};
      }
      case Kind::kNamed:
      case Kind::kPatternNamed: {
        if (!value.is_object()) return Bad(at, "no object");
        json named = json::object();
        for (const auto& [key, schema] : value.items()) {
          if (kind == Kind::kPatternNamed) KEEL_TRY_VOID(CheckPattern(key));
          KEEL_TRY(named[key], Schema(schema, at + "/" + key));
        }
        out[name] = std::move(named);
        return {};
      }
      case Kind::kNames: {
        if (!value.is_array()) return Bad(at, "no array");
        for (size_t i = 0; i < value.size(); ++i) {
          if (!value[i].is_string()) return Bad(at, "an element is no string");
          for (size_t j = 0; j < i; ++j) {
            if (value[i] == value[j]) return Bad(at, "an element twice");
          }
        }
        if (!value.empty()) out[name] = value;  // an empty one demands nothing
        return {};
      }
    }
    return Fail(Code::kInternalError, "JSON schema", "keyword kind");
  }

  size_t nodes_ = 0;
};

}  // namespace

Result<> CheckPattern(std::string_view pattern) {
  const auto refuse = [&](const char* why) {
    return Fail(Code::kUnsupported, "JSON schema", "the pattern '" + std::string(pattern) + "' " + why);
  };
  if (pattern.size() > kMaxPatternLength) return Fail(Code::kTooLarge, "JSON schema", "a pattern is too long");
  size_t unbounded = 0;
  bool in_class = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const char c = pattern[i];
    if (static_cast<unsigned char>(c) >= 0x80) return refuse("has a character beyond ASCII");
    if (c == '\\') {
      if (++i == pattern.size()) return refuse("ends in a backslash");
      const char escaped = pattern[i];
      if (escaped >= '1' && escaped <= '9') return refuse("refers back to a group");
      if (escaped == 'p' || escaped == 'P' || escaped == 'k' || escaped == 'u')
        return refuse("has an escape that is read differently by different engines");
      continue;
    }
    if (in_class) {
      in_class = c != ']';
      continue;
    }
    switch (c) {
      case '[': in_class = true; break;
      case '(':
        if (i + 1 < pattern.size() && pattern[i + 1] == '?') {
          if (i + 2 >= pattern.size() || pattern[i + 2] != ':') return refuse("looks around");
          i += 2;
        }
        break;
      case ')':
        if (i + 1 < pattern.size() && (pattern[i + 1] == '*' || pattern[i + 1] == '+' || pattern[i + 1] == '{')) {
          return refuse("repeats a group, which can take for ever");
        }
        break;
      case '*':
      case '+': ++unbounded; break;
      case '{': {
        const size_t end = pattern.find('}', i);
        if (end == std::string_view::npos) return refuse("has a brace without end");
        if (pattern[end - 1] == ',') ++unbounded;
        i = end;
        break;
      }
      default: break;
    }
  }
  if (unbounded > 2) return refuse("has more than two unbounded repetitions, which can take for ever");
  return {};
}

Result<json> PrepareSchema(const json& schema) { return Preparer().Schema(schema, ""); }

json PrepareInstance(const json& instance) { return Normal(instance); }

bool NeedsSizes(const json& prepared) {
  if (prepared.is_object() &&
      (prepared.contains("pattern") || prepared.contains("patternProperties") || prepared.contains("uniqueItems")))
    return true;
  return prepared.is_structured() &&
         std::any_of(prepared.begin(), prepared.end(), [](const json& item) { return NeedsSizes(item); });
}

Result<> CheckSizes(const json& value) {
  if (value.is_string() && value.get_ref<const std::string&>().size() > kMaxPatternInput)
    return Fail(Code::kTooLarge, "JSON schema",
                "a string of the instance has over " + std::to_string(kMaxPatternInput) + " octets");
  if (value.is_array() && value.size() > kMaxUniqueItems)
    return Fail(Code::kTooLarge, "JSON schema",
                "an array of the instance has over " + std::to_string(kMaxUniqueItems) + " elements");
  if (value.is_object()) {
    for (const auto& [name, member] : value.items()) {
      if (name.size() > kMaxPatternInput) return Fail(Code::kTooLarge, "JSON schema", "a name of the instance");
    }
  }
  if (value.is_structured()) {
    for (const json& item : value) KEEL_TRY_VOID(CheckSizes(item));
  }
  return {};
}

}  // namespace keel::vc
