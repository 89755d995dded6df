// SPDX-License-Identifier: Apache-2.0
#include "ledger/descriptor.h"

#include <gtest/gtest.h>

#include "tests/fakes/ledger_world.h"

namespace keel::ledger {
namespace {

using fakes::Identity;
using fakes::LedgerWorld;
using fakes::MultikeyOf;
using fakes::Octets;
using fakes::ToOctets;

Code CodeOf(const std::string& text) {
  const auto d = ParseDescriptor(AsBytes(text));
  return d ? Code::kOk : d.error().code;
}

std::string With(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

TEST(Descriptor, RoundTripForAllSizes) {
  for (const size_t n : {1, 4, 7, 21}) {
    LedgerWorld world(n);
    EXPECT_EQ(world.descriptor.member_count, n);
    EXPECT_EQ(world.members_set.quorum, QuorumOf(n));
    EXPECT_EQ(world.members_set.net, DescriptorHash(world.descriptor_octets));
    std::array<char, kMaxDescriptor> text{};
    const size_t length = BuildDescriptor(world.descriptor, text).value();
    EXPECT_EQ(ToOctets(std::string_view(text.data(), length)), world.descriptor_octets);
  }
}

TEST(Descriptor, EachFieldGoneBad) {
  LedgerWorld world(4);
  const std::string good(AsText(world.descriptor_octets));
  ASSERT_EQ(CodeOf(good), Code::kOk);
  EXPECT_EQ(CodeOf(With(good, "\"v\":1", "\"v\":2")), Code::kUnknownVersion);
  EXPECT_EQ(CodeOf(With(good, "\"demo\"", "\"Demo\"")), Code::kMalformed);
  EXPECT_EQ(CodeOf(With(good, "\"q\":3", "\"q\":2")), Code::kOutOfRange);
  EXPECT_EQ(CodeOf(With(good, "\"q\":3", "\"q\":5")), Code::kOutOfRange);
  EXPECT_EQ(CodeOf(With(good, "\"q\":3", "\"q\":4")), Code::kOk);
  EXPECT_EQ(CodeOf(With(good, "\"m1\"", "\"m0\"")), Code::kDuplicate);
  EXPECT_EQ(CodeOf(With(good, "\"m1\"", "\"\"")), Code::kMalformed);
  EXPECT_EQ(CodeOf(With(good, "\"epoch\":0", "\"epoch\":1")), Code::kMissing);  // prev
  EXPECT_EQ(CodeOf(With(good, "\"epoch\":0", "\"epoch\":4294967296")), Code::kOutOfRange);
  EXPECT_EQ(CodeOf(With(good, "\"epoch\":0", "\"epoch\":0,\"x\":1")), Code::kUnsupported);
  EXPECT_EQ(CodeOf(With(good, "\"roots\":{\"t\":1", "\"roots\":{\"t\":2")), Code::kOutOfRange);
  EXPECT_EQ(CodeOf(With(good, "\"next\":{\"t\":1", "\"next\":{\"t\":0")), Code::kOutOfRange);
  EXPECT_EQ(CodeOf(With(good, "\"endpoints\":[", "\"endpoints\":[1,")), Code::kMalformed);
  EXPECT_EQ(CodeOf(good + " " + std::string(kMaxDescriptor, ' ')), Code::kTooLarge);
  // A member whose key is not Ed25519.
  const std::string p256 = MultikeyOf(world.keys.Public(world.keys.Generate(crypto::KeyType::kP256).value()).value());
  EXPECT_EQ(CodeOf(With(good, std::string(world.descriptor.members[0].key), p256)), Code::kBadKey);
  EXPECT_EQ(CodeOf("{}"), Code::kMissing);
  EXPECT_EQ(CodeOf(""), Code::kMalformed);
}

TEST(Descriptor, EightWords) {
  LedgerWorld world;
  std::array<char, kMaxWords> out{};
  const size_t n = NetWords(world.net, out).value();
  EXPECT_EQ(std::count(out.begin(), out.begin() + static_cast<long>(n), ' '), 7);
  EXPECT_EQ(WordAt(0), "acorn");
  EXPECT_EQ(WordAt(255), "zebra");
  Bytes32 zero{};
  const size_t m = NetWords(zero, out).value();
  EXPECT_EQ(std::string_view(out.data(), m), "acorn acorn acorn acorn acorn acorn acorn acorn");
  EXPECT_FALSE(NetWords(zero, std::span(out).first(5)));
}

// Epoch 1 after the world's epoch 0.
class EpochTest : public testing::Test {
 protected:
  EpochTest() : world(4) {
    anchor = world.CreateIdentity();
    world.Rotate(anchor);
    next_text = MultikeyOf(world.keys.Public(world.next_root_key).value());
    fields = world.descriptor;
    fields.epoch = 1;
    fields.prev = DescriptorHash(world.descriptor_octets);
    fields.roots[0] = next_text;
    fields.next[0] = Bytes32{1, 2, 3};
    anchors = {{anchor.did, 2}};
  }
  Octets SignDescriptor(crypto::KeyHandle key, const Octets& octets) {
    Bytes64 signature{};
    (void)world.keys.Sign(key, DescriptorMessage(world.net, DescriptorHash(octets)), signature).value();
    ByteArray<kMaxSigs> out;
    const SigsEntry entry{0, signature};
    const size_t n = WriteSigs({&entry, 1}, out).value();
    return ToOctets(ByteView(out).first(n));
  }
  void Build() {
    std::array<char, kMaxDescriptor> text{};
    const size_t n = BuildDescriptor(fields, text).value();
    next = ToOctets(std::string_view(text.data(), n));
    old_sigs = SignDescriptor(world.root_key, next);
    own_sigs = SignDescriptor(world.next_root_key, next);
    Endorse(anchor.auth);
  }
  void Endorse(crypto::KeyHandle key) {
    Bytes64 signature{};
    (void)world.keys.Sign(key, EndorseMessage(world.net, DescriptorHash(next)), signature).value();
    ByteArray<kMaxEndorsement> out;
    const size_t n = WriteEndorsement(world.keys.Public(key).value(), signature, out).value();
    endorsement = ToOctets(ByteView(out).first(n));
  }
  Code Check() {
    std::vector<uint8_t> out(16384);
    const auto n = WriteEpochBundle(next, old_sigs, own_sigs, anchor.anchored, endorsement, out);
    if (!n) return n.error().code;
    bundle.assign(out.begin(), out.begin() + static_cast<long>(*n));
    const auto parsed = ParseEpochBundle(bundle);
    if (!parsed) return parsed.error().code;
    const auto verified = VerifyEpochBundle(*parsed, world.descriptor, world.net, anchors, &by);
    return verified ? Code::kOk : verified.error().code;
  }
  LedgerWorld world;
  Identity anchor;
  std::string next_text;
  Descriptor fields;
  std::vector<Anchor> anchors;
  Octets next, old_sigs, own_sigs, endorsement, bundle;
  EndorsedBy by;
};

TEST_F(EpochTest, GoodStep) {
  Build();
  ASSERT_EQ(Check(), Code::kOk);
  EXPECT_EQ(by.anchor, 0);
  EXPECT_EQ(by.operations, 2u);
  const Identity other = world.CreateIdentity();
  anchors = {{other.did, 1}, {anchor.did, 1}};
  ASSERT_EQ(Check(), Code::kOk);
  EXPECT_EQ(by.anchor, 1);
  for (size_t cut = 1; cut < bundle.size(); cut += 97) {
    EXPECT_FALSE(ParseEpochBundle(ByteView(bundle).first(bundle.size() - cut)));
  }
}

TEST_F(EpochTest, WrongStepsAreRefused) {
  fields.epoch = 2;
  Build();
  EXPECT_EQ(Check(), Code::kWrongEpoch);
  fields.epoch = 1;
  fields.label = "live";
  Build();
  EXPECT_EQ(Check(), Code::kWrongNetwork);
  fields.label = "demo";
  fields.prev[0] ^= 1;
  Build();
  EXPECT_EQ(Check(), Code::kConflict);
  fields.prev[0] ^= 1;
  const std::string thief = MultikeyOf(world.keys.Public(world.member_keys[0]).value());
  fields.roots[0] = thief;  // not what epoch 0 committed to
  Build();
  EXPECT_EQ(Check(), Code::kConflict);
  fields.roots[0] = next_text;
  fields.roots[1] = thief;  // one more than epoch 0 committed to
  fields.root_count = 2;
  Build();
  EXPECT_EQ(Check(), Code::kConflict);
  fields.root_count = 1;
  Build();
  EXPECT_EQ(Check(), Code::kOk);
}

TEST_F(EpochTest, BothRootsMustSign) {
  Build();
  std::swap(old_sigs, own_sigs);
  EXPECT_EQ(Check(), Code::kBadSignature);
  Build();
  own_sigs = {0};
  EXPECT_EQ(Check(), Code::kNoQuorum);
  Build();
  old_sigs = {0};
  EXPECT_EQ(Check(), Code::kNoQuorum);
}

TEST_F(EpochTest, OnlyACurrentKeyOfAKnownAnchorEndorses) {
  Build();
  const Identity stranger = world.CreateIdentity();
  anchors = {{stranger.did, 1}};
  EXPECT_EQ(Check(), Code::kUntrusted);
  anchors = {{anchor.did, 3}};  // the stamp knew a longer history
  EXPECT_EQ(Check(), Code::kStale);
  anchors = {{anchor.did, 2}};
  Endorse(world.member_keys[0]);
  EXPECT_EQ(Check(), Code::kUntrusted);
  Build();
  endorsement.back() ^= 1;
  EXPECT_EQ(Check(), Code::kBadSignature);
  Build();
  anchor.anchored.pop_back();  // an endorsement by a key that was rotated away: the history without the rotation
  anchors = {{anchor.did, 1}};
  EXPECT_EQ(Check(), Code::kUntrusted);
  anchors = {};
  EXPECT_EQ(Check(), Code::kUntrusted);
}

TEST_F(EpochTest, Genesis) {
  const Octets sigs = SignDescriptor(world.root_key, world.descriptor_octets);
  EXPECT_TRUE(VerifyGenesis(world.descriptor, world.net, sigs));
  EXPECT_EQ(VerifyGenesis(world.descriptor, Bytes32{1}, sigs).error().code, Code::kWrongNetwork);
  EXPECT_EQ(VerifyGenesis(world.descriptor, world.net, Octets{0}).error().code, Code::kNoQuorum);
  EXPECT_EQ(VerifyGenesis(world.descriptor, world.net, SignDescriptor(world.next_root_key, world.descriptor_octets))
                .error()
                .code,
            Code::kBadSignature);
  Build();
  const auto later = ParseDescriptor(next);
  EXPECT_EQ(VerifyGenesis(*later, world.net, sigs).error().code, Code::kWrongEpoch);
}

}  // namespace
}  // namespace keel::ledger
