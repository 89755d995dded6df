// SPDX-License-Identifier: Apache-2.0
// Messages between devices through the verifier service, with real wallets: limits, a restart, and members alone
// (docs/protocols/device-messages.md).
#include "verifier/relay.h"

#include <gtest/gtest.h>

#include "tests/fakes/memory_device.h"
#include "tests/unit/verifier/service_world.h"

namespace keel::verifier {
namespace {

using fakes::Ask;
using fakes::json;
using fakes::MemoryDevice;

class RelayTest : public ServiceWorld {
 protected:
  void Prepare(size_t count) {
    owner_folder_ = world_ / "owner";
    maker_ = std::make_unique<fakes::Role>(world_, world_ / "maker");
    {
      fakes::Role owner(world_, owner_folder_);
      devices_ = fakes::MakeDevices(world_, *maker_, count);
      fakes::Pass(*maker_, owner, count);
    }
    Start(0);
    ASSERT_TRUE(fakes::ClaimAll(*service_));
    for (auto& device : devices_) {
      ASSERT_TRUE(device->Onboard(Http())) << device->Log();
      ASSERT_TRUE(device->Run(Http(), [&] { return device->Info().step == KEEL_STEP_DORMANT; })) << device->Log();
    }
  }
  static keel_wallet_ping_result PingOf(MemoryDevice& device) {
    keel_wallet_ping_result result{};
    result.size = sizeof result;
    keel_wallet_get_ping(device.wallet(), &result);
    return result;
  }
  // Sends a ping; gives the problem's code, or "" when it was taken.
  std::string Send(MemoryDevice& from, const std::string& to) {
    EXPECT_EQ(keel_wallet_ping(from.wallet(), base::MonotonicMs(), to.c_str()), KEEL_WALLET_OK);
    EXPECT_TRUE(from.Run(Http(), [&] { return PingOf(from).state >= KEEL_PING_ANSWERED; }, 20)) << from.Log();
    return PingOf(from).problem;
  }
  // The device asks at its next contact, and answers all that waits for it.
  bool Empty(MemoryDevice& device) {
    keel_wallet_contact_now(device.wallet());
    const auto asked = [&, before = device.traffic[KEEL_REQUEST_DIDCOMM].requests] {
      return device.traffic[KEEL_REQUEST_DIDCOMM].requests > before;
    };
    return device.Run(Http(), [&] { return asked() && Quiet(device); }, 400);
  }
  // Nothing is under way that the device would do at once.
  static bool Quiet(MemoryDevice& device) {
    keel_wallet_action action{};
    action.size = sizeof action;
    return keel_wallet_poll(device.wallet(), base::MonotonicMs(), &action) == KEEL_WALLET_OK &&
           action.kind == KEEL_ACTION_WAIT;
  }
};

TEST_F(RelayTest, IsBoundedSurvivesARestartAndServesMembersAlone) {
  Prepare(3);
  MemoryDevice &a = *devices_[0], &b = *devices_[1], &c = *devices_[2];
  const std::string to_a = a.Info().pairwise, to_b = b.Info().pairwise, to_c = c.Info().pairwise;
  // As many as the queue takes, then as many as a device may send in a minute (or two: the minute may turn).
  const size_t room = Relay::Limits().recipient_messages;
  for (size_t i = 0; i < room; ++i) ASSERT_EQ(Send(a, to_b), "") << i;
  EXPECT_EQ(Send(a, to_b), "e.p.me.res.storage");
  std::string last;
  for (size_t i = 0; i < 2 * Relay::kForwardsAMinute && last != "e.m.me.res"; ++i) last = Send(a, to_b);
  EXPECT_EQ(last, "e.m.me.res") << "the sender is held off";
  EXPECT_EQ(Send(c, to_b), "e.p.me.res.storage") << "others are not";

  Restart();
  ASSERT_TRUE(Empty(b)) << b.Log();
  EXPECT_EQ(Send(c, to_b), "") << "there is room again";

  ASSERT_TRUE(Ask(*service_, "revoke", {{"device", std::string(b.Info().did)}}));
  EXPECT_EQ(Send(c, to_b), "e.p.xfer.no-such-recipient");
  EXPECT_EQ(Send(b, to_c), "e.p.trust.no-member");
  EXPECT_EQ(Send(b, ""), "e.p.trust.no-member");
  EXPECT_EQ(Send(c, ""), "") << "members go on";
  EXPECT_EQ(PingOf(c).state, KEEL_PING_ANSWERED);
}

}  // namespace
}  // namespace keel::verifier
