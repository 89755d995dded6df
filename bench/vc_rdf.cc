// SPDX-License-Identifier: Apache-2.0
// What a cryptosuite of RDF does besides signing: JSON-LD to RDF and RDFC-1.0 over a credential and its proof's
// options, beside SHA-256 over the canonical form alone.
#include <benchmark/benchmark.h>

#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "crypto/hash.h"
#include "vc/json_ld/to_rdf.h"
#include "vc/rdf/canonicalize.h"

namespace {

using namespace keel;

// 24 quads, three blank nodes.
constexpr std::string_view kCredential = R"({
  "@context": ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/examples/v2"],
  "id": "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33",
  "type": ["VerifiableCredential", "ExampleDeviceCredential"],
  "name": "Device", "description": "A device of a fleet.",
  "issuer": {"id": "did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2", "name": "Acme"},
  "validFrom": "2026-01-01T00:00:00Z", "validUntil": "2036-01-01T00:00:00Z",
  "credentialStatus": {"type": "BitstringStatusListEntry", "statusPurpose": "revocation", "statusListIndex": "94567",
    "statusListCredential": "https://acme.example/status/3"},
  "credentialSubject": {"id": "did:example:device", "type": "Device", "serial": "SN-1", "model": "gateway",
    "hardware": {"microcontroller": "stm32u585", "memoryKib": 768}, "firmware": {"version": "2.0.0", "sequence": 2}}})";
constexpr std::string_view kProof = R"({
  "@context": ["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/examples/v2"],
  "type": "DataIntegrityProof", "cryptosuite": "eddsa-rdfc-2022", "created": "2026-02-24T23:36:38Z",
  "verificationMethod": "did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2#z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2",
  "proofPurpose": "assertionMethod"})";

std::string Canonical(const nlohmann::json& document) {
  const auto dataset = json_ld::ToRdf(document, json_ld::BundledContexts());
  if (!dataset) return "";
  const auto canonical = rdf::Canonicalize(*dataset);
  return canonical ? canonical->Text() : "";
}

void Parse(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(base::ParseJson(kCredential));
}
void ToRdf(benchmark::State& state) {
  const auto document = *base::ParseJson(kCredential);
  for (auto _ : state) {
    const auto dataset = json_ld::ToRdf(document, json_ld::BundledContexts());
    if (!dataset) state.SkipWithError(dataset.error().Text().c_str());
  }
}
void Canonicalize(benchmark::State& state) {
  const auto dataset = *json_ld::ToRdf(*base::ParseJson(kCredential), json_ld::BundledContexts());
  for (auto _ : state) benchmark::DoNotOptimize(rdf::Canonicalize(dataset));
}
void CredentialAndProof(benchmark::State& state) {
  for (auto _ : state) {
    const std::string document = Canonical(*base::ParseJson(kCredential)), proof = Canonical(*base::ParseJson(kProof));
    if (document.empty() || proof.empty()) state.SkipWithError("not canonicalized");
    benchmark::DoNotOptimize(crypto::Sha256::Of(document));
    benchmark::DoNotOptimize(crypto::Sha256::Of(proof));
  }
}
void RawSha256(benchmark::State& state) {
  const std::string document = Canonical(*base::ParseJson(kCredential)), proof = Canonical(*base::ParseJson(kProof));
  for (auto _ : state) {
    benchmark::DoNotOptimize(crypto::Sha256::Of(document));
    benchmark::DoNotOptimize(crypto::Sha256::Of(proof));
  }
}
BENCHMARK(Parse);
BENCHMARK(ToRdf);
BENCHMARK(Canonicalize);
BENCHMARK(CredentialAndProof);
BENCHMARK(RawSha256);

}  // namespace

BENCHMARK_MAIN();
