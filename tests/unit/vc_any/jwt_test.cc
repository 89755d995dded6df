// SPDX-License-Identifier: Apache-2.0
#include "vc/jwt.h"

#include "did/jose.h"
#include "tests/unit/vc/parties.h"
#include "vc/data_model/model.h"

namespace keel::vc {
namespace {

using nlohmann::json;

class JwtTest : public PartiesTest {
 protected:
  std::string Sign(const json& header, const json& payload, const std::string& kid) {
    json with = header;
    if (!kid.empty() && !with.contains("jwk")) with["kid"] = kid;
    auto jwt = did::SignJws(with, base::DumpJson(payload), *store_, Key(kid.empty() ? device_ + "#auth" : kid));
    EXPECT_TRUE(jwt.has_value()) << jwt.error().Text();
    return jwt.value_or("");
  }
  json Presentation() {
    return {{"@context", {kContextV2}}, {"type", {"VerifiablePresentation"}}, {"holder", device_}};
  }
  Verification Verify(const std::string& jwt) {
    auto v = VerifyJwt(jwt, resolver_, options_);
    EXPECT_TRUE(v.has_value()) << v.error().Text();
    return v.value_or(Verification{});
  }
  void ExpectFails(const Verification& v, std::string_view check) {
    EXPECT_FALSE(v.valid());
    const Check* found = v.Find(check);
    ASSERT_NE(found, nullptr) << v.Reason();
    EXPECT_FALSE(found->ok) << v.Reason();
  }
  VerifyOptions options_{.now = kNow};
};

TEST_F(JwtTest, Presentation) {
  options_.nonce = options_.challenge = "n-1";
  options_.audience = options_.domain = "https://shop.example";
  json claims = Presentation();
  claims["nonce"] = "n-1";
  claims["aud"] = {"https://other.example", "https://shop.example"};
  claims["iat"] = kNow;
  claims["exp"] = kNow + 60;
  const Verification v = Verify(Sign({{"typ", "vp+jwt"}, {"cty", "vp"}}, claims, device_ + "#auth"));
  EXPECT_TRUE(v.valid()) << v.Reason();
  EXPECT_EQ(v.form, "vp+jwt");
  EXPECT_TRUE(v.presentation);
  EXPECT_EQ(v.holder, device_);
  for (const auto check : {kCheckNonce, kCheckChallenge, kCheckAudience, kCheckDomain, kCheckValidity, kCheckHolder})
    EXPECT_NE(v.Find(check), nullptr) << check;
}

TEST_F(JwtTest, PresentationIsJudged) {
  struct Case {
    const char* what;
    std::string_view check;
    std::function<void(json& header, json& claims, std::string& kid)> change;
  };
  options_.nonce = "n-1";
  options_.challenge = "n-1";
  options_.audience = "shop";
  options_.domain = "shop";
  for (const Case& one : std::initializer_list<Case>{
           {"no nonce", kCheckNonce, [](json&, json& c, std::string&) { c.erase("nonce"); }},
           {"another nonce", kCheckChallenge, [](json&, json& c, std::string&) { c["nonce"] = "n-2"; }},
           {"nonce a list", kCheckNonce, [](json&, json& c, std::string&) { c["nonce"] = {"n-1"}; }},
           {"no audience", kCheckAudience, [](json&, json& c, std::string&) { c.erase("aud"); }},
           {"another audience", kCheckDomain, [](json&, json& c, std::string&) { c["aud"] = {"shops"}; }},
           {"expired", kCheckValidity, [](json&, json& c, std::string&) { c["exp"] = kNow - 61; }},
           {"to come", kCheckValidity, [](json&, json& c, std::string&) { c["iat"] = kNow + 61; }},
           {"not before", kCheckValidity, [](json&, json& c, std::string&) { c["nbf"] = kNow + 61; }},
           {"exp a string", kCheckValidity, [](json&, json& c, std::string&) { c["exp"] = "never"; }},
           {"another's key", kCheckHolder, [this](json&, json&, std::string& kid) { kid = owner_ + "#auth"; }},
           {"not an authentication key", kCheckHolder,
            [this](json&, json&, std::string& kid) { kid = device_ + "#assert"; }},
           {"iss is another", kCheckHolder, [this](json&, json& c, std::string&) { c["iss"] = owner_; }},
           {"no presentation", kCheckModel, [](json&, json& c, std::string&) { c["type"] = "VerifiableCredential"; }},
           {"vp claim", kCheckEnvelope, [](json&, json& c, std::string&) { c["vp"] = json::object(); }},
           {"typ", kCheckEnvelope, [](json& h, json&, std::string&) { h["typ"] = "at+jwt"; }},
           {"cty", kCheckEnvelope, [](json& h, json&, std::string&) { h["cty"] = "vc"; }}}) {
    json header = {{"typ", "vp+jwt"}, {"cty", "vp"}};
    json claims = Presentation();
    claims.update(json{{"nonce", "n-1"}, {"aud", "shop"}, {"iat", kNow}, {"exp", kNow + 60}});
    std::string kid = device_ + "#auth";
    one.change(header, claims, kid);
    SCOPED_TRACE(one.what);
    ExpectFails(Verify(Sign(header, claims, kid)), one.check);
  }
}

TEST_F(JwtTest, HolderByKeyAlone) {
  json claims = Presentation();
  claims.erase("holder");
  Verification v = Verify(Sign({{"typ", "vp+jwt"}}, claims, device_ + "#auth"));
  EXPECT_TRUE(v.valid()) << v.Reason();
  EXPECT_EQ(v.holder, device_);
  claims["iss"] = device_;
  v = Verify(Sign({{"typ", "vp+jwt"}}, claims, device_ + "#auth"));
  EXPECT_TRUE(v.valid()) << v.Reason();
}

TEST_F(JwtTest, TamperedSignature) {
  std::string jwt = Sign({{"typ", "vp+jwt"}}, Presentation(), device_ + "#auth");
  const size_t at = jwt.rfind('.') + 5;
  jwt[at] = jwt[at] == 'A' ? 'B' : 'A';
  const Verification v = Verify(jwt);
  ExpectFails(v, kCheckSignature);
  EXPECT_TRUE(v.holder.empty());
}

// VC Data Model 1.1, section 6.3.1.
TEST_F(JwtTest, OlderCredential) {
  const json claims = {
      {"iss", maker_},
      {"sub", device_},
      {"jti", "urn:uuid:1"},
      {"nbf", kNow - 100},
      {"exp", kNow + 10},
      {"vc",
       {{"@context", {kContextV1}}, {"type", {"VerifiableCredential"}}, {"credentialSubject", {{"degree", "x"}}}}}};
  for (const json& header : {json{{"typ", "JWT"}}, json::object()}) {
    const Verification v = Verify(Sign(header, claims, maker_ + "#assert"));
    EXPECT_TRUE(v.valid()) << v.Reason();
    EXPECT_EQ(v.form, "jwt_vc");
    EXPECT_EQ(v.credential.issuer, maker_);
    EXPECT_EQ(v.credential.id, "urn:uuid:1");
    ASSERT_EQ(v.credential.subjects.size(), 1U);
    EXPECT_EQ(v.credential.subjects[0], device_);
    EXPECT_EQ(v.credential.valid_until, kNow + 10);
    EXPECT_EQ(v.credential.version, ModelVersion::kV1);
  }
  struct Case {
    const char* what;
    std::string_view check;
    std::function<void(json& claims)> change;
  };
  for (const Case& one : std::initializer_list<Case>{
           {"another issuer", kCheckModel, [this](json& c) { c["vc"]["issuer"] = owner_; }},
           {"another issuer's id", kCheckModel, [this](json& c) { c["vc"]["issuer"] = {{"id", owner_}}; }},
           {"another id", kCheckModel, [](json& c) { c["vc"]["id"] = "urn:uuid:2"; }},
           {"another subject", kCheckModel, [this](json& c) { c["vc"]["credentialSubject"]["id"] = owner_; }},
           {"two subjects", kCheckModel, [](json& c) { c["vc"]["credentialSubject"] = {{{"a", 1}}, {{"b", 1}}}; }},
           {"another end", kCheckModel, [](json& c) { c["vc"]["expirationDate"] = base::Rfc3339(kNow + 11); }},
           {"no begin", kCheckModel, [](json& c) { c.erase("nbf"); }},
           {"nbf a string", kCheckModel, [](json& c) { c["nbf"] = "now"; }},
           {"expired", kCheckValidity, [](json& c) { c["exp"] = kNow - 61; }},
           {"vc no object", kCheckModel, [](json& c) { c["vc"] = "x"; }},
           {"vc and vp", kCheckEnvelope, [](json& c) { c["vp"] = json::object(); }},
           {"neither", kCheckEnvelope, [](json& c) { c.erase("vc"); }},
           {"issuer of another key", kCheckIssuer, [this](json& c) { c["iss"] = owner_; }}}) {
    json changed = claims;
    one.change(changed);
    SCOPED_TRACE(one.what);
    ExpectFails(Verify(Sign({{"typ", "JWT"}}, changed, maker_ + "#assert")), one.check);
  }
}

TEST_F(JwtTest, OlderPresentation) {
  options_.challenge = "123";
  json claims = {{"iss", device_},
                 {"aud", "example.com"},
                 {"nonce", "123"},
                 {"vp", {{"@context", {kContextV2}}, {"type", {"VerifiablePresentation"}}, {"holder", device_}}}};
  Verification v = Verify(Sign({{"typ", "JWT"}}, claims, device_ + "#auth"));
  EXPECT_TRUE(v.valid()) << v.Reason();
  EXPECT_EQ(v.form, "jwt_vp");
  EXPECT_EQ(v.holder, device_);
  claims["vp"]["holder"] = owner_;
  ExpectFails(Verify(Sign({{"typ", "JWT"}}, claims, device_ + "#auth")), kCheckModel);
}

TEST_F(JwtTest, GivenKeys) {
  json credential = Plain();
  credential["@context"] = {kContextV2};
  credential["type"] = {"VerifiableCredential"};
  credential["issuer"] = "https://maker.example";
  const std::string jwt = Sign({{"typ", "vc+jwt"}, {"cty", "vc"}}, credential, maker_ + "#assert");
  auto v = VerifyJwt(jwt, resolver_, options_);
  EXPECT_TRUE(!v || !v->valid());
  options_.given_keys = {*store_->Public(Key(maker_ + "#auth")), *store_->Public(Key(maker_ + "#assert"))};
  v = VerifyJwt(jwt, resolver_, options_);
  ASSERT_TRUE(v.has_value()) << v.error().Text();
  EXPECT_TRUE(v->valid()) << v->Reason();
  options_.given_keys.pop_back();
  v = VerifyJwt(jwt, resolver_, options_);
  ASSERT_TRUE(v.has_value());
  ExpectFails(*v, kCheckSignature);
  // A DID that resolves is judged by its document: keys that are given are no way around it.
  options_.given_keys = {*store_->Public(Key(owner_ + "#assert"))};
  credential["issuer"] = maker_;
  ExpectFails(Verify(Sign({{"typ", "vc+jwt"}}, credential, owner_ + "#assert")), kCheckIssuer);
  // Nor around the header's kid, where the issuer is a DID that nobody knows.
  credential["issuer"] = maker_ + "x";
  ExpectFails(Verify(Sign({{"typ", "vc+jwt"}}, credential, owner_ + "#assert")), kCheckIssuer);
}

}  // namespace
}  // namespace keel::vc
