// SPDX-License-Identifier: Apache-2.0
// SUIT manifests: what the author signed for the device reads the same without its signature; CBOR items passed over.
#include "onboarding/cbor.h"
#include "onboarding/suit.h"
#include "tests/fakes/memory_keys.h"
#include "tests/fuzz/fuzz.h"

namespace {

// Who signed corpus/suit/release (make_seeds.cc).
keel::crypto::PublicKey Author() {
  keel::fakes::MemoryKeys keys("author");
  return *keys.Public(*keys.Generate(keel::crypto::KeyType::kEd25519));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const keel::ByteView octets(data, size);
  const auto plain = keel::onboarding::ReadSuitEnvelope(octets);
  static const keel::crypto::PublicKey author = Author();
  if (const auto proven = keel::onboarding::VerifySuitEnvelope(octets, {&author, 1})) {
    FUZZ_CHECK(plain.has_value());
    FUZZ_CHECK(plain->manifest_digest == proven->manifest_digest && plain->digest == proven->digest);
    FUZZ_CHECK(plain->sequence == proven->sequence && plain->size == proven->size && plain->version == proven->version);
  }
  if (plain) FUZZ_CHECK(size <= keel::onboarding::kMaxSuitEnvelope);
  keel::onboarding::CborReader reader(octets);
  while (!reader.done() && reader.Peek() && reader.Skip()) {
  }
  keel::onboarding::CborReader typed(octets);
  (void)typed.Int();
  (void)typed.Text();
  (void)typed.Bytes();
  (void)typed.Map();
  return 0;
}
