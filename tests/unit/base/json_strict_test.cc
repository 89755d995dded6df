// SPDX-License-Identifier: Apache-2.0
#include "base/json_strict.h"

#include <gtest/gtest.h>

#include <ctime>
#include <nlohmann/json.hpp>

namespace keel::base {
namespace {

using nlohmann::json;

Code CodeOf(std::string_view text, JsonLimits limits = {}) {
  const auto value = ParseJson(text, limits);
  return value ? Code::kOk : value.error().code;
}

TEST(JsonStrict, TakesOrdinaryJson) {
  const auto value =
      ParseJson(R"({"a":[1,-2,0.5,1e3,true,false,null,"x\u0041\ud83d\ude00"],"b":{"c":{}},"":9007199254740991})");
  ASSERT_TRUE(value) << value.error().Text();
  EXPECT_EQ((*value)["a"][0], 1);
  EXPECT_EQ((*value)["a"][7], "xA\xF0\x9F\x98\x80");
  EXPECT_EQ((*value)[""], 9007199254740991);
  EXPECT_EQ(DumpJson(*value), R"({"":9007199254740991,"a":[1,-2,0.5,1000.0,true,false,null,"xA)"
                              "\xF0\x9F\x98\x80"
                              R"("],"b":{"c":{}}})");
}

TEST(JsonStrict, RefusesDuplicateNames) {
  EXPECT_EQ(CodeOf(R"({"a":1,"a":1})"), Code::kDuplicate);
  EXPECT_EQ(CodeOf(R"({"a":1,"\u0061":1})"), Code::kDuplicate);
  EXPECT_EQ(CodeOf(R"({"x":{"a":1,"b":2,"a":3}})"), Code::kDuplicate);
  EXPECT_EQ(CodeOf(R"([{"a":1},{"a":1}])"), Code::kOk);
}

TEST(JsonStrict, RefusesWhatIsNotJson) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "[1,]",
                           "{\"a\":}",
                           "{'a':1}",
                           "nul",
                           "01",
                           "+1",
                           ".5",
                           "1.",
                           "NaN",
                           "Infinity",
                           "-",
                           "\"\t\"",
                           "\"\\x\"",
                           "1 2",
                           "{}x",
                           "// c\n1",
                           "[1 2]",
                           "\"\\ud800\"",
                           "\"\\udc00\\ud800\"",
                           "{\"a\" 1}",
                           "{1:2}"}) {
    EXPECT_EQ(CodeOf(text), Code::kMalformed) << text;
  }
}

TEST(JsonStrict, RefusesEncodingsOtherThanUtf8) {
  EXPECT_EQ(CodeOf("\xEF\xBB\xBF{}"), Code::kMalformed);
  EXPECT_EQ(CodeOf("\"\xC0\xAF\""), Code::kMalformed);
  EXPECT_EQ(CodeOf("\"\xED\xA0\x80\""), Code::kMalformed);
  EXPECT_EQ(CodeOf("\"\xFF\""), Code::kMalformed);
  EXPECT_EQ(CodeOf(std::string_view("{\0}", 3)), Code::kMalformed);
}

TEST(JsonStrict, RefusesNumbersThatDoNotSurvive) {
  for (const char* text :
       {"9007199254740992", "-9007199254740992", "18446744073709551615", "18446744073709551616",
        "100000000000000000000000", "1e400", "-1e400", "1e-400", "9007199254740993.0", "3.1415926535897932384626",
        "0.1000000000000000055511151231257827", "1e99999999999999999999", "1.23456789e-320"}) {
    EXPECT_EQ(CodeOf(text), Code::kOutOfRange) << text;
  }
  for (const char* text :
       {"9007199254740991", "-9007199254740991", "0.1", "-0", "-0.0", "0e0", "1E30", "4.50", "333333333.33333329",
        "5e-324", "1.7976931348623157e308", "123456789.5", "0.00", "10.0e-1"}) {
    EXPECT_EQ(CodeOf(text), Code::kOk) << text;
  }
}

TEST(JsonStrict, KeepsItsLimits) {
  const auto nested = [](size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  EXPECT_EQ(CodeOf(nested(32)), Code::kOk);
  EXPECT_EQ(CodeOf(nested(33)), Code::kTooLarge);
  std::string many = "[0";
  for (int i = 1; i < 10'000; ++i) many += ",0";
  EXPECT_EQ(CodeOf(many + "]"), Code::kOk);
  EXPECT_EQ(CodeOf(many + ",0]"), Code::kTooLarge);
  EXPECT_EQ(CodeOf("\"" + std::string((1 << 20) - 2, 'a') + "\""), Code::kOk);
  EXPECT_EQ(CodeOf("\"" + std::string((1 << 20) - 1, 'a') + "\""), Code::kTooLarge);
  JsonLimits small;
  small.max_size = 4;
  EXPECT_EQ(CodeOf("[1,2]", small), Code::kTooLarge);
}

TEST(JsonStrict, RefusesAttacksQuickly) {
  const std::clock_t start = std::clock();  // the processor's time: other programs don't count
  EXPECT_EQ(CodeOf(std::string(100'000, '[')), Code::kTooLarge);
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += R"({"a":)";
  EXPECT_EQ(CodeOf(deep), Code::kTooLarge);
  EXPECT_EQ(CodeOf(std::string(1'000'000, '1')), Code::kOutOfRange);
  const auto ms = (std::clock() - start) * 1000 / CLOCKS_PER_SEC;
  std::printf("three hostile texts refused in %lld ms\n", static_cast<long long>(ms));
  EXPECT_LT(ms, 500);
}

TEST(JsonStrict, ErrorsNameTheOctet) {
  const auto value = ParseJson(R"({"a":1,"a":2})");
  ASSERT_FALSE(value);
  EXPECT_NE(value.error().detail.find("'a'"), std::string::npos);
  EXPECT_NE(value.error().detail.find("at octet 10"), std::string::npos) << value.error().detail;
  EXPECT_NE(ParseJson("[1,}").error().detail.find("at octet"), std::string::npos);
}

TEST(JsonStrict, TypedReads) {
  const json object = *ParseJson(
      R"({"s":"x","n":5,"i":-5,"f":1.5,"b":true,"a":["p","q"],"m":["p",1],"o":{},"bytes":"YWI","bad":"YR","t":"2026-11-22T10:41:00Z","null":null})");
  EXPECT_EQ(*GetString(object, "s"), "x");
  EXPECT_EQ(*GetUint(object, "n"), 5u);
  EXPECT_EQ(*GetInt(object, "i"), -5);
  EXPECT_EQ(*GetBool(object, "b"), true);
  EXPECT_EQ(GetStrings(object, "a")->size(), 2u);
  EXPECT_TRUE((*GetObject(object, "o"))->is_object());
  EXPECT_EQ((*GetArray(object, "a"))->size(), 2u);
  EXPECT_EQ(*GetBytes(object, "bytes"), ToBytes("ab"));
  EXPECT_EQ(*GetTime(object, "t"), 1795344060u);
  EXPECT_TRUE(GetFixed<2>(object, "bytes"));
  EXPECT_FALSE(GetFixed<3>(object, "bytes"));
  EXPECT_EQ(GetString(object, "none").error().code, Code::kMissing);
  EXPECT_EQ(GetString(object, "n").error().code, Code::kMalformed);
  EXPECT_EQ(GetUint(object, "i").error().code, Code::kMalformed);
  EXPECT_EQ(GetUint(object, "f").error().code, Code::kMalformed);
  EXPECT_EQ(GetStrings(object, "m").error().code, Code::kMalformed);
  EXPECT_FALSE(GetBytes(object, "bad"));
  EXPECT_EQ(GetString(json(5), "s").error().code, Code::kMalformed);
  EXPECT_EQ(*GetOptionalString(object, "none"), std::nullopt);
  EXPECT_EQ(GetOptionalString(object, "null").error().code, Code::kMalformed);
  EXPECT_EQ(**GetOptionalUint(object, "n"), 5u);
  EXPECT_TRUE(OnlyMembers(json{{"a", 1}}, {"a", "b"}));
  EXPECT_FALSE(OnlyMembers(json{{"c", 1}}, {"a", "b"}));
}

TEST(JsonStrict, DumpIsTheLibrarysOctetForOctet) {
  for (const char* text : {R"({})", R"([])", R"({"b":[1,-2,0.5,1000.0,1e-7,true,false,null,{"x":[]}],"a":{"c":"d"}})",
                           R"(["\u0000\u001f\"\\\/\b\f\n\r\t","Z\u00fcrich","\ud834\udd1e","plain",""])", R"(-0.0)",
                           R"(9007199254740991)", R"("x")", R"(null)", R"({"\u00e9\n":{"":1}})"}) {
    const json value = ParseJson(text).value();
    EXPECT_EQ(DumpJson(value), value.dump(-1, ' ', false, json::error_handler_t::replace)) << text;
  }
  const json bad = {{"a\xff", json::array({"\xc3", std::string(40, 'x') + "\x80"})}};
  EXPECT_EQ(DumpJson(bad), bad.dump(-1, ' ', false, json::error_handler_t::replace));
}

TEST(JsonStrict, DumpNeverThrows) { EXPECT_EQ(DumpJson(json("\xFF")), "\"\xEF\xBF\xBD\""); }

}  // namespace
}  // namespace keel::base
