// SPDX-License-Identifier: Apache-2.0
#include "base/files.h"
#include "did/jose.h"
#include "tests/unit/vc/parties.h"

// The JOSE inputs of W3C's VC-JOSE-COSE test suite. Its issuer is a URL with keys named by JWK kid.
namespace keel::vc {
namespace {

using nlohmann::json;

class JoseVectors : public testing::Test {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }
  void SetUp() override {
    json document = {{"id", "https://example.issuer/vc-jose-cose"}};
    for (const char* name : {"vm-p256", "vm-p384", "vm-p521", "vm-ed25519"}) {
      json method = *base::ParseJson(Text(std::string(name) + ".json"));
      method.erase("secretKeyJwk");
      document["assertionMethod"].push_back(method["id"]);
      document["authentication"].push_back(method["id"]);
      document["verificationMethod"].push_back(std::move(method));
    }
    auto parsed = did::DidDocument::FromJson(document);
    ASSERT_TRUE(parsed.has_value()) << parsed.error().Text();
    resolver_.Add(std::move(*parsed));
  }
  static std::string Text(const std::string& name) {
    std::string text = *base::ReadFile(std::string(KEEL_SOURCE_DIR) + "/tests/vectors/vc-jose/" + name);
    while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
    return text;
  }
  did::StaticResolver resolver_;
};

TEST_F(JoseVectors, GoodCredentials) {
  for (const char* name : {"credential-jose-minimal.txt", "credential-issuer-match-signed.txt"}) {
    auto v = VerifyCredential(Text(name), resolver_, {.now = kNow});
    ASSERT_TRUE(v.has_value()) << name << v.error().Text();
    EXPECT_TRUE(v->valid()) << name << ": " << v->Reason();
  }
}

TEST_F(JoseVectors, BadCredentials) {
  for (const char* name : {"credential-jose-bad-signature.txt", "credential-jose-bad-media-type.txt",
                           "credential-jose-vc-vp-claims.txt", "credential-minimal.json"}) {
    auto v = VerifyCredential(Text(name), resolver_, {.now = kNow});
    ASSERT_TRUE(v.has_value()) << name << v.error().Text();
    EXPECT_FALSE(v->valid()) << name;
  }
  // ES512: not an algorithm of ours, so refused at the envelope.
  auto v = VerifyCredential(Text("credential-jose-unknown-extensions.txt"), resolver_, {.now = kNow});
  EXPECT_TRUE(!v || !v->valid());
}

TEST_F(JoseVectors, BadPresentations) {
  for (const char* name : {"presentation-jose-bad-credential.txt", "presentation-jose-bad-media-type.txt"}) {
    PresentationOptions options;
    options.audience = "x";
    options.nonce = "y";
    options.now = 1'734'223'700;
    options.max_life = 86'400;
    auto v = VerifyPresentation(Text(name), resolver_, options);
    ASSERT_TRUE(v.has_value()) << name << v.error().Text();
    EXPECT_FALSE(v->valid()) << name;
  }
}

TEST_F(JoseVectors, IssuesTheSuitesInputs) {
  auto store = crypto::SoftwareKeyStore::CreateInMemory();
  const json method = *base::ParseJson(Text("vm-ed25519.json"));
  const base::ByteVec d = *base::FromBase64Url(method.at("secretKeyJwk").at("d").get<std::string>());
  const crypto::KeyHandle key = *store->Import(crypto::KeyType::kEd25519, d);
  for (const char* name : {"credential-minimal.json", "credential-full.json"}) {
    const json credential = *base::ParseJson(Text(name));
    auto jwt = IssueCredential(credential, *store, key, "https://example.issuer/vc-jose-cose#key-4");
    ASSERT_TRUE(jwt.has_value()) << name << jwt.error().Text();
    auto v = VerifyCredential(*jwt, resolver_, {.ignore_status = true});
    ASSERT_TRUE(v.has_value()) << v.error().Text();
    EXPECT_TRUE(v->valid()) << v->Reason();
  }
}

}  // namespace
}  // namespace keel::vc
