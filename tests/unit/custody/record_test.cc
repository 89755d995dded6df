// SPDX-License-Identifier: Apache-2.0
#include "custody/record.h"

#include <gtest/gtest.h>

#include "tests/fakes/custody_world.h"

namespace keel::custody {
namespace {

using fakes::Role;
using fakes::World;
using nlohmann::json;

TEST(RecordTest, RoundTripAndEveryMemberGoneBad) {
  World world;
  Role maker(world, world / "maker"), owner(world, world / "owner");
  maker.Manufacture(1);
  fakes::Pass(maker, owner, 1);
  const DeviceRecord record = owner.store().List()->front();
  const json good = ToJson(record);
  const auto back = RecordFromJson(good);
  ASSERT_TRUE(back) << back.error().Text();
  EXPECT_EQ(ToJson(*back), good);
  EXPECT_EQ(back->k(), 1u);
  EXPECT_EQ(back->SealBefore(1), record.hardware.root_seal);
  for (const auto& [name, value] : good.items()) {
    if (name == "credential" || name == "given_to" || name == "transfer") continue;
    json bad = good;
    bad.erase(name);
    EXPECT_FALSE(RecordFromJson(bad)) << name;
    bad = good;
    bad[name] = nullptr;
    EXPECT_FALSE(RecordFromJson(bad)) << name;
  }
  json bad = good;
  bad["more"] = 1;
  EXPECT_FALSE(RecordFromJson(bad));
  bad = good;
  bad["state"] = "sold";
  EXPECT_FALSE(RecordFromJson(bad));
  bad = good;
  bad["ops"] = json::array();
  EXPECT_FALSE(RecordFromJson(bad));
  bad = good;
  bad["links"][0]["link"] = "AAAA";
  EXPECT_FALSE(RecordFromJson(bad));
  bad = good;
  bad["rp"] = base::Multikey(maker.identity().auth_key());  // an Ed25519 key
  EXPECT_FALSE(RecordFromJson(bad));
}

}  // namespace
}  // namespace keel::custody
