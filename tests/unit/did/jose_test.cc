// SPDX-License-Identifier: Apache-2.0
#include "did/jose.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "crypto/hosted/software_key_store.h"

namespace keel::did {
namespace {

using nlohmann::json;

class Jose : public testing::Test {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }
  std::string Compact(const std::string& header, const std::string& payload, const std::string& signature = "AAAA") {
    return base::Base64Url(AsBytes(header)) + "." + base::Base64Url(AsBytes(payload)) + "." + signature;
  }
  std::unique_ptr<crypto::SoftwareKeyStore> store_ = crypto::SoftwareKeyStore::CreateInMemory();
};

TEST_F(Jose, SignsAndVerifiesWithEveryKeyType) {
  for (const auto& [type, alg] :
       {std::pair{crypto::KeyType::kEd25519, "EdDSA"}, std::pair{crypto::KeyType::kP256, "ES256"},
        std::pair{crypto::KeyType::kSecp256k1, "ES256K"}, std::pair{crypto::KeyType::kP384, "ES384"}}) {
    const crypto::KeyHandle key = *store_->Generate(type);
    auto text = SignJws(json{{"typ", "x"}, {"kid", "did:a:b#c"}, {"zz", 1}}, "{\"a\":1}", *store_, key);
    ASSERT_TRUE(text.has_value()) << alg << text.error().Text();
    auto jws = Jws::Parse(*text);
    ASSERT_TRUE(jws.has_value()) << jws.error().Text();
    EXPECT_EQ(jws->alg, alg);
    EXPECT_EQ(jws->kid, "did:a:b#c");
    EXPECT_EQ(jws->payload, "{\"a\":1}");
    EXPECT_TRUE(
        jws->header.starts_with(std::string("{\"alg\":\"") + alg + "\",\"kid\":\"did:a:b#c\",\"typ\":\"x\",\"zz\":1"));
    auto good = VerifyJws(*jws, *store_->Public(key));
    ASSERT_TRUE(good.has_value()) << good.error().Text();
    EXPECT_TRUE(*good);
    // another key of the same type
    EXPECT_FALSE(*VerifyJws(*jws, *store_->Public(*store_->Generate(type))));
    // one bit of the payload
    Jws forged = *jws;
    forged.signing_input.back() = forged.signing_input.back() == 'A' ? 'B' : 'A';
    EXPECT_FALSE(*VerifyJws(forged, *store_->Public(key)));
  }
}

TEST_F(Jose, TheKeyDecidesNotTheHeader) {
  const crypto::KeyHandle ed = *store_->Generate(crypto::KeyType::kEd25519);
  auto jws = Jws::Parse(*SignJws(json::object(), "x", *store_, ed));
  auto verdict = VerifyJws(*jws, *store_->Public(*store_->Generate(crypto::KeyType::kP256)));
  ASSERT_FALSE(verdict.has_value());
  EXPECT_EQ(verdict.error().code, Code::kAlgorithmNotAllowed);
  EXPECT_FALSE(SignJws(json::object(), "x", *store_, *store_->Generate(crypto::KeyType::kX25519)).has_value());
}

TEST_F(Jose, RefusesHeaders) {
  for (const auto& [header, code] : {
           std::pair{R"({"alg":"none"})", Code::kAlgorithmNotAllowed},
           std::pair{R"({"alg":"HS256"})", Code::kAlgorithmNotAllowed},
           std::pair{R"({"alg":"RS256"})", Code::kAlgorithmNotAllowed},
           std::pair{R"({"alg":"EdDSA","crit":["exp"]})", Code::kUnsupported},
           std::pair{R"({"alg":"EdDSA","b64":false})", Code::kUnsupported},
           std::pair{R"({"alg":"EdDSA","alg":"none"})", Code::kDuplicate},
           std::pair{R"({"\u0061lg":"none","alg":"EdDSA"})", Code::kDuplicate},
           std::pair{R"({})", Code::kMissing},
           std::pair{R"(["alg"])", Code::kMalformed},
           std::pair{R"({"alg":"EdDSA","kid":7})", Code::kMalformed},
       }) {
    auto jws = Jws::Parse(Compact(header, "{}"));
    ASSERT_FALSE(jws.has_value()) << header;
    EXPECT_EQ(jws.error().code, code) << header;
  }
  EXPECT_FALSE(Jws::Parse("a.b").has_value());
  EXPECT_FALSE(Jws::Parse(Compact(R"({"alg":"EdDSA"})", "{}") + ".x").has_value());
  EXPECT_FALSE(Jws::Parse(Compact(R"({"alg":"EdDSA"})", "{}", "AA=")).has_value());
  EXPECT_EQ(Jws::Parse(std::string(kMaxJws + 1, 'a')).error().code, Code::kTooLarge);
}

TEST_F(Jose, ThumbprintOfRfc8037) {
  const base::ByteVec x = *base::FromBase64Url("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo");
  EXPECT_EQ(*JwkThumbprint(*crypto::PublicKey::Create(crypto::KeyType::kEd25519, x)),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

}  // namespace
}  // namespace keel::did
