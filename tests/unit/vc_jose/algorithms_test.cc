// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "crypto/hosted/software_key_store.h"
#include "did/jose.h"
#include "did/methods/key.h"
#include "vc/presentation.h"

// vc+jwt and vp+jwt with every algorithm of the issuer's and the holder's key.
namespace keel::vc {
namespace {

using nlohmann::json;

constexpr UnixSeconds kNow = 1'790'000'000;

class Algorithms : public testing::TestWithParam<std::pair<crypto::KeyType, const char*>> {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }
  void SetUp() override {
    resolver_.Add("key", method_);
    key_ = *store_->Generate(GetParam().first);
    did_ = did::DidKey(*store_->Public(key_));
    kid_ = did::DidKeyUrl(*store_->Public(key_));
  }
  std::string Issue() {
    const json credential = {{"@context", {kContextV2}},
                             {"type", {"VerifiableCredential"}},
                             {"issuer", did_},
                             {"credentialSubject", {{"id", "did:example:device"}}}};
    return *IssueCredential(credential, *store_, key_, kid_);
  }
  std::unique_ptr<crypto::SoftwareKeyStore> store_ = crypto::SoftwareKeyStore::CreateInMemory();
  did::KeyMethod method_;
  did::MethodResolver resolver_;
  crypto::KeyHandle key_;
  std::string did_, kid_;
};

TEST_P(Algorithms, Credential) {
  const std::string jwt = Issue();
  EXPECT_EQ(did::Jws::Parse(jwt)->alg, GetParam().second);
  const auto v = VerifyCredential(jwt, resolver_, {.now = kNow});
  ASSERT_TRUE(v.has_value()) << v.error().Text();
  EXPECT_TRUE(v->valid()) << v->Reason();
  // Each part of the token changed, and another algorithm's name in the header.
  for (size_t i = 0; i < jwt.size(); i += 7) {
    std::string changed = jwt;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    const auto bad = VerifyCredential(changed, resolver_, {.now = kNow});
    EXPECT_FALSE(bad && bad->valid()) << i;
  }
  for (const char* alg : {"EdDSA", "ES256", "ES384", "ES256K", "none"}) {
    if (std::string_view(alg) == GetParam().second) continue;
    json header = *base::ParseJson(did::Jws::Parse(jwt)->header);
    header["alg"] = alg;
    const std::string changed = base::Base64Url(AsBytes(base::DumpJson(header))) + jwt.substr(jwt.find('.'));
    const auto bad = VerifyCredential(changed, resolver_, {.now = kNow});
    ASSERT_TRUE(bad.has_value()) << bad.error().Text();
    EXPECT_FALSE(bad->valid()) << alg;
  }
}

TEST_P(Algorithms, Presentation) {
  PresentationRequest request;
  request.holder = did_;
  request.audience = "did:example:owner";
  request.nonce = "n-1";
  request.iat = kNow;
  request.credentials = {Issue()};
  const std::string jwt = *CreatePresentation(request, *store_, key_, kid_);
  PresentationOptions options;
  options.audience = request.audience;
  options.nonce = request.nonce;
  options.now = kNow;
  const auto v = VerifyPresentation(jwt, resolver_, options);
  ASSERT_TRUE(v.has_value()) << v.error().Text();
  EXPECT_TRUE(v->valid()) << v->Reason();
}

INSTANTIATE_TEST_SUITE_P(Each, Algorithms,
                         testing::Values(std::pair(crypto::KeyType::kEd25519, "EdDSA"),
                                         std::pair(crypto::KeyType::kP256, "ES256"),
                                         std::pair(crypto::KeyType::kP384, "ES384"),
                                         std::pair(crypto::KeyType::kSecp256k1, "ES256K")),
                         [](const auto& test) { return std::string(test.param.second); });

}  // namespace
}  // namespace keel::vc
