// SPDX-License-Identifier: Apache-2.0
// The mediator's switch in keel-issuer and keel-verifier, as real processes beside their registry: two agents of the
// toolbox, one of them behind the service, and a recipient that fetches over HTTP and is live on a WebSocket.
#include <csignal>
#include <nlohmann/json.hpp>

#include "tests/fakes/mediator_world.h"
#include "tests/system/cli/talk.h"

namespace keel {
namespace {

using nlohmann::json;
using std::chrono::seconds;
using test::kBasicMessage;
using test::kPatience;
using test::Listener;
using test::Talk;

struct Role {
  const char* program;
  const char* config;
  std::vector<std::string> init;
  friend void PrintTo(const Role& role, std::ostream* out) { *out << role.program; }
};

class MediatorRoles : public Talk, public ::testing::WithParamInterface<Role> {
 protected:
  void SetUp() override {
    Must({"keel-registry", "init", "--data", dir_ / "registry", "--label", "acme", "--listen", "127.0.0.1:0",
          "--unprotected-keys"});
    Serve("keel-registry", "registry");
    Must({"keel-registry", "descriptor", "--data", dir_ / "registry", "-o", dir_ / "net.keel"});
    std::vector<std::string> init = {GetParam().program, "init",     "--data",     dir_ / "role", "--registry",
                                     dir_ / "net.keel",  "--listen", "127.0.0.1:0"};
    init.insert(init.end(), GetParam().init.begin(), GetParam().init.end());
    Must(init);
    Must({"keel-registry", "sponsor", "add", "--identity", dir_ / "role/identity.json", "--data", dir_ / "registry"});
    Switch("enabled = true\nadmit = \"open\"\n");
    url_ = Serve(GetParam().program, "role");
  }
  void TearDown() override {
    for (auto it = services_.rbegin(); it != services_.rend(); ++it) {
      it->Signal(SIGTERM);
      EXPECT_TRUE(it->Wait(kPatience));
    }
  }
  // Every key stands in the file already, commented out, below its table's header.
  void Switch(const std::string& settings) {
    const std::string file = dir_ / GetParam().config, header = "[mediator]\n";
    auto config = base::ReadFile(file);
    ASSERT_TRUE(config) << config.error().Text();
    const size_t at = config->find(header);
    ASSERT_NE(at, std::string::npos) << *config;
    config->insert(at + header.size(), settings);
    ASSERT_TRUE(base::WriteFileAtomic(file, *config));
  }
  void Must(std::vector<std::string> command) {
    base::SpawnOptions options;
    command[0] = std::string(KEEL_BIN_DIR) + "/" + command[0];
    options.argv = std::move(command);
    options.capture_stdout = options.capture_stderr = true;
    const auto run = base::RunProcess(options, std::chrono::seconds(60));
    ASSERT_TRUE(run && run->state.ok()) << (run ? run->err : run.error().Text());
  }
  std::string Serve(const std::string& program, const std::string& folder) {
    base::SpawnOptions options;
    options.argv = {
        std::string(KEEL_BIN_DIR) + "/" + program, "serve", "--data", dir_ / folder, "--ready-fd", "{ready-fd}"};
    options.env = {{"KEEL_LOG_LEVEL", "warn"}};
    auto spawned = base::ChildProcess::Spawn(options);
    EXPECT_TRUE(spawned) << spawned.error().Text();
    services_.push_back(std::move(*spawned));
    const auto ready = services_.back().WaitReady(seconds(60));
    EXPECT_TRUE(ready) << ready.error().Text();
    return ready ? *base::GetString(*ready, "url") : "";
  }

  std::vector<base::ChildProcess> services_;
  std::string url_;
};

TEST_P(MediatorRoles, TwoAgentsReachEachOtherThroughIt) {
  fakes::MediationPeople people;
  const std::string path = url_ + std::string(didcomm::kMediatorPath);
  const auto info = people.client->Get(path);
  ASSERT_TRUE(info && info->ok());
  const std::string mediator = *base::GetString(*base::ParseJson(info->body), "did");

  // Bob listens, with outgoing connections alone. Alice writes to him, and asks, herself behind the same mediator.
  Listener bob = Listen({"--mediator", mediator, "--count", "2"});
  EXPECT_TRUE(bob.uris.empty());
  const std::string alice = Peer("alice.key");
  Ok({"didcomm", "send", "--from", alice, "--to", bob.did, "--key", dir_ / "alice.key", "--type", kBasicMessage,
      "--body", R"({"content":"through a service"})"});
  EXPECT_EQ(OkJson({"didcomm", "ping", bob.did, "--mediator", mediator, "--timeout", "30", "--json"})["did"], bob.did);
  const auto messages = bob.Messages();
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0]["message"]["body"]["content"], "through a service");
  EXPECT_EQ(messages[0]["metadata"]["authenticated"], true);

  // Fetched over HTTP, then delivered live over a WebSocket on the service's own port.
  const std::string account = people.MakeDid();
  auto inbox = people.ClientOf(account, mediator);
  const auto routing = inbox->RequestMediation();
  ASSERT_TRUE(routing) << routing.error().Text();
  const std::string carol = people.MakeDid(*routing), dave = people.MakeDid();
  ASSERT_TRUE(inbox->AddRecipients({carol}));
  ASSERT_TRUE(people.http.Send(path, people.Onion(dave, carol, R"({"n":1})"), {}));
  auto got = inbox->Fetch();
  ASSERT_TRUE(got) << got.error().Text();
  ASSERT_EQ(got->size(), 1u);
  EXPECT_EQ(people.BodyOf(got->front().envelope), R"({"n":1})");
  ASSERT_TRUE(inbox->Acknowledge({got->front().id}));
  ASSERT_TRUE(inbox->GoLive());
  ASSERT_TRUE(people.websocket.Send("ws" + path.substr(4), people.Onion(dave, carol, R"({"n":2})"), {}));
  got = inbox->WaitLive(seconds(20));
  ASSERT_TRUE(got) << got.error().Text();
  ASSERT_EQ(got->size(), 1u);
  EXPECT_EQ(people.BodyOf(got->front().envelope), R"({"n":2})");

  // Killed and started again: what wasn't acknowledged is still there.
  services_.back().Signal(SIGKILL);
  ASSERT_TRUE(services_.back().Wait(kPatience));
  services_.pop_back();
  const auto address = base::ParseUrl(url_);
  ASSERT_TRUE(address);
  base::SpawnOptions options;
  options.argv = {std::string(KEEL_BIN_DIR) + "/" + GetParam().program,
                  "serve",
                  "--data",
                  dir_ / "role",
                  "--listen",
                  address->Authority(),
                  "--ready-fd",
                  "{ready-fd}"};
  options.env = {{"KEEL_LOG_LEVEL", "warn"}};
  auto again = base::ChildProcess::Spawn(options);
  ASSERT_TRUE(again);
  services_.push_back(std::move(*again));
  ASSERT_TRUE(services_.back().WaitReady(seconds(60)));
  got = people.ClientOf(account, mediator)->Fetch();
  ASSERT_TRUE(got) << got.error().Text();
  ASSERT_EQ(got->size(), 1u);
  EXPECT_EQ(people.BodyOf(got->front().envelope), R"({"n":2})");
}

INSTANTIATE_TEST_SUITE_P(Services, MediatorRoles,
                         ::testing::Values(Role{"keel-issuer",
                                                "role/issuer.toml",
                                                {"--name", "Acme Devices", "--vendor", "acme.example",
                                                 "--unprotected-keys"}},
                                           Role{"keel-verifier", "role/verifier.toml", {"--unprotected-keys"}}),
                         [](const auto& one) { return std::string(one.param.program).substr(5); });

}  // namespace
}  // namespace keel
