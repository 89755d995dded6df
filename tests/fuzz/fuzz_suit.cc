// SPDX-License-Identifier: Apache-2.0
// SUIT manifests: what both readers take they read the same, and what the author signed for the device verifies at the
// host too; CBOR items passed over.
#include "base/suit.h"
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
  const auto device = keel::onboarding::ReadSuitEnvelope(octets);
  const auto host = keel::base::ReadSuitEnvelope(octets);
  static const keel::crypto::PublicKey author = Author();
  if (keel::onboarding::VerifySuitEnvelope(octets, {&author, 1})) {
    FUZZ_CHECK(device.has_value() && host.has_value());
    FUZZ_CHECK(keel::base::VerifySuitEnvelope(octets, author).value_or(false));
  }
  if (device) FUZZ_CHECK(size <= keel::onboarding::kMaxSuitEnvelope);
  // The device's plain reader passes over the signatures, the host's looks at their form.
  if (device && host) {
    FUZZ_CHECK(device->manifest_digest == host->manifest_digest && device->digest == host->manifest.image_digest);
    FUZZ_CHECK(device->sequence == host->manifest.sequence && device->size == host->manifest.image_size);
    FUZZ_CHECK(device->vendor == host->manifest.vendor_id && device->device_class == host->manifest.class_id);
    FUZZ_CHECK(device->version == host->manifest.version);
  }
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
