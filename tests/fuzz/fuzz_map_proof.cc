// SPDX-License-Identifier: Apache-2.0
// Proofs of the sparse map: u8 which key || proof octets. A bent proof never proves what isn't so.
#include "ledger/map_proof.h"
#include "tests/fakes/naive_map.h"
#include "tests/fuzz/fuzz.h"

namespace {

struct Known {
  Known() {
    for (uint8_t i = 0; i < 60; ++i) {
      const keel::Bytes32 key = keel::crypto::Sha256::Of(std::string("key ") + std::to_string(i));
      keys.push_back(key);
      if (i < 40) map.Put(key, keel::ByteView(&i, 1));  // the others are absent
    }
    root = map.Root();
  }
  keel::fakes::NaiveMap map;
  std::vector<keel::Bytes32> keys;
  keel::Bytes32 root{};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Known known;
  if (size == 0) return 0;
  const auto i = static_cast<uint8_t>(data[0] % known.keys.size());
  const auto other = static_cast<uint8_t>(i + 1);
  const keel::ByteView proof(data + 1, size - 1);
  const bool there = i < 40;
  const bool present = keel::ledger::VerifyPresent(proof, known.root, known.keys[i], keel::ByteView(&i, 1)).has_value();
  FUZZ_CHECK(!present || there);
  FUZZ_CHECK(!keel::ledger::VerifyPresent(proof, known.root, known.keys[i], keel::ByteView(&other, 1)));
  FUZZ_CHECK(!keel::ledger::VerifyAbsent(proof, known.root, known.keys[i]) || !there);
  // The one true proof verifies, and nothing may be added to it.
  const auto truth = known.map.Prove(known.keys[i]);
  FUZZ_CHECK(there ? keel::ledger::VerifyPresent(truth, known.root, known.keys[i], keel::ByteView(&i, 1)).has_value()
                   : keel::ledger::VerifyAbsent(truth, known.root, known.keys[i]).has_value());
  if (present) FUZZ_CHECK(proof.size() == truth.size() && std::equal(proof.begin(), proof.end(), truth.begin()));
  return 0;
}

extern "C" size_t KeelFuzzMutations() { return 5000; }
