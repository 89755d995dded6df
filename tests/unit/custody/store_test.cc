// SPDX-License-Identifier: Apache-2.0
#include "custody/store.h"

#include <gtest/gtest.h>

#include "tests/fakes/custody_world.h"

namespace keel::custody {
namespace {

using fakes::Role;
using fakes::World;

TEST(CustodyStoreTest, SealSignsOneSpendOnly) {
  World world;
  Role maker(world, world / "maker", true, false);
  const auto seal = maker.store().MakeSeal();
  ASSERT_TRUE(seal) << seal.error().Text();
  EXPECT_EQ(ledger::SealOf(seal->policy), seal->seal);
  const Bytes32 link{1}, other{2};
  const auto message = ledger::SpendMessage(maker.identity().net(), seal->seal, link);
  const auto sigs = maker.store().SignSpend(seal->seal, message);
  ASSERT_TRUE(sigs) << sigs.error().Text();
  EXPECT_TRUE(ledger::VerifySpend(maker.identity().net(), seal->seal, link, seal->policy, *sigs));
  EXPECT_EQ(*maker.store().SignSpend(seal->seal, message), *sigs);  // the same again is the same
  const auto second =
      maker.store().SignSpend(seal->seal, ledger::SpendMessage(maker.identity().net(), seal->seal, other));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kSealSpent);
  const auto cancel = maker.store().SignSpends(
      {{seal->seal, base::ToBytes(ByteView(ledger::SpendMessage(maker.identity().net(), seal->seal, other))), true}});
  EXPECT_TRUE(cancel);
  ASSERT_TRUE(maker.store().EraseSeal(seal->seal));
  EXPECT_FALSE(*maker.store().HasSeal(seal->seal));
  EXPECT_EQ(maker.store().SignSpend(seal->seal, message).error().code, Code::kNotFound);
}

TEST(CustodyStoreTest, SealKeysAreSealedAtRest) {
  World world;
  Role maker(world, world / "maker", true, false);
  SecretBytes<32> seed;
  ASSERT_TRUE(crypto::SystemRandom().Fill(seed.MutableSecret()));
  const auto wrapped = maker.store().Wrap("a", seed.ExposeSecret());
  ASSERT_TRUE(wrapped);
  EXPECT_EQ(wrapped->find(base::Base64Url(seed.ExposeSecret())), std::string::npos);
  EXPECT_TRUE(maker.store().Unwrap32("a", *wrapped)->SameAs(seed));
  EXPECT_FALSE(maker.store().Unwrap32("b", *wrapped));  // bound to its name
  Role other(world, world / "other", true, false);
  EXPECT_FALSE(other.store().Unwrap32("a", *wrapped));
}

TEST(CustodyStoreTest, FindsAndKeepsRecords) {
  World world;
  Role maker(world, world / "maker");
  maker.Manufacture(3);
  const auto found = maker.store().FindSerial("SN-2");
  ASSERT_TRUE(found) << found.error().Text();
  EXPECT_EQ(found->model, "sensor");
  EXPECT_EQ(found->LastSeal(), found->hardware.root_seal);
  EXPECT_EQ(maker.store().FindSerial("SN-20").error().code, Code::kNotFound);
  EXPECT_EQ(maker.store().FindSerial("SN-").error().code, Code::kNotFound);
  EXPECT_EQ(maker.store().Get("did:keel:x").error().code, Code::kNotFound);
  EXPECT_EQ(maker.store().List()->size(), 3u);
  EXPECT_TRUE(maker.store().List(DeviceState::kGiven)->empty());
  DeviceRecord twin = *found;
  twin.did += "x";
  ASSERT_TRUE(maker.store().Put(twin));
  EXPECT_EQ(maker.store().FindSerial("SN-2").error().code, Code::kConflict);  // two devices of one serial: name the DID
}

TEST(CustodyStoreTest, RefusesAShorterChain) {
  World world;
  Role maker(world, world / "maker"), owner(world, world / "owner");
  maker.Manufacture(1);
  fakes::Pass(maker, owner, 1);
  DeviceRecord old = owner.store().List()->front();
  old.links.clear();
  const auto put = owner.store().Put(old);
  ASSERT_FALSE(put);
  EXPECT_EQ(put.error().code, Code::kConflict);
}

TEST(CustodyStoreTest, TakesNewRendezvousSecrets) {
  World world;
  Role maker(world, world / "maker");
  maker.Manufacture(1);
  const DeviceRecord before = maker.store().List()->front();
  auto keys = crypto::SoftwareKeyStore::CreateInMemory();
  const crypto::PublicKey rp = *keys->Public(*keys->Generate(crypto::KeyType::kX25519));
  const auto kept = [&](const char* when) {
    const DeviceRecord after = *maker.store().Get(before.did);
    EXPECT_EQ(after.rs, Bytes32{9}) << when;
    EXPECT_TRUE(after.rp == rp) << when;
    EXPECT_EQ(maker.store().List()->front().rs, Bytes32{9}) << when;
    EXPECT_EQ(maker.store().FindSerial(before.serial)->rs, Bytes32{9}) << when;
  };
  ASSERT_TRUE(maker.store().SetRendezvous(before.did, Bytes32{9}, rp).get());
  kept("set");
  ASSERT_TRUE(maker.store().SetRendezvous(before.did, Bytes32{9}, rp).get());
  kept("set again");
  EXPECT_EQ(maker.store().SetRendezvous("did:keel:none", Bytes32{9}, rp).get().error().code, Code::kNotFound);
  // Whoever writes back a record that was read before takes nothing away, nor does taking the same papers over again.
  ASSERT_TRUE(maker.store().Put(before));
  kept("put back");
  ASSERT_TRUE(maker.store().Put({before}, CustodyStore::Secrets::kFromGiver));
  kept("the same chain from the giver");
}

TEST(CustodyStoreTest, BoughtBackWithOtherRendezvousSecrets) {
  World world;
  Role maker(world, world / "maker"), owner(world, world / "owner");
  maker.Manufacture(1);
  fakes::Pass(maker, owner, 1);
  const DeviceRecord first = owner.store().List()->front();
  auto keys = crypto::SoftwareKeyStore::CreateInMemory();
  const crypto::PublicKey rp = *keys->Public(*keys->Generate(crypto::KeyType::kX25519));
  ASSERT_TRUE(owner.store().SetRendezvous(first.did, Bytes32{9}, rp).get());
  fakes::Pass(owner, maker, 1);
  EXPECT_EQ(maker.store().Get(first.did)->rs, Bytes32{9}) << "the buyer gets what the device made last";
  ASSERT_TRUE(maker.store().SetRendezvous(first.did, Bytes32{8}, rp).get());
  fakes::Pass(maker, owner, 1);
  EXPECT_EQ(owner.store().Get(first.did)->rs, Bytes32{8}) << "and not what it had itself from an earlier time";
}

TEST(CustodyStoreTest, OneProcessAtATime) {
  World world;
  Role maker(world, world / "maker", true, false);
  const auto second = CustodyStore::Open(maker.identity());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kBusy);
}

}  // namespace
}  // namespace keel::custody
