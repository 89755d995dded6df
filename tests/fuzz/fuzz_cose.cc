// SPDX-License-Identifier: Apache-2.0
// CBOR and COSE_Sign1: items lie side by side and numbers have one spelling; no credential but the issuer's is
// believed.
#include "base/json_strict.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/sealed_world.h"
#include "vc/cbor/cbor.h"
#include "vc/cose/verify.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using keel::vc::CborReader;
  static keel::fuzz::SealedWorld world;
  const keel::ByteView octets(data, size);
  CborReader items(octets);
  size_t passed = 0;
  bool whole = true;
  while (!items.done()) {
    CborReader at = items;
    const auto item = items.Item();
    if (!item) {
      whole = false;
      break;
    }
    FUZZ_CHECK(item->data() == data + passed);
    passed += item->size();
    const auto kind = at.Peek();
    if (kind == CborReader::Major::kUint || kind == CborReader::Major::kNint) {
      if (const auto number = at.Int()) FUZZ_CHECK(keel::Equal(keel::vc::CborInt(*number), *item));
    } else if (kind == CborReader::Major::kBytes) {
      FUZZ_CHECK(keel::Equal(keel::vc::CborBytes(*at.Bytes()), *item));
    } else if (kind == CborReader::Major::kText) {
      if (const auto text = at.Text()) FUZZ_CHECK(keel::Equal(keel::vc::CborText(*text), *item));
    }
  }
  if (whole) FUZZ_CHECK(passed == size);

  const auto message = keel::vc::CoseSign1::Parse(octets, 64 << 10);
  keel::did::KeyMethod resolver;
  const auto verdict = keel::vc::VerifyCose(keel::fuzz::Text(data, size), resolver, {.now = keel::fuzz::kNow});
  if (verdict && verdict->valid()) {
    FUZZ_CHECK(message.has_value() && message->tagged && message->protected_algorithm);
    if (verdict->credential.issuer == world.issuer)
      FUZZ_CHECK(verdict->credential.json == keel::base::DumpJson(world.credential));
  }
  return 0;
}

extern "C" size_t KeelFuzzMutations() { return 8000; }
