// SPDX-License-Identifier: Apache-2.0
// `keel demo` with real processes: what its user sees, what it writes, what it leaves behind.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/clock.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "base/process.h"

namespace keel {
namespace {

using nlohmann::json;

std::string Program() { return std::string(KEEL_BIN_DIR) + "/keel"; }

base::SpawnOptions Demo(std::vector<std::string> arguments) {
  base::SpawnOptions options;
  options.argv = {Program(), "demo"};
  options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
  return options;
}

base::RunResult RunDemo(std::vector<std::string> arguments) {
  auto result = base::RunProcess(Demo(std::move(arguments)), std::chrono::seconds(120));
  EXPECT_TRUE(result) << (result ? "" : result.error().Text());
  return result ? *result : base::RunResult{};
}

json ReadJson(const std::string& path) {
  const auto text = base::ReadFile(path);
  EXPECT_TRUE(text) << path;
  const auto value = text ? base::ParseJson(*text) : Result<json>(json());
  EXPECT_TRUE(value);
  return value ? *value : json();
}

// Processes whose command line names the folder.
std::vector<std::string> ProcessesIn(const std::string& folder) {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    std::ifstream file(entry.path() / "cmdline");
    std::stringstream text;
    text << file.rdbuf();
    const std::string command = text.str();
    if (command.find(folder + "/") != std::string::npos) found.push_back(command);
  }
  return found;
}

TEST(Demo, OnboardsDevicesOfTwoModelsAndTellsOfEachStep) {
  const auto dir = base::TempDir::Create();
  ASSERT_TRUE(dir);
  ASSERT_TRUE(base::WriteFileAtomic(*dir / "image", std::string(300'000, 'i')));
  const auto run = RunDemo(
      {"--devices", "6", "--json", *dir / "report.json", "--firmware", *dir / "image", "--data", *dir / "stage"});
  ASSERT_EQ(run.state.code, 0) << run.out << run.err;
  const json report = ReadJson(*dir / "report.json");
  ASSERT_EQ(report["devices"].size(), 6u);
  std::set<std::string> models;
  for (const json& device : report["devices"]) {
    EXPECT_EQ(device["outcome"], "onboarded") << device;
    EXPECT_TRUE(device["did"].get<std::string>().starts_with("did:keel:demo:"));
    EXPECT_EQ(device["round_trips"], 5u) << device;
    EXPECT_LT(device["bytes_sent"].get<uint64_t>(), 10u * 1024) << device;
    EXPECT_LT(device["bytes_received"].get<uint64_t>(), 17u * 1024) << device;
    std::set<std::string> steps;
    for (const json& step : device["steps"]) steps.insert(step["name"].get<std::string>());
    for (const char* step :
         {"rendezvous", "hello", "pack", "proof", "done", "onboarded", "restart", "trial", "telemetry"})
      EXPECT_TRUE(steps.contains(step)) << step << " of " << device;
    models.insert(device["model"].get<std::string>());
  }
  EXPECT_EQ(models.size(), 2u);
  EXPECT_EQ(report["totals"]["onboarded"], 6u);
  EXPECT_EQ(report["totals"]["failed"], 0u);
  // Who must not, could not: the test of the demo's own attempts.
  ASSERT_EQ(report["totals"]["refusals"].size(), 2u);
  for (const json& refusal : report["totals"]["refusals"]) EXPECT_EQ(refusal["held"], true) << refusal;
  EXPECT_TRUE(ProcessesIn(*dir / "stage").empty());
}

TEST(Demo, NamesLineAndColumnOfABadListAndMakesNothing) {
  const auto dir = base::TempDir::Create();
  ASSERT_TRUE(dir);
  const auto good = base::ReadFile(std::string(KEEL_SOURCE_DIR) + "/examples/devices.csv");
  ASSERT_TRUE(good);
  const size_t first = good->find('\n') + 1;
  const std::string head = good->substr(0, first);
  const std::string row = good->substr(first, good->find('\n', first) + 1 - first);
  ASSERT_TRUE(base::WriteFileAtomic(*dir / "twice.csv", head + row + row));
  const auto run = RunDemo({"--csv", *dir / "twice.csv", "--data", *dir / "stage"});
  EXPECT_EQ(run.state.code, 2) << run.out;
  EXPECT_NE(run.err.find("twice.csv"), std::string::npos) << run.err;
  EXPECT_NE(run.err.find("3"), std::string::npos) << run.err;
  EXPECT_FALSE(base::FileExists(*dir / "stage/devices"));
  EXPECT_TRUE(ProcessesIn(*dir / "stage").empty());
}

TEST(Demo, RefusesAFolderThatIsInUseAndFilesThatAreNotThere) {
  const auto dir = base::TempDir::Create();
  ASSERT_TRUE(dir);
  ASSERT_TRUE(base::MakePrivateDir(*dir / "full"));
  ASSERT_TRUE(base::WriteFileAtomic(*dir / "full/mine", "mine"));
  EXPECT_EQ(RunDemo({"--data", *dir / "full"}).state.code, 2);
  EXPECT_TRUE(base::FileExists(*dir / "full/mine"));
  EXPECT_EQ(RunDemo({"--csv", *dir / "absent.csv"}).state.code, 2);
  EXPECT_EQ(RunDemo({"--devices", "0"}).state.code, 2);
}

TEST(Demo, KeepsRunningUntilStoppedAndThenStopsEverything) {
  const auto dir = base::TempDir::Create();
  ASSERT_TRUE(dir);
  base::SpawnOptions options =
      Demo({"--devices", "2", "--keep", "--data", *dir / "stage", "--json", *dir / "report.json"});
  options.stdout_file = *dir / "out";
  auto demo = base::ChildProcess::Spawn(options);
  ASSERT_TRUE(demo);
  const uint64_t until = base::MonotonicMs() + 90'000;
  std::string out;
  while (out.find("Ctrl-C stops them all") == std::string::npos && base::MonotonicMs() < until) {
    ASSERT_TRUE(demo->Wait(std::chrono::milliseconds(50)).error().code == Code::kTimeout) << out;
    out = base::ReadFile(*dir / "out").value_or("");
  }
  ASSERT_NE(out.find("Ctrl-C stops them all"), std::string::npos) << out;
  EXPECT_GE(ProcessesIn(*dir / "stage").size(), 6u);  // registry, maker, owner, broker, application, two devices
  const auto look = base::RunProcess(
      {.argv = {std::string(KEEL_BIN_DIR) + "/keel-verifier", "devices", "--json", "--data", *dir / "stage/owner"}},
      std::chrono::seconds(20));
  ASSERT_TRUE(look);
  EXPECT_EQ(look->state.code, 0) << look->err;
  demo->Signal(SIGINT);
  const auto end = demo->Wait(std::chrono::seconds(30));
  ASSERT_TRUE(end);
  EXPECT_EQ(end->code, 0);
  EXPECT_TRUE(ProcessesIn(*dir / "stage").empty());
}

TEST(Demo, StopsEverythingWhenInterruptedInTheMiddle) {
  const auto dir = base::TempDir::Create();
  ASSERT_TRUE(dir);
  base::SpawnOptions options = Demo({"--devices", "40", "--data", *dir / "stage"});
  options.stdout_file = *dir / "out";
  auto demo = base::ChildProcess::Spawn(options);
  ASSERT_TRUE(demo);
  const uint64_t until = base::MonotonicMs() + 60'000;
  while (!base::FileExists(*dir / "stage/devices") && base::MonotonicMs() < until)
    ASSERT_FALSE(demo->Wait(std::chrono::milliseconds(20)));
  demo->Signal(SIGINT);
  const auto end = demo->Wait(std::chrono::seconds(30));
  ASSERT_TRUE(end);
  EXPECT_EQ(end->code, 4);
  EXPECT_TRUE(ProcessesIn(*dir / "stage").empty());
}

}  // namespace
}  // namespace keel
