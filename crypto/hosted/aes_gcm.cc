// SPDX-License-Identifier: Apache-2.0
#include "crypto/hosted/aes_gcm.h"

#include <openssl/evp.h>

#include <memory>

#include "core/secret.h"

namespace keel::crypto {
namespace {

struct CtxFree {
  void operator()(EVP_CIPHER_CTX* ctx) const { EVP_CIPHER_CTX_free(ctx); }  // wipes the key schedule
};
using Ctx = std::unique_ptr<EVP_CIPHER_CTX, CtxFree>;

// OpenSSL counts in int; nothing of ours comes near.
constexpr size_t kMax = size_t{1} << 30;

// A context keyed, the AAD taken in. OpenSSL fails here only when out of memory or misused: a bug or the end.
Ctx Start(ByteView key, ByteView iv, ByteView aad, int encrypt) {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);  // 96-bit IV by default
  Ctx ctx(EVP_CIPHER_CTX_new());
  int ignored = 0;
  KEEL_ASSERT(
      ctx && EVP_CipherInit_ex2(ctx.get(), cipher, key.data(), iv.data(), encrypt, nullptr) == 1 &&
      (aad.empty() || EVP_CipherUpdate(ctx.get(), nullptr, &ignored, aad.data(), static_cast<int>(aad.size())) == 1));
  return ctx;
}

}  // namespace

Result<> Aes256GcmEncrypt(ByteView key, ByteView iv, ByteView aad, ByteView plaintext, ByteSpan ciphertext,
                          std::span<uint8_t, kGcmTag> tag) {
  if (key.size() != kGcmKey || iv.size() != kGcmIv) return Fail(Code::kInvalidArgument, "A256GCM key or IV length");
  if (plaintext.size() > kMax || aad.size() > kMax) return Fail(Code::kTooLarge, "A256GCM");
  if (ciphertext.size() < plaintext.size()) return Fail(Code::kBufferTooSmall, "A256GCM");
  const Ctx ctx = Start(key, iv, aad, 1);
  int written = 0;
  uint8_t none[16];
  KEEL_ASSERT((plaintext.empty() || EVP_CipherUpdate(ctx.get(), ciphertext.data(), &written, plaintext.data(),
                                                     static_cast<int>(plaintext.size())) == 1) &&
              EVP_CipherFinal_ex(ctx.get(), none, &written) == 1 &&
              EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag.size()), tag.data()) == 1);
  return {};
}

Result<size_t> Aes256GcmDecrypt(ByteView key, ByteView iv, ByteView aad, ByteView ciphertext, ByteView tag,
                                ByteSpan plaintext) {
  const auto refuse = [] { return Fail(Code::kDecryptFailed, "A256GCM"); };
  if (key.size() != kGcmKey || iv.size() != kGcmIv || tag.size() != kGcmTag || ciphertext.size() > kMax ||
      aad.size() > kMax) {
    return refuse();
  }
  if (plaintext.size() < ciphertext.size()) return Fail(Code::kBufferTooSmall, "A256GCM");
  const Ctx ctx = Start(key, iv, aad, 0);
  ByteArray<kGcmTag> wanted;  // OpenSSL takes it as no constant
  std::memcpy(wanted.data(), tag.data(), wanted.size());
  int written = 0;
  uint8_t none[16];
  const bool good =
      EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(wanted.size()), wanted.data()) == 1 &&
      (ciphertext.empty() || EVP_CipherUpdate(ctx.get(), plaintext.data(), &written, ciphertext.data(),
                                              static_cast<int>(ciphertext.size())) == 1) &&
      EVP_CipherFinal_ex(ctx.get(), none, &written) == 1;
  if (!good) {
    Wipe(plaintext.first(ciphertext.size()));
    return refuse();
  }
  return ciphertext.size();
}

}  // namespace keel::crypto
