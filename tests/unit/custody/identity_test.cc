// SPDX-License-Identifier: Apache-2.0
#include "custody/identity.h"

#include <gtest/gtest.h>

#include "tests/fakes/custody_world.h"

namespace keel::custody {
namespace {

using fakes::Role;
using fakes::World;

TEST(IdentityTest, OpensWhatItMade) {
  World world;
  std::string did, kid;
  SecretBytes<32> wrap;
  {
    auto made = Identity::Create(world / "a", world.net_keel(), {});
    ASSERT_TRUE(made) << made.error().Text();
    did = (*made)->did();
    kid = (*made)->auth_kid();
    wrap = *(*made)->WrapKey();
    EXPECT_EQ((*made)->auth_key().type(), crypto::KeyType::kEd25519);
    EXPECT_EQ((*made)->agree_key().type(), crypto::KeyType::kX25519);
    EXPECT_EQ((*made)->agree_kid(), did + "#agree");
  }
  auto opened = Identity::Open(world / "a", {});
  ASSERT_TRUE(opened) << opened.error().Text();
  EXPECT_EQ((*opened)->did(), did);
  EXPECT_EQ((*opened)->auth_kid(), kid);
  EXPECT_TRUE((*opened)->WrapKey()->SameAs(wrap));
  EXPECT_FALSE(*Identity::NeedsPassphrase(world / "a"));
  const auto again = Identity::Create(world / "a", world.net_keel(), {});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::kExists);
}

TEST(IdentityTest, TwoHaveNothingInCommon) {
  World world;
  auto a = Identity::Create(world / "a", world.net_keel(), {}), b = Identity::Create(world / "b", world.net_keel(), {});
  ASSERT_TRUE(a && b);
  EXPECT_NE((*a)->did(), (*b)->did());
  EXPECT_FALSE((*a)->WrapKey()->SameAs(*(*b)->WrapKey()));
}

TEST(IdentityTest, PassphraseIsNeeded) {
  World world;
  Identity::Options options;
  options.passphrase = "correct horse";
  options.cost = crypto::PassphraseCost::kLight;
  ASSERT_TRUE(Identity::Create(world / "a", world.net_keel(), options));
  EXPECT_TRUE(*Identity::NeedsPassphrase(world / "a"));
  const auto none = Identity::Open(world / "a", {});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kWrongPassphrase);
  options.passphrase = "wrong";
  const auto wrong = Identity::Open(world / "a", options);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Code::kWrongPassphrase);
  options.passphrase = "correct horse";
  EXPECT_TRUE(Identity::Open(world / "a", options));
}

TEST(IdentityTest, MissingAndBrokenFoldersSayWhatToDo) {
  World world;
  const auto missing = Identity::Open(world / "nothing", {});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Code::kNotFound);
  EXPECT_NE(missing.error().Text().find("init"), std::string::npos);
  ASSERT_TRUE(Identity::Create(world / "a", world.net_keel(), {}));
  ASSERT_TRUE(base::WriteFileAtomic(world / "a/identity.json", std::string_view("{\"v\":1}")));
  EXPECT_FALSE(Identity::Open(world / "a", {}));
  EXPECT_FALSE(Identity::Create(world / "b", "not a net.keel", {}));
}

TEST(IdentityTest, SecondOpenerIsBusy) {
  World world;
  auto first = Identity::Create(world / "a", world.net_keel(), {});
  ASSERT_TRUE(first);
  const auto second = Identity::Open(world / "a", {});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kBusy);
}

TEST(IdentityTest, RotationReplacesTheKey) {
  World world;
  auto first = std::make_unique<Role>(world, world / "maker");
  Role& maker = *first;
  const crypto::PublicKey old = maker.identity().auth_key();
  const auto index = maker.identity().Rotate(maker.registry(), std::nullopt);
  ASSERT_TRUE(index) << index.error().Text();
  EXPECT_EQ(maker.identity().auth_kid(), maker.did() + "#auth-1");
  EXPECT_FALSE(maker.identity().auth_key() == old);
  EXPECT_EQ(maker.identity().keys().Find(old).error().code, Code::kNoSuchKey);  // destroyed
  const auto history = maker.registry().ResolveDid(maker.did());
  ASSERT_TRUE(history) << history.error().Text();
  ASSERT_EQ(history->operations.size(), 2u);
  EXPECT_EQ(history->operations[1].index, *index);
  // Routine: what the old key had anchored before stays good; compromise cuts at its index.
  EXPECT_TRUE(*did::KeyGoodAt(*history, old, did::Relationship::kAssertionMethod, *index - 1));
  EXPECT_FALSE(*did::KeyGoodAt(*history, old, did::Relationship::kAssertionMethod, *index + 1));
  // A client whose account was the old key is made anew; the folder remembers the rotation.
  const uint64_t since = history->operations[0].index + 1;
  first.reset();
  Role again(world, world / "maker", false);
  EXPECT_EQ(again.identity().auth_kid(), again.did() + "#auth-1");
  const auto second = again.identity().Rotate(again.registry(), since);
  ASSERT_TRUE(second) << second.error().Text();
  EXPECT_EQ(again.identity().operations().size(), 3u);
  EXPECT_EQ(again.identity().auth_kid(), again.did() + "#auth-2");
}

}  // namespace
}  // namespace keel::custody
