// SPDX-License-Identifier: Apache-2.0
#include "base/clock.h"

#include <sodium.h>
#include <time.h>

namespace keel::base {
namespace {

uint64_t Milliseconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1'000'000;
}

}  // namespace

uint64_t MonotonicMs() { return Milliseconds(CLOCK_MONOTONIC); }
uint64_t NowMs() { return Milliseconds(CLOCK_REALTIME); }
UnixSeconds NowSeconds() { return NowMs() / 1000; }

uint64_t SystemClock::TicksMs() { return MonotonicMs(); }
Result<UnixSeconds> SystemClock::Now() { return NowSeconds(); }

Result<> SystemRandom::Fill(ByteSpan out) {
  // sodium_init is idempotent and thread-safe; without it randombytes_buf would not be.
  static const bool ready = sodium_init() >= 0;
  if (!ready) return Fail(Code::kNoEntropy, "random", "the kernel's random source can't be read");
  randombytes_buf(out.data(), out.size());
  return {};
}

}  // namespace keel::base
