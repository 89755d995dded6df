// SPDX-License-Identifier: Apache-2.0
#include "core/secret.h"

#include <string.h>

#if !KEEL_HOSTED
// newlib has explicit_bzero but declares it only with its BSD extensions on; strict C++23 mode switches them off.
extern "C" void explicit_bzero(void* data, size_t size);
#endif

namespace keel {

void Wipe(ByteSpan bytes) {
  // memset on a dying buffer is removed at -O2 (measured); explicit_bzero is not.
  if (!bytes.empty()) explicit_bzero(bytes.data(), bytes.size());
}

bool ConstantTimeEqual(ByteView a, ByteView b) {
  if (a.size() != b.size()) return false;
  uint8_t difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference = static_cast<uint8_t>(difference | (a[i] ^ b[i]));
    // Keeps the compiler from leaving the loop early.
    asm volatile("" : "+r"(difference));
  }
  return difference == 0;
}

}  // namespace keel
