// SPDX-License-Identifier: Apache-2.0
#include "vc/schema/json_schema.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "vc/schema/keywords.h"

namespace keel::vc {
namespace {

using nlohmann::json;

TEST(JsonSchema, OtherKeywordsAreRefusedByName) {
  for (const char* text :
       {R"({"prefixItems":[true]})", R"({"unevaluatedProperties":false})", R"({"$ref":"#/a"})", R"({"$defs":{}})",
        R"({"definitions":{}})", R"({"dependentRequired":{}})", R"({"minContains":1})", R"({"dependencies":{}})",
        R"({"additionalItems":false})", R"({"$anchor":"a"})", R"({"$dynamicRef":"#a"})",
        R"({"contentEncoding":"base64"})", R"({"properties":{"a":{"unevaluatedItems":false}}})",
        R"({"allOf":[{"not":{"$recursiveRef":"#"}}]})", R"({"typo":1})"}) {
    const auto schema = JsonSchema::Compile(text);
    ASSERT_FALSE(schema.has_value()) << text;
    EXPECT_EQ(schema.error().code, Code::kUnsupported) << text;
  }
  const auto named = JsonSchema::Compile(R"({"properties":{"a":{"items":{"minContains":1}}}})");
  EXPECT_NE(named.error().detail.find("'minContains' (at /properties/a/items/minContains)"), std::string::npos)
      << named.error().detail;
}

TEST(JsonSchema, OneDialectAndIdAtTheTopOnly) {
  EXPECT_TRUE(JsonSchema::Compile(R"({"$schema":"https://json-schema.org/draft/2020-12/schema","$id":"urn:x"})"));
  EXPECT_EQ(JsonSchema::Compile(R"({"$schema":"http://json-schema.org/draft-07/schema#"})").error().code,
            Code::kUnsupported);
  EXPECT_EQ(JsonSchema::Compile(R"({"properties":{"a":{"$id":"urn:y"}}})").error().code, Code::kUnsupported);
  EXPECT_EQ(JsonSchema::Compile(R"({"$id":"urn:x"})")->id(), "urn:x");
}

TEST(JsonSchema, ValuesOfTheWrongKind) {
  for (const char* text : {"7", "[]", R"({"type":"text"})", R"({"type":[]})", R"({"enum":{}})", R"({"maximum":"1"})",
                           R"({"multipleOf":0})", R"({"minLength":-1})", R"({"maxItems":1.5})", R"({"pattern":7})",
                           R"({"items":[{}]})", R"({"properties":[]})", R"({"allOf":[]})", R"({"required":"a"})",
                           R"({"required":["a","a"]})", R"({"uniqueItems":1})", R"({"$id":7})", R"({"not":7})"}) {
    const auto schema = JsonSchema::Compile(text);
    ASSERT_FALSE(schema.has_value()) << text;
    EXPECT_EQ(schema.error().code, Code::kMalformed) << text << schema.error().Text();
  }
  EXPECT_FALSE(JsonSchema::Compile("{"));
  EXPECT_FALSE(JsonSchema::Compile(R"({"a":1,"a":2})"));
}

TEST(JsonSchema, PatternsInBoundedTime) {
  for (const char* good :
       {"^did:[a-z0-9]+:[^ #?/]+$", "^[A-Za-z0-9_-]{43}$", "^(a|b)?$", "\\d+", "(?:ab)", "[(*+]", "a{2,5}"})
    EXPECT_TRUE(CheckPattern(good)) << good;
  for (const char* bad :
       {"(a+)+$", "(a|a)*", "(ab){2,}", "a*b*c*", "(.)\\1", "(?=a)", "(?!a)", "a{1,}b+c*", "\\p{L}", "a\\"})
    EXPECT_EQ(CheckPattern(bad).error().code, Code::kUnsupported) << bad;
  EXPECT_EQ(CheckPattern(std::string(kMaxPatternLength + 1, 'a')).error().code, Code::kTooLarge);
  EXPECT_EQ(JsonSchema::Compile(R"({"pattern":"(a+)+$"})").error().code, Code::kUnsupported);
  EXPECT_EQ(JsonSchema::Compile(R"({"patternProperties":{"(a+)+$":true}})").error().code, Code::kUnsupported);
}

TEST(JsonSchema, InstancesBeyondWhatIsJudged) {
  const auto pattern = JsonSchema::Compile(R"({"properties":{"a":{"pattern":"^[a-z]*[a-z]*$"}}})");
  ASSERT_TRUE(pattern.has_value()) << pattern.error().Text();
  EXPECT_EQ(pattern->Validate({{"a", std::string(kMaxPatternInput, 'b')}}).value_or("?"), "");
  EXPECT_EQ(pattern->Validate({{"a", std::string(kMaxPatternInput + 1, 'b')}}).error().code, Code::kTooLarge);
  // A schema without regular expressions takes any length.
  EXPECT_EQ(JsonSchema::Compile(R"({"properties":{"a":{"type":"string"}}})")
                ->Validate({{"a", std::string(kMaxPatternInput + 1, 'b')}})
                .value_or("?"),
            "");
  const auto unique = JsonSchema::Compile(R"({"uniqueItems":true})");
  EXPECT_EQ(unique->Validate(json(std::vector<int>(kMaxUniqueItems + 1))).error().code, Code::kTooLarge);
}

TEST(JsonSchema, SaysWhatIsWrongAndWhere) {
  const auto schema = JsonSchema::Compile(R"({"properties":{"a":{"type":"integer"}},"required":["b"]})");
  ASSERT_TRUE(schema.has_value());
  const auto wrong = schema->Validate({{"a", "x"}});
  ASSERT_TRUE(wrong.has_value());
  EXPECT_NE(wrong->find("[a]"), std::string::npos) << *wrong;
  EXPECT_NE(schema->Validate({{"a", 1}})->find("'b'"), std::string::npos);
  EXPECT_EQ(schema->Validate({{"a", 1.0}, {"b", nullptr}}).value_or("?"), "");  // 1.0 is an integer
}

TEST(JsonSchema, ManySchemasInsideAreRefused) {
  json schema = {{"allOf", json::array()}};
  for (size_t i = 0; i < kMaxSchemaNodes; ++i) schema["allOf"].push_back(true);
  EXPECT_EQ(PrepareSchema(schema).error().code, Code::kTooLarge);
}

}  // namespace
}  // namespace keel::vc
