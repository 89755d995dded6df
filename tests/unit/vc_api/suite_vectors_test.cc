// SPDX-License-Identifier: Apache-2.0
// What W3C's suites for the EdDSA and ECDSA cryptosuites post to a verifier as it stands
// (tests/vectors/vc-di/README.md).
#include "base/files.h"
#include "tests/unit/vc_api/world.h"

namespace keel::vc_api {
namespace {

using nlohmann::json;

class SuiteVectors : public VcApiTest {
 protected:
  static json Vector(const std::string& name) {
    auto text = base::ReadFile(std::string(KEEL_SOURCE_DIR) + "/tests/vectors/vc-di/" + name);
    EXPECT_TRUE(text.has_value()) << name;
    return base::ParseJson(text.value_or("")).value_or(json());
  }
};

// Their issuers are URLs, the proofs made by did:key: the answer says what it didn't check.
TEST_F(SuiteVectors, OfUrlIssuers) {
  for (const char* name :
       {"ecdsa/ecdsa-jcs-2019-p256/signedJCSECDSAP256.json", "ecdsa/ecdsa-jcs-2019-p384/signedJCSECDSAP384.json",
        "ecdsa/ecdsa-rdfc-2019-p256/signedECDSAP256.json", "ecdsa/ecdsa-rdfc-2019-p384/signedECDSAP384.json",
        "eddsa/eddsa-jcs-2022/signedJCS.json", "eddsa/eddsa-rdfc-2022/signedDataInt.json",
        "ecdsa-suite/sd-derived.json"}) {
    const json good = Vector(name);
    const auto response = Verify(good);
    ASSERT_EQ(response.status, 200) << name << response.body;
    const json body = Body(response);
    ASSERT_EQ(body["warnings"].size(), 1u) << name;
    EXPECT_NE(body["warnings"][0]["detail"].get<std::string>().find("not checked"), std::string::npos) << body;
    // "Slice the proof"
    json bad = good;
    std::string value = bad["proof"]["proofValue"];
    bad["proof"]["proofValue"] = value.substr(0, value.size() - 1);
    EXPECT_EQ(Verify(bad).status, 400) << name;
    bad["proof"]["proofValue"] = value.substr(1);
    EXPECT_EQ(Verify(bad).status, 400) << name;
    bad = good;
    bad["proof"]["cryptosuite"] = "invalid-cryptosuite";
    EXPECT_EQ(Verify(bad).status, 400) << name;
    bad = good;
    bad["credentialSubject"]["undefinedTerm"] = "IfDroppedWillVerify";
    EXPECT_EQ(Verify(bad).status, 400) << name;
  }
  // No warning where the issuer's key is proved.
  EXPECT_TRUE(Body(Verify(Body(Issue(Plain()))))["warnings"].empty());
}

// "If either securedDocument is not a map or securedDocument.proof is not a map, an error MUST be raised"
TEST_F(SuiteVectors, NoMaps) {
  json issued = Body(Issue(Plain()));
  EXPECT_EQ(Verify(issued).status, 200);
  EXPECT_EQ(Verify(base::DumpJson(issued)).status, 400);
  EXPECT_EQ(Verify(" " + base::DumpJson(issued)).status, 400);
  issued["proof"] = nullptr;
  EXPECT_EQ(Verify(issued).status, 400);
  EXPECT_EQ(Body(Verify(issued))["type"], "https://www.w3.org/TR/vc-data-model#PARSING_ERROR");
}

TEST_F(SuiteVectors, ProofChains) {
  for (const char* version : {"1.1", "2.0"}) {
    for (const char* name :
         {"previousProofStringOk", "previousProofArrayOk", "previousProofStringMissingFail",
          "previousProofArrayMissingFail", "previousProofMissingFail", "previousProofNotStringFail"}) {
      const std::string file = std::string("eddsa-suite/") + version + "-" + name + ".json";
      EXPECT_EQ(Verify(Vector(file)).status, std::string(name).ends_with("Ok") ? 200 : 400) << file;
    }
  }
}

}  // namespace
}  // namespace keel::vc_api
