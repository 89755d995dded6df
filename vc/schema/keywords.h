// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "core/result.h"

// JSON Schema 2020-12 as far as it means the same in draft-07, which is what the validator knows (docs/decisions/0078).
// Pure functions.
namespace keel::vc {

inline constexpr size_t kMaxSchemaNodes = 2'000;   // schemas inside a schema
inline constexpr size_t kMaxPatternLength = 256;   // octets of a regular expression
inline constexpr size_t kMaxPatternInput = 4'096;  // octets of a string that one is held against
inline constexpr size_t kMaxUniqueItems = 2'048;   // elements of an array that must not repeat

// Walks a schema and refuses what is not on the allow-list, so that nothing unknown is passed over in silence:
//   $schema (2020-12's only), $id (at the top only), $comment, title, description, default, examples, deprecated,
//   readOnly, writeOnly, format (an annotation: never asserted)
//   type, enum, const, multipleOf (an integer), maximum, exclusiveMaximum, minimum, exclusiveMinimum, maxLength,
//   minLength, pattern, items (one schema), maxItems, minItems, uniqueItems, contains, properties, patternProperties,
//   additionalProperties, propertyNames, maxProperties, minProperties, required, allOf, anyOf, oneOf, not, if, then,
//   else
// Errors: kUnsupported with the keyword and its place; kMalformed (a keyword's value is of the wrong kind); kTooLarge.
// Returns the schema without annotations, boolean schemas written out, whole numbers as integers.
Result<nlohmann::json> PrepareSchema(const nlohmann::json& schema);

// An instance as the validator takes it: 1.0 is the integer 1 (2020-12 core, "Instance Equality").
nlohmann::json PrepareInstance(const nlohmann::json& instance);

// Whether a schema has what can cost more than the instance's size: regular expressions or uniqueItems. Then instances
// are held to CheckSizes. kTooLarge: a string over kMaxPatternInput or an array over kMaxUniqueItems.
bool NeedsSizes(const nlohmann::json& prepared);
Result<> CheckSizes(const nlohmann::json& instance);

// Whether a pattern is of the kind that is judged here in bounded time: ECMA-262 without back references, look-around,
// quantified groups and with at most two unbounded quantifiers. kUnsupported with the reason, kTooLarge.
Result<> CheckPattern(std::string_view pattern);

}  // namespace keel::vc
