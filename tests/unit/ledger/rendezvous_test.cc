// SPDX-License-Identifier: Apache-2.0
#include "ledger/rendezvous.h"

#include <gtest/gtest.h>

#include "ledger/r0.h"
#include "tests/fakes/ledger_world.h"

namespace keel::ledger {
namespace {

using fakes::MemoryKeys;
using fakes::Octets;
using fakes::SeededRandom;

class RendezvousTest : public testing::TestWithParam<crypto::KeyType> {
 protected:
  RendezvousTest() {
    rs.MutableSecret()[0] = 1;
    rp = keys.Generate(GetParam()).value();
    public_rp = keys.Public(rp).value();
  }
  Code Open(ByteView octets) {
    std::array<char, kMaxInvitation> out{};
    const auto n = OpenInvitation(octets, rs, net, keys, rp, out);
    if (n) text = std::string(out.data(), *n);
    return n ? Code::kOk : n.error().code;
  }
  MemoryKeys keys{"rendezvous"};
  SeededRandom random{"random"};
  SecretBytes<32> rs;
  Net net{1};
  crypto::KeyHandle rp;
  crypto::PublicKey public_rp;
  ByteArray<kRendezvousValue> value{};
  std::string text;
};

INSTANTIATE_TEST_SUITE_P(Suites, RendezvousTest, ::testing::Values(crypto::KeyType::kX25519, crypto::KeyType::kP256),
                         [](const auto& made) { return made.param == crypto::KeyType::kP256 ? "P256" : "X25519"; });

TEST_P(RendezvousTest, SealAndOpen) {
  for (const size_t length : {size_t{1}, size_t{300}, kMaxInvitation}) {
    const std::string invitation(length, 'x');
    ASSERT_TRUE(SealInvitation(invitation, rs, net, public_rp, random, value));
    ASSERT_EQ(Open(value), Code::kOk);
    EXPECT_EQ(text, invitation);
  }
  EXPECT_EQ(SealInvitation("", rs, net, public_rp, random, value).error().code, Code::kInvalidArgument);
  EXPECT_EQ(SealInvitation("x ", rs, net, public_rp, random, value).error().code, Code::kInvalidArgument);
  EXPECT_EQ(SealInvitation(std::string(kMaxInvitation + 1, 'x'), rs, net, public_rp, random, value).error().code,
            Code::kInvalidArgument);
  const auto ed = keys.Public(keys.Generate(crypto::KeyType::kEd25519).value()).value();
  EXPECT_EQ(SealInvitation("x", rs, net, ed, random, value).error().code, Code::kUnsupported);
  random.failing = true;
  EXPECT_EQ(SealInvitation("x", rs, net, public_rp, random, value).error().code, Code::kNoEntropy);
}

TEST_P(RendezvousTest, NobodyElseCanReadOrForge) {
  ASSERT_TRUE(SealInvitation("hello", rs, net, public_rp, random, value));
  for (size_t at = 1; at < value.size(); at += 13) {
    auto bad = value;
    bad[at] ^= 1;
    EXPECT_EQ(Open(bad), Code::kDecryptFailed) << at;
  }
  auto suite = value;
  suite[0] = value[0] == kRendezvousX25519 ? kRendezvousP256 : kRendezvousX25519;
  EXPECT_EQ(Open(suite), Code::kUnsupported);
  suite[0] = 3;
  EXPECT_EQ(Open(suite), Code::kUnsupported);
  EXPECT_EQ(Open(ByteView(value).first(value.size() - 1)), Code::kMalformed);
  // Another network, secret or key.
  net[0] ^= 1;
  EXPECT_EQ(Open(value), Code::kDecryptFailed);
  net[0] ^= 1;
  rs.MutableSecret()[0] ^= 1;
  EXPECT_EQ(Open(value), Code::kDecryptFailed);
  rs.MutableSecret()[0] ^= 1;
  const auto own = rp;
  rp = keys.Generate(GetParam()).value();
  EXPECT_EQ(Open(value), Code::kDecryptFailed);
  rp = own;
  EXPECT_EQ(Open(value), Code::kOk);
}

TEST_P(RendezvousTest, TwoValuesOfOneInvitationShareNothing) {
  ByteArray<kRendezvousValue> other{};
  ASSERT_TRUE(SealInvitation("hello", rs, net, public_rp, random, value));
  ASSERT_TRUE(SealInvitation("hello", rs, net, public_rp, random, other));
  size_t same = 0;
  for (size_t i = 1; i < value.size(); ++i) same += value[i] == other[i] ? 1 : 0;
  EXPECT_LT(same, 20u);
  ASSERT_TRUE(DummyValue(random, value));
  EXPECT_EQ(value[0], kRendezvousX25519);
  EXPECT_EQ(Open(value), GetParam() == crypto::KeyType::kX25519 ? Code::kDecryptFailed : Code::kUnsupported);
  EXPECT_EQ(SlotsPerNode(1), 8u);
  EXPECT_EQ(SlotsPerNode(4), 2u);
  EXPECT_EQ(SlotsPerNode(21), 1u);
}

TEST(R0, QueryRoundTrip) {
  for (uint8_t count = 0; count <= kMaxIndexes; ++count) {
    R0Query q;
    q.nonce = {7};
    q.count = count;
    q.indexes[0] = {8};
    q.epoch = 3;
    q.size = 99;
    ByteArray<kMaxR0Query> out;
    const size_t n = WriteR0Query(q, out).value();
    const auto back = ParseR0Query(ByteView(out).first(n));
    ASSERT_TRUE(back);
    EXPECT_EQ(back->count, count);
    EXPECT_EQ(back->size, 99u);
    EXPECT_FALSE(ParseR0Query(ByteView(out).first(n - 1)));
    out[32] = kMaxIndexes + 1;
    EXPECT_EQ(ParseR0Query(out).error().code, Code::kTooLarge);
  }
}

TEST(R0, ItemsArriveInPiecesOfAnySize) {
  Octets stream;
  std::vector<Octets> bodies = {Octets(5, 1), Octets(), Octets(kMaxItemBody, 2), Octets(100, 3)};
  for (size_t i = 0; i < bodies.size(); ++i) {
    ByteArray<kMaxItem> out;
    const size_t n = WriteItem(static_cast<uint8_t>(0x10 + i), bodies[i], out).value();
    stream.insert(stream.end(), out.begin(), out.begin() + static_cast<long>(n));
  }
  for (const size_t step : {1, 2, 3, 7, 1000, 5000}) {
    ByteArray<kMaxItem> buffer;
    ItemReader reader(buffer);
    size_t seen = 0;
    for (size_t at = 0; at < stream.size(); at += step) {
      ByteView chunk = ByteView(stream).subspan(at, std::min(step, stream.size() - at));
      while (!chunk.empty()) {
        const auto whole = reader.Feed(chunk);
        ASSERT_TRUE(whole);
        if (!*whole) continue;
        ASSERT_LT(seen, bodies.size());
        EXPECT_EQ(reader.tag(), 0x10 + seen);
        EXPECT_TRUE(Equal(reader.body(), bodies[seen]));
        ++seen;
      }
    }
    EXPECT_EQ(seen, bodies.size()) << step;
    EXPECT_TRUE(reader.at_boundary());
  }
  ByteArray<kMaxItem> buffer;
  ItemReader reader(buffer);
  const Octets huge = {0x10, 0xff, 0xff};
  ByteView chunk = huge;
  EXPECT_EQ(reader.Feed(chunk).error().code, Code::kTooLarge);
  ByteArray<kMaxItem> out;
  EXPECT_EQ(WriteItem(1, Octets(kMaxItemBody + 1), out).error().code, Code::kTooLarge);
}

TEST(R0, EpochParts) {
  ByteArray<kMaxItem> out;
  const size_t n = WriteEpochPart(1, 2, Octets(10, 9), out).value();
  const auto part = ParseEpochPart(ByteView(out).subspan(kItemHeader, n - kItemHeader));
  ASSERT_TRUE(part);
  EXPECT_EQ(part->part, 1);
  EXPECT_EQ(part->parts, 2);
  EXPECT_EQ(part->octets.size(), 10u);
  EXPECT_FALSE(ParseEpochPart(Octets{2, 2, 1}));
  EXPECT_FALSE(ParseEpochPart(Octets{0, 1}));
  EXPECT_FALSE(WriteEpochPart(2, 2, Octets(1), out));
}

}  // namespace
}  // namespace keel::ledger
