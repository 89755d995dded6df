// SPDX-License-Identifier: Apache-2.0
#include <bearssl.h>

#include "crypto/aead.h"
#include "crypto/aes_kw.h"

namespace keel::crypto {
namespace {

// BearSSL's constant-time implementations behind one shape. Which one runs says nothing of the key: it is chosen by the
// machine alone.
struct Narrow {  // 32-bit registers
  using Enc = br_aes_ct_cbcenc_keys;
  using Dec = br_aes_ct_cbcdec_keys;
  static constexpr auto kInitEnc = br_aes_ct_cbcenc_init;
  static constexpr auto kInitDec = br_aes_ct_cbcdec_init;
  static constexpr auto kRunEnc = br_aes_ct_cbcenc_run;
  static constexpr auto kRunDec = br_aes_ct_cbcdec_run;
};

template <typename Aes>
void CbcEncrypt(std::span<const uint8_t, 32> key, std::span<uint8_t, 16> iv, ByteSpan data) {
  typename Aes::Enc keys;
  Aes::kInitEnc(&keys, key.data(), key.size());
  Aes::kRunEnc(&keys, iv.data(), data.data(), data.size());
  Wipe({reinterpret_cast<uint8_t*>(&keys), sizeof keys});
}

template <typename Aes>
void CbcDecrypt(std::span<const uint8_t, 32> key, std::span<uint8_t, 16> iv, ByteSpan data) {
  typename Aes::Dec keys;
  Aes::kInitDec(&keys, key.data(), key.size());
  Aes::kRunDec(&keys, iv.data(), data.data(), data.size());
  Wipe({reinterpret_cast<uint8_t*>(&keys), sizeof keys});
}

// One block alone is CBC with a zero IV, so that key wrap needs no further AES mode.
template <typename Aes>
void KwWrap(std::span<const uint8_t, 32> key, ByteSpan blocks) {
  typename Aes::Enc keys;
  Aes::kInitEnc(&keys, key.data(), key.size());
  internal::KwWrapBlocks(blocks, [&keys](uint8_t* block) {
    uint8_t iv[16] = {};
    Aes::kRunEnc(&keys, iv, block, 16);
  });
  Wipe({reinterpret_cast<uint8_t*>(&keys), sizeof keys});
}

template <typename Aes>
void KwUnwrap(std::span<const uint8_t, 32> key, ByteSpan blocks) {
  typename Aes::Dec keys;
  Aes::kInitDec(&keys, key.data(), key.size());
  internal::KwUnwrapBlocks(blocks, [&keys](uint8_t* block) {
    uint8_t iv[16] = {};
    Aes::kRunDec(&keys, iv, block, 16);
  });
  Wipe({reinterpret_cast<uint8_t*>(&keys), sizeof keys});
}

#if defined(__x86_64__)
struct Wide {  // 64-bit registers: four blocks at once where the mode allows
  using Enc = br_aes_ct64_cbcenc_keys;
  using Dec = br_aes_ct64_cbcdec_keys;
  static constexpr auto kInitEnc = br_aes_ct64_cbcenc_init;
  static constexpr auto kInitDec = br_aes_ct64_cbcdec_init;
  static constexpr auto kRunEnc = br_aes_ct64_cbcenc_run;
  static constexpr auto kRunDec = br_aes_ct64_cbcdec_run;
};
struct Native {  // the processor's AES instructions
  using Enc = br_aes_x86ni_cbcenc_keys;
  using Dec = br_aes_x86ni_cbcdec_keys;
  static constexpr auto kInitEnc = br_aes_x86ni_cbcenc_init;
  static constexpr auto kInitDec = br_aes_x86ni_cbcdec_init;
  static constexpr auto kRunEnc = br_aes_x86ni_cbcenc_run;
  static constexpr auto kRunDec = br_aes_x86ni_cbcdec_run;
};

// BearSSL asks the processor once and gives no table where the instructions are missing.
bool HasNative() { return br_aes_x86ni_cbcenc_get_vtable() != nullptr && br_aes_x86ni_cbcdec_get_vtable() != nullptr; }

void Encrypt(std::span<const uint8_t, 32> key, std::span<uint8_t, 16> iv, ByteSpan data) {
  HasNative() ? CbcEncrypt<Native>(key, iv, data) : CbcEncrypt<Wide>(key, iv, data);
}
void Decrypt(std::span<const uint8_t, 32> key, std::span<uint8_t, 16> iv, ByteSpan data) {
  HasNative() ? CbcDecrypt<Native>(key, iv, data) : CbcDecrypt<Wide>(key, iv, data);
}
void Wrap(std::span<const uint8_t, 32> key, ByteSpan blocks) {
  HasNative() ? KwWrap<Native>(key, blocks) : KwWrap<Wide>(key, blocks);
}
void Unwrap(std::span<const uint8_t, 32> key, ByteSpan blocks) {
  HasNative() ? KwUnwrap<Native>(key, blocks) : KwUnwrap<Wide>(key, blocks);
}
#endif

}  // namespace

#if defined(__x86_64__)
constinit const Aes256 kBearSslAes = {Encrypt, Decrypt, Wrap, Unwrap};
#else
constinit const Aes256 kBearSslAes = {CbcEncrypt<Narrow>, CbcDecrypt<Narrow>, KwWrap<Narrow>, KwUnwrap<Narrow>};
#endif

#if KEEL_HOSTED
namespace internal {
std::span<const Aes256> BearSslVariants() {
  static constexpr Aes256 kVariants[] = {
      {CbcEncrypt<Narrow>, CbcDecrypt<Narrow>, KwWrap<Narrow>, KwUnwrap<Narrow>},
#if defined(__x86_64__)
      {CbcEncrypt<Wide>, CbcDecrypt<Wide>, KwWrap<Wide>, KwUnwrap<Wide>},
      {CbcEncrypt<Native>, CbcDecrypt<Native>, KwWrap<Native>, KwUnwrap<Native>},
#endif
  };
  const std::span<const Aes256> all(kVariants);
#if defined(__x86_64__)
  if (!HasNative()) return all.first(2);
#endif
  return all;
}
}  // namespace internal
#endif

}  // namespace keel::crypto
