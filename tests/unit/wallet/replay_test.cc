// SPDX-License-Identifier: Apache-2.0
// Assurance goal D1, the device's half: messages that its owner did send once are sent again instead of the answer that
// it waits for, 10,000 times, across restarts. None is accepted.
#include <gtest/gtest.h>

#include "tests/fakes/wallet_world.h"

namespace keel {
namespace {

using fakes::Octets;
using fakes::WalletWorld;

bool IsMessage(const std::string& url) { return url.ends_with("/didcomm"); }

// Keeps a copy of every answer of the owner's.
void Record(WalletWorld& w, std::vector<Octets>& heard) {
  w.bend_answer = [&heard](const std::string& url, int&, Octets& reply) {
    if (IsMessage(url) && !reply.empty()) heard.push_back(reply);
  };
}

// Sends what was recorded in place of every answer, in turn.
void Replay(WalletWorld& w, const std::vector<Octets>& heard, size_t& sent) {
  w.bend_answer = [&heard, &sent](const std::string& url, int& status, Octets& reply) {
    if (!IsMessage(url)) return;
    status = 200;
    reply = heard[sent++ % heard.size()];
  };
}

bool Dormant(const WalletWorld& w) { return w.Info().step == KEEL_STEP_DORMANT; }

TEST(WalletReplay, SevenThousandToAnOnboardedDevice) {
  WalletWorld w;
  std::vector<Octets> heard;
  Record(w, heard);
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  ASSERT_TRUE(w.RunUntilOnboarded() && w.Run([&] { return Dormant(w); })) << Log(w);
  for (int i = 0; i < 8; ++i) {
    const size_t before = w.verifier->contacts;
    keel_wallet_contact_now(w.wallet);
    ASSERT_TRUE(w.Run([&] { return w.verifier->contacts > before && Dormant(w); }, 20)) << Log(w);
  }
  ASSERT_GE(heard.size(), 11u);

  size_t sent = 0, accepted = 0;
  Replay(w, heard, sent);
  for (size_t round = 0; sent < 7000; ++round) {
    if (round % 500 == 0) {
      ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
    }
    keel_wallet_contact_now(w.wallet);
    const size_t before = sent;
    ASSERT_TRUE(w.Run([&] { return sent > before; }, 20));
    accepted += Dormant(w) ? 1 : 0;  // a contact that has its answer is over
    w.log.clear();
  }
  EXPECT_EQ(accepted, 0u);
  EXPECT_EQ(w.Info().generation, 1u);
  std::printf("  %zu replays to an onboarded device, %zu accepted\n", sent, accepted);
  w.bend_answer = nullptr;  // the owner's own answer
  EXPECT_TRUE(w.Run([&] { return Dormant(w); }, 20)) << Log(w);
}

TEST(WalletReplay, ThreeThousandInTheMiddleOfAnOnboarding) {
  // Of another session of the same device, and of the same session what came before.
  std::vector<Octets> heard;
  {
    WalletWorld other;
    Record(other, heard);
    ASSERT_EQ(other.Boot(), KEEL_WALLET_OK);
    ASSERT_TRUE(other.RunUntilOnboarded());
  }
  WalletWorld w;
  // As another session would be: other randomness from here on.
  ByteArray<100> skipped;
  ASSERT_TRUE(w.random.Fill(skipped));
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  size_t sent = 0;
  const keel_wallet_step steps[] = {KEEL_STEP_HELLO, KEEL_STEP_PROOF, KEEL_STEP_DONE};
  for (size_t i = 0; i < 3; ++i) {
    SCOPED_TRACE(keel_wallet_step_name(steps[i]));
    // One true answer a step, recorded like the others.
    Record(w, heard);
    ASSERT_TRUE(w.Run([&] { return w.Info().step == steps[i]; }, 200)) << Log(w);
    Replay(w, heard, sent);
    const size_t most = sent + 1000;
    for (size_t round = 1; sent < most; ++round) {
      if (round % 200 == 0) {
        ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
      }
      const size_t before = sent;
      ASSERT_TRUE(w.Run([&] { return sent > before; }, 200)) << Log(w);
      // Never a step on; back to asking for time or an invitation at most.
      const keel_wallet_step step = w.Info().step;
      ASSERT_TRUE(step <= steps[i] || step == KEEL_STEP_BACKOFF) << keel_wallet_step_name(step) << Log(w);
      w.log.clear();
    }
    EXPECT_NE(w.Phase(), KEEL_PHASE_ONBOARDED);
  }
  std::printf("  %zu replays in the middle of an onboarding, none accepted\n", sent);
  w.bend_answer = nullptr;
  EXPECT_TRUE(w.RunUntilOnboarded()) << Log(w);
  EXPECT_EQ(w.verifier->bound.size(), 1u);
}

}  // namespace
}  // namespace keel
