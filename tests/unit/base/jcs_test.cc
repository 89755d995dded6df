// SPDX-License-Identifier: Apache-2.0
#include "base/jcs.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/files.h"
#include "base/json_strict.h"

namespace keel::base {
namespace {

const std::string kVectors = std::string(KEEL_SOURCE_DIR) + "/tests/vectors/jcs/";

TEST(Jcs, Rfc8785Vectors) {
  const auto names = ListDir(kVectors + "input");
  ASSERT_TRUE(names);
  ASSERT_EQ(names->size(), 6u);
  for (const std::string& name : *names) {
    const auto value = ParseJson(*ReadFile(kVectors + "input/" + name));
    ASSERT_TRUE(value) << name << ": " << value.error().Text();
    const auto canonical = Jcs(*value);
    ASSERT_TRUE(canonical) << name;
    EXPECT_EQ(*canonical, *ReadFile(kVectors + "output/" + name)) << name;
    // Canonical form is its own canonical form.
    EXPECT_EQ(*Jcs(*ParseJson(*canonical)), *canonical);
  }
}

TEST(Jcs, Es6Numbers) {
  std::istringstream lines(*ReadFile(kVectors + "es6numbers-10000.txt"));
  std::string line;
  int count = 0;
  while (std::getline(lines, line)) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    const size_t comma = line.find(',');
    const auto value = std::bit_cast<double>(static_cast<uint64_t>(std::stoull(line.substr(0, comma), nullptr, 16)));
    const auto text = Es6Number(value);
    ASSERT_TRUE(text) << line;
    ASSERT_EQ(*text, line.substr(comma + 1)) << line;
    ++count;
  }
  std::printf("%d numbers as ECMAScript writes them\n", count);
  EXPECT_EQ(count, 10'000);
}

TEST(Jcs, Refuses) {
  EXPECT_EQ(Jcs(nlohmann::json(NAN)).error().code, Code::kOutOfRange);
  EXPECT_EQ(Jcs(nlohmann::json(INFINITY)).error().code, Code::kOutOfRange);
  EXPECT_EQ(Jcs(nlohmann::json(uint64_t{1} << 60)).error().code, Code::kOutOfRange);
  EXPECT_EQ(Jcs(nlohmann::json("\xFF")).error().code, Code::kMalformed);
  nlohmann::json deep = 1;
  for (int i = 0; i < 70; ++i) deep = nlohmann::json::array({deep});
  EXPECT_EQ(Jcs(deep).error().code, Code::kMalformed);
}

}  // namespace
}  // namespace keel::base
