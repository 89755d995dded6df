// SPDX-License-Identifier: Apache-2.0
#include <set>

#include "base/files.h"
#include "did/document.h"
#include "tests/unit/vc_sd_jwt/world.h"

namespace keel::vc {
namespace {

using nlohmann::json;

json Load(const std::string& name) {
  return *base::ParseJson(*base::ReadFile(std::string(KEEL_SOURCE_DIR) + "/tests/vectors/" + name));
}

// The examples of the SD-JWT draft (tests/vectors/sd-jwt), with tokens that the reference implementation made.
class SpecificationVectors : public SdJwtTest {
 protected:
  void SetUp() override {
    SdJwtTest::SetUp();
    vectors_ = Load("sd-jwt/cases.json");
    issuer_ = Import("issuer");
    bound_ = Import("holder");
  }
  crypto::KeyHandle Import(const char* name) {
    return *store_->Import(crypto::KeyType::kP256, *base::FromBase64Url(vectors_[name]["d"].get<std::string>()));
  }
  VerifyOptions For(const json& test) {
    VerifyOptions options;
    options.now = vectors_["iat"].get<UnixSeconds>();
    options.given_keys = {*store_->Public(issuer_)};
    if (test["key_binding"] == true) {
      options.nonce = vectors_["nonce"].get<std::string>();
      options.audience = vectors_["audience"].get<std::string>();
    }
    return options;
  }
  static json WithoutCnf(json claims) {
    claims.erase("cnf");
    return claims;
  }
  json vectors_;
  crypto::KeyHandle issuer_, bound_;
};

TEST_F(SpecificationVectors, ReadsWhatTheReferenceIssuesAndPresents) {
  ASSERT_EQ(vectors_["cases"].size(), 15u);
  for (const json& test : vectors_["cases"]) {
    const std::string name = test["name"];
    const SdJwt issued = *SdJwt::Parse(test["issued"].get<std::string>());
    json claims;
    const auto seen = InspectSdJwt(issued, claims);
    ASSERT_TRUE(seen.has_value()) << name << seen.error().Text();
    if (!test["claims"].contains("cnf")) claims.erase("cnf");
    EXPECT_EQ(claims, test["claims"]) << name;
    // Each claim that the specification marks, and no other.
    std::set<std::string> pointers;
    for (const DisclosedClaim& claim : seen->claims) pointers.insert(claim.pointer);
    EXPECT_EQ(pointers, std::set<std::string>(test["concealed"].begin(), test["concealed"].end())) << name;
    EXPECT_EQ(seen->undisclosed != 0, test["decoys"] == true) << name;

    json presented;
    ASSERT_TRUE(InspectSdJwt(*SdJwt::Parse(test["presented"].get<std::string>()), presented)) << name;
    EXPECT_EQ(presented, test["verified"]) << name;
  }
}

TEST_F(SpecificationVectors, VerifiesThemAsSdJwtVcs) {
  for (const json& test : vectors_["cases"]) {
    const std::string name = test["name"];
    const Verification v = Verify(test["vc"]["presented"], For(test));
    EXPECT_TRUE(v.valid()) << name << ": " << v.Reason();
    EXPECT_EQ(*base::ParseJson(v.credential.json), test["vc"]["verified"]) << name;
    VerifyOptions other = For(test);
    other.given_keys = {*store_->Public(mallory_key_)};
    EXPECT_FALSE(Verify(test["vc"]["presented"], other).valid()) << name;
    if (test["key_binding"] != true) continue;
    other = For(test);
    other.nonce = "another";
    Refused(test["vc"]["presented"], other, kCheckNonce);
    other = For(test);
    other.audience = "https://verifier.example.com";
    Refused(test["vc"]["presented"], other, kCheckAudience);
  }
}

// The same claims concealed by us: what comes out when all are revealed is what went in.
TEST_F(SpecificationVectors, IssuesThem) {
  for (const json& test : vectors_["cases"]) {
    const std::string name = test["name"];
    json claims = test["claims"];
    claims["vct"] = "https://example.com/" + name;
    SdJwtIssue plan;
    plan.concealed = test["concealed"].get<std::vector<std::string>>();
    plan.decoys = test["decoys"] == true ? 3 : 0;
    if (test["key_binding"] == true) plan.holder = *store_->Public(bound_);
    auto issued = IssueSdJwt(claims, plan, crypto::SystemRandom(), *store_, issuer_);
    ASSERT_TRUE(issued.has_value()) << name << issued.error().Text();
    const KeyBinding binding{.audience = vectors_["audience"],
                             .nonce = vectors_["nonce"],
                             .iat = vectors_["iat"].get<UnixSeconds>(),
                             .store = store_.get(),
                             .key = bound_};
    auto presented = PresentSdJwt(*issued, {""}, test["key_binding"] == true ? &binding : nullptr);
    ASSERT_TRUE(presented.has_value()) << name << presented.error().Text();
    const Verification v = Verify(*presented, For(test));
    EXPECT_TRUE(v.valid()) << name << ": " << v.Reason();
    json seen = *base::ParseJson(v.credential.json);
    if (!claims.contains("cnf")) seen.erase("cnf");
    EXPECT_EQ(seen, claims) << name;
  }
}

// The SD-JWT inputs of W3C's VC-JOSE-COSE test suite.
class W3cVectors : public SdJwtTest {
 protected:
  void SetUp() override {
    SdJwtTest::SetUp();
    json document = {{"id", "https://example.issuer/vc-jose-cose"}};
    for (const char* name : {"vm-p256", "vm-p384", "vm-p521", "vm-ed25519"}) {
      json method = Load("vc-jose/" + std::string(name) + ".json");
      method.erase("secretKeyJwk");
      document["assertionMethod"].push_back(method["id"]);
      document["authentication"].push_back(method["id"]);
      document["verificationMethod"].push_back(std::move(method));
    }
    documents_.Add(*did::DidDocument::FromJson(document));
  }
  Verification Of(const std::string& name) {
    auto v = VerifySdJwt(*base::ReadFile(std::string(KEEL_SOURCE_DIR) + "/tests/vectors/vc-jose/" + name), documents_,
                         Options());
    EXPECT_TRUE(v.has_value()) << name << v.error().Text();
    return v.value_or(Verification());
  }
  did::StaticResolver documents_;
};

TEST_F(W3cVectors, Good) {
  const Verification v = Of("credential-sdjwt-selective.txt");
  EXPECT_TRUE(v.valid()) << v.Reason();
  EXPECT_EQ(base::ParseJson(v.credential.json)->at("credentialSubject").at("firstName"), "Jane");
  const Verification p = Of("presentation-sdjwt-selective.txt");
  EXPECT_TRUE(p.valid()) << p.Reason();
  EXPECT_EQ(p.holder, "https://example.issuer/vc-jose-cose");
}

TEST_F(W3cVectors, Bad) {
  for (const char* name : {"credential-sdjwt-bad-signature.txt", "credential-sdjwt-bad-media-type.txt",
                           "presentation-sdjwt-bad-media-type.txt", "presentation-sdjwt-bad-credential.txt"})
    EXPECT_FALSE(Of(name).valid()) << name;
  // ES512 is no algorithm of ours.
  EXPECT_FALSE(Of("credential-sdjwt-nested.txt").valid());
}

}  // namespace
}  // namespace keel::vc
