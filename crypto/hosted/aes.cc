// SPDX-License-Identifier: Apache-2.0
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include <memory>

#include "crypto/aead.h"
#include "crypto/aes_kw.h"

namespace keel::crypto {
namespace {

struct CtxFree {
  void operator()(EVP_CIPHER_CTX* ctx) const { EVP_CIPHER_CTX_free(ctx); }  // wipes the key schedule
};
using Ctx = std::unique_ptr<EVP_CIPHER_CTX, CtxFree>;

const EVP_CIPHER* Cbc() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr);  // once: fetching is slow
  return cipher;
}
const EVP_CIPHER* Ecb() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-ECB", nullptr);
  return cipher;
}

// A context keyed for unpadded blocks. OpenSSL fails here only when out of memory or misused: a bug or the end.
Ctx Start(const EVP_CIPHER* cipher, std::span<const uint8_t, 32> key, const uint8_t* iv, int encrypt) {
  Ctx ctx(EVP_CIPHER_CTX_new());
  KEEL_ASSERT(ctx && EVP_CipherInit_ex2(ctx.get(), cipher, key.data(), iv, encrypt, nullptr) == 1 &&
              EVP_CIPHER_CTX_set_padding(ctx.get(), 0) == 1);
  return ctx;
}

void Run(EVP_CIPHER_CTX* ctx, uint8_t* data, size_t size) {
  constexpr size_t kChunk = size_t{1} << 30;  // OpenSSL counts in int
  while (size != 0) {
    const size_t now = size < kChunk ? size : kChunk;
    int written = 0;
    KEEL_ASSERT(EVP_CipherUpdate(ctx, data, &written, data, static_cast<int>(now)) == 1 &&
                written == static_cast<int>(now));
    data += now;
    size -= now;
  }
}

void CbcEncrypt(std::span<const uint8_t, 32> key, std::span<uint8_t, 16> iv, ByteSpan data) {
  if (data.empty()) return;
  const Ctx ctx = Start(Cbc(), key, iv.data(), 1);
  Run(ctx.get(), data.data(), data.size());
  std::memcpy(iv.data(), data.data() + data.size() - 16, 16);
}

void CbcDecrypt(std::span<const uint8_t, 32> key, std::span<uint8_t, 16> iv, ByteSpan data) {
  if (data.empty()) return;
  uint8_t last[16];
  std::memcpy(last, data.data() + data.size() - 16, 16);
  const Ctx ctx = Start(Cbc(), key, iv.data(), 0);
  Run(ctx.get(), data.data(), data.size());
  std::memcpy(iv.data(), last, 16);
}

void KwWrap(std::span<const uint8_t, 32> key, ByteSpan blocks) {
  const Ctx ctx = Start(Ecb(), key, nullptr, 1);
  internal::KwWrapBlocks(blocks, [&ctx](uint8_t* block) { Run(ctx.get(), block, 16); });
}

void KwUnwrap(std::span<const uint8_t, 32> key, ByteSpan blocks) {
  const Ctx ctx = Start(Ecb(), key, nullptr, 0);
  internal::KwUnwrapBlocks(blocks, [&ctx](uint8_t* block) { Run(ctx.get(), block, 16); });
}

struct MacFree {
  void operator()(EVP_MAC_CTX* ctx) const { EVP_MAC_CTX_free(ctx); }
};
using Mac = std::unique_ptr<EVP_MAC_CTX, MacFree>;

// Set up with its digest once, never freed, then only copied: safe for all threads.
const EVP_MAC_CTX* HmacSha512Template() {
  static const EVP_MAC_CTX* const made = [] {
    EVP_MAC* mac = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    EVP_MAC_CTX* ctx = mac == nullptr ? nullptr : EVP_MAC_CTX_new(mac);
    char digest[] = "SHA512";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_construct_end()};
    KEEL_ASSERT(ctx != nullptr && EVP_MAC_CTX_set_params(ctx, params) == 1);
    return ctx;
  }();
  return made;
}

// libsodium's SHA-512 is portable C; OpenSSL's takes the processor's wide instructions and is 1.6 times as fast.
void HmacSha512Parts(ByteView key, std::span<const ByteView> parts, std::span<uint8_t, 64> out) {
  const Mac ctx(EVP_MAC_CTX_dup(HmacSha512Template()));
  KEEL_ASSERT(ctx && EVP_MAC_init(ctx.get(), key.data(), key.size(), nullptr) == 1);
  for (const ByteView part : parts) KEEL_ASSERT(EVP_MAC_update(ctx.get(), part.data(), part.size()) == 1);
  size_t length = 0;
  KEEL_ASSERT(EVP_MAC_final(ctx.get(), out.data(), &length, out.size()) == 1 && length == out.size());
}

}  // namespace

constinit const Aes256 kOpenSslAes = {CbcEncrypt, CbcDecrypt, KwWrap, KwUnwrap, HmacSha512Parts};

}  // namespace keel::crypto
