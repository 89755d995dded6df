// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.h"
#include "core/secret.h"

namespace keel::crypto {

// AES-256 in CBC over whole blocks, no padding: the one primitive that libsodium lacks. Two implementations exist so
// that a microcontroller needs no OpenSSL: kBearSslAes (crypto/embedded, constant-time, everywhere) and kOpenSslAes
// (crypto/hosted).
struct Aes256 {
  // data: a multiple of 16 octets, transformed in place; iv: in/out, 16 octets.
  void (*cbc_encrypt)(std::span<const uint8_t, 32> key, std::span<uint8_t, 16> iv, ByteSpan data);
  void (*cbc_decrypt)(std::span<const uint8_t, 32> key, std::span<uint8_t, 16> iv, ByteSpan data);
  // The transformations W and W^-1 of RFC 3394 in place over a[8] || r[8*n]; one key schedule for all blocks.
  void (*kw_wrap)(std::span<const uint8_t, 32> key, ByteSpan blocks);
  void (*kw_unwrap)(std::span<const uint8_t, 32> key, ByteSpan blocks);
  // HMAC-SHA-512 over the parts one after the other, where there is a faster one than libsodium's; else null.
  void (*hmac_sha512)(ByteView key, std::span<const ByteView> parts, std::span<uint8_t, 64> out) = nullptr;
};
extern const Aes256 kBearSslAes;
extern const Aes256 kOpenSslAes;

// A256CBC-HS512 (RFC 7518 section 5.2.5): key 64 (MAC key first), iv 16, tag 32.
inline constexpr size_t kCbcHmacKey = 64, kCbcHmacIv = 16, kCbcHmacTag = 32;
constexpr size_t CbcHmacCiphertextLength(size_t plaintext) { return (plaintext / 16 + 1) * 16; }
// ciphertext may alias plaintext's buffer start (in place). Returns the ciphertext's length.
Result<size_t> CbcHmacEncrypt(const Aes256& aes, ByteView key, ByteView iv, ByteView aad, ByteView plaintext,
                              ByteSpan ciphertext, std::span<uint8_t, 32> tag);
// kDecryptFailed without telling which check failed; plaintext may alias ciphertext. Returns the plaintext's length.
Result<size_t> CbcHmacDecrypt(const Aes256& aes, ByteView key, ByteView iv, ByteView aad, ByteView ciphertext,
                              ByteView tag, ByteSpan plaintext);

// A256KW (RFC 3394): key 32; wraps a multiple of 8 octets, 16..128; output 8 longer.
Result<size_t> AesKwWrap(const Aes256& aes, ByteView kek, ByteView key_data, ByteSpan out);
Result<size_t> AesKwUnwrap(const Aes256& aes, ByteView kek, ByteView wrapped, ByteSpan out);

// XC20P: XChaCha20-Poly1305 (IETF), key 32, nonce 24, tag 16 appended to the ciphertext. In place allowed.
inline constexpr size_t kXc20pKey = 32, kXc20pNonce = 24, kXc20pTag = 16;
Result<size_t> Xc20pEncrypt(ByteView key, ByteView nonce, ByteView aad, ByteView plaintext, ByteSpan out);
Result<size_t> Xc20pDecrypt(ByteView key, ByteView nonce, ByteView aad, ByteView ciphertext, ByteSpan out);
// The same with the tag apart, as JWE has it.
Result<size_t> Xc20pDecryptDetached(ByteView key, ByteView nonce, ByteView aad, ByteView ciphertext, ByteView tag,
                                    ByteSpan out);

}  // namespace keel::crypto
