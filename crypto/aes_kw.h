// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/secret.h"
#include "crypto/aead.h"

// Private to crypto: the index-based transformations of RFC 3394 section 2.2 over any AES that handles one block in
// place.
namespace keel::crypto::internal {

#if KEEL_HOSTED
// The implementations that kBearSslAes chooses from on this machine, the microcontrollers' first: for tests.
std::span<const Aes256> BearSslVariants();
#endif

// blocks: a[8] || r[8*n], n >= 2.
template <typename Encrypt>
void KwWrapBlocks(ByteSpan blocks, Encrypt encrypt) {
  uint8_t block[16];
  const ScopedWipe wipe(block);
  const size_t n = blocks.size() / 8 - 1;
  uint32_t t = 0;
  for (int j = 0; j < 6; ++j) {
    for (size_t i = 1; i <= n; ++i) {
      std::memcpy(block, blocks.data(), 8);
      std::memcpy(block + 8, blocks.data() + 8 * i, 8);
      encrypt(block);
      ++t;  // at most 6 * 16: one octet
      block[7] = static_cast<uint8_t>(block[7] ^ t);
      std::memcpy(blocks.data(), block, 8);
      std::memcpy(blocks.data() + 8 * i, block + 8, 8);
    }
  }
}

template <typename Decrypt>
void KwUnwrapBlocks(ByteSpan blocks, Decrypt decrypt) {
  uint8_t block[16];
  const ScopedWipe wipe(block);
  const size_t n = blocks.size() / 8 - 1;
  auto t = static_cast<uint32_t>(6 * n);
  for (int j = 5; j >= 0; --j) {
    for (size_t i = n; i >= 1; --i) {
      std::memcpy(block, blocks.data(), 8);
      std::memcpy(block + 8, blocks.data() + 8 * i, 8);
      block[7] = static_cast<uint8_t>(block[7] ^ t);
      --t;
      decrypt(block);
      std::memcpy(blocks.data(), block, 8);
      std::memcpy(blocks.data() + 8 * i, block + 8, 8);
    }
  }
}

}  // namespace keel::crypto::internal
