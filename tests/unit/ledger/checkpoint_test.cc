// SPDX-License-Identifier: Apache-2.0
#include "ledger/checkpoint.h"

#include <gtest/gtest.h>

#include "ledger/quorum_time.h"
#include "tests/fakes/ledger_world.h"

namespace keel::ledger {
namespace {

using fakes::LedgerWorld;
using fakes::Octets;

constexpr UnixSeconds kNow = 1'790'000'000;

Code CodeOf(const Octets& octets, const MemberSet& members) {
  const auto parsed = ParseCheckpoint(octets);
  if (!parsed) return parsed.error().code;
  const auto time = VerifyCheckpoint(*parsed, members);
  return time ? Code::kOk : time.error().code;
}

TEST(Quorum, Numbers) {
  EXPECT_EQ(QuorumOf(1), 1u);
  EXPECT_EQ(QuorumOf(2), 2u);
  EXPECT_EQ(QuorumOf(3), 3u);
  EXPECT_EQ(QuorumOf(4), 3u);
  EXPECT_EQ(QuorumOf(7), 5u);
  EXPECT_EQ(QuorumOf(21), 15u);
  EXPECT_EQ(FaultsOf(1), 0u);
  EXPECT_EQ(FaultsOf(4), 1u);
  EXPECT_EQ(FaultsOf(7), 2u);
}

TEST(Checkpoint, NoteIsAsWritten) {
  ByteArray<kMaxNote> out;
  Bytes32 net{};
  net[0] = 0xab;
  const size_t n = WriteNote(net, 42, Bytes32{}, out).value();
  EXPECT_EQ(AsText(ByteView(out).first(n)),
            "keel/ab" + std::string(62, '0') + "\n42\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n");
  ByteArray<kMaxCosignMessage> message;
  const size_t m = WriteCosignMessage(net, UINT64_MAX, Bytes32{}, UINT64_MAX, message).value();
  EXPECT_EQ(AsText(ByteView(message).first(m)).substr(0, 41), "cosignature/v1\ntime 18446744073709551615\n");
  EXPECT_LE(m, kMaxCosignMessage);
  EXPECT_EQ(WriteNote(net, 42, Bytes32{}, ByteSpan(out).first(50)).error().code, Code::kBufferTooSmall);
}

TEST(Checkpoint, QuorumRules) {
  for (const size_t n : {1, 4, 7}) {
    LedgerWorld world(n);
    world.Fill(10);
    world.Commit(kNow);
    EXPECT_EQ(CodeOf(world.checkpoint, world.members_set), Code::kOk);
    const size_t q = QuorumOf(n);
    std::vector<uint8_t> signers;
    for (size_t i = 0; i + 1 < q; ++i) signers.push_back(static_cast<uint8_t>(i + n - q));
    if (!signers.empty()) {
      world.Cosign(kNow, signers);
      EXPECT_EQ(CodeOf(world.checkpoint, world.members_set), Code::kNoQuorum) << n;
    }
    signers.clear();
    for (size_t i = 0; i < n; ++i) signers.push_back(static_cast<uint8_t>(i));
    world.Cosign(kNow, signers);
    EXPECT_EQ(CodeOf(world.checkpoint, world.members_set), Code::kOk) << n;
    // The last octet of each signature, the member, the time, size and root.
    const Octets good = world.checkpoint;
    for (size_t at = 0; at < good.size(); at += 5) {
      Octets bad = good;
      bad[at] ^= 1;
      EXPECT_NE(CodeOf(bad, world.members_set), Code::kOk) << at;
    }
  }
}

TEST(Checkpoint, OneMemberTwiceIsNoQuorum) {
  LedgerWorld world(4);
  world.Commit(kNow);
  world.Cosign(kNow, {1, 1, 2});
  EXPECT_EQ(CodeOf(world.checkpoint, world.members_set), Code::kNotCanonical);
  world.Cosign(kNow, {2, 1, 3});
  EXPECT_EQ(CodeOf(world.checkpoint, world.members_set), Code::kNotCanonical);
  LedgerWorld other(4, "others");
  EXPECT_NE(CodeOf(world.checkpoint, other.members_set), Code::kOk);
}

TEST(Checkpoint, ItsTimeIsTheSmallest) {
  LedgerWorld world(4);
  world.Commit(kNow);
  std::vector<Cosignature> list;
  for (uint8_t i = 0; i < 3; ++i) {
    world.Cosign(kNow - 7 * i, {i});
    list.push_back(ParseCheckpoint(world.checkpoint)->at(0));
  }
  ByteArray<1024> out;
  const size_t n = WriteCheckpoint(0, world.size, world.root, list, out).value();
  const auto parsed = ParseCheckpoint(ByteView(out).first(n));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(VerifyCheckpoint(*parsed, world.members_set).value(), kNow - 14);
  EXPECT_FALSE(ParseCheckpoint(ByteView(out).first(n - 1)));
  EXPECT_FALSE(ParseCheckpoint(ByteView(out).first(n + 1)));
}

TEST(Checkpoint, Acceptance) {
  EXPECT_TRUE(AcceptCheckpoint(10, kNow, {10, kNow + 300, 300}));
  EXPECT_EQ(AcceptCheckpoint(10, kNow, {10, kNow + 301, 300}).error().code, Code::kStale);
  EXPECT_EQ(AcceptCheckpoint(9, kNow, {10, kNow, 300}).error().code, Code::kStale);
  EXPECT_TRUE(AcceptCheckpoint(10, kNow + 5, {10, kNow, 300}));
}

TEST(Checkpoint, StateIsTheLastLeaf) {
  LedgerWorld world(1);
  world.Fill(12);
  world.Commit(kNow);
  const Octets item = world.StateItem();
  const auto proof = ParseStateProof(item);
  ASSERT_TRUE(proof);
  EXPECT_TRUE(VerifyStateProof(*proof, world.size, world.root));
  EXPECT_EQ(VerifyStateProof(*proof, world.size - 1, world.root).error().code, Code::kBadProof);
  EXPECT_FALSE(VerifyStateProof(*proof, 0, world.root));
  for (size_t at = 0; at < item.size(); ++at) {
    Octets bad = item;
    bad[at] ^= 1;
    const auto p = ParseStateProof(bad);
    EXPECT_FALSE(p && VerifyStateProof(*p, world.size, world.root)) << at;
  }
  const auto leaf = WriteStateLeaf(world.state);
  EXPECT_EQ(ParseStateLeaf(leaf)->map_root, world.state.map_root);
  EXPECT_EQ(leaf[0], 0x6b);
  EXPECT_FALSE(ParseStateLeaf(ByteView(leaf).first(leaf.size() - 1)));
  // An older state leaf, at another place in the same tree.
  const StateLeaf old = world.state;
  world.Fill(3);
  world.Commit(kNow + 1);
  std::array<Bytes32, kMaxPath> path;
  const size_t n = TreePath(world.leaves(), 12, path).value();
  ByteArray<2200> out;
  const size_t length = WriteStateProof(old, std::span(path).first(n), out).value();
  EXPECT_EQ(VerifyStateProof(*ParseStateProof(ByteView(out).first(length)), world.size, world.root).error().code,
            Code::kBadProof);
}

class TimeTest : public testing::Test {
 protected:
  // An answer whose members state these times for a tick with our nonce as leaf 1 of 3.
  Octets Answer(LedgerWorld& world, const std::vector<std::pair<uint8_t, UnixSeconds>>& times) {
    const std::vector<Bytes32> leaves = {NonceLeaf(Bytes32{1}), NonceLeaf(nonce), NonceLeaf(Bytes32{3})};
    const Bytes32 rho = TreeRoot(leaves);
    std::vector<TimeStatement> list;
    for (const auto& [member, seconds] : times) {
      TimeStatement s;
      s.member = member;
      s.seconds = seconds;
      (void)world.keys.Sign(world.member_keys[member], TimeMessage(world.net, 0, rho, seconds), s.signature).value();
      list.push_back(s);
    }
    std::array<Bytes32, 8> path;
    const size_t n = TreePath(leaves, 1, path).value();
    ByteArray<2048> out;
    const size_t length = WriteTimeAnswer(list, 1, 3, std::span(path).first(n), out).value();
    return fakes::ToOctets(ByteView(out).first(length));
  }
  Result<UnixSeconds> Verify(LedgerWorld& world, const Octets& octets) {
    KEEL_TRY(const TimeAnswer answer, ParseTimeAnswer(octets));
    return VerifyQuorumTime(answer, nonce, world.members_set);
  }
  Bytes32 nonce{2};
};

TEST_F(TimeTest, TheFPlusFirstSmallest) {
  LedgerWorld one(1);
  EXPECT_EQ(Verify(one, Answer(one, {{0, kNow}})).value(), kNow);
  LedgerWorld four(4);
  EXPECT_EQ(Verify(four, Answer(four, {{0, kNow + 2}, {1, 5}, {3, kNow}})).value(), kNow);  // one liar from the past
  EXPECT_EQ(Verify(four, Answer(four, {{0, kNow + 2}, {1, kNow * 2}, {3, kNow}})).value(),
            kNow + 2);  // from the future
  LedgerWorld seven(7);
  EXPECT_EQ(Verify(seven, Answer(seven, {{0, 1}, {1, 2}, {2, kNow}, {3, kNow + 1}, {4, kNow + 2}})).value(), kNow);
}

TEST_F(TimeTest, TooFewOrBadStatements) {
  LedgerWorld four(4);
  EXPECT_EQ(Verify(four, Answer(four, {{0, kNow}, {1, kNow}})).error().code, Code::kNoQuorum);
  EXPECT_EQ(Verify(four, Answer(four, {{0, kNow}, {1, kNow}, {1, kNow}})).error().code, Code::kNoQuorum);
  Octets bad = Answer(four, {{0, kNow}, {1, kNow}, {2, kNow}});
  bad[20] ^= 1;
  EXPECT_EQ(Verify(four, bad).error().code, Code::kNoQuorum);
  // A bad one among enough good ones is passed over.
  bad = Answer(four, {{0, kNow}, {1, kNow}, {2, kNow}, {3, kNow}});
  bad[20] ^= 1;
  EXPECT_EQ(Verify(four, bad).value(), kNow);
  LedgerWorld others(4, "others");
  EXPECT_EQ(Verify(four, Answer(others, {{0, kNow}, {1, kNow}, {2, kNow}})).error().code, Code::kNoQuorum);
}

TEST_F(TimeTest, AnotherNonceOrPathIsRefused) {
  LedgerWorld world(1);
  const Octets good = Answer(world, {{0, kNow}});
  const auto answer = ParseTimeAnswer(good);
  EXPECT_EQ(VerifyQuorumTime(*answer, Bytes32{9}, world.members_set).error().code, Code::kNoQuorum);
  for (size_t at = 0; at < good.size(); ++at) {
    Octets bad = good;
    bad[at] ^= 1;
    EXPECT_FALSE(Verify(world, bad)) << at;
  }
  EXPECT_FALSE(ParseTimeAnswer(ByteView(good).first(good.size() - 1)));
  MemberSet later = world.members_set;
  later.epoch = 1;
  EXPECT_FALSE(VerifyQuorumTime(*answer, nonce, later));
}

TEST_F(TimeTest, JudgedByTicksAndFloor) {
  EXPECT_EQ(JudgeTime(kNow, 1000, 31'000, 0, false)->Now(31'000), kNow + 30);
  EXPECT_EQ(JudgeTime(kNow, 1000, 31'001, 0, false).error().code, Code::kTimeout);
  EXPECT_TRUE(JudgeTime(kNow, 1000, 31'001, 0, true));
  EXPECT_EQ(JudgeTime(kNow, 0, kMaxOfflineMs + 1, 0, true).error().code, Code::kTimeout);
  EXPECT_EQ(JudgeTime(kNow, 0, 1, kNow + 1, false).error().code, Code::kStale);
  EXPECT_EQ(JudgeTime(kNow, 2, 1, 0, false).error().code, Code::kInvalidArgument);
  EXPECT_EQ(TimeFloor(100, 50), 100u);
  EXPECT_EQ(TimeFloor(100, 1000), 820u);
  EXPECT_TRUE(MayStateTime(kNow, kNow + 60));
  EXPECT_FALSE(MayStateTime(kNow, kNow + 61));
  EXPECT_FALSE(MayStateTime(kNow + 61, kNow));
}

}  // namespace
}  // namespace keel::ledger
