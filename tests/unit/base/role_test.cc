// SPDX-License-Identifier: Apache-2.0
#include "base/role.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "base/cli.h"
#include "base/files.h"

namespace keel::base {
namespace {

using nlohmann::json;

TEST(Role, DataFlagMovesEverything) {
  const auto paths = ResolveRolePaths("issuer", "/tmp/x/");
  ASSERT_TRUE(paths);
  EXPECT_EQ(paths->program, "keel-issuer");
  EXPECT_EQ(paths->data_dir, "/tmp/x");
  EXPECT_EQ(paths->config_file, "/tmp/x/issuer.toml");
  EXPECT_EQ(paths->socket, "/tmp/x/issuer.sock");
  EXPECT_EQ(ResolveRolePaths("issuer", "/" + std::string(100, 'x')).error().code, Code::kUsage);
}

TEST(Role, SystemOrUserFolders) {
  const auto paths = ResolveRolePaths("registry", "");
  ASSERT_TRUE(paths);
  if (::geteuid() == 0) {
    EXPECT_EQ(paths->config_file, "/etc/keel/registry.toml");
    EXPECT_EQ(paths->socket, "/run/keel/registry.sock");
  } else {
    EXPECT_NE(paths->data_dir.find("keel/registry"), std::string::npos);
  }
}

TEST(Control, VerbsAndTheirErrors) {
  const auto dir = TempDir::Create();
  const auto paths = *ResolveRolePaths("issuer", dir->path());
  auto server = ControlServer::Start(
      paths.socket,
      {{"echo", [](const json& args) -> Result<json> { return json{{"got", args}}; }},
       {"fail", [](const json&) -> Result<json> { return Fail(Code::kSealSpent, "test", "no \"title\""); }}});
  ASSERT_TRUE(server) << server.error().Text();
  const auto reply = CallControl(paths, "echo", {{"a", 1}});
  ASSERT_TRUE(reply) << reply.error().Text();
  EXPECT_EQ((*reply)["got"]["a"], 1);
  const auto failed = CallControl(paths, "fail", {});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, Code::kSealSpent);
  EXPECT_NE(failed.error().Text().find("no \"title\""), std::string::npos);
  EXPECT_EQ(CallControl(paths, "none", {}).error().code, Code::kUsage);
  EXPECT_EQ(ControlServer::Start(paths.socket, {}).error().code, Code::kBusy);
}

TEST(Control, SaysThatTheServiceIsNotRunning) {
  const auto dir = TempDir::Create();
  const auto paths = *ResolveRolePaths("issuer", dir->path());
  auto reply = CallControl(paths, "status", {});
  ASSERT_FALSE(reply);
  EXPECT_NE(reply.error().detail.find("keel-issuer init --data " + dir->path()), std::string::npos)
      << reply.error().detail;
  ASSERT_TRUE(WriteFileAtomic(paths.config_file, ""));
  reply = CallControl(paths, "status", {});
  EXPECT_EQ(ExitFor(reply.error()), kExitUnreachable);
  EXPECT_NE(reply.error().detail.find("keel-issuer serve --data " + dir->path()), std::string::npos)
      << reply.error().detail;
}

TEST(Role, Listen) {
  EXPECT_EQ(ParseListen("127.0.0.1:0")->port, 0);
  EXPECT_EQ(ParseListen("8080")->host, "127.0.0.1");
  EXPECT_EQ(ParseListen("[::1]:5")->host, "::1");
  EXPECT_EQ(ParseListen("0.0.0.0:5")->host, "0.0.0.0");
  for (const char* text : {"", ":5", "a:", "a:b", "a:70000", "a:-1"})
    EXPECT_EQ(ParseListen(text).error().code, Code::kUsage) << text;
}

TEST(Role, ServeWritesTheReadyLineAndStops) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  auto stop = StopSignal::Create();
  ASSERT_TRUE(stop);
  std::thread stopper([&] {
    char text[256];
    const ssize_t n = ::read(ends[0], text, sizeof text);
    EXPECT_GT(n, 0);
    (*stop)->RequestStop();
  });
  EXPECT_TRUE(ServeUntilStopped(**stop, ends[1], {{"url", "u"}}));
  stopper.join();
  ::close(ends[0]);
}

}  // namespace
}  // namespace keel::base
