// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/vc_sd_jwt/world.h"

namespace keel::vc {
namespace {

using nlohmann::json;

using VerifySdJwtTest = SdJwtTest;

TEST_F(VerifySdJwtTest, SaysWhatItSaw) {
  const Verification v = Verify(Present(Issue(), {"/model"}), Options(true));
  ASSERT_TRUE(v.valid()) << v.Reason();
  EXPECT_EQ(v.form, "dc+sd-jwt");
  EXPECT_EQ(v.kid, kid_);
  EXPECT_EQ(v.credential.issuer, maker_);
  EXPECT_EQ(v.credential.types, std::vector<std::string>{"https://example.com/device"});
  EXPECT_TRUE(v.credential.subjects.empty());  // not disclosed
  EXPECT_EQ(v.credential.valid_until, kNow + 1000);
  EXPECT_NE(v.Find(kCheckValidity), nullptr);
}

TEST_F(VerifySdJwtTest, Envelope) {
  const json payload = {{"iss", maker_}, {"vct", "x:y"}};
  for (const char* typ : {"", "JWT", "jwt", "vc+jwt", "kb+jwt", "example+sd-jwt", "DC+SD-JWT", "dc+sd-jwt+x"})
    Refused(Forge(payload, {}, typ), kCheckEnvelope, "typ");
  EXPECT_TRUE(Verify(Forge(payload, {}, "application/dc+sd-jwt")).valid());
  EXPECT_TRUE(Verify(Forge(payload, {}, "vc+sd-jwt")).valid());  // its earlier name
  Refused(Forge(payload, {}, "dc+sd-jwt", {{"crit", {"a"}}, {"a", 1}}), kCheckEnvelope, "crit");
  Refused(Forge(payload, {}, "dc+sd-jwt", {{"b64", false}}), kCheckEnvelope, "b64");
  Refused(Forge(json::array()), kCheckEnvelope, "object");
  std::string token = Forge(payload);
  Refused(token.substr(0, token.size() - 1), kCheckEnvelope, "~");
  Refused("", kCheckEnvelope);
  Refused("~", kCheckEnvelope);
  Refused("a.b.c~", kCheckEnvelope);
  Refused(token + "~", kCheckEnvelope, "empty disclosure");
  Refused(token + "~" + Text({"s", "n", 1}) + "~", kCheckEnvelope, "empty disclosure");
  EXPECT_TRUE(Verify(token + "\n").valid());
  VerifyOptions small = Options();
  small.max_size = token.size() - 1;
  Refused(token, small, kCheckEnvelope, "octets");
}

TEST_F(VerifySdJwtTest, NoneIsNoAlgorithm) {
  const std::string body = base::Base64Url(AsBytes(base::DumpJson(Claims())));
  for (const char* alg : {"none", "None", "HS256", "RS256", "PS256", "ES512", ""}) {
    const json header = {{"alg", alg}, {"typ", "dc+sd-jwt"}, {"kid", kid_}};
    const std::string head = base::Base64Url(AsBytes(base::DumpJson(header)));
    Refused(head + "." + body + ".~", kCheckEnvelope);
    Refused(head + "." + body + ".AAAA~", kCheckEnvelope);
  }
  // An algorithm that isn't the key's.
  const json header = {{"alg", "ES256"}, {"typ", "dc+sd-jwt"}, {"kid", kid_}};
  Refused(base::Base64Url(AsBytes(base::DumpJson(header))) + "." + body + "." + base::Base64Url(ByteArray<64>{}) + "~",
          kCheckSignature, "ES256");
}

TEST_F(VerifySdJwtTest, TheKeyIsTheIssuers) {
  json claims = Claims();
  Refused(Forge(claims, {}, "dc+sd-jwt", {{"kid", did::DidKeyUrl(*store_->Public(mallory_key_))}}), kCheckIssuer);
  Refused(Forge(claims, {}, "dc+sd-jwt", {{"kid", maker_ + "#other"}}), kCheckIssuer);
  Refused(Forge(claims, {}, "dc+sd-jwt", {{"kid", ""}}), kCheckIssuer);
  claims["iss"] = did::DidKey(*store_->Public(mallory_key_));
  Refused(Forge(claims), kCheckIssuer);
  claims["iss"] = "did:key:z6MkNo";
  Refused(Forge(claims, {}, "dc+sd-jwt", {{"kid", "#x"}}), kCheckIssuer);
  // Mallory signs with the maker's name on it.
  claims = Claims();
  maker_key_ = mallory_key_;
  Refused(Forge(claims), kCheckSignature, "wrong");
}

// A key of key agreement or authentication only doesn't issue.
TEST_F(VerifySdJwtTest, TheKeyIsForAssertion) {
  json document = {{"id", "did:example:m"},
                   {"verificationMethod",
                    {{{"id", "did:example:m#k"},
                      {"type", "JsonWebKey2020"},
                      {"controller", "did:example:m"},
                      {"publicKeyJwk", crypto::PublicKeyToJwk(*store_->Public(maker_key_))}}}},
                   {"authentication", {"did:example:m#k"}}};
  did::StaticResolver resolver;
  resolver.Add(*did::DidDocument::FromJson(document));
  json claims = Claims();
  claims["iss"] = "did:example:m";
  const std::string token = Forge(claims, {}, "dc+sd-jwt", {{"kid", "did:example:m#k"}});
  auto v = VerifySdJwt(token, resolver, Options());
  ASSERT_TRUE(v.has_value());
  EXPECT_FALSE(v->Find(kCheckIssuer)->ok);
  document["assertionMethod"] = {"did:example:m#k"};
  did::StaticResolver better;
  better.Add(*did::DidDocument::FromJson(document));
  v = VerifySdJwt(token, better, Options());
  ASSERT_TRUE(v.has_value());
  EXPECT_TRUE(v->valid()) << v->Reason();
}

TEST_F(VerifySdJwtTest, AnIssuerOnTheWebNeedsAGivenKey) {
  json claims = Claims();
  claims["iss"] = "https://issuer.example";
  const std::string token = Forge(claims, {}, "dc+sd-jwt", {{"kid", "key-1"}});
  const auto could_not = VerifySdJwt(token, resolver_, Options());
  ASSERT_FALSE(could_not.has_value());
  EXPECT_EQ(could_not.error().code, Code::kUnavailable);
  EXPECT_NE(could_not.error().Text().find("--key"), std::string::npos);
  VerifyOptions options = Options();
  options.given_keys = {*store_->Public(mallory_key_), *store_->Public(maker_key_)};
  EXPECT_TRUE(Verify(token, options).valid());
  options.given_keys = {*store_->Public(mallory_key_), *store_->Public(holder_key_)};
  Refused(token, options, kCheckSignature);
  // A DID's own keys are not replaced by given ones.
  options.given_keys = {*store_->Public(mallory_key_)};
  const std::string plain = Forge(Claims());
  EXPECT_TRUE(Verify(plain, options).valid());
  maker_key_ = mallory_key_;
  Refused(Forge(Claims()), options, kCheckSignature);
}

TEST_F(VerifySdJwtTest, WithoutIssTheKeyNamesTheIssuer) {
  json claims = Claims();
  claims.erase("iss");
  const Verification v = Verify(Forge(claims));
  EXPECT_TRUE(v.valid()) << v.Reason();
  EXPECT_EQ(v.credential.issuer, maker_);
  EXPECT_FALSE(VerifySdJwt(Forge(claims, {}, "dc+sd-jwt", {{"kid", "key-1"}}), resolver_, Options()).has_value());
}

TEST_F(VerifySdJwtTest, TypesAreNamed) {
  for (const json& vct : {json(), json(""), json(1), json{"x"}, json("two words")}) {
    json claims = Claims();
    claims["vct"] = vct;
    Refused(Forge(claims), kCheckModel, "vct");
  }
  json claims = Claims();
  claims.erase("vct");
  Refused(Forge(claims), kCheckModel, "vct");
  Refused(Forge(claims, {}, "vc+sd-jwt"), kCheckModel, "vct");
  for (const json& more : {json("x"), json::array(), json{1}, json{"https://example.com/device"}, json{""}}) {
    claims = Claims();
    claims["aka_vcts"] = more;
    Refused(Forge(claims), kCheckModel, "aka_vcts");
  }
  claims["aka_vcts"] = {"urn:example:thing"};
  const Verification v = Verify(Forge(claims));
  EXPECT_TRUE(v.valid()) << v.Reason();
  EXPECT_TRUE(v.credential.Is("urn:example:thing"));
  for (const char* name : {"iss", "sub", "jti"}) {
    claims = Claims();
    claims[name] = 7;
    Refused(Forge(claims), kCheckModel, name);
  }
}

TEST_F(VerifySdJwtTest, Times) {
  json claims = Claims();
  claims["exp"] = kNow - 3600;
  Refused(Forge(claims), kCheckValidity, "expired");
  claims = Claims();
  claims["nbf"] = kNow + 3600;
  Refused(Forge(claims), kCheckValidity, "valid from");
  for (const char* name : {"exp", "nbf", "iat"}) {
    for (const json& bad : {json("tomorrow"), json(-1), json(nullptr), json(true)}) {
      claims = Claims();
      claims[name] = bad;
      Refused(Forge(claims), kCheckModel, name);
    }
  }
  claims = Claims();
  claims["exp"] = static_cast<double>(kNow) + 1000.5;
  EXPECT_TRUE(Verify(Forge(claims)).valid());
  claims["exp"] = static_cast<double>(kNow) - 3600.5;
  Refused(Forge(claims), kCheckValidity);
}

// What decides over validity can't be left to the holder.
TEST_F(VerifySdJwtTest, CriticalClaimsAreNotDisclosed) {
  const json values = {{"iss", maker_},
                       {"nbf", kNow},
                       {"exp", kNow + 9},
                       {"vct", "a:b"},
                       {"vct#integrity", "sha256-x"},
                       {"aka_vcts", {"a:c"}},
                       {"cnf", {{"jwk", crypto::PublicKeyToJwk(*store_->Public(holder_key_))}}},
                       {"status", {{"status_list", {{"idx", 1}, {"uri", "https://x.example"}}}}}};
  for (const auto& [name, value] : values.items()) {
    const std::string text = Text({"s", name, value});
    json claims = Claims();
    claims.erase(name);
    claims["_sd"] = {Digest(text)};
    Refused(Forge(claims, {text}), kCheckDisclosures, name);
  }
  // Nor what is in them, disclosed or not.
  const std::string list = Text({"s", "status_list", {{"idx", 1}, {"uri", "https://x.example"}}});
  json claims = Claims();
  claims["status"] = {{"_sd", {Digest(list)}}};
  Refused(Forge(claims, {list}), kCheckDisclosures, "status");
  Refused(Forge(claims), kCheckDisclosures, "status");
  claims = Claims();
  claims["cnf"] = {{"_sd", {Digest(list)}}};
  Refused(Forge(claims), kCheckDisclosures, "cnf");
  claims = Claims();
  claims["aka_vcts"] = {"a:c", {{"...", Digest(list)}}};
  Refused(Forge(claims), kCheckDisclosures, "aka_vcts");
  // A claim whose name only begins like one of these is no such claim.
  const std::string other = Text({"s", "expiry", 1});
  claims = Claims();
  claims["_sd"] = {Digest(other)};
  EXPECT_TRUE(Verify(Forge(claims, {other})).valid());
}

TEST_F(VerifySdJwtTest, AudienceOfTheIssuer) {
  json claims = Claims();
  claims["aud"] = "did:example:owner";
  Refused(Forge(claims), kCheckAudience, "only");
  VerifyOptions options = Options(true);
  claims["cnf"] = {{"jwk", crypto::PublicKeyToJwk(*store_->Public(holder_key_))}};
  EXPECT_TRUE(Verify(Present(Forge(claims), {}), options).valid());
  claims["aud"] = {"did:example:a", "did:example:b"};
  EXPECT_FALSE(Verify(Present(Forge(claims), {}), options).valid());
}

class FakeStatus final : public StatusChecker {
 public:
  Result<Status> Check(const StatusEntry& entry, const std::string& issuer, UnixSeconds) override {
    ++asked;
    last = entry;
    last_issuer = issuer;
    return Status{.set = set};
  }
  bool set = false;
  int asked = 0;
  StatusEntry last;
  std::string last_issuer;
};

TEST_F(VerifySdJwtTest, Status) {
  json claims = Claims();
  claims["status"] = {{"bitstring_status_list",
                       {{"type", "BitstringStatusListEntry"},
                        {"statusPurpose", "revocation"},
                        {"statusListIndex", "77"},
                        {"statusListCredential", "https://issuer.example/status/1"}}}};
  FakeStatus status;
  VerifyOptions options = Options();
  options.status = &status;
  const std::string token = Forge(claims);
  EXPECT_TRUE(Verify(token, options).valid());
  EXPECT_EQ(status.last.index, 77u);
  EXPECT_EQ(status.last_issuer, maker_);
  status.set = true;
  Refused(token, options, kCheckStatus);
  // Nobody is asked for a forged credential.
  const int asked = status.asked;
  std::string forged = token;
  forged[forged.size() - 5] = forged[forged.size() - 5] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(Verify(forged, options).valid());
  EXPECT_EQ(status.asked, asked);
  // A mechanism that we don't know is no absence of one.
  claims["status"] = {{"status_list", {{"idx", 0}, {"uri", "https://issuer.example/statuslists/1"}}}};
  Refused(Forge(claims), options, kCheckStatus, "status_list");
  options.ignore_status = true;
  EXPECT_TRUE(Verify(Forge(claims), options).valid());
  for (const json& bad : {json("x"), json::object(), json{{"bitstring_status_list", 1}}}) {
    claims["status"] = bad;
    Refused(Forge(claims), kCheckModel);
  }
}

TEST_F(VerifySdJwtTest, OptionsOfEveryForm) {
  const std::string token = Issue();
  VerifyOptions options = Options();
  options.trusted_issuers = {"did:example:other"};
  Refused(token, options, kCheckTrust);
  options.trusted_issuers = {maker_};
  EXPECT_TRUE(Verify(token, options).valid());
  options.subject = "did:example:other";
  Refused(token, options, kCheckSubject);
  options.subject = "did:example:device";
  EXPECT_TRUE(Verify(token, options).valid());
  Refused(Present(token, {"/model"}, false), options, kCheckSubject);  // the subject isn't disclosed
  options.require_batch = true;
  Refused(token, options, kCheckBatch);
}

class W3cBySdJwt : public SdJwtTest {
 protected:
  json Credential() const {
    return {{"@context", {"https://www.w3.org/ns/credentials/v2"}},
            {"type", {"VerifiableCredential"}},
            {"issuer", maker_},
            {"validFrom", "2020-01-01T00:00:00Z"},
            {"credentialSubject", {{"id", "did:example:device"}, {"name", "K"}}}};
  }
};

TEST_F(W3cBySdJwt, Credentials) {
  SdJwtIssue plan = Plan();
  plan.typ = kTypVcSdJwt;
  plan.concealed = {"/credentialSubject/name", "/credentialSubject/id"};
  const std::string token = Issue(Credential(), plan);
  const Verification v = Verify(token);
  EXPECT_TRUE(v.valid()) << v.Reason();
  EXPECT_EQ(v.form, "vc+sd-jwt");
  EXPECT_EQ(v.credential.subjects, std::vector<std::string>{"did:example:device"});
  const Verification less = Verify(Present(token, {"/credentialSubject/name"}), Options(true));
  EXPECT_TRUE(less.valid()) << less.Reason();
  EXPECT_TRUE(less.credential.subjects.empty());
}

TEST_F(W3cBySdJwt, ModelAndClaims) {
  json credential = Credential();
  credential["vct"] = "a:b";
  Refused(Forge(credential, {}, "vc+sd-jwt"), kCheckModel, "vct");
  credential = Credential();
  credential.erase("credentialSubject");
  Refused(Forge(credential, {}, "vc+sd-jwt"), kCheckModel);
  credential = Credential();
  credential["iss"] = "did:example:other";
  Refused(Forge(credential, {}, "vc+sd-jwt"), kCheckModel, "iss");
  credential = Credential();
  credential["exp"] = kNow - 3600;
  Refused(Forge(credential, {}, "vc+sd-jwt"), kCheckValidity);
  credential = Credential();
  credential["vc"] = json::object();
  Refused(Forge(credential, {}, "vc+sd-jwt"), kCheckModel);
  Refused(Forge(Credential(), {}, "vp+sd-jwt"), kCheckModel);
}

// A credential whose status the holder may leave out is none that can be revoked.
TEST_F(W3cBySdJwt, StatusIsNotDisclosed) {
  const json entry = {{"type", "BitstringStatusListEntry"},
                      {"statusPurpose", "revocation"},
                      {"statusListIndex", "7"},
                      {"statusListCredential", "https://x.example/1"}};
  for (const char* name : {"credentialStatus", "validUntil", "validFrom"}) {
    const std::string text = Text({"s", name, name[0] == 'c' ? entry : json("2030-01-01T00:00:00Z")});
    json credential = Credential();
    credential.erase(name);
    credential["_sd"] = {Digest(text)};
    Refused(Forge(credential, {text}, "vc+sd-jwt"), kCheckDisclosures, name);
  }
  json credential = Credential();
  credential["credentialStatus"] = {{{"...", Digest(Text({"s", entry}))}}};
  Refused(Forge(credential, {}, "vc+sd-jwt"), kCheckDisclosures, "credentialStatus");
}

TEST_F(W3cBySdJwt, Presentations) {
  const json presentation = {{"@context", {"https://www.w3.org/ns/credentials/v2"}},
                             {"type", {"VerifiablePresentation"}},
                             {"holder", maker_},
                             {"aud", "did:example:owner"},
                             {"nonce", "n-1"}};
  const Verification v = Verify(Forge(presentation, {}, "vp+sd-jwt"), Options(true));
  EXPECT_TRUE(v.valid()) << v.Reason();
  EXPECT_TRUE(v.presentation);
  EXPECT_EQ(v.holder, maker_);
  VerifyOptions other = Options(true);
  other.nonce = "n-2";
  Refused(Forge(presentation, {}, "vp+sd-jwt"), other, kCheckNonce);
  json several = presentation;
  several["aud"] = {"did:example:third", "did:example:owner"};
  EXPECT_TRUE(Verify(Forge(several, {}, "vp+sd-jwt"), Options(true)).valid());
  several["aud"] = {"did:example:third"};
  Refused(Forge(several, {}, "vp+sd-jwt"), Options(true), kCheckAudience);
  Refused(Forge(presentation, {}, "vc+sd-jwt"), kCheckModel);
  json claimed = presentation;
  claimed["holder"] = did::DidKey(*store_->Public(mallory_key_));
  Refused(Forge(claimed, {}, "vp+sd-jwt"), kCheckIssuer);
  claimed = presentation;
  claimed["iss"] = "did:example:other";
  Refused(Forge(claimed, {}, "vp+sd-jwt"), kCheckModel, "iss");
}

class JsonForm : public SdJwtTest {
 protected:
  json Flat(const std::string& token) const {
    const SdJwt parts = *SdJwt::Parse(token);
    const size_t first = parts.jwt.find('.'), second = parts.jwt.rfind('.');
    json out = {{"protected", parts.jwt.substr(0, first)},
                {"payload", parts.jwt.substr(first + 1, second - first - 1)},
                {"signature", parts.jwt.substr(second + 1)},
                {"header", {{"disclosures", parts.disclosures}}}};
    if (!parts.key_binding.empty()) out["header"]["kb_jwt"] = parts.key_binding;
    return out;
  }
  static json General(const json& flat) {
    json signature = flat;
    signature.erase("payload");
    return {{"payload", flat["payload"]}, {"signatures", {signature}}};
  }
};

TEST_F(JsonForm, FlattenedAndGeneral) {
  const std::string token = Present(Issue(), {"/model", "/firmware/digest"});
  for (const json& form : {Flat(token), General(Flat(token))}) {
    const Verification v = Verify(base::DumpJson(form), Options(true));
    EXPECT_TRUE(v.valid()) << v.Reason();
    EXPECT_EQ(base::ParseJson(v.credential.json)->at("model"), "M1");
    EXPECT_EQ(SdJwt::Parse(base::DumpJson(form))->Compact(), token);
  }
  // Without disclosures or header at all.
  json bare = Flat(Present(Issue(), {}, false));
  bare.erase("header");
  EXPECT_TRUE(Verify(base::DumpJson(bare)).valid());
}

TEST_F(JsonForm, WhatItMustNotBe) {
  const json good = Flat(Present(Issue(), {"/model"}));
  const auto refused = [&](const json& form) { Refused(base::DumpJson(form), Options(true), kCheckEnvelope); };
  for (const char* name : {"payload", "protected", "signature"}) {
    json form = good;
    form.erase(name);
    refused(form);
    form[name] = 1;
    refused(form);
  }
  for (const json& header :
       {json("x"), json{{"disclosures", "x"}}, json{{"disclosures", {1}}}, json{{"disclosures", {""}}},
        json{{"disclosures", {"a~b"}}}, json{{"kb_jwt", 1}}, json{{"kb_jwt", ""}}, json{{"typ", "x"}},
        json{{"kid", "x"}}, json{{"alg", "none"}}, json{{"crit", {"x"}}}}) {
    json form = good;
    form["header"] = header;
    refused(form);
  }
  json both = General(good);
  both["signature"] = "AAAA";
  refused(both);
  json none = General(good);
  none["signatures"] = json::array();
  refused(none);
  // Disclosures belong to the first signature.
  json second = General(good);
  second["signatures"].push_back(second["signatures"][0]);
  refused(second);
  second["signatures"][1].erase("header");
  EXPECT_TRUE(Verify(base::DumpJson(second), Options(true)).valid());
  json moved = second;
  std::swap(moved["signatures"][0], moved["signatures"][1]);
  refused(moved);
  json dropped = good;
  dropped["header"]["disclosures"] = json::array();
  Refused(base::DumpJson(dropped), Options(true), kCheckKeyBinding, "sd_hash");
  json unbound = good;
  unbound["header"].erase("kb_jwt");
  Refused(base::DumpJson(unbound), Options(true), kCheckKeyBinding);
}

}  // namespace
}  // namespace keel::vc
