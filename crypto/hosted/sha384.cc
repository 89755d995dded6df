// SPDX-License-Identifier: Apache-2.0
#include "crypto/hosted/sha384.h"

#include <openssl/sha.h>

namespace keel::crypto {

ByteArray<48> Sha384(ByteView bytes) {
  ByteArray<48> out;
  SHA384(bytes.data(), bytes.size(), out.data());
  return out;
}

}  // namespace keel::crypto
