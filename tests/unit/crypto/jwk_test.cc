// SPDX-License-Identifier: Apache-2.0
#include "crypto/hosted/jwk.h"

#include <gtest/gtest.h>

#include "crypto/agreement.h"
#include "crypto/signature.h"
#include "tests/unit/crypto/helpers.h"

namespace keel::crypto {
namespace {

using nlohmann::json;
using namespace keel::test;  // NOLINT(google-build-using-namespace)

constexpr KeyType kAll[] = {KeyType::kEd25519,   KeyType::kX25519, KeyType::kP256,
                            KeyType::kSecp256k1, KeyType::kP384,   KeyType::kP521};

Code ParseCode(const json& jwk) {
  auto key = PublicKeyFromJwk(jwk);
  return key ? Code::kOk : key.error().code;
}

// Each test runs in a process of its own too.
[[maybe_unused]] const bool kReady = (SetUpHostedCrypto(), true);

TEST(Jwk, RoundTripOfEveryType) {
  auto store = SoftwareKeyStore::CreateInMemory();
  for (const KeyType type : kAll) {
    auto key = store->Public(*store->Generate(type));
    ASSERT_TRUE(key);
    const json jwk = PublicKeyToJwk(*key);
    EXPECT_EQ(PublicKeyFromJwk(jwk), *key) << jwk;
    json bad = jwk;
    bad["d"] = jwk["x"];
    EXPECT_EQ(ParseCode(bad), Code::kUsage);
    for (const char* member : {"kty", "crv", "x"}) {
      bad = jwk;
      bad.erase(member);
      EXPECT_EQ(ParseCode(bad), Code::kMalformed);
      bad[member] = 1;
      EXPECT_EQ(ParseCode(bad), Code::kMalformed);
    }
    bad = jwk;
    const std::string x = jwk["x"];
    bad["x"] = x + "=";
    EXPECT_NE(ParseCode(bad), Code::kOk);
    bad["x"] = x.substr(0, x.size() - 2);
    EXPECT_NE(ParseCode(bad), Code::kOk);
    bad["x"] = x + "AAAA";
    EXPECT_EQ(ParseCode(bad), Code::kMalformed);
    bad = jwk;
    bad["crv"] = "P-257";
    EXPECT_EQ(ParseCode(bad), Code::kUnsupported);
    bad["kty"] = "oct";
    EXPECT_EQ(ParseCode(bad), Code::kUnsupported);
    bad = jwk;
    bad["kty"] = jwk["kty"] == "EC" ? "OKP" : "EC";
    EXPECT_EQ(ParseCode(bad), Code::kUnsupported);
    if (jwk.contains("y")) {
      bad = jwk;
      bad["y"] = jwk["x"];
      EXPECT_EQ(ParseCode(bad), Code::kBadKey);
      bad.erase("y");
      EXPECT_EQ(ParseCode(bad), Code::kMalformed);
    }
  }
  for (const json& bad : {json(nullptr), json(1), json("x"), json::array()})
    EXPECT_EQ(ParseCode(bad), Code::kMalformed);
  EXPECT_TRUE(PublicKeyToJwk(PublicKey()).is_null());
}

TEST(Jwk, NistFixturesBothWays) {
  const json file = ReadJson("did-key/nist-curves.json");
  int checked = 0;
  for (const auto& [did, entry] : file.items()) {
    if (!entry["verificationMethod"].contains("publicKeyJwk")) continue;
    auto key = PublicKeyFromJwk(entry["verificationMethod"]["publicKeyJwk"]);
    ASSERT_TRUE(key) << did;
    EXPECT_EQ(PublicKey::FromMultikey(did.substr(8)), *key);
    if (entry["verificationMethod"].contains("privateKeyJwk")) {
      auto store = SoftwareKeyStore::CreateInMemory();
      auto handle = ImportSecret(
          *store,
          {{"id", did}, {"type", "JsonWebKey2020"}, {"privateKeyJwk", entry["verificationMethod"]["privateKeyJwk"]}});
      ASSERT_TRUE(handle) << handle.error().Text();
      EXPECT_EQ(store->Public(*handle), *key);
    }
    ++checked;
  }
  EXPECT_GE(checked, 6);
}

class Secrets : public testing::Test {
 protected:
  void SetUp() override {
    store = SoftwareKeyStore::CreateInMemory();
    public_key = *PublicFromPrivate(KeyType::kEd25519, seed);
    jwk = PublicKeyToJwk(public_key);
    std::string d(43, ' ');
    ASSERT_TRUE(Base64UrlEncode(seed, d));
    jwk["d"] = d;
  }
  Code Import(const json& secret) {
    auto handle = ImportSecret(*store, secret);
    return handle ? Code::kOk : handle.error().code;
  }
  static std::string Multibase(const Octets& octets) {
    std::string text(200, ' ');
    text.resize(*MultibaseEncodeBase58(octets, text));
    return text;
  }
  static Octets Join(Octets a, const Octets& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  }

  const Octets seed = Octets(32, 5);
  std::unique_ptr<SoftwareKeyStore> store;
  PublicKey public_key;
  json jwk;
};

TEST_F(Secrets, EveryFormGivesTheSameKey) {
  const Octets own(public_key.bytes().begin(), public_key.bytes().end());
  const json forms[] = {
      {{"id", "did:example:a#jwk"}, {"type", "JsonWebKey2020"}, {"privateKeyJwk", jwk}},
      {{"id", "did:example:a#mb"},
       {"type", "Ed25519VerificationKey2020"},
       {"privateKeyMultibase", Multibase(Join({0x80, 0x26}, seed))}},
      {{"id", "did:example:a#mk"},
       {"type", "Multikey"},
       {"privateKeyMultibase", Multibase(Join({0x80, 0x26}, Join(seed, own)))}},
      {{"id", "did:example:a#58"},
       {"type", "Ed25519VerificationKey2018"},
       {"privateKeyBase58", Multibase(Join(seed, own)).substr(1)}},
  };
  for (const json& form : forms) {
    auto handle = ImportSecret(*store, form);
    ASSERT_TRUE(handle) << handle.error().Text();
    EXPECT_EQ(store->Public(*handle), public_key);
    EXPECT_EQ(store->FindLabel(form["id"]), *handle);
  }
  EXPECT_EQ(Import({{"id", "x"},
                    {"type", "X25519KeyAgreementKey2020"},
                    {"privateKeyMultibase", Multibase(Join({0x82, 0x26}, seed))}}),
            Code::kOk);
  EXPECT_EQ(store->Public(*store->FindLabel("x"))->type(), KeyType::kX25519);
}

TEST_F(Secrets, RefusesBadEntries) {
  const std::string good = Multibase(Join({0x80, 0x26}, seed));
  EXPECT_EQ(Import({{"type", "Multikey"}, {"privateKeyMultibase", good}}), Code::kMalformed);
  EXPECT_EQ(Import({{"id", ""}, {"type", "Multikey"}, {"privateKeyMultibase", good}}), Code::kMalformed);
  EXPECT_EQ(Import({{"id", "a"}, {"privateKeyMultibase", good}}), Code::kMalformed);
  EXPECT_EQ(Import({{"id", "a"}, {"type", "Multikey"}}), Code::kMalformed);
  EXPECT_EQ(Import({{"id", "a"}, {"type", "Multikey"}, {"privateKeyMultibase", good}, {"privateKeyJwk", jwk}}),
            Code::kMalformed);
  EXPECT_EQ(Import({{"id", "a"}, {"type", "X25519KeyAgreementKey2020"}, {"privateKeyMultibase", good}}), Code::kBadKey);
  EXPECT_EQ(Import({{"id", "a"}, {"type", "Multikey"}, {"privateKeyMultibase", Multibase(Join({0xed, 0x01}, seed))}}),
            Code::kUnsupported);
  EXPECT_EQ(
      Import(
          {{"id", "a"}, {"type", "Multikey"}, {"privateKeyMultibase", Multibase(Join({0x80, 0x26}, Octets(31, 5)))}}),
      Code::kBadKey);
  EXPECT_EQ(
      Import(
          {{"id", "a"}, {"type", "Multikey"}, {"privateKeyMultibase", Multibase(Join({0x80, 0x26}, Octets(64, 5)))}}),
      Code::kBadKey);
  EXPECT_EQ(Import({{"id", "a"}, {"type", "Multikey"}, {"privateKeyMultibase", "z0"}}), Code::kMalformed);
  EXPECT_EQ(Import({{"id", "a"}, {"type", "Multikey"}, {"privateKeyBase58", good.substr(1)}}), Code::kUnsupported);
  json bad = jwk;
  bad["x"] = PublicKeyToJwk(*PublicFromPrivate(KeyType::kEd25519, Octets(32, 6)))["x"];
  EXPECT_EQ(Import({{"id", "a"}, {"type", "JsonWebKey2020"}, {"privateKeyJwk", bad}}), Code::kBadKey);
  bad = jwk;
  bad.erase("d");
  EXPECT_EQ(Import({{"id", "a"}, {"type", "JsonWebKey2020"}, {"privateKeyJwk", bad}}), Code::kMalformed);
  EXPECT_EQ(Import({{"id", "a"}, {"type", "JsonWebKey2020"}, {"privateKeyJwk", 1}}), Code::kMalformed);
  EXPECT_EQ(Import(json::array()), Code::kMalformed);
  EXPECT_TRUE(store->Labels().empty());
}

}  // namespace
}  // namespace keel::crypto
