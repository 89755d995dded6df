// SPDX-License-Identifier: Apache-2.0
#include "ledger/merkle.h"

#include <gtest/gtest.h>

#include <vector>

#include "crypto/hash.h"

namespace keel::ledger {
namespace {

std::vector<Bytes32> Leaves(size_t n) {
  std::vector<Bytes32> leaves;
  for (size_t i = 0; i < n; ++i) leaves.push_back(LeafHash(AsBytes("leaf " + std::to_string(i))));
  return leaves;
}
ByteView View(std::span<const Bytes32> nodes) { return {nodes.data()->data(), nodes.size() * 32}; }

// RFC 9162 section 2.1.1 as it is written.
Bytes32 RootByDefinition(std::span<const Bytes32> leaves) {
  if (leaves.empty()) return crypto::Sha256::Of(ByteView());
  if (leaves.size() == 1) return leaves[0];
  size_t k = 1;
  while (k * 2 < leaves.size()) k *= 2;
  return NodeHash(RootByDefinition(leaves.first(k)), RootByDefinition(leaves.subspan(k)));
}

TEST(Merkle, RootsAndPathsOfAllSmallTrees) {
  for (size_t n = 1; n <= 33; ++n) {
    const auto leaves = Leaves(n);
    const Bytes32 root = TreeRoot(leaves);
    ASSERT_EQ(root, RootByDefinition(leaves));
    for (size_t i = 0; i < n; ++i) {
      std::array<Bytes32, kMaxPath> path;
      const size_t length = TreePath(leaves, i, path).value();
      const ByteView view = View(std::span(path).first(length));
      EXPECT_TRUE(VerifyInclusion(leaves[i], i, n, view, root));
      // No other leaf, index, size or length.
      EXPECT_FALSE(VerifyInclusion(leaves[(i + 1) % n], i, n, view, root) && n > 1);
      if (n > 1) {
        EXPECT_FALSE(VerifyInclusion(leaves[i], (i + 1) % n, n, view, root));
        EXPECT_FALSE(VerifyInclusion(leaves[i], i, n, view.first(view.size() - 32), root));
      }
      if (n > 1) {
        EXPECT_FALSE(VerifyInclusion(leaves[i], i, n, view.first(view.size() / 2 + 1), root));
      }
      EXPECT_FALSE(VerifyInclusion(leaves[i], n, n, view, root));
      path[length] = root;
      EXPECT_FALSE(VerifyInclusion(leaves[i], i, n, View(std::span(path).first(length + 1)), root));
    }
  }
}

TEST(Merkle, ConsistencyOfAllSmallTrees) {
  for (size_t n = 1; n <= 20; ++n) {
    const auto leaves = Leaves(n);
    const Bytes32 root = TreeRoot(leaves);
    for (size_t m = 1; m <= n; ++m) {
      const Bytes32 old = TreeRoot(std::span(leaves).first(m));
      std::array<Bytes32, kMaxPath> proof;
      const size_t length = TreeConsistency(leaves, m, proof).value();
      const ByteView view = View(std::span(proof).first(length));
      EXPECT_TRUE(VerifyConsistency(m, n, old, root, view)) << m << " " << n;
      Bytes32 other = old;
      other[0] ^= 1;
      EXPECT_FALSE(VerifyConsistency(m, n, other, root, view));
      if (m < n) {
        EXPECT_FALSE(VerifyConsistency(m, n, old, other, view));
      }
      if (length > 0) {
        EXPECT_FALSE(VerifyConsistency(m, n, old, root, view.first(view.size() - 32)));
        proof[0][0] ^= 1;
        EXPECT_FALSE(VerifyConsistency(m, n, old, root, view));
      }
    }
    EXPECT_TRUE(VerifyConsistency(0, n, Bytes32{}, root, {}));
    EXPECT_FALSE(VerifyConsistency(n + 1, n, root, root, {}));
  }
}

TEST(Merkle, BuildersRefuse) {
  const auto leaves = Leaves(4);
  std::array<Bytes32, 1> small;
  EXPECT_EQ(TreePath(leaves, 4, small).error().code, Code::kInvalidArgument);
  EXPECT_EQ(TreePath(leaves, 0, small).error().code, Code::kBufferTooSmall);
  EXPECT_EQ(TreeConsistency(leaves, 5, small).error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace keel::ledger
