// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "base/files.h"
#include "base/json_strict.h"
#include "base/process.h"

namespace keel::test {

// `keel` as a user calls it, in a folder of its own.
class Toolbox : public ::testing::Test {
 protected:
  Toolbox() : dir_(std::move(*base::TempDir::Create())) {}

  base::RunResult Run(std::vector<std::string> arguments, const std::string& input = "") {
    base::SpawnOptions options;
    options.argv = {std::string(KEEL_BIN_DIR) + "/keel"};
    options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
    options.stdin_text = input;
    auto result = base::RunProcess(options, std::chrono::seconds(30));
    EXPECT_TRUE(result) << (result ? "" : result.error().Text());
    return result ? *result : base::RunResult{};
  }
  // The output of a call that must do.
  std::string Ok(std::vector<std::string> arguments, const std::string& input = "") {
    const auto run = Run(arguments, input);
    EXPECT_EQ(run.state.code, 0) << arguments[0] << " " << arguments[1] << ": " << run.err;
    std::string out = run.out;
    while (!out.empty() && out.back() == '\n') out.pop_back();
    return out;
  }
  nlohmann::json OkJson(std::vector<std::string> arguments, const std::string& input = "") {
    const auto value = base::ParseJson(Ok(std::move(arguments), input), {.max_size = 16 << 20});
    EXPECT_TRUE(value);
    return value ? *value : nlohmann::json::object();
  }
  std::string Peer(const std::string& name) { return Ok({"did", "create", "--method", "peer", "-o", dir_ / name}); }

  base::TempDir dir_;
};

}  // namespace keel::test
