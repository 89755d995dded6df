// SPDX-License-Identifier: Apache-2.0
// Bitstring Status List 1.0, sections 2.2, 3.2 and 3.5: what a list says, and each of the specification's errors.
#include <functional>

#include "tests/unit/vc/parties.h"
#include "vc/status_list/entry.h"
#include "vc/status_list/status_list.h"

namespace keel::vc {
namespace {

using nlohmann::json;

constexpr const char* kUrl = "http://maker.example/status/1";

class ListTest : public PartiesTest {
 protected:
  void SetUp() override {
    PartiesTest::SetUp();
    entry_ = {"", "BitstringStatusListEntry", "revocation", 7, kUrl, 1};
    Publish();
  }
  void Publish(const std::function<void(json&)>& change = {}) {
    StatusListRequest request{maker_, kUrl, {"revocation", "suspension"}, 1, kNow - 100, kNow + 86'400};
    json credential = *StatusListCredential(request, list_);
    if (change) change(credential);
    served_ = Issue(credential);
  }
  Result<StatusChecker::Status> Check(ListStatusChecker::Options options = {}) {
    options.fetch = [this](const std::string&) -> Result<std::string> { return served_; };
    ListStatusChecker checker(resolver_, std::move(options));
    return checker.Check(entry_, maker_, kNow);
  }
  void ExpectProblem(std::string_view name) {
    const auto status = Check();
    ASSERT_TRUE(status.has_value()) << status.error().Text();
    EXPECT_EQ(status->problem, name) << status->detail;
    EXPECT_FALSE(status->set);
    // And so the credential is not valid.
    json credential = Plain();
    credential["credentialStatus"] = {{"type", "BitstringStatusListEntry"},
                                      {"statusPurpose", entry_.purpose},
                                      {"statusListIndex", std::to_string(entry_.index)},
                                      {"statusListCredential", kUrl}};
    ListStatusChecker checker(resolver_,
                              {.fetch = [this](const std::string&) -> Result<std::string> { return served_; }});
    const auto v = VerifyCredential(Issue(credential), resolver_, {.now = kNow, .status = &checker});
    ASSERT_TRUE(v.has_value()) << v.error().Text();
    EXPECT_FALSE(v->valid());
    EXPECT_NE(v->Find(kCheckStatus)->detail.find(name), std::string::npos) << v->Find(kCheckStatus)->detail;
  }
  Bitstring list_ = *Bitstring::Create();
  StatusEntry entry_;
  std::string served_;
};

TEST_F(ListTest, OneListForSeveralPurposes) {
  EXPECT_EQ(Check()->problem, "");
  entry_.purpose = "suspension";
  EXPECT_EQ(Check()->problem, "");
  entry_.purpose = "message";
  ExpectProblem(kStatusVerificationError);
  const json one = *StatusListCredential({maker_, kUrl, {"suspension"}, 1}, list_);
  EXPECT_EQ(one["credentialSubject"]["statusPurpose"], "suspension");
}

TEST_F(ListTest, PurposesAreStrings) {
  entry_.index = 7;
  for (const json& bad : {json(7), json::array(), json::array({1}), json(nullptr), json::object()}) {
    Publish([&](json& credential) { credential["credentialSubject"]["statusPurpose"] = bad; });
    ExpectProblem(kStatusMalformedValueError);
  }
}

TEST_F(ListTest, ListOfTheWrongKind) {
  Publish([](json& credential) { credential["type"] = {"VerifiableCredential", "https://example.org/Other"}; });
  ExpectProblem(kStatusMalformedValueError);
  Publish([](json& credential) { credential["credentialSubject"]["type"] = "https://example.org/Other"; });
  ExpectProblem(kStatusMalformedValueError);
  Publish([](json& credential) { credential["credentialSubject"]["encodedList"] = "H4sIAAAAAAAAA"; });
  ExpectProblem(kStatusMalformedValueError);
  Publish([](json& credential) { credential["credentialSubject"].erase("encodedList"); });
  ExpectProblem(kStatusMalformedValueError);
  Publish([](json& credential) { credential["credentialSubject"]["ttl"] = -1; });
  ExpectProblem(kStatusMalformedValueError);
}

// gzip of 16,383 zero octets: one short of 16 KB. Python's gzip.compress(bytes(16383), mtime=0), base64url.
constexpr const char* kShort = "uH4sIAAAAAAACA-3BMQEAAADCoPVPbQwfoAAAAAAAAAAAAAAAAAAAAICzAQmvhYr_PwAA";

TEST_F(ListTest, TooShortForAHerd) {
  Publish([](json& credential) { credential["credentialSubject"]["encodedList"] = kShort; });
  ExpectProblem(kStatusListLengthError);
  // 131,072 bits are 65,536 entries of two.
  Publish();
  entry_.size = 2;
  const auto status = Check();
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->problem, kStatusListLengthError);
  entry_.size = 1;
  EXPECT_EQ(Check({.min_entries = kMinStatusBits + 1})->problem, kStatusListLengthError);
}

TEST_F(ListTest, IndexOutsideTheList) {
  entry_.index = kMinStatusBits - 1;
  EXPECT_EQ(Check()->problem, "");
  entry_.index = kMinStatusBits;
  ExpectProblem(kStatusRangeError);
  entry_.index = UINT64_MAX;
  EXPECT_EQ(Check()->problem, kStatusRangeError);
}

TEST_F(ListTest, MessagesOfSeveralBits) {
  list_ = *Bitstring::Create(2 * kMinStatusBits);
  ASSERT_TRUE(list_.SetValue(7, 2, 2));
  Publish([](json& credential) { credential["credentialSubject"]["statusPurpose"] = "message"; });
  json credential = Plain();
  credential["credentialStatus"] = {{"type", "BitstringStatusListEntry"},
                                    {"statusPurpose", "message"},
                                    {"statusListIndex", "7"},
                                    {"statusSize", 2},
                                    {"statusMessage",
                                     {{{"status", "0x0"}, {"message", "pending"}},
                                      {{"status", "0x1"}, {"message", "accepted"}},
                                      {{"status", "0x2"}, {"message", "rejected"}},
                                      {{"status", "0x3"}, {"message", "undefined"}}}},
                                    {"statusListCredential", kUrl}};
  ListStatusChecker checker(resolver_,
                            {.fetch = [this](const std::string&) -> Result<std::string> { return served_; }});
  entry_ = *ReadStatusEntry(credential["credentialStatus"]);
  const auto status = checker.Check(entry_, maker_, kNow);
  ASSERT_TRUE(status.has_value()) << status.error().Text();
  EXPECT_EQ(status->value, 2u);
  EXPECT_EQ(status->message, "rejected");
  const auto v = VerifyCredential(Issue(credential), resolver_, {.now = kNow, .status = &checker});
  ASSERT_TRUE(v.has_value()) << v.error().Text();
  EXPECT_TRUE(v->valid()) << v->Reason();  // a message informs
  EXPECT_EQ(v->statuses, std::vector<std::string>{"message"});
  EXPECT_NE(v->Find(kCheckStatus)->detail.find("'rejected'"), std::string::npos) << v->Find(kCheckStatus)->detail;
}

TEST_F(ListTest, PurposesThatInvalidate) {
  ASSERT_TRUE(list_.Set(7, true));
  Publish([](json& credential) {
    credential["credentialSubject"]["statusPurpose"] = {"revocation", "suspension", "refresh", "recall"};
  });
  ListStatusChecker checker(resolver_,
                            {.fetch = [this](const std::string&) -> Result<std::string> { return served_; }});
  for (const auto& [purpose, valid] : std::map<std::string, bool>{
           {"revocation", false}, {"suspension", false}, {"refresh", true}, {"recall", false}}) {
    json credential = Plain();
    credential["credentialStatus"] = {{"type", "BitstringStatusListEntry"},
                                      {"statusPurpose", purpose},
                                      {"statusListIndex", "7"},
                                      {"statusListCredential", kUrl}};
    const auto v = VerifyCredential(Issue(credential), resolver_, {.now = kNow, .status = &checker});
    ASSERT_TRUE(v.has_value()) << v.error().Text();
    EXPECT_EQ(v->valid(), valid) << purpose;
    EXPECT_EQ(v->statuses, std::vector<std::string>{purpose});
  }
}

TEST_F(ListTest, OthersMayKeepAListOnlyWhenTheVerifierSaysSo) {
  Publish([this](json& credential) { credential["issuer"] = owner_; });
  EXPECT_EQ(Check().error().code, Code::kUntrusted);
  EXPECT_TRUE(Check({.list_issuers = {owner_}}).has_value());
}

TEST_F(ListTest, AListWithoutIdOnlyOverTls) {
  Publish([](json& credential) { credential.erase("id"); });
  EXPECT_EQ(Check().error().code, Code::kUntrusted);
  entry_.list_url = "https://maker.example/status/1";
  EXPECT_TRUE(Check().has_value());
}

TEST_F(ListTest, ErrorsHaveTheSpecificationsNames) {
  ListStatusChecker checker(resolver_, {.fetch = [](const std::string&) -> Result<std::string> {
                              return Fail(Code::kUnreachable, "fetch", "down");
                            }});
  EXPECT_EQ(StatusErrorName(checker.Check(entry_, maker_, kNow).error()), kStatusRetrievalError);
  served_[served_.rfind('.') + 5] ^= 1;
  EXPECT_EQ(StatusErrorName(Check().error()), kStatusVerificationError);
}

TEST_F(ListTest, TheListsCredentialInAnyForm) {
  served_ = "somebody's form";
  ListStatusChecker::Options options;
  options.verify = [this](std::string_view octets, did::DidResolver& resolver, const VerifyOptions& how) {
    EXPECT_EQ(octets, "somebody's form");
    EXPECT_TRUE(how.ignore_status);
    EXPECT_EQ(how.now, kNow);
    Publish();
    return VerifyCredential(served_, resolver, how);
  };
  EXPECT_TRUE(Check(options).has_value());
  options.verify = [](std::string_view, did::DidResolver&, const VerifyOptions&) -> Result<Verification> {
    Verification v;
    v.checks.push_back({"proof", false, "forged"});
    return v;
  };
  EXPECT_EQ(Check(options).error().code, Code::kUntrusted);
}

// Whoever issues lists chooses their size; how much of them is kept is ours to say.
TEST_F(ListTest, WhatIsKeptIsBounded) {
  int fetched = 0;
  const auto again = [&](size_t max_octets) {
    fetched = 0;
    ListStatusChecker checker(resolver_, {.fetch = [&](const std::string& url) -> Result<std::string> {
                                            ++fetched;
                                            StatusListRequest request{maker_, url, {"revocation"}, 1};
                                            return Issue(*StatusListCredential(request, list_));
                                          },
                                          .max_octets = max_octets});
    for (const char* url : {"http://a.example/1", "http://b.example/1", "http://a.example/1", "http://b.example/1"}) {
      entry_.list_url = url;
      const auto status = checker.Check(entry_, maker_, kNow);
      ASSERT_TRUE(status && status->problem.empty());
    }
  };
  again(2 * kMinStatusBits / 8);
  EXPECT_EQ(fetched, 2);
  again(2 * kMinStatusBits / 8 - 1);
  EXPECT_EQ(fetched, 4);
}

TEST_F(ListTest, AgeAndTimesAreTold) {
  const auto status = Check();
  ASSERT_TRUE(status.has_value());
  EXPECT_EQ(status->issued_at, kNow - 100);
  EXPECT_EQ(status->valid_until, kNow + 86'400);
  EXPECT_EQ(status->fetched_at, kNow);
  EXPECT_EQ(status->message, "unset");
}

}  // namespace
}  // namespace keel::vc
