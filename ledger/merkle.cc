// SPDX-License-Identifier: Apache-2.0
#include "ledger/merkle.h"

#include <bit>

#include "crypto/hash.h"

namespace keel::ledger {
namespace {

Bytes32 PathNode(ByteView path, size_t i) {
  Bytes32 node{};
  std::memcpy(node.data(), path.data() + 32 * i, 32);
  return node;
}

// The largest power of two below n (n >= 2).
size_t SplitOf(size_t n) { return std::bit_floor(n - 1); }

}  // namespace

Bytes32 LeafHash(ByteView entry) {
  const uint8_t tag = 0x00;
  return crypto::Sha256().Update(ByteView(&tag, 1)).Update(entry).Final();
}

Bytes32 NodeHash(const Bytes32& left, const Bytes32& right) {
  const uint8_t tag = 0x01;
  return crypto::Sha256().Update(ByteView(&tag, 1)).Update(left).Update(right).Final();
}

// RFC 9162 section 2.1.3.2.
Result<Bytes32> RootFromPath(const Bytes32& leaf_hash, uint64_t index, uint64_t size, ByteView path) {
  if (index >= size || path.size() % 32 != 0 || path.size() / 32 > kMaxPath)
    return Fail(Code::kBadProof, "inclusion proof");
  uint64_t fn = index;
  uint64_t sn = size - 1;
  Bytes32 hash = leaf_hash;
  for (size_t i = 0; i < path.size() / 32; ++i) {
    if (sn == 0) return Fail(Code::kBadProof, "inclusion proof: too long");
    const Bytes32 node = PathNode(path, i);
    if ((fn & 1) != 0 || fn == sn) {
      hash = NodeHash(node, hash);
      while ((fn & 1) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      hash = NodeHash(hash, node);
    }
    fn >>= 1;
    sn >>= 1;
  }
  if (sn != 0) return Fail(Code::kBadProof, "inclusion proof: too short");
  return hash;
}

Result<> VerifyInclusion(const Bytes32& leaf_hash, uint64_t index, uint64_t size, ByteView path, const Bytes32& root) {
  KEEL_TRY(const Bytes32 found, RootFromPath(leaf_hash, index, size, path));
  if (found != root) return Fail(Code::kBadProof, "inclusion proof");
  return {};
}

Result<> VerifyConsistency(uint64_t first, uint64_t second, const Bytes32& first_root, const Bytes32& second_root,
                           ByteView proof) {
  if (first > second || proof.size() % 32 != 0 || proof.size() / 32 > kMaxPath + 1) {
    return Fail(Code::kBadProof, "consistency proof");
  }
  const size_t nodes = proof.size() / 32;
  if (first == second || first == 0) {
    if (nodes != 0 || (first == second && first_root != second_root)) return Fail(Code::kBadProof, "consistency proof");
    return {};
  }
  // A power of two: its root is itself the first node and is left out.
  size_t at = 0;
  Bytes32 fr = first_root;
  if (!std::has_single_bit(first)) {
    if (nodes == 0) return Fail(Code::kBadProof, "consistency proof: too short");
    fr = PathNode(proof, at++);
  }
  Bytes32 sr = fr;
  uint64_t fn = first - 1;
  uint64_t sn = second - 1;
  while ((fn & 1) != 0) {
    fn >>= 1;
    sn >>= 1;
  }
  for (; at < nodes; ++at) {
    if (sn == 0) return Fail(Code::kBadProof, "consistency proof: too long");
    const Bytes32 node = PathNode(proof, at);
    if ((fn & 1) != 0 || fn == sn) {
      fr = NodeHash(node, fr);
      sr = NodeHash(node, sr);
      while ((fn & 1) == 0 && fn != 0) {
        fn >>= 1;
        sn >>= 1;
      }
    } else {
      sr = NodeHash(sr, node);
    }
    fn >>= 1;
    sn >>= 1;
  }
  if (sn != 0 || fr != first_root || sr != second_root) return Fail(Code::kBadProof, "consistency proof");
  return {};
}

Bytes32 TreeRoot(std::span<const Bytes32> leaf_hashes) {
  if (leaf_hashes.empty()) return crypto::Sha256::Of(ByteView());
  // One finished subtree per bit of the leaves seen so far.
  std::array<Bytes32, 64> stack;
  size_t depth = 0;
  for (size_t i = 0; i < leaf_hashes.size(); ++i) {
    Bytes32 node = leaf_hashes[i];
    for (size_t n = i; (n & 1) != 0; n >>= 1) node = NodeHash(stack[--depth], node);
    stack[depth++] = node;
  }
  Bytes32 root = stack[--depth];
  while (depth > 0) root = NodeHash(stack[--depth], root);
  return root;
}

Result<size_t> TreePath(std::span<const Bytes32> leaf_hashes, uint64_t index, std::span<Bytes32> out) {
  if (index >= leaf_hashes.size()) return Fail(Code::kInvalidArgument, "tree path");
  std::array<Bytes32, kMaxPath> down;  // root first
  size_t n = 0;
  while (leaf_hashes.size() > 1) {
    const size_t k = SplitOf(leaf_hashes.size());
    if (index < k) {
      down[n++] = TreeRoot(leaf_hashes.subspan(k));
      leaf_hashes = leaf_hashes.first(k);
    } else {
      down[n++] = TreeRoot(leaf_hashes.first(k));
      leaf_hashes = leaf_hashes.subspan(k);
      index -= k;
    }
  }
  if (n > out.size()) return Fail(Code::kBufferTooSmall, "tree path");
  for (size_t i = 0; i < n; ++i) out[i] = down[n - 1 - i];
  return n;
}

Result<size_t> TreeConsistency(std::span<const Bytes32> leaf_hashes, uint64_t first, std::span<Bytes32> out) {
  if (first > leaf_hashes.size()) return Fail(Code::kInvalidArgument, "tree consistency");
  if (first == 0 || first == leaf_hashes.size()) return size_t{0};
  std::array<Bytes32, kMaxPath + 1> down;
  size_t n = 0;
  bool whole = true;  // the old root is this subtree's: it need not be told
  while (first != leaf_hashes.size()) {
    const size_t k = SplitOf(leaf_hashes.size());
    if (first <= k) {
      down[n++] = TreeRoot(leaf_hashes.subspan(k));
      leaf_hashes = leaf_hashes.first(k);
    } else {
      down[n++] = TreeRoot(leaf_hashes.first(k));
      leaf_hashes = leaf_hashes.subspan(k);
      first -= k;
      whole = false;
    }
  }
  if (!whole) down[n++] = TreeRoot(leaf_hashes);
  if (n > out.size()) return Fail(Code::kBufferTooSmall, "tree consistency");
  for (size_t i = 0; i < n; ++i) out[i] = down[n - 1 - i];
  return n;
}

}  // namespace keel::ledger
