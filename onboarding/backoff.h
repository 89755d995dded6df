// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>

#include "onboarding/limits.h"

namespace keel::onboarding {

// Doubling waits with jitter, pure: state in, wait out. Defaults 1 min .. 1 h; tests and demos give shorter ones.
struct Backoff {
  uint64_t min_ms = kBackoffMinMs;
  uint64_t max_ms = kBackoffMaxMs;
  uint8_t failures = 0;

  // The next wait: between half of and the whole of min * 2^failures (at most max). `random`: any 32 random bits.
  // Counts the failure.
  uint64_t Next(uint32_t random);
  void Reset() { failures = 0; }
};

}  // namespace keel::onboarding
