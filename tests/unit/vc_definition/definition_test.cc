// SPDX-License-Identifier: Apache-2.0
#include "vc/definition/definition.h"

#include <functional>

#include "base/jcs.h"
#include "tests/unit/vc/parties.h"

namespace keel::vc {
namespace {

using nlohmann::json;

constexpr const char* kSchemaText = R"({"properties":{"credentialSubject":{"required":["a"]}}})";
constexpr const char* kSchemaUrl = "https://given.example/s.json";

class DefinitionTest : public PartiesTest {
 protected:
  void SetUp() override {
    PartiesTest::SetUp();
    rules_ = {{"types", {"TestCredential"}},
              {"schema", kSchemaUrl},
              {"digest", DigestSri(kSchemaText)},
              {"formats", {"vc+jwt"}},
              {"algorithms", {"EdDSA"}},
              {"statusList", "https://maker.example/status/"},
              {"validity", {{"from", "required"}, {"until", "required"}, {"maxSeconds", 2000}}}};
    definition_ = Made(rules_);
  }
  CredentialDefinition Made(const json& rules) {
    auto made = CredentialDefinition::FromJson(rules);
    EXPECT_TRUE(made.has_value()) << made.error().Text();
    made->author = maker_;
    made->id = "test-1";
    return *made;
  }
  // A credential that keeps to it.
  json Good() {
    json credential = Plain();
    credential["credentialStatus"] = {{"type", "BitstringStatusListEntry"},
                                      {"statusPurpose", "revocation"},
                                      {"statusListIndex", "7"},
                                      {"statusListCredential", "https://maker.example/status/1"}};
    definition_.Name(credential);
    return credential;
  }
  DefinitionBook Book() {
    return DefinitionBook(
        store_, [this](const std::string& author, const std::string& id) -> Result<DefinitionBook::Anchored> {
          ++asked_;
          if (down_) return Fail(Code::kUnreachable, "registry", "down");
          if (author != maker_ || id != "test-1") return Fail(Code::kNotFound, "definition", "none");
          return DefinitionBook::Anchored{kSchemaUrl, content_.empty() ? *base::Jcs(definition_.Content()) : content_};
        });
  }
  Verification Verify(const json& credential, DefinitionBook& book, bool required = false,
                      const Securing& securing = {"vc+jwt", "EdDSA"}) {
    auto v = VerifyCredential(Issue(credential), resolver_, {.now = kNow, .ignore_status = true});
    EXPECT_TRUE(v.has_value()) << v.error().Text();
    const auto added = book.AddCheck(*v, credential, securing, required);
    EXPECT_TRUE(added.has_value()) << added.error().Text();
    return *v;
  }

  json rules_;
  CredentialDefinition definition_;
  SchemaStore store_{{.from_ledger = {}, .given = {{kSchemaUrl, kSchemaText}}}};
  std::string content_;
  int asked_ = 0;
  bool down_ = false;
};

TEST_F(DefinitionTest, WhatIsAnchoredIsReadAgain) {
  const std::string content = *base::Jcs(definition_.Content());
  const auto read = CredentialDefinition::FromContent(maker_, "test-1", kSchemaUrl, content);
  ASSERT_TRUE(read.has_value()) << read.error().Text();
  EXPECT_EQ(*base::Jcs(read->Content()), content);
  EXPECT_EQ(read->Url(), maker_ + "/definitions/test-1");
  EXPECT_EQ(content,
            R"({"algorithms":["EdDSA"],"digest":")" + DigestSri(kSchemaText) +
                R"(","formats":["vc+jwt"],"statusList":"https://maker.example/status/","types":["TestCredential"],)"
                R"("v":1,"validity":{"from":"required","maxSeconds":2000,"until":"required"}})");
}

TEST_F(DefinitionTest, RulesThatAreNone) {
  const std::map<std::string, std::function<void(json&)>> bad = {
      {"no types", [](json& r) { r.erase("types"); }},
      {"types empty", [](json& r) { r["types"] = json::array(); }},
      {"a type twice", [](json& r) { r["types"] = {"A", "A"}; }},
      {"too many", [](json& r) { r["types"] = {"1", "2", "3", "4", "5", "6", "7", "8", "9"}; }},
      {"formats a string", [](json& r) { r["formats"] = "vc+jwt"; }},
      {"no algorithms", [](json& r) { r.erase("algorithms"); }},
      {"status no URL", [](json& r) { r["statusList"] = "status"; }},
      {"no schema", [](json& r) { r.erase("schema"); }},
      {"digest of no kind", [](json& r) { r["digest"] = "md5-AA"; }},
      {"presence", [](json& r) { r["validity"]["from"] = "maybe"; }},
      {"limit without end", [](json& r) { r["validity"].erase("until"); }},
      {"unknown rule", [](json& r) { r["extra"] = 1; }},
      {"unknown validity", [](json& r) { r["validity"]["extra"] = 1; }},
  };
  for (const auto& [what, change] : bad) {
    json rules = rules_;
    change(rules);
    EXPECT_FALSE(CredentialDefinition::FromJson(rules).has_value()) << what;
  }
  for (const char* content : {"[]", "{}", R"({"v":2})", R"({"v":1,"types":["A"],"formats":["f"],"algorithms":["a"]})"})
    EXPECT_FALSE(CredentialDefinition::FromContent(maker_, "x", kSchemaUrl, content).has_value()) << content;
}

// Each rule broken alone is refused at issue, and named.
TEST_F(DefinitionTest, IssuingOutsideIsRefused) {
  DefinitionBook book = Book();
  const auto definition = book.Get(maker_, "test-1");
  ASSERT_TRUE(definition.has_value()) << definition.error().Text();
  const auto refused = [&](const char* words, const std::function<void(json&)>& change,
                           const Securing& securing = {"vc+jwt", "EdDSA"}) {
    json credential = Good();
    change(credential);
    const auto checked = book.CheckIssue(*definition, credential, securing);
    ASSERT_FALSE(checked.has_value()) << words;
    EXPECT_EQ(checked.error().code, Code::kRefused);
    EXPECT_NE(checked.error().detail.find(words), std::string::npos) << checked.error().detail;
  };
  EXPECT_TRUE(book.CheckIssue(*definition, Good(), {"vc+jwt", "EdDSA"}));
  refused("the issuer is", [&](json& c) { c["issuer"] = owner_; });
  refused("the type TestCredential is missing", [](json& c) { c["type"] = {"VerifiableCredential"}; });
  refused("the type Other isn't in it", [](json& c) { c["type"].push_back("Other"); });
  refused("isn't secured as dc+sd-jwt", [](json&) {}, {"dc+sd-jwt", "EdDSA"});
  refused("the algorithm ES256 isn't allowed", [](json&) {}, {"vc+jwt", "ES256"});
  refused("it has no status", [](json& c) { c.erase("credentialStatus"); });
  refused("it has no status", [](json& c) { c["credentialStatus"]["statusPurpose"] = "suspension"; });
  refused("isn't under", [](json& c) { c["credentialStatus"]["statusListCredential"] = "https://else.example/1"; });
  refused("validFrom is missing", [](json& c) { c.erase("validFrom"); });
  refused("validUntil is missing", [](json& c) { c.erase("validUntil"); });
  refused("valid for more than", [](json& c) { c["validUntil"] = base::Rfc3339(kNow + 1001); });
  refused("names another definition", [](json& c) { c.erase("credentialSchema"); });
  refused("against its schema", [](json& c) { c["credentialSubject"].erase("a"); });
}

// "https://maker.example" must not let "https://maker.example.evil" in.
TEST_F(DefinitionTest, AStatusBaseIsAWholePath) {
  rules_["statusList"] = "https://maker.example";
  definition_ = Made(rules_);
  json credential = Good();
  EXPECT_TRUE(definition_.Breaches(credential, {"vc+jwt", "EdDSA"}).empty());
  credential["credentialStatus"]["statusListCredential"] = "https://maker.example.evil/1";
  EXPECT_FALSE(definition_.Breaches(credential, {"vc+jwt", "EdDSA"}).empty());
}

TEST_F(DefinitionTest, ForbiddenEnd) {
  rules_["validity"] = {{"until", "forbidden"}};
  definition_ = Made(rules_);
  json credential = Good();
  EXPECT_FALSE(definition_.Breaches(credential, {"vc+jwt", "EdDSA"}).empty());
  credential.erase("validUntil");
  EXPECT_TRUE(definition_.Breaches(credential, {"vc+jwt", "EdDSA"}).empty());
}

TEST_F(DefinitionTest, VerifyingOneThatHolds) {
  DefinitionBook book = Book();
  const Verification v = Verify(Good(), book, true);
  ASSERT_NE(v.Find(kCheckDefinition), nullptr);
  EXPECT_TRUE(v.valid()) << v.Reason();
  EXPECT_EQ(v.Find(kCheckDefinition)->detail, maker_ + "/definitions/test-1");
  Verify(Good(), book);
  EXPECT_EQ(asked_, 1);  // definitions don't change
}

TEST_F(DefinitionTest, ADefinitionCanBeDemanded) {
  DefinitionBook book = Book();
  EXPECT_EQ(Verify(Plain(), book).Find(kCheckDefinition), nullptr);
  const Verification v = Verify(Plain(), book, true);
  ASSERT_NE(v.Find(kCheckDefinition), nullptr);
  EXPECT_FALSE(v.valid());
  EXPECT_EQ(asked_, 0);
}

TEST_F(DefinitionTest, VerifyingOneThatDoesNotHold) {
  DefinitionBook book = Book();
  json credential = Good();
  credential["credentialSubject"].erase("a");
  EXPECT_FALSE(Verify(credential, book).Find(kCheckDefinition)->ok);
  credential = Good();
  credential["credentialSchema"]["id"] = owner_ + "/definitions/test-1";  // another's: not even asked for
  const int asked = asked_;
  EXPECT_FALSE(Verify(credential, book).Find(kCheckDefinition)->ok);
  EXPECT_EQ(asked_, asked);
  credential["credentialSchema"]["id"] = maker_ + "/definitions/test-2";  // not anchored
  EXPECT_FALSE(Verify(credential, book).Find(kCheckDefinition)->ok);
  credential["credentialSchema"]["id"] = maker_ + "/schemas/test-1";
  EXPECT_FALSE(Verify(credential, book).Find(kCheckDefinition)->ok);
  EXPECT_FALSE(Verify(Good(), book, false, {"vc+jwt", "ES256"}).Find(kCheckDefinition)->ok);
  // The schema is another than the one the definition was made for.
  SchemaStore other({.from_ledger = {}, .given = {{kSchemaUrl, "{}"}}});
  DefinitionBook changed(other, [this](const std::string&, const std::string&) -> Result<DefinitionBook::Anchored> {
    return DefinitionBook::Anchored{kSchemaUrl, *base::Jcs(definition_.Content())};
  });
  EXPECT_FALSE(Verify(Good(), changed).Find(kCheckDefinition)->ok);
  // An issuer that anchored nonsense.
  content_ = "{}";
  DefinitionBook nonsense = Book();
  EXPECT_FALSE(Verify(Good(), nonsense).Find(kCheckDefinition)->ok);
}

TEST_F(DefinitionTest, NobodyMakesUsAskByAForgery) {
  DefinitionBook book = Book();
  std::string jwt = Issue(Good());
  jwt[jwt.size() - 5] = jwt[jwt.size() - 5] == 'A' ? 'B' : 'A';
  auto v = VerifyCredential(jwt, resolver_, {.now = kNow, .ignore_status = true});
  ASSERT_TRUE(v.has_value());
  EXPECT_TRUE(book.AddCheck(*v, Good(), {"vc+jwt", "EdDSA"}, true));
  EXPECT_EQ(v->Find(kCheckDefinition), nullptr);
  v = VerifyCredential(Issue(Good()), resolver_,
                       {.now = kNow, .ignore_status = true, .trusted_issuers = {"did:key:zSomebody"}});
  EXPECT_TRUE(book.AddCheck(*v, Good(), {"vc+jwt", "EdDSA"}, true));
  EXPECT_EQ(v->Find(kCheckDefinition), nullptr);
  EXPECT_EQ(asked_, 0);
}

TEST_F(DefinitionTest, ARegistryThatIsAwayIsAnError) {
  DefinitionBook book = Book();
  down_ = true;
  auto v = VerifyCredential(Issue(Good()), resolver_, {.now = kNow, .ignore_status = true});
  EXPECT_EQ(book.AddCheck(*v, Good(), {"vc+jwt", "EdDSA"}, false).error().code, Code::kUnreachable);
}

TEST_F(DefinitionTest, OtherSchemasStay) {
  json credential = {{"credentialSchema", {{"id", kSchemaUrl}, {"type", "JsonSchema"}}}};
  definition_.Name(credential);
  EXPECT_EQ(credential["credentialSchema"].size(), 2u);
  EXPECT_EQ(NamedDefinition(credential), definition_.Url());
  EXPECT_EQ(NamedDefinition(json::array()), "");
}

}  // namespace
}  // namespace keel::vc
