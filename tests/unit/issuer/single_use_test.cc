// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "base/json_strict.h"
#include "tests/unit/issuer/fixture.h"
#include "vc/sd_jwt/hardware.h"
#include "vc/sd_jwt/verify.h"
#include "vc/status_list/status_list.h"

namespace keel::issuer {
namespace {

class SingleUse : public IssuerTest {
 protected:
  void SetUp() override {
    ASSERT_TRUE(Station(DemoRows(2)));
    ASSERT_TRUE(issuer_->RefreshStatus());
  }
  json Args(const std::string& device, size_t count) {
    json keys = json::array();
    for (size_t i = 0; i < count; ++i) {
      held_.push_back(*store_->Generate(crypto::KeyType::kEd25519));
      keys.push_back(base::Multikey(*store_->Public(held_.back())));
    }
    return {{"device", device}, {"keys", std::move(keys)}};
  }
  std::vector<std::string> Issue(const std::string& device, size_t count) {
    const auto issued = issuer_->SingleUse(Args(device, count));
    EXPECT_TRUE(issued) << issued.error().Text();
    return issued ? (*issued)["credentials"].get<std::vector<std::string>>() : std::vector<std::string>();
  }
  vc::Verification Verify(const std::string& token) {
    vc::ListStatusChecker::Options checking;
    checking.max_age_seconds = 0;
    checking.fetch = [&](const std::string&) -> Result<std::string> { return *issuer_->StatusList(); };
    checking.anchored_version = [&](const std::string& issuer, const std::string& url) -> Result<uint64_t> {
      KEEL_TRY(const auto version, owner_.registry().GetStatusVersion(issuer, url));
      return version.version;
    };
    vc::ListStatusChecker checker(owner_.resolver(), checking);
    vc::VerifyOptions options;
    options.now = base::NowSeconds();
    options.status = &checker;
    auto v = vc::VerifySdJwt(token, owner_.resolver(), options);
    EXPECT_TRUE(v) << v.error().Text();
    return v.value_or(vc::Verification());
  }
  static std::string IndexOf(const std::string& token) {
    json payload;
    EXPECT_TRUE(vc::InspectSdJwt(*vc::SdJwt::Parse(token), payload));
    return payload["status"]["bitstring_status_list"]["statusListIndex"];
  }

  fakes::Role owner_{world_, world_ / "owner"};
  std::unique_ptr<crypto::SoftwareKeyStore> store_ = crypto::SoftwareKeyStore::CreateInMemory();
  std::vector<crypto::KeyHandle> held_;
};

TEST_F(SingleUse, EachIsGoodTillTheDeviceIsRevoked) {
  const std::vector<std::string> tokens = Issue("KG-000001", 3);
  ASSERT_EQ(tokens.size(), 3u);
  const std::string other = Issue("KS-000001", 1).at(0);
  std::set<std::string> indexes = {IndexOf(other)};
  for (const std::string& token : tokens) {
    const auto v = Verify(token);
    EXPECT_TRUE(v.valid()) << v.Reason();
    EXPECT_NE(v.Find(vc::kCheckStatus), nullptr);
    EXPECT_TRUE(indexes.insert(IndexOf(token)).second);
    const json seen = *base::ParseJson(v.credential.json);
    for (const char* name : {"sub", "serial", "jti", "rootSeal"}) EXPECT_FALSE(seen.contains(name)) << name;
    EXPECT_FALSE(seen["model"].get<std::string>().empty());
  }
  // After a restart too, revoking the device revokes what it has for single use, and nothing else.
  Open();
  ASSERT_TRUE(issuer_->Revoke({{"device", "KG-000001"}}));
  for (const std::string& token : tokens) {
    const auto v = Verify(token);
    ASSERT_NE(v.Find(vc::kCheckStatus), nullptr) << v.Reason();
    EXPECT_FALSE(v.Find(vc::kCheckStatus)->ok);
  }
  EXPECT_TRUE(Verify(other).valid());
  EXPECT_EQ(issuer_->SingleUse(Args("KG-000001", 1)).error().code, Code::kRevoked);
}

// A definition that is set is kept by these too: what it doesn't allow isn't issued.
TEST_F(SingleUse, KeepsToTheDefinition) {
  json rules = {{"types", {"HardwareCredential"}},
                {"schema", "https://keel-protocol.org/schemas/v1/HardwareCredential.json"},
                {"formats", {"vc+jwt"}},
                {"algorithms", {"EdDSA"}},
                {"statusList", "http://127.0.0.1:9/status/"}};
  ASSERT_TRUE(issuer_->PublishDefinition({{"id", "jwt-only"}, {"definition", rules}}));
  rules["formats"].push_back("dc+sd-jwt");
  rules["validity"] = {{"from", "required"}, {"until", "required"}, {"maxSeconds", 86'400 * 30}};
  ASSERT_TRUE(issuer_->PublishDefinition({{"id", "both"}, {"definition", rules}}));
  options_.definition = "jwt-only";
  Open();
  auto refused = issuer_->SingleUse(Args("KG-000001", 1));
  EXPECT_EQ(refused.error().code, Code::kRefused);
  EXPECT_NE(refused.error().Text().find("dc+sd-jwt"), std::string::npos) << refused.error().Text();
  options_.definition = "both";
  Open();
  refused = issuer_->SingleUse(Args("KG-000001", 1));  // 365 days
  EXPECT_EQ(refused.error().code, Code::kRefused);
  EXPECT_NE(refused.error().Text().find("2592000"), std::string::npos) << refused.error().Text();
  json month = Args("KG-000001", 1);
  month["days"] = 29;
  const auto issued = issuer_->SingleUse(month);
  EXPECT_TRUE(issued) << issued.error().Text();
}

TEST_F(SingleUse, RefusesWhatItCantVouchFor) {
  EXPECT_EQ(issuer_->SingleUse(Args("nobody", 1)).error().code, Code::kNotFound);
  EXPECT_EQ(issuer_->SingleUse(Args("KG-000001", 0)).error().code, Code::kInvalidArgument);
  json twice = Args("KG-000001", 1);
  twice["keys"].push_back(twice["keys"][0]);
  EXPECT_EQ(issuer_->SingleUse(twice).error().code, Code::kInvalidArgument);
  json bad = Args("KG-000001", 1);
  bad["keys"] = {"z6MkNoKey"};
  EXPECT_FALSE(issuer_->SingleUse(bad));
  json days = Args("KG-000001", 1);
  days["days"] = 0;
  EXPECT_EQ(issuer_->SingleUse(days).error().code, Code::kUsage);
  json more = Args("KG-000001", 1);
  more["also"] = 1;
  EXPECT_FALSE(issuer_->SingleUse(more));
}

}  // namespace
}  // namespace keel::issuer
