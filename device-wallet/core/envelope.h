// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/seams.h"
#include "crypto/agreement.h"
#include "crypto/key_store.h"
#include "device-wallet/core/peer_did.h"

// The wallet's DIDComm v2 envelopes: authcrypt (ECDH-1PU+A256KW, draft 04, A256CBC-HS512) and anoncrypt
// (ECDH-ES+A256KW, XC20P or A256CBC-HS512) over X25519 and P-256, made for one recipient, read with up to
// kMaxEnvelopeRecipients. Everything happens inside the caller's one buffer; private keys stay in their key store, so
// that a secure element serves as well. Profile: docs/formats/didcomm-profile.md; in onboarding: the ENVELOPE annex of
// docs/protocols/device-onboarding.md.
namespace keel::wallet {

inline constexpr size_t kMaxEnvelopeRecipients = 8;

enum class ContentEncryption : uint8_t { kA256CbcHs512 = 1, kXc20p = 2 };

// Our end: an agreement key by its absolute id, its type, and where its private half lives.
struct OwnEnd {
  std::string_view kid;
  crypto::KeyType type = crypto::KeyType::kX25519;
  crypto::KeyStore* store = nullptr;
  crypto::KeyHandle key;
};
// The other end.
struct PeerEnd {
  std::string_view kid;
  crypto::PublicKey key;
};
// Both ends of an authcrypt envelope. The static-static agreement is made once for the relation and kept by the caller.
struct EnvelopePeers {
  OwnEnd self;
  PeerEnd peer;
  const crypto::SharedSecret* static_shared = nullptr;  // Agree(self, peer)
};

// Encrypts the plaintext that stands at buffer[0, plaintext) in place; the envelope then stands at buffer[0, returned).
// kBufferTooSmall (5,300 octets of plaintext fit 8,192), kNoEntropy, kBadKey (ends of different curves, no point),
// kTooLarge (a kid over kMaxPeerKid), errors of the key store.
Result<size_t> PackAuthcrypt(const EnvelopePeers& peers, Random& random, ByteSpan buffer, size_t plaintext);
Result<size_t> PackAnoncrypt(const PeerEnd& peer, ContentEncryption enc, Random& random, ByteSpan buffer,
                             size_t plaintext);

// What an envelope says of itself before it is opened; nothing of it is proved.
struct EnvelopeHead {
  bool authcrypt = false;
  ContentEncryption enc = ContentEncryption::kA256CbcHs512;
  FixedText<kMaxPeerKid> sender;  // kid, authcrypt only: skid or, absent that, apu
  bool for_us = false;            // `kid` is among the recipients
};
Result<EnvelopeHead> ReadEnvelopeHead(ByteView envelope, std::string_view kid);

// Decrypts the envelope that fills `envelope` in place and gives the plaintext as a part of it. Refuses any other
// algorithm or curve, key ids that are not ours and the peer's, more than `max_recipients` recipients, and headers that
// contradict each other; kDecryptFailed does not tell why.
// kMalformed, kAlgorithmNotAllowed, kUnsupported (A256GCM, crit, zip), kWrongSender, kWrongRecipient, kBadKey,
// kTooLarge, kDecryptFailed, errors of the key store.
Result<ByteSpan> UnpackAuthcrypt(const EnvelopePeers& peers, ByteSpan envelope, size_t max_recipients = 1);
Result<ByteSpan> UnpackAnoncrypt(const OwnEnd& self, ByteSpan envelope, size_t max_recipients = kMaxEnvelopeRecipients);

}  // namespace keel::wallet
