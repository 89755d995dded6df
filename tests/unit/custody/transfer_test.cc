// SPDX-License-Identifier: Apache-2.0
#include "custody/transfer.h"

#include <gtest/gtest.h>

#include "base/json_strict.h"
#include "custody/chain.h"

#include "tests/fakes/custody_world.h"

namespace keel::custody {
namespace {

using fakes::Pass;
using fakes::Role;
using fakes::World;
using nlohmann::json;

TEST(TransferTest, ThreeHandsAndBack) {
  World world;
  Role maker(world, world / "maker"), shop(world, world / "shop"), owner(world, world / "owner", true, false);
  maker.Manufacture(5);
  const json first = Pass(maker, shop, 5);
  ASSERT_EQ(first["imported"].size(), 5u) << first;
  EXPECT_EQ(first["from"], maker.did());
  // The owner's DID is anchored by the giver, an accredited sponsor.
  EXPECT_EQ(owner.registry().ResolveDid(owner.did()).error().code, Code::kNotFound);
  const json second = Pass(shop, owner, 5);
  ASSERT_EQ(second["imported"].size(), 5u) << second;
  EXPECT_TRUE(owner.registry().ResolveDid(owner.did()));
  const auto held = owner.store().List(DeviceState::kHeld);
  for (const DeviceRecord& record : *held) {
    EXPECT_EQ(record.k(), 2u);
    EXPECT_TRUE(CheckPapers(record, owner.identity().net()));
    EXPECT_TRUE(*owner.store().HasSeal(record.LastSeal()));
    EXPECT_GE(record.reliable_from, base::NowSeconds());
    EXPECT_LE(record.reliable_from, base::NowSeconds() + kReliableAfter);
    EXPECT_GT(record.links[0].index, 0u);
    EXPECT_GT(record.links[1].index, record.links[0].index);
    EXPECT_FALSE(*maker.store().HasSeal(record.hardware.root_seal));  // spent keys are destroyed
    EXPECT_EQ(maker.store().Get(record.did)->state, DeviceState::kGiven);
    EXPECT_EQ(shop.store().Get(record.did)->given_to, owner.did());
  }
  // A return: back to the maker.
  const json third = Pass(owner, maker, 5);
  EXPECT_EQ(third["imported"].size(), 5u) << third;
  EXPECT_EQ(maker.store().List(DeviceState::kHeld)->size(), 5u);
  EXPECT_EQ(maker.store().List()->front().k(), 3u);
}

TEST(TransferTest, ChoosesByModelAndSerial) {
  World world;
  Role maker(world, world / "maker"), shop(world, world / "shop");
  maker.Manufacture(5);
  const std::string request = shop.Request(5);
  json sold = maker.Do({{"verb", "transfer"}, {"request", request}, {"out", world / "p1"}, {"model", "sensor"}});
  EXPECT_EQ(sold["given"].size(), 2u);
  sold = maker.Do({{"verb", "transfer"}, {"request", request}, {"out", world / "p2"}, {"serials", {"SN-1", "SN-1"}}});
  EXPECT_EQ(sold["given"].size(), 1u);
  EXPECT_FALSE(sold["resumed"].get<bool>());
  EXPECT_EQ(shop.Do({{"verb", "import"}, {"file", world / "p2"}})["imported"].size(), 1u);
  EXPECT_EQ(shop.Do({{"verb", "import"}, {"file", world / "p1"}})["imported"].size(), 2u);
  // Two seals are left: three devices don't fit, and the one sold isn't ours any more.
  EXPECT_EQ(maker.Try({{"verb", "transfer"}, {"request", request}, {"out", world / "p3"}, {"serials", {"SN-1"}}})
                .error()
                .code,
            Code::kWrongState);
  EXPECT_EQ(maker.Try({{"verb", "transfer"}, {"request", request}, {"out", world / "p3"}, {"serials", {"SN-9"}}})
                .error()
                .code,
            Code::kNotFound);
  EXPECT_EQ(maker.Try({{"verb", "transfer"}, {"request", request}, {"out", world / "p3"}}).error().code, Code::kUsage);
  EXPECT_EQ(
      maker.Try({{"verb", "transfer"}, {"request", request}, {"out", world / "p3"}, {"model", "none"}}).error().code,
      Code::kNotFound);
  sold = maker.Do({{"verb", "transfer"}, {"request", request}, {"out", world / "p3"}, {"all", true}});
  EXPECT_EQ(sold["given"].size(), 2u);
  maker.Manufacture(1, "SX-");
  const auto full = maker.Try({{"verb", "transfer"}, {"request", request}, {"out", world / "p4"}, {"all", true}});
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Code::kOutOfRange);
}

TEST(TransferTest, ImportTwiceChangesNothing) {
  World world;
  Role maker(world, world / "maker"), shop(world, world / "shop");
  maker.Manufacture(2);
  maker.Do({{"verb", "transfer"}, {"request", shop.Request(2)}, {"out", world / "p"}, {"all", true}});
  EXPECT_EQ(shop.Do({{"verb", "import"}, {"file", world / "p"}})["imported"].size(), 2u);
  const json again = shop.Do({{"verb", "import"}, {"file", world / "p"}});
  EXPECT_EQ(again["already"].size(), 2u);
  EXPECT_EQ(again["imported"].size(), 0u);
  EXPECT_EQ(again["refused"].size(), 0u) << again;
}

TEST(TransferTest, InterruptedGoesOnWithTheSameLinks) {
  World world;
  Role maker(world, world / "maker"), shop(world, world / "shop");
  maker.Manufacture(3);
  const std::string request = shop.Request(3);
  // The package can't be written: the spends are anchored by then.
  const auto cut =
      maker.Try({{"verb", "transfer"}, {"request", request}, {"out", world / "no-such-folder/p"}, {"all", true}});
  ASSERT_FALSE(cut);
  const json sold = maker.Do({{"verb", "transfer"}, {"request", request}, {"out", world / "p"}, {"all", true}});
  EXPECT_TRUE(sold["resumed"].get<bool>());
  EXPECT_EQ(sold["given"].size(), 3u);
  EXPECT_EQ(sold["refused"].size(), 0u) << sold;
  EXPECT_EQ(shop.Do({{"verb", "import"}, {"file", world / "p"}})["imported"].size(), 3u);
}

TEST(TransferTest, OfflineThenAnchoredByEither) {
  for (const bool giver_first : {true, false}) {
    World world;
    Role maker(world, world / "maker"), shop(world, world / "shop");
    maker.Manufacture(2);
    const json taken = Pass(maker, shop, 2, true);
    ASSERT_EQ(taken["imported"].size(), 2u) << taken;
    EXPECT_EQ(shop.store().List(DeviceState::kPending)->size(), 2u);
    EXPECT_TRUE(*maker.store().HasSeal(maker.store().List()->front().hardware.root_seal));  // till it is anchored
    Role& one = giver_first ? maker : shop;
    Role& other = giver_first ? shop : maker;
    EXPECT_EQ(one.Do({{"verb", "anchor"}})["anchored"].size(), 2u);
    EXPECT_EQ(other.Do({{"verb", "anchor"}})["anchored"].size(), 2u);
    EXPECT_EQ(shop.store().List(DeviceState::kHeld)->size(), 2u);
    EXPECT_GT(shop.store().List()->front().links[0].index, 0u);
    EXPECT_FALSE(*maker.store().HasSeal(maker.store().List()->front().hardware.root_seal));
    EXPECT_EQ(maker.Do({{"verb", "anchor"}})["anchored"].size(), 0u);
  }
}

TEST(TransferTest, SalesAnchoredOutOfOrder) {
  World world;
  Role maker(world, world / "maker"), shop(world, world / "shop"), owner(world, world / "owner");
  maker.Manufacture(1);
  ASSERT_EQ(Pass(maker, shop, 1, true)["imported"].size(), 1u);
  ASSERT_EQ(Pass(shop, owner, 1, true)["imported"].size(), 1u);
  const DeviceRecord record = owner.store().List()->front();
  ASSERT_EQ(record.k(), 2u);
  // The second sale reaches the ledger first.
  const std::vector<uint8_t> second = *SpendEntryOf(record, 2);
  ASSERT_EQ(owner.registry().Submit({&second, 1})->front().code, Code::kOk);
  EXPECT_EQ(owner.Do({{"verb", "anchor"}})["anchored"].size(), 1u);
  const DeviceRecord held = owner.store().List(DeviceState::kHeld)->front();
  EXPECT_GT(held.links[0].index, held.links[1].index);
  EXPECT_TRUE(AskStandings(owner.context(), {held})->front().anchored);
}

TEST(TransferTest, OnlineImportAnchorsAnOfflineSale) {
  World world;
  Role maker(world, world / "maker"), shop(world, world / "shop");
  maker.Manufacture(1);
  maker.Do(
      {{"verb", "transfer"}, {"request", shop.Request(1)}, {"out", world / "p"}, {"all", true}, {"offline", true}});
  const json taken = shop.Do({{"verb", "import"}, {"file", world / "p"}});
  EXPECT_EQ(taken["imported"][0]["state"], "held") << taken;
}

TEST(TransferTest, CancelBeforeAndAfter) {
  World world;
  Role maker(world, world / "maker"), shop(world, world / "shop");
  maker.Manufacture(2);
  const std::string request = shop.Request(2);
  maker.Do({{"verb", "transfer"}, {"request", request}, {"out", world / "p"}, {"all", true}, {"offline", true}});
  const json back = maker.Do({{"verb", "cancel"}, {"serials", {"SN-1"}}});
  ASSERT_EQ(back["cancelled"].size(), 1u) << back;
  EXPECT_EQ(maker.store().FindSerial("SN-1")->state, DeviceState::kHeld);
  EXPECT_EQ(maker.store().FindSerial("SN-1")->k(), 1u);
  // The receiver finds the seal spent on another link, and gets the evidence; the other device is its own.
  const json taken = shop.Do({{"verb", "import"}, {"file", world / "p"}});
  ASSERT_EQ(taken["refused"].size(), 1u) << taken;
  EXPECT_EQ(taken["refused"][0]["code"], "seal_spent");
  EXPECT_TRUE(taken["refused"][0]["evidence"]["anchored"]["index"].is_number());
  EXPECT_EQ(taken["imported"].size(), 1u);
  // Too late for the second one.
  const json late = maker.Do({{"verb", "cancel"}, {"serials", {"SN-2"}}});
  EXPECT_EQ(late["cancelled"].size(), 0u);
  EXPECT_EQ(late["refused"][0]["code"], "seal_spent") << late;
  // What was taken back can be sold again.
  EXPECT_EQ(Pass(maker, shop, 1)["imported"].size(), 1u);
}

// A registry client that reaches nobody.
class Nowhere {
 public:
  Nowhere(World& world, Role& role)
      : client_(*registry_client::RegistryClient::Create(world.net_keel(), world.http(), world.clock(),
                                                         crypto::SystemRandom(),
                                                         {.endpoints = {"http://127.0.0.1:1"}})),
        context_{role.identity(), role.store(), *client_, role.resolver(), world.clock(), crypto::SystemRandom(), {}} {}
  CustodyContext& context() { return context_; }

 private:
  std::unique_ptr<registry_client::RegistryClient> client_;
  CustodyContext context_;
};

TEST(TransferTest, AnInterruptedCancelGoesOnWithTheSameLink) {
  World world;
  Role maker(world, world / "maker");
  maker.Manufacture(2);
  Nowhere nowhere(world, maker);
  const json names = {{"verb", "cancel"}, {"serials", {"SN-1"}}};
  // Signed, and not anchored: nobody knows whether the registry got it.
  ASSERT_FALSE(RunOwnershipVerb(nowhere.context(), names));
  const std::string did = maker.store().FindSerial("SN-1")->did;
  const auto kept = maker.store().raw().Get("c/" + did);
  ASSERT_TRUE(kept && *kept) << "the link stands in the store before anything signs it";
  const base::ByteVec link = *base::GetBytes(*base::ParseJson(**kept), "link");
  ASSERT_FALSE(RunOwnershipVerb(nowhere.context(), names));
  // Together with one that is cancelled for the first time.
  const json back = maker.Do({{"verb", "cancel"}, {"serials", {"SN-1", "SN-2"}}});
  ASSERT_EQ(back["cancelled"].size(), 2u) << back;
  const DeviceRecord record = *maker.store().FindSerial("SN-1");
  EXPECT_EQ(record.links.back().link, link) << "a seal never signs two cancellations";
  EXPECT_FALSE(*maker.store().raw().Get("c/" + did));
  EXPECT_TRUE(*maker.store().HasSeal(record.LastSeal()));
  EXPECT_TRUE(CheckPapers(record, maker.identity().net()));
}

TEST(TransferTest, AGiverWhoRotatedItsKeySinceIsStillBelieved) {
  World world;
  auto maker = std::make_unique<Role>(world, world / "maker");
  Role shop(world, world / "shop");
  maker->Manufacture(4);
  maker->Do(
      {{"verb", "transfer"}, {"request", shop.Request(2, "r1")}, {"out", world / "p1"}, {"serials", {"SN-1", "SN-2"}}});
  maker->Do({{"verb", "transfer"},
             {"request", shop.Request(1, "r2")},
             {"out", world / "p2"},
             {"serials", {"SN-3"}},
             {"offline", true}});
  ASSERT_TRUE(maker->identity().Rotate(maker->registry(), std::nullopt));
  const json taken = shop.Do({{"verb", "import"}, {"file", world / "p1"}});
  EXPECT_EQ(taken["imported"].size(), 2u) << taken;
  // What wasn't anchored before the rotation was signed by a key that counts no more.
  const json late = shop.Do({{"verb", "import"}, {"file", world / "p2"}});
  EXPECT_EQ(late["imported"].size(), 0u) << late;
  EXPECT_EQ(late["refused"][0]["code"], "untrusted") << late;
  // With the new key the maker goes on as before.
  maker = nullptr;
  Role again(world, world / "maker", false);
  again.Do({{"verb", "transfer"}, {"request", shop.Request(1, "r3")}, {"out", world / "p3"}, {"serials", {"SN-4"}}});
  EXPECT_EQ(shop.Do({{"verb", "import"}, {"file", world / "p3"}})["imported"].size(), 1u);
}

TEST(TransferTest, ACompromisedGiverIsBelievedForWhatWasAnchoredBefore) {
  World world;
  auto maker = std::make_unique<Role>(world, world / "maker");
  Role shop(world, world / "shop");
  maker->Manufacture(3);
  maker->Do({{"verb", "transfer"}, {"request", shop.Request(1, "r1")}, {"out", world / "p1"}, {"serials", {"SN-1"}}});
  const uint64_t since = maker->registry().Checkpoint()->size;
  maker->Do({{"verb", "transfer"}, {"request", shop.Request(1, "r2")}, {"out", world / "p2"}, {"serials", {"SN-2"}}});
  ASSERT_TRUE(maker->identity().Rotate(maker->registry(), since));
  EXPECT_EQ(shop.Do({{"verb", "import"}, {"file", world / "p1"}})["imported"].size(), 1u);
  const json after = shop.Do({{"verb", "import"}, {"file", world / "p2"}});
  EXPECT_EQ(after["refused"][0]["code"], "untrusted") << "the thief may have signed it: " << after;
  maker = nullptr;
  Role again(world, world / "maker", false);
  again.Do({{"verb", "transfer"}, {"request", shop.Request(1, "r3")}, {"out", world / "p3"}, {"serials", {"SN-3"}}});
  const json taken = shop.Do({{"verb", "import"}, {"file", world / "p3"}});
  EXPECT_EQ(taken["imported"].size(), 1u) << taken;
}

TEST(TransferTest, WhoGaveADeviceKeepsTheLinkThatPassedItOn) {
  World world;
  Role maker(world, world / "maker"), shop(world, world / "shop"), owner(world, world / "owner");
  maker.Manufacture(1);
  ASSERT_EQ(Pass(maker, shop, 1)["imported"].size(), 1u);
  const DeviceRecord given = maker.store().List()->front();
  const DeviceRecord held = shop.store().List()->front();
  ASSERT_TRUE(given.passed_on);
  EXPECT_EQ(given.passed_on->link, held.links.back().link);
  EXPECT_EQ(given.passed_on->sigs, held.links.back().sigs);
  EXPECT_FALSE(held.passed_on) << "is the giver's business";
  // Offline: only once it is anchored.
  ASSERT_EQ(Pass(shop, owner, 1, true)["imported"].size(), 1u);
  EXPECT_FALSE(shop.store().List()->front().passed_on);
  ASSERT_EQ(shop.Do({{"verb", "anchor"}})["anchored"].size(), 1u);
  const DeviceRecord passed = shop.store().List()->front();
  ASSERT_TRUE(passed.passed_on);
  EXPECT_EQ(passed.passed_on->link, owner.store().List()->front().links.back().link);
  EXPECT_GT(passed.passed_on->index, 0u);
}

}  // namespace
}  // namespace keel::custody
