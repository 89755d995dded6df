// SPDX-License-Identifier: Apache-2.0
// A recipient that only makes outgoing connections is reached through a mediator that is a real process (keel-registry
// with the switch on), by polling and live, over kills with SIGKILL. KEEL_KILL_ROUNDS sets the number of kills (8).
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <thread>

#include "base/json_strict.h"
#include "base/process.h"
#include "tests/fakes/mediator_world.h"

namespace keel {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using std::chrono::seconds;

// keel-registry that mediates for everybody, or for those that its configuration lists.
struct Service {
  explicit Service(std::string mediator_toml = "enabled = true\nadmit = \"open\"\n") {
    base::SpawnOptions options;
    options.argv = {std::string(KEEL_BIN_DIR) + "/keel-registry",
                    "init",
                    "--data",
                    data,
                    "--listen",
                    "127.0.0.1:0",
                    "--unprotected-keys"};
    options.capture_stderr = options.capture_stdout = true;
    const auto init = base::RunProcess(options, seconds(60));
    EXPECT_TRUE(init && init->state.ok()) << (init ? init->err : init.error().Text());
    auto config = base::ReadFile(data + "/registry.toml");
    EXPECT_TRUE(config);
    // init wrote all keys, commented out, under their table's header.
    const std::string header = "[mediator]\n";
    const size_t at = config->find(header);
    EXPECT_NE(at, std::string::npos) << *config;
    config->insert(at == std::string::npos ? 0 : at + header.size(), mediator_toml);
    EXPECT_TRUE(base::WriteFileAtomic(data + "/registry.toml", *config));
    Start();
  }
  void Start() {
    base::SpawnOptions options;
    options.argv = {std::string(KEEL_BIN_DIR) + "/keel-registry", "serve", "--data", data, "--ready-fd", "{ready-fd}"};
    if (!url.empty()) options.argv.insert(options.argv.end(), {"--listen", url.substr(7)});
    options.env = {{"KEEL_LOG_LEVEL", "warn"}};
    auto spawned = base::ChildProcess::Spawn(options);
    ASSERT_TRUE(spawned) << spawned.error().Text();
    process.emplace(std::move(*spawned));
    const auto ready = process->WaitReady(seconds(60));
    ASSERT_TRUE(ready) << ready.error().Text();
    url = *base::GetString(*ready, "url");
  }
  void Kill() {
    process->Signal(SIGKILL);
    ASSERT_TRUE(process->Wait(seconds(20)));
    process.reset();
  }
  std::string Path() const { return url + std::string(didcomm::kMediatorPath); }

  base::TempDir folder = std::move(*base::TempDir::Create("mediator"));
  std::string data = folder / "registry", url;
  std::optional<base::ChildProcess> process;
};

class MediatorProcess : public ::testing::Test, protected fakes::MediationPeople {
 protected:
  // The mediator's DID, as a newcomer learns it.
  std::string DidOf(const Service& service) {
    const auto info = client->Get(service.Path());
    EXPECT_TRUE(info && info->ok());
    return info ? *base::GetString(*base::ParseJson(info->body), "did") : "";
  }
  void Arrive(const Service& service) {
    bob = MakeDid();
    inbox = ClientOf(bob, DidOf(service));
    inbox->set_deadlines({milliseconds(2'000), milliseconds(10'000)});
    const auto routing = inbox->RequestMediation();
    ASSERT_TRUE(routing) << routing.error().Text();
    public_did = MakeDid(*routing);
    ASSERT_TRUE(inbox->AddRecipients({public_did}));
  }
  std::string bob, public_did;
  std::unique_ptr<didcomm::MediationClient> inbox;
};

TEST_F(MediatorProcess, PollingOverKillsLosesNothing) {
  const char* wanted = std::getenv("KEEL_KILL_ROUNDS");
  const int rounds = wanted != nullptr ? std::atoi(wanted) : 8;
  Service service;
  Arrive(service);
  const std::string alice = MakeDid();

  // Alice sends until she is told that a message is taken; the same octets again when she isn't.
  std::atomic<bool> stop{false};
  std::atomic<int> accepted{0}, tries{0};
  std::thread sender([&] {
    for (int n = 0; !stop; ++n) {
      const std::string onion = Onion(alice, public_did, json{{"n", n}}.dump());
      while (!stop) {
        ++tries;
        if (http.Send(service.Path(), onion, base::Deadlines{milliseconds(500), milliseconds(5'000)})) {
          accepted = n + 1;
          break;
        }
        std::this_thread::sleep_for(milliseconds(2));  // lint-allow: sleep the mediator is down
      }
    }
  });

  std::map<int, int> got;              // message -> how many times it came
  std::set<std::string> acknowledged;  // ids that the mediator confirmed to have forgotten
  const auto poll = [&] {
    const auto batch = inbox->Fetch(20);
    if (!batch) return false;
    std::vector<std::string> ids;
    for (const auto& message : *batch) {
      EXPECT_FALSE(acknowledged.contains(message.id)) << "delivered after it was acknowledged";
      ++got[base::ParseJson(BodyOf(message.envelope))->value("n", -1)];
      ids.push_back(message.id);
    }
    if (!inbox->Acknowledge(ids)) return false;
    acknowledged.insert(ids.begin(), ids.end());
    return true;
  };
  std::mt19937 random(20261125);
  for (int round = 0; round < rounds; ++round) {
    const uint64_t end = base::MonotonicMs() + random() % 150;
    while (base::MonotonicMs() < end) static_cast<void>(poll());
    service.Kill();
    service.Start();
    ASSERT_FALSE(HasFatalFailure());
    ASSERT_TRUE(poll());
  }
  const int before = accepted;
  for (int i = 0; i < 4000 && accepted < before + 3; ++i) static_cast<void>(poll());  // it goes on
  EXPECT_GE(accepted, before + 3);
  stop = true;
  sender.join();
  for (int i = 0; i < 1000 && inbox->Status()->count > 0; ++i) ASSERT_TRUE(poll());
  int again = 0;
  for (int n = 0; n < accepted; ++n) {
    EXPECT_GE(got[n], 1) << "message " << n << " was accepted and never came";
    again += got[n] - 1;
  }
  // An acknowledgement whose answer a kill ate, at most one batch a kill.
  EXPECT_LE(again, rounds * 20);
  std::printf("%d kills, %d messages in %d tries, 0 lost, %d delivered twice (never after an acknowledged one)\n",
              rounds, accepted.load(), tries.load(), again);
}

TEST_F(MediatorProcess, LiveOverKillsLosesNothing) {
  Service service;
  Arrive(service);
  const std::string alice = MakeDid();
  const std::string socket_uri = "ws" + service.Path().substr(4);
  ASSERT_TRUE(inbox->GoLive());
  int n = 0;
  for (int round = 0; round < 3; ++round) {
    // Live: no polling, it just arrives.
    ASSERT_TRUE(websocket.Send(socket_uri, Onion(alice, public_did, json{{"n", n}}.dump()), {}));
    auto batch = inbox->WaitLive(seconds(20));
    ASSERT_TRUE(batch) << batch.error().Text();
    ASSERT_EQ(batch->size(), 1u);
    EXPECT_EQ(BodyOf(batch->front().envelope), (json{{"n", n}}.dump()));
    ASSERT_TRUE(inbox->Acknowledge({batch->front().id}));
    ++n;
    // Delivered and not acknowledged when the mediator dies; and sent while the recipient is away.
    ASSERT_TRUE(http.Send(service.Path(), Onion(alice, public_did, json{{"n", n}}.dump()), {}));
    batch = inbox->WaitLive(seconds(20));
    ASSERT_TRUE(batch) << batch.error().Text();
    service.Kill();
    service.Start();
    ASSERT_FALSE(HasFatalFailure());
    ASSERT_TRUE(http.Send(service.Path(), Onion(alice, public_did, json{{"n", n + 1}}.dump()), {}));
    const auto lost = inbox->WaitLive(seconds(20));
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().code, Code::kClosed) << lost.error().Text();
    ASSERT_TRUE(inbox->GoLive());
    const auto waited = inbox->Fetch();
    ASSERT_TRUE(waited) << waited.error().Text();
    ASSERT_EQ(waited->size(), 2u);
    EXPECT_EQ(waited->front().id, batch->front().id);
    EXPECT_EQ(BodyOf(waited->at(1).envelope), (json{{"n", n + 1}}.dump()));
    EXPECT_EQ(inbox->Acknowledge({waited->at(0).id, waited->at(1).id})->count, 0u);
    n += 2;
  }
}

TEST_F(MediatorProcess, OffByDefaultAndOnlyForThoseListed) {
  {
    Service off("enabled = false\n");
    EXPECT_EQ(client->Get(off.Path())->status, 404);
    EXPECT_FALSE(websocket.Send("ws" + off.Path().substr(4), "x", base::Deadlines{}));
  }
  const std::string friendly = MakeDid();
  Service listed("enabled = true\nallowed = [\"" + friendly + "\"]\n");
  const std::string did = DidOf(listed);
  EXPECT_TRUE(ClientOf(friendly, did)->RequestMediation());
  EXPECT_EQ(ClientOf(MakeDid(), did)->RequestMediation().error().code, Code::kRefused);
}

}  // namespace
}  // namespace keel
