// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "crypto/hosted/software_key_store.h"
#include "crypto/signature.h"
#include "did/did.h"
#include "did/methods/keel.h"
#include "did/methods/key.h"
#include "did/resolver.h"
#include "vc/presentation.h"

namespace keel::vc {

inline constexpr UnixSeconds kNow = 1'790'000'000;

// Histories given by hand, as a registry would prove them.
class FakeLedger final : public registry_client::HistorySource {
 public:
  Result<registry_client::VerifiedHistory> ResolveDid(const std::string& did) override {
    if (down) return Fail(Code::kUnreachable, "fake ledger", "down");
    const auto it = histories.find(did);
    if (it == histories.end()) return Fail(Code::kNotFound, "fake ledger", did);
    return it->second;
  }
  void Anchor(uint64_t index, const did::KeelOperation& operation) {
    histories[operation.did].did = operation.did;
    histories[operation.did].operations.push_back({index, operation.jws});
  }
  LedgerView View() {
    return {this, [this](const std::string& issuer, const Bytes32& root) -> Result<uint64_t> {
              if (down) return Fail(Code::kUnreachable, "fake ledger", "down");
              const auto it = batches.find(issuer + base::Hex(root));
              if (it == batches.end()) return Fail(Code::kNotFound, "fake ledger", "batch");
              return it->second;
            }};
  }
  std::map<std::string, registry_client::VerifiedHistory> histories;
  std::map<std::string, uint64_t> batches;
  bool down = false;
};

class PartiesTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }
  void SetUp() override {
    resolver_.Add("keel", keel_).Add("key", key_method_);
    maker_ = Make(10);
    owner_ = Make(11);
    device_ = Make(12);
  }
  std::string Make(uint64_t index) {
    auto made = did::MakeKeelDid(*store_, "acme", Bytes32{7}, {}, crypto::SystemRandom());
    EXPECT_TRUE(made.has_value()) << made.error().Text();
    ledger_.Anchor(index, *made);
    return made->did;
  }
  crypto::KeyHandle Key(const std::string& kid) { return *store_->FindLabel(kid); }
  std::string Issue(const nlohmann::json& credential, const std::string& fragment = "#assert") {
    const std::string kid = credential.at("issuer").get<std::string>() + fragment;
    auto jwt = IssueCredential(credential, *store_, Key(kid), kid);
    EXPECT_TRUE(jwt.has_value()) << jwt.error().Text();
    return jwt.value_or("");
  }
  nlohmann::json Plain() {
    return {{"@context", {kContextV2, "https://www.w3.org/ns/credentials/examples/v2"}},
            {"type", {"VerifiableCredential", "TestCredential"}},
            {"issuer", maker_},
            {"id", "urn:uuid:1"},
            {"validFrom", base::Rfc3339(kNow - 1000)},
            {"validUntil", base::Rfc3339(kNow + 1000)},
            {"credentialSubject", {{"id", device_}, {"a", 1}}}};
  }
  // Replaces an issuer's assertion key at `index`.
  void Rotate(const std::string& did, uint64_t index, std::optional<uint64_t> compromised_since = std::nullopt) {
    did::KeelUpdate update;
    const crypto::KeyHandle fresh = *store_->Generate(crypto::KeyType::kEd25519);
    const crypto::KeyHandle next = *store_->Generate(crypto::KeyType::kEd25519);
    update.keys = {{"auth", 1 | 8, {store_.get(), Key(did + "#auth")}}, {"assert", 2, {store_.get(), fresh}}};
    update.by = {{store_.get(), Key(did + "#next-0")}};
    update.next = {*store_->Public(next)};
    update.compromise_since = compromised_since;
    auto operation = did::UpdateKeelDid(ledger_.histories[did], update);
    ASSERT_TRUE(operation.has_value()) << operation.error().Text();
    ledger_.Anchor(index, *operation);
  }

  std::unique_ptr<crypto::SoftwareKeyStore> store_ = crypto::SoftwareKeyStore::CreateInMemory();
  FakeLedger ledger_;
  did::KeelMethod keel_{ledger_};
  did::KeyMethod key_method_;
  did::MethodResolver resolver_;
  std::string maker_, owner_, device_;
};

}  // namespace keel::vc
