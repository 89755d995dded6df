// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.h"

namespace keel::crypto {

// SHA-384 (FIPS 180-4), which libsodium lacks: for hosts only. Pure, thread-safe.
ByteArray<48> Sha384(ByteView bytes);

}  // namespace keel::crypto
