// SPDX-License-Identifier: Apache-2.0
#include "vc/schema/schema_checker.h"

#include "tests/unit/vc/parties.h"
#include "vc/types.h"

namespace keel::vc {
namespace {

using nlohmann::json;

constexpr const char* kAuthor = "did:keel:acme:zAuthor";
constexpr const char* kText = R"({"properties":{"credentialSubject":{"required":["a"]}}})";

class SchemaCheckerTest : public PartiesTest {
 protected:
  SchemaStore store_{
      {.from_ledger = [this](const std::string& author, const std::string& id) -> Result<std::string> {
         ++asked_;
         if (down_) return Fail(Code::kUnreachable, "registry", "down");
         if (author != kAuthor || id != "lamp-1") return Fail(Code::kNotFound, "schema", "none");
         return std::string(kText);
       },
       .given = {{"https://given.example/s.json", kText}, {"https://given.example/bad.json", "{\"x\":1}"}}}};
  int asked_ = 0;
  bool down_ = false;

  Result<SchemaChecker::Verdict> Check(json schema, json subject = {{"a", 1}},
                                       StoreSchemaChecker::Unknown unknown = StoreSchemaChecker::Unknown::kRefuse) {
    json credential = Plain();
    credential["credentialSubject"] = std::move(subject);
    credential["credentialSchema"] = std::move(schema);
    return StoreSchemaChecker(store_, unknown).Check(credential, maker_);
  }
  static json Named(const std::string& id, const char* type = "JsonSchema") { return {{"id", id}, {"type", type}}; }
};

TEST_F(SchemaCheckerTest, GivenAndAnchoredSchemas) {
  for (const char* id : {"https://given.example/s.json", "did:keel:acme:zAuthor/schemas/lamp-1"}) {
    EXPECT_TRUE(Check(Named(id))->ok) << id;
    const auto wrong = Check(Named(id), {{"b", 1}});
    EXPECT_FALSE(wrong->ok) << id;
    EXPECT_NE(wrong->detail.find("'a'"), std::string::npos) << wrong->detail;
  }
  EXPECT_EQ(asked_, 1);  // schemas don't change
  EXPECT_FALSE(Check(json::array({Named("https://given.example/s.json"), Named("https://else.example/s.json")}))->ok);
}

TEST_F(SchemaCheckerTest, TheDigestBinds) {
  json schema = Named("did:keel:acme:zAuthor/schemas/lamp-1");
  schema["digestSRI"] = DigestSri(kText);
  EXPECT_TRUE(Check(schema)->ok);
  schema["digestSRI"] = DigestSri("{}");
  EXPECT_FALSE(Check(schema)->ok);
  schema["digestSRI"] = "md5-AAAA";
  EXPECT_FALSE(Check(schema)->ok);
  schema["digestSRI"] = 7;
  EXPECT_FALSE(Check(schema)->ok);
}

TEST_F(SchemaCheckerTest, WhatIsNotToBeHad) {
  EXPECT_FALSE(Check(Named("https://else.example/s.json"))->ok);
  EXPECT_TRUE(Check(Named("https://else.example/s.json"), {{"a", 1}}, StoreSchemaChecker::Unknown::kPassOver)->ok);
  EXPECT_FALSE(Check(Named("did:keel:acme:zAuthor/schemas/lamp-2"))->ok);
  EXPECT_FALSE(Check(Named("https://given.example/s.json", "SomethingElse"))->ok);
  // A schema that can't be used is never passed over.
  EXPECT_FALSE(Check(Named("https://given.example/bad.json"), {{"a", 1}}, StoreSchemaChecker::Unknown::kPassOver)->ok);
  EXPECT_FALSE(Check(json::array({json::object()}))->ok);
  EXPECT_FALSE(Check(json(std::vector<json>(9, Named("https://given.example/s.json"))))->ok);
  down_ = true;
  EXPECT_EQ(Check(Named("did:keel:acme:zAuthor/schemas/lamp-1")).error().code, Code::kUnreachable);
}

TEST_F(SchemaCheckerTest, IsACheckOfVerification) {
  StoreSchemaChecker checker(store_);
  json credential = Plain();
  credential["credentialSchema"] = Named("https://given.example/s.json");
  auto v = VerifyCredential(Issue(credential), resolver_, {.now = kNow, .schemas = &checker});
  ASSERT_TRUE(v.has_value()) << v.error().Text();
  EXPECT_TRUE(v->valid()) << v->Reason();
  EXPECT_TRUE(v->Find(kCheckSchema)->ok);
  credential["credentialSubject"].erase("a");
  v = VerifyCredential(Issue(credential), resolver_, {.now = kNow, .schemas = &checker});
  EXPECT_FALSE(v->valid());
  EXPECT_FALSE(v->Find(kCheckSchema)->ok);
  // Keel's own by their ids.
  credential = OwnershipCredential({maker_, device_, owner_, kNow});
  credential["credentialSchema"] = Named("https://keel-protocol.org/schemas/v1/OwnershipCredential.json");
  v = VerifyCredential(Issue(credential), resolver_, {.now = kNow, .schemas = &checker});
  EXPECT_TRUE(v->valid()) << v->Reason();
}

TEST(LedgerName, ReadsWhatItWrites) {
  const auto name = LedgerName::Parse("did:keel:acme:z1/definitions/lamp-1.0");
  ASSERT_TRUE(name.has_value());
  EXPECT_TRUE(name->definition);
  EXPECT_EQ(name->author, "did:keel:acme:z1");
  EXPECT_EQ(name->id, "lamp-1.0");
  EXPECT_EQ(name->Url(), "did:keel:acme:z1/definitions/lamp-1.0");
  for (const char* other : {"did:keel:acme:z1", "https://x/schemas/a", "did:keel:acme:z1/schemas/", "did:keel:a:z/x/y",
                            "did:keel:a:z/schemas/a/b", "did:keel:a:z/schemas/a?b", "did:keel:a:z/schemas/%41"})
    EXPECT_FALSE(LedgerName::Parse(other).has_value()) << other;
}

// Of several digests the strongest kind counts.
TEST(DigestSri, StrongestKindCounts) {
  const std::string good = DigestSri("x");
  EXPECT_TRUE(*MatchesSri("x", good));
  EXPECT_FALSE(*MatchesSri("y", good));
  const std::string sha512 =
      "sha512-pKvULC9UpkRJUFnvJt1mLH1eS+VrsSbUqSsBUHkLa1HKNUqYNh+2lnUvLPmDFw3vDbFT4Jj+tnwSXp3D0qgvOQ==";
  EXPECT_FALSE(*MatchesSri("x", good + " " + sha512));
  EXPECT_TRUE(*MatchesSri("x", "sha256-AAAA " + good));
  EXPECT_TRUE(*MatchesSri("x", "sha1-AAAA " + good));
  EXPECT_EQ(MatchesSri("x", "sha256").error().code, Code::kMalformed);
  EXPECT_EQ(MatchesSri("x", "").error().code, Code::kUnsupported);
}

}  // namespace
}  // namespace keel::vc
