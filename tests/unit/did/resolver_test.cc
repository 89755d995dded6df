// SPDX-License-Identifier: Apache-2.0
#include "did/resolver.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "crypto/signature.h"
#include "did/methods/key.h"
#include "did/methods/peer.h"

namespace keel::did {
namespace {

constexpr const char* kKeyDid = "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp";

class HandClock final : public Clock {
 public:
  uint64_t TicksMs() override { return ticks; }
  Result<UnixSeconds> Now() override { return ticks / 1000; }
  uint64_t ticks = 0;
};

class CountingResolver final : public DidResolver {
 public:
  using DidResolver::Resolve;
  Result<ResolutionResult> Resolve(const std::string& did, const ResolutionOptions& options) override {
    ++asked;
    if (fail) return Fail(*fail, "test");
    auto result = keys.Resolve(did, options);
    if (result) result->max_age = max_age;
    return result;
  }
  std::optional<uint64_t> max_age;
  KeyMethod keys;
  int asked = 0;
  std::optional<Code> fail;
};

class Resolvers : public testing::Test {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }
};

TEST_F(Resolvers, Dispatches) {
  MethodResolver resolver;
  resolver.Add("key", std::make_unique<KeyMethod>()).Add("peer", std::make_unique<PeerMethod>());
  EXPECT_TRUE(resolver.Resolve(kKeyDid).has_value());
  EXPECT_EQ(resolver.Resolve("did:web:example.com").error().code, Code::kMethodNotSupported);
  EXPECT_EQ(resolver.Resolve("did:key").error().code, Code::kInvalidDid);
  EXPECT_EQ(resolver.Resolve(std::string(kKeyDid) + "#x").error().code, Code::kInvalidDid);
}

TEST_F(Resolvers, CacheKeepsSuccessesForItsTime) {
  HandClock clock;
  CountingResolver source;
  CachingResolver cache(source, clock, {.ttl_seconds = 60, .max_entries = 2});
  ASSERT_TRUE(cache.Resolve(kKeyDid).has_value());
  ASSERT_TRUE(cache.Resolve(kKeyDid).has_value());
  EXPECT_EQ(source.asked, 1);
  clock.ticks = 59'999;
  cache.Resolve(kKeyDid);
  EXPECT_EQ(source.asked, 1);
  clock.ticks = 60'000;
  cache.Resolve(kKeyDid);
  EXPECT_EQ(source.asked, 2);
  cache.Resolve(kKeyDid, {.no_cache = true});
  EXPECT_EQ(source.asked, 3);
  cache.Forget(kKeyDid);
  cache.Resolve(kKeyDid);
  EXPECT_EQ(source.asked, 4);
  EXPECT_EQ(cache.stats().entries, 1u);
}

TEST_F(Resolvers, CacheKeepsNoFailures) {
  HandClock clock;
  CountingResolver source;
  CachingResolver cache(source, clock);
  source.fail = Code::kNotFound;
  EXPECT_EQ(cache.Resolve(kKeyDid).error().code, Code::kNotFound);
  source.fail = Code::kUnreachable;
  EXPECT_EQ(cache.Resolve(kKeyDid).error().code, Code::kUnreachable);
  EXPECT_EQ(source.asked, 2);
  source.fail.reset();
  EXPECT_TRUE(cache.Resolve(kKeyDid).has_value());
}

TEST_F(Resolvers, CacheKeepsNoVersionsAndNothingLongerThanTheSourceAllows) {
  HandClock clock;
  CountingResolver source;
  CachingResolver cache(source, clock);
  EXPECT_EQ(cache.Resolve(kKeyDid, {.version_id = "1"}).error().code, Code::kUnsupported);
  ASSERT_TRUE(cache.Resolve(kKeyDid).has_value());
  EXPECT_EQ(cache.Resolve(kKeyDid, {.version_time = 5}).error().code, Code::kUnsupported);
  EXPECT_EQ(source.asked, 3);
  cache.Forget(kKeyDid);
  source.max_age = 10;
  cache.Resolve(kKeyDid);
  clock.ticks += 9'999;
  cache.Resolve(kKeyDid);
  EXPECT_EQ(source.asked, 4);
  clock.ticks += 1;
  source.max_age = 0;
  cache.Resolve(kKeyDid);
  cache.Resolve(kKeyDid);
  EXPECT_EQ(source.asked, 6);
}

TEST_F(Resolvers, CacheIsBounded) {
  HandClock clock;
  CountingResolver source;
  CachingResolver cache(source, clock, {.ttl_seconds = 60, .max_entries = 2});
  const std::string a = kKeyDid, b = "did:key:z6MkjchhfUsD6mmvni8mCdXHw216Xrm9bQe2mBH1P5RDjVJG",
                    c = "did:key:z6LSeu9HkTHSfLLeUs2nnzUSNedgDUevfNQgQjQC23ZCit6F";
  for (const std::string& did : {a, b, a, c}) ASSERT_TRUE(cache.Resolve(did).has_value()) << did;
  EXPECT_EQ(cache.stats().entries, 2u);
  EXPECT_EQ(source.asked, 3);
  cache.Resolve(a);  // used more recently than b
  EXPECT_EQ(source.asked, 3);
  cache.Resolve(b);
  EXPECT_EQ(source.asked, 4);
}

TEST_F(Resolvers, StaticDocumentsAndFallback) {
  CountingResolver source;
  StaticResolver resolver(&source);
  ASSERT_EQ(*resolver.AddJson(R"([{"id":"did:x:1"},{"id":"https://issuer.example/1"}])"), 2u);
  EXPECT_TRUE(resolver.Resolve("did:x:1").has_value());
  EXPECT_TRUE(resolver.Resolve("https://issuer.example/1").has_value());
  EXPECT_TRUE(resolver.Resolve(kKeyDid).has_value());
  EXPECT_EQ(resolver.AddJson(R"([{"id":"did:x:1"}])").error().code, Code::kDuplicate);
  EXPECT_EQ(StaticResolver().Resolve("did:x:2").error().code, Code::kNotFound);
}

TEST_F(Resolvers, ResolveKeyNamesWhatIsWrong) {
  KeyMethod keys;
  const std::string kid = std::string(kKeyDid) + "#z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp";
  EXPECT_TRUE(ResolveKey(keys, kid, Relationship::kAuthentication).has_value());
  EXPECT_EQ(ResolveKey(keys, kid, Relationship::kKeyAgreement).error().code, Code::kUntrusted);
  EXPECT_EQ(ResolveKey(keys, std::string(kKeyDid) + "#no", Relationship::kAuthentication).error().code,
            Code::kNotFound);
}

TEST_F(Resolvers, ResultHasDidResolutionsForm) {
  KeyMethod keys;
  const nlohmann::json good = ResolutionJson(keys.Resolve(kKeyDid));
  EXPECT_EQ(good.at("didDocument").at("id"), kKeyDid);
  EXPECT_EQ(good.at("didResolutionMetadata").at("contentType"), "application/did");
  const nlohmann::json bad = ResolutionJson(keys.Resolve("did:key:abc"));
  EXPECT_EQ(bad.at("didResolutionMetadata").at("error").at("type"), "https://www.w3.org/ns/did#INVALID_DID");
  EXPECT_TRUE(bad.at("didDocumentMetadata").empty());
  EXPECT_TRUE(bad.at("didDocument").is_null());
  EXPECT_EQ(ResolutionErrorName(Code::kUnreachable), "internalError");
}

}  // namespace
}  // namespace keel::did
