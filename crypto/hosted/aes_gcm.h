// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.h"

// A256GCM (RFC 7518 section 5.3) by OpenSSL; hosts only. Pure functions, thread-safe.
namespace keel::crypto {

inline constexpr size_t kGcmKey = 32, kGcmIv = 12, kGcmTag = 16;

// ciphertext may be plaintext's own buffer; as long as plaintext. kInvalidArgument (key or IV length), kBufferTooSmall.
Result<> Aes256GcmEncrypt(ByteView key, ByteView iv, ByteView aad, ByteView plaintext, ByteSpan ciphertext,
                          std::span<uint8_t, kGcmTag> tag);
// kDecryptFailed for anything wrong with the input; plaintext is wiped then. plaintext may be ciphertext's own buffer.
// Returns the plaintext's length, which is ciphertext's.
Result<size_t> Aes256GcmDecrypt(ByteView key, ByteView iv, ByteView aad, ByteView ciphertext, ByteView tag,
                                ByteSpan plaintext);

}  // namespace keel::crypto
