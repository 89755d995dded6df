// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "crypto/hosted/jwk.h"
#include "crypto/hosted/software_key_store.h"
#include "did/jose.h"
#include "did/methods/key.h"
#include "did/resolver.h"
#include "vc/sd_jwt/sd_jwt.h"
#include "vc/sd_jwt/verify.h"

namespace keel::vc {

inline constexpr UnixSeconds kNow = 1'790'000'000;

// A maker with a did:key, a holder's key, and Mallory's; SD-JWTs in good order and forged ones.
class SdJwtTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }
  void SetUp() override {
    resolver_.Add("key", key_method_);
    maker_key_ = *store_->Generate(crypto::KeyType::kEd25519);
    holder_key_ = *store_->Generate(crypto::KeyType::kP256);
    mallory_key_ = *store_->Generate(crypto::KeyType::kEd25519);
    maker_ = did::DidKey(*store_->Public(maker_key_));
    kid_ = did::DidKeyUrl(*store_->Public(maker_key_));
  }
  nlohmann::json Claims() const {
    return {{"iss", maker_},
            {"vct", "https://example.com/device"},
            {"nbf", kNow - 1000},
            {"exp", kNow + 1000},
            {"sub", "did:example:device"},
            {"model", "M1"},
            {"serial", "S-17"},
            {"firmware", {{"version", "1.2"}, {"digest", "abc"}}},
            {"ports", {"uart", "can", "eth"}}};
  }
  SdJwtIssue Plan() const {
    return {.kid = kid_,
            .concealed = {"/sub", "/model", "/serial", "/firmware", "/firmware/digest", "/ports/0", "/ports/2"},
            .holder = *store_->Public(holder_key_)};
  }
  std::string Issue() { return Issue(Claims(), Plan()); }
  std::string Issue(const nlohmann::json& claims, const SdJwtIssue& plan) {
    auto token = IssueSdJwt(claims, plan, crypto::SystemRandom(), *store_, maker_key_);
    EXPECT_TRUE(token.has_value()) << token.error().Text();
    return token.value_or("");
  }
  std::string Present(const std::string& issued, const std::vector<std::string>& reveal, bool bind = true) {
    const KeyBinding binding = Binding();
    auto token = PresentSdJwt(issued, reveal, bind ? &binding : nullptr);
    EXPECT_TRUE(token.has_value()) << token.error().Text();
    return token.value_or("");
  }
  KeyBinding Binding() {
    return {.audience = "did:example:owner", .nonce = "n-1", .iat = kNow, .store = store_.get(), .key = holder_key_};
  }
  VerifyOptions Options(bool bound = false) const {
    VerifyOptions options;
    options.now = kNow;
    if (bound) {
      options.audience = "did:example:owner";
      options.nonce = "n-1";
    }
    return options;
  }
  // Signs any payload at all with the maker's key.
  std::string Forge(const nlohmann::json& payload, const std::vector<std::string>& disclosures = {},
                    const std::string& typ = "dc+sd-jwt", nlohmann::json header = {}) {
    header["typ"] = typ;
    if (!header.contains("kid")) header["kid"] = kid_;
    std::string out = *did::SignJws(header, base::DumpJson(payload), *store_, maker_key_) + "~";
    for (const std::string& disclosure : disclosures) out += disclosure + "~";
    return out;
  }
  static std::string Text(const nlohmann::json& disclosure) {
    return base::Base64Url(AsBytes(base::DumpJson(disclosure)));
  }
  static std::string Digest(const std::string& disclosure) { return SdDigest(SdHash::kSha256, disclosure); }

  Verification Verify(const std::string& token, const VerifyOptions& options) {
    auto v = VerifySdJwt(token, resolver_, options);
    EXPECT_TRUE(v.has_value()) << v.error().Text();
    return v.value_or(Verification());
  }
  Verification Verify(const std::string& token) { return Verify(token, Options()); }
  // The one check that fails, with a part of its detail.
  void Refused(const std::string& token, const VerifyOptions& options, std::string_view check,
               const std::string& detail = "") {
    const Verification v = Verify(token, options);
    const Check* const found = v.Find(check);
    ASSERT_NE(found, nullptr) << "'" << check << "' wasn't made; " << v.Reason();
    EXPECT_FALSE(v.valid());
    EXPECT_FALSE(found->ok) << v.Reason();
    EXPECT_NE(found->detail.find(detail), std::string::npos) << found->detail;
  }
  void Refused(const std::string& token, std::string_view check, const std::string& detail = "") {
    Refused(token, Options(), check, detail);
  }

  std::unique_ptr<crypto::SoftwareKeyStore> store_ = crypto::SoftwareKeyStore::CreateInMemory();
  did::KeyMethod key_method_;
  did::MethodResolver resolver_;
  crypto::KeyHandle maker_key_, holder_key_, mallory_key_;
  std::string maker_, kid_;
};

}  // namespace keel::vc
