// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "crypto/hosted/software_key_store.h"
#include "crypto/signature.h"
#include "did/default_resolver.h"
#include "did/methods/key.h"
#include "vc-api/vc_api.h"
#include "vc/status_list/status_list.h"
#include "vc/verify_any.h"

namespace keel::vc_api {

inline constexpr UnixSeconds kNow = 1'790'000'000;

struct FixedClock final : Clock {
  uint64_t TicksMs() override { return now * 1000; }
  Result<UnixSeconds> Now() override { return now; }
  UnixSeconds now = kNow;
};

// An issuing and a verifying room in one process; the verifier gets lists straight from the issuer.
class VcApiTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }
  void SetUp() override {
    for (const crypto::KeyType type : {crypto::KeyType::kEd25519, crypto::KeyType::kP256, crypto::KeyType::kP384}) {
      Issuer issuer;
      issuer.store = keys_.get();
      issuer.key = *keys_->Generate(type);
      issuer.public_key = *keys_->Public(issuer.key);
      issuer.did = did::DidKey(issuer.public_key);
      issuer.kid = did::DidKeyUrl(issuer.public_key);
      issuers_.push_back(issuer);
    }
    OpenBook();
    vc::ListStatusChecker::Options options;
    options.fetch = [this](const std::string& url) -> Result<std::string> {
      if (down_) return Fail(Code::kUnreachable, "fetch", url);
      return book_->List(url.substr(url.rfind('/') + 1));
    };
    options.verify = vc::VerifyAny;
    options.max_age_seconds = 0;
    status_ = std::make_unique<vc::ListStatusChecker>(*resolver_, std::move(options));
    verifying_ = std::make_unique<Verifying>(Verifying::Options{resolver_.get(), status_.get(), nullptr}, clock_);
  }
  void OpenBook(bool always = false) {
    StatusBook::Options options;
    options.url = "https://issuer.example/credentials/status";
    for (const Issuer& issuer : issuers_) {
      vc::SecureOptions securing;
      securing.form = &issuer == &issuers_.front() ? "eddsa-rdfc-2022" : "ecdsa-rdfc-2019";
      securing.kid = issuer.kid;
      securing.store = keys_.get();
      securing.key = issuer.key;
      options.issuers.emplace_back(issuer.did, securing);
    }
    auto book = StatusBook::Open(std::move(options), *store_, clock_, crypto::SystemRandom());
    ASSERT_TRUE(book.has_value()) << book.error().Text();
    book_ = std::move(*book);
    issuing_ = std::make_unique<Issuing>(Issuing::Options{issuers_, book_.get(), always}, clock_);
  }

  static nlohmann::json Body(const base::HttpResponse& response) { return *base::ParseJson(response.body); }
  nlohmann::json Plain() {
    return {{"@context", {"https://www.w3.org/ns/credentials/v2"}},
            {"type", {"VerifiableCredential"}},
            {"credentialSubject", {{"id", "did:example:subject"}}}};
  }
  base::HttpResponse Issue(const nlohmann::json& credential, const nlohmann::json& options = nlohmann::json::object(),
                           const std::string& form = "") {
    return issuing_->Issue(base::DumpJson({{"credential", credential}, {"options", options}}), form);
  }
  base::HttpResponse Verify(const nlohmann::json& credential,
                            const nlohmann::json& options = nlohmann::json::object()) {
    return verifying_->Verify(base::DumpJson({{"verifiableCredential", credential}, {"options", options}}), false);
  }
  base::HttpResponse VerifyVp(const nlohmann::json& presentation,
                              const nlohmann::json& options = nlohmann::json::object()) {
    return verifying_->Verify(base::DumpJson({{"verifiablePresentation", presentation}, {"options", options}}), true);
  }

  FixedClock clock_;
  std::unique_ptr<crypto::SoftwareKeyStore> keys_ = crypto::SoftwareKeyStore::CreateInMemory();
  std::unique_ptr<base::KeyValueStore> store_ = base::MakeMemoryStore();
  std::unique_ptr<did::MethodResolver> resolver_ = did::MakeDefaultResolver({.web = false});
  std::vector<Issuer> issuers_;
  std::unique_ptr<StatusBook> book_;
  std::unique_ptr<Issuing> issuing_;
  std::unique_ptr<vc::ListStatusChecker> status_;
  std::unique_ptr<Verifying> verifying_;
  bool down_ = false;
};

}  // namespace keel::vc_api
