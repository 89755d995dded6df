// SPDX-License-Identifier: Apache-2.0
#include "did/document.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/files.h"
#include "crypto/signature.h"

namespace keel::did {
namespace {

class Document : public testing::Test {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }
  static std::string Vector(const std::string& name) {
    auto text = base::ReadFile(std::string(KEEL_SOURCE_DIR) + "/tests/vectors/" + name);
    EXPECT_TRUE(text.has_value()) << name;
    return text.value_or("");
  }
};

TEST_F(Document, ReadsTheSpecificationsAlice) {
  auto document = DidDocument::Parse(Vector("didcomm/alice-diddoc.json"));
  ASSERT_TRUE(document.has_value()) << document.error().Text();
  EXPECT_EQ(document->id, "did:example:alice");
  const VerificationMethod* key = document->FindFor(Relationship::kAuthentication, "did:example:alice#key-1");
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(key->key.type(), crypto::KeyType::kEd25519);
  EXPECT_EQ(document->FindFor(Relationship::kKeyAgreement, "did:example:alice#key-1"),
            nullptr);  // listed for another use
  ASSERT_NE(document->FindFor(Relationship::kKeyAgreement, "#key-x25519-1"), nullptr);
  EXPECT_NE(document->Find("key-x25519-1"), nullptr);
  EXPECT_EQ(document->Find("did:example:bob#key-x25519-1"), nullptr);
}

TEST_F(Document, RoundTripsInAllFormats) {
  auto document = DidDocument::Parse(Vector("didcomm/bob-diddoc.json"));
  ASSERT_TRUE(document.has_value());
  for (const KeyFormat format : {KeyFormat::kMultikey, KeyFormat::kJsonWebKey, KeyFormat::kSuite2020}) {
    auto again = DidDocument::FromJson(document->ToJson(format));
    ASSERT_TRUE(again.has_value()) << again.error().Text();
    ASSERT_EQ(again->methods.size(), document->methods.size());
    for (size_t i = 0; i < again->methods.size(); ++i) {
      EXPECT_EQ(again->methods[i].key, document->methods[i].key);
      EXPECT_EQ(again->methods[i].uses, document->methods[i].uses);
      EXPECT_EQ(again->methods[i].id, document->methods[i].id);
    }
  }
}

TEST_F(Document, CompletesRelativeIdsAndKeepsUnknownKeys) {
  auto document = DidDocument::Parse(R"({"id":"did:x:1","verificationMethod":[
      {"id":"#a","type":"Multikey","controller":"did:x:1","publicKeyMultibase":"z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"},
      {"id":"#b","type":"FutureKey2031","controller":"did:x:1","publicKeyFuture":"xyz"}],
      "authentication":["#a","did:x:1#b","did:other:9#c"],
      "service":[{"id":"#s","type":["DIDCommMessaging"],"serviceEndpoint":[{"uri":"http://a","accept":["didcomm/v2"],"routingKeys":["did:m:1#k"]},"http://b"]}]})");
  ASSERT_TRUE(document.has_value()) << document.error().Text();
  EXPECT_EQ(document->methods[0].id, "did:x:1#a");
  EXPECT_FALSE(document->methods[1].key.valid());
  EXPECT_EQ(document->All(Relationship::kAuthentication).size(), 1u);
  ASSERT_EQ(document->services.size(), 1u);
  EXPECT_EQ(document->services[0].uris, (std::vector<std::string>{"http://a", "http://b"}));
  EXPECT_EQ(document->services[0].routing_keys, (std::vector<std::string>{"did:m:1#k"}));
  EXPECT_NE(document->FindService("DIDCommMessaging"), nullptr);
  EXPECT_NE(document->FindService("#s"), nullptr);
}

TEST_F(Document, IdentifiersThatAreTaken) {
  for (const char* good : {R"({"id":"did:x:1"})", R"({"id":"https://issuer.example/1"})", R"({"id":"urn:uuid:1"})",
                           R"({"id":"did:x:1","controller":["did:x:2","did:x:3"],"alsoKnownAs":["https://e.example"]})",
                           R"({"id":"did:x:1","controller":"did:x:2","alsoKnownAs":"did:y:2"})",
                           R"({"id":"did:x:1","assertionMethod":["did:x:2#elsewhere"],"whatever":{"a":[1]}})"}) {
    const auto document = DidDocument::Parse(good);
    EXPECT_TRUE(document.has_value()) << good << (document ? "" : document.error().Text());
  }
}

TEST_F(Document, AMethodOfAnotherDidCountsForNothing) {
  auto document = DidDocument::Parse(R"({"id":"did:x:1","authentication":[
      {"id":"did:x:2#a","type":"Multikey","controller":"did:x:2","publicKeyMultibase":"z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"}]})");
  ASSERT_TRUE(document.has_value());
  EXPECT_EQ(document->FindFor(Relationship::kAuthentication, "did:x:2#a"), nullptr);
  EXPECT_TRUE(document->All(Relationship::kAuthentication).empty());
}

TEST_F(Document, Refuses) {
  for (
      const char* bad : {
          "[]",
          "{}",
          R"({"id":7})",
          R"({"id":"did:x:1","verificationMethod":{}})",
          R"({"id":"did:x:1","verificationMethod":[1]})",
          R"({"id":"did:x:1","verificationMethod":[{"id":"#a"}]})",
          R"({"id":"did:x:1","authentication":"#a"})",
          R"({"id":"did:x:1","service":[{"id":"#s"}]})",
          // a broken key of a type that we hold
          R"({"id":"did:x:1","verificationMethod":[{"id":"#a","type":"Multikey","publicKeyMultibase":"z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooW0"}]})",
          R"({"id":"did:x:1","verificationMethod":[{"id":"#a","type":"JsonWebKey2020","publicKeyJwk":{"kty":"OKP","crv":"Ed25519","x":"AA"}}]})",
          // a private key in public
          R"({"id":"did:x:1","verificationMethod":[{"id":"#a","type":"JsonWebKey2020","publicKeyJwk":{"kty":"OKP","crv":"X25519","x":"avH0O2Y4tqLAq8y9zpianr8ajii5m4F_mICrzNlatXs","d":"r-jK2cO3taR8LQnJB1_ikLBTAnOtShJOsHXRUWT-aZA"}}]})",
          // type and key disagree
          R"({"id":"did:x:1","verificationMethod":[{"id":"#a","type":"X25519KeyAgreementKey2020","publicKeyMultibase":"z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"}]})",
          // DID Core sections 5.1 to 5.4
          R"({"id":"nobody"})",
          R"({"id":"did:x"})",
          R"({"id":"did:x:1#a"})",
          R"({"id":"did:x:1","controller":7})",
          R"({"id":"did:x:1","controller":["did:x:2",{}]})",
          R"({"id":"did:x:1","controller":"somebody"})",
          R"({"id":"did:x:1","alsoKnownAs":{"a":"b"}})",
          R"({"id":"did:x:1","alsoKnownAs":["did:x:2",1]})",
          R"({"id":"did:x:1","verificationMethod":[{"id":"#a b","type":"X","controller":"did:x:1"}]})",
          R"({"id":"did:x:1","verificationMethod":[{"id":"did:x#a","type":"X","controller":"did:x:1"}]})",
          R"({"id":"did:x:1","verificationMethod":[{"id":"#a","type":["X"],"controller":"did:x:1"}]})",
          R"({"id":"did:x:1","verificationMethod":[{"id":"#a","type":"X","controller":["did:x:1"]}]})",
          R"({"id":"did:x:1","verificationMethod":[{"id":"#a","type":"X","controller":"me"}]})",
          R"({"id":"did:x:1","keyAgreement":[7]})",
          R"({"id":"did:x:1","service":{"id":"#s","type":"S","serviceEndpoint":"https://e.example"}})",
          R"({"id":"did:x:1","service":[{"id":"#s","type":"S","serviceEndpoint":7}]})",
          R"({"id":"did:x:1","service":[{"id":"#s","type":"S","serviceEndpoint":"https://e.example"},
                                        {"id":"did:x:1#s","type":"T","serviceEndpoint":"https://e.example"}]})",
          // twice
          R"({"id":"did:x:1","verificationMethod":[{"id":"#a","type":"X"},{"id":"did:x:1#a","type":"X"}]})",
      }) {
    auto document = DidDocument::Parse(bad);
    ASSERT_FALSE(document.has_value()) << bad;
    EXPECT_EQ(document.error().code, Code::kInvalidDidDocument) << bad << document.error().Text();
  }
  EXPECT_EQ(DidDocument::Parse(R"({"id":"did:x:1","id":"did:x:2"})").error().code, Code::kDuplicate);
}

}  // namespace
}  // namespace keel::did
