// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/seams.h"
#include "core/secret.h"
#include "crypto/keys.h"

// Key agreement on every curve, P-384 and P-521 included, whose secrets are longer than crypto/agreement.h's 32 octets.
// Needs SetUpHostedCrypto(). Pure functions, thread-safe.
namespace keel::crypto {

inline constexpr size_t kMaxSharedSecret = 66;  // P-521; always PrivateKeyLength(type)

// A shared secret of any curve. Move-only; wiped when it goes.
struct WideSecret {
  SecretBytes<kMaxSharedSecret> octets;
  size_t length = 0;
  ByteView ExposeSecret() const { return ByteView(octets.ExposeSecret()).first(length); }
  WideSecret Clone() const { return {octets.Clone(), length}; }
  bool SameAs(const WideSecret& other) const { return length == other.length && octets.SameAs(other.octets); }
};

// Writes the shared secret (the x coordinate; X25519: the result of RFC 7748) and returns its length. kBadKey as
// AgreeRaw, kBufferTooSmall.
Result<size_t> AgreeRawWide(KeyType type, ByteView private_key, const PublicKey& peer, ByteSpan out);

// A fresh key pair for one envelope, of any type that can agree. kUnsupported (Ed25519), kNoEntropy.
struct WideEphemeralKey {
  SecretBytes<kMaxPrivateKey> private_key;  // its first PrivateKeyLength(type) octets
  PublicKey public_key;
  ByteView ExposePrivate() const {
    return ByteView(private_key.ExposeSecret()).first(PrivateKeyLength(public_key.type()));
  }
};
Result<WideEphemeralKey> GenerateWideEphemeral(KeyType type, Random& random);

}  // namespace keel::crypto
