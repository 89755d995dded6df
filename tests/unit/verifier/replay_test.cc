// SPDX-License-Identifier: Apache-2.0
// Assurance goal D1, the owner's half: every message that a device sent is sent again by whoever recorded it, 10,000
// times, across restarts of the service. Nothing changes, and the device is not put out by it.
#include <gtest/gtest.h>

#include "tests/unit/verifier/service_world.h"

namespace keel::verifier {
namespace {

using fakes::Ask;
using fakes::json;
using fakes::MemoryDevice;

class ReplayTest : public ServiceWorld {
 protected:
  ReplayTest() {
    owner_folder_ = world_ / "owner";
    maker_ = std::make_unique<fakes::Role>(world_, world_ / "maker");
    {
      fakes::Role owner(world_, owner_folder_);
      devices_ = fakes::MakeDevices(world_, *maker_, 2);
      fakes::Pass(*maker_, owner, 2);
    }
    Start(0);
    EXPECT_TRUE(fakes::ClaimAll(*service_));
  }
  // Everything that an accepted message would change, the words about the last refusal aside.
  json Standing() {
    json out = *Ask(*service_, "devices");
    for (json& device : out["devices"]) device.erase("problem");
    out["members"] = *base::ReadFile(owner_folder_ + "/members.jsonl");
    return out;
  }
  bool Contact(MemoryDevice& device, const MemoryDevice::Send& send) {
    bool answered = false;
    keel_wallet_contact_now(device.wallet());
    return device.Run(
        [&](const keel_wallet_request& request, std::string& reply) {
          const int status = send(request, reply);
          answered = answered || request.kind == KEEL_REQUEST_DIDCOMM;
          return status;
        },
        [&] { return answered && device.Info().step == KEEL_STEP_DORMANT; }, 10);
  }
};

TEST_F(ReplayTest, TenThousandToTheOwner) {
  std::vector<std::pair<std::string, std::string>> said;  // url, envelope
  const auto over = Http();
  const auto recording = [&](const keel_wallet_request& request, std::string& reply) {
    if (request.kind == KEEL_REQUEST_DIDCOMM)
      said.emplace_back(request.url, std::string(reinterpret_cast<const char*>(request.body), request.body_length));
    return over(request, reply);
  };
  MemoryDevice& device = *devices_[0];
  ASSERT_TRUE(device.Onboard(recording)) << device.Log();
  ASSERT_TRUE(device.Run(recording, [&] { return device.Info().step == KEEL_STEP_DORMANT; })) << device.Log();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(Contact(device, recording)) << i << device.Log();
  ASSERT_GE(said.size(), 8u);

  const json before = Standing();
  ASSERT_EQ(before["devices"].size(), 2u);
  size_t answers = 0;
  for (size_t i = 0; i < 10'000; ++i) {
    if (i % 2'500 == 2'499) Restart();
    const auto& [url, envelope] = said[i % said.size()];
    const auto response = http_->Post(url, "application/didcomm-encrypted+json", envelope);
    ASSERT_TRUE(response) << response.error().Text();
    ASSERT_LT(response->status, 500) << response->body;
    answers += response->status == 200 ? 1 : 0;
  }
  EXPECT_EQ(Standing(), before);
  std::printf("  10,000 replays, %zu had an answer (that of the first time, or a refusal), none changed anything\n",
              answers);
  EXPECT_TRUE(Contact(device, over)) << "the device itself goes on: " << device.Log();
  ASSERT_TRUE(devices_[1]->Onboard(over)) << "and others come in: " << devices_[1]->Log();
}

}  // namespace
}  // namespace keel::verifier
