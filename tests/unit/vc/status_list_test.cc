// SPDX-License-Identifier: Apache-2.0
#include "vc/status_list/status_list.h"

#include "tests/unit/vc/parties.h"

namespace keel::vc {
namespace {

constexpr const char* kUrl = "http://maker.example/status/1";

class StatusListTest : public PartiesTest {
 protected:
  void SetUp() override {
    PartiesTest::SetUp();
    entry_ = {"", "BitstringStatusListEntry", "revocation", 7, kUrl, 1};
    Publish(1);
  }
  void Publish(uint64_t version, std::optional<std::string> issuer = std::nullopt, std::string url = kUrl,
               std::string purpose = "revocation", uint64_t ttl_ms = 300'000, UnixSeconds until = kNow + 86'400) {
    StatusListRequest request{
        issuer.value_or(maker_), std::move(url), {std::move(purpose)}, version, kNow - 100, until, ttl_ms};
    served_ = Issue(*StatusListCredential(request, list_));
  }
  ListStatusChecker::Options Options() {
    return {.fetch = [this](const std::string&) -> Result<std::string> {
              ++fetched_;
              if (down_) return Fail(Code::kUnreachable, "fetch", "down");
              return served_;
            },
            .anchored_version = nullptr};
  }
  Bitstring list_ = *Bitstring::Create();
  StatusEntry entry_;
  std::string served_;
  int fetched_ = 0;
  bool down_ = false;
};

TEST_F(StatusListTest, SetAndNotSet) {
  ListStatusChecker checker(resolver_, Options());
  auto status = checker.Check(entry_, maker_, kNow);
  ASSERT_TRUE(status.has_value()) << status.error().Text();
  EXPECT_FALSE(status->set);
  EXPECT_TRUE(status->fresh);
  EXPECT_TRUE(checker.Check(entry_, maker_, kNow + 100).has_value());
  EXPECT_EQ(fetched_, 1);  // one list serves many
  list_.Set(7, true);
  Publish(2);
  EXPECT_FALSE(checker.Check(entry_, maker_, kNow + 299)->set);
  status = checker.Check(entry_, maker_, kNow + 300);
  EXPECT_TRUE(status->set);
  EXPECT_EQ(status->version, 2u);
}

TEST_F(StatusListTest, RevokedCredentialIsInvalid) {
  nlohmann::json credential = Plain();
  credential["credentialStatus"] = {{"type", "BitstringStatusListEntry"},
                                    {"statusPurpose", "revocation"},
                                    {"statusListIndex", "7"},
                                    {"statusListCredential", kUrl}};
  const std::string jwt = Issue(credential);
  ListStatusChecker checker(resolver_, Options());
  auto v = VerifyCredential(jwt, resolver_, {.now = kNow, .status = &checker});
  ASSERT_TRUE(v.has_value()) << v.error().Text();
  EXPECT_TRUE(v->valid()) << v->Reason();
  list_.Set(7, true);
  Publish(2);
  v = VerifyCredential(jwt, resolver_, {.now = kNow + 400, .status = &checker});
  EXPECT_FALSE(v->Find(kCheckStatus)->ok);
  EXPECT_EQ(v->statuses, std::vector<std::string>{"revocation"});
}

TEST_F(StatusListTest, NobodyWhoIsNotTrustedMakesUsFetch) {
  nlohmann::json credential = Plain();
  credential["credentialStatus"] = {{"type", "BitstringStatusListEntry"},
                                    {"statusPurpose", "revocation"},
                                    {"statusListIndex", "7"},
                                    {"statusListCredential", kUrl}};
  ListStatusChecker checker(resolver_, Options());
  VerifyOptions options{.now = kNow, .status = &checker};
  options.trusted_issuers = {"did:key:z6MkSomebodyElse"};
  const auto refused = VerifyCredential(Issue(credential), resolver_, options);
  ASSERT_TRUE(refused.has_value()) << refused.error().Text();
  EXPECT_FALSE(refused->Find(kCheckTrust)->ok);
  EXPECT_EQ(refused->Find(kCheckStatus), nullptr);
  std::string forged = Issue(credential);
  char& letter = forged[forged.rfind('.') + 5];
  letter = letter == 'A' ? 'B' : 'A';
  EXPECT_FALSE(VerifyCredential(forged, resolver_, {.now = kNow, .status = &checker})->valid());
  EXPECT_EQ(fetched_, 0);
  options.trusted_issuers = {maker_};
  EXPECT_TRUE(VerifyCredential(Issue(credential), resolver_, options)->valid());
  EXPECT_EQ(fetched_, 1);
}

TEST_F(StatusListTest, AnOlderVersionIsRefused) {
  ListStatusChecker checker(resolver_, Options());
  Publish(5);
  ASSERT_TRUE(checker.Check(entry_, maker_, kNow).has_value());
  Publish(4);
  EXPECT_EQ(checker.Check(entry_, maker_, kNow + 400).error().code, Code::kStale);
}

TEST_F(StatusListTest, TheAnchoredVersionCounts) {
  auto options = Options();
  uint64_t anchored = 3;
  options.anchored_version = [&anchored](const std::string&, const std::string&) -> Result<uint64_t> {
    return anchored;
  };
  ListStatusChecker checker(resolver_, options);
  Publish(2);
  EXPECT_EQ(checker.Check(entry_, maker_, kNow).error().code, Code::kStale);
  Publish(3);
  EXPECT_TRUE(checker.Check(entry_, maker_, kNow).has_value());
}

TEST_F(StatusListTest, UnreachableFailsClosed) {
  ListStatusChecker checker(resolver_, Options());
  down_ = true;
  EXPECT_EQ(checker.Check(entry_, maker_, kNow).error().code, Code::kUnreachable);
  down_ = false;
  ASSERT_TRUE(checker.Check(entry_, maker_, kNow).has_value());
  down_ = true;
  EXPECT_TRUE(checker.Check(entry_, maker_, kNow + 200)->fresh);
  auto old = checker.Check(entry_, maker_, kNow + 400);
  ASSERT_TRUE(old.has_value());
  EXPECT_FALSE(old->fresh);
  nlohmann::json credential = Plain();
  credential["credentialStatus"] = {{"type", "BitstringStatusListEntry"},
                                    {"statusPurpose", "revocation"},
                                    {"statusListIndex", "7"},
                                    {"statusListCredential", kUrl}};
  auto v = VerifyCredential(Issue(credential), resolver_, {.now = kNow + 400, .status = &checker});
  EXPECT_FALSE(v->valid());
  // A grace period only by policy.
  auto options = Options();
  options.grace_seconds = 3600;
  ListStatusChecker lenient(resolver_, options);
  down_ = false;
  ASSERT_TRUE(lenient.Check(entry_, maker_, kNow).has_value());
  down_ = true;
  EXPECT_TRUE(lenient.Check(entry_, maker_, kNow + 400)->fresh);
  EXPECT_FALSE(lenient.Check(entry_, maker_, kNow + 4000)->fresh);
}

TEST_F(StatusListTest, TtlAndEndAreKept) {
  Publish(1, {}, kUrl, "revocation", 10'000);
  ListStatusChecker checker(resolver_, Options());
  ASSERT_TRUE(checker.Check(entry_, maker_, kNow).has_value());
  ASSERT_TRUE(checker.Check(entry_, maker_, kNow + 10).has_value());
  EXPECT_EQ(fetched_, 2);
  Publish(2, {}, kUrl, "revocation", 300'000, kNow + 50);
  ListStatusChecker other(resolver_, Options());
  ASSERT_TRUE(other.Check(entry_, maker_, kNow).has_value());
  EXPECT_EQ(other.Check(entry_, maker_, kNow + 200).error().code, Code::kUntrusted);  // the served list has expired
}

TEST_F(StatusListTest, ForgedListsAreRefused) {
  ListStatusChecker checker(resolver_, Options());
  Publish(1, owner_);
  EXPECT_EQ(checker.Check(entry_, maker_, kNow).error().code, Code::kUntrusted);
  Publish(1, {}, "http://maker.example/status/2");
  EXPECT_EQ(checker.Check(entry_, maker_, kNow).error().code, Code::kUntrusted);
  served_ = "garbage";
  EXPECT_EQ(checker.Check(entry_, maker_, kNow).error().code, Code::kUntrusted);
  served_ = Issue(Plain());
  EXPECT_EQ(checker.Check(entry_, maker_, kNow).error().code, Code::kUntrusted);  // another id
}

}  // namespace
}  // namespace keel::vc
