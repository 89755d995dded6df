// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/seams.h"
#include "core/secret.h"
#include "crypto/key_store.h"
#include "ledger/limits.h"
#include "ledger/network.h"

// The blinded meeting place (docs/formats/rendezvous.md, section 5 of the formats). Suite 1: X25519. Suite 2: P-256,
// where E is the x coordinate alone (the agreement's result doesn't depend on y's sign), so that all values have one
// size.
namespace keel::ledger {

inline constexpr uint8_t kRendezvousX25519 = 1, kRendezvousP256 = 2;

// index = HMAC-SHA-256(RS, "keel-rv-index/1\n" || net).
Bytes32 RendezvousIndex(const SecretBytes<32>& rs, const Net& net);

// Encrypts an invitation (at most kMaxInvitation, no trailing space of its own) to RP, an X25519 or P-256 key. `out`:
// kRendezvousValue octets exactly. kInvalidArgument, kUnsupported (type of RP), kNoEntropy.
Result<> SealInvitation(std::string_view invitation, const SecretBytes<32>& rs, const Net& net,
                        const crypto::PublicKey& rp, Random& random, std::span<uint8_t, kRendezvousValue> out);
// Decrypts a value with the device's rp; returns the invitation's length without padding. kDecryptFailed for anything
// not sealed to us (the dummy too), kUnsupported for another suite than rp's, kMalformed for a wrong size.
Result<size_t> OpenInvitation(ByteView value, const SecretBytes<32>& rs, const Net& net, crypto::KeyStore& store,
                              crypto::KeyHandle rp, std::span<char> out);
// The value of random octets that an index without entries answers with; looks like one of suite 1.
Result<> DummyValue(Random& random, std::span<uint8_t, kRendezvousValue> out);

// Slots that an entry node has per index and node of origin: max(1, floor(8/n)).
constexpr size_t SlotsPerNode(size_t members) { return members == 0 || 8 / members == 0 ? 1 : 8 / members; }

}  // namespace keel::ledger
