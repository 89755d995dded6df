// SPDX-License-Identifier: Apache-2.0
#include "vc/presentation.h"

#include "crypto/hosted/jwk.h"
#include "did/jose.h"
#include "tests/unit/vc/parties.h"

namespace keel::vc {
namespace {

using nlohmann::json;

class PresentationTest : public PartiesTest {
 protected:
  PresentationRequest Request() {
    PresentationRequest request;
    request.holder = device_;
    request.audience = owner_;
    request.nonce = "n-0S6_WzA2Mj";
    request.iat = kNow;
    request.extra = R"({"pd":"did:peer:2.x","th":"dGg","vcs":["aGFzaA"]})";
    return request;
  }
  std::string Make(const PresentationRequest& request, bool jwk = false) {
    auto jwt = CreatePresentation(request, *store_, Key(request.holder + "#auth"), request.holder + "#auth", jwk);
    EXPECT_TRUE(jwt.has_value()) << jwt.error().Text();
    return jwt.value_or("");
  }
  PresentationOptions Wanted() {
    PresentationOptions options;
    options.audience = owner_;
    options.nonce = "n-0S6_WzA2Mj";
    options.now = kNow;
    return options;
  }
  PresentationVerification Verify(const std::string& jwt, const PresentationOptions& options) {
    auto v = VerifyPresentation(jwt, resolver_, options);
    EXPECT_TRUE(v.has_value()) << v.error().Text();
    return v.value_or(PresentationVerification{});
  }
  std::string Raw(const json& payload, json header = {{"typ", "vp+jwt"}}) {
    if (!header.contains("kid") && !header.contains("jwk")) header["kid"] = device_ + "#auth";
    return *did::SignJws(header, base::DumpJson(payload), *store_, Key(device_ + "#auth"));
  }
  json Claims() {
    return {{"@context", {kContextV2}}, {"type", {"VerifiablePresentation"}},
            {"iss", device_},           {"aud", owner_},
            {"nonce", "n-0S6_WzA2Mj"},  {"iat", kNow},
            {"exp", kNow + 600}};
  }
};

TEST_F(PresentationTest, MadeIsValid) {
  for (const bool jwk : {false, true}) {
    PresentationRequest request = Request();
    request.credentials = {Issue(Plain())};
    const PresentationVerification v = Verify(Make(request, jwk), Wanted());
    EXPECT_TRUE(v.valid()) << v.Reason();
    EXPECT_EQ(v.holder, device_);
    ASSERT_EQ(v.credentials.size(), 1u);
    EXPECT_TRUE(v.credentials[0].valid());
    const json payload = *base::ParseJson(v.payload);
    EXPECT_EQ(payload.at("pd"), "did:peer:2.x");
    EXPECT_EQ(payload.at("vcs").at(0), "aGFzaA");
    EXPECT_EQ(payload.at("exp"), kNow + 600);
  }
}

TEST_F(PresentationTest, BoundToNonceAudienceTimeHolder) {
  const std::string jwt = Make(Request());
  auto options = Wanted();
  options.nonce = "other";
  EXPECT_FALSE(Verify(jwt, options).Find(kCheckNonce)->ok);
  options = Wanted();
  options.audience = maker_;
  EXPECT_FALSE(Verify(jwt, options).Find(kCheckAudience)->ok);
  options = Wanted();
  options.now = kNow + 660;
  EXPECT_FALSE(Verify(jwt, options).Find(kCheckValidity)->ok);
  options.now = kNow - 61;
  EXPECT_FALSE(Verify(jwt, options).Find(kCheckValidity)->ok);
  options = Wanted();
  options.holder = owner_;
  EXPECT_FALSE(Verify(jwt, options).Find(kCheckHolder)->ok);
  for (auto spoil : {+[](PresentationOptions& o) { o.nonce.clear(); },
                     +[](PresentationOptions& o) { o.audience.clear(); }, +[](PresentationOptions& o) { o.now = 0; }}) {
    options = Wanted();
    spoil(options);
    EXPECT_EQ(VerifyPresentation(jwt, resolver_, options).error().code, Code::kInvalidArgument);
  }
}

TEST_F(PresentationTest, NeedsTheHoldersAuthenticationKey) {
  EXPECT_FALSE(Verify(*did::SignJws(json{{"typ", "vp+jwt"}, {"kid", device_ + "#assert"}}, base::DumpJson(Claims()),
                                    *store_, Key(device_ + "#assert")),
                      Wanted())
                   .valid());
  EXPECT_FALSE(Verify(*did::SignJws(json{{"typ", "vp+jwt"}, {"kid", owner_ + "#auth"}}, base::DumpJson(Claims()),
                                    *store_, Key(owner_ + "#auth")),
                      Wanted())
                   .valid());
  EXPECT_FALSE(Verify(*did::SignJws(json{{"typ", "vp+jwt"}, {"kid", device_ + "#auth"}}, base::DumpJson(Claims()),
                                    *store_, Key(owner_ + "#auth")),
                      Wanted())
                   .valid());
  // A jwk of one's own making is nobody's key.
  const json stranger = crypto::PublicKeyToJwk(*store_->Public(Key(owner_ + "#auth")));
  EXPECT_FALSE(Verify(*did::SignJws(json{{"typ", "vp+jwt"}, {"jwk", stranger}}, base::DumpJson(Claims()), *store_,
                                    Key(owner_ + "#auth")),
                      Wanted())
                   .valid());
  EXPECT_FALSE(Verify(*did::SignJws(json{{"typ", "vp+jwt"}}, base::DumpJson(Claims()), *store_, Key(device_ + "#auth")),
                      Wanted())
                   .valid());
  ledger_.down = true;
  EXPECT_EQ(VerifyPresentation(Make(Request()), resolver_, Wanted()).error().code, Code::kUnreachable);
}

TEST_F(PresentationTest, FormIsJudged) {
  EXPECT_TRUE(Verify(Raw(Claims()), Wanted()).valid()) << Verify(Raw(Claims()), Wanted()).Reason();
  struct Case {
    const char* what;
    std::function<void(json&)> edit;
  };
  const Case cases[] = {
      {"type", [](json& c) { c["type"] = "VerifiableCredential"; }},
      {"no iss", [](json& c) { c.erase("iss"); }},
      {"holder differs", [](json& c) { c["holder"] = "did:x:1"; }},
      {"no aud", [](json& c) { c.erase("aud"); }},
      {"aud of others", [](json& c) { c["aud"] = json::array({"did:x:1", "did:x:2"}); }},
      {"no nonce", [](json& c) { c.erase("nonce"); }},
      {"no iat", [](json& c) { c.erase("iat"); }},
      {"no exp", [](json& c) { c.erase("exp"); }},
      {"lives too long", [](json& c) { c["exp"] = kNow + 601; }},
      {"ends before it begins", [](json& c) { c["exp"] = kNow - 1; }},
      {"vp claim", [](json& c) { c["vp"] = json::object(); }},
      {"bare credential", [](json& c) { c["verifiableCredential"] = {{{"type", "VerifiableCredential"}}}; }},
      {"data URL of nothing",
       [](json& c) {
         c["verifiableCredential"] = {{{"type", "EnvelopedVerifiableCredential"}, {"id", "data:application/vc+jwt,"}}};
       }},
      {"not a data URL",
       [](json& c) { c["verifiableCredential"] = {{{"type", "EnvelopedVerifiableCredential"}, {"id", "http://x"}}}; }},
      {"a string", [](json& c) { c["verifiableCredential"] = {"ey.ey.ey"}; }},
  };
  for (const Case& c : cases) {
    json claims = Claims();
    c.edit(claims);
    EXPECT_FALSE(Verify(Raw(claims), Wanted()).valid()) << c.what;
  }
  json list = Claims();
  list["aud"] = {owner_, "did:x:1"};
  EXPECT_TRUE(Verify(Raw(list), Wanted()).valid());
  EXPECT_FALSE(Verify(Raw(Claims(), {{"typ", "vc+jwt"}}), Wanted()).valid());
  EXPECT_FALSE(Verify("x.y.z", Wanted()).valid());
}

TEST_F(PresentationTest, ABadCredentialSpoilsIt) {
  PresentationRequest request = Request();
  json expired = Plain();
  expired["validUntil"] = base::Rfc3339(kNow - 500);
  request.credentials = {Issue(Plain()), Issue(expired)};
  const PresentationVerification v = Verify(Make(request), Wanted());
  EXPECT_FALSE(v.Find(kCheckCredentials)->ok);
  EXPECT_TRUE(v.credentials[0].valid());
  EXPECT_FALSE(v.credentials[1].valid());
}

TEST_F(PresentationTest, CreateRefuses) {
  PresentationRequest request = Request();
  request.extra = R"({"nonce":"x"})";
  EXPECT_FALSE(CreatePresentation(request, *store_, Key(device_ + "#auth"), device_ + "#auth").has_value());
  request = Request();
  request.exp = kNow + 601;
  EXPECT_FALSE(CreatePresentation(request, *store_, Key(device_ + "#auth"), device_ + "#auth").has_value());
  request = Request();
  EXPECT_FALSE(CreatePresentation(request, *store_, Key(owner_ + "#auth"), owner_ + "#auth").has_value());
}

}  // namespace
}  // namespace keel::vc
