// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.h"
#include "core/secret.h"

// Hashes, MACs and key derivation over libsodium; the same sources on hosts and microcontrollers. None allocates or
// fails.
namespace keel::crypto {

// Streaming SHA-256 (FIPS 180-4). Update any number of times, Final once.
class Sha256 {
 public:
  Sha256();
  Sha256& Update(ByteView bytes);
  Sha256& Update(std::string_view text) { return Update(AsBytes(text)); }
  Bytes32 Final();

  static Bytes32 Of(ByteView bytes) { return Sha256().Update(bytes).Final(); }
  static Bytes32 Of(std::string_view text) { return Sha256().Update(text).Final(); }

 private:
  alignas(8) ByteArray<112> state_;  // crypto_hash_sha256_state; its size is checked in hash.cc
};

Bytes64 Sha512(ByteView bytes);

// RFC 2104.
Bytes32 HmacSha256(ByteView key, ByteView message);
Bytes64 HmacSha512(ByteView key, ByteView message);

// RFC 5869 with SHA-256; out at most 255*32 octets (kTooLarge).
Result<> HkdfSha256(ByteView ikm, ByteView salt, ByteView info, ByteSpan out);

// Concat KDF of RFC 7518 section 4.6.2 / NIST SP 800-56A with SHA-256; `other_info` is the whole OtherInfo; out <= 1024
// octets.
Result<> ConcatKdfSha256(ByteView z, ByteView other_info, ByteSpan out);

}  // namespace keel::crypto
