// SPDX-License-Identifier: Apache-2.0
// AddProof: what it puts into a proof, and what it refuses to make.
#include "tests/unit/vc_data_integrity/helpers.h"
#include "vc/data_integrity/problems.h"

namespace keel::vc {
namespace {

using nlohmann::json;

class Issue : public DataIntegrityTest {
 protected:
  Error Refused(const json& document, const ProofOptions& options, const Signer& signer) {
    auto made = AddProof(document, options, *store_, signer.key, &VectorContexts());
    EXPECT_FALSE(made.has_value());
    return made ? Error{} : made.error();
  }
};

TEST_F(Issue, ProofObject) {
  ProofOptions options = Options(Cryptosuite::kEddsaRdfc2022, maker_);
  options.id = "urn:uuid:1";
  options.expires = kNow + 100;
  options.domain = {"a.example"};
  options.challenge = "c";
  options.nonce = "n";
  json proof = Secured(Plain(maker_.did), options, maker_)["proof"];
  ASSERT_TRUE(proof["proofValue"].is_string());
  proof.erase("proofValue");
  EXPECT_EQ(proof, (json{{"type", "DataIntegrityProof"},
                         {"cryptosuite", "eddsa-rdfc-2022"},
                         {"verificationMethod", maker_.method},
                         {"proofPurpose", "assertionMethod"},
                         {"created", base::Rfc3339(kNow - 10)},
                         {"expires", base::Rfc3339(kNow + 100)},
                         {"domain", "a.example"},
                         {"challenge", "c"},
                         {"nonce", "n"},
                         {"id", "urn:uuid:1"}}));
  options.domain = {"a.example", "b.example"};
  EXPECT_EQ(Secured(Plain(maker_.did), options, maker_)["proof"]["domain"], (json{"a.example", "b.example"}));
}

TEST_F(Issue, ContextInjection) {
  constexpr const char* kDataIntegrity = "https://w3id.org/security/data-integrity/v2";
  json document = {{"@context", "https://www.w3.org/2018/credentials/v1"},
                   {"type", {"VerifiableCredential"}},
                   {"issuer", maker_.did},
                   {"issuanceDate", "2026-01-01T00:00:00Z"},
                   {"credentialSubject", {{"id", "did:example:a"}}}};
  for (const Cryptosuite suite : {Cryptosuite::kEddsaJcs2022, Cryptosuite::kEddsaRdfc2022}) {
    const json secured = Secured(document, Options(suite, maker_), maker_);
    EXPECT_EQ(secured["@context"], (json{"https://www.w3.org/2018/credentials/v1", kDataIntegrity}));
    Valid(secured, "VC 1.1");
    const json enough = Secured(suite, maker_);
    EXPECT_EQ(enough["@context"], Plain(maker_.did)["@context"]) << "2.0's context has the terms";
  }
  // No credential, and no context: JSON alone needs none, RDF gets one.
  const json plain = {{"myWebsite", "https://hello.world.example/"}};
  EXPECT_FALSE(Secured(plain, Options(Cryptosuite::kEddsaJcs2022, maker_), maker_).contains("@context"));
  EXPECT_EQ(Refused(plain, Options(Cryptosuite::kEddsaRdfc2022, maker_), maker_).code, Code::kRefused);
}

TEST_F(Issue, Refusals) {
  const json document = Plain(maker_.did);
  const ProofOptions good = Options(Cryptosuite::kEddsaJcs2022, maker_);
  ProofOptions options = good;
  const auto code = [&] { return Refused(document, options, maker_).code; };
  options.verification_method = "key-1";
  EXPECT_EQ(code(), Code::kInvalidArgument);
  EXPECT_EQ(ProblemOfGeneration(Refused(document, options, maker_)), kProofGenerationError);
  options = good;
  options.proof_purpose = "";
  EXPECT_EQ(code(), Code::kInvalidArgument);
  options.proof_purpose = "invalidPurpose";
  EXPECT_EQ(code(), Code::kInvalidArgument);
  options = good;
  options.id = "1";
  EXPECT_EQ(code(), Code::kInvalidArgument);
  options = good;
  options.challenge = "";
  EXPECT_EQ(code(), Code::kInvalidArgument);
  options = good;
  options.domain = {""};
  EXPECT_EQ(code(), Code::kInvalidArgument);
  options.domain = std::vector<std::string>(kMaxProofs + 1, "x");
  EXPECT_EQ(code(), Code::kTooLarge);
  options = good;
  options.mandatory_pointers = {"/issuer"};
  EXPECT_EQ(code(), Code::kInvalidArgument);
  options = good;
  options.cryptosuite = Cryptosuite::kEd25519Signature2020;
  EXPECT_EQ(code(), Code::kUnsupported);
  for (const Cryptosuite suite : {Cryptosuite::kEcdsaJcs2019, Cryptosuite::kEcdsaRdfc2019, Cryptosuite::kEcdsaSd2023}) {
    options = Options(suite, maker_);
    EXPECT_EQ(code(), Code::kInvalidArgument) << "Ed25519 doesn't sign with " << CryptosuiteName(suite);
  }
  EXPECT_EQ(Refused(json::array(), good, maker_).code, Code::kInvalidArgument);
  json odd = document;
  odd["proof"] = "x";
  EXPECT_EQ(Refused(odd, good, maker_).code, Code::kMalformed);
  odd["proof"] = json::array();
  for (size_t i = 0; i < kMaxProofs; ++i) odd["proof"].push_back({{"id", std::to_string(i)}});
  EXPECT_EQ(Refused(odd, good, maker_).code, Code::kTooLarge);
  const crypto::KeyHandle nobody{999};
  EXPECT_EQ(AddProof(document, good, *store_, nobody).error().code, Code::kNoSuchKey);
}

TEST_F(Issue, EcdsaHasALowSAndBothAreTaken) {
  const Signer signer = Party(crypto::KeyType::kP256);
  for (int i = 0; i < 8; ++i) {
    json secured = Secured(Cryptosuite::kEcdsaJcs2019, signer);
    base::ByteVec signature = *base::FromMultibase(secured["proof"]["proofValue"].get<std::string>());
    ASSERT_EQ(signature.size(), 64u);
    EXPECT_LT(signature[32], 0x80) << "at most half the order";
    // n - s
    constexpr uint8_t kOrder[32] = {0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
                                    0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
                                    0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};
    int borrow = 0;
    for (size_t k = 32; k-- > 0;) {
      const int difference = kOrder[k] - signature[32 + k] - borrow;
      signature[32 + k] = static_cast<uint8_t>(difference);
      borrow = difference < 0 ? 1 : 0;
    }
    secured["proof"]["proofValue"] = *base::MultibaseBase58(signature);
    Valid(secured, "the high S of others");
  }
}

TEST_F(Issue, KeyStoreThatFails) {
  class Failing final : public crypto::KeyStore {
   public:
    explicit Failing(crypto::PublicKey key) : key_(key) {}
    Result<crypto::KeyHandle> Generate(crypto::KeyType) override { return Fail(Code::kUnsupported, "test"); }
    Result<crypto::PublicKey> Public(crypto::KeyHandle) override { return key_; }
    Result<size_t> Sign(crypto::KeyHandle, ByteView, ByteSpan) override { return Fail(Code::kKeyStoreFailed, "test"); }
    Result<crypto::SharedSecret> Agree(crypto::KeyHandle, const crypto::PublicKey&) override {
      return Fail(Code::kUnsupported, "test");
    }
    Result<> Erase(crypto::KeyHandle) override { return {}; }

   private:
    crypto::PublicKey key_;
  } failing(maker_.public_key);
  for (const Cryptosuite suite : {Cryptosuite::kEddsaJcs2022, Cryptosuite::kEddsaRdfc2022}) {
    const auto made = AddProof(Plain(maker_.did), Options(suite, maker_), failing, maker_.key, &VectorContexts());
    ASSERT_FALSE(made.has_value());
    EXPECT_EQ(made.error().code, Code::kKeyStoreFailed);
  }
}

TEST_F(Issue, Names) {
  for (const Cryptosuite suite :
       {Cryptosuite::kEddsaJcs2022, Cryptosuite::kEddsaRdfc2022, Cryptosuite::kEcdsaJcs2019,
        Cryptosuite::kEcdsaRdfc2019, Cryptosuite::kEcdsaSd2023, Cryptosuite::kEd25519Signature2020})
    EXPECT_EQ(CryptosuiteFromName(CryptosuiteName(suite)).value(), suite);
  EXPECT_EQ(CryptosuiteFromName("bbs-2023").error().code, Code::kUnsupported);
}

}  // namespace
}  // namespace keel::vc
