// SPDX-License-Identifier: Apache-2.0
#include "verifier/policy.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace keel::verifier {
namespace {

using nlohmann::json;

json Facts() {
  return {{"manufacturer", "did:keel:test:zMaker"},
          {"hardware",
           {{"microcontroller", "stm32u585"}, {"memory", 786432}, {"tags", {"indoor", "a/b"}}, {"a/b", "slash"}}},
          {"firmware", {{"version", "1.10.2"}}},
          {"status", {{"checked", true}, {"ok", true}, {"ageSeconds", 12}}}};
}

bool Accepts(const std::string& rule) {
  const auto policy = Policy::Parse(R"({"v":1,"rules":[)" + rule + "]}");
  EXPECT_TRUE(policy.has_value()) << (policy ? "" : policy.error().Text());
  return policy && policy->Judge(Facts()).accepted;
}

TEST(PolicyTest, EachComparisonAcceptsAndRefuses) {
  EXPECT_TRUE(Accepts(R"({"field":"/hardware/microcontroller","op":"eq","value":"stm32u585"})"));
  EXPECT_FALSE(Accepts(R"({"field":"/hardware/microcontroller","op":"eq","value":"esp32"})"));
  EXPECT_FALSE(Accepts(R"({"field":"/hardware/microcontroller","op":"ne","value":"stm32u585"})"));
  EXPECT_TRUE(Accepts(R"({"field":"/hardware/nothing","op":"ne","value":"x"})"));
  EXPECT_TRUE(Accepts(R"({"field":"/hardware/microcontroller","op":"in","value":["esp32","stm32u585"]})"));
  EXPECT_FALSE(Accepts(R"({"field":"/hardware/microcontroller","op":"in","value":[]})"));
  EXPECT_FALSE(Accepts(R"({"field":"/hardware/microcontroller","op":"not_in","value":["stm32u585"]})"));
  EXPECT_TRUE(Accepts(R"({"field":"/hardware/memory","op":"ge","value":786432})"));
  EXPECT_FALSE(Accepts(R"({"field":"/hardware/memory","op":"ge","value":786433})"));
  EXPECT_FALSE(Accepts(R"({"field":"/hardware/microcontroller","op":"ge","value":1})"));
  EXPECT_TRUE(Accepts(R"({"field":"/status/ageSeconds","op":"le","value":60})"));
  EXPECT_TRUE(Accepts(R"({"field":"/firmware/version","op":"version_ge","value":"1.9"})"));
  EXPECT_FALSE(Accepts(R"({"field":"/firmware/version","op":"version_ge","value":"1.10.3"})"));
  EXPECT_TRUE(Accepts(R"({"field":"/firmware/version","op":"version_lt","value":"2"})"));
  EXPECT_TRUE(Accepts(R"({"field":"/hardware/microcontroller","op":"prefix","value":"stm32"})"));
  EXPECT_TRUE(Accepts(R"({"field":"/hardware/memory","op":"exists"})"));
  EXPECT_FALSE(Accepts(R"({"field":"/hardware/nothing","op":"exists"})"));
  EXPECT_TRUE(Accepts(R"({"field":"/hardware/nothing","op":"absent"})"));
  EXPECT_FALSE(Accepts(R"({"field":"/hardware/memory","op":"absent"})"));
}

TEST(PolicyTest, PointersReachIntoArraysAndEscapedNames) {
  EXPECT_TRUE(Accepts(R"({"field":"/hardware/tags/1","op":"eq","value":"a/b"})"));
  EXPECT_FALSE(Accepts(R"({"field":"/hardware/tags/2","op":"exists"})"));
  EXPECT_FALSE(Accepts(R"({"field":"/hardware/tags/-","op":"exists"})"));
  EXPECT_TRUE(Accepts(R"({"field":"/hardware/a~1b","op":"eq","value":"slash"})"));
}

TEST(PolicyTest, RulesOfPresenceSayWhatTheyWant) {
  const auto policy = Policy::Parse(
      R"({"v":1,"rules":[{"field":"/hardware/memory","op":"exists"},{"field":"/hardware/memory","op":"absent"}]})");
  ASSERT_TRUE(policy.has_value());
  const Judgement judgement = policy->Judge(Facts());
  ASSERT_EQ(judgement.outcomes.size(), 2u);
  EXPECT_EQ(judgement.outcomes[0].wanted, "anything");
  EXPECT_EQ(judgement.outcomes[1].wanted, "nothing");
}

TEST(PolicyTest, AMissingFieldFailsAndSaysNothingWasSeen) {
  const auto policy = Policy::Parse(
      R"({"v":1,"rules":[{"field":"/hardware/secureHardware","op":"in","value":["tpm2"],"why":"gateways need a TPM"}]})");
  ASSERT_TRUE(policy.has_value());
  const Judgement judgement = policy->Judge(Facts());
  ASSERT_EQ(judgement.outcomes.size(), 1u);
  EXPECT_FALSE(judgement.accepted);
  EXPECT_EQ(judgement.outcomes[0].seen, "nothing");
  EXPECT_EQ(judgement.outcomes[0].wanted, R"(["tpm2"])");
  EXPECT_NE(judgement.Sentence().find("gateways need a TPM"), std::string::npos);
}

TEST(PolicyTest, EveryRuleIsListedWhateverTheVerdict) {
  const auto policy = Policy::Parse(
      R"({"v":1,"trustedManufacturers":["did:keel:test:zOther"],"rules":[{"field":"/hardware/memory","op":"ge","value":1},{"field":"/x","op":"exists"}]})");
  ASSERT_TRUE(policy.has_value());
  const Judgement judgement = policy->Judge(Facts());
  ASSERT_EQ(judgement.outcomes.size(), 3u);
  EXPECT_FALSE(judgement.outcomes[0].ok);
  EXPECT_TRUE(judgement.outcomes[1].ok);
  EXPECT_FALSE(judgement.outcomes[2].ok);
  EXPECT_FALSE(judgement.accepted);
}

TEST(PolicyTest, BadPoliciesAreRefusedByName) {
  const auto refused = [](const std::string& text, const std::string& expected) {
    const auto policy = Policy::Parse(text);
    ASSERT_FALSE(policy.has_value()) << text;
    EXPECT_NE(policy.error().detail.find(expected), std::string::npos) << policy.error().detail;
  };
  refused(R"({"rules":[]})", "\"v\"");
  refused(R"({"v":1,"rule":[]})", "unknown member \"rule\"");
  refused(R"({"v":1,"rules":[{"field":"hardware","op":"exists"}]})", "begin with /");
  refused(R"({"v":1,"rules":[{"field":"/a","op":"matches","value":1}]})", "unknown op");
  refused(R"({"v":1,"rules":[{"field":"/a","op":"in","value":1}]})", "array");
  refused(R"({"v":1,"rules":[{"field":"/a","op":"ge","value":"1"}]})", "number");
  refused(R"({"v":1,"rules":[{"field":"/a","op":"eq"}]})", "needs a value");
  refused(R"({"v":1,"rules":[{"field":"/a","op":"exists","wat":1}]})", "unknown member \"wat\"");
  refused(R"({"v":1,"trustedManufacturers":["acme"]})", "no DID");
  EXPECT_FALSE(Policy::Parse("[]").has_value());
  EXPECT_FALSE(Policy::Parse("{\"v\":1,\"v\":1}").has_value());
}

TEST(PolicyTest, TheTextOfAPolicyReadsBackAsItself) {
  const auto policy = Policy::Parse(
      R"({"v":1,"rules":[{"field":"/a","op":"in","value":["x",1],"why":"because"},{"field":"/b","op":"exists"}]})");
  ASSERT_TRUE(policy.has_value());
  const auto again = Policy::Parse(policy->ToText());
  ASSERT_TRUE(again.has_value());
  EXPECT_EQ(again->ToText(), policy->ToText());
}

TEST(CompareVersionsTest, ComparesNumberByNumber) {
  EXPECT_GT(CompareVersions("1.10", "1.9"), 0);
  EXPECT_EQ(CompareVersions("1.0", "1"), 0);
  EXPECT_EQ(CompareVersions("01.2", "1.02"), 0);
  EXPECT_LT(CompareVersions("1.2", "1.2.1"), 0);
  EXPECT_LT(CompareVersions("2.0", "2.0.rc1"), 0);
  EXPECT_GT(CompareVersions("99999999999999999999.0", "99999999999999999998"), 0);
}

}  // namespace
}  // namespace keel::verifier
