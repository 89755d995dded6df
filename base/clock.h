// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/seams.h"

namespace keel::base {

// The machine's clock (CLOCK_MONOTONIC, CLOCK_REALTIME). Thread-safe.
class SystemClock final : public Clock {
 public:
  uint64_t TicksMs() override;
  Result<UnixSeconds> Now() override;
};

UnixSeconds NowSeconds();
uint64_t MonotonicMs();
// Milliseconds since 1970, for logs and tokens.
uint64_t NowMs();

// The kernel's random source (libsodium). Thread-safe; never fails once the program runs.
class SystemRandom final : public Random {
 public:
  Result<> Fill(ByteSpan out) override;
};

}  // namespace keel::base
