// SPDX-License-Identifier: Apache-2.0
#include "onboarding/suit.h"
#include "tests/unit/issuer/fixture.h"
#include "vc/status_list/status_list.h"
#include "vc/verification.h"

namespace keel::issuer {
namespace {

using ServiceTest = IssuerTest;

TEST_F(ServiceTest, RevocationIsPublishedAndAnchored) {
  ASSERT_TRUE(Station(DemoRows(2)));
  ASSERT_TRUE(issuer_->RefreshStatus());
  ASSERT_TRUE(issuer_->StatusList());
  const auto revoked = issuer_->custody().FindSerial("KG-000001"), good = issuer_->custody().FindSerial("KS-000001");
  ASSERT_TRUE(revoked && good);
  fakes::Role owner(world_, world_ / "owner");
  vc::ListStatusChecker::Options checking;
  checking.max_age_seconds = 0;
  checking.fetch = [&](const std::string& url) -> Result<std::string> {
    EXPECT_EQ(url, "http://127.0.0.1:9/status/1");
    return *issuer_->StatusList();
  };
  checking.anchored_version = [&](const std::string& issuer, const std::string& url) -> Result<uint64_t> {
    KEEL_TRY(const auto version, owner.registry().GetStatusVersion(issuer, url));
    return version.version;
  };
  vc::ListStatusChecker checker(owner.resolver(), checking);
  const auto verify = [&](const custody::DeviceRecord& record) {
    vc::VerifyOptions options;
    options.now = base::NowSeconds();
    options.status = &checker;
    return vc::VerifyCredential(record.hardware.jwt, owner.resolver(), options);
  };
  auto verdict = verify(*revoked);
  ASSERT_TRUE(verdict) << verdict.error().Text();
  EXPECT_TRUE(verdict->valid()) << verdict->Reason();
  const std::shared_ptr<const std::string> before = issuer_->StatusList();
  const auto done = issuer_->Revoke({{"device", "KG-000001"}, {"reason", "test"}});
  ASSERT_TRUE(done) << done.error().Text();
  EXPECT_EQ((*done)["version"], 2);
  verdict = verify(*revoked);
  ASSERT_TRUE(verdict) << verdict.error().Text();
  EXPECT_FALSE(verdict->valid());
  verdict = verify(*good);
  ASSERT_TRUE(verdict);
  EXPECT_TRUE(verdict->valid()) << verdict->Reason();
  const auto anchored = owner.registry().GetStatusVersion(issuer_->did(), "http://127.0.0.1:9/status/1");
  ASSERT_TRUE(anchored) << anchored.error().Text();
  EXPECT_EQ(anchored->version, 2u);
  EXPECT_EQ(anchored->digest, crypto::Sha256::Of(*issuer_->StatusList()));
  EXPECT_NE(*before, *issuer_->StatusList());
  // By DID, again, and of what isn't ours.
  EXPECT_TRUE(issuer_->Revoke({{"device", good->did}}));
  EXPECT_TRUE(issuer_->Revoke({{"device", good->did}}));
  EXPECT_EQ(issuer_->Revoke({{"device", "nobody"}}).error().code, Code::kNotFound);
  // A restart serves what was published, and revocations stay.
  Open();
  ASSERT_TRUE(issuer_->StatusList());
  verdict = verify(*revoked);
  ASSERT_TRUE(verdict);
  EXPECT_FALSE(verdict->valid());
}

TEST_F(ServiceTest, RotationRepublishesTheStatusList) {
  ASSERT_TRUE(Station(DemoRows(1)));
  ASSERT_TRUE(issuer_->RefreshStatus());
  const auto rotated = issuer_->RotateKey({{"reason", "routine"}});
  ASSERT_TRUE(rotated) << rotated.error().Text();
  EXPECT_EQ((*rotated)["kid"], issuer_->did() + "#auth-1");
  EXPECT_FALSE(rotated->contains("status_list")) << *rotated;
  fakes::Role owner(world_, world_ / "owner");
  vc::VerifyOptions options;
  options.now = base::NowSeconds();
  const auto list = vc::VerifyCredential(*issuer_->StatusList(), owner.resolver(), options);
  ASSERT_TRUE(list) << list.error().Text();
  EXPECT_TRUE(list->valid()) << list->Reason();
  // The credential from before: good by its batch, not without it.
  const auto record = issuer_->custody().List()->front();
  options.ignore_status = true;
  EXPECT_FALSE(vc::VerifyCredential(record.hardware.jwt, owner.resolver(), options)->valid());
  const auto member = *vc::BatchMember::FromJson(*base::ParseJson(record.hardware.batch));
  options.batch = &member;
  options.ledger.histories = &owner.registry();
  options.ledger.batch_index = [&](const std::string& issuer, const Bytes32& root) {
    return owner.registry().GetBatchIndex(issuer, root);
  };
  const auto verdict = vc::VerifyCredential(record.hardware.jwt, owner.resolver(), options);
  ASSERT_TRUE(verdict) << verdict.error().Text();
  EXPECT_TRUE(verdict->valid()) << verdict->Reason();
  // The factory goes on with the new key.
  auto rows = DemoRows(3);
  const auto more = Station(rows);
  ASSERT_TRUE(more) << more.error().Text();
  EXPECT_EQ((*more)["made"].size(), 2u) << *more;
  EXPECT_FALSE(issuer_->RotateKey({{"reason", "compromise"}}));
  EXPECT_FALSE(issuer_->RotateKey({{"reason", "whim"}}));
  EXPECT_FALSE(issuer_->RotateKey({{"reason", "routine"}, {"since", 3}}));
}

TEST_F(ServiceTest, ReleasesRise) {
  const std::string digest = base::Base64Url(crypto::Sha256::Of("image"));
  const json args = {
      {"model", "keel-sensor-1"}, {"version", "2.0.1"}, {"sequence", 2}, {"sha256", digest}, {"size", 5}};
  const auto release = issuer_->Release(args);
  ASSERT_TRUE(release) << release.error().Text();
  const auto envelope = *base::FromBase64Url((*release)["manifest"].get<std::string>());
  const auto author = *crypto::PublicKey::FromMultikey((*release)["author"].get<std::string>());
  const auto read = onboarding::VerifySuitEnvelope(envelope, {&author, 1});
  ASSERT_TRUE(read) << read.error().Text();
  EXPECT_EQ(read->version, "2.0.1");
  EXPECT_EQ(*issuer_->Release(args), *release);  // the same again: the same octets
  json other = args;
  other["version"] = "2.0.2";
  EXPECT_EQ(issuer_->Release(other).error().code, Code::kConflict);
  other["sequence"] = 1;
  EXPECT_EQ(issuer_->Release(other).error().code, Code::kRollback);
  other.erase("sequence");
  EXPECT_EQ((*issuer_->Release(other))["sequence"], 3);
  other["model"] = "keel-gateway-2";
  EXPECT_EQ(issuer_->Release(other).error().code, Code::kUsage) << "what its devices are made with is not known here";
  other["sequence"] = 2;
  EXPECT_EQ((*issuer_->Release(other))["sequence"], 2);
  other["size"] = 0;
  EXPECT_FALSE(issuer_->Release(other));
  other = args;
  other["version"] = std::string(48, '1');
  EXPECT_EQ(issuer_->Release(other).error().code, Code::kTooLarge);
}

TEST_F(ServiceTest, SaysHowItIs) {
  json doctor = *issuer_->Doctor();
  EXPECT_FALSE(doctor["ok"].get<bool>());  // no status list yet
  ASSERT_TRUE(issuer_->RefreshStatus());
  doctor = *issuer_->Doctor();
  EXPECT_TRUE(doctor["ok"].get<bool>()) << doctor;
  const json status = *issuer_->Status();
  EXPECT_TRUE(status["ready"].get<bool>()) << status;
  EXPECT_EQ(status["status_list"]["version"], 1);
  ASSERT_TRUE(issuer_->RefreshStatus());  // fresh: nothing new is published
  EXPECT_EQ((*issuer_->Status())["status_list"]["version"], 1);
}

}  // namespace
}  // namespace keel::issuer
