// SPDX-License-Identifier: Apache-2.0
// Credentials with Data Integrity proofs, issued and verified with each suite, beside the raw signature of the same run
// over what the suite signs.
#include <benchmark/benchmark.h>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/json_strict.h"
#include "crypto/hosted/software_key_store.h"
#include "crypto/signature.h"
#include "did/methods/key.h"
#include "vc/data_integrity/derive.h"
#include "vc/data_integrity/proof.h"
#include "vc/data_integrity/verify.h"

namespace {

using keel::crypto::KeyType;
using keel::vc::Cryptosuite;
using nlohmann::json;

constexpr keel::UnixSeconds kNow = 1'790'000'000;

struct Maker {
  explicit Maker(KeyType type) : key(*store->Generate(type)), public_key(*store->Public(key)) {
    const std::string multikey = keel::base::Multikey(public_key);
    did = "did:key:" + multikey;
    method = did + "#" + multikey;
  }
  json Paper() const {
    return {{"@context", {"https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/examples/v2"}},
            {"id", "urn:uuid:58172aac-d8ba-11ed-83dd-0b3aef56cc33"},
            {"type", {"VerifiableCredential", "AlumniCredential"}},
            {"name", "Alumni Credential"},
            {"description", "A minimum viable example of an Alumni Credential."},
            {"issuer", did},
            {"validFrom", "2023-01-01T00:00:00Z"},
            {"credentialSubject", {{"id", "did:example:abcdefgh"}, {"alumniOf", "The School of Examples"}}}};
  }
  keel::vc::ProofOptions Options(Cryptosuite suite) const {
    keel::vc::ProofOptions options;
    options.cryptosuite = suite;
    options.verification_method = method;
    options.created = kNow - 10;
    return options;
  }
  std::unique_ptr<keel::crypto::SoftwareKeyStore> store = keel::crypto::SoftwareKeyStore::CreateInMemory();
  keel::crypto::KeyHandle key;
  keel::crypto::PublicKey public_key;
  std::string did, method;
};

void Issue(benchmark::State& state, Cryptosuite suite, KeyType type) {
  const Maker maker(type);
  const json paper = maker.Paper();
  const keel::vc::ProofOptions options = maker.Options(suite);
  for (auto _ : state) {
    auto secured = keel::vc::AddProof(paper, options, *maker.store, maker.key);
    if (!secured) state.SkipWithError(secured.error().Text().c_str());
    benchmark::DoNotOptimize(keel::base::DumpJson(*secured));
  }
}

void Verify(benchmark::State& state, Cryptosuite suite, KeyType type) {
  const Maker maker(type);
  auto secured = keel::vc::AddProof(maker.Paper(), maker.Options(suite), *maker.store, maker.key);
  if (suite == Cryptosuite::kEcdsaSd2023) secured = keel::vc::Derive(*secured, {"/credentialSubject/alumniOf"});
  const std::string text = keel::base::DumpJson(*secured);
  // As services have it: the issuer's document is resolved once a minute.
  keel::did::KeyMethod method;
  keel::base::SystemClock clock;
  keel::did::CachingResolver resolver(method, clock);
  keel::vc::VerifyOptions options;
  options.now = kNow;
  for (auto _ : state) {
    const auto verdict = keel::vc::VerifyDataIntegrity(text, resolver, options);
    if (!verdict || !verdict->valid()) state.SkipWithError(verdict ? verdict->Reason().c_str() : "could not check");
  }
}

void Derive(benchmark::State& state) {
  const Maker maker(KeyType::kP256);
  const auto secured =
      keel::vc::AddProof(maker.Paper(), maker.Options(Cryptosuite::kEcdsaSd2023), *maker.store, maker.key);
  for (auto _ : state) {
    auto derived = keel::vc::Derive(*secured, {"/credentialSubject/alumniOf"});
    if (!derived) state.SkipWithError(derived.error().Text().c_str());
  }
}

// What a suite signs is two digests.
void Raw(benchmark::State& state, KeyType type, bool sign) {
  const Maker maker(type);
  const keel::base::ByteVec data(type == KeyType::kP384 ? 96 : 64, 7);
  keel::ByteArray<keel::crypto::kMaxSignature> signature;
  const size_t length = *maker.store->Sign(maker.key, data, signature);
  for (auto _ : state) {
    if (sign) {
      benchmark::DoNotOptimize(maker.store->Sign(maker.key, data, signature));
    } else {
      benchmark::DoNotOptimize(keel::crypto::Verify(maker.public_key, data, keel::ByteView(signature).first(length)));
    }
  }
}

#define KEEL_SUITE(name, suite, type)                                \
  BENCHMARK_CAPTURE(Issue, name, Cryptosuite::suite, KeyType::type); \
  BENCHMARK_CAPTURE(Verify, name, Cryptosuite::suite, KeyType::type)

BENCHMARK_CAPTURE(Raw, ed25519_sign, KeyType::kEd25519, true);
BENCHMARK_CAPTURE(Raw, ed25519_verify, KeyType::kEd25519, false);
KEEL_SUITE(eddsa_jcs_2022, kEddsaJcs2022, kEd25519);
KEEL_SUITE(eddsa_rdfc_2022, kEddsaRdfc2022, kEd25519);
BENCHMARK_CAPTURE(Raw, p256_sign, KeyType::kP256, true);
BENCHMARK_CAPTURE(Raw, p256_verify, KeyType::kP256, false);
KEEL_SUITE(ecdsa_jcs_2019_p256, kEcdsaJcs2019, kP256);
KEEL_SUITE(ecdsa_rdfc_2019_p256, kEcdsaRdfc2019, kP256);
KEEL_SUITE(ecdsa_sd_2023, kEcdsaSd2023, kP256);
BENCHMARK(Derive);
BENCHMARK_CAPTURE(Raw, p384_sign, KeyType::kP384, true);
BENCHMARK_CAPTURE(Raw, p384_verify, KeyType::kP384, false);
KEEL_SUITE(ecdsa_jcs_2019_p384, kEcdsaJcs2019, kP384);
KEEL_SUITE(ecdsa_rdfc_2019_p384, kEcdsaRdfc2019, kP384);

}  // namespace

int main(int argc, char** argv) {
  keel::crypto::SetUpHostedCrypto();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
