// SPDX-License-Identifier: Apache-2.0
#include "vc-api/vc_api.h"

#include "tests/unit/vc_api/world.h"

// What W3C's suites demand of the endpoints.
namespace keel::vc_api {
namespace {

using nlohmann::json;

TEST_F(VcApiTest, IssueGivesTheBareCredential) {
  for (const Issuer& issuer : issuers_) {
    json credential = Plain();
    credential["issuer"] = issuer.did;
    const auto response = Issue(credential);
    ASSERT_EQ(response.status, 201) << response.body;
    const json issued = Body(response);
    EXPECT_EQ(issued["issuer"], issuer.did);
    EXPECT_EQ(issued["@context"][0], "https://www.w3.org/ns/credentials/v2");
    EXPECT_TRUE(issued["proof"].is_object());
    const auto verdict = Verify(issued, {{"checks", {"proof"}}});
    ASSERT_EQ(verdict.status, 200) << verdict.body;
    EXPECT_EQ(Body(verdict)["verified"], true);
    EXPECT_EQ(Body(verdict)["errors"], json::array());
  }
  // Without an issuer, or with one that has a name only: ours.
  EXPECT_EQ(Body(Issue(Plain()))["issuer"], issuers_[0].did);
  json named = Plain();
  named["issuer"] = {{"name", "Maker"}};
  EXPECT_EQ(Body(Issue(named))["issuer"]["id"], issuers_[0].did);
}

// RDF has no place for it: JCS signs it, but not where RDFC was asked for.
TEST_F(VcApiTest, DirectionsAreSigned) {
  json credential = Plain();
  credential["name"] = {{"@value", "Example"}, {"@language", "en"}, {"@direction", "ltr"}};
  const auto response = Issue(credential);
  ASSERT_EQ(response.status, 201) << response.body;
  json issued = Body(response);
  EXPECT_EQ(Verify(issued).status, 200) << Verify(issued).body;
  issued["name"]["@direction"] = "rtl";
  EXPECT_EQ(Verify(issued).status, 400);
  EXPECT_EQ(Issue(credential, {{"cryptosuite", "eddsa-rdfc-2022"}}).status, 400);
}

TEST_F(VcApiTest, EveryForm) {
  for (const std::string_view form : vc::CredentialForms()) {
    if (form == "dc+sd-jwt") continue;
    const auto response = Issue(Plain(), json::object(), std::string(form));
    ASSERT_EQ(response.status, 201) << form << response.body;
    const json issued = Body(response);
    if (form == "ecdsa-sd-2023") {
      const auto derived = issuing_->Derive(base::DumpJson(
          {{"verifiableCredential", issued}, {"options", {{"selectivePointers", {"/credentialSubject"}}}}}));
      ASSERT_EQ(derived.status, 201) << derived.body;
      EXPECT_EQ(Verify(Body(derived)).status, 200) << Verify(Body(derived)).body;
      continue;
    }
    EXPECT_TRUE(issued.contains("proof") || issued["type"] == "EnvelopedVerifiableCredential") << form;
    EXPECT_EQ(Verify(issued).status, 200) << form << Verify(issued).body;
    EXPECT_EQ(Body(Issue(Plain(), {{"cryptosuite", form}})).contains("proof"), issued.contains("proof")) << form;
  }
  EXPECT_EQ(Issue(Plain(), json::object(), "rot13").status, 400);
  EXPECT_EQ(Body(issuing_->Issuers()).size(), 3U);
}

TEST_F(VcApiTest, IssueRefusesWithProblemDetails) {
  struct Case {
    const char* what;
    std::function<void(json&)> change;
  };
  for (const Case& one : std::initializer_list<Case>{
           {"no context", [](json& c) { c.erase("@context"); }},
           {"no base context", [](json& c) { c["@context"] = {"https://www.w3.org/ns/credentials/examples/v2"}; }},
           {"a context that is no URL", [](json& c) { c["@context"].push_back("https ://not-a-url"); }},
           {"a context that is a number", [](json& c) { c["@context"].push_back(123192875); }},
           {"no type", [](json& c) { c.erase("type"); }},
           {"an unmapped type", [](json& c) { c["type"].push_back("ExampleTestCredential"); }},
           {"a second meaning",
            [](json& c) { c["@context"].push_back({{"VerifiableCredential", "https://example.org/#Bad"}}); }},
           {"id null", [](json& c) { c["id"] = nullptr; }},
           {"issuer null", [](json& c) { c["issuer"] = nullptr; }},
           {"somebody else's issuer", [](json& c) { c["issuer"] = "did:example:other"; }},
           {"issuer's id null", [](json& c) { c["issuer"] = {{"id", nullptr}}; }},
           {"no subject", [](json& c) { c.erase("credentialSubject"); }},
           {"a subject without claims", [](json& c) { c["credentialSubject"] = json::object(); }},
           {"validFrom", [](json& c) { c["validFrom"] = "Sat 25 Feb 2023 07:16:31 PM CST"; }},
           {"evidence without type", [](json& c) { c["evidence"] = json::object(); }},
           {"a related resource with another digest", [](json& c) {
              c["relatedResource"] = {{"id", "https://www.w3.org/ns/credentials/v2"},
                                      {"digestMultibase", "uM4RgWQc3RUDtjJCSgTJtTfvpZ7SPEg_LNO0ESlovQC0"}};
            }}}) {
    json credential = Plain();
    one.change(credential);
    const auto response = Issue(credential);
    EXPECT_EQ(response.status, 400) << one.what << response.body;
    EXPECT_EQ(response.content_type, "application/problem+json");
    for (const char* member : {"type", "title", "status", "detail"})
      EXPECT_TRUE(Body(response).contains(member)) << one.what << member;
  }
  for (const char* body : {"", "[]", "{}", R"({"credential": 7})", R"({"credential": {}, "credential": {}})"})
    EXPECT_EQ(issuing_->Issue(body, "").status, 400) << body;
}

TEST_F(VcApiTest, VerifyRefusesWithProblemDetails) {
  json issued = Body(Issue(Plain()));
  json changed = issued;
  changed["credentialSubject"]["id"] = "did:example:other";
  auto response = Verify(changed);
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.content_type, "application/problem+json");
  json body = Body(response);
  EXPECT_EQ(body["verified"], false);
  EXPECT_EQ(body["type"], "https://w3id.org/security#PROOF_VERIFICATION_ERROR") << body;
  EXPECT_EQ(body["problemDetails"], body["errors"]);
  EXPECT_EQ(body["status"], 400);
  for (const json& bad : {json{{"type", {"NonconformingDocument"}}}, json("not a token"), json(7), json(),
                          json(base::DumpJson(issued)), json::array({issued})}) {
    EXPECT_EQ(Verify(bad).status, 400) << bad;
    EXPECT_EQ(Body(Verify(bad))["verified"], false);
    EXPECT_EQ(VerifyVp(bad).status, 400) << bad;
  }
  // One for the other.
  EXPECT_EQ(VerifyVp(issued).status, 400);
  // Expired.
  json brief = Plain();
  brief["validUntil"] = base::Rfc3339(kNow + 10);
  issued = Body(Issue(brief));
  EXPECT_EQ(Verify(issued).status, 200);
  clock_.now += 1000;
  EXPECT_EQ(Body(Verify(issued))["type"], "https://www.w3.org/TR/vc-data-model#RANGE_ERROR");
}

TEST_F(VcApiTest, Presentations) {
  const crypto::KeyHandle key = *keys_->Generate(crypto::KeyType::kEd25519);
  vc::SecureOptions options;
  options.form = "eddsa-rdfc-2022";
  options.store = keys_.get();
  options.key = key;
  options.kid = did::DidKeyUrl(*keys_->Public(key));
  options.created = kNow;
  options.challenge = "c-1";
  options.domain = "suite.example";
  const json presentation = {{"@context", {"https://www.w3.org/ns/credentials/v2"}},
                             {"type", {"VerifiablePresentation"}},
                             {"verifiableCredential", {Body(Issue(Plain())), Body(Issue(Plain(), {}, "vc+jwt"))}}};
  const auto secured = vc::Secure(presentation, options);
  ASSERT_TRUE(secured.has_value()) << secured.error().Text();
  json vp = *base::ParseJson(secured->octets);
  const json right = {{"challenge", "c-1"}, {"domain", "suite.example"}};
  EXPECT_EQ(VerifyVp(vp, right).status, 200) << VerifyVp(vp, right).body;
  EXPECT_EQ(Body(VerifyVp(vp, {{"challenge", "c-2"}}))["type"], "https://w3id.org/security#INVALID_CHALLENGE_ERROR");
  EXPECT_EQ(Body(VerifyVp(vp, {{"domain", "other.example"}}))["type"],
            "https://w3id.org/security#INVALID_DOMAIN_ERROR");
  EXPECT_EQ(Verify(vp).status, 400);
  for (const json& context : {json::array(), json{"https://www.w3.org/ns/credentials/examples/v2"},
                              json{"https://www.w3.org/ns/credentials/v2", "https://example.com"},
                              json{"https://www.w3.org/ns/credentials/v2", 123192875}}) {
    json bad = vp;
    bad["@context"] = context;
    EXPECT_EQ(VerifyVp(bad, right).status, 400) << context;
  }
  vp["proof"]["proofValue"] = "z5nmMBw2u9TGKd9NxxHJtyZKgjN2Eh";
  EXPECT_EQ(VerifyVp(vp, right).status, 400);
}

TEST_F(VcApiTest, Statuses) {
  const json issued = Body(Issue(Plain(), {{"credentialStatus", {{"statusPurpose", "revocation"}}}}));
  ASSERT_TRUE(issued.contains("credentialStatus")) << issued;
  json entry = issued["credentialStatus"];
  EXPECT_EQ(entry["type"], "BitstringStatusListEntry");
  EXPECT_EQ(entry["statusListCredential"], "https://issuer.example/credentials/status/1");
  EXPECT_EQ(Verify(issued).status, 200) << Verify(issued).body;
  const json list = Body(issuing_->List("1"));
  EXPECT_EQ(issuing_->List("1").content_type, "application/vc");
  EXPECT_EQ(issuing_->List("1", "*/*").content_type, "application/vc");
  EXPECT_EQ(issuing_->List("1", "application/json, application/vc").content_type, "application/vc");
  EXPECT_EQ(issuing_->List("1", "application/ld+json, application/json").content_type, "application/ld+json");
  EXPECT_EQ(issuing_->List("1", "text/html").content_type, "application/vc");
  EXPECT_EQ(list["type"][1], "BitstringStatusListCredential");
  entry["status"] = "1";
  EXPECT_EQ(issuing_->SetStatus(base::DumpJson({{"credentialStatus", entry}})).status, 200);
  const auto revoked = Verify(issued);
  EXPECT_EQ(revoked.status, 400);
  EXPECT_NE(Body(revoked)["detail"].get<std::string>().find("revocation"), std::string::npos) << revoked.body;
  // Only the proof was asked about: said, and no list is fetched.
  down_ = true;
  EXPECT_EQ(Verify(issued).status, 400);
  const auto proof = Verify(issued, {{"checks", {"proof"}}});
  EXPECT_EQ(proof.status, 200) << proof.body;
  EXPECT_NE(proof.body.find("left out"), std::string::npos);
  down_ = false;
  entry["status"] = "0";
  EXPECT_EQ(issuing_->SetStatus(base::DumpJson({{"credentialStatus", {entry}}})).status, 200);
  EXPECT_EQ(Verify(issued).status, 200);
  entry["statusListIndex"] = std::to_string(std::stoull(entry["statusListIndex"].get<std::string>()) ^ 1);
  EXPECT_EQ(issuing_->SetStatus(base::DumpJson({{"credentialStatus", entry}})).status, 404);
  for (const char* body :
       {"{}", "7", R"({"credentialStatus": {"statusListIndex": "3", "status": "1"}})",
        R"({"credentialStatus": {"statusListCredential": "/1", "statusListIndex": 3, "status": "1"}})",
        R"({"credentialStatus": {"statusListCredential": "/1", "statusListIndex": "3", "status": "maybe"}})"})
    EXPECT_EQ(issuing_->SetStatus(body).status, 400) << body;
  // A credential that is refused takes no place; one with a status of its own keeps it.
  EXPECT_EQ(Issue({{"type", "x"}}, {{"credentialStatus", json::object()}}).status, 400);
  EXPECT_FALSE(Body(Issue(Plain())).contains("credentialStatus"));
  OpenBook(true);
  EXPECT_TRUE(Body(Issue(Plain())).contains("credentialStatus"));
}

}  // namespace
}  // namespace keel::vc_api
