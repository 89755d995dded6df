// SPDX-License-Identifier: Apache-2.0
// The local engine on LevelDB, every commit synced: anchors in transactions of 1, 64 and 1,024 entries, resolves with
// proofs; beside a bare synced LevelDB write and Ed25519. Wall time, since it waits for the disk.
#include <benchmark/benchmark.h>
#include <sodium.h>

#include "registry-node/proof.h"
#include "tests/unit/registry/fixture.h"

namespace {

using keel::ByteView;
using keel::registry::TestNode;
using Octets = keel::fakes::Octets;

std::string Transaction(const std::vector<Octets>& entries) {
  const std::vector<ByteView> views(entries.begin(), entries.end());
  Octets rest(4 << 20), tx(4 << 20);
  rest.resize(keel::ledger::WriteTransactionRest(views, rest).value());
  tx.resize(keel::ledger::WriteTransaction({}, rest, tx).value());
  return std::string(keel::AsText(tx));
}

// Signature checks and the durable commit of one transaction after the other.
void Anchors(benchmark::State& state) {
  const auto batch = static_cast<size_t>(state.range(0));
  TestNode t(true);
  if (!t.Open()) return;
  for (auto _ : state) {
    state.PauseTiming();
    std::vector<Octets> entries;
    for (size_t i = 0; i < batch; ++i) entries.push_back(t.FreshSpend());
    const std::string octets = Transaction(entries);
    state.ResumeTiming();
    auto prepared = keel::registry::PrepareTransaction(t.world.net, keel::AsBytes(octets));
    const auto verdicts = t.node->Apply(std::move(*prepared), true);
    if (!verdicts) state.SkipWithError("not anchored");
  }
  state.counters["entries"] = benchmark::Counter(static_cast<double>(batch) * static_cast<double>(state.iterations()),
                                                 benchmark::Counter::kIsRate);
}
void Resolves(benchmark::State& state) {
  TestNode t(true);
  if (!t.Open()) return;
  std::vector<keel::fakes::Identity> dids;
  std::vector<Octets> entries;
  for (size_t i = 0; i < 1000; ++i) {
    dids.push_back(t.world.CreateIdentity());
    entries.push_back(keel::registry::OperationEntry(dids.back().jws[0]));
  }
  const std::string octets = Transaction(entries);
  if (!t.node->Apply(std::move(*keel::registry::PrepareTransaction(t.world.net, keel::AsBytes(octets))), true)) return;
  const auto view = t.node->view();
  size_t i = 0;
  for (auto _ : state) {
    const auto bundle = keel::registry::DidBundle(*view, "demo", dids[i++ % dids.size()].did);
    if (!bundle || !bundle->found) state.SkipWithError("not found");
    benchmark::DoNotOptimize(bundle);
  }
}
void RawLevelDbSynced(benchmark::State& state) {
  const auto batch = static_cast<size_t>(state.range(0));
  const auto dir = *keel::base::TempDir::Create("keel-bench");
  const auto store = *keel::base::OpenLevelDb(dir / "db");
  uint64_t n = 0;
  for (auto _ : state) {
    keel::base::WriteBatch writes;
    for (size_t i = 0; i < batch; ++i) writes.Put("k" + std::to_string(n++ * 7919), std::string(300, 'v'));
    if (!store->Write(writes, keel::base::Sync::kYes)) state.SkipWithError("write");
  }
  state.counters["entries"] = benchmark::Counter(static_cast<double>(batch) * static_cast<double>(state.iterations()),
                                                 benchmark::Counter::kIsRate);
}
void RawEd25519Verify(benchmark::State& state) {
  uint8_t pk[32], sk[64], sig[64], text[200] = {};
  crypto_sign_keypair(pk, sk);
  crypto_sign_detached(sig, nullptr, text, sizeof text, sk);
  for (auto _ : state) benchmark::DoNotOptimize(crypto_sign_verify_detached(sig, text, sizeof text, pk));
}
BENCHMARK(Anchors)->Arg(1)->Arg(64)->Arg(1024)->UseRealTime();
BENCHMARK(RawLevelDbSynced)->Arg(1)->Arg(64)->Arg(1024)->UseRealTime();
BENCHMARK(Resolves);
BENCHMARK(RawEd25519Verify);

}  // namespace

int main(int argc, char** argv) {
  keel::crypto::SetUpHostedCrypto();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
