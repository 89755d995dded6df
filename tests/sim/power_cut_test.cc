// SPDX-License-Identifier: Apache-2.0
// Power leaves a device at every single write to its flash, and after every action, from the first boot to a confirmed
// new image: each time it must finish, and be onboarded once.
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "core/encoding.h"
#include "tests/fakes/wallet_world.h"

namespace keel {
namespace {

using fakes::Octets;
using fakes::WalletWorld;

std::unique_ptr<WalletWorld> World(Octets& image) {
  auto w = std::make_unique<WalletWorld>(1);
  image.assign(30'000, 0x5a);
  w->verifier->image = image;
  w->verifier->manifest = w->Manifest(image, 2, "2.0.0", w->author_did.auth);
  w->verifier->offer = {{"id", "r2"},
                        {"version", "2.0.0"},
                        {"sequence", 2},
                        {"digest", base::Base64Url(crypto::Sha256::Of(ByteView(image)))},
                        {"size", image.size()}};
  w->verifier->offer_in_m4 = true;
  return w;
}

// Onboarded, new image confirmed and reported.
bool Finish(WalletWorld& w, size_t actions = 400) {
  return w.Run(
      [&] {
        return w.Phase() == KEEL_PHASE_ONBOARDED && w.verifier->reports >= 1 && w.Info().step == KEEL_STEP_DORMANT;
      },
      actions);
}

void ExpectFinished(WalletWorld& w, const Octets& image) {
  EXPECT_EQ(w.Phase(), KEEL_PHASE_ONBOARDED);
  EXPECT_EQ(w.verifier->bound.size(), 1u) << "proved itself in one session only: no clone alarm";
  EXPECT_EQ(w.slots.image, image);
  EXPECT_FALSE(w.slots.trial);
  EXPECT_EQ(w.Info().rollback_counter, 2u);
  EXPECT_EQ(w.Info().generation, 1u);
}

TEST(PowerCut, AtEveryWrite) {
  Octets image;
  size_t total = 0;
  {
    auto w = World(image);
    const size_t before = w->flash.writes;
    ASSERT_EQ(w->Boot(), KEEL_WALLET_OK);
    ASSERT_TRUE(Finish(*w));
    ExpectFinished(*w, image);
    total = w->flash.writes - before;
  }
  std::printf("%zu writes from first boot to confirmed image\n", total);
  for (size_t cut = 0; cut < total; ++cut) {
    SCOPED_TRACE("cut at write " + std::to_string(cut));
    auto w = World(image);
    w->flash.cut_after = cut;
    if (w->Boot() == KEEL_WALLET_OK) Finish(*w);
    ASSERT_TRUE(w->flash.dead) << "the cut was not reached";
    w->flash.Restore();
    w->slots.Boot();
    ASSERT_EQ(w->Boot(), KEEL_WALLET_OK);
    if (!Finish(*w)) {
      for (const auto& line : w->log) std::printf("%s\n", line.c_str());
      FAIL();
    }
    // A cut while the new image was on trial costs a restart: it has another trial.
    ExpectFinished(*w, image);
  }
}

TEST(PowerCut, AfterEveryAction) {
  Octets image;
  size_t total = 0;
  {
    auto w = World(image);
    ASSERT_EQ(w->Boot(), KEEL_WALLET_OK);
    ASSERT_TRUE(Finish(*w));
    total = w->requests;
  }
  std::printf("%zu requests\n", total);
  for (size_t at = 0; at < total; ++at) {
    for (const bool answered : {false, true}) {
      SCOPED_TRACE("request " + std::to_string(at) + (answered ? " answered, unseen" : " not sent"));
      auto w = World(image);
      bool cut = false;
      const auto hook = [&, at](size_t n) {
        if (n == at && !cut) {
          cut = true;
          w->flash.dead = true;  // from this moment nothing happens any more
          return true;
        }
        return false;
      };
      (answered ? w->lose_answer : w->lose_request) = hook;
      ASSERT_EQ(w->Boot(), KEEL_WALLET_OK);
      Finish(*w);
      ASSERT_TRUE(cut);
      w->flash.Restore();
      w->slots.Boot();
      ASSERT_EQ(w->Boot(), KEEL_WALLET_OK);
      ASSERT_TRUE(Finish(*w));
      ExpectFinished(*w, image);
    }
  }
}

TEST(PowerCut, AtEveryWriteOfAReset) {
  Octets image;
  for (size_t cut = 0; cut < 8; ++cut) {
    SCOPED_TRACE(cut);
    WalletWorld w(1);
    ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
    ASSERT_TRUE(w.RunUntilOnboarded());
    w.flash.cut_after = cut;
    keel_wallet_owner_reset(w.wallet);
    w.flash.Restore();
    ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
    if (w.Phase() == KEEL_PHASE_ONBOARDED) {
      EXPECT_EQ(cut, 0u) << "the first write is the reset";
      continue;
    }
    EXPECT_EQ(w.flash.records.count(8) + w.flash.records.count(9), 0u)
        << "the owner's data is gone after the next start";
    ASSERT_TRUE(w.RunUntilOnboarded());
  }
}

}  // namespace
}  // namespace keel
