// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "crypto/keys.h"

// Private to vc/data_integrity: the proof values of ecdsa-sd-2023, CBOR after three octets of header (Data Integrity
// ECDSA Cryptosuites 1.0, sections 3.5.2 to 3.5.8). Pure functions, thread-safe.
namespace keel::vc::internal {

// Statements of one credential: each costs a signature to make and one to verify.
inline constexpr size_t kMaxStatements = 2048;
inline constexpr size_t kMaxPointers = 256;

struct BaseProofValue {
  ByteArray<64> base_signature{};
  crypto::PublicKey public_key;  // proof-scoped, P-256
  Bytes32 hmac_key{};
  std::vector<ByteArray<64>> signatures;  // of the statements that may be left out, in their order
  std::vector<std::string> mandatory_pointers;
};

struct DerivedProofValue {
  ByteArray<64> base_signature{};
  crypto::PublicKey public_key;
  std::vector<ByteArray<64>> signatures;  // of the disclosed statements that are not mandatory
  std::map<uint64_t, Bytes32> labels;     // N of "c14nN" in what is disclosed -> the label that was signed
  std::vector<size_t> mandatory_indexes;  // ascending
};

// 0x80 0x24 || compressed point: what the base signature covers.
Result<base::ByteVec> MultikeyOctets(const crypto::PublicKey& key);

// Octets, not yet multibase. Errors: those of the key.
Result<base::ByteVec> SerializeBase(const BaseProofValue& value);
Result<base::ByteVec> SerializeDerived(const DerivedProofValue& value);

// kMalformed, kNotCanonical, kUnsupported (CBOR that isn't as here), kTooLarge, kBadKey, kDuplicate (a label twice).
Result<BaseProofValue> ParseBase(ByteView octets);
Result<DerivedProofValue> ParseDerived(ByteView octets);

// By the header alone.
bool IsBaseProof(ByteView octets);

}  // namespace keel::vc::internal
