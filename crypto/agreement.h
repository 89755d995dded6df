// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/seams.h"
#include "core/secret.h"
#include "crypto/keys.h"

namespace keel::crypto {

using SharedSecret = SecretBytes<32>;  // X25519 and P-256 (x coordinate); larger curves are hosted-only

// Raw agreement with a private key in hand (ephemeral keys): X25519 by libsodium, P-256 by BearSSL. kBadKey when the
// result is all zero, the types differ or the point is invalid.
Result<SharedSecret> AgreeRaw(KeyType type, ByteView private_key, const PublicKey& peer);

// A fresh key pair for one envelope. private_key: 32 octets.
struct EphemeralKey {
  SecretBytes<32> private_key;
  PublicKey public_key;
};
Result<EphemeralKey> GenerateEphemeral(KeyType type, Random& random);

// The public key of an Ed25519 seed, an X25519 scalar or a P-256 scalar.
Result<PublicKey> PublicFromPrivate(KeyType type, ByteView private_key);
// Signs with a private key in hand: Ed25519 seed or P-256 scalar (low-S, RFC 6979). Writes 64 octets.
Result<size_t> SignRaw(KeyType type, ByteView private_key, ByteView message, ByteSpan signature);
// Ed25519 for a key store that keeps seed and public key together: half the cost of SignRaw. The public key MUST be the
// seed's own (a wrong one leaks the seed): only pass one that PublicFromPrivate gave.
Result<size_t> SignEd25519(ByteView seed, const PublicKey& own, ByteView message, ByteSpan signature);

}  // namespace keel::crypto
