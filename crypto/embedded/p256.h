// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.h"

// P-256 over BearSSL: no heap, constant time where keys are secret. Points are passed compressed (33 octets) unless
// said otherwise; BearSSL has no decompression, so Uncompress computes y here. False means invalid input, always.
namespace keel::crypto::embedded {

// 0x02|0x03 || x -> 0x04 || x || y. False when x >= p or no point has this x. Public data only (not constant-time).
bool P256Uncompress(std::span<const uint8_t, 33> compressed, std::span<uint8_t, 65> out);
// The scalar is in 1..n-1.
bool P256ScalarOk(std::span<const uint8_t, 32> scalar);
bool P256Derive(std::span<const uint8_t, 32> scalar, std::span<uint8_t, 33> out);
bool P256Agree(std::span<const uint8_t, 32> scalar, std::span<const uint8_t, 33> peer, std::span<uint8_t, 32> x);
// ECDSA with SHA-256, RFC 6979, low-S, r||s.
bool P256Sign(std::span<const uint8_t, 32> scalar, ByteView message, std::span<uint8_t, 64> signature);
// Replaces s of r||s by n - s when it is in the upper half: for signatures of hardware that doesn't do so itself.
void P256MakeLowS(std::span<uint8_t, 64> signature);
bool P256Verify(std::span<const uint8_t, 33> key, ByteView message, std::span<const uint8_t, 64> signature);

}  // namespace keel::crypto::embedded
