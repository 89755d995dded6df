// SPDX-License-Identifier: Apache-2.0
// The published vectors of the suites, every intermediate value (tests/vectors/vc-di/README.md).
#include <ostream>

#include "tests/unit/vc_data_integrity/helpers.h"
#include "vc/data_integrity/internal/hash_data.h"
#include "vc/data_integrity/internal/proof_config.h"

namespace keel::vc {
namespace {

using nlohmann::json;

struct Case {
  std::string folder;
  Cryptosuite suite;
  std::string keys;
};

void PrintTo(const Case& item, std::ostream* out) { *out << item.folder; }

class Vectors : public DataIntegrityTest, public testing::WithParamInterface<Case> {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }
  // The vectors' issuers are not those whose keys sign: the key is given by hand.
  VerifyOptions Given(const json& secured) const {
    VerifyOptions options = options_;
    options.now = std::nullopt;
    const std::string method = secured["proof"]["verificationMethod"];
    options.given_keys = {*crypto::PublicKey::FromMultikey(method.substr(method.find('#') + 1))};
    return options;
  }
};

TEST_P(Vectors, EveryStep) {
  const auto& [folder, suite, keys] = GetParam();
  const json key_pair = VectorJson(keys);
  const Signer signer = Imported(
      key_pair.value(key_pair.contains("secretKeyMultibase") ? "secretKeyMultibase" : "privateKeyMultibase", ""));
  const crypto::KeyType type = signer.public_key.type();
  EXPECT_EQ(base::Multikey(signer.public_key), key_pair["publicKeyMultibase"]);

  json secured = *base::ParseJson(VectorFile(folder, "signed"));
  json document = secured;
  document.erase("proof");
  json config = secured["proof"];
  config.erase("proofValue");
  auto canonical = internal::CanonicalForm(document, suite, type, VectorContexts());
  ASSERT_TRUE(canonical.has_value()) << canonical.error().Text();
  EXPECT_EQ(Trimmed(*canonical), Trimmed(VectorFile(folder, "canonDoc")));
  EXPECT_EQ(base::Hex(internal::SuiteHash(type, *canonical)), Trimmed(VectorFile(folder, "docHash")));
  json complete = config;
  complete["@context"] = document["@context"];
  auto canonical_config = internal::CanonicalForm(complete, suite, type, VectorContexts());
  ASSERT_TRUE(canonical_config.has_value()) << canonical_config.error().Text();
  EXPECT_EQ(Trimmed(*canonical_config), Trimmed(VectorFile(folder, "proofCanon")));
  EXPECT_EQ(base::Hex(internal::SuiteHash(type, *canonical_config)), Trimmed(VectorFile(folder, "proofHash")));
  auto data = internal::HashData(document, config, suite, type, VectorContexts());
  ASSERT_TRUE(data.has_value());
  EXPECT_EQ(base::Hex(*data), Trimmed(VectorFile(folder, "combinedHash")));

  // What we make of the same document: the same octets with Ed25519, another good signature with ECDSA.
  if (suite != Cryptosuite::kEd25519Signature2020) {
    ProofOptions options;
    options.cryptosuite = suite;
    options.verification_method = config["verificationMethod"];
    options.created = *ParseRfc3339(config["created"].get<std::string>());
    const json ours = Secured(document, options, signer);
    if (type == crypto::KeyType::kEd25519) {
      EXPECT_EQ(ours, secured);
    }
    const Verification verification = Verify(ours, Given(ours));
    EXPECT_TRUE(verification.valid()) << verification.Reason();
  }
  const base::ByteVec signature = *base::FromMultibase(secured["proof"]["proofValue"].get<std::string>());
  EXPECT_EQ(base::Hex(signature), Trimmed(VectorFile(folder, "sigHex")));
  const Verification verification = Verify(secured, Given(secured));
  EXPECT_TRUE(verification.valid()) << verification.Reason();
  EXPECT_EQ(verification.form, CryptosuiteName(suite));
  // Without the key by hand the proof still holds, and what fails is that it isn't the issuer's.
  const Verification alone = Verify(secured, {.contexts = &VectorContexts()});
  EXPECT_FALSE(alone.valid());
  for (const Check& check : alone.checks) EXPECT_EQ(check.ok, check.name != kCheckIssuer) << check.name << check.detail;

  // Any octet of the signature, and any value of the document.
  for (const size_t at : {size_t{0}, signature.size() / 2, signature.size() - 1}) {
    base::ByteVec bad = signature;
    bad[at] ^= 0x10;
    json forged = secured;
    forged["proof"]["proofValue"] = *base::MultibaseBase58(bad);
    const Verification refused = Verify(forged, Given(secured));
    EXPECT_FALSE(refused.Find(kCheckSignature)->ok) << at;
  }
}

INSTANTIATE_TEST_SUITE_P(
    W3c, Vectors,
    testing::Values(Case{"eddsa/eddsa-jcs-2022", Cryptosuite::kEddsaJcs2022, "eddsa/keyPair.json"},
                    Case{"eddsa/eddsa-rdfc-2022", Cryptosuite::kEddsaRdfc2022, "eddsa/keyPair.json"},
                    Case{"eddsa/eddsa-rdfc-2022/employ", Cryptosuite::kEddsaRdfc2022, "eddsa/keyPair.json"},
                    Case{"eddsa/Ed25519Signature2020", Cryptosuite::kEd25519Signature2020, "eddsa/keyPair.json"},
                    Case{"ecdsa/ecdsa-jcs-2019-p256", Cryptosuite::kEcdsaJcs2019, "ecdsa/p256KeyPair.json"},
                    Case{"ecdsa/ecdsa-jcs-2019-p384", Cryptosuite::kEcdsaJcs2019, "ecdsa/p384KeyPair.json"},
                    Case{"ecdsa/ecdsa-rdfc-2019-p256", Cryptosuite::kEcdsaRdfc2019, "ecdsa/p256KeyPair.json"},
                    Case{"ecdsa/ecdsa-rdfc-2019-p256/employ", Cryptosuite::kEcdsaRdfc2019, "ecdsa/p256KeyPair.json"},
                    Case{"ecdsa/ecdsa-rdfc-2019-p384", Cryptosuite::kEcdsaRdfc2019, "ecdsa/p384KeyPair.json"},
                    Case{"ecdsa/ecdsa-rdfc-2019-p384/employ", Cryptosuite::kEcdsaRdfc2019, "ecdsa/p384KeyPair.json"}),
    [](const testing::TestParamInfo<Case>& param) {
      std::string name = param.param.folder;
      for (char& c : name) {
        if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
      }
      return name;
    });

class SetsAndChains : public DataIntegrityTest {
 protected:
  static json Document(const char* name) { return VectorJson(std::string("eddsa/proof-set-chain/") + name); }
  VerifyOptions Given(const json& secured) const {
    VerifyOptions options;
    options.contexts = &VectorContexts();
    for (const json& proof : secured["proof"].is_array() ? secured["proof"] : json::array({secured["proof"]})) {
      const std::string method = proof["verificationMethod"];
      options.given_keys.push_back(*crypto::PublicKey::FromMultikey(method.substr(method.find('#') + 1)));
    }
    return options;
  }
};

TEST_F(SetsAndChains, Verify) {
  for (const char* name :
       {"signedProofSet1.json", "signedProofSet2.json", "signedProofChain1.json", "signedProofChain2.json"}) {
    const json secured = Document(name);
    const Verification verification = DataIntegrityTest::Verify(secured, Given(secured));
    EXPECT_TRUE(verification.valid()) << name << ": " << verification.Reason();
  }
}

// One proof has to be the issuer's: the others' keys are their own DIDs'.
TEST_F(SetsAndChains, OneKeyGivenByHand) {
  const json secured = Document("signedProofChain2.json");
  VerifyOptions options = Given(secured);
  for (const crypto::PublicKey& key : Given(secured).given_keys) {
    options.given_keys = {key};
    const Verification verification = DataIntegrityTest::Verify(secured, options);
    EXPECT_TRUE(verification.valid()) << verification.Reason();
  }
  options.given_keys = {maker_.public_key};
  EXPECT_FALSE(DataIntegrityTest::Verify(secured, options).valid());
}

TEST_F(SetsAndChains, OfTheSuite) {
  for (const char* version : {"1.1", "2.0"}) {
    for (const char* name :
         {"previousProofStringOk", "previousProofArrayOk", "previousProofStringMissingFail",
          "previousProofArrayMissingFail", "previousProofMissingFail", "previousProofNotStringFail"}) {
      const std::string file = std::string("eddsa-suite/") + version + "-" + name + ".json";
      const Verification verification = DataIntegrityTest::Verify(VectorJson(file));
      EXPECT_EQ(verification.valid(), std::string(name).ends_with("Ok")) << file << ": " << verification.Reason();
    }
  }
}

TEST_F(SetsAndChains, MakeTheSameOctets) {
  const json keys = Document("multiKeyPairs.json");
  json document = Document("unsigned.json");
  const json wanted = Document("signedProofChain2.json");
  int number = 0;
  for (const json& proof : wanted["proof"]) {
    const Signer signer = Imported(keys["keyPair" + std::to_string(++number)]["privateKeyMultibase"]);
    ProofOptions options = Options(Cryptosuite::kEddsaRdfc2022, signer);
    options.created = *ParseRfc3339(proof["created"].get<std::string>());
    if (proof.contains("id")) options.id = proof["id"].get<std::string>();
    if (proof.contains("previousProof")) options.previous_proof = *internal::StringSet(proof["previousProof"], "p");
    document = Secured(document, options, signer);
  }
  EXPECT_EQ(document, wanted);
}

TEST_F(SetsAndChains, TheProofThatIsFollowedCounts) {
  const json secured = Document("signedProofChain2.json");
  // The last proof follows the third: without it, or with another of its id, nothing holds.
  json gone = secured;
  gone["proof"].erase(2);
  EXPECT_FALSE(DataIntegrityTest::Verify(gone, Given(secured)).valid());
  json other = secured;
  other["proof"][2] = secured["proof"][0];
  other["proof"][2]["id"] = secured["proof"][2]["id"];
  EXPECT_FALSE(DataIntegrityTest::Verify(other, Given(secured)).valid());
  // A proof before it that is changed in a way that keeps its own signature good is seen by the one that follows.
  json reordered = secured;
  std::swap(reordered["proof"][0], reordered["proof"][1]);
  EXPECT_TRUE(DataIntegrityTest::Verify(reordered, Given(secured)).valid());
}

// In the wild: VC 1.1 with the proof type of its days.
TEST_F(SetsAndChains, Ed25519Signature2020) {
  const json secured = VectorJson("ed25519-signature-2020-vc11.json");
  options_.now = std::nullopt;
  const Verification verification = DataIntegrityTest::Verify(secured);
  EXPECT_TRUE(verification.valid()) << verification.Reason();
  EXPECT_EQ(verification.form, "Ed25519Signature2020");
  json changed = secured;
  changed["credentialSubject"]["name"] = "Mallory";
  EXPECT_FALSE(DataIntegrityTest::Verify(changed).Find(kCheckSignature)->ok);
}

}  // namespace
}  // namespace keel::vc
