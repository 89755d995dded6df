// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/seams.h"
#include "crypto/agreement.h"
#include "device-wallet/core/peer_did.h"

// The constrained DIDComm v2 envelope: authcrypt ECDH-1PU+A256KW (draft 04), A256CBC-HS512, X25519, one recipient,
// exactly the ENVELOPE annex of docs/protocols/device-onboarding.md. Everything happens inside the caller's one buffer.
namespace keel::wallet {

// Both ends of an envelope. The static-static agreement is made once for the session and kept by the caller.
struct EnvelopePeers {
  const PeerDid* self = nullptr;
  const PeerDid* peer = nullptr;
  ByteView self_private;                                // X25519, 32 octets
  const crypto::SharedSecret* static_shared = nullptr;  // X25519(self_private, peer.agreement)
};

// Encrypts the plaintext that stands at buffer[0, plaintext) in place; the envelope then stands at buffer[0, returned).
// kBufferTooSmall (5,300 octets of plaintext fit 8,192), kNoEntropy, kBadKey.
Result<size_t> PackAuthcrypt(const EnvelopePeers& peers, Random& random, ByteSpan buffer, size_t plaintext);

// Decrypts the envelope that fills `envelope` in place and gives the plaintext as a part of it. Refuses any other
// algorithm, key id, number of recipients, and headers that contradict each other; kDecryptFailed does not tell why.
// kMalformed, kAlgorithmNotAllowed, kWrongSender, kWrongRecipient, kUnsupported (crit), kDecryptFailed.
Result<ByteSpan> UnpackAuthcrypt(const EnvelopePeers& peers, ByteSpan envelope);

}  // namespace keel::wallet
