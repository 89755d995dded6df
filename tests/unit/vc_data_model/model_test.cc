// SPDX-License-Identifier: Apache-2.0
#include "vc/data_model/model.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/json_strict.h"

// The statements of Verifiable Credentials Data Model 2.0, section by section, as W3C's test suite has them.
namespace keel::vc {
namespace {

using nlohmann::json;

json Plain() {
  return *base::ParseJson(R"({
    "@context": ["https://www.w3.org/ns/credentials/v2"],
    "type": ["VerifiableCredential"],
    "issuer": "did:example:maker",
    "credentialSubject": {"id": "did:example:device"}
  })");
}
json Presentation() {
  return *base::ParseJson(R"({
    "@context": ["https://www.w3.org/ns/credentials/v2"],
    "type": ["VerifiablePresentation"]
  })");
}

struct Case {
  const char* member;  // set to `value`; erased for "-"
  const char* value;
  const char* error;  // what the error has in it; empty: taken
};

void Expect(const Case& one, json document, auto check) {
  if (std::string_view(one.value) == "-") {
    document.erase(one.member);
  } else {
    document[one.member] = *base::ParseJson(one.value);
  }
  const auto result = check(document);
  const std::string what = std::string(one.member) + " = " + one.value;
  if (std::string_view(one.error).empty()) {
    EXPECT_TRUE(result.has_value()) << what << ": " << result.error().Text();
  } else {
    ASSERT_FALSE(result.has_value()) << what;
    EXPECT_NE(result.error().Text().find(one.error), std::string::npos) << what << ": " << result.error().Text();
  }
}
void ExpectAll(std::initializer_list<Case> cases) {
  for (const Case& one : cases) Expect(one, Plain(), CheckCredentialModel);
}
void ExpectAllPresented(std::initializer_list<Case> cases) {
  for (const Case& one : cases) Expect(one, Presentation(), CheckPresentationModel);
}

TEST(DataModel, NoObjectIsNoCredential) {
  for (const char* text : {"[]", "\"x\"", "null", "7"}) {
    EXPECT_FALSE(CheckCredentialModel(*base::ParseJson(text)).has_value()) << text;
    EXPECT_FALSE(CheckPresentationModel(*base::ParseJson(text)).has_value()) << text;
    EXPECT_FALSE(CheckEnvelopedModel(*base::ParseJson(text), kEnvelopedCredential).has_value()) << text;
  }
  EXPECT_FALSE(CheckCredentialModel({{"type", {"NonconformingDocument"}}}).has_value());
}

TEST(DataModel, Contexts) {
  for (const auto check : {CheckCredentialModel, CheckPresentationModel}) {
    const json document = check == CheckCredentialModel ? Plain() : Presentation();
    for (const Case& one : std::initializer_list<Case>{
             {"@context", "-", "'@context' is required"},
             {"@context", R"([])", "'@context' is an empty array"},
             {"@context", R"(["https://www.w3.org/ns/credentials/examples/v2"])", "the first '@context'"},
             {"@context", R"([{"a":"https://example.org/#a"}, "https://www.w3.org/ns/credentials/v2"])",
              "the first '@context'"},
             {"@context",
              R"(["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/examples/v2"])", ""},
             {"@context", R"(["https://www.w3.org/ns/credentials/v2", {"a":"https://example.org/#a"}])", ""},
             {"@context", R"(["https://www.w3.org/ns/credentials/v2", "https ://not-a-url/contexts/v1"])",
              "'@context[1]'"},
             {"@context", R"(["https://www.w3.org/ns/credentials/v2", 123192875])", "'@context[1]'"},
             {"@context", R"(["https://www.w3.org/ns/credentials/v2", null])", "'@context[1]'"}}) {
      Expect(one, document, check);
    }
  }
}

TEST(DataModel, Identifiers) {
  ExpectAll({{"id", R"("https://example.org/credentials/1")", ""},
             {"id", R"("urn:uuid:9c9a36f8-518f-4976-a934-6649502d0008")", ""},
             {"id", R"(null)", "'id' is no URL"},
             {"id", R"(["https://example.org/1", "https://example.net/1"])", "'id' is no URL"},
             {"id", R"("https ://not-a-url/vcs/1")", "'id' is no URL"},
             {"id", R"("not-a-url")", "'id' is no URL"},
             {"id", R"("https:///path")", "'id' is no URL"},
             {"id", R"("https:")", "'id' is no URL"},
             {"id", R"("7up:x")", "'id' is no URL"},
             {"credentialSubject", R"({"id": ["did:example:a", "did:example:b"]})", "'credentialSubject.id'"},
             {"credentialSubject", R"({"id": "device"})", "'credentialSubject.id'"},
             {"credentialSubject", R"({"name": "no id at all"})", ""}});
  ExpectAllPresented({{"id", R"("urn:uuid:9c9a36f8-518f-4976-a934-6649502d0008")", ""}, {"id", R"("x")", "'id'"}});
}

TEST(DataModel, Types) {
  ExpectAll({{"type", "-", "'type' is required"},
             {"type", R"([])", "'type' is an empty array"},
             {"type", R"("VerifiableCredential")", ""},
             {"type", R"(["VerifiableCredential", "https://example.org/#ExampleCredential"])", ""},
             {"type", R"(["https://example.org/#A", "https://example.org/#B", "VerifiableCredential"])", ""},
             {"type", R"(["RelationshipCredential"])", "doesn't have VerifiableCredential"},
             {"type", R"(["VerifiableCredential", 2])", "'type[1]'"},
             {"type", R"(["VerifiableCredential", ""])", "'type[1]'"},
             {"type", R"({"VerifiableCredential": true})", "'type'"}});
  ExpectAllPresented({{"type", "-", "'type' is required"},
                      {"type", R"(["CredentialManagerPresentation"])", "doesn't have VerifiablePresentation"},
                      {"type", R"(["VerifiablePresentation", "https://example.org/#X"])", ""}});
}

TEST(DataModel, NamesAndDescriptions) {
  for (const char* member : {"name", "description"}) {
    ExpectAll({{member, R"("An Example")", ""},
               {member, R"({"@value": "An Example", "@language": "en"})", ""},
               {member, R"({"@value": "An Example", "@language": "en", "@direction": "ltr"})", ""},
               {member, R"([{"@value": "Dog", "@language": "en"}, {"@value": "Chien", "@language": "fr-CA"}])", ""},
               {member, R"({"@value": "An Example", "@language": "en", "url": "did:example:x"})", "a member 'url'"},
               {member, R"({"@language": "en"})", ".@value' is required"},
               {member, R"({"@value": 7})", ".@value' is no string"},
               {member, R"({"@value": "x", "@language": "e n"})", ".@language'"},
               {member, R"({"@value": "x", "@language": "-en"})", ".@language'"},
               {member, R"({"@value": "x", "@direction": "up"})", ".@direction'"},
               {member, R"([])", "is an empty array"},
               {member, R"(7)", "is neither a string nor"}});
    const std::string named = std::string(R"({"id": "did:example:maker", ")") + member + R"(": )";
    ExpectAll({{"issuer", (named + R"("Maker"})").c_str(), ""}});
    ExpectAll({{"issuer", (named + R"({"@value": "Maker", "@language": "en", "@direction": "rtl"}})").c_str(), ""}});
    ExpectAll({{"issuer", (named + R"({"@value": "Maker", "url": "did:example:x"}})").c_str(), "a member 'url'"}});
  }
}

TEST(DataModel, Issuer) {
  ExpectAll({{"issuer", "-", "'issuer' is required"},
             {"issuer", R"({"id": "did:example:maker", "name": "Maker"})", ""},
             {"issuer", R"("fake-issuer")", "'issuer' is neither a URL"},
             {"issuer", R"(null)", "'issuer' is neither a URL"},
             {"issuer", R"(["did:example:maker"])", "'issuer' is neither a URL"},
             {"issuer", R"({"name": "Maker"})", "'issuer.id' is required"},
             {"issuer", R"({"id": null})", "'issuer.id' is no URL"},
             {"issuer", R"({"id": "fake-issuer"})", "'issuer.id' is no URL"}});
}

TEST(DataModel, CredentialSubject) {
  ExpectAll({{"credentialSubject", "-", "'credentialSubject' is required"},
             {"credentialSubject", R"({})", "claims nothing"},
             {"credentialSubject", R"([])", "is an empty array"},
             {"credentialSubject", R"("did:example:device")", "is no object"},
             {"credentialSubject", R"([{"id": "did:example:a"}, {"id": "did:example:b"}])", ""},
             {"credentialSubject", R"([{"id": "did:example:a"}, {}])", "'credentialSubject[1]' claims nothing"},
             {"credentialSubject", R"([{"id": "did:example:a"}, 7])", "'credentialSubject[1]' is no object"},
             {"credentialSubject", R"({"type": 7, "a": 1})", "'credentialSubject.type'"}});
}

TEST(DataModel, ValidityPeriod) {
  ExpectAll({{"validFrom", R"("2023-02-26T01:02:58.447Z")", ""},
             {"validFrom", R"("2023-02-25T19:10:39-06:00")", ""},
             {"validFrom", R"("4023-02-26T01:02:58.447Z")", ""},
             {"validFrom", R"("Sat 25 Feb 2023 07:16:31 PM CST")", "'validFrom' is no date"},
             {"validFrom", R"("2023-02-26")", "'validFrom' is no date"},
             {"validFrom", R"("2023-02-26T01:02:58")", "'validFrom' is no date"},
             {"validFrom", R"(1677373378)", "'validFrom' is no string"},
             {"validUntil", R"("2023-02-26T01:20:18.477Z")", ""},
             {"validUntil", R"("2023-02-25T19:21:29-06:00")", ""},
             {"validUntil", R"("Sun, 26 Feb 2023 01:22:14 +0000")", "'validUntil' is no date"},
             {"issuanceDate", R"("2023-02-26T01:02:58Z")", "doesn't exist in the data model 2.0"},
             {"expirationDate", R"("2023-02-26T01:02:58Z")", "doesn't exist in the data model 2.0"}});
  json document = Plain();
  document["validFrom"] = "2023-02-26T01:21:23Z";
  document["validUntil"] = "2023-02-25T19:21:29-06:00";
  EXPECT_TRUE(CheckCredentialModel(document).has_value());
  document["validUntil"] = "2023-02-25T19:21:23-06:00";  // the same moment
  EXPECT_TRUE(CheckCredentialModel(document).has_value());
  document["validUntil"] = "2023-02-25T19:21:22-06:00";
  EXPECT_FALSE(CheckCredentialModel(document).has_value());
}

TEST(DataModel, ObjectsWithAType) {
  for (const char* member :
       {"credentialStatus", "credentialSchema", "refreshService", "termsOfUse", "evidence", "proof"}) {
    ExpectAll(
        {{member, R"({"id": "did:example:x/1", "type": "Example"})", ""},
         {member, R"([{"id": "did:example:x/1", "type": "A"}, {"id": "did:example:x/2", "type": ["B", "C"]}])", ""},
         {member, R"({"id": "did:example:x/1"})", ".type' is required"},
         {member, R"({"id": "did:example:x/1", "type": 2})", ".type'"},
         {member, R"({"id": "did:example:x/1", "type": []})", ".type'"},
         {member, R"({"id": "https ://not-a-url/4", "type": "Example"})", ".id' is no URL"},
         {member, R"({"id": ["did:example:1", "did:example:2"], "type": "Example"})", ".id' is no URL"},
         {member, R"({})", "is required"},
         {member, R"([])", "is an empty array"},
         {member, R"("did:example:x/1")", "is no object"},
         {member, R"([{"id": "did:example:x/1", "type": "A"}, null])", "[1]' is no object"}});
  }
  for (const char* member : {"credentialStatus", "refreshService", "termsOfUse", "evidence"})
    ExpectAll({{member, R"({"type": "Example"})", ""}});
  ExpectAll({{"credentialSchema", R"({"type": "Example"})", "'credentialSchema.id' is required"}});
  ExpectAllPresented({{"termsOfUse", R"({"id": "did:example:x/1"})", "'termsOfUse.type' is required"},
                      {"proof", R"({"created": "2023-02-26T01:02:58Z"})", "'proof.type' is required"}});
}

TEST(DataModel, RelatedResource) {
  ExpectAll(
      {{"relatedResource",
        R"({"id": "https://example.org/x", "digestMultibase": "uJKGMkOmFbVJhEfKTduMC2XCyvRAYLjOVmZWwIH1wQ7k"})", ""},
       {"relatedResource",
        R"([{"id": "https://example.org/x", "mediaType": "application/ld+json",
             "digestSRI": "sha384-NSOcNpmdIVUxIJGvGUoe22FjTWrXiaXlsZ8q6912LdnR3KraQO2n75Ica4wK4Qeg"}])",
        ""},
       {"relatedResource", R"(["https://example.org/x"])", "'relatedResource[0]' is no object"},
       {"relatedResource", R"([{"digestMultibase": "uJKGMkOmFbVJhEfKTduMC2XCyvRAYLjOVmZWwIH1wQ7k"}])",
        "'relatedResource[0].id' is required"},
       {"relatedResource", R"([{"id": "https://example.org/x"}])", "neither digestSRI nor digestMultibase"},
       {"relatedResource",
        R"([{"id": "https://example.org/x", "digestMultibase": "uJKGMkOmFbVJhEfKTduMC2XCyvRAYLjOVmZWwIH1wQ7k"},
            {"id": "https://example.org/x", "digestMultibase": "uJKGMkOmFbVJhEfKTduMC2XCyvRAYLjOVmZWwIH1wQ7k"}])",
        "'relatedResource[1].id' stands there twice"},
       {"relatedResource", R"({"id": "https://example.org/x", "digestSRI": "md5-rL0Y20zC+Fzt72VPzMSk2A=="})",
        "'relatedResource.digestSRI'"},
       {"relatedResource", R"({"id": "https://example.org/x", "digestSRI": "sha256-AAAA"})", "a wrong length"},
       {"relatedResource", R"({"id": "https://example.org/x", "digestMultibase": "uAAAA"})", "no SHA-256"},
       {"relatedResource", R"({"id": "https://example.org/x", "digestMultibase": 7})", "is no string"},
       {"relatedResource",
        R"({"id": "https://example.org/x", "mediaType": 7,
            "digestMultibase": "uJKGMkOmFbVJhEfKTduMC2XCyvRAYLjOVmZWwIH1wQ7k"})",
        "'relatedResource.mediaType'"}});
}

TEST(DataModel, ListsAreBounded) {
  json document = Plain();
  for (size_t i = 0; i < kMaxStatusEntries; ++i) document["credentialStatus"].push_back({{"type", "Example"}});
  EXPECT_TRUE(CheckCredentialModel(document).has_value());
  document["credentialStatus"].push_back({{"type", "Example"}});
  EXPECT_EQ(CheckCredentialModel(document).error().code, Code::kTooLarge);
  document = Presentation();
  for (size_t i = 0; i < kMaxPresented; ++i) document["verifiableCredential"].push_back(Plain());
  EXPECT_TRUE(CheckPresentationModel(document).has_value());
  document["verifiableCredential"].push_back(Plain());
  EXPECT_EQ(CheckPresentationModel(document).error().code, Code::kTooLarge);
}

TEST(DataModel, Presentations) {
  const std::string credential = Plain().dump();
  ExpectAllPresented({{"holder", R"("did:example:holder")", ""},
                      {"holder", R"({"id": "did:example:holder"})", ""},
                      {"holder", R"("z6MkpJySvETLnxhQG9DzEdmKJtysBDjuuTeDfUj1uNNCUqcj")", "'holder'"},
                      {"holder", R"({"name": "Acme"})", "'holder.id' is required"},
                      {"holder", R"({"id": "acme"})", "'holder.id' is no URL"},
                      {"verifiableCredential", credential.c_str(), ""},
                      {"verifiableCredential", R"([])", ""},
                      {"verifiableCredential", R"(["eyJhbGciOiJFUzI1NiJ9.e30.AA"])", "is no object"},
                      {"verifiableCredential", R"(7)", "is no object"},
                      {"verifiableCredential", R"([{"type": [], "issuer": "did:example:maker"}])", ".type'"},
                      {"verifiableCredential", R"({"type": "EnvelopedVerifiableCredential", "id": "data:,"})", ""}});
}

TEST(DataModel, Enveloped) {
  const json good = {{"@context", kContextV2}, {"type", kEnvelopedCredential}, {"id", "data:application/vc+jwt,a.b.c"}};
  const auto check = [](const json& document) { return CheckEnvelopedModel(document, kEnvelopedCredential); };
  for (const Case& one :
       std::initializer_list<Case>{{"@context", R"(["https://www.w3.org/ns/credentials/v2"])", ""},
                                   {"@context", "-", "'@context' is required"},
                                   {"@context", R"([])", "'@context'"},
                                   {"@context", R"("https://www.w3.org/ns/credentials/examples/v2")", "'@context'"},
                                   {"type", R"(["EnvelopedVerifiableCredential"])", ""},
                                   {"type", "-", "'type' is required"},
                                   {"type", R"("VerifiableCredential")", "'type'"},
                                   {"type", R"("EnvelopedVerifiablePresentation")", "'type'"},
                                   {"type", R"(["EnvelopedVerifiableCredential", "VerifiableCredential"])", "'type'"},
                                   {"id", "-", "'id' is required"},
                                   {"id", R"("eyJhbGciOiJFUzI1NiJ9.e30.AA")", "'id'"},
                                   {"id", R"("https://example.org/1")", "'id' is no data: URL"}}) {
    Expect(one, good, check);
  }
}

TEST(DataModel, OlderModel) {
  const json plain = *base::ParseJson(R"({
    "@context": ["https://www.w3.org/2018/credentials/v1"],
    "type": ["VerifiableCredential"],
    "issuer": "did:example:maker",
    "issuanceDate": "2023-02-26T01:02:58Z",
    "credentialSubject": {"id": "did:example:device"}
  })");
  auto version = CheckCredentialModel(plain);
  ASSERT_TRUE(version.has_value()) << version.error().Text();
  EXPECT_EQ(*version, ModelVersion::kV1);
  for (const Case& one :
       std::initializer_list<Case>{{"issuanceDate", "-", "'issuanceDate' is required"},
                                   {"issuanceDate", R"("2023-02-26")", "'issuanceDate' is no date"},
                                   {"expirationDate", R"("2024-02-26T01:02:58Z")", ""},
                                   {"expirationDate", R"("2022-02-26T01:02:58Z")", "is before issuanceDate"},
                                   {"validUntil", R"("2024-02-26T01:02:58Z")", "doesn't exist in the data model 1.1"},
                                   {"credentialStatus", R"({"type": "Example"})", "'credentialStatus.id' is required"},
                                   {"refreshService", R"({"type": "Example"})", "'refreshService.id' is required"}}) {
    Expect(one, plain, CheckCredentialModel);
  }
  json presentation = Presentation();
  presentation["@context"] = {kContextV1};
  presentation["verifiableCredential"] = {"eyJhbGciOiJFUzI1NiJ9.e30.AA"};
  EXPECT_TRUE(CheckPresentationModel(presentation).has_value());
}

}  // namespace
}  // namespace keel::vc
