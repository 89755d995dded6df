// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include "base/suit.h"
#include "tests/unit/issuer/fixture.h"
#include "vc/verification.h"

namespace keel::issuer {
namespace {

using testing::HasSubstr;

using FactoryTest = IssuerTest;

TEST_F(FactoryTest, MakesDevicesOnce) {
  const auto rows = DemoRows(7);
  auto result = Station(rows, 3);
  ASSERT_TRUE(result) << result.error().Text();
  EXPECT_EQ((*result)["made"].size(), 7u) << *result;
  ExpectAllMadeOnce(7);
  // Custody's records satisfy a receiver's checks: registry, batch, papers.
  result = Station(rows);
  ASSERT_TRUE(result);
  EXPECT_EQ((*result)["made"].size(), 0u);
  EXPECT_EQ((*result)["skipped"].size(), 7u);
  fakes::Role shop(world_, world_ / "shop");
  const std::string request = shop.Request(7);
  const auto sold =
      issuer_->Ownership({{"verb", "transfer"}, {"request", request}, {"out", world_ / "p"}, {"all", true}});
  ASSERT_TRUE(sold) << sold.error().Text();
  const json taken = shop.Do({{"verb", "import"}, {"file", world_ / "p"}});
  EXPECT_EQ(taken["imported"].size(), 7u) << taken;
}

TEST_F(FactoryTest, CutOffAtEveryVerbAndRepeated) {
  const auto rows = DemoRows(2);
  for (const char* verb : {"manufacture.begin", "manufacture.anchor", "manufacture.verified", "manufacture.finish"}) {
    fail_at_ = verb;
    EXPECT_FALSE(Station(rows)) << verb;
    fail_at_.clear();
    fail_after_ = verb;
    EXPECT_FALSE(Station(rows)) << verb;
    fail_after_.clear();
    Open();  // and the issuer was restarted
  }
  const auto result = Station(rows);
  ASSERT_TRUE(result) << result.error().Text();
  EXPECT_EQ((*result)["failed"].size(), 0u) << *result;
  ExpectAllMadeOnce(2);
}

TEST_F(FactoryTest, DeviceDiesAtEveryStepAndIsRepeated) {
  const auto rows = DemoRows(3);
  const std::string serial = rows[1].facts.serial;
  for (const char* how : {"die", "die-after"}) {
    for (const char* op : {"begin", "prove", "stamp", "read", "finalize"}) {
      Script(serial, std::string(how) + " " + op);
      const auto result = Station(rows);
      ASSERT_TRUE(result) << result.error().Text();
      if ((*result)["failed"].empty()) continue;  // it was finished in an earlier round
      EXPECT_EQ((*result)["failed"].size(), 1u) << how << " " << op << *result;
      EXPECT_EQ((*result)["failed"][0]["serial"], serial);
    }
  }
  const auto result = Station(rows);
  ASSERT_TRUE(result) << result.error().Text();
  EXPECT_EQ((*result)["failed"].size(), 0u) << *result;
  ExpectAllMadeOnce(3);
}

TEST_F(FactoryTest, LiarsAndThievesAreScrapped) {
  const auto rows = DemoRows(6);
  const char* how[] = {"thief", "wrong-seal", "lie config", "lie credential", "lie root_seal", "lie descriptor"};
  for (size_t i = 0; i < 6; ++i) Script(rows[i].facts.serial, how[i]);
  const auto result = Station(rows);
  ASSERT_TRUE(result) << result.error().Text();
  EXPECT_EQ((*result)["failed"].size(), 6u) << *result;
  EXPECT_EQ((*result)["made"].size(), 0u);
  EXPECT_EQ(issuer_->custody().List()->size(), 0u);
}

TEST_F(FactoryTest, AnotherDeviceInTheFolderIsNamed) {
  const auto rows = DemoRows(1);
  fail_after_ = "manufacture.anchor";
  EXPECT_FALSE(Station(rows));
  fail_after_.clear();
  std::filesystem::remove_all(world_ / ("devices/" + rows[0].facts.serial));
  const auto result = Station(rows);
  ASSERT_TRUE(result);
  ASSERT_EQ((*result)["failed"].size(), 1u);
  EXPECT_EQ((*result)["failed"][0]["code"], "conflict");
}

TEST_F(FactoryTest, ASerialIsUsedOnce) {
  auto rows = DemoRows(1);
  ASSERT_TRUE(Station(rows));
  rows[0].facts.microcontroller = "another";
  const auto result = Station(rows);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kConflict);
}

TEST_F(FactoryTest, FactsStandInTheCredential) {
  auto rows = DemoRows(1);
  rows[0].facts.extra = {{"Colour", "red"}};
  rows[0].manufacture_date = "2026-11-20";
  ASSERT_TRUE(Station(rows));
  const auto record = issuer_->custody().List()->front();
  vc::VerifyOptions options;
  options.now = base::NowSeconds();
  options.ignore_status = true;
  fakes::Role shop(world_, world_ / "shop");
  const auto verdict = vc::VerifyCredential(record.hardware.jwt, shop.resolver(), options);
  ASSERT_TRUE(verdict) << verdict.error().Text();
  EXPECT_TRUE(verdict->valid()) << verdict->Reason();
  const json subject = *verdict->credential.Subject();
  EXPECT_EQ(subject["serial"], rows[0].facts.serial);
  EXPECT_EQ(subject["manufactureDate"], "2026-11-20");
  EXPECT_EQ(subject["assuranceLevel"], "unprotected-software-key");
  EXPECT_THAT(subject.dump(), HasSubstr("red"));
  EXPECT_EQ(subject["classId"],
            base::Base64Url(base::SuitClassId(base::SuitVendorId("maker.example"), rows[0].facts.model)));
  EXPECT_EQ(verdict->credential.status.size(), 1u);
}

TEST_F(FactoryTest, MissingDeviceProgramIsAnError) {
  StationOptions options;
  options.devices_dir = world_ / "devices";
  options.command = {"/no/such/program"};
  const auto result = RunStation(
      DemoRows(1), options, [&](std::string_view verb, const json& args) { return Verb(verb, args); },
      crypto::SystemRandom());
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error().Text(), HasSubstr("--device-command"));
}

}  // namespace
}  // namespace keel::issuer
