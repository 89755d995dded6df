// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <gtest/gtest.h>

namespace keel::base {
namespace {

TEST(Log, OneLineWithQuotedValues) {
  SetLogLevel(LogLevel::kInfo);
  testing::internal::CaptureStderr();
  LogInfo("test.event", {{"plain", "abc"},
                         {"number", 5},
                         {"flag", true},
                         {"spaced", "a b"},
                         {"evil", "x\ny=\"z\"\x1b[0m"},
                         {"empty", ""}});
  LogDebug("test.hidden");
  const std::string text = testing::internal::GetCapturedStderr();
  EXPECT_NE(
      text.find(R"( info test.event plain=abc number=5 flag=true spaced="a b" evil="x\x0ay=\"z\"\x1b[0m" empty="")"),
      std::string::npos)
      << text;
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
}

TEST(Log, LongValuesAreCut) {
  testing::internal::CaptureStderr();
  LogInfo("test.long", {{"v", std::string(100'000, 'a')}});
  EXPECT_LT(testing::internal::GetCapturedStderr().size(), 700u);
}

TEST(Log, LimiterBoundsAStrangersLines) {
  LogLimiter limiter(3);
  int allowed = 0;
  for (int i = 0; i < 100; ++i) allowed += limiter.Allow(1000) ? 1 : 0;
  EXPECT_EQ(allowed, 3);
  EXPECT_EQ(limiter.suppressed(), 97u);
  EXPECT_TRUE(limiter.Allow(61'000));
}

}  // namespace
}  // namespace keel::base
