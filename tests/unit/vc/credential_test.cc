// SPDX-License-Identifier: Apache-2.0
#include "did/jose.h"
#include "tests/unit/vc/parties.h"

namespace keel::vc {
namespace {

using nlohmann::json;

class CredentialTest : public PartiesTest {
 protected:
  Verification Verify(const std::string& jwt, VerifyOptions options = {}) {
    if (!options.now) options.now = kNow;
    auto verification = VerifyCredential(jwt, resolver_, options);
    EXPECT_TRUE(verification.has_value()) << verification.error().Text();
    return verification.value_or(Verification{});
  }
  // Signs whatever payload, past IssueCredential's own checks.
  std::string Raw(const json& payload, const json& header = {{"typ", "vc+jwt"}, {"cty", "vc"}}, std::string kid = {}) {
    if (kid.empty()) kid = maker_ + "#assert";
    json full = header;
    full["kid"] = kid;
    return *did::SignJws(full, base::DumpJson(payload), *store_, Key(maker_ + "#assert"));
  }
};

TEST_F(CredentialTest, IssuedIsValid) {
  const Verification v = Verify(Issue(Plain()), {.subject = device_, .trusted_issuers = {maker_}});
  EXPECT_TRUE(v.valid()) << v.Reason();
  EXPECT_EQ(v.credential.issuer, maker_);
  EXPECT_EQ(v.credential.subjects, std::vector<std::string>{device_});
  EXPECT_TRUE(v.credential.Is("TestCredential"));
  EXPECT_EQ(v.kid, maker_ + "#assert");
  for (const std::string_view name :
       {kCheckEnvelope, kCheckModel, kCheckIssuer, kCheckSignature, kCheckValidity, kCheckSubject, kCheckTrust}) {
    ASSERT_NE(v.Find(name), nullptr) << name;
    EXPECT_TRUE(v.Find(name)->ok);
  }
  EXPECT_TRUE(v.ToJson().at("valid").get<bool>());
}

TEST_F(CredentialTest, IssueRefuses) {
  json other = Plain();
  other["issuer"] = owner_;
  EXPECT_EQ(IssueCredential(other, *store_, Key(maker_ + "#assert"), maker_ + "#assert").error().code,
            Code::kInvalidArgument);
  for (const char* member : {"@context", "type", "issuer", "credentialSubject"}) {
    json missing = Plain();
    missing.erase(member);
    EXPECT_FALSE(IssueCredential(missing, *store_, Key(maker_ + "#assert"), maker_ + "#assert").has_value()) << member;
  }
}

TEST_F(CredentialTest, AChangedPayloadIsInvalid) {
  std::string jwt = Issue(Plain());
  const size_t dot = jwt.find('.');
  json payload = Plain();
  payload["credentialSubject"]["a"] = 2;
  const std::string forged =
      jwt.substr(0, dot + 1) + base::Base64Url(AsBytes(base::DumpJson(payload))) + jwt.substr(jwt.rfind('.'));
  const Verification v = Verify(forged);
  EXPECT_FALSE(v.valid());
  EXPECT_FALSE(v.Find(kCheckSignature)->ok);
}

TEST_F(CredentialTest, TimesAreJudged) {
  const std::string jwt = Issue(Plain());
  EXPECT_FALSE(Verify(jwt, {.now = kNow + 1060}).valid());
  EXPECT_TRUE(Verify(jwt, {.now = kNow + 1059}).valid());
  EXPECT_FALSE(Verify(jwt, {.now = kNow - 1061}).valid());
  EXPECT_TRUE(Verify(jwt, {.now = kNow - 1060}).valid());
  EXPECT_EQ(Verify(jwt, {.now = kNow + 5000}).Find(kCheckValidity)->ok, false);
}

TEST_F(CredentialTest, TheIssuersKeyIsNeeded) {
  // kid of another DID
  EXPECT_FALSE(Verify(Raw(Plain(), {{"typ", "vc+jwt"}}, owner_ + "#assert")).Find(kCheckIssuer)->ok);
  // a key listed for another use
  EXPECT_FALSE(Verify(Issue(Plain(), "#auth")).Find(kCheckIssuer)->ok);
  // no such key
  EXPECT_FALSE(Verify(Raw(Plain(), {{"typ", "vc+jwt"}}, maker_ + "#nope")).valid());
  // the right key's name, another's signature
  json mine = Plain();
  auto forged = did::SignJws(json{{"typ", "vc+jwt"}, {"kid", maker_ + "#assert"}}, base::DumpJson(mine), *store_,
                             Key(owner_ + "#assert"));
  EXPECT_FALSE(Verify(*forged).Find(kCheckSignature)->ok);
  // an issuer that doesn't exist
  json ghost = Plain();
  ghost["issuer"] = "did:keel:acme:zQmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG";
  EXPECT_FALSE(Verify(Raw(ghost, {{"typ", "vc+jwt"}}, ghost["issuer"].get<std::string>() + "#assert")).valid());
}

TEST_F(CredentialTest, WhatCannotBeCheckedIsAnError) {
  const std::string jwt = Issue(Plain());
  ledger_.down = true;
  auto verification = VerifyCredential(jwt, resolver_, {.now = kNow});
  ASSERT_FALSE(verification.has_value());
  EXPECT_EQ(verification.error().code, Code::kUnreachable);
}

TEST_F(CredentialTest, HeadersAreJudged) {
  EXPECT_FALSE(Verify(Raw(Plain(), {{"typ", "JWT"}})).valid());
  EXPECT_FALSE(Verify(Raw(Plain(), {{"typ", "vp+jwt"}})).valid());
  EXPECT_FALSE(Verify(Raw(Plain(), json::object())).valid());
  EXPECT_FALSE(Verify("not a jwt").valid());
  EXPECT_FALSE(Verify("").valid());
  const std::string payload = base::Base64Url(AsBytes(base::DumpJson(Plain())));
  const std::string none = base::Base64Url(AsBytes(R"({"alg":"none","typ":"vc+jwt"})")) + "." + payload + ".";
  EXPECT_FALSE(Verify(none).Find(kCheckEnvelope)->ok);
  // HS256 with the public key as its secret
  const std::string hs =
      base::Base64Url(AsBytes(R"({"alg":"HS256","typ":"vc+jwt","kid":"x"})")) + "." + payload + ".AAAA";
  EXPECT_FALSE(Verify(hs).Find(kCheckEnvelope)->ok);
  // ES256 said, Ed25519 is
  const std::string swapped =
      base::Base64Url(AsBytes(R"({"alg":"ES256","typ":"vc+jwt","kid":")" + maker_ + R"(#assert"})")) + "." + payload +
      "." + base::Base64Url(ByteArray<64>{});
  EXPECT_FALSE(Verify(swapped).Find(kCheckSignature)->ok);
  EXPECT_FALSE(Verify(std::string(kMaxCredential + 1, 'a')).Find(kCheckEnvelope)->ok);
}

TEST_F(CredentialTest, TheDataModelIsJudged) {
  struct Case {
    const char* what;
    std::function<void(json&)> edit;
  };
  const Case cases[] = {
      {"no context", [](json& c) { c.erase("@context"); }},
      {"context of v1", [](json& c) { c["@context"] = {"https://www.w3.org/2018/credentials/v1"}; }},
      {"v2 not first", [](json& c) { c["@context"] = {"https://example.org/x", std::string(kContextV2)}; }},
      {"context a number", [](json& c) { c["@context"].push_back(7); }},
      {"no type", [](json& c) { c.erase("type"); }},
      {"not a credential", [](json& c) { c["type"] = {"TestCredential"}; }},
      {"no issuer", [](json& c) { c.erase("issuer"); }},
      {"issuer a list", [](json& c) { c["issuer"] = json::array({"did:x:1"}); }},
      {"issuer no URL", [](json& c) { c["issuer"] = "somebody"; }},
      {"no subject", [](json& c) { c.erase("credentialSubject"); }},
      {"empty subject", [](json& c) { c["credentialSubject"] = json::object(); }},
      {"no subjects", [](json& c) { c["credentialSubject"] = json::array(); }},
      {"subject a string", [](json& c) { c["credentialSubject"] = "did:x:1"; }},
      {"bad time", [](json& c) { c["validFrom"] = "yesterday"; }},
      {"until before from", [](json& c) { std::swap(c["validFrom"], c["validUntil"]); }},
      {"id no URL", [](json& c) { c["id"] = "not a url"; }},
      {"vc claim", [](json& c) { c["vc"] = json::object(); }},
      {"vp claim", [](json& c) { c["vp"] = json::object(); }},
      {"iss differs", [](json& c) { c["iss"] = "did:x:1"; }},
      {"jti differs", [](json& c) { c["jti"] = "urn:uuid:2"; }},
      {"sub differs", [](json& c) { c["sub"] = "did:x:1"; }},
      {"status a string", [](json& c) { c["credentialStatus"] = "x"; }},
      {"status index a number",
       [](json& c) {
         c["credentialStatus"] = {{"type", "BitstringStatusListEntry"},
                                  {"statusPurpose", "revocation"},
                                  {"statusListIndex", 7},
                                  {"statusListCredential", "http://x"}};
       }},
      {"status index negative",
       [](json& c) {
         c["credentialStatus"] = {{"type", "BitstringStatusListEntry"},
                                  {"statusPurpose", "revocation"},
                                  {"statusListIndex", "-7"},
                                  {"statusListCredential", "http://x"}};
       }},
      {"schema without id", [](json& c) { c["credentialSchema"] = {{"type", "JsonSchema"}}; }},
  };
  for (const Case& c : cases) {
    json credential = Plain();
    c.edit(credential);
    const Verification v = Verify(Raw(credential));
    ASSERT_NE(v.Find(kCheckModel), nullptr) << c.what;
    EXPECT_FALSE(v.Find(kCheckModel)->ok) << c.what;
  }
  json good = Plain();
  good["issuer"] = {{"id", maker_}, {"name", "Maker"}};
  good["exp"] = kNow - 100;  // the earlier end counts
  const Verification v = Verify(Raw(good));
  EXPECT_TRUE(v.Find(kCheckModel)->ok);
  EXPECT_FALSE(v.Find(kCheckValidity)->ok);
}

TEST_F(CredentialTest, SubjectAndTrust) {
  const std::string jwt = Issue(Plain());
  EXPECT_FALSE(Verify(jwt, {.subject = owner_}).Find(kCheckSubject)->ok);
  EXPECT_FALSE(Verify(jwt, {.trusted_issuers = {owner_}}).Find(kCheckTrust)->ok);
}

TEST_F(CredentialTest, AStatusNeedsAChecker) {
  json with = Plain();
  with["credentialStatus"] = {{"type", "BitstringStatusListEntry"},
                              {"statusPurpose", "revocation"},
                              {"statusListIndex", "7"},
                              {"statusListCredential", "http://x/1"}};
  EXPECT_EQ(VerifyCredential(Issue(with), resolver_, {.now = kNow}).error().code, Code::kUnavailable);
  EXPECT_TRUE(Verify(Issue(with), {.ignore_status = true}).valid());
  with["credentialStatus"]["type"] = "FutureStatus";
  EXPECT_FALSE(Verify(Issue(with)).Find(kCheckStatus)->ok);
}

TEST_F(CredentialTest, ADeactivatedIssuerIsInvalid) {
  const std::string jwt = Issue(Plain());
  did::KeelUpdate update;
  update.deactivate = true;
  update.by = {{store_.get(), Key(maker_ + "#next-0")}};
  ledger_.Anchor(40, *did::UpdateKeelDid(ledger_.histories[maker_], update));
  EXPECT_FALSE(Verify(jwt).Find(kCheckIssuer)->ok);
}

}  // namespace
}  // namespace keel::vc
