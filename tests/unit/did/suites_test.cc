// SPDX-License-Identifier: Apache-2.0
// Verification methods as DIDComm's peers write them, from the suites of 2018 on.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "crypto/hosted/jwk.h"
#include "crypto/hosted/software_key_store.h"
#include "crypto/signature.h"
#include "did/document.h"
#include "did/resolver.h"

namespace keel::did {
namespace {

using crypto::KeyType;
using crypto::PublicKey;
using nlohmann::json;

class Suites : public testing::Test {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }
  static PublicKey Make(KeyType type) {
    auto store = crypto::SoftwareKeyStore::CreateInMemory();
    return *store->Public(*store->Generate(type));
  }
  static std::string Uncompressed(const PublicKey& key) {
    ByteArray<crypto::kMaxUncompressed> point;
    return base::Hex(ByteView(point).first(*key.ToUncompressed(point)));
  }
  // The document with that one method under every relationship.
  static Result<DidDocument> Read(const std::string& type, json materials) {
    materials["id"] = "#k";
    materials["type"] = type;
    json document = {{"id", "did:x:1"}, {"verificationMethod", {std::move(materials)}}};
    for (const char* use : {"authentication", "assertionMethod", "keyAgreement"}) document[use] = {"#k"};
    return DidDocument::FromJson(document);
  }
  static void ExpectKey(const std::string& type, const json& materials, const PublicKey& key) {
    auto document = Read(type, materials);
    ASSERT_TRUE(document.has_value()) << type << materials.dump() << document.error().Text();
    EXPECT_TRUE(document->methods.at(0).key.valid()) << type << materials.dump();
    EXPECT_EQ(document->methods.at(0).key, key) << type << materials.dump();
  }
  static void ExpectUnusable(const std::string& type, const json& materials) {
    auto document = Read(type, materials);
    ASSERT_TRUE(document.has_value()) << type << materials.dump() << document.error().Text();
    EXPECT_FALSE(document->methods.at(0).key.valid()) << type << materials.dump();
    EXPECT_TRUE(document->All(Relationship::kAuthentication).empty());
  }
  static void ExpectRefused(const std::string& type, const json& materials) {
    auto document = Read(type, materials);
    ASSERT_FALSE(document.has_value()) << type << materials.dump();
    EXPECT_EQ(document.error().code, Code::kInvalidDidDocument) << document.error().Text();
  }
};

struct Suite {
  const char* type;
  KeyType key;
};
constexpr Suite kSuites[] = {
    {"Ed25519VerificationKey2018", KeyType::kEd25519},
    {"Ed25519VerificationKey2020", KeyType::kEd25519},
    {"X25519KeyAgreementKey2018", KeyType::kX25519},
    {"X25519KeyAgreementKey2019", KeyType::kX25519},
    {"X25519KeyAgreementKey2020", KeyType::kX25519},
    {"EcdsaSecp256k1VerificationKey2018", KeyType::kSecp256k1},
    {"EcdsaSecp256k1VerificationKey2019", KeyType::kSecp256k1},
    {"EcdsaSecp256r1VerificationKey2019", KeyType::kP256},
    {"EcdsaSecp384r1VerificationKey2019", KeyType::kP384},
    {"EcdsaSecp521r1VerificationKey2019", KeyType::kP521},
    {"P256Key2021", KeyType::kP256},
    {"P384Key2021", KeyType::kP384},
    {"P521Key2021", KeyType::kP521},
};
constexpr KeyType kTypes[] = {KeyType::kEd25519,   KeyType::kX25519, KeyType::kP256,
                              KeyType::kSecp256k1, KeyType::kP384,   KeyType::kP521};

TEST_F(Suites, EveryWayToWriteAKey) {
  for (const Suite& suite : kSuites) {
    const PublicKey key = Make(suite.key);
    ExpectKey(suite.type, {{"publicKeyJwk", crypto::PublicKeyToJwk(key)}}, key);
    ExpectKey(suite.type, {{"publicKeyMultibase", base::Multikey(key)}}, key);
    ExpectKey(suite.type, {{"publicKeyMultibase", *base::MultibaseBase58(key.bytes())}}, key);  // no multicodec
    ExpectKey(suite.type, {{"publicKeyMultibase", "u" + base::Base64Url(key.bytes())}}, key);
    ExpectKey(suite.type, {{"publicKeyBase58", *base::Base58(key.bytes())}}, key);
    std::string hex = base::Hex(key.bytes());
    ExpectKey(suite.type, {{"publicKeyHex", hex}}, key);
    for (char& c : hex) c = static_cast<char>(std::toupper(c));
    ExpectKey(suite.type, {{"publicKeyHex", hex}}, key);
    if (suite.key != KeyType::kEd25519 && suite.key != KeyType::kX25519)
      ExpectKey(suite.type, {{"publicKeyHex", Uncompressed(key)}}, key);
    // Twice the same is the same.
    ExpectKey(suite.type, {{"publicKeyJwk", crypto::PublicKeyToJwk(key)}, {"publicKeyMultibase", base::Multikey(key)}},
              key);
  }
  for (const KeyType type : kTypes) {
    const PublicKey key = Make(type);
    ByteArray<crypto::kMaxMultikeyOctets> octets;
    const ByteView multikey = ByteView(octets).first(*key.ToMultikeyOctets(octets));
    ExpectKey("Multikey", {{"publicKeyMultibase", base::Multikey(key)}}, key);
    ExpectKey("Multikey", {{"publicKeyMultibase", "u" + base::Base64Url(multikey)}}, key);
    for (const char* name : {"JsonWebKey", "JsonWebKey2020", "JwsVerificationKey2020"})
      ExpectKey(name, {{"publicKeyJwk", crypto::PublicKeyToJwk(key)}}, key);
  }
}

TEST_F(Suites, TypeAndKeyMustAgree) {
  for (const Suite& suite : kSuites) {
    for (const KeyType type : kTypes) {
      if (type == suite.key) continue;
      const PublicKey other = Make(type);
      ExpectRefused(suite.type, {{"publicKeyJwk", crypto::PublicKeyToJwk(other)}});
      ExpectRefused(suite.type, {{"publicKeyMultibase", base::Multikey(other)}});
      if (crypto::PublicKeyLength(type) != crypto::PublicKeyLength(suite.key))
        ExpectRefused(suite.type, {{"publicKeyBase58", *base::Base58(other.bytes())}});
    }
    const PublicKey one = Make(suite.key), two = Make(suite.key);
    ExpectRefused(suite.type,
                  {{"publicKeyJwk", crypto::PublicKeyToJwk(one)}, {"publicKeyMultibase", base::Multikey(two)}});
    ExpectRefused(suite.type,
                  {{"publicKeyBase58", *base::Base58(one.bytes())}, {"publicKeyHex", base::Hex(two.bytes())}});
    // An unknown multicodec before a key of the right length.
    base::ByteVec foreign = {0x85, 0x24};
    foreign.insert(foreign.end(), one.bytes().begin(), one.bytes().end());
    ExpectRefused(suite.type, {{"publicKeyMultibase", *base::MultibaseBase58(foreign)}});
    base::ByteVec cut(one.bytes().begin(), one.bytes().end() - 1);
    ExpectRefused(suite.type, {{"publicKeyMultibase", *base::MultibaseBase58(cut)}});
    ExpectRefused(suite.type, {{"publicKeyHex", base::Hex(cut)}});
    ExpectRefused(suite.type, {{"publicKeyBase58", 7}});
    ExpectRefused(suite.type, {{"publicKeyMultibase", "z0"}});
    ExpectRefused(suite.type, {{"publicKeyHex", "0g"}});
  }
  const PublicKey key = Make(KeyType::kEd25519);
  ExpectRefused("Multikey", {{"publicKeyBase58", *base::Base58(key.bytes())}});
  ExpectRefused("JsonWebKey2020", {{"publicKeyHex", base::Hex(key.bytes())}});
  json jwk = crypto::PublicKeyToJwk(key);
  jwk["d"] = "AAAA";
  ExpectRefused("JsonWebKey2020", {{"publicKeyJwk", jwk}});
  // Not a point: the last coordinate's octet changed.
  json off = crypto::PublicKeyToJwk(Make(KeyType::kP256));
  std::string y = off["y"];
  y[0] = y[0] == 'A' ? 'B' : 'A';
  off["y"] = y;
  ExpectRefused("JsonWebKey2020", {{"publicKeyJwk", off}});
  ExpectRefused("P256Key2021", {{"publicKeyHex", "04" + std::string(128, '1')}});
  ExpectRefused("X25519KeyAgreementKey2019", {{"publicKeyBase58", *base::Base58(base::ByteVec(32, 0))}});  // low order
}

TEST_F(Suites, KeysThatWeDontHoldStayUnusable) {
  ExpectUnusable("RsaVerificationKey2018", {{"publicKeyPem", "-----BEGIN PUBLIC KEY-----"}});
  ExpectUnusable("Bls12381G2Key2020",
                 {{"publicKeyBase58", "25ETdUZDVnME6yYuAMjFRCnCPcDmYQcoZDcZuXAfeMhXPvjZg35QmZ7u"}});
  ExpectUnusable("EcdsaSecp256k1RecoveryMethod2020",
                 {{"blockchainAccountId", "eip155:1:0xab16a96d359ec26a11e2c2b3d8f8b8942d5bfcdb"}});
  ExpectUnusable("JsonWebKey2020", {{"publicKeyJwk", {{"kty", "RSA"}, {"n", "AQAB"}, {"e", "AQAB"}}}});
  ExpectUnusable("Multikey", {{"publicKeyMultibase", *base::MultibaseBase58(base::ByteVec{0x85, 0x24, 1, 2, 3})}});
  ExpectUnusable("Multikey", {{"publicKeyMultibase", "z" + std::string(400, '2')}});  // RSA's length
  ExpectUnusable("Multikey", {{"publicKeyMultibase", "f6162"}});                      // base16: not of the format
  ExpectUnusable("Ed25519VerificationKey2020", json::object());
}

TEST_F(Suites, AKeyIsFoundOnlyForWhatItCanServe) {
  const PublicKey ed25519 = Make(KeyType::kEd25519), x25519 = Make(KeyType::kX25519), p256 = Make(KeyType::kP256);
  struct Case {
    const PublicKey& key;
    bool signs, agrees;
  };
  for (const Case& c : {Case{ed25519, true, false}, Case{x25519, false, true}, Case{p256, true, true}}) {
    auto document = Read("Multikey", {{"publicKeyMultibase", base::Multikey(c.key)}});
    ASSERT_TRUE(document.has_value());
    EXPECT_EQ(document->All(Relationship::kAuthentication).size(), c.signs ? 1u : 0u);
    EXPECT_EQ(document->All(Relationship::kKeyAgreement).size(), c.agrees ? 1u : 0u);
    EXPECT_EQ(document->FindFor(Relationship::kAssertionMethod, "#k") != nullptr, c.signs);
    EXPECT_EQ(document->FindFor(Relationship::kKeyAgreement, "#k") != nullptr, c.agrees);
    StaticResolver resolver;
    resolver.Add(*document);
    EXPECT_EQ(ResolveKey(resolver, "did:x:1#k", Relationship::kAuthentication).has_value(), c.signs);
    EXPECT_EQ(ResolveKey(resolver, "did:x:1#k", Relationship::kKeyAgreement).has_value(), c.agrees);
    if (!c.agrees) {
      EXPECT_EQ(ResolveKey(resolver, "did:x:1#k", Relationship::kKeyAgreement).error().code, Code::kUntrusted);
    }
  }
}

TEST_F(Suites, PublicKeyIsTheOldNameOfVerificationMethod) {
  const PublicKey key = Make(KeyType::kEd25519), other = Make(KeyType::kEd25519);
  const auto method = [](const char* id, const PublicKey& held) {
    return json{{"id", id}, {"type", "Multikey"}, {"publicKeyMultibase", base::Multikey(held)}};
  };
  json document = {{"id", "did:x:1"}, {"publicKey", {method("#a", key)}}, {"authentication", {"#a"}}};
  auto read = DidDocument::FromJson(document);
  ASSERT_TRUE(read.has_value()) << read.error().Text();
  EXPECT_EQ(read->All(Relationship::kAuthentication).at(0)->key, key);
  document["verificationMethod"] = {method("#a", key)};
  EXPECT_TRUE(DidDocument::FromJson(document).has_value());
  document["verificationMethod"] = {method("#a", other)};
  EXPECT_EQ(DidDocument::FromJson(document).error().code, Code::kInvalidDidDocument);
}

TEST_F(Suites, ServiceEndpointsKeepTheirOwnRoutingKeys) {
  auto read = DidDocument::Parse(R"({"id":"did:x:1","service":[
      {"id":"#1","type":"DIDCommMessaging","serviceEndpoint":"http://a","accept":["didcomm/v2"],"routingKeys":["did:m:1#k"]},
      {"id":"#2","type":"DIDCommMessaging","serviceEndpoint":{"uri":"did:example:mediator"}},
      {"id":"#3","type":["DIDCommMessaging","Other"],"routingKeys":["did:m:9#k"],"serviceEndpoint":[
        {"uri":"https://b","accept":["didcomm/v2","didcomm/aip2;env=rfc587"],"routingKeys":["did:m:2#k","did:m:3#k"]},
        {"uri":"wss://c","routingKeys":[]},"https://d",[["https://nested"]],7]},
      {"id":"#4","type":"LinkedDomains","serviceEndpoint":{"origins":["https://e"]}}]})");
  ASSERT_TRUE(read.has_value()) << read.error().Text();
  ASSERT_EQ(read->services.size(), 4u);
  using Strings = std::vector<std::string>;
  const auto& one = read->services[0].endpoints;
  ASSERT_EQ(one.size(), 1u);
  EXPECT_EQ(one[0].uri, "http://a");
  EXPECT_EQ(one[0].accept, Strings{"didcomm/v2"});
  EXPECT_EQ(one[0].routing_keys, Strings{"did:m:1#k"});
  EXPECT_EQ(read->services[1].endpoints.at(0).uri, "did:example:mediator");
  const auto& three = read->services[2].endpoints;
  ASSERT_EQ(three.size(), 3u);
  EXPECT_EQ(three[0].routing_keys, (Strings{"did:m:2#k", "did:m:3#k"}));
  EXPECT_EQ(three[1].uri, "wss://c");
  EXPECT_TRUE(three[1].routing_keys.empty());
  EXPECT_EQ(three[2].routing_keys, Strings{"did:m:9#k"});  // the service's, since a string says nothing itself
  EXPECT_TRUE(three[2].accept.empty());
  EXPECT_EQ(read->services[2].routing_keys, (Strings{"did:m:2#k", "did:m:3#k", "did:m:9#k"}));
  EXPECT_TRUE(read->services[3].endpoints.empty());

  json many = json::array();
  for (size_t i = 0; i <= kMaxEndpoints; ++i) many.push_back("http://h/" + std::to_string(i));
  const json document = {{"id", "did:x:1"}, {"service", {{{"id", "#s"}, {"type", "T"}, {"serviceEndpoint", many}}}}};
  EXPECT_EQ(DidDocument::FromJson(document).error().code, Code::kInvalidDidDocument);
}

}  // namespace
}  // namespace keel::did
