// SPDX-License-Identifier: Apache-2.0
#include "ledger/map_proof.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/fakes/ledger_world.h"

namespace keel::ledger {
namespace {

using fakes::NaiveMap;
using fakes::Octets;

Bytes32 KeyOf(uint64_t i) { return crypto::Sha256::Of("key " + std::to_string(i)); }
Octets ValueOf(uint64_t i) { return fakes::ToOctets("value " + std::to_string(i)); }

TEST(MapProof, RandomMapsAgainstTheModel) {
  std::mt19937_64 rng(1);
  for (const size_t n : {0, 1, 2, 3, 10, 100, 1000}) {
    NaiveMap map;
    for (size_t i = 0; i < n; ++i) map.Put(KeyOf(i), ValueOf(i));
    const Bytes32 root = map.Root();
    for (size_t round = 0; round < 30; ++round) {
      const uint64_t i = n == 0 ? 0 : rng() % n;
      if (n > 0) {
        const Octets proof = map.Prove(KeyOf(i));
        EXPECT_TRUE(VerifyPresent(proof, root, KeyOf(i), ValueOf(i)));
        EXPECT_FALSE(VerifyPresent(proof, root, KeyOf(i), ValueOf(i + 1)));
        EXPECT_FALSE(VerifyPresent(proof, root, KeyOf(i + n), ValueOf(i)));
        EXPECT_FALSE(VerifyAbsent(proof, root, KeyOf(i)));
      }
      const Octets absent = map.Prove(KeyOf(n + round));
      EXPECT_TRUE(VerifyAbsent(absent, root, KeyOf(n + round)));
      EXPECT_FALSE(VerifyPresent(absent, root, KeyOf(n + round), ValueOf(0)));
      if (n > 0) {
        EXPECT_FALSE(VerifyAbsent(absent, root, KeyOf(i)));
      }
    }
  }
}

TEST(MapProof, NearNeighboursShareLongPaths) {
  NaiveMap map;
  Bytes32 a{};
  Bytes32 b{};
  b[24] = 1;  // equal in the first 199 bits
  map.Put(a, ValueOf(1));
  map.Put(b, ValueOf(2));
  const Bytes32 root = map.Root();
  const Octets proof = map.Prove(a);
  EXPECT_EQ(proof[1], 200);
  EXPECT_TRUE(VerifyPresent(proof, root, a, ValueOf(1)));
  EXPECT_TRUE(VerifyPresent(map.Prove(b), root, b, ValueOf(2)));
  Bytes32 c = a;
  c[10] = 0x80;
  EXPECT_TRUE(VerifyAbsent(map.Prove(c), root, c));
}

TEST(MapProof, EveryOctetOfEveryKindCounts) {
  NaiveMap map;
  for (uint64_t i = 0; i < 60; ++i) map.Put(KeyOf(i), ValueOf(i));
  const Bytes32 root = map.Root();
  int kinds[3] = {0, 0, 0};
  for (uint64_t i = 50; i < 90; ++i) {
    const bool present = i < 60;
    const Octets good = map.Prove(KeyOf(i));
    ++kinds[good[0]];
    const auto check = [&](const Octets& proof) {
      return present ? VerifyPresent(proof, root, KeyOf(i), ValueOf(i)) : VerifyAbsent(proof, root, KeyOf(i));
    };
    ASSERT_TRUE(check(good));
    for (size_t at = 0; at < good.size(); ++at) {
      for (const uint8_t flip : {uint8_t{0x01}, uint8_t{0x80}}) {
        Octets bad = good;
        bad[at] ^= flip;
        EXPECT_FALSE(check(bad)) << "kind " << int(good[0]) << " octet " << at;
      }
    }
    Octets longer = good;
    longer.push_back(0);
    EXPECT_EQ(check(longer).error().code, Code::kMalformed);
    EXPECT_EQ(check(Octets(good.begin(), good.end() - 1)).error().code, Code::kMalformed);
  }
  EXPECT_GT(kinds[0], 0);
  EXPECT_GT(kinds[1], 0);
  EXPECT_GT(kinds[2], 0);
  EXPECT_EQ(VerifyAbsent({}, root, KeyOf(0)).error().code, Code::kMalformed);
}

TEST(MapProof, CanonicalFormIsEnforced) {
  const Bytes32 key{};
  // depth 1, first sibling clear
  EXPECT_EQ(VerifyAbsent(Octets{0, 1, 0x00}, Bytes32{}, key).error().code, Code::kMalformed);
  // an unused bit set
  Octets unused{0, 1, 0xc0};
  unused.resize(3 + 64, 1);
  EXPECT_EQ(VerifyAbsent(unused, Bytes32{}, key).error().code, Code::kMalformed);
  // a written-out empty sibling
  Octets empty{0, 1, 0x80};
  empty.resize(3 + 32, 0);
  EXPECT_EQ(VerifyAbsent(empty, Bytes32{}, key).error().code, Code::kMalformed);
  // kind 2 with key' = key; kind 3
  Octets self{2, 0};
  self.resize(2 + 64, 0);
  EXPECT_EQ(VerifyAbsent(self, MapLeaf(key, Bytes32{}), key).error().code, Code::kBadProof);
  EXPECT_EQ(VerifyAbsent(Octets{3, 0}, Bytes32{}, key).error().code, Code::kMalformed);
  // the empty map
  EXPECT_TRUE(VerifyAbsent(Octets{0, 0}, Bytes32{}, key));
}

TEST(MapProof, AnotherLeafElsewhereProvesNothing) {
  NaiveMap map;
  map.Put(KeyOf(1), ValueOf(1));
  map.Put(KeyOf(2), ValueOf(2));
  map.Put(KeyOf(3), ValueOf(3));
  const Bytes32 root = map.Root();
  // KeyOf(1)'s own path, dressed as absence of KeyOf(1) by the leaf of KeyOf(2).
  Octets proof = map.Prove(KeyOf(1));
  proof[0] = 2;
  const Bytes32 other = KeyOf(2);
  const Bytes32 hash = crypto::Sha256::Of(ValueOf(2));
  proof.insert(proof.end(), other.begin(), other.end());
  proof.insert(proof.end(), hash.begin(), hash.end());
  EXPECT_EQ(VerifyAbsent(proof, root, KeyOf(1)).error().code, Code::kBadProof);
}

TEST(MapProof, ALeafInTheWrongPlaceProvesNothing) {
  // A map that no rule makes: a leaf whose key begins with 1 stands on the left. Absence of a key that begins with 0
  // must not follow.
  Bytes32 other{};
  other[0] = 0x80;
  const Bytes32 hash = crypto::Sha256::Of(ValueOf(1));
  const Bytes32 right = MapLeaf(Bytes32{0xff}, hash);
  const Bytes32 root = MapNode(MapLeaf(other, hash), right);
  MapProofParts parts;
  parts.kind = ProofKind::kAbsentOther;
  parts.siblings = {&right, 1};
  parts.other_key = other;
  parts.other_value_hash = hash;
  ByteArray<200> proof;
  const size_t n = EncodeMapProof(parts, proof).value();
  EXPECT_EQ(VerifyAbsent(ByteView(proof).first(n), root, Bytes32{0x01}).error().code, Code::kBadProof);
}

TEST(MapProof, KeysOfTypesAreApart) {
  const Octets id = fakes::ToOctets("same");
  EXPECT_NE(MapKey(MapType::kDid, id), MapKey(MapType::kSeal, id));
  EXPECT_EQ(MapKey(MapType::kBatch, fakes::ToOctets("sa"), fakes::ToOctets("me")), MapKey(MapType::kBatch, id));
}

}  // namespace
}  // namespace keel::ledger
