// SPDX-License-Identifier: Apache-2.0
// DIDComm messages packed and unpacked, each beside its raw primitives in the same run. One thread; CPU time. After the
// benchmarks' own lines comes a table of ratios; allocations are a message's, of the whole process.
#include <benchmark/benchmark.h>
#include <malloc.h>

#include <cstdio>
#include <map>
#include <vector>

#include "bench/envelope_raw.h"
#include "crypto/hosted/software_key_store.h"
#include "crypto/signature.h"
#include "did/key_finder.h"
#include "did/methods/peer.h"
#include "didcomm/pack.h"
#include "didcomm/unpack.h"
#include "tests/fakes/heap_count.h"

namespace {

using keel::crypto::KeyType;
using namespace keel::didcomm;  // NOLINT(google-build-using-namespace)

// Documents are resolved once, as with any resolver that keeps them.
struct Person {
  Person(KeyType agreement, KeyType signing) {
    const auto sign = *store->Generate(signing);
    const auto agree = *store->Generate(agreement);
    const keel::did::PeerKey keys[] = {{keel::did::Relationship::kAuthentication, *store->Public(sign)},
                                       {keel::did::Relationship::kKeyAgreement, *store->Public(agree)}};
    did = *keel::did::CreatePeer2(keys);
    finder.Add(did + "#key-1", {store.get(), sign});
    finder.Add(did + "#key-2", {store.get(), agree});
  }
  std::unique_ptr<keel::crypto::SoftwareKeyStore> store = keel::crypto::SoftwareKeyStore::CreateInMemory();
  std::string did;
  keel::did::MapKeyFinder finder;
};

struct World {
  World(KeyType agreement, KeyType signing) : alice(agreement, signing), bob(agreement, signing) {
    keel::did::PeerMethod method;
    for (const Person* person : {&alice, &bob}) resolver.Add(*method.Resolve(person->did)->document);
  }
  Message MessageOf(size_t size, bool anonymous) const {
    Message message;
    message.id = NewMessageId();
    message.type = "https://example.org/bench/1.0/data";
    if (!anonymous) message.from = alice.did;
    message.to = {bob.did};
    message.body = "{\"x\":\"" + std::string(size, 'x') + "\"}";
    return message;
  }
  Person alice, bob;
  keel::did::StaticResolver resolver;
  AgreementCache agreements;
};

enum Kind { kAuthcrypt, kAuthcryptCached, kAnoncrypt, kSigned };
constexpr const char* kKindNames[] = {"authcrypt", "authcrypt, pair cached", "anoncrypt", "signed"};

keel::Result<Packed> Pack(World& w, Kind kind, const Message& message) {
  PackOptions options;
  if (kind == kAuthcryptCached) options.agreements = &w.agreements;
  switch (kind) {
    case kAnoncrypt: return PackAnoncrypt(message, w.bob.did, w.alice.finder, w.resolver, options);
    case kSigned: return PackSigned(message, w.alice.did, w.alice.finder, w.resolver);
    case kAuthcrypt:
    case kAuthcryptCached: break;
  }
  return PackAuthcrypt(message, w.alice.did, w.bob.did, w.alice.finder, w.resolver, options);
}

// Of one kind, curve and size: operations a second of CPU.
struct Row {
  double pack = 0, unpack = 0, raw_pack = 0, raw_unpack = 0, pack_allocations = 0, unpack_allocations = 0;
};
std::map<std::string, Row> g_rows;
std::vector<std::string> g_order;

void Run(benchmark::State& state, const std::function<void()>& work, double Row::* allocations,
         const std::string& row) {
  work();
  const size_t before = keel::fakes::HeapAllocations();
  work();
  const auto each = static_cast<double>(keel::fakes::HeapAllocations() - before);
  for (auto _ : state) work();
  if (allocations != nullptr) {
    state.counters["allocs"] = each;
    g_rows[row].*allocations = each;
  }
}

class Reporter final : public benchmark::ConsoleReporter {
 public:
  void ReportRuns(const std::vector<benchmark::BenchmarkReporter::Run>& runs) override {
    ConsoleReporter::ReportRuns(runs);
    for (const auto& run : runs) {
      const auto it = targets.find(run.run_name.function_name);
      if (it == targets.end() || run.iterations == 0 || run.run_type != Run::RT_Iteration) continue;
      g_rows[it->second.row].*it->second.rate = static_cast<double>(run.iterations) / run.cpu_accumulated_time;
    }
  }
  struct Target {
    std::string row;
    double Row::* rate;
  };
  std::map<std::string, Target> targets;
};

void Register(Reporter& reporter, const std::string& row, const char* what, double Row::* rate,
              double Row::* allocations, std::function<void()> work) {
  const std::string name = row + "/" + what;
  reporter.targets[name] = {row, rate};
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) { Run(state, work, allocations, row); });
}

void RegisterAll(Reporter& reporter, const char* curve, KeyType agreement, KeyType signing) {
  auto world = std::make_shared<World>(agreement, signing);
  for (const Kind kind : {kAuthcrypt, kAuthcryptCached, kAnoncrypt, kSigned}) {
    if (kind == kSigned && agreement == KeyType::kP384) continue;  // DIDComm signs with P-256 and Ed25519
    for (const size_t size : {size_t{100}, size_t{1024}, size_t{65536}}) {
      const std::string row = std::string(curve) + " " + kKindNames[kind] + " " +
                              (size == 65536  ? "64 KiB"
                               : size == 1024 ? "1 KiB"
                                              : "100 B");
      g_order.push_back(row);
      const Message message = world->MessageOf(size, kind == kAnoncrypt);
      const auto packed = Pack(*world, kind, message);
      if (!packed) {
        std::fprintf(stderr, "%s: %s\n", row.c_str(), packed.error().Text().c_str());
        std::exit(1);
      }
      Register(reporter, row, "pack", &Row::pack, &Row::pack_allocations, [world, kind, message] {
        auto result = Pack(*world, kind, message);
        benchmark::DoNotOptimize(result);
        KEEL_ASSERT(result.has_value());
      });
      UnpackOptions options;
      if (kind == kAuthcryptCached) options.agreements = &world->agreements;
      const std::string text = packed->text;
      Register(reporter, row, "unpack", &Row::unpack, &Row::unpack_allocations, [world, options, text] {
        auto result = Unpack(text, world->bob.finder, world->resolver, options);
        benchmark::DoNotOptimize(result);
        KEEL_ASSERT(result.has_value());
      });
      // The raw side works on the plaintext as it is, or in base64url where it is that which is signed.
      const size_t plain = packed->plaintext.size();
      if (kind == kSigned) {
        const size_t signed_octets = plain * 4 / 3 + 90;
        Register(reporter, row, "raw pack", &Row::raw_pack, nullptr, keel::bench::RawSign(signing, signed_octets));
        Register(reporter, row, "raw unpack", &Row::raw_unpack, nullptr,
                 keel::bench::RawVerify(signing, signed_octets));
      } else {
        // Both rows of authcrypt are measured against all of the agreements: what caching gains is then seen.
        const int agreements = kind == kAnoncrypt ? 1 : 2;
        const bool cbc = kind != kAnoncrypt;
        Register(reporter, row, "raw pack", &Row::raw_pack, nullptr,
                 keel::bench::RawPack(agreement, agreements, cbc, plain));
        Register(reporter, row, "raw unpack", &Row::raw_unpack, nullptr,
                 keel::bench::RawUnpack(agreement, agreements, cbc, plain));
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  // As in a program that lives on, what is freed is kept for the next message: given back to the system after each one
  // of 64 KiB, it would cost as much as their signature.
  mallopt(M_TRIM_THRESHOLD, 64 << 20);
  mallopt(M_MMAP_THRESHOLD, 32 << 20);
  keel::crypto::SetUpHostedCrypto();
  Reporter reporter;
  RegisterAll(reporter, "X25519", KeyType::kX25519, KeyType::kEd25519);
  RegisterAll(reporter, "P-256", KeyType::kP256, KeyType::kP256);
  RegisterAll(reporter, "P-384", KeyType::kP384, KeyType::kP256);
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks(&reporter);
  std::printf(
      "\n| message | pack/s | of raw | allocations | unpack/s | of raw | allocations "
      "|\n|---|---|---|---|---|---|---|\n");
  for (const std::string& name : g_order) {
    const Row& row = g_rows[name];
    if (row.pack == 0 || row.unpack == 0) continue;
    std::printf("| %s | %.0f | %.0f %% | %.0f | %.0f | %.0f %% | %.0f |\n", name.c_str(), row.pack,
                row.raw_pack == 0 ? 0 : 100 * row.pack / row.raw_pack, row.pack_allocations, row.unpack,
                row.raw_unpack == 0 ? 0 : 100 * row.unpack / row.raw_unpack, row.unpack_allocations);
  }
  return 0;
}
