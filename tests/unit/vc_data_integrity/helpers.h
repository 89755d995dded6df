// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "base/encoding.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "crypto/hosted/software_key_store.h"
#include "crypto/signature.h"
#include "did/methods/key.h"
#include "did/resolver.h"
#include "vc/data_integrity/proof.h"
#include "vc/data_integrity/verify.h"
#include "vc/json_ld/context_store.h"

namespace keel::vc {

inline constexpr UnixSeconds kNow = 1'790'000'000;  // 2026-09-21

inline std::string VectorText(const std::string& path) {
  auto text = base::ReadFile(std::string(KEEL_SOURCE_DIR) + "/tests/vectors/vc-di/" + path, 1 << 20);
  EXPECT_TRUE(text.has_value()) << path;
  return text.value_or("");
}
inline nlohmann::json VectorJson(const std::string& path) {
  auto value = base::ParseJson(VectorText(path));
  EXPECT_TRUE(value.has_value()) << path << ": " << (value ? "" : value.error().Text());
  return value.value_or(nlohmann::json());
}
// The text of the file in a folder whose name begins so.
inline std::string VectorFile(const std::string& folder, const std::string& begins) {
  const std::string root = std::string(KEEL_SOURCE_DIR) + "/tests/vectors/vc-di/" + folder;
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(begins)) return VectorText(folder + "/" + name);
  }
  ADD_FAILURE() << folder << " has no " << begins;
  return {};
}
inline std::string Trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

// The contexts of the vectors besides those bundled.
inline const json_ld::ContextStore& VectorContexts() {
  static const auto store = [] {
    auto made = std::make_unique<json_ld::ContextStore>();
    if (made->Find("https://w3id.org/citizenship/v4rc1") == nullptr) {
      EXPECT_TRUE(
          made->Add("https://w3id.org/citizenship/v4rc1", VectorText("contexts/citizenship-v4rc1.jsonld")).has_value());
    }
    return made;
  }();
  return *store;
}

class DataIntegrityTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }
  void SetUp() override {
    methods_.Add("key", key_method_);
    maker_ = Party(crypto::KeyType::kEd25519);
    options_.now = kNow;
    options_.contexts = &VectorContexts();
  }

  struct Signer {
    crypto::KeyHandle key;
    crypto::PublicKey public_key;
    std::string did, method;
  };
  Signer Known(crypto::KeyHandle key) {
    Signer signer{key, *store_->Public(key), {}, {}};
    const std::string multikey = base::Multikey(signer.public_key);
    signer.did = "did:key:" + multikey;
    signer.method = signer.did + "#" + multikey;
    return signer;
  }
  Signer Party(crypto::KeyType type) { return Known(*store_->Generate(type)); }
  // A secret key of the vectors: multicodec and octets.
  Signer Imported(const std::string& multibase) {
    const base::ByteVec octets = *base::FromMultibase(multibase);
    const uint8_t codec = octets.at(0);
    const auto type = codec == 0x80   ? crypto::KeyType::kEd25519
                      : codec == 0x86 ? crypto::KeyType::kP256
                                      : crypto::KeyType::kP384;
    auto key = store_->Import(type, ByteView(octets).subspan(2));
    EXPECT_TRUE(key.has_value());
    return Known(*key);
  }

  nlohmann::json Plain(const std::string& issuer) const {
    return {{"@context", {"https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/examples/v2"}},
            {"id", "urn:uuid:1aa3e1b2-64d7-4a3b-8d9f-5b1d2f0c8e11"},
            {"type", {"VerifiableCredential", "AlumniCredential"}},
            {"issuer", issuer},
            {"validFrom", base::Rfc3339(kNow - 1000)},
            {"validUntil", base::Rfc3339(kNow + 100000)},
            {"credentialSubject", {{"id", "did:example:abcdefgh"}, {"alumniOf", "The School of Examples"}}}};
  }
  nlohmann::json Presentation(const std::string& holder) const {
    return {{"@context", {"https://www.w3.org/ns/credentials/v2"}},
            {"type", {"VerifiablePresentation"}},
            {"holder", holder}};
  }
  ProofOptions Options(Cryptosuite suite, const Signer& signer) const {
    ProofOptions options;
    options.cryptosuite = suite;
    options.verification_method = signer.method;
    options.created = kNow - 10;
    return options;
  }
  nlohmann::json Secured(const nlohmann::json& document, const ProofOptions& options, const Signer& signer) {
    auto secured = AddProof(document, options, *store_, signer.key, &VectorContexts());
    EXPECT_TRUE(secured.has_value()) << secured.error().Text();
    return secured.value_or(nlohmann::json());
  }
  nlohmann::json Secured(Cryptosuite suite, const Signer& signer) {
    return Secured(Plain(signer.did), Options(suite, signer), signer);
  }
  Verification Verify(const nlohmann::json& document, const VerifyOptions& options) {
    auto verification = VerifyDataIntegrity(base::DumpJson(document), methods_, options);
    EXPECT_TRUE(verification.has_value()) << verification.error().Text();
    return verification.value_or(Verification());
  }
  Verification Verify(const nlohmann::json& document) { return Verify(document, options_); }
  void Valid(const nlohmann::json& document, const std::string& what = {}) {
    const Verification verification = Verify(document);
    EXPECT_TRUE(verification.valid()) << what << ": " << verification.Reason();
  }
  // Not valid, and this check says why.
  void Fails(const nlohmann::json& document, std::string_view check, const std::string& what = {},
             const std::string& detail = {}) {
    const Verification verification = Verify(document);
    EXPECT_FALSE(verification.valid()) << what;
    const Check* found = verification.Find(check);
    ASSERT_NE(found, nullptr) << what << ": no check " << check << "; " << verification.Reason();
    EXPECT_FALSE(found->ok) << what << ": " << check << " holds; " << verification.Reason();
    EXPECT_NE(found->detail.find(detail), std::string::npos) << what << ": " << found->detail;
  }

  std::unique_ptr<crypto::SoftwareKeyStore> store_ = crypto::SoftwareKeyStore::CreateInMemory();
  did::KeyMethod key_method_;
  did::MethodResolver methods_;
  Signer maker_;
  VerifyOptions options_;
};

}  // namespace keel::vc
