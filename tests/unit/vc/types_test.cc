// SPDX-License-Identifier: Apache-2.0
#include "vc/types.h"

#include "tests/unit/vc/parties.h"

namespace keel::vc {
namespace {

class TypesTest : public PartiesTest {};

TEST_F(TypesTest, HardwareRoundTrip) {
  HardwareRequest request;
  request.issuer = maker_;
  request.device = device_;
  request.valid_from = kNow;
  request.facts = {.serial = "S-1",
                   .model = "GW-1",
                   .microcontroller = "STM32H7",
                   .operating_system = "Zephyr",
                   .secure_hardware = "SE050",
                   .hardware_revision = "C",
                   .time_zone = "Europe/Berlin",
                   .memory_kib = 1024,
                   .assurance_level = std::string(kAssuranceHardware),
                   .extra = {{"colour", "grey"}}};
  request.root_seal = RootSealOpening{};
  request.root_seal->salt[0] = 7;
  request.root_seal->seal[31] = 9;
  request.status_list = "http://maker/status/1";
  request.status_index = 42;
  const nlohmann::json credential = HardwareCredential(request);
  const std::string jwt = Issue(credential);
  EXPECT_LT(jwt.size(), 2000u);
  auto v = VerifyCredential(jwt, resolver_, {.now = kNow, .ignore_status = true});
  ASSERT_TRUE(v.has_value());
  EXPECT_TRUE(v->valid()) << v->Reason();
  EXPECT_EQ(v->credential.status.at(0).index, 42u);
  auto claims = ReadHardware(*base::ParseJson(v->credential.json));
  ASSERT_TRUE(claims.has_value()) << claims.error().Text();
  EXPECT_EQ(claims->device, device_);
  EXPECT_EQ(claims->facts.serial, "S-1");
  EXPECT_EQ(claims->facts.memory_kib, 1024u);
  EXPECT_EQ(claims->facts.extra, request.facts.extra);
  EXPECT_EQ(claims->root_seal->salt, request.root_seal->salt);
  EXPECT_EQ(claims->root_seal->seal, request.root_seal->seal);
}

TEST_F(TypesTest, OwnershipAndFleet) {
  const nlohmann::json ownership = OwnershipCredential({maker_, device_, owner_, kNow, ""});
  EXPECT_NE(ownership.at("id"), OwnershipCredential({maker_, device_, owner_, kNow, ""}).at("id"));
  auto claims = ReadOwnership(ownership);
  ASSERT_TRUE(claims.has_value());
  EXPECT_EQ(claims->giver, maker_);
  EXPECT_EQ(claims->device, device_);
  EXPECT_EQ(claims->owner, owner_);
  EXPECT_FALSE(ownership.contains("credentialStatus"));
  EXPECT_FALSE(ownership.contains("validUntil"));
  EXPECT_TRUE(VerifyCredential(Issue(ownership), resolver_, {.now = kNow})->valid());

  const nlohmann::json fleet = FleetCredential({.owner = owner_,
                                                .subject = "did:peer:2.x",
                                                .fleet = "plant-7",
                                                .name = "gw-1",
                                                .valid_from = kNow,
                                                .valid_until = kNow + 10});
  auto fleet_claims = ReadFleet(fleet);
  ASSERT_TRUE(fleet_claims.has_value());
  EXPECT_EQ(fleet_claims->fleet, "plant-7");
  EXPECT_EQ(fleet_claims->subject, "did:peer:2.x");
  EXPECT_EQ(fleet_claims->profile, "");
}

TEST_F(TypesTest, ReadersRefuse) {
  const nlohmann::json ownership = OwnershipCredential({maker_, device_, owner_, kNow, ""});
  EXPECT_FALSE(ReadHardware(ownership).has_value());
  EXPECT_FALSE(ReadFleet(ownership).has_value());
  nlohmann::json bad = ownership;
  bad["credentialSubject"].erase("owner");
  EXPECT_FALSE(ReadOwnership(bad).has_value());
  bad = ownership;
  bad["credentialSubject"]["owner"] = 7;
  EXPECT_FALSE(ReadOwnership(bad).has_value());
  bad = HardwareCredential({.issuer = maker_, .device = device_, .root_seal = RootSealOpening{}});
  bad["credentialSubject"]["rootSeal"]["seal"] = "AAAA";
  EXPECT_FALSE(ReadHardware(bad).has_value());
  EXPECT_FALSE(ReadHardware(nlohmann::json::array()).has_value());
}

}  // namespace
}  // namespace keel::vc
