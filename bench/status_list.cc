// SPDX-License-Identifier: Apache-2.0
// A status list of ten million places: encode, decode, revoke one, check one. Revoking is all that an issuer does but
// the registry's part: durable decision, the block's compression, the list's credential signed, kept durably.
#include <benchmark/benchmark.h>
#include <sodium.h>
#include <zlib.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <random>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "base/storage/key_value_store.h"
#include "crypto/hash.h"
#include "crypto/hosted/software_key_store.h"
#include "crypto/signature.h"
#include "did/methods/key.h"
#include "vc/credential.h"
#include "vc/schema/schema_checker.h"
#include "vc/status_list/encoder.h"
#include "vc/status_list/status_list.h"
#include "vc/types.h"

namespace {

using keel::vc::Bitstring;

constexpr uint64_t kPlaces = 10'000'000;

// `revoked` places set, at random.
Bitstring Sample(int64_t revoked) {
  std::mt19937_64 numbers(1);
  Bitstring list = *Bitstring::Create(kPlaces);
  for (int64_t i = 0; i < revoked; ++i) (void)list.Set(numbers() % kPlaces, true);
  return list;
}

void Encode(benchmark::State& state) {
  const Bitstring list = Sample(state.range(0));
  size_t size = 0;
  for (auto _ : state) size = list.Encode()->size();
  state.counters["characters"] = static_cast<double>(size);
}
void Decode(benchmark::State& state) {
  const std::string encoded = *Sample(state.range(0)).Encode();
  for (auto _ : state) benchmark::DoNotOptimize(Bitstring::Decode(encoded));
}

struct Issuer {
  Issuer() {
    const std::string multikey = keel::base::Multikey(*store->Public(key));
    did = "did:key:" + multikey;
    kid = did + "#" + multikey;
  }
  std::string Sign(std::string encoded, uint64_t version) {
    const keel::vc::StatusListRequest request{
        did, "http://127.0.0.1/status/1", {"revocation"}, version, 1'790'000'000, 1'790'086'400};
    return *keel::vc::IssueCredential(*keel::vc::StatusListCredential(request, std::move(encoded)), *store, key, kid);
  }
  std::unique_ptr<keel::crypto::SoftwareKeyStore> store = keel::crypto::SoftwareKeyStore::CreateInMemory();
  keel::crypto::KeyHandle key = *store->Generate(keel::crypto::KeyType::kEd25519);
  std::string did, kid;
};

void RevokeOne(benchmark::State& state) {
  Issuer issuer;
  keel::vc::StatusListEncoder list(Sample(state.range(0)));
  (void)list.Encode();
  const std::string folder = std::filesystem::temp_directory_path() / "keel-bench-status";
  std::filesystem::remove_all(folder);
  {
    const auto db = *keel::base::OpenLevelDb(folder);
    std::mt19937_64 numbers(2);
    uint64_t version = 1;
    for (auto _ : state) {
      uint64_t place = numbers() % kPlaces;
      while (*list.list().Get(place)) place = numbers() % kPlaces;
      keel::base::WriteBatch decision, publication;
      decision.Put("x/" + std::to_string(place), "SN-1");
      if (!db->Write(decision, keel::base::Sync::kYes)) state.SkipWithError("decision");
      (void)list.Set(place, true);
      const std::string jwt = issuer.Sign(*list.Encode(), ++version);
      benchmark::DoNotOptimize(keel::crypto::Sha256::Of(jwt));  // what is anchored
      publication.Put("s/list", keel::base::DumpJson({{"version", version}, {"jwt", jwt}}));
      if (!db->Write(publication, keel::base::Sync::kYes)) state.SkipWithError("publication");
    }
  }
  std::filesystem::remove_all(folder);
}
// Without the two synced writes: what the processor does.
void RevokeOneInMemory(benchmark::State& state) {
  Issuer issuer;
  keel::vc::StatusListEncoder list(Sample(state.range(0)));
  (void)list.Encode();
  std::mt19937_64 numbers(2);
  uint64_t version = 1;
  for (auto _ : state) {
    const uint64_t place = numbers() % kPlaces;
    (void)list.Set(place, !*list.list().Get(place));
    benchmark::DoNotOptimize(issuer.Sign(*list.Encode(), ++version));
  }
}
void CheckOne(benchmark::State& state) {
  Issuer issuer;
  const std::string jwt = issuer.Sign(*Sample(state.range(0)).Encode(), 1);
  keel::did::KeyMethod resolver;
  keel::vc::ListStatusChecker checker(
      resolver,
      {.fetch = [&](const std::string&) -> keel::Result<std::string> { return jwt; }, .anchored_version = {}});
  keel::vc::StatusEntry entry{"", "BitstringStatusListEntry", "revocation", 0, "http://127.0.0.1/status/1", 1, {}, {}};
  std::mt19937_64 numbers(3);
  for (auto _ : state) {
    entry.index = numbers() % kPlaces;
    const auto status = checker.Check(entry, issuer.did, 1'790'000'100);
    if (!status || !status->problem.empty()) state.SkipWithError("check");
  }
}
// Fetched, verified, expanded.
void CheckFirst(benchmark::State& state) {
  Issuer issuer;
  const std::string jwt = issuer.Sign(*Sample(state.range(0)).Encode(), 1);
  keel::did::KeyMethod resolver;
  const keel::vc::StatusEntry entry{"", "BitstringStatusListEntry", "revocation", 0, "http://127.0.0.1/status/1", 1, {},
                                    {}};
  for (auto _ : state) {
    keel::vc::ListStatusChecker checker(
        resolver,
        {.fetch = [&](const std::string&) -> keel::Result<std::string> { return jwt; }, .anchored_version = {}});
    if (!checker.Check(entry, issuer.did, 1'790'000'100)) state.SkipWithError("check");
  }
}
void RawGzip(benchmark::State& state) {
  const Bitstring list = Sample(state.range(0));
  std::vector<uint8_t> out(compressBound(kPlaces / 8));
  for (auto _ : state) {
    uLongf size = out.size();
    benchmark::DoNotOptimize(compress2(out.data(), &size, list.octets().data(), list.octets().size(), 9));
  }
}
void CheckSchema(benchmark::State& state) {
  keel::vc::HardwareRequest request;
  request.issuer = "did:keel:demo:zMaker";
  request.device = "did:keel:demo:zDevice";
  request.facts.serial = "SN-1";
  request.facts.model = "gateway";
  request.facts.microcontroller = "stm32u585";
  request.facts.memory_kib = 768;
  const nlohmann::json credential = keel::vc::HardwareCredential(request);
  for (auto _ : state) {
    if (!keel::vc::CheckOwnSchemas(credential)) state.SkipWithError("schema");
  }
}

void Sizes(benchmark::internal::Benchmark* b) { b->Arg(0)->Arg(10'000)->Arg(100'000)->Unit(benchmark::kMillisecond); }
BENCHMARK(Encode)->Apply(Sizes);
BENCHMARK(RawGzip)->Apply(Sizes);
BENCHMARK(Decode)->Apply(Sizes);
BENCHMARK(RevokeOne)->Apply(Sizes)->UseRealTime();
BENCHMARK(RevokeOneInMemory)->Apply(Sizes);
BENCHMARK(CheckFirst)->Apply(Sizes);
BENCHMARK(CheckOne)->Arg(100'000);
BENCHMARK(CheckSchema);

}  // namespace

int main(int argc, char** argv) {
  keel::crypto::SetUpHostedCrypto();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
