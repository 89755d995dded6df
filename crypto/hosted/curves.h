// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "crypto/hooks.h"

// Private to crypto/hosted: the two sides of the hook table. Thread-safe.
namespace keel::crypto::internal {

// P-256, P-384 and P-521 by OpenSSL.
bool NistCheck(KeyType type, ByteView point);
bool NistUncompress(KeyType type, ByteView compressed, ByteSpan out);
bool NistVerify(KeyType type, ByteView point, ByteView message, ByteView signature);
size_t NistAgree(KeyType type, ByteView private_key, ByteView peer, ByteSpan out);
size_t NistDerive(KeyType type, ByteView private_key, ByteSpan out);
size_t NistSign(KeyType type, ByteView private_key, ByteView message, ByteSpan out);

// secp256k1 by libsecp256k1.
bool KoblitzCheck(ByteView point);
bool KoblitzUncompress(ByteView compressed, ByteSpan out);
bool KoblitzVerify(ByteView point, ByteView message, ByteView signature);
size_t KoblitzAgree(ByteView private_key, ByteView peer, ByteSpan out);
size_t KoblitzDerive(ByteView private_key, ByteSpan out);
size_t KoblitzSign(ByteView private_key, ByteView message, ByteSpan out);

// edwards25519 by libsodium, with a memory of keys that were good.
bool OnEdwards(ByteView octets);

}  // namespace keel::crypto::internal
