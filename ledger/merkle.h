// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.h"
#include "ledger/limits.h"

// RFC 9162 section 2.1 trees with SHA-256: leaf H(0x00 || entry), node H(0x01 || left || right). Paths are octets, 32 a
// node, leaf first. Pure functions; the builders are for hosts (linear in the leaves) but need no heap either.
namespace keel::ledger {

Bytes32 LeafHash(ByteView entry);
Bytes32 NodeHash(const Bytes32& left, const Bytes32& right);

// The root that a path leads to: kBadProof when index >= size or the path's length is wrong for (index, size).
Result<Bytes32> RootFromPath(const Bytes32& leaf_hash, uint64_t index, uint64_t size, ByteView path);
// kBadProof unless the path leads from the leaf to the root.
Result<> VerifyInclusion(const Bytes32& leaf_hash, uint64_t index, uint64_t size, ByteView path, const Bytes32& root);
// kBadProof unless the tree of `second` leaves extends that of `first` (RFC 9162 section 2.1.4.2). first = 0 extends to
// anything.
Result<> VerifyConsistency(uint64_t first, uint64_t second, const Bytes32& first_root, const Bytes32& second_root,
                           ByteView proof);

// Builders. The root of no leaves is H("").
Bytes32 TreeRoot(std::span<const Bytes32> leaf_hashes);
// Writes leaf i's path; returns its number of nodes. kInvalidArgument, kBufferTooSmall.
Result<size_t> TreePath(std::span<const Bytes32> leaf_hashes, uint64_t index, std::span<Bytes32> out);
// Writes the consistency proof between the first `first` leaves and all; returns its number of nodes.
Result<size_t> TreeConsistency(std::span<const Bytes32> leaf_hashes, uint64_t first, std::span<Bytes32> out);

}  // namespace keel::ledger
