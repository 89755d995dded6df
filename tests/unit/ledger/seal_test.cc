// SPDX-License-Identifier: Apache-2.0
#include "ledger/seal.h"

#include <gtest/gtest.h>

#include "ledger/link.h"
#include "tests/fakes/ledger_world.h"

namespace keel::ledger {
namespace {

using fakes::ChainLink;
using fakes::LedgerWorld;
using fakes::MemoryKeys;
using fakes::Octets;
using fakes::SealKeyPair;
using fakes::ToOctets;

class SealTest : public testing::Test {
 protected:
  SealTest() {
    for (const auto type : {crypto::KeyType::kEd25519, crypto::KeyType::kP256, crypto::KeyType::kEd25519}) {
      handles.push_back(keys.Generate(type).value());
      publics.push_back(keys.Public(handles.back()).value());
    }
    ByteArray<kMaxPolicy> out;
    const size_t n = WritePolicy(2, publics, out).value();
    policy = ToOctets(ByteView(out).first(n));
    seal = SealOf(policy);
  }
  // The key number of handles[i] in the sorted policy.
  uint8_t NumberOf(size_t i) {
    const auto parsed = ParsePolicy(policy).value();
    for (uint8_t k = 0; k < parsed.count; ++k) {
      if (parsed.keys[k] == publics[i]) return k;
    }
    return 255;
  }
  Octets Spend(std::vector<size_t> who) {
    std::vector<SealSigner> signers;
    for (const size_t i : who) signers.push_back({NumberOf(i), &keys, handles[i]});
    std::sort(signers.begin(), signers.end(), [](auto& a, auto& b) { return a.key_number < b.key_number; });
    ByteArray<kMaxSigs> sigs;
    const size_t n = SignSpend(net, seal, link, signers, sigs).value();
    return ToOctets(ByteView(sigs).first(n));
  }
  Code Check(const Octets& sigs) {
    const auto r = VerifySpend(net, seal, link, policy, sigs);
    return r ? Code::kOk : r.error().code;
  }
  MemoryKeys keys{"seals"};
  std::vector<crypto::KeyHandle> handles;
  std::vector<crypto::PublicKey> publics;
  Octets policy;
  Bytes32 seal{}, net{1}, link{2};
};

TEST_F(SealTest, TwoOfThree) {
  EXPECT_EQ(Check(Spend({0, 1})), Code::kOk);
  EXPECT_EQ(Check(Spend({1, 2})), Code::kOk);
  EXPECT_EQ(Check(Spend({0})), Code::kNoQuorum);
  EXPECT_EQ(Check(Spend({0, 1, 2})), Code::kMalformed);  // exactly t
  const Octets good = Spend({0, 2});
  for (size_t at = 0; at < good.size(); ++at) {
    Octets bad = good;
    bad[at] ^= 1;
    EXPECT_NE(Check(bad), Code::kOk) << at;
  }
  Octets longer = good;
  longer.push_back(0);
  EXPECT_EQ(Check(longer), Code::kMalformed);
}

TEST_F(SealTest, SpendIsBoundToNetworkSealAndLink) {
  const Octets sigs = Spend({0, 1});
  EXPECT_EQ(VerifySpend(Bytes32{9}, seal, link, policy, sigs).error().code, Code::kBadSignature);
  EXPECT_EQ(VerifySpend(net, seal, Bytes32{9}, policy, sigs).error().code, Code::kBadSignature);
  EXPECT_EQ(VerifySpend(net, Bytes32{9}, link, policy, sigs).error().code, Code::kBadChain);
  // Another policy with the same keys and a lower threshold is another seal.
  ByteArray<kMaxPolicy> out;
  const size_t n = WritePolicy(1, publics, out).value();
  EXPECT_EQ(VerifySpend(net, seal, link, ByteView(out).first(n), Spend({0})).error().code, Code::kBadChain);
}

TEST_F(SealTest, PolicyIsCanonical) {
  std::vector<crypto::PublicKey> other = {publics[2], publics[0], publics[1]};
  ByteArray<kMaxPolicy> out;
  const size_t n = WritePolicy(2, other, out).value();
  EXPECT_EQ(ToOctets(ByteView(out).first(n)), policy);
  EXPECT_EQ(WritePolicy(1, std::vector{publics[0], publics[0]}, out).error().code, Code::kDuplicate);
  EXPECT_EQ(WritePolicy(3, std::vector{publics[0]}, out).error().code, Code::kInvalidArgument);
  EXPECT_EQ(WritePolicy(0, publics, out).error().code, Code::kInvalidArgument);
  EXPECT_EQ(WritePolicy(1, {}, out).error().code, Code::kInvalidArgument);
  const auto agree = keys.Public(keys.Generate(crypto::KeyType::kX25519).value()).value();
  EXPECT_EQ(WritePolicy(1, std::vector{agree}, out).error().code, Code::kInvalidArgument);
  for (size_t at = 0; at < 6; ++at) {
    Octets bad = policy;
    bad[at] ^= 0xff;
    EXPECT_FALSE(ParsePolicy(bad)) << at;
  }
  EXPECT_FALSE(ParsePolicy(ByteView(policy).first(policy.size() - 1)));
  // Keys in falling order.
  const auto parsed = ParsePolicy(policy).value();
  ByteArray<kMaxPolicy> swapped;
  ByteWriter w(swapped);
  w.U8(2).U8(2);
  for (const size_t i : {1, 0}) {
    ByteArray<crypto::kMaxMultikeyOctets> mk;
    const size_t length = parsed.keys[i].ToMultikeyOctets(mk).value();
    w.U16(static_cast<uint16_t>(length)).Put(ByteView(mk).first(length));
  }
  EXPECT_EQ(ParsePolicy(w.written()).error().code, Code::kNotCanonical);
}

TEST_F(SealTest, CommitmentAndSeeds) {
  ByteArray<kSealSalt> salt{};
  const Bytes32 a = RootSealCommitment(salt, seal);
  salt[0] = 1;
  EXPECT_NE(a, RootSealCommitment(salt, seal));
  SecretBytes<32> batch;
  const auto one = SealKeySeed(batch, net, "did:keel:demo:x", 0);
  const auto two = SealKeySeed(batch, net, "did:keel:demo:x", 1);
  const auto three = SealKeySeed(batch, net, "did:keel:demo:y", 0);
  const auto four = SealKeySeedForRequest(batch, net, 0, 0);
  ASSERT_TRUE(one && two && three && four);
  EXPECT_FALSE(one->SameAs(*two));
  EXPECT_FALSE(one->SameAs(*three));
  EXPECT_FALSE(one->SameAs(*four));
  EXPECT_TRUE(one->SameAs(*SealKeySeed(batch, net, "did:keel:demo:x", 0)));
}

class ChainTest : public testing::Test {
 protected:
  ChainTest() {
    for (int i = 0; i < 3; ++i) seals.push_back(world.MakeSeal());
    base = ChainBase::Root(seals[0].seal);
    first = world.MakeLink(device, base, seals[0], seals[1], "one");
    second = world.MakeLink(device, LedgerWorld::After(base, first), seals[1], seals[2], "two");
    chain.Start(world.net, DeviceTag(device), base);
  }
  LedgerWorld world;
  std::string device = "did:keel:demo:device";
  std::vector<SealKeyPair> seals;
  ChainBase base;
  ChainLink first, second;
  ChainVerifier chain;
};

TEST_F(ChainTest, LinksSpentsAndTail) {
  world.AnchorSpend(first);
  world.AnchorSpend(second);
  const Bytes32 root = world.map.Root();
  ASSERT_TRUE(chain.Link(first.record, first.policy, first.sigs));
  EXPECT_EQ(chain.Tail(world.map.Prove(MapKey(MapType::kSeal, seals[1].seal)), root).error().code, Code::kWrongState);
  EXPECT_EQ(chain.Spent(first.index + 1, world.map.Prove(MapKey(MapType::kSeal, seals[0].seal)), root).error().code,
            Code::kBadProof);
  ASSERT_TRUE(chain.Spent(first.index, world.map.Prove(MapKey(MapType::kSeal, seals[0].seal)), root));
  ASSERT_TRUE(chain.Link(second.record, second.policy, second.sigs));
  ASSERT_TRUE(chain.Spent(second.index, world.map.Prove(MapKey(MapType::kSeal, seals[1].seal)), root));
  ASSERT_TRUE(chain.Tail(world.map.Prove(MapKey(MapType::kSeal, seals[2].seal)), root));
  EXPECT_EQ(chain.end().k, 2u);
  EXPECT_EQ(chain.end().prev, second.hash);
  EXPECT_EQ(chain.Link(second.record, second.policy, second.sigs).error().code, Code::kWrongState);
}

TEST_F(ChainTest, NotAnchoredYetHasNoTail) {
  ASSERT_TRUE(chain.Link(first.record, first.policy, first.sigs));
  ASSERT_TRUE(chain.Link(second.record, second.policy, second.sigs));
  world.AnchorSpend(second);
  const Bytes32 root = world.map.Root();
  ASSERT_TRUE(chain.Spent(second.index, world.map.Prove(MapKey(MapType::kSeal, seals[1].seal)), root));
  EXPECT_EQ(chain.Tail(world.map.Prove(MapKey(MapType::kSeal, seals[2].seal)), root).error().code, Code::kWrongState);
}

TEST_F(ChainTest, EachFieldOfALinkIsChecked) {
  EXPECT_EQ(chain.Link(second.record, second.policy, second.sigs).error().code, Code::kBadChain);
  const LinkRecord good = ParseLink(first.record).value();
  const auto with = [&](auto change) {
    LinkRecord bad = good;
    change(bad);
    const ChainLink link = world.SignLink(WriteLink(bad), seals[0]);
    const auto r = chain.Link(link.record, link.policy, link.sigs);
    return r ? Code::kOk : r.error().code;
  };
  EXPECT_EQ(with([](LinkRecord& l) { l.net[0] ^= 1; }), Code::kBadChain);
  EXPECT_EQ(with([](LinkRecord& l) { l.device_tag[0] ^= 1; }), Code::kBadChain);
  EXPECT_EQ(with([](LinkRecord& l) { l.i = 2; }), Code::kBadChain);
  EXPECT_EQ(with([](LinkRecord& l) { l.i = 0; }), Code::kMalformed);
  EXPECT_EQ(with([](LinkRecord& l) { l.prev[0] ^= 1; }), Code::kBadChain);
  // Signed by another seal's key.
  const ChainLink forged = world.SignLink(first.record, seals[1]);
  EXPECT_EQ(chain.Link(forged.record, forged.policy, forged.sigs).error().code, Code::kBadChain);
  // Signatures of another link.
  EXPECT_EQ(chain.Link(first.record, first.policy, second.sigs).error().code, Code::kBadSignature);
  for (const size_t at : {0, 5, 11}) {
    Octets bad = first.record;
    bad[at] ^= 1;
    EXPECT_EQ(chain.Link(bad, first.policy, first.sigs).error().code, Code::kMalformed);
  }
  EXPECT_TRUE(chain.Link(first.record, first.policy, first.sigs));
}

}  // namespace
}  // namespace keel::ledger
