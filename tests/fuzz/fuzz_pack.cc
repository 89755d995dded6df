// SPDX-License-Identifier: Apache-2.0
// The items of a proof pack, sealed as they come: whatever a device accepts must say what the true pack says.
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/pack_world.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const keel::fuzz::PackWorld world;
  static const bool true_one = [] {
    keel::fuzz::Octets all;
    for (const auto& item : world.items) all.insert(all.end(), item.begin(), item.end());
    return world.Judge(all).has_value();
  }();
  FUZZ_CHECK(true_one);
  if (size > keel::ledger::kMaxPack) return 0;
  const auto result = world.Judge({data, size});
  if (result) {
    FUZZ_CHECK(result->chain.k == world.end.k && result->chain.seal == world.end.seal);
    FUZZ_CHECK(result->chain.prev == world.end.prev && result->chain.cred == world.end.cred);
    FUZZ_CHECK(result->checkpoint_size == world.world.size && result->owner_operations == world.owner.jws.size());
  }
  // Sealed octets from anywhere: resuming needs no key.
  for (uint32_t from = 0; from < 3; ++from) (void)keel::ledger::PackFrom({data, size}, from);
  return 0;
}

extern "C" size_t KeelFuzzMutations() { return 3000; }
