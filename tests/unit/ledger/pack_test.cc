// SPDX-License-Identifier: Apache-2.0
#include "ledger/pack.h"

#include <gtest/gtest.h>

#include "tests/fakes/heap_count.h"
#include "tests/fakes/ledger_world.h"

namespace keel::ledger {
namespace {

using fakes::ChainLink;
using fakes::Identity;
using fakes::LedgerWorld;
using fakes::Octets;
using fakes::SealKeyPair;

constexpr UnixSeconds kNow = 1'790'000'000;

static_assert(sizeof(PackVerifier) < 1300, "the device's budget for a streaming pack");

// A device sold `sales` times, its owner with a rotated key, on a network of n members.
class Sold {
 public:
  explicit Sold(size_t sales = 2, size_t members = 4) : world(members) {
    world.Fill(5);
    root_seal = world.MakeSeal();
    device = world.CreateIdentity();
    owner = world.CreateIdentity();
    world.Rotate(owner);
    other = world.CreateIdentity();
    base = ChainBase::Root(root_seal.seal);
    ChainBase at = base;
    SealKeyPair from = root_seal;
    for (size_t i = 1; i <= sales; ++i) {
      credential = "credential " + std::to_string(i);
      SealKeyPair to = world.MakeSeal();
      ChainLink link = world.MakeLink(device.did, at, from, to, credential);
      world.AnchorSpend(link);
      at = LedgerWorld::After(at, link);
      links.push_back(link);
      seals.push_back(to);
      from = to;
    }
    world.Commit(kNow);
    items = world.PackItems(links, at.seal, owner);
    end = at;
    expect.members = &world.members_set;
    expect.device_tag = DeviceTag(device.did);
    expect.base = base;
    expect.owner = owner.did;
    expect.owner_key = owner.auth_hash;
    expect.cred = crypto::Sha256::Of(credential);
    expect.freshness = {0, kNow + 10, kMaxCheckpointAge};
  }

  // Seals the items and streams them through a verifier.
  Result<PackResult> Run() {
    Octets plain;
    for (const Octets& item : items) plain.insert(plain.end(), item.begin(), item.end());
    SecretBytes<32> key;
    key.MutableSecret()[0] = 7;
    sealed.assign(SealedPackSize(plain.size()), 0);
    KEEL_TRY(info, SealPack(plain, key, sealed));
    sealed.resize(info.octets);
    expect.length = info.length;
    expect.sha256 = info.sha256;
    return Verify(key);
  }
  Result<PackResult> Verify(const SecretBytes<32>& key) {
    PackVerifier verifier;
    KEEL_TRY_VOID(verifier.Start(expect, key));
    ByteReader r(sealed);
    ByteArray<kMaxRecord + 16> buffer;
    while (r.left() > 0) {
      const ByteView record = r.Take(r.U16());
      std::memcpy(buffer.data(), record.data(), record.size());
      KEEL_TRY_VOID(verifier.Record(ByteSpan(buffer).first(record.size())));
    }
    return verifier.Finish();
  }
  Code CodeOf() {
    const auto result = Run();
    return result ? Code::kOk : result.error().code;
  }
  size_t Tail() const { return 2 + 2 * links.size(); }

  LedgerWorld world;
  SealKeyPair root_seal;
  Identity device, owner, other;
  ChainBase base, end;
  std::vector<ChainLink> links;
  std::vector<SealKeyPair> seals;
  std::string credential;
  std::vector<Octets> items;
  PackExpectation expect;
  Octets sealed;
  PackInfo info;
};

TEST(Pack, GivesWhatTheDeviceSaves) {
  for (const size_t members : {1, 4, 7}) {
    for (const size_t sales : {1, 2, 20}) {
      Sold sold(sales, members);
      const auto result = sold.Run();
      ASSERT_TRUE(result) << result.error().Text();
      EXPECT_EQ(result->chain.k, sales);
      EXPECT_EQ(result->chain.seal, sold.end.seal);
      EXPECT_EQ(result->chain.prev, sold.links.back().hash);
      EXPECT_EQ(result->chain.cred, sold.expect.cred);
      EXPECT_EQ(result->checkpoint_size, sold.world.size);
      EXPECT_EQ(result->checkpoint_time, kNow);
      EXPECT_EQ(result->owner_operations, 2u);
    }
  }
}

TEST(Pack, SizesStayWithinTheBudget) {
  Sold one(1, 4);
  ASSERT_TRUE(one.Run());
  Sold two(2, 4);
  ASSERT_TRUE(two.Run());
  EXPECT_LT(one.info.octets, 4096u);
  EXPECT_LT(two.info.octets - one.info.octets, 1100u);
}

TEST(Pack, AChainOfNoNewLinkIsValid) {
  Sold sold(2);
  ASSERT_TRUE(sold.Run());
  sold.expect.base = sold.end;
  sold.expect.known_operations = 2;
  sold.expect.known_head = LedgerWorld::HistoryOf(sold.owner).head();
  sold.items = sold.world.PackItems({}, sold.end.seal, sold.owner);
  EXPECT_EQ(sold.CodeOf(), Code::kOk);
}

TEST(Pack, NoSaleAtAllIsRefused) {
  Sold sold(0);
  EXPECT_EQ(sold.CodeOf(), Code::kUntrusted);
}

TEST(Pack, OnlyNewLinksFromTheBaseOn) {
  Sold sold(3);
  sold.expect.base = LedgerWorld::After(sold.base, sold.links[0]);
  EXPECT_EQ(sold.CodeOf(), Code::kBadChain);  // links 1..3 again
  sold.items = sold.world.PackItems({sold.links[1], sold.links[2]}, sold.end.seal, sold.owner);
  EXPECT_EQ(sold.CodeOf(), Code::kOk);
}

TEST(Pack, ASavedPackIsStoppedByFreshness) {
  Sold sold;
  sold.expect.freshness.now = kNow + kMaxCheckpointAge;
  EXPECT_EQ(sold.CodeOf(), Code::kOk);
  sold.expect.freshness.now = kNow + kMaxCheckpointAge + 1;
  EXPECT_EQ(sold.CodeOf(), Code::kStale);
}

TEST(Pack, ASmallerCheckpointThanAcceptedIsRefused) {
  Sold sold;
  sold.expect.freshness.largest_size = sold.world.size;
  EXPECT_EQ(sold.CodeOf(), Code::kOk);
  sold.expect.freshness.largest_size = sold.world.size + 1;
  EXPECT_EQ(sold.CodeOf(), Code::kStale);
}

TEST(Pack, AnOldOwnerWithFreshProofsIsStoppedByTail) {
  Sold sold(2);
  // The holder of seal 1 shows link 1 only: its seal is spent, and no proof of absence exists.
  sold.expect.cred = crypto::Sha256::Of(std::string_view("credential 1"));
  sold.items = sold.world.PackItems({sold.links[0]}, sold.seals[0].seal, sold.owner);
  EXPECT_EQ(sold.CodeOf(), Code::kBadProof);
  // Without TAIL the order is wrong.
  sold.items.erase(sold.items.begin() + 4);
  EXPECT_EQ(sold.CodeOf(), Code::kMalformed);
  // With the absence of some other seal in its place, neither.
  ByteArray<kMaxItem> out;
  const auto n = WritePackItem(PackTag::kTail, sold.world.map.Prove(SealKey(sold.end.seal)), out);
  sold.items.insert(sold.items.begin() + 4, fakes::ToOctets(ByteView(out).first(*n)));
  EXPECT_EQ(sold.CodeOf(), Code::kBadProof);
}

TEST(Pack, ADoubleSaleIsStoppedByTheMapValue) {
  Sold sold(1);
  // The manufacturer's key signs a second first link; the ledger holds the first.
  const SealKeyPair thief = sold.world.MakeSeal();
  ChainLink second = sold.world.MakeLink(sold.device.did, sold.base, sold.root_seal, thief, "stolen");
  second.index = sold.links[0].index;
  sold.expect.cred = crypto::Sha256::Of(std::string_view("stolen"));
  sold.items = sold.world.PackItems({second}, thief.seal, sold.owner);
  EXPECT_EQ(sold.CodeOf(), Code::kBadProof);
}

TEST(Pack, AWrongCredentialIsStoppedByItsHash) {
  Sold sold;
  sold.expect.cred = crypto::Sha256::Of(std::string_view("another paper"));
  EXPECT_EQ(sold.CodeOf(), Code::kUntrusted);
}

TEST(Pack, OwnNewRootsAreStoppedByTheBase) {
  Sold sold;
  sold.expect.base = ChainBase::Root(sold.world.MakeSeal().seal);
  EXPECT_EQ(sold.CodeOf(), Code::kBadChain);
}

TEST(Pack, AnotherDevicesChainIsRefused) {
  Sold sold;
  sold.expect.device_tag = DeviceTag(sold.other.did);
  EXPECT_EQ(sold.CodeOf(), Code::kBadChain);
}

TEST(Pack, ASpendSignedByAnotherKeyIsRefused) {
  Sold sold(1);
  sold.links[0].sigs.back() ^= 1;
  sold.items = sold.world.PackItems(sold.links, sold.end.seal, sold.owner);
  EXPECT_EQ(sold.CodeOf(), Code::kBadSignature);
}

TEST(Pack, SalesAnchoredOutOfOrderWork) {
  LedgerWorld world(4);
  const SealKeyPair s0 = world.MakeSeal(), s1 = world.MakeSeal(), s2 = world.MakeSeal();
  Identity device = world.CreateIdentity();
  Identity owner = world.CreateIdentity();
  const ChainBase base = ChainBase::Root(s0.seal);
  ChainLink first = world.MakeLink(device.did, base, s0, s1, "a");
  ChainLink second = world.MakeLink(device.did, LedgerWorld::After(base, first), s1, s2, "b");
  world.AnchorSpend(second);
  world.AnchorSpend(first);
  ASSERT_LT(second.index, first.index);
  world.Commit(kNow);
  Sold sold(1, 4);
  sold.expect.members = &world.members_set;
  sold.expect.device_tag = DeviceTag(device.did);
  sold.expect.base = base;
  sold.expect.owner = owner.did;
  sold.expect.owner_key = owner.auth_hash;
  sold.expect.cred = crypto::Sha256::Of(std::string_view("b"));
  sold.items = world.PackItems({first, second}, s2.seal, owner);
  EXPECT_EQ(sold.CodeOf(), Code::kOk);
}

TEST(Pack, TheProofsKeyMustBeTheOwnersNow) {
  Sold sold;
  sold.expect.owner_key = sold.other.auth_hash;
  EXPECT_EQ(sold.CodeOf(), Code::kUntrusted);
  sold.expect.owner_key = sold.owner.auth_hash;
  sold.expect.owner_use = kUseInvocation;
  EXPECT_EQ(sold.CodeOf(), Code::kUntrusted);
}

TEST(Pack, AnotherOwnersHistoryIsRefused) {
  Sold sold;
  sold.expect.owner = sold.other.did;
  EXPECT_EQ(sold.CodeOf(), Code::kInvalidDid);
}

TEST(Pack, AHiddenOperationIsRefused) {
  Sold sold;
  sold.items.erase(sold.items.end() - 2);  // the rotation
  EXPECT_EQ(sold.CodeOf(), Code::kBadProof);
}

TEST(Pack, ADeactivatedOwnerIsRefused) {
  Sold sold;
  sold.world.Deactivate(sold.owner);
  sold.world.Commit(kNow);
  sold.items = sold.world.PackItems(sold.links, sold.end.seal, sold.owner);
  EXPECT_EQ(sold.CodeOf(), Code::kDeactivated);
}

TEST(Pack, AKnownOwnersHistoryMayNotShrinkOrChange) {
  Sold sold;
  sold.expect.known_operations = 3;
  EXPECT_EQ(sold.CodeOf(), Code::kStale);
  sold.expect.known_operations = 1;
  EXPECT_EQ(sold.CodeOf(), Code::kConflict);
}

TEST(Pack, EveryOrderButTheRightOneIsRefused) {
  Sold sold(2);
  const std::vector<Octets> good = sold.items;
  ASSERT_EQ(sold.CodeOf(), Code::kOk);
  for (size_t i = 0; i + 1 < good.size(); ++i) {
    sold.items = good;
    std::swap(sold.items[i], sold.items[i + 1]);
    EXPECT_NE(sold.CodeOf(), Code::kOk) << "swapped " << i;
    sold.items = good;
    sold.items.erase(sold.items.begin() + static_cast<long>(i));
    EXPECT_NE(sold.CodeOf(), Code::kOk) << "without " << i;
    sold.items = good;
    sold.items.insert(sold.items.begin() + static_cast<long>(i), good[i]);
    EXPECT_NE(sold.CodeOf(), Code::kOk) << "twice " << i;
  }
  sold.items = good;
  sold.items.pop_back();
  EXPECT_EQ(sold.CodeOf(), Code::kMissing);
  sold.items = good;
  sold.items.push_back({0x08, 0, 0});
  EXPECT_EQ(sold.CodeOf(), Code::kMalformed);
}

TEST(Pack, EveryOctetCounts) {
  Sold sold(1, 1);
  const std::vector<Octets> good = sold.items;
  for (size_t i = 0; i < good.size(); ++i) {
    for (size_t at = 0; at < good[i].size(); at += (good[i].size() > 200 ? 7 : 3)) {
      sold.items = good;
      sold.items[i][at] ^= 0x20;
      EXPECT_NE(sold.CodeOf(), Code::kOk) << "item " << i << " octet " << at;
    }
  }
}

TEST(Pack, TooFewMembersOrAnotherEpochIsRefused) {
  Sold sold(1, 4);
  sold.world.Cosign(kNow, {0, 1});
  sold.items = sold.world.PackItems(sold.links, sold.end.seal, sold.owner);
  EXPECT_EQ(sold.CodeOf(), Code::kNoQuorum);
  sold.world.Cosign(kNow, {1, 2, 3});
  sold.items = sold.world.PackItems(sold.links, sold.end.seal, sold.owner);
  EXPECT_EQ(sold.CodeOf(), Code::kOk);
  MemberSet later = sold.world.members_set;
  later.epoch = 1;
  sold.expect.members = &later;
  EXPECT_EQ(sold.CodeOf(), Code::kWrongEpoch);
}

TEST(Pack, LengthDigestAndRecordsAreBound) {
  Sold sold(2, 4);
  ASSERT_TRUE(sold.Run());
  SecretBytes<32> key;
  key.MutableSecret()[0] = 7;
  const PackExpectation good = sold.expect;
  const Octets sealed = sold.sealed;
  EXPECT_TRUE(sold.Verify(key));

  sold.expect.length += 1;  // bound into every record
  EXPECT_EQ(sold.Verify(key).error().code, Code::kDecryptFailed);
  sold.expect = good;
  sold.expect.sha256[0] ^= 1;
  EXPECT_EQ(sold.Verify(key).error().code, Code::kConflict);
  sold.expect = good;

  // Cut after the first record.
  const size_t first = static_cast<size_t>((sealed[0] << 8 | sealed[1]) + 2);
  sold.sealed.resize(first);
  EXPECT_EQ(sold.Verify(key).error().code, Code::kMissing);
  // Records in another place.
  sold.sealed = Octets(sealed.begin() + static_cast<long>(first), sealed.end());
  EXPECT_EQ(sold.Verify(key).error().code, Code::kDecryptFailed);
  sold.sealed = sealed;
  sold.sealed[40] ^= 1;
  EXPECT_EQ(sold.Verify(key).error().code, Code::kDecryptFailed);
  sold.sealed = sealed;
  SecretBytes<32> other;
  EXPECT_EQ(sold.Verify(other).error().code, Code::kDecryptFailed);
}

TEST(Pack, ResumesAtARecordAndRefusesAfterAnError) {
  Sold sold(3, 4);
  ASSERT_TRUE(sold.Run());
  SecretBytes<32> key;
  key.MutableSecret()[0] = 7;
  PackVerifier verifier;
  ASSERT_TRUE(verifier.Start(sold.expect, key));
  while (!verifier.complete()) {  // each record from a request of its own
    const auto rest = PackFrom(sold.sealed, verifier.next_record());
    ASSERT_TRUE(rest);
    ByteReader r(*rest);
    Octets record = fakes::ToOctets(r.Take(r.U16()));
    ASSERT_TRUE(verifier.Record(record));
  }
  EXPECT_GT(verifier.next_record(), 2u);
  EXPECT_TRUE(PackFrom(sold.sealed, verifier.next_record())->empty());
  EXPECT_EQ(PackFrom(sold.sealed, verifier.next_record() + 1).error().code, Code::kOutOfRange);
  EXPECT_TRUE(verifier.Finish());
  EXPECT_EQ(verifier.Finish().error().code, Code::kWrongState);

  PackVerifier bad;
  ASSERT_TRUE(bad.Start(sold.expect, key));
  Octets noise(64, 1);
  EXPECT_FALSE(bad.Record(noise));
  ByteReader r(sold.sealed);
  Octets record = fakes::ToOctets(r.Take(r.U16()));
  EXPECT_EQ(bad.Record(record).error().code, Code::kWrongState);
}

TEST(Pack, StartRefusesWhatItCannotJudge) {
  Sold sold(1, 1);
  ASSERT_TRUE(sold.Run());
  SecretBytes<32> key;
  PackVerifier verifier;
  PackExpectation e = sold.expect;
  e.members = nullptr;
  EXPECT_EQ(verifier.Start(e, key).error().code, Code::kInvalidArgument);
  e = sold.expect;
  e.length = kMaxPack + 1;
  EXPECT_EQ(verifier.Start(e, key).error().code, Code::kTooLarge);
  e = sold.expect;
  e.owner = "did:web:example.org";
  EXPECT_EQ(verifier.Start(e, key).error().code, Code::kInvalidDid);
  Octets record(64);
  EXPECT_EQ(PackVerifier().Record(record).error().code, Code::kWrongState);
}

TEST(Pack, VerifyingAllocatesNothing) {
  if (!fakes::HeapCountWorks()) GTEST_SKIP() << "sanitizers bring their own allocator";
  Sold sold(3, 4);
  ASSERT_TRUE(sold.Run());
  SecretBytes<32> key;
  key.MutableSecret()[0] = 7;
  const size_t before = fakes::HeapAllocations();
  const auto result = sold.Verify(key);
  const size_t after = fakes::HeapAllocations();
  EXPECT_TRUE(result);
  EXPECT_EQ(after, before);
}

}  // namespace
}  // namespace keel::ledger
