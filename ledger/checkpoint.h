// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/time.h"
#include "crypto/keys.h"
#include "ledger/limits.h"
#include "ledger/network.h"

// Checkpoints: the note, the cosignatures (C2SP), the CKPT and STATE codecs, quorum and acceptance
// (docs/formats/checkpoint.md).
namespace keel::ledger {

// floor((n-1)/3) faults tolerated, floor(2n/3)+1 needed.
constexpr size_t FaultsOf(size_t n) { return n == 0 ? 0 : (n - 1) / 3; }
constexpr size_t QuorumOf(size_t n) { return 2 * n / 3 + 1; }

// What of a descriptor is needed to judge signatures of one epoch's members. About 1.5 KiB; made by MemberSetOf
// (descriptor.h).
struct MemberSet {
  Net net{};
  uint32_t epoch = 0;
  uint8_t count = 0;
  uint8_t quorum = 1;  // the descriptor's q, never below QuorumOf(count)
  std::array<crypto::PublicKey, kMaxMembers> keys{};
};

// NOTE: "keel/" || hex(net) || "\n" || size || "\n" || base64(root) || "\n". Returns its length (at most kMaxNote).
Result<size_t> WriteNote(const Net& net, uint64_t size, const Bytes32& root, ByteSpan out);
// What a member signs: "cosignature/v1\ntime " || time || "\n" || NOTE (at most kMaxCosignMessage).
Result<size_t> WriteCosignMessage(const Net& net, uint64_t size, const Bytes32& root, UnixSeconds time, ByteSpan out);

struct Cosignature {
  uint8_t member = 0;
  UnixSeconds time = 0;
  Bytes64 signature{};
};
inline constexpr size_t kCosignatureOctets = 1 + 8 + 64;

// CKPT: u32 epoch || u64 size || root 32 || u8 count || count x (u8 member || u64 time || signature 64), members
// rising.
struct Checkpoint {
  uint32_t epoch = 0;
  uint64_t size = 0;
  Bytes32 root{};
  uint8_t count = 0;
  ByteView cosignatures;  // count * kCosignatureOctets, a view into what was parsed

  Cosignature at(size_t i) const;
};
Result<Checkpoint> ParseCheckpoint(ByteView octets);  // kMalformed, kNotCanonical (members not rising)
Result<size_t> WriteCheckpoint(uint32_t epoch, uint64_t size, const Bytes32& root,
                               std::span<const Cosignature> cosignatures, ByteSpan out);

// Verifies all cosignatures and that they are a quorum of the epoch's members. Returns the checkpoint's time: the
// smallest of the cosignatures'. kWrongEpoch, kNoQuorum, kBadSignature (one bad signature refuses the whole).
Result<UnixSeconds> VerifyCheckpoint(const Checkpoint& checkpoint, const MemberSet& members);

// When a verified checkpoint may be relied upon: its size not below the largest accepted before, its time not older
// than max_age. kStale either way (Error::where tells which).
struct Freshness {
  uint64_t largest_size = 0;
  UnixSeconds now = 0;
  uint64_t max_age = kMaxCheckpointAge;
};
Result<> AcceptCheckpoint(uint64_t size, UnixSeconds time, const Freshness& freshness);

// The state leaf, the last log entry of a commit: "keel-state/1\n" || u64 height || map root 32 || u64 time.
struct StateLeaf {
  uint64_t height = 0;
  Bytes32 map_root{};
  UnixSeconds time = 0;
};
ByteArray<kStateLeaf> WriteStateLeaf(const StateLeaf& leaf);
Result<StateLeaf> ParseStateLeaf(ByteView entry);

// STATE item: u64 height || map root 32 || u64 time || u8 n || n x 32, the leaf's path at index size - 1.
struct StateProof {
  StateLeaf leaf;
  ByteView path;
};
Result<StateProof> ParseStateProof(ByteView octets);
Result<size_t> WriteStateProof(const StateLeaf& leaf, std::span<const Bytes32> path, ByteSpan out);
// The state leaf is the last entry of the checkpoint's tree. kBadProof.
Result<> VerifyStateProof(const StateProof& state, uint64_t size, const Bytes32& root);

}  // namespace keel::ledger
