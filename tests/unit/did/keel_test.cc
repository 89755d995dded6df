// SPDX-License-Identifier: Apache-2.0
#include "did/methods/keel.h"

#include <gtest/gtest.h>

#include "crypto/signature.h"
#include "did/did.h"
#include "ledger/operation.h"

namespace keel::did {
namespace {

class FakeSource final : public registry_client::HistorySource {
 public:
  Result<registry_client::VerifiedHistory> ResolveDid(const std::string& did) override {
    ++asked;
    if (did != history.did) return Fail(Code::kNotFound, "fake", did);
    return history;
  }
  void Anchor(uint64_t index, const KeelOperation& operation) {
    history.did = operation.did;
    history.operations.push_back({index, operation.jws});
  }
  registry_client::VerifiedHistory history;
  int asked = 0;
};

class HandClock final : public Clock {
 public:
  uint64_t TicksMs() override { return ticks; }
  Result<UnixSeconds> Now() override { return ticks / 1000; }
  uint64_t ticks = 0;
};

class Keel : public testing::Test {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }
  void SetUp() override {
    const std::vector<std::string> services = {
        R"({"id":"#didcomm","type":"DIDCommMessaging","serviceEndpoint":{"uri":"http://v/","accept":["didcomm/v2"]}})"};
    auto made = MakeKeelDid(*store_, "acme", Bytes32{7}, services, crypto::SystemRandom());
    ASSERT_TRUE(made.has_value()) << made.error().Text();
    create_ = *made;
    source_.Anchor(10, create_);
  }
  KeyRef Key(const std::string& name) { return {store_.get(), *store_->FindLabel(create_.did + "#" + name)}; }
  // Replaces the assertion key; `since`: the old one was compromised from there.
  KeelOperation Rotate(std::optional<uint64_t> since) {
    KeelUpdate update;
    new_assert_ = *store_->Generate(crypto::KeyType::kEd25519);
    update.keys = {{"auth", 1 | 8, Key("auth")}, {"assert", 2, {store_.get(), new_assert_}}};
    update.by = {next_ ? KeyRef{store_.get(), *next_} : Key("next-0")};
    next_ = *store_->Generate(crypto::KeyType::kEd25519);
    update.next = {*store_->Public(*next_)};
    update.compromise_since = since;
    auto operation = UpdateKeelDid(source_.history, update);
    EXPECT_TRUE(operation.has_value()) << operation.error().Text();
    return *operation;
  }
  std::unique_ptr<crypto::SoftwareKeyStore> store_ = crypto::SoftwareKeyStore::CreateInMemory();
  KeelOperation create_;
  crypto::KeyHandle new_assert_;
  std::optional<crypto::KeyHandle> next_;  // committed to by the last Rotate
  FakeSource source_;
};

TEST_F(Keel, CreateResolves) {
  EXPECT_TRUE(create_.did.starts_with("did:keel:acme:z"));
  KeelMethod method(source_, "acme");
  auto result = method.Resolve(create_.did);
  ASSERT_TRUE(result.has_value()) << result.error().Text();
  EXPECT_EQ(result->document->id, create_.did);
  EXPECT_EQ(*result->version, 0u);
  EXPECT_EQ(*result->log_index, 10u);
  EXPECT_EQ(result->document->FindFor(Relationship::kAuthentication, create_.did + "#auth")->key,
            *Key("auth").Public());
  EXPECT_EQ(result->document->FindFor(Relationship::kKeyAgreement, "#agree")->key, *Key("agree").Public());
  EXPECT_EQ(result->document->FindFor(Relationship::kAssertionMethod, "#auth"), nullptr);
  EXPECT_EQ(result->document->services.at(0).uris, std::vector<std::string>{"http://v/"});
}

TEST_F(Keel, RefusesOtherNetworksAndBadDids) {
  KeelMethod method(source_, "other");
  EXPECT_EQ(method.Resolve(create_.did).error().code, Code::kWrongNetwork);
  EXPECT_EQ(method.Resolve("did:keel:other:abc").error().code, Code::kInvalidDid);
  EXPECT_EQ(source_.asked, 0);
}

TEST_F(Keel, RotationKeepsWhatWasSignedBefore) {
  const crypto::PublicKey old_key = *Key("assert").Public();
  source_.Anchor(20, Rotate(std::nullopt));
  auto result = DocumentOfHistory(source_.history);
  ASSERT_TRUE(result.has_value()) << result.error().Text();
  EXPECT_EQ(*result->version, 1u);
  EXPECT_EQ(result->document->Find("#assert")->key, *store_->Public(new_assert_));
  EXPECT_TRUE(*KeyGoodAt(source_.history, old_key, Relationship::kAssertionMethod, 15));
  EXPECT_FALSE(*KeyGoodAt(source_.history, old_key, Relationship::kAssertionMethod, 25));
  EXPECT_FALSE(*KeyGoodAt(source_.history, old_key, Relationship::kAssertionMethod, 5));
  EXPECT_FALSE(*KeyGoodAt(source_.history, old_key, Relationship::kAuthentication, 15));
  EXPECT_FALSE(*KeyGoodAt(source_.history, *store_->Public(new_assert_), Relationship::kAssertionMethod, 15));
  EXPECT_TRUE(*KeyGoodAt(source_.history, *store_->Public(new_assert_), Relationship::kAssertionMethod, 25));
  EXPECT_EQ(KeysOfId(source_.history, "assert")->size(), 2u);
}

TEST_F(Keel, OlderVersions) {
  source_.Anchor(20, Rotate(std::nullopt));
  const crypto::PublicKey first_assert = *Key("assert").Public();
  source_.Anchor(30, Rotate(std::nullopt));
  const std::vector<UnixSeconds> times = {100, 200, 300};
  const auto at = [&](ResolutionOptions options) { return DocumentOfHistory(source_.history, options, times); };
  const auto first = at({.version_id = "0"});
  ASSERT_TRUE(first.has_value()) << first.error().Text();
  EXPECT_EQ(first->metadata.version_id, "0");
  EXPECT_EQ(first->metadata.next_version_id, "1");
  EXPECT_EQ(first->metadata.next_update, 200u);
  EXPECT_EQ(first->metadata.created, 100u);
  EXPECT_FALSE(first->metadata.updated.has_value());
  const auto newest = at({});
  EXPECT_EQ(newest->metadata.version_id, "2");
  EXPECT_EQ(newest->metadata.updated, 300u);
  EXPECT_TRUE(newest->metadata.next_version_id.empty());
  EXPECT_EQ(first->document->Find("#assert")->key, first_assert);
  EXPECT_EQ(newest->document->Find("#assert")->key, *store_->Public(new_assert_));
  EXPECT_EQ(at({.version_time = 299})->version, 1u);
  EXPECT_EQ(at({.version_time = 300})->version, 2u);
  EXPECT_EQ(at({.version_time = 100})->version, 0u);
  EXPECT_EQ(at({.version_time = 99}).error().code, Code::kNotFound);
  EXPECT_EQ(at({.version_id = "3"}).error().code, Code::kNotFound);
  for (const char* bad : {"-1", "+1", "01", "1 ", "x", "18446744073709551616"})
    EXPECT_EQ(at({.version_id = bad}).error().code, Code::kInvalidArgument) << bad;
  EXPECT_EQ(at({.version_id = "1", .version_time = 300}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(DocumentOfHistory(source_.history, {.version_time = 300}).error().code, Code::kUnsupported);
}

TEST_F(Keel, CompromiseCutsAtItsIndex) {
  const crypto::PublicKey old_key = *Key("assert").Public();
  source_.Anchor(20, Rotate(14));
  EXPECT_TRUE(*KeyGoodAt(source_.history, old_key, Relationship::kAssertionMethod, 13));
  EXPECT_FALSE(*KeyGoodAt(source_.history, old_key, Relationship::kAssertionMethod, 14));
  EXPECT_FALSE(*KeyGoodAt(source_.history, old_key, Relationship::kAssertionMethod, 19));
}

TEST_F(Keel, DeactivatedHasNoKeys) {
  KeelUpdate update;
  update.deactivate = true;
  update.by = {Key("next-0")};
  auto operation = UpdateKeelDid(source_.history, update);
  ASSERT_TRUE(operation.has_value()) << operation.error().Text();
  source_.Anchor(30, *operation);
  KeelMethod method(source_);
  auto result = method.Resolve(create_.did);
  ASSERT_TRUE(result.has_value()) << result.error().Text();
  EXPECT_TRUE(result->deactivated);
  EXPECT_TRUE(result->document->methods.empty());
  EXPECT_EQ(ResolveKey(method, create_.did + "#auth", Relationship::kAuthentication).error().code, Code::kDeactivated);
  EXPECT_EQ(UpdateKeelDid(source_.history, update).error().code, Code::kDeactivated);
}

TEST_F(Keel, ABrokenHistoryIsRefused) {
  source_.Anchor(20, Rotate(std::nullopt));
  auto swapped = source_.history;
  std::swap(swapped.operations[0], swapped.operations[1]);
  EXPECT_FALSE(DocumentOfHistory(swapped).has_value());
  auto falling = source_.history;
  falling.operations[1].index = 10;
  EXPECT_FALSE(DocumentOfHistory(falling).has_value());
  auto headless = source_.history;
  headless.operations.erase(headless.operations.begin());
  EXPECT_FALSE(DocumentOfHistory(headless).has_value());
  auto empty = source_.history;
  empty.operations.clear();
  EXPECT_FALSE(DocumentOfHistory(empty).has_value());
}

TEST_F(Keel, UpdatesNeedTheCommittedKey) {
  KeelUpdate update;
  update.keys = {{"auth", 1, Key("auth")}};
  update.by = {Key("auth")};  // not the next key
  update.next = {*store_->Public(*store_->Generate(crypto::KeyType::kEd25519))};
  auto operation = UpdateKeelDid(source_.history, update);
  if (operation) {
    source_.Anchor(20, *operation);
    EXPECT_FALSE(DocumentOfHistory(source_.history).has_value());
  }
}

TEST_F(Keel, CachesHistories) {
  HandClock clock;
  CachingHistorySource cache(source_, clock, 1000, 2);
  EXPECT_TRUE(cache.ResolveDid(create_.did).has_value());
  EXPECT_TRUE(cache.ResolveDid(create_.did).has_value());
  EXPECT_EQ(source_.asked, 1);
  clock.ticks = 1000;
  EXPECT_TRUE(cache.ResolveDid(create_.did).has_value());
  EXPECT_EQ(source_.asked, 2);
  cache.Forget(create_.did);
  EXPECT_TRUE(cache.ResolveDid(create_.did).has_value());
  EXPECT_EQ(source_.asked, 3);
  EXPECT_FALSE(cache.ResolveDid("did:keel:acme:other").has_value());
}

}  // namespace
}  // namespace keel::did
