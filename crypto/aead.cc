// SPDX-License-Identifier: Apache-2.0
#include "crypto/aead.h"

#include <sodium.h>

namespace keel::crypto {
namespace {

constexpr uint8_t kKwIv[8] = {0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6, 0xa6};

// RFC 7518 section 5.2.2.1: HMAC-SHA-512 over AAD || IV || ciphertext || AAD's bits as u64, cut to 32 octets.
void CbcHmacTag(const Aes256& aes, ByteView mac_key, ByteView aad, ByteView iv, ByteView ciphertext,
                std::span<uint8_t, 32> tag) {
  ByteArray<8> aad_bits;
  ByteWriter(aad_bits).U64(static_cast<uint64_t>(aad.size()) * 8);
  Bytes64 mac;
  if (aes.hmac_sha512 != nullptr) {
    const ByteView parts[] = {aad, iv, ciphertext, aad_bits};
    aes.hmac_sha512(mac_key, {parts, std::size(parts)}, mac);
    std::memcpy(tag.data(), mac.data(), tag.size());
    Wipe(mac);
    return;
  }
  crypto_auth_hmacsha512_state state;
  crypto_auth_hmacsha512_init(&state, mac_key.data(), mac_key.size());
  crypto_auth_hmacsha512_update(&state, aad.data(), aad.size());
  crypto_auth_hmacsha512_update(&state, iv.data(), iv.size());
  crypto_auth_hmacsha512_update(&state, ciphertext.data(), ciphertext.size());
  crypto_auth_hmacsha512_update(&state, aad_bits.data(), aad_bits.size());
  crypto_auth_hmacsha512_final(&state, mac.data());
  std::memcpy(tag.data(), mac.data(), tag.size());
  Wipe({reinterpret_cast<uint8_t*>(&state), sizeof state});
  Wipe(mac);
}

}  // namespace

Result<size_t> CbcHmacEncrypt(const Aes256& aes, ByteView key, ByteView iv, ByteView aad, ByteView plaintext,
                              ByteSpan ciphertext, std::span<uint8_t, 32> tag) {
  if (key.size() != kCbcHmacKey || iv.size() != kCbcHmacIv)
    return Fail(Code::kInvalidArgument, "A256CBC-HS512 key or IV length");
  if (plaintext.size() > SIZE_MAX - 16) return Fail(Code::kTooLarge, "A256CBC-HS512");
  const size_t length = CbcHmacCiphertextLength(plaintext.size());
  if (ciphertext.size() < length) return Fail(Code::kBufferTooSmall, "A256CBC-HS512");
  const size_t whole = plaintext.size();
  if (whole != 0 && ciphertext.data() != plaintext.data()) std::memmove(ciphertext.data(), plaintext.data(), whole);
  std::memset(ciphertext.data() + whole, static_cast<int>(length - whole), length - whole);  // PKCS #7
  ByteArray<16> chain;
  std::memcpy(chain.data(), iv.data(), chain.size());
  aes.cbc_encrypt(key.subspan<32, 32>(), chain, ciphertext.first(length));
  CbcHmacTag(aes, key.first(32), aad, iv, ciphertext.first(length), tag);
  return length;
}

Result<size_t> CbcHmacDecrypt(const Aes256& aes, ByteView key, ByteView iv, ByteView aad, ByteView ciphertext,
                              ByteView tag, ByteSpan plaintext) {
  // One error for whatever is wrong with the input, so that nobody learns which check failed.
  const auto refuse = [] { return Fail(Code::kDecryptFailed, "A256CBC-HS512"); };
  if (key.size() != kCbcHmacKey || iv.size() != kCbcHmacIv || tag.size() != kCbcHmacTag || ciphertext.empty() ||
      ciphertext.size() % 16 != 0) {
    return refuse();
  }
  if (plaintext.size() < ciphertext.size()) return Fail(Code::kBufferTooSmall, "A256CBC-HS512");
  Bytes32 expected;
  CbcHmacTag(aes, key.first(32), aad, iv, ciphertext, expected);
  if (!ConstantTimeEqual(expected, tag)) return refuse();
  if (plaintext.data() != ciphertext.data()) std::memmove(plaintext.data(), ciphertext.data(), ciphertext.size());
  ByteArray<16> chain;
  std::memcpy(chain.data(), iv.data(), chain.size());
  const ByteSpan data = plaintext.first(ciphertext.size());
  aes.cbc_decrypt(key.subspan<32, 32>(), chain, data);
  const uint8_t padding = data[data.size() - 1];
  bool good = padding >= 1 && padding <= 16;
  for (size_t i = 0; good && i < padding; ++i) good = data[data.size() - 1 - i] == padding;
  if (!good) {  // the sender, who has the key, made it so
    Wipe(data);
    return refuse();
  }
  return data.size() - padding;
}

Result<size_t> AesKwWrap(const Aes256& aes, ByteView kek, ByteView key_data, ByteSpan out) {
  if (kek.size() != 32 || key_data.size() % 8 != 0 || key_data.size() < 16 || key_data.size() > 128) {
    return Fail(Code::kInvalidArgument, "A256KW length");
  }
  const size_t length = key_data.size() + 8;
  if (out.size() < length) return Fail(Code::kBufferTooSmall, "A256KW");
  std::memmove(out.data() + 8, key_data.data(), key_data.size());
  std::memcpy(out.data(), kKwIv, sizeof kKwIv);
  aes.kw_wrap(kek.first<32>(), out.first(length));
  return length;
}

Result<size_t> AesKwUnwrap(const Aes256& aes, ByteView kek, ByteView wrapped, ByteSpan out) {
  const auto refuse = [] { return Fail(Code::kDecryptFailed, "A256KW"); };
  if (kek.size() != 32) return Fail(Code::kInvalidArgument, "A256KW key length");
  if (wrapped.size() % 8 != 0 || wrapped.size() < 24 || wrapped.size() > 136) return refuse();
  const size_t length = wrapped.size() - 8;
  if (out.size() < length) return Fail(Code::kBufferTooSmall, "A256KW");
  ByteArray<136> blocks;
  const ScopedWipe wipe(blocks);
  std::memcpy(blocks.data(), wrapped.data(), wrapped.size());
  aes.kw_unwrap(kek.first<32>(), ByteSpan(blocks).first(wrapped.size()));
  if (!ConstantTimeEqual(ByteView(blocks).first(8), kKwIv)) return refuse();
  std::memcpy(out.data(), blocks.data() + 8, length);
  return length;
}

Result<size_t> Xc20pEncrypt(ByteView key, ByteView nonce, ByteView aad, ByteView plaintext, ByteSpan out) {
  if (key.size() != kXc20pKey || nonce.size() != kXc20pNonce)
    return Fail(Code::kInvalidArgument, "XC20P key or nonce length");
  if (out.size() < kXc20pTag || out.size() - kXc20pTag < plaintext.size()) return Fail(Code::kBufferTooSmall, "XC20P");
  crypto_aead_xchacha20poly1305_ietf_encrypt(out.data(), nullptr, plaintext.data(), plaintext.size(), aad.data(),
                                             aad.size(), nullptr, nonce.data(), key.data());
  return plaintext.size() + kXc20pTag;
}

Result<size_t> Xc20pDecryptDetached(ByteView key, ByteView nonce, ByteView aad, ByteView ciphertext, ByteView tag,
                                    ByteSpan out) {
  if (key.size() != kXc20pKey || nonce.size() != kXc20pNonce || tag.size() != kXc20pTag) {
    return Fail(Code::kDecryptFailed, "XC20P");
  }
  if (out.size() < ciphertext.size()) return Fail(Code::kBufferTooSmall, "XC20P");
  // libsodium wants a place to write to even for an empty message.
  uint8_t none = 0;
  if (crypto_aead_xchacha20poly1305_ietf_decrypt_detached(ciphertext.empty() ? &none : out.data(), nullptr,
                                                          ciphertext.data(), ciphertext.size(), tag.data(), aad.data(),
                                                          aad.size(), nonce.data(), key.data()) != 0) {
    return Fail(Code::kDecryptFailed, "XC20P");
  }
  return ciphertext.size();
}

Result<size_t> Xc20pDecrypt(ByteView key, ByteView nonce, ByteView aad, ByteView ciphertext, ByteSpan out) {
  if (ciphertext.size() < kXc20pTag) return Fail(Code::kDecryptFailed, "XC20P");
  const size_t length = ciphertext.size() - kXc20pTag;
  return Xc20pDecryptDetached(key, nonce, aad, ciphertext.first(length), ciphertext.last(kXc20pTag), out);
}

}  // namespace keel::crypto
