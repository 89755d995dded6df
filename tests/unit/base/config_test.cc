// SPDX-License-Identifier: Apache-2.0
#include "base/config.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace keel::base {
namespace {

const std::vector<Config::Key> kKeys = {
    {"listen", Config::Type::kString, "127.0.0.1:8080", "Where the service listens"},
    {"limits.max_body", Config::Type::kUint, "1048576", "Octets"},
    {"verbose", Config::Type::kBool, "false", "Say more"},
    {"registries", Config::Type::kStrings, "[]", "URLs"},
};

TEST(Config, DefaultsFileEnvironmentFlag) {
  auto config = Config::FromText("", "t.toml", kKeys);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->GetString("listen"), "127.0.0.1:8080");
  EXPECT_EQ(config->GetUint("limits.max_body"), 1048576u);
  EXPECT_EQ(config->Origin("listen"), "default");
  config = Config::FromText("listen = \"a:1\"\nverbose = true\nregistries = [\"x\", \"y\"]\n[limits]\nmax_body = 5\n",
                            "t.toml", kKeys);
  ASSERT_TRUE(config) << config.error().Text();
  EXPECT_EQ(config->GetString("listen"), "a:1");
  EXPECT_EQ(config->Origin("limits.max_body"), "t.toml:5");
  EXPECT_EQ(config->GetList("registries"), (std::vector<std::string>{"x", "y"}));
  EXPECT_TRUE(config->GetBool("verbose"));
  ::setenv("KEEL_LIMITS_MAX_BODY", "7", 1);
  ::setenv("KEEL_REGISTRIES", "p, q", 1);
  config = Config::FromText("[limits]\nmax_body = 5\n", "t.toml", kKeys);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->GetUint("limits.max_body"), 7u);
  EXPECT_EQ(config->Origin("limits.max_body"), "KEEL_LIMITS_MAX_BODY");
  EXPECT_EQ(config->GetList("registries"), (std::vector<std::string>{"p", "q"}));
  ASSERT_TRUE(config->SetFlag("limits.max_body", "9"));
  EXPECT_EQ(config->GetUint("limits.max_body"), 9u);
  ::setenv("KEEL_LIMITS_MAX_BODY", "many", 1);
  EXPECT_EQ(Config::FromText("", "t.toml", kKeys).error().code, Code::kUsage);
  ::unsetenv("KEEL_LIMITS_MAX_BODY");
  ::unsetenv("KEEL_REGISTRIES");
}

TEST(Config, ErrorsNameFileAndLine) {
  const auto unknown = Config::FromText("\nlisten = \"a\"\nlistne = \"b\"\n", "t.toml", kKeys);
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Code::kUsage);
  EXPECT_NE(unknown.error().detail.find("t.toml:3"), std::string::npos) << unknown.error().detail;
  EXPECT_NE(unknown.error().detail.find("listne"), std::string::npos);
  EXPECT_FALSE(Config::FromText("[other]\nx = 1\n", "t", kKeys));
  EXPECT_FALSE(Config::FromText("listen = 5\n", "t", kKeys));
  EXPECT_FALSE(Config::FromText("[limits]\nmax_body = -5\n", "t", kKeys));
  EXPECT_FALSE(Config::FromText("registries = [1]\n", "t", kKeys));
  EXPECT_FALSE(Config::FromText("listen = \n", "t", kKeys));
  EXPECT_FALSE(Config::FromText("listen = \"a\"\nlisten = \"b\"\n", "t", kKeys));
  EXPECT_EQ(Config::Load("/nonexistent/x.toml", kKeys, true).error().code, Code::kNotFound);
  EXPECT_TRUE(Config::Load("/nonexistent/x.toml", kKeys));
  EXPECT_EQ(Config::FromText("", "t", kKeys)->SetFlag("nope", "1").error().code, Code::kUsage);
}

TEST(Config, TemplateReadsBack) {
  const std::string text =
      Config::Template(kKeys, {{"listen", "0.0.0.0:1 \"q\""}, {"limits.max_body", "77"}, {"registries", "u,v"}});
  const auto config = Config::FromText(text, "t.toml", kKeys);
  ASSERT_TRUE(config) << config.error().Text() << "\n" << text;
  EXPECT_EQ(config->GetString("listen"), "0.0.0.0:1 \"q\"");
  EXPECT_EQ(config->GetUint("limits.max_body"), 77u);
  EXPECT_EQ(config->GetList("registries").size(), 2u);
  EXPECT_FALSE(config->IsSet("verbose"));
}

}  // namespace
}  // namespace keel::base
