// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "crypto/key_store.h"
#include "crypto/signature.h"
#include "device-wallet/core/peer_did.h"

// DIDComm v2 signed messages: JWS JSON (general) with one signature, EdDSA or ES256, inside the caller's one buffer.
namespace keel::wallet {

// Signs the plaintext that stands at buffer[0, plaintext); the message then stands at buffer[0, returned). `kid`: the
// signer's key as an absolute DID URL. kBufferTooSmall, kTooLarge (kid), errors of the key store.
Result<size_t> PackSigned(std::string_view kid, crypto::KeyStore& keys, crypto::KeyHandle key, ByteSpan buffer,
                          size_t plaintext);

// The key id that a signed message names; nothing is proved by it. kMalformed, kUnsupported (several signatures: a
// wallet doesn't hold other signers' keys), kTooLarge.
Result<FixedText<kMaxPeerKid>> SignerOf(ByteView message);

// Verifies the signature under the key that `kid` names and decodes the payload in place: a part of `message`, whose
// other octets are garbage afterwards, whatever comes out. kMalformed, kUnsupported, kAlgorithmNotAllowed (none, HS*,
// another than the key's), kWrongSender (another kid), kBadSignature, kBadKey.
Result<ByteSpan> UnpackSigned(ByteSpan message, std::string_view kid, const crypto::PublicKey& key);

}  // namespace keel::wallet
