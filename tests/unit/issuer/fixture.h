// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include "issuer/issuer.h"
#include "issuer/station.h"
#include "tests/fakes/custody_world.h"

namespace keel::issuer {

using nlohmann::json;

// An issuer on a real registry, and the station with scripted devices.
class IssuerTest : public testing::Test {
 protected:
  IssuerTest() {
    auto identity = custody::Identity::Create(world_ / "issuer", world_.net_keel(), {});
    EXPECT_TRUE(identity) << identity.error().Text();
    EXPECT_TRUE(Issuer::AddAuthorKey(**identity));
    world_.Sponsor(**identity);
    identity->reset();
    Open();
  }
  void Open() {
    issuer_.reset();
    Issuer::Options options = options_;
    options.data_dir = world_ / "issuer";
    options.name = "Maker";
    options.vendor = "maker.example";
    options.public_url = "http://127.0.0.1:9";
    options.endpoints = {world_.url()};
    auto opened = Issuer::Open(options, world_.http(), world_.clock(), crypto::SystemRandom());
    ASSERT_TRUE(opened) << opened.error().Text();
    issuer_ = std::move(*opened);
  }
  Result<json> Verb(std::string_view verb, const json& args) {
    calls_.emplace_back(verb);
    if (fail_at_ == verb) return Fail(Code::kUnreachable, "test", "cut off before " + std::string(verb));
    Result<json> answer = verb == "manufacture.begin"      ? issuer_->Begin(args)
                          : verb == "manufacture.anchor"   ? issuer_->Anchor(args)
                          : verb == "manufacture.verified" ? issuer_->Verified(args)
                                                           : issuer_->Finish(args);
    if (fail_after_ == verb) return Fail(Code::kUnreachable, "test", "cut off after " + std::string(verb));
    return answer;
  }
  Result<json> Station(const std::vector<DeviceRow>& rows, size_t parallel = 64) {
    StationOptions options;
    options.devices_dir = world_ / "devices";
    options.command = {std::string(KEEL_BIN_DIR) + "/keel-script-device"};
    options.parallel = parallel;
    return RunStation(
        rows, options, [&](std::string_view verb, const json& args) { return Verb(verb, args); },
        crypto::SystemRandom());
  }
  void Script(const std::string& serial, const std::string& line) {
    std::filesystem::create_directories(world_ / "devices");
    std::ofstream(world_ / ("devices/script-" + serial)) << line << "\n";
  }
  // What must hold after any number of cut-off runs and one whole one.
  void ExpectAllMadeOnce(size_t count) {
    const auto held = issuer_->custody().List();
    ASSERT_TRUE(held);
    EXPECT_EQ(held->size(), count);
    std::set<std::string> dids, serials;
    for (const auto& record : *held) {
      EXPECT_EQ(record.state, custody::DeviceState::kHeld);
      EXPECT_TRUE(custody::CheckPapers(record, issuer_->identity().net())) << record.serial;
      EXPECT_TRUE(*issuer_->custody().HasSeal(record.LastSeal()));
      dids.insert(record.did);
      serials.insert(record.serial);
      const auto text = base::ReadFile(world_ / ("devices/" + record.serial + "/device.json"));
      ASSERT_TRUE(text);
      const json device = *base::ParseJson(*text);
      EXPECT_EQ(device["did"], record.did);
      EXPECT_EQ(device["credential"], record.hardware.jwt);
      EXPECT_TRUE(device["locked"].get<bool>());
    }
    EXPECT_EQ(dids.size(), count);
    EXPECT_EQ(serials.size(), count);
    const json status = *issuer_->Status();
    EXPECT_EQ(status["rows"]["finished"], count) << status;
  }

  fakes::World world_;
  Issuer::Options options_;  // what Open takes besides
  std::unique_ptr<Issuer> issuer_;
  std::vector<std::string> calls_;
  std::string fail_at_, fail_after_;
};

}  // namespace keel::issuer
