// SPDX-License-Identifier: Apache-2.0
#include "base/json_text.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "base/internal/json_by_library.h"

namespace keel::base {
namespace {

using nlohmann::json;

// The tree of a value of JsonText, to compare with ParseJson's.
json Tree(const JsonText::Value& value) {
  switch (value.kind()) {
    case JsonText::Kind::kString: return value.String();
    case JsonText::Kind::kArray: {
      json out = json::array();
      for (const JsonText::Value item : value) out.push_back(Tree(item));
      return out;
    }
    case JsonText::Kind::kObject: {
      json out = json::object();
      for (auto it = value.begin(); !(it == value.end()); ++it) out[it.name().String()] = Tree(*it);
      return out;
    }
    case JsonText::Kind::kNull:
    case JsonText::Kind::kBool:
    case JsonText::Kind::kInteger:
    case JsonText::Kind::kDouble: break;
  }
  return *internal::ParseJsonByLibrary(value.raw(), {});
}

// Both readers on one text; the code that they agree on.
Code Both(std::string_view text, JsonLimits limits = {}) {
  const auto tree = internal::ParseJsonByLibrary(text, limits);
  const auto scanned = JsonText::Parse(text, limits);
  const Code code = tree ? Code::kOk : tree.error().code;
  EXPECT_EQ(scanned ? Code::kOk : scanned.error().code, code)
      << text << ": " << (tree ? "" : tree.error().Text()) << " / " << (scanned ? "" : scanned.error().Text());
  if (tree && scanned) {
    EXPECT_EQ(Tree(scanned->root()), *tree) << text;
  }
  return code;
}

TEST(JsonText, AgreesWithTheTree) {
  EXPECT_EQ(Both(R"({"a":[1,-2,0.5,1e3,true,false,null,"x\u0041\ud83d\ude00"],"b":{"c":{}},"":9007199254740991})"),
            Code::kOk);
  EXPECT_EQ(Both(" \n{ \"a\" :\t[ ] , \"b\":{ }\r}  "), Code::kOk);
  for (const char* text : {"null",
                           "true",
                           "0",
                           "-0",
                           "-0.0",
                           "1E5",
                           "1e-5",
                           "\"\"",
                           "[]",
                           "{}",
                           "[[],[],{}]",
                           "0.1",
                           "1234567890123456.5",
                           "1e30",
                           "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
                           "\"\\u0000\"",
                           "\"\x7f\"",
                           "\"12345678\"",
                           "\"1234567\\\"\"",
                           "\"\xE2\x82\xAC 12345678 \xE2\x82\xAC\""})
    EXPECT_EQ(Both(text), Code::kOk) << text;
  for (const char* text : {"",
                           " ",
                           "{",
                           "[",
                           "\"",
                           "[1,]",
                           "[,1]",
                           "{,}",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{'a':1}",
                           "nul",
                           "nulll",
                           "tru",
                           "01",
                           "+1",
                           ".5",
                           "1.",
                           "1e",
                           "1e+",
                           "--1",
                           "NaN",
                           "Infinity",
                           "-",
                           "\"\t\"",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\u123g\"",
                           "1 2",
                           "{}x",
                           "// c\n1",
                           "[1 2]",
                           "\"\\ud800\"",
                           "\"\\ud800\\u0041\"",
                           "\"\\udc00\\ud800\"",
                           "{1:2}",
                           "[}",
                           "{]",
                           "]",
                           "\xEF\xBB\xBF{}",
                           "\"\xC0\x80\"",
                           "\"\xED\xA0\x80\"",
                           "\"1234567\n1234567\""})
    EXPECT_EQ(Both(text), Code::kMalformed) << text;
  EXPECT_EQ(Both(std::string_view("{}\0x", 4)), Code::kMalformed);
  EXPECT_EQ(Both(std::string_view("\"\0\"", 3)), Code::kMalformed);
  for (const char* text : {"9007199254740992", "-9007199254740992", "9007199254740993.0", "1e400", "-1e400", "1e-400",
                           "99999999999999999999999", "0.123456789012345678901"})
    EXPECT_EQ(Both(text), Code::kOutOfRange) << text;
  for (const char* text : {R"({"a":1,"a":1})", R"({"a":1,"\u0061":1})", R"({"x":{"a":1,"b":2,"a":3}})"})
    EXPECT_EQ(Both(text), Code::kDuplicate) << text;
}

TEST(JsonText, Limits) {
  EXPECT_EQ(Both("[[[]]]", {.max_depth = 2}), Code::kTooLarge);
  EXPECT_EQ(Both("[[[]]]", {.max_depth = 3}), Code::kOk);
  EXPECT_EQ(Both("[1,2,3]", {.max_members = 2}), Code::kTooLarge);
  EXPECT_EQ(Both("{\"a\":[1],\"b\":2}", {.max_members = 3}), Code::kOk);
  EXPECT_EQ(Both("{\"a\":[1],\"b\":2}", {.max_members = 2}), Code::kTooLarge);
  EXPECT_EQ(Both("[1]", {.max_size = 2}), Code::kTooLarge);
  EXPECT_EQ(Both(std::string(100'000, '[')), Code::kTooLarge);
  // Many names, the last of them a repetition: found at once, however they are compared.
  std::string many = "{";
  for (int i = 0; i < 9000; ++i) many += "\"name" + std::to_string(i) + "\":0,";
  EXPECT_EQ(Both(many + "\"last\":0}"), Code::kOk);
  EXPECT_EQ(Both(many + "\"n\\u0061me3\":0}"), Code::kDuplicate);
  EXPECT_EQ(Both(many + "\"name8999\":0}"), Code::kDuplicate);
}

TEST(JsonText, Values) {
  const std::string text = R"({"a":"plain","e":"es\ncaped","n":17,"m":-1,"f":1.5,"l":["x","y"],"o":{"\u0070":[ 1 ]}})";
  const auto parsed = JsonText::Parse(text);
  ASSERT_TRUE(parsed) << parsed.error().Text();
  const JsonText::Value root = parsed->root();
  EXPECT_EQ(root.size(), 7u);
  EXPECT_EQ(*root.Find("a")->View(), "plain");
  EXPECT_FALSE(root.Find("e")->View());
  EXPECT_EQ(root.Find("e")->String(), "es\ncaped");
  EXPECT_TRUE(root.Find("e")->Equals("es\ncaped"));
  EXPECT_EQ(root.Find("n")->Uint(), 17u);
  EXPECT_FALSE(root.Find("m")->Uint());
  EXPECT_FALSE(root.Find("f")->Uint());
  EXPECT_FALSE(root.Find("a")->Uint());
  EXPECT_EQ(root.Find("l")->size(), 2u);
  EXPECT_EQ(root.Find("o")->Find("p")->raw(), "[ 1 ]");
  EXPECT_FALSE(root.Find("zzz"));
  EXPECT_FALSE(root.Find("a")->Find("b"));
  EXPECT_FALSE(root.compact());  // a space in an array
  EXPECT_TRUE(JsonText::Parse("{\"a\":\"b c\\n\"}")->root().compact());
}

// Texts made of the pieces that JSON is made of, mostly wrong ones: the two readers never differ.
TEST(JsonText, AgreesOnRubbish) {
  const std::string_view pieces[] = {
      "{",    "}",    "[",    "]",   ":",   ",",  "\"a\"", "\"b\"",  " ",      "true",      "false", "null",
      "0",    "1",    "-",    "1.5", "1e9", "\"", "\\",    "\\u00",  "\\n",    "\"\\u",     "d83d",  "\\ude00",
      "\x01", "\x80", "\xE2", "9",   ".",   "e",  "E+",    "\"a\":", "\"b\":", "\"\\u0061", "{}",    "[]"};
  std::mt19937 random(7);
  size_t good = 0;
  for (int i = 0; i < 200'000; ++i) {
    std::string text;
    for (size_t n = random() % 12; n != 0; --n) text += pieces[random() % std::size(pieces)];
    if (Both(text, {.max_depth = 4, .max_members = 6}) == Code::kOk) ++good;
    if (HasFailure()) break;
  }
  EXPECT_GT(good, 500u);
}

// Strings are read many octets at a time: every octet in every place of a long one.
TEST(JsonText, EveryOctetInALongString) {
  for (size_t at = 0; at < 150; ++at) {
    for (int octet = 0; octet < 256; ++octet) {
      std::string inside(150, 'x');
      inside[at] = static_cast<char>(octet);
      const Code code = Both("{\"a\":\"" + inside + "\"}", {});
      if (octet < 0x20 || octet == '"' || octet > 0x7f) {
        EXPECT_NE(code, Code::kOk) << at << " " << octet;
      } else if (octet != '\\') {
        EXPECT_EQ(code, Code::kOk) << at << " " << octet;
      }
      std::string out;
      AppendJsonString(out, inside);
      EXPECT_EQ(out, DumpJson(json(inside))) << at << " " << octet;
      if (HasFailure()) return;
    }
  }
}

TEST(JsonText, WritesStringsAsTheTreeDoes) {
  for (const std::string& text : {std::string(), std::string("plain text"), std::string("\"\\/\b\n\x1f\x7f"),
                                  std::string("\xE2\x82\xAC"), std::string("bad \xff"), std::string("\0", 1)}) {
    std::string out = "x";
    AppendJsonString(out, text);
    EXPECT_EQ(out, "x" + DumpJson(json(text)));
  }
}

}  // namespace
}  // namespace keel::base
