// SPDX-License-Identifier: Apache-2.0
// HardwareCredentials as vc+jwt (EdDSA, did:key): issued and verified, beside raw Ed25519 over as many octets.
#include <benchmark/benchmark.h>
#include <sodium.h>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "crypto/hosted/software_key_store.h"
#include "crypto/signature.h"
#include "did/methods/key.h"
#include "vc/credential.h"
#include "vc/types.h"
#include "vc/verification.h"

namespace {

struct Issuer {
  Issuer() {
    const std::string multikey = keel::base::Multikey(*store->Public(key));
    did = "did:key:" + multikey;
    kid = did + "#" + multikey;
  }
  nlohmann::json Paper() const {
    keel::vc::HardwareRequest request;
    request.issuer = did;
    request.device = "did:keel:demo:zQmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbd";
    request.valid_from = 1'790'000'000;
    request.facts.serial = "SN-1";
    request.facts.model = "gateway";
    request.facts.microcontroller = "stm32u585";
    request.facts.operating_system = "zephyr";
    request.facts.memory_kib = 768;
    return keel::vc::HardwareCredential(request);
  }
  std::unique_ptr<keel::crypto::SoftwareKeyStore> store = keel::crypto::SoftwareKeyStore::CreateInMemory();
  keel::crypto::KeyHandle key = *store->Generate(keel::crypto::KeyType::kEd25519);
  std::string did, kid;
};

void Issue(benchmark::State& state) {
  Issuer issuer;
  for (auto _ : state) {
    auto jwt = keel::vc::IssueCredential(issuer.Paper(), *issuer.store, issuer.key, issuer.kid);
    if (!jwt) state.SkipWithError(jwt.error().Text().c_str());
    benchmark::DoNotOptimize(jwt);
  }
}
void Verify(benchmark::State& state) {
  Issuer issuer;
  const auto jwt = keel::vc::IssueCredential(issuer.Paper(), *issuer.store, issuer.key, issuer.kid);
  keel::did::KeyMethod resolver;
  keel::vc::VerifyOptions options;
  options.now = 1'790'000'100;
  for (auto _ : state) {
    const auto verdict = keel::vc::VerifyCredential(*jwt, resolver, options);
    if (!verdict || !verdict->valid()) state.SkipWithError(verdict ? verdict->Reason().c_str() : "could not check");
  }
}
void Raw(benchmark::State& state, bool sign) {
  uint8_t pk[32], sk[64], sig[64];
  crypto_sign_keypair(pk, sk);
  Issuer issuer;
  const std::string text = *keel::vc::IssueCredential(issuer.Paper(), *issuer.store, issuer.key, issuer.kid);
  const auto* octets = reinterpret_cast<const uint8_t*>(text.data());
  crypto_sign_detached(sig, nullptr, octets, text.size(), sk);
  for (auto _ : state) {
    if (sign) {
      crypto_sign_detached(sig, nullptr, octets, text.size(), sk);
    } else {
      benchmark::DoNotOptimize(crypto_sign_verify_detached(sig, octets, text.size(), pk));
    }
  }
}
BENCHMARK(Issue);
BENCHMARK(Verify);
BENCHMARK_CAPTURE(Raw, ed25519_sign, true);
BENCHMARK_CAPTURE(Raw, ed25519_verify, false);

}  // namespace

int main(int argc, char** argv) {
  keel::crypto::SetUpHostedCrypto();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
