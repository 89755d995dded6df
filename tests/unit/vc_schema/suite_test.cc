// SPDX-License-Identifier: Apache-2.0
// The published tests of draft 2020-12: whatever schema we take we judge as that draft says, and every keyword of the
// allow-list is among those taken.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "base/files.h"
#include "base/json_strict.h"
#include "vc/schema/json_schema.h"

namespace keel::vc {
namespace {

using nlohmann::json;

TEST(JsonSchemaSuite, EveryAnswerIsTheDrafts) {
  const auto text =
      base::ReadFile(std::string(KEEL_SOURCE_DIR) + "/tests/vectors/json-schema/draft2020-12.json", 1 << 20);
  ASSERT_TRUE(text.has_value()) << text.error().Text();
  // Some instances have numbers that our strict parser refuses; they are numbers to a schema all the same.
  const json files = json::parse(*text);  // lint-allow: json published instances beyond our parser's limits
  size_t groups = 0, taken = 0, judged = 0;
  std::set<std::string> files_taken;
  for (const auto& [file, list] : files.items()) {
    for (const json& group : list) {
      ++groups;
      const auto schema = JsonSchema::Compile(base::DumpJson(group["schema"]));
      if (!schema) {
        EXPECT_TRUE(schema.error().code == Code::kUnsupported || schema.error().code == Code::kOutOfRange)
            << file << ": " << group["description"] << ": " << schema.error().Text();
        continue;
      }
      ++taken;
      files_taken.insert(file);
      for (const json& test : group["tests"]) {
        const auto wrong = schema->Validate(test["data"]);
        ASSERT_TRUE(wrong.has_value()) << wrong.error().Text();
        EXPECT_EQ(wrong->empty(), test["valid"].get<bool>())
            << file << ": " << group["description"] << ": " << test["description"] << ": " << *wrong;
        ++judged;
      }
    }
  }
  RecordProperty("groups", static_cast<int>(groups));
  RecordProperty("taken", static_cast<int>(taken));
  RecordProperty("judged", static_cast<int>(judged));
  std::printf("%zu of %zu schemas taken, %zu answers\n", taken, groups, judged);
  EXPECT_GE(taken, 180u);
  for (const char* file : {"additionalProperties.json",
                           "allOf.json",
                           "anyOf.json",
                           "const.json",
                           "contains.json",
                           "enum.json",
                           "exclusiveMaximum.json",
                           "exclusiveMinimum.json",
                           "format.json",
                           "if-then-else.json",
                           "items.json",
                           "maxItems.json",
                           "maxLength.json",
                           "maxProperties.json",
                           "maximum.json",
                           "minItems.json",
                           "minLength.json",
                           "minProperties.json",
                           "minimum.json",
                           "multipleOf.json",
                           "not.json",
                           "oneOf.json",
                           "pattern.json",
                           "patternProperties.json",
                           "properties.json",
                           "propertyNames.json",
                           "required.json",
                           "type.json",
                           "uniqueItems.json"})
    EXPECT_TRUE(files_taken.contains(file)) << file;
  // And none whose keywords mean something else in draft-07, or nothing.
  for (const char* file :
       {"anchor.json", "dependentRequired.json", "dynamicRef.json", "prefixItems.json", "unevaluatedProperties.json",
        "unevaluatedItems.json", "vocabulary.json", "minContains.json"})
    EXPECT_FALSE(files_taken.contains(file)) << file;
}

}  // namespace
}  // namespace keel::vc
