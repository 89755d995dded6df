// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.h"
#include "core/time.h"

namespace keel {

// Seam: where time comes from. Ticks are monotonic milliseconds with no meaning but their difference; civil time may be
// unknown (kUnavailable), as on a device before its first quorum time.
class Clock {
 public:
  virtual uint64_t TicksMs() = 0;
  virtual Result<UnixSeconds> Now() = 0;

 protected:
  ~Clock() = default;
};

// Seam: where randomness comes from. Fills all of `out` with octets fit for keys or fails (kNoEntropy) having given
// none.
class Random {
 public:
  virtual Result<> Fill(ByteSpan out) = 0;

 protected:
  ~Random() = default;
};

}  // namespace keel
