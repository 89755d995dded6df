// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "crypto/keys.h"

// Private to crypto: how hosted code adds the curves that a microcontroller does not know. On a microcontroller the
// table is constant and empty; on a host it is one pointer, set once by SetUpHostedCrypto() before any use and never
// changed to another table, so that reading it needs no lock.
namespace keel::crypto::internal {

// Each member may serve kP256, kP384, kP521 and kSecp256k1; all null on a microcontroller. A point is 0x04 || x || y.
struct CurveHooks {
  // The octets are a point of the curve (infinity has no such form).
  bool (*check)(KeyType type, ByteView point) = nullptr;
  // Compressed -> 0x04 || x || y; false when there is no such point. out has the exact length.
  bool (*uncompress)(KeyType type, ByteView compressed, ByteSpan out) = nullptr;
  // The signature (r||s, right length) is good for the message.
  bool (*verify)(KeyType type, ByteView point, ByteView message, ByteView signature) = nullptr;
  // x coordinate of private * peer; its length, or 0 when anything is wrong.
  size_t (*agree)(KeyType type, ByteView private_key, ByteView peer_point, ByteSpan out) = nullptr;
  // Point of a private key; its length, or 0 when the scalar is out of range.
  size_t (*derive)(KeyType type, ByteView private_key, ByteSpan out) = nullptr;
  // r||s, low-S; 0 on failure.
  size_t (*sign)(KeyType type, ByteView private_key, ByteView message, ByteSpan out) = nullptr;
  // The 32 octets, reduced and of no small order, are a point of edwards25519. May remember what it found good.
  bool (*on_edwards)(ByteView octets) = nullptr;
};

// The table in force.
const CurveHooks& Hooks();
#if KEEL_HOSTED
// Host only; `hooks` must live as long as the program.
void SetHooks(const CurveHooks* hooks);
#endif

// s is in the lower half of the group order; false for other types than kP256, kP384, kSecp256k1, kP521.
bool IsLowS(KeyType type, ByteView s);
// Replaces s by n - s when it is in the upper half.
void MakeLowS(KeyType type, ByteSpan s);

}  // namespace keel::crypto::internal
