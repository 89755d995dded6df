// SPDX-License-Identifier: Apache-2.0
#include "base/process.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/files.h"

namespace keel::base {
namespace {

using namespace std::chrono_literals;

SpawnOptions Shell(std::string script) {
  SpawnOptions options;
  options.argv = {"sh", "-c", std::move(script)};
  return options;
}

TEST(Process, RunsAndCollects) {
  SpawnOptions options = Shell("read x; echo \"out $x $KEEL_T\"; echo err >&2; exit 3");
  options.stdin_text = "hello\n";
  options.env = {{"KEEL_T", "t"}};
  const auto result = RunProcess(options, 10s);
  ASSERT_TRUE(result) << result.error().Text();
  EXPECT_EQ(result->out, "out hello t\n");
  EXPECT_EQ(result->err, "err\n");
  EXPECT_TRUE(result->state.exited);
  EXPECT_EQ(result->state.code, 3);
}

TEST(Process, ReadyLine) {
  SpawnOptions options;
  options.argv = {"sh", "-c", "eval \"echo '{\\\"url\\\":\\\"u\\\"}' >&$0\"; exec sleep 60", "{ready-fd}"};
  auto child = ChildProcess::Spawn(options);
  ASSERT_TRUE(child) << child.error().Text();
  const auto ready = child->WaitReady(10s);
  ASSERT_TRUE(ready) << ready.error().Text();
  EXPECT_EQ((*ready)["url"], "u");
  EXPECT_TRUE(child->running());
  EXPECT_EQ(child->Wait(1ms).error().code, Code::kTimeout);
  child->Stop();
  EXPECT_FALSE(child->running());
  EXPECT_EQ(child->Wait(0ms)->code, SIGTERM);
}

TEST(Process, EarlyEndIsNoHang) {
  SpawnOptions options;
  options.argv = {"sh", "-c", "exit 7", "{ready-fd}"};
  auto child = ChildProcess::Spawn(options);
  ASSERT_TRUE(child);
  const auto ready = child->WaitReady(10s);
  ASSERT_FALSE(ready);
  EXPECT_EQ(ready.error().code, Code::kClosed);
  EXPECT_NE(ready.error().detail.find("exit status 7"), std::string::npos) << ready.error().detail;
}

TEST(Process, MissingProgram) {
  SpawnOptions options;
  options.argv = {"/nonexistent/program"};
  EXPECT_EQ(ChildProcess::Spawn(options).error().code, Code::kNotFound);
  EXPECT_EQ(ChildProcess::Spawn({}).error().code, Code::kInvalidArgument);
}

TEST(Process, StubbornChildIsKilled) {
  auto child = ChildProcess::Spawn([] {
    SpawnOptions options = Shell("trap '' TERM; echo ready; while :; do sleep 1; done");
    options.capture_stdout = true;
    return options;
  }());
  ASSERT_TRUE(child);
  child->Stop(50ms);
  EXPECT_FALSE(child->running());
}

TEST(Process, WriteReadyLineClosesTheDescriptor) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_TRUE(WriteReadyLine(ends[1], {{"pid", 1}}));
  char text[64];
  const ssize_t n = ::read(ends[0], text, sizeof text);
  EXPECT_EQ(std::string(text, static_cast<size_t>(n)), "{\"pid\":1}\n");
  EXPECT_EQ(::read(ends[0], text, sizeof text), 0);
  ::close(ends[0]);
  EXPECT_TRUE(WriteReadyLine(-1, {}));
}

TEST(Process, StopSignal) {
  auto stop = StopSignal::Create();
  ASSERT_TRUE(stop);
  EXPECT_EQ((*stop)->WaitFor(1ms), std::nullopt);
  ::kill(::getpid(), SIGTERM);
  EXPECT_EQ((*stop)->Wait(), SIGTERM);
  (*stop)->RequestStop();
  EXPECT_EQ((*stop)->Wait(), 0);
}

TEST(Process, ProgramDirHoldsTheTests) { EXPECT_TRUE(FileExists(ProgramDir() + "/keel_base_test")); }

}  // namespace
}  // namespace keel::base
