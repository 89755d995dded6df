// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.h"
#include "ledger/limits.h"

// The sparse Merkle map's hashes and proofs (docs/formats/map-proof.md). Keys are 256 bits, most significant first, 0 =
// left; an empty subtree is 32 zero octets, a subtree with one leaf is that leaf. Pure functions.
namespace keel::ledger {

enum class MapType : uint8_t {
  kDid = 1,         // id: ASCII DID; value: head 32 || u8 flags
  kSeal = 2,        // id: seal 32; value: H(link) 32 || u64 index
  kBatch = 3,       // id: ASCII issuer DID || root 32; value: u64 index
  kSchema = 4,      // id: ASCII author DID || 0x0a || id; value: H(payload) 32 || u64 index
  kDefinition = 5,  // as kSchema
  kStatus = 6,      // id: ASCII issuer DID || 0x0a || list id; value: u64 version || digest 32 || u64 index
  kSponsor = 7,     // id: ASCII DID; value: u64 seq || u64 quota || u64 until || u64 index
  kMember = 8,      // id: member id; value: u64 seq || H(payload) 32 || u64 index
  kEpoch = 9,       // id: u32 epoch; value: H(descriptor octets) 32 || u64 index
};

// K(type, id) = H("keel-map/1\n" || u8 type || id); the second form joins two parts of the id.
Bytes32 MapKey(MapType type, ByteView id);
Bytes32 MapKey(MapType type, ByteView id, ByteView more);

Bytes32 MapLeaf(const Bytes32& key, const Bytes32& value_hash);  // H(0x10 || key || H(value))
Bytes32 MapNode(const Bytes32& left, const Bytes32& right);      // H(0x11 || left || right); two empties stay empty

// Bit `depth` of a key, 0 = the most significant.
constexpr bool MapBit(const Bytes32& key, size_t depth) { return ((key[depth / 8] >> (7 - depth % 8)) & 1) != 0; }

// The map holds `value` under `key`. kMalformed (not a proof), kBadProof (a proof of something else).
Result<> VerifyPresent(ByteView proof, const Bytes32& root, const Bytes32& key, ByteView value);
// The map holds nothing under `key`.
Result<> VerifyAbsent(ByteView proof, const Bytes32& root, const Bytes32& key);

// For map keepers. `siblings` leaf first, an empty one all zero; for kind 2 the other leaf. Returns the length.
enum class ProofKind : uint8_t { kAbsentEmpty = 0, kPresent = 1, kAbsentOther = 2 };
struct MapProofParts {
  ProofKind kind = ProofKind::kAbsentEmpty;
  std::span<const Bytes32> siblings;  // as many as the depth, at most 255
  Bytes32 other_key{};
  Bytes32 other_value_hash{};
};
Result<size_t> EncodeMapProof(const MapProofParts& parts, ByteSpan out);

}  // namespace keel::ledger
