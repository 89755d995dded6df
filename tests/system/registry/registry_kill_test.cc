// SPDX-License-Identifier: Apache-2.0
// The real keel-registry: set up, killed with SIGKILL at random moments of anchoring, started again. Nothing that it
// acknowledged may be gone, and it must be ready again within 2 s. KEEL_KILL_ROUNDS sets the number of rounds (default
// 8).
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "base/clock.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "base/net/http_client.h"
#include "base/process.h"
#include "ledger/entry.h"
#include "registry-client/registry_client.h"
#include "tests/fakes/memory_keys.h"

namespace keel {
namespace {

using registry_client::RegistryClient;

std::string Program() { return std::string(KEEL_BIN_DIR) + "/keel-registry"; }

// keel-registry init, serve and so on in a folder of the test's own.
struct Registry {
  Registry() : dir(std::move(*base::TempDir::Create())), data(dir / "registry"), http(base::MakeBeastClient()) {
    const auto init = Run({"init", "--data", data, "--listen", "127.0.0.1:0", "--unprotected-keys"});
    EXPECT_EQ(init.state.code, 0) << init.err;
  }
  base::RunResult Run(std::vector<std::string> args) {
    base::SpawnOptions options;
    options.argv = {Program()};
    options.argv.insert(options.argv.end(), args.begin(), args.end());
    options.capture_stdout = options.capture_stderr = true;
    auto result = base::RunProcess(options, std::chrono::seconds(30));
    EXPECT_TRUE(result) << (result ? "" : result.error().Text());
    return result ? *result : base::RunResult{};
  }
  // Milliseconds until the ready line.
  uint64_t Start() {
    base::SpawnOptions options;
    options.argv = {Program(), "serve", "--data", data, "--ready-fd", "{ready-fd}"};
    options.env = {{"KEEL_QUOTA_ADDRESS_SPENDS", "1000000"}, {"KEEL_LOG_LEVEL", "warn"}};
    const uint64_t begin = base::MonotonicMs();
    auto spawned = base::ChildProcess::Spawn(options);
    EXPECT_TRUE(spawned);
    process.emplace(std::move(*spawned));
    const auto ready = process->WaitReady(std::chrono::seconds(20));
    EXPECT_TRUE(ready) << (ready ? "" : ready.error().Text());
    if (ready) url = base::GetString(*ready, "url").value();
    return base::MonotonicMs() - begin;
  }
  void Kill() {
    process->Signal(SIGKILL);
    EXPECT_TRUE(process->Wait(std::chrono::seconds(10)));
    process.reset();
  }
  std::unique_ptr<RegistryClient> Client() {
    registry_client::ClientOptions options;
    options.endpoints = {url};
    options.timeout_ms = 5000;
    const auto file = Run({"descriptor", "--data", data});
    auto client =
        RegistryClient::Create(net_keel.empty() ? net_keel = file.out : net_keel, *http, clock, random, options);
    EXPECT_TRUE(client) << (client ? "" : client.error().Text());
    return client ? std::move(*client) : nullptr;
  }
  base::TempDir dir;
  std::string data, url, net_keel;
  base::SystemClock clock;
  base::SystemRandom random;
  std::unique_ptr<base::HttpClient> http;
  std::optional<base::ChildProcess> process;
};

struct Spend {
  std::vector<uint8_t> entry;
  Bytes32 key{};
};
Spend MakeSpend(fakes::MemoryKeys& keys, const ledger::Net& net, uint64_t number) {
  const auto handle = keys.Generate(crypto::KeyType::kEd25519).value();
  const auto key = keys.Public(handle).value();
  ByteArray<ledger::kMaxPolicy> policy;
  const size_t p = ledger::WritePolicy(1, {&key, 1}, policy).value();
  const Bytes32 seal = ledger::SealOf(ByteView(policy).first(p));
  const Bytes32 link = crypto::Sha256::Of(std::to_string(number));
  ByteArray<ledger::kMaxSigs> sigs;
  const ledger::SealSigner signer{0, &keys, handle};
  const size_t s = ledger::SignSpend(net, seal, link, {&signer, 1}, sigs).value();
  Spend out;
  out.entry.resize(1024);
  out.entry.resize(
      ledger::WriteSpendEntry({seal, link, ByteView(policy).first(p), ByteView(sigs).first(s)}, out.entry).value());
  out.key = ledger::SealKey(seal);
  return out;
}

TEST(RegistryProcess, KilledAtRandomMomentsLosesNothingAcknowledged) {
  const char* set = std::getenv("KEEL_KILL_ROUNDS");
  const int rounds = set != nullptr ? std::atoi(set) : 8;
  Registry registry;
  registry.Start();
  std::mt19937_64 rng(static_cast<uint64_t>(rounds));
  std::mutex mutex;
  std::vector<std::pair<Bytes32, uint64_t>> acknowledged;
  uint64_t slowest = 0;
  for (int round = 0; round < rounds; ++round) {
    auto client = registry.Client();
    ASSERT_NE(client, nullptr);
    std::atomic<bool> stop = false;
    std::atomic<size_t> in_round = 0;
    std::vector<std::thread> writers;
    for (int w = 0; w < 3; ++w) {
      writers.emplace_back([&, w] {
        fakes::MemoryKeys keys("round " + std::to_string(round) + " writer " + std::to_string(w));
        for (uint64_t n = 0; !stop; ++n) {
          std::vector<Spend> spends;
          std::vector<std::vector<uint8_t>> entries;
          for (int i = 0; i < 8; ++i) {
            spends.push_back(MakeSpend(keys, client->net(), n * 8 + static_cast<uint64_t>(i)));
            entries.push_back(spends.back().entry);
          }
          const auto verdicts = client->Submit(entries);
          if (!verdicts) continue;  // unknown: not acknowledged
          std::lock_guard lock(mutex);
          for (size_t i = 0; i < spends.size(); ++i) {
            ASSERT_EQ((*verdicts)[i].code, Code::kOk) << (*verdicts)[i].detail;
            acknowledged.emplace_back(spends[i].key, (*verdicts)[i].index);
            ++in_round;
          }
        }
      });
    }
    // The moment: after a random number of acknowledgements and a random while.
    const size_t enough = rng() % 120;
    const uint64_t limit = base::MonotonicMs() + 10'000;
    while (in_round < enough && base::MonotonicMs() < limit) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::microseconds(rng() % 4000));
    registry.Kill();
    stop = true;
    for (auto& writer : writers) writer.join();
    slowest = std::max(slowest, registry.Start());
    client = registry.Client();
    ASSERT_NE(client, nullptr);
    for (size_t at = 0; at < acknowledged.size(); at += 1000) {
      std::vector<Bytes32> keys;
      for (size_t i = at; i < std::min(acknowledged.size(), at + 1000); ++i) keys.push_back(acknowledged[i].first);
      const auto proofs = client->ProveKeys(keys);
      ASSERT_TRUE(proofs) << proofs.error().Text();
      for (size_t i = 0; i < keys.size(); ++i) {
        ASSERT_TRUE(proofs->keys[i].value) << "an acknowledged spend is gone after round " << round;
        ASSERT_EQ(registry_client::SpentFrom(proofs->keys[i])->index, acknowledged[at + i].second);
      }
    }
  }
  std::printf("%d kills, %zu acknowledged, 0 lost, slowest start %lu ms\n", rounds, acknowledged.size(),
              static_cast<unsigned long>(slowest));
  EXPECT_GT(acknowledged.size(), 0u);
  EXPECT_LT(slowest, 5000u);
}

TEST(RegistryProcess, VerbsSayWhatIsWrong) {
  Registry registry;
  const std::string d = registry.data;
  EXPECT_EQ(registry.Run({"init", "--data", d, "--unprotected-keys"}).state.code, 2);  // twice
  EXPECT_EQ(registry.Run({"nonsense"}).state.code, 2);
  EXPECT_EQ(
      registry.Run({"init", "--data", registry.dir / "x", "--label", "Not a label", "--unprotected-keys"}).state.code,
      2);
  const auto down = registry.Run({"status", "--data", d});
  EXPECT_EQ(down.state.code, 3);
  EXPECT_NE(down.err.find("keel-registry serve"), std::string::npos) << down.err;
  EXPECT_EQ(registry.Run({"descriptor", "--data", d}).state.code, 3);  // the port isn't known yet
  registry.Start();
  const auto status = registry.Run({"status", "--data", d, "--json"});
  EXPECT_EQ(status.state.code, 0);
  EXPECT_NE(status.out.find("\"ready\":true"), std::string::npos) << status.out;
  EXPECT_EQ(registry.Run({"sponsor", "add", "did:keel:other:zzz", "--data", d}).state.code, 2);
  EXPECT_EQ(registry.Run({"account", "add", "key:bad", "--data", d}).state.code, 2);
  fakes::MemoryKeys keys("account");
  const std::string account =
      "key:" + fakes::MultikeyOf(keys.Public(keys.Generate(crypto::KeyType::kEd25519).value()).value());
  EXPECT_EQ(registry.Run({"account", "add", account, "--create", "--data", d}).state.code, 0);
  EXPECT_NE(registry.Run({"account", "list", "--data", d}).out.find(account), std::string::npos);
  EXPECT_EQ(registry.Run({"account", "remove", account, "--data", d}).state.code, 0);
  EXPECT_EQ(registry.Run({"sponsor", "list", "--data", d}).state.code, 0);
  EXPECT_EQ(registry.Run({"doctor", "--data", d}).state.code, 0);
  // A second process on the same folder is refused.
  EXPECT_EQ(registry.Run({"serve", "--data", d}).state.code, 2);
}

TEST(RegistryProcess, RestoredBackupRefusesToSign) {
  Registry registry;
  registry.Start();
  auto client = registry.Client();
  registry.process->Stop();
  ASSERT_EQ(std::system(("cp -r " + registry.data + "/ledger " + registry.dir.path() + "/backup").c_str()), 0);
  registry.Start();
  client = registry.Client();
  fakes::MemoryKeys keys("backup");
  const Spend spend = MakeSpend(keys, client->net(), 1);
  const std::vector<std::vector<uint8_t>> entries{spend.entry};
  ASSERT_TRUE(client->Submit(entries));
  registry.process->Stop();
  ASSERT_EQ(std::system(("rm -r " + registry.data + "/ledger && cp -r " + registry.dir.path() + "/backup " +
                         registry.data + "/ledger")
                            .c_str()),
            0);
  registry.Start();
  const auto ready = registry.http->Get(registry.url + "/readyz");
  ASSERT_TRUE(ready);
  EXPECT_EQ(ready->status, 503);
  EXPECT_NE(ready->body.find("restored from an old backup"), std::string::npos) << ready->body;
  client = registry.Client();
  EXPECT_FALSE(client->Submit(entries));
  EXPECT_FALSE(client->Checkpoint());
  const auto doctor = registry.Run({"doctor", "--data", registry.data});
  EXPECT_EQ(doctor.state.code, 1);
  EXPECT_NE(doctor.out.find("restored from an old backup"), std::string::npos) << doctor.out;
}

}  // namespace
}  // namespace keel
