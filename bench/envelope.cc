// SPDX-License-Identifier: Apache-2.0
// DIDComm envelopes of X25519, each beside its raw primitives. One thread; the library's own time is CPU time.
#include <benchmark/benchmark.h>
#include <sodium.h>

#include <span>

#include "crypto/aead.h"
#include "crypto/agreement.h"
#include "crypto/hosted/software_key_store.h"
#include "crypto/signature.h"
#include "did/key_finder.h"
#include "did/methods/peer.h"
#include "didcomm/pack.h"
#include "didcomm/unpack.h"

namespace {

using keel::crypto::KeyType;

struct Person {
  Person() {
    const auto sign = *store->Generate(KeyType::kEd25519);
    agree = *store->Generate(KeyType::kX25519);
    const keel::did::PeerKey keys[] = {{keel::did::Relationship::kAuthentication, *store->Public(sign)},
                                       {keel::did::Relationship::kKeyAgreement, *store->Public(agree)}};
    did = *keel::did::CreatePeer2(keys);
    finder.Add(did + "#key-1", {store.get(), sign});
    finder.Add(did + "#key-2", {store.get(), agree});
  }
  std::unique_ptr<keel::crypto::SoftwareKeyStore> store = keel::crypto::SoftwareKeyStore::CreateInMemory();
  keel::crypto::KeyHandle agree;
  std::string did;
  keel::did::MapKeyFinder finder;
};

struct World {
  Person alice, bob;
  keel::did::PeerMethod resolver;
  keel::didcomm::AgreementCache agreements;
};
World& TheWorld() {
  static World world;
  return world;
}

keel::didcomm::Message MessageOf(size_t size) {
  keel::didcomm::Message message;
  message.id = keel::didcomm::NewMessageId();
  message.type = "https://example.org/bench/1.0/data";
  message.from = TheWorld().alice.did;
  message.to = {TheWorld().bob.did};
  message.body = "{\"x\":\"" + std::string(size, 'x') + "\"}";
  return message;
}

enum Kind { kAuthcrypt, kAuthcryptCached, kAnoncrypt, kSigned };

keel::Result<keel::didcomm::Packed> Pack(Kind kind, const keel::didcomm::Message& message) {
  World& w = TheWorld();
  keel::didcomm::PackOptions options;
  if (kind == kAuthcryptCached) options.agreements = &w.agreements;
  switch (kind) {
    case kAnoncrypt: return keel::didcomm::PackAnoncrypt(message, w.bob.did, w.alice.finder, w.resolver, options);
    case kSigned: return keel::didcomm::PackSigned(message, w.alice.did, w.alice.finder, w.resolver);
    default: return keel::didcomm::PackAuthcrypt(message, w.alice.did, w.bob.did, w.alice.finder, w.resolver, options);
  }
}

void Packs(benchmark::State& state, Kind kind) {
  auto message = MessageOf(static_cast<size_t>(state.range(0)));
  if (kind == kAnoncrypt) message.from.clear();
  for (auto _ : state) {
    auto packed = Pack(kind, message);
    if (!packed) state.SkipWithError(packed.error().Text().c_str());
    benchmark::DoNotOptimize(packed);
  }
}
void Unpacks(benchmark::State& state, Kind kind) {
  World& w = TheWorld();
  auto message = MessageOf(static_cast<size_t>(state.range(0)));
  if (kind == kAnoncrypt) message.from.clear();
  const auto packed = Pack(kind, message);
  if (!packed) {
    state.SkipWithError(packed.error().Text().c_str());
    return;
  }
  keel::didcomm::UnpackOptions options;
  if (kind == kAuthcryptCached) options.agreements = &w.agreements;
  for (auto _ : state) {
    auto opened = keel::didcomm::Unpack(packed->text, w.bob.finder, w.resolver, options);
    if (!opened) state.SkipWithError(opened.error().Text().c_str());
    benchmark::DoNotOptimize(opened);
  }
}

// What an authcrypt pack can't do without: an ephemeral key, two agreements, a key wrapped, the content.
void RawAuthcryptPack(benchmark::State& state, int agreements) {
  std::vector<uint8_t> plain(static_cast<size_t>(state.range(0)) + 300), out(plain.size() + 32);
  uint8_t scalar[32], point[32], shared[32], key[64] = {1}, iv[16] = {2}, tag[32], kek[32] = {3}, wrapped[72];
  randombytes_buf(scalar, sizeof scalar);
  crypto_scalarmult_base(point, scalar);
  for (auto _ : state) {
    randombytes_buf(scalar, sizeof scalar);
    uint8_t ephemeral[32];
    crypto_scalarmult_base(ephemeral, scalar);
    for (int i = 0; i < agreements; ++i) benchmark::DoNotOptimize(crypto_scalarmult(shared, scalar, point));
    benchmark::DoNotOptimize(keel::crypto::CbcHmacEncrypt(keel::crypto::kOpenSslAes, key, iv, {}, plain, out, tag));
    benchmark::DoNotOptimize(keel::crypto::AesKwWrap(keel::crypto::kOpenSslAes, kek, key, wrapped));
  }
}
void RawX25519(benchmark::State& state) {
  uint8_t scalar[32], point[32], shared[32];
  randombytes_buf(scalar, sizeof scalar);
  crypto_scalarmult_base(point, scalar);
  for (auto _ : state) benchmark::DoNotOptimize(crypto_scalarmult(shared, scalar, point));
}
void RawEd25519Sign(benchmark::State& state) {
  uint8_t pk[32], sk[64], sig[64];
  crypto_sign_keypair(pk, sk);
  const std::string text(static_cast<size_t>(state.range(0)) + 300, 'x');
  for (auto _ : state)
    crypto_sign_detached(sig, nullptr, reinterpret_cast<const uint8_t*>(text.data()), text.size(), sk);
}
void RawEd25519Verify(benchmark::State& state) {
  uint8_t pk[32], sk[64], sig[64];
  crypto_sign_keypair(pk, sk);
  const std::string text(static_cast<size_t>(state.range(0)) + 300, 'x');
  const auto* octets = reinterpret_cast<const uint8_t*>(text.data());
  crypto_sign_detached(sig, nullptr, octets, text.size(), sk);
  for (auto _ : state) benchmark::DoNotOptimize(crypto_sign_verify_detached(sig, octets, text.size(), pk));
}

#define SIZES ->Arg(100)->Arg(1024)->Arg(65536)
BENCHMARK_CAPTURE(Packs, authcrypt, kAuthcrypt) SIZES;
BENCHMARK_CAPTURE(Packs, authcrypt_cached_pair, kAuthcryptCached) SIZES;
BENCHMARK_CAPTURE(Unpacks, authcrypt, kAuthcrypt) SIZES;
BENCHMARK_CAPTURE(Unpacks, authcrypt_cached_pair, kAuthcryptCached) SIZES;
BENCHMARK_CAPTURE(Packs, anoncrypt, kAnoncrypt) SIZES;
BENCHMARK_CAPTURE(Unpacks, anoncrypt, kAnoncrypt) SIZES;
BENCHMARK_CAPTURE(Packs, signed, kSigned) SIZES;
BENCHMARK_CAPTURE(Unpacks, signed, kSigned) SIZES;
BENCHMARK_CAPTURE(RawAuthcryptPack, two_agreements, 2) SIZES;
BENCHMARK_CAPTURE(RawAuthcryptPack, one_agreement, 1) SIZES;
BENCHMARK(RawX25519);
BENCHMARK(RawEd25519Sign) SIZES;
BENCHMARK(RawEd25519Verify) SIZES;

}  // namespace

int main(int argc, char** argv) {
  keel::crypto::SetUpHostedCrypto();
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
