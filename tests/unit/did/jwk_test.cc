// SPDX-License-Identifier: Apache-2.0
#include "did/methods/jwk.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "crypto/hosted/software_key_store.h"
#include "crypto/signature.h"
#include "did/default_resolver.h"
#include "did/did.h"

namespace keel::did {
namespace {

constexpr Relationship kAll[] = {Relationship::kAuthentication, Relationship::kAssertionMethod,
                                 Relationship::kKeyAgreement, Relationship::kCapabilityInvocation,
                                 Relationship::kCapabilityDelegation};

class DidJwkMethod : public testing::Test {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }
  static std::string Of(std::string_view jwk) { return "did:jwk:" + base::Base64Url(AsBytes(jwk)); }
  static void ExpectUses(const DidDocument& document, bool signs, bool agrees) {
    for (const Relationship use : kAll) {
      const bool listed = use == Relationship::kKeyAgreement ? agrees : signs;
      EXPECT_EQ(document.All(use).size(), listed ? 1u : 0u) << RelationshipName(use);
    }
  }
};

// The three examples of the method's specification.
constexpr char kP256[] =
    "did:jwk:"
    "eyJjcnYiOiJQLTI1NiIsImt0eSI6IkVDIiwieCI6ImFjYklRaXVNczNpOF91c3pFakoydHBUdFJNNEVVM3l6OTFQSDZDZEgyVjAiLCJ5IjoiX0tj"
    "eUxqOXZXTXB0bm1LdG00NkdxRHo4d2Y3NEk1TEtncmwyR3pIM25TRSJ9";
constexpr char kX25519[] =
    "did:jwk:eyJrdHkiOiJPS1AiLCJjcnYiOiJYMjU1MTkiLCJ1c2UiOiJlbmMiLCJ4IjoiM3A3YmZYdDl3YlRUVzJIQzdPUTFOei1EUThoYmVHZE5yZn"
    "gtRkctSUswOCJ9";

TEST_F(DidJwkMethod, TheSpecificationsExamples) {
  auto p256 = ResolveJwk(kP256);
  ASSERT_TRUE(p256.has_value()) << p256.error().Text();
  EXPECT_EQ(p256->methods.at(0).id, std::string(kP256) + "#0");
  EXPECT_EQ(p256->methods.at(0).key.type(), crypto::KeyType::kP256);
  ExpectUses(*p256, true, true);
  EXPECT_EQ(*DidJwk(p256->methods[0].key), kP256);  // it happens to be sorted as we write

  auto x25519 = ResolveJwk(kX25519);
  ASSERT_TRUE(x25519.has_value()) << x25519.error().Text();
  EXPECT_EQ(base::Base64Url(x25519->methods.at(0).key.bytes()), "3p7bfXt9wbTTW2HC7OQ1Nz-DQ8hbeGdNrfx-FG-IK08");
  ExpectUses(*x25519, false, true);
}

TEST_F(DidJwkMethod, UseDecidesTheRelationships) {
  auto store = crypto::SoftwareKeyStore::CreateInMemory();
  const crypto::PublicKey p384 = *store->Public(*store->Generate(crypto::KeyType::kP384));
  const crypto::PublicKey ed25519 = *store->Public(*store->Generate(crypto::KeyType::kEd25519));
  const crypto::PublicKey x25519 = *store->Public(*store->Generate(crypto::KeyType::kX25519));
  const crypto::PublicKey p521 = *store->Public(*store->Generate(crypto::KeyType::kP521));
  const crypto::PublicKey k256 = *store->Public(*store->Generate(crypto::KeyType::kSecp256k1));
  struct Case {
    const crypto::PublicKey& key;
    JwkUse use;
    bool signs, agrees;
  };
  for (const Case& c : {Case{p384, JwkUse::kAny, true, true}, Case{p384, JwkUse::kSignature, true, false},
                        Case{p384, JwkUse::kEncryption, false, true}, Case{p521, JwkUse::kAny, true, true},
                        Case{k256, JwkUse::kSignature, true, false}, Case{ed25519, JwkUse::kAny, true, false},
                        Case{ed25519, JwkUse::kSignature, true, false}, Case{x25519, JwkUse::kAny, false, true},
                        Case{x25519, JwkUse::kEncryption, false, true}}) {
    auto did = DidJwk(c.key, c.use);
    ASSERT_TRUE(did.has_value()) << did.error().Text();
    auto document = ResolveJwk(*did);
    ASSERT_TRUE(document.has_value()) << document.error().Text();
    EXPECT_EQ(document->methods.at(0).key, c.key);
    ExpectUses(*document, c.signs, c.agrees);
  }
  EXPECT_EQ(DidJwk(ed25519, JwkUse::kEncryption).error().code, Code::kUnsupported);
  EXPECT_EQ(DidJwk(x25519, JwkUse::kSignature).error().code, Code::kUnsupported);
  EXPECT_EQ(DidJwk(crypto::PublicKey()).error().code, Code::kUnsupported);
}

TEST_F(DidJwkMethod, Refuses) {
  const std::string x = R"("x":"avH0O2Y4tqLAq8y9zpianr8ajii5m4F_mICrzNlatXs")";
  for (
      const std::string& bad : std::initializer_list<std::string>{
          "did:jwk:!", std::string(kP256) + "=", "did:jwk:e30", Of("[]"), Of("{"), Of(R"({"kty":"OKP"})"),
          Of(R"({"kty":"OKP","crv":"X25519","crv":"X25519",)" + x + "}"),  // doubled
          Of(R"({"kty":"OKP","crv":"X25519","use":"sig",)" + x + "}"),     // can't sign
          Of(R"({"kty":"OKP","crv":"X25519","use":"both",)" + x + "}"),    // no such use
          Of(R"({"kty":"OKP","crv":"X25519","use":7,)" + x + "}"),         //
          Of(R"({"kty":"OKP","crv":"X448",)" + x + "}"),                   // not held
          Of(R"({"kty":"oct","k":"AAAA"})"),                               // a secret
          Of(R"({"kty":"RSA","n":"AQAB","e":"AQAB"})"),                    //
          Of(R"({"kty":"OKP","crv":"X25519","d":"r-jK2cO3taR8LQnJB1_ikLBTAnOtShJOsHXRUWT-aZA",)" + x + "}"),
          Of(R"({"kty":"OKP","crv":"X25519","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"})"),  // low order
          Of(R"({"kty":"OKP","crv":"X25519","x":"AAAA"})"),
          Of(R"({"kty":"EC","crv":"P-256","x":"acbIQiuMs3i8_uszEjJ2tpTtRM4EU3yz91PH6CdH2V0","y":"acbIQiuMs3i8_uszEjJ2tpTtRM4EU3yz91PH6CdH2V0"})"),
          Of(R"({"kty":"OKP","crv":"X25519","pad":")" + std::string(3000, 'x') + "\"," + x + "}"),
          std::string(kP256) + "#0"}) {
    auto document = ResolveJwk(bad);
    ASSERT_FALSE(document.has_value()) << bad;
    EXPECT_EQ(document.error().code, Code::kInvalidDid) << bad << document.error().Text();
  }
  auto rsa = ResolveJwk(Of(R"({"kty":"RSA","n":"AQAB","e":"AQAB"})"));
  EXPECT_NE(rsa.error().Text().find("RSA"), std::string::npos);
  EXPECT_EQ(ResolveJwk("did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp").error().code,
            Code::kMethodNotSupported);
}

TEST_F(DidJwkMethod, TheDefaultResolverHasEveryMethodThatNeedsNothing) {
  auto resolver = MakeDefaultResolver();
  for (const std::string& did :
       {std::string(kP256), std::string("did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"),
        std::string("did:peer:0z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"),
        std::string("did:peer:2.Ez6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc")}) {
    auto result = resolver->Resolve(did);
    ASSERT_TRUE(result.has_value()) << did << result.error().Text();
    EXPECT_EQ(result->document->id, did);
  }
  EXPECT_EQ(resolver->Resolve("did:other:1").error().code, Code::kMethodNotSupported);
  EXPECT_EQ(resolver->Resolve("nonsense").error().code, Code::kInvalidDid);
}

}  // namespace
}  // namespace keel::did
