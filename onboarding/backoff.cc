// SPDX-License-Identifier: Apache-2.0
#include "onboarding/backoff.h"

namespace keel::onboarding {

uint64_t Backoff::Next(uint32_t random) {
  uint64_t wait = min_ms == 0 ? 1 : min_ms;
  for (uint8_t i = 0; i < failures && wait < max_ms; ++i) wait *= 2;
  if (wait > max_ms) wait = max_ms;
  if (failures < 32) ++failures;
  // Half fixed, half spread: a power cut in a whole street must not make them all call at once.
  const uint64_t half = wait / 2;
  return half + (wait - half) * random / UINT32_MAX;
}

}  // namespace keel::onboarding
