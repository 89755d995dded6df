// SPDX-License-Identifier: Apache-2.0
// A HardwareCredential as vc+jwt, SD-JWT VC and vc+cose, issued and verified with each algorithm, beside the key
// store's own signing and crypto::Verify over as many octets in the same run. The issuer's document comes from a
// resolver that has it.
#include <benchmark/benchmark.h>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "crypto/hosted/software_key_store.h"
#include "did/jose.h"
#include "did/methods/key.h"
#include "did/resolver.h"
#include "vc/cose/credential.h"
#include "vc/cose/verify.h"
#include "vc/sd_jwt/hardware.h"
#include "vc/sd_jwt/verify.h"
#include "vc/types.h"

namespace {

using namespace keel;

constexpr UnixSeconds kNow = 1'790'000'100;

struct World {
  explicit World(crypto::KeyType type) : key(*store->Generate(type)) {
    did = did::DidKey(*store->Public(key));
    kid = did::DidKeyUrl(*store->Public(key));
    holder_kid = *store->Public(holder);
    vc::HardwareRequest request;
    request.issuer = did;
    request.device = "did:keel:demo:zQmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbd";
    request.valid_from = kNow - 100;
    request.facts.serial = "SN-1";
    request.facts.model = "gateway";
    request.facts.microcontroller = "stm32u585";
    request.facts.operating_system = "zephyr";
    request.facts.memory_kib = 768;
    paper = vc::HardwareCredential(request);
    options.now = kNow;
    methods.Add("key", method);
  }
  std::string SdJwt() const {
    return *vc::IssueHardwareSdJwt(paper, kid, holder_kid, crypto::SystemRandom(), *store, key);
  }
  std::string Presented() const {
    const vc::KeyBinding binding{
        .audience = "did:example:owner", .nonce = "n-1", .iat = kNow, .store = store.get(), .key = holder};
    return *vc::PresentSdJwt(SdJwt(), {"/model"}, &binding);
  }

  std::unique_ptr<crypto::SoftwareKeyStore> store = crypto::SoftwareKeyStore::CreateInMemory();
  crypto::KeyHandle key, holder = *store->Generate(crypto::KeyType::kEd25519);
  crypto::PublicKey holder_kid;
  std::string did, kid;
  nlohmann::json paper;
  vc::VerifyOptions options;
  did::KeyMethod method;
  did::MethodResolver methods;
  base::SystemClock clock;
  did::CachingResolver resolver{methods, clock};
};

void Judge(benchmark::State& state, const Result<vc::Verification>& verdict) {
  if (!verdict || !verdict->valid()) state.SkipWithError(verdict ? verdict->Reason().c_str() : "could not check");
}

void RawSign(benchmark::State& state, crypto::KeyType type) {
  const World world(type);
  const std::string text = *vc::IssueCredential(world.paper, *world.store, world.key, world.kid);
  ByteArray<crypto::kMaxSignature> signature;
  for (auto _ : state) benchmark::DoNotOptimize(world.store->Sign(world.key, AsBytes(text), signature));
}
void RawVerify(benchmark::State& state, crypto::KeyType type) {
  const World world(type);
  const auto jws = *did::Jws::Parse(*vc::IssueCredential(world.paper, *world.store, world.key, world.kid));
  const auto key = *world.store->Public(world.key);
  for (auto _ : state) benchmark::DoNotOptimize(crypto::VerifyEitherS(key, AsBytes(jws.signing_input), jws.signature));
}
void JwtIssue(benchmark::State& state, crypto::KeyType type) {
  const World world(type);
  for (auto _ : state) benchmark::DoNotOptimize(vc::IssueCredential(world.paper, *world.store, world.key, world.kid));
}
void JwtVerify(benchmark::State& state, crypto::KeyType type) {
  World world(type);
  const std::string token = *vc::IssueCredential(world.paper, *world.store, world.key, world.kid);
  for (auto _ : state) Judge(state, vc::VerifyCredential(token, world.resolver, world.options));
}
void SdJwtIssue(benchmark::State& state, crypto::KeyType type) {
  const World world(type);
  for (auto _ : state) benchmark::DoNotOptimize(world.SdJwt());
}
void SdJwtVerify(benchmark::State& state, crypto::KeyType type) {
  World world(type);
  const std::string token = world.SdJwt();
  for (auto _ : state) Judge(state, vc::VerifySdJwt(token, world.resolver, world.options));
}
// With the holder's key binding (EdDSA): two signatures.
void SdJwtVerifyBound(benchmark::State& state, crypto::KeyType type) {
  World world(type);
  world.options.audience = "did:example:owner";
  world.options.nonce = "n-1";
  const std::string token = world.Presented();
  for (auto _ : state) Judge(state, vc::VerifySdJwt(token, world.resolver, world.options));
}
void CoseIssue(benchmark::State& state, crypto::KeyType type) {
  const World world(type);
  for (auto _ : state) benchmark::DoNotOptimize(vc::IssueCose(world.paper, *world.store, world.key, world.kid));
}
void CoseVerify(benchmark::State& state, crypto::KeyType type) {
  World world(type);
  const base::ByteVec token = *vc::IssueCose(world.paper, *world.store, world.key, world.kid);
  for (auto _ : state) Judge(state, vc::VerifyCose(AsText(token), world.resolver, world.options));
}

using Row = void (*)(benchmark::State&, crypto::KeyType);
constexpr std::pair<const char*, Row> kRows[] = {
    {"raw_sign", RawSign},          {"jwt_issue", JwtIssue},     {"sd_jwt_issue", SdJwtIssue},
    {"cose_issue", CoseIssue},      {"raw_verify", RawVerify},   {"jwt_verify", JwtVerify},
    {"sd_jwt_verify", SdJwtVerify}, {"cose_verify", CoseVerify}, {"sd_jwt_verify_bound", SdJwtVerifyBound}};
constexpr std::pair<const char*, crypto::KeyType> kKeys[] = {{"EdDSA", crypto::KeyType::kEd25519},
                                                             {"ES256", crypto::KeyType::kP256},
                                                             {"ES384", crypto::KeyType::kP384},
                                                             {"ES256K", crypto::KeyType::kSecp256k1}};

}  // namespace

int main(int argc, char** argv) {
  crypto::SetUpHostedCrypto();
  benchmark::Initialize(&argc, argv);
  for (const auto& [algorithm, type] : kKeys) {
    for (const auto& [name, row] : kRows) {
      benchmark::RegisterBenchmark((std::string(algorithm) + "/" + name).c_str(),
                                   [row = row, type = type](benchmark::State& state) { row(state, type); });
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
