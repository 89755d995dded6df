// SPDX-License-Identifier: Apache-2.0
#include <secp256k1.h>
#include <secp256k1_ecdh.h>
#include <sodium.h>

#include "core/secret.h"
#include "crypto/hash.h"
#include "crypto/hosted/curves.h"

namespace keel::crypto::internal {
namespace {

// Made and blinded once, then only read: safe for all threads.
const secp256k1_context* Context() {
  static const secp256k1_context* const context = [] {
    secp256k1_context* made = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
    Bytes32 seed;
    randombytes_buf(seed.data(), seed.size());
    KEEL_ASSERT(made != nullptr && secp256k1_context_randomize(made, seed.data()) == 1);
    Wipe(seed);
    return made;
  }();
  return context;
}

// Compressed (33 octets) or 0x04 || x || y; libsecp256k1's hybrid forms are no key of ours.
bool Parse(ByteView octets, secp256k1_pubkey& key) {
  return (octets.size() == 33 || (octets.size() == 65 && octets[0] == 4)) &&
         secp256k1_ec_pubkey_parse(Context(), &key, octets.data(), octets.size()) == 1;
}

int TakeX(unsigned char* output, const unsigned char* x32, const unsigned char*, void*) {
  std::memcpy(output, x32, 32);
  return 1;
}

}  // namespace

bool KoblitzCheck(ByteView point) {
  secp256k1_pubkey key;
  return Parse(point, key);
}

bool KoblitzUncompress(ByteView compressed, ByteSpan out) {
  secp256k1_pubkey key;
  size_t length = out.size();
  return Parse(compressed, key) &&
         secp256k1_ec_pubkey_serialize(Context(), out.data(), &length, &key, SECP256K1_EC_UNCOMPRESSED) == 1 &&
         length == out.size();
}

bool KoblitzVerify(ByteView point, ByteView message, ByteView signature) {
  secp256k1_pubkey key;
  secp256k1_ecdsa_signature parsed;
  if (!Parse(point, key) || secp256k1_ecdsa_signature_parse_compact(Context(), &parsed, signature.data()) != 1)
    return false;
  const Bytes32 digest = Sha256::Of(message);
  return secp256k1_ecdsa_verify(Context(), &parsed, digest.data(), &key) == 1;
}

size_t KoblitzAgree(ByteView private_key, ByteView peer, ByteSpan out) {
  secp256k1_pubkey key;
  if (out.size() < 32 || !Parse(peer, key)) return 0;
  return secp256k1_ecdh(Context(), out.data(), &key, private_key.data(), TakeX, nullptr) == 1 ? 32 : 0;
}

size_t KoblitzDerive(ByteView private_key, ByteSpan out) {
  secp256k1_pubkey key;
  size_t length = 65;
  if (out.size() < length || secp256k1_ec_pubkey_create(Context(), &key, private_key.data()) != 1) return 0;
  return secp256k1_ec_pubkey_serialize(Context(), out.data(), &length, &key, SECP256K1_EC_UNCOMPRESSED) == 1 ? length
                                                                                                             : 0;
}

size_t KoblitzSign(ByteView private_key, ByteView message, ByteSpan out) {
  const Bytes32 digest = Sha256::Of(message);
  secp256k1_ecdsa_signature signature;
  if (out.size() < 64 || secp256k1_ecdsa_sign(Context(), &signature, digest.data(), private_key.data(), nullptr,
                                              nullptr) != 1) {  // RFC 6979, low-S
    return 0;
  }
  return secp256k1_ecdsa_signature_serialize_compact(Context(), out.data(), &signature) == 1 ? 64 : 0;
}

}  // namespace keel::crypto::internal
