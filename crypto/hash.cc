// SPDX-License-Identifier: Apache-2.0
#include "crypto/hash.h"

#include <sodium.h>

namespace keel::crypto {

static_assert(sizeof(crypto_hash_sha256_state) <= sizeof(Sha256));
static_assert(alignof(crypto_hash_sha256_state) <= 8);

namespace {
crypto_hash_sha256_state* StateOf(ByteArray<112>& bytes) {
  return reinterpret_cast<crypto_hash_sha256_state*>(bytes.data());
}
// libsodium's functions are declared to take no null pointer, also with length 0.
constexpr uint8_t kNothing = 0;
const uint8_t* At(ByteView bytes) { return bytes.empty() ? &kNothing : bytes.data(); }

}  // namespace

Sha256::Sha256() { crypto_hash_sha256_init(StateOf(state_)); }

Sha256& Sha256::Update(ByteView bytes) {
  crypto_hash_sha256_update(StateOf(state_), At(bytes), bytes.size());
  return *this;
}

Bytes32 Sha256::Final() {
  Bytes32 digest;
  crypto_hash_sha256_final(StateOf(state_), digest.data());
  return digest;
}

Bytes64 Sha512(ByteView bytes) {
  Bytes64 digest;
  crypto_hash_sha512(digest.data(), At(bytes), bytes.size());
  return digest;
}

Bytes32 HmacSha256(ByteView key, ByteView message) {
  Bytes32 mac;
  crypto_auth_hmacsha256_state state;
  crypto_auth_hmacsha256_init(&state, At(key), key.size());
  crypto_auth_hmacsha256_update(&state, At(message), message.size());
  crypto_auth_hmacsha256_final(&state, mac.data());
  Wipe({reinterpret_cast<uint8_t*>(&state), sizeof state});
  return mac;
}

Bytes64 HmacSha512(ByteView key, ByteView message) {
  Bytes64 mac;
  crypto_auth_hmacsha512_state state;
  crypto_auth_hmacsha512_init(&state, At(key), key.size());
  crypto_auth_hmacsha512_update(&state, At(message), message.size());
  crypto_auth_hmacsha512_final(&state, mac.data());
  Wipe({reinterpret_cast<uint8_t*>(&state), sizeof state});
  return mac;
}

Result<> HkdfSha256(ByteView ikm, ByteView salt, ByteView info, ByteSpan out) {
  if (out.size() > 255 * 32) return Fail(Code::kTooLarge, "HKDF output");
  // RFC 5869: an absent salt is 32 zero octets, which HMAC makes of an empty key by itself.
  Bytes32 prk = HmacSha256(salt, ikm);
  Bytes32 block{};
  const ScopedWipe wipe_prk(prk), wipe_block(block);
  size_t used = 0;
  for (uint8_t counter = 1; used < out.size(); ++counter) {
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, prk.data(), prk.size());
    if (counter > 1) crypto_auth_hmacsha256_update(&state, block.data(), block.size());
    crypto_auth_hmacsha256_update(&state, At(info), info.size());
    crypto_auth_hmacsha256_update(&state, &counter, 1);
    crypto_auth_hmacsha256_final(&state, block.data());
    Wipe({reinterpret_cast<uint8_t*>(&state), sizeof state});
    const size_t take = out.size() - used < block.size() ? out.size() - used : block.size();
    std::memcpy(out.data() + used, block.data(), take);
    used += take;
  }
  return {};
}

Result<> ConcatKdfSha256(ByteView z, ByteView other_info, ByteSpan out) {
  if (out.size() > 1024) return Fail(Code::kTooLarge, "Concat KDF output");
  size_t used = 0;
  for (uint8_t round = 1; used < out.size(); ++round) {
    const uint8_t counter[4] = {0, 0, 0, round};
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, counter, sizeof counter);
    crypto_hash_sha256_update(&state, z.data(), z.size());
    crypto_hash_sha256_update(&state, other_info.data(), other_info.size());
    Bytes32 block;
    crypto_hash_sha256_final(&state, block.data());
    Wipe({reinterpret_cast<uint8_t*>(&state), sizeof state});
    const ScopedWipe wipe(block);
    const size_t take = out.size() - used < block.size() ? out.size() - used : block.size();
    std::memcpy(out.data() + used, block.data(), take);
    used += take;
  }
  return {};
}

}  // namespace keel::crypto
