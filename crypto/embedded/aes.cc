// SPDX-License-Identifier: Apache-2.0
#include <bearssl.h>

#include "crypto/aead.h"
#include "crypto/aes_kw.h"

namespace keel::crypto {
namespace {

void CbcEncrypt(std::span<const uint8_t, 32> key, std::span<uint8_t, 16> iv, ByteSpan data) {
  br_aes_ct_cbcenc_keys keys;
  br_aes_ct_cbcenc_init(&keys, key.data(), key.size());
  br_aes_ct_cbcenc_run(&keys, iv.data(), data.data(), data.size());
  Wipe({reinterpret_cast<uint8_t*>(&keys), sizeof keys});
}

void CbcDecrypt(std::span<const uint8_t, 32> key, std::span<uint8_t, 16> iv, ByteSpan data) {
  br_aes_ct_cbcdec_keys keys;
  br_aes_ct_cbcdec_init(&keys, key.data(), key.size());
  br_aes_ct_cbcdec_run(&keys, iv.data(), data.data(), data.size());
  Wipe({reinterpret_cast<uint8_t*>(&keys), sizeof keys});
}

// One block alone is CBC with a zero IV, so that key wrap needs no further AES mode.
void KwWrap(std::span<const uint8_t, 32> key, ByteSpan blocks) {
  br_aes_ct_cbcenc_keys keys;
  br_aes_ct_cbcenc_init(&keys, key.data(), key.size());
  internal::KwWrapBlocks(blocks, [&keys](uint8_t* block) {
    uint8_t iv[16] = {};
    br_aes_ct_cbcenc_run(&keys, iv, block, 16);
  });
  Wipe({reinterpret_cast<uint8_t*>(&keys), sizeof keys});
}

void KwUnwrap(std::span<const uint8_t, 32> key, ByteSpan blocks) {
  br_aes_ct_cbcdec_keys keys;
  br_aes_ct_cbcdec_init(&keys, key.data(), key.size());
  internal::KwUnwrapBlocks(blocks, [&keys](uint8_t* block) {
    uint8_t iv[16] = {};
    br_aes_ct_cbcdec_run(&keys, iv, block, 16);
  });
  Wipe({reinterpret_cast<uint8_t*>(&keys), sizeof keys});
}

}  // namespace

constinit const Aes256 kBearSslAes = {CbcEncrypt, CbcDecrypt, KwWrap, KwUnwrap};

}  // namespace keel::crypto
