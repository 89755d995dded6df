// SPDX-License-Identifier: Apache-2.0
// What a proof may be: the statements of Data Integrity 1.0 (section 2.1) and of W3C's test suites for the EdDSA and
// ECDSA cryptosuites, one by one.
#include "tests/unit/vc_data_integrity/helpers.h"
#include "vc/data_integrity/internal/hash_data.h"
#include "vc/data_integrity/internal/proof_config.h"
#include "vc/data_integrity/problems.h"

namespace keel::vc {
namespace {

using nlohmann::json;

constexpr Cryptosuite kBoth[] = {Cryptosuite::kEddsaJcs2022, Cryptosuite::kEddsaRdfc2022};

class Form : public DataIntegrityTest {
 protected:
  // The proof's member changed and signed so by its maker: only the member itself can be what is refused.
  json Signed(Cryptosuite suite, const char* name, const json& value) {
    json proof = {{"type", "DataIntegrityProof"},
                  {"cryptosuite", CryptosuiteName(suite)},
                  {"verificationMethod", maker_.method},
                  {"proofPurpose", "assertionMethod"}};
    if (value.is_null()) {
      proof.erase(name);
    } else {
      proof[name] = value;
    }
    return SignedAs(suite, std::move(proof));
  }
  json SignedAs(Cryptosuite suite, json proof) {
    // Any signature will do where the form is refused; where it isn't, the test wants the right one.
    json document = Plain(maker_.did);
    if (suite == Cryptosuite::kEddsaJcs2022) proof["@context"] = document["@context"];
    document["proof"] = std::move(proof);
    json config = document["proof"];
    json bare = Plain(maker_.did);
    auto data = HashOf(bare, config, suite);
    ByteArray<64> signature{};
    if (data) {
      EXPECT_TRUE(store_->Sign(maker_.key, *data, signature).has_value());
    }
    document["proof"]["proofValue"] = *base::MultibaseBase58(signature);
    return document;
  }
  static Result<base::ByteVec> HashOf(json& document, const json& config, Cryptosuite suite) {
    return internal::HashData(document, config, suite, crypto::KeyType::kEd25519, VectorContexts());
  }
};

TEST_F(Form, ProofIsAnObjectOrASetOfObjects) {
  for (const Cryptosuite suite : kBoth) {
    const json good = Secured(suite, maker_);
    Valid(good);
    json document = good;
    document["proof"] = json::array({good["proof"]});
    Valid(document, "a set of one");
    for (const json& bad : {json(), json("z"), json(1), json::array(), json::array({good["proof"], 1})}) {
      document["proof"] = bad;
      Fails(document, kCheckEnvelope, bad.dump());
      EXPECT_EQ(ProblemOf(*Verify(document).Find(kCheckEnvelope)), kParsingError);
    }
    document.erase("proof");
    Fails(document, kCheckEnvelope, "none");
    document["proof"] = json::array();
    for (size_t i = 0; i <= kMaxProofs; ++i) document["proof"].push_back(good["proof"]);
    Fails(document, kCheckEnvelope, "too many", "more than");
  }
  for (const char* text : {"", "[]", "\"x\"", "null", "{\"proof\":{},\"proof\":{}}", "{"}) {
    auto verification = VerifyDataIntegrity(text, methods_, options_);
    ASSERT_TRUE(verification.has_value());
    EXPECT_FALSE(verification->Find(kCheckEnvelope)->ok) << text;
  }
}

TEST_F(Form, RequiredMembers) {
  for (const Cryptosuite suite : kBoth) {
    for (const char* name : {"type", "cryptosuite", "verificationMethod", "proofPurpose"}) {
      Valid(Signed(suite, "nonce", "n"));
      Fails(Signed(suite, name, json()), kCheckProof, name, name);
      EXPECT_EQ(ProblemOf(*Verify(Signed(suite, name, json())).Find(kCheckProof)), kProofVerificationError);
      for (const json& bad : {json(1), json(""), json::object(), json::array({"x"})})
        Fails(Signed(suite, name, bad), kCheckProof, name, name);
    }
    json document = Secured(suite, maker_);
    document["proof"].erase("proofValue");
    Fails(document, kCheckProof, "no proofValue", "proofValue");
    document["proof"]["proofValue"] = nullptr;
    Fails(document, kCheckProof, "null", "proofValue");
  }
}

TEST_F(Form, TypeAndCryptosuiteAreKnown) {
  for (const Cryptosuite suite : kBoth) {
    Fails(Signed(suite, "type", "UnknownProofType"), kCheckProof, "type", "UnknownProofType");
    Fails(Signed(suite, "type", "Ed25519Signature2018"), kCheckProof, "type", "Ed25519Signature2018");
    Fails(Signed(suite, "type", "Ed25519Signature2020"), kCheckProof, "type", "no cryptosuite");
    for (const char* name :
         {"unknown-cryptosuite-2017", "eddsa-2022", "bbs-2023", "Ed25519Signature2020", "EDDSA-JCS-2022"})
      Fails(Signed(suite, "cryptosuite", name), kCheckProof, name, name);
  }
  // A known suite that is not the one whose key signs.
  Fails(Signed(Cryptosuite::kEddsaJcs2022, "cryptosuite", "ecdsa-jcs-2019"), kCheckSignature, "", "type");
  // The other suite of the same key.
  json document = Secured(Cryptosuite::kEddsaJcs2022, maker_);
  document["proof"]["cryptosuite"] = "eddsa-rdfc-2022";
  Fails(document, kCheckSignature);
}

TEST_F(Form, ProofValueIsMultibaseOfTheRightLength) {
  for (const Cryptosuite suite : kBoth) {
    const json good = Secured(suite, maker_);
    const std::string value = good["proof"]["proofValue"];
    const base::ByteVec octets = *base::FromMultibase(value);
    ASSERT_EQ(octets.size(), 64u);
    EXPECT_TRUE(value.starts_with("z"));
    const auto with = [&](const std::string& text) {
      json document = good;
      document["proof"]["proofValue"] = text;
      return document;
    };
    Fails(with(value.substr(1)), kCheckProof, "no header", "proofValue");
    Fails(with("u" + base::Base64Url(octets)), kCheckProof, "base64url", "base58btc");
    Fails(with("f" + base::Hex(octets)), kCheckProof, "hex");
    Fails(with(value + "0"), kCheckProof, "no base58 character");
    Fails(with("z"), kCheckSignature, "nothing", "0 octets");
    Fails(with(value.substr(0, value.size() - 1)), kCheckSignature, "cut");
    base::ByteVec longer = octets;
    longer.push_back(0);
    Fails(with(*base::MultibaseBase58(longer)), kCheckSignature, "longer", "65 octets");
    for (size_t i = 0; i < octets.size(); ++i) {
      base::ByteVec bad = octets;
      bad[i] ^= 1;
      Fails(with(*base::MultibaseBase58(bad)), kCheckSignature, "octet " + std::to_string(i));
    }
  }
}

TEST_F(Form, DateTimeStamps) {
  const auto time = [](const char* text) { return internal::ParseDateTimeStamp(text).value_or(0); };
  EXPECT_EQ(time("2023-02-24T23:36:38Z"), 1677281798u);
  EXPECT_EQ(time("2023-02-24T23:36:38.123Z"), 1677281798u);
  EXPECT_EQ(time("2023-02-25T01:36:38+02:00"), 1677281798u);
  EXPECT_EQ(time("2023-02-25T13:36:38+14:00"), 1677281798u);
  EXPECT_EQ(time("2023-02-24T23:36:38"), 1677281798u) << "without an offset: UTC";
  EXPECT_EQ(time("2023-02-24T23:36:38.5"), 1677281798u);
  EXPECT_EQ(time("2023-02-24T24:00:00Z"), time("2023-02-25T00:00:00Z"));
  EXPECT_EQ(time("2023-02-24T24:00:00.000Z"), time("2023-02-25T00:00:00Z"));
  for (const char* bad :
       {"", "invalidDate", "2023-02-24", "2023-02-30T00:00:00Z", "2023-13-01T00:00:00Z", "2023-02-24T23:36Z",
        "2023-02-24 23:36:38Z", "2023-02-24t23:36:38Z", "2023-02-24T23:36:38z", "2023-02-24T23:36:38+14:01",
        "2023-02-24T23:36:38+15:00", "2023-02-24T23:36:38+0100", "2023-02-24T24:00:01Z", "2023-02-24T24:30:00Z",
        "2023-02-24T23:36:38.Z", "2023-02-24T23:36:38ZZ", "23-02-24T23:36:38Z", "2023-02-24T23:36:38.", "1677281798"})
    EXPECT_FALSE(internal::ParseDateTimeStamp(bad).has_value()) << bad;
  for (const Cryptosuite suite : kBoth) {
    for (const char* name : {"created", "expires"}) {
      Fails(Signed(suite, name, "invalidDate"), kCheckProof, name, "dateTimeStamp");
      Fails(Signed(suite, name, 1677281798), kCheckProof, name);
      Valid(Signed(suite, name, name[0] == 'c' ? "2026-09-21T13:00:00" : "2026-09-23T00:00:00"), "no offset");
    }
    Valid(Signed(suite, "nonce", "no created"), "created is optional");
  }
}

TEST_F(Form, TimesAreJudged) {
  for (const Cryptosuite suite : kBoth) {
    ProofOptions options = Options(suite, maker_);
    options.created = kNow + 3600;
    Fails(Secured(Plain(maker_.did), options, maker_), kCheckProof, "of tomorrow", "made at");
    options.created = kNow - 3600;
    options.expires = kNow - 120;
    const json expired = Secured(Plain(maker_.did), options, maker_);
    Fails(expired, kCheckProof, "expired", "expired at");
    VerifyOptions timeless = options_;
    timeless.now = std::nullopt;
    EXPECT_TRUE(Verify(expired, timeless).valid()) << "no time to judge by";
    options.expires = kNow + 3600;
    Valid(Secured(Plain(maker_.did), options, maker_));
    options.expires = kNow - 3600;
    EXPECT_EQ(AddProof(Plain(maker_.did), options, *store_, maker_.key, &VectorContexts()).error().code,
              Code::kInvalidArgument);
  }
}

TEST_F(Form, IdsAreUrls) {
  for (const Cryptosuite suite : kBoth) {
    Valid(Signed(suite, "id", "urn:uuid:test:first:proof"));
    for (const json& bad : {json("no url"), json(""), json(1), json("relative"), json("http://a b")})
      Fails(Signed(suite, "id", bad), kCheckProof, bad.dump(), "id");
    Fails(Signed(suite, "verificationMethod", "relative"), kCheckProof, "", "verificationMethod");
  }
}

TEST_F(Form, DomainChallengePreviousProofAreStringsOrSets) {
  for (const Cryptosuite suite : kBoth) {
    Valid(Signed(suite, "domain", "a.example"));
    Valid(Signed(suite, "domain", {"a.example", "b.example"}));
    Valid(Signed(suite, "challenge", "1235abcd6789"));
    for (const char* name : {"domain", "previousProof"}) {
      for (const json& bad : {json(1), json(""), json::array(), json::array({1}), json::array({""}), json::object()})
        Fails(Signed(suite, name, bad), kCheckProof, name + bad.dump(), name);
    }
    for (const json& bad : {json(1), json(""), json::array({"x"})}) {
      Fails(Signed(suite, "challenge", bad), kCheckProof, bad.dump(), "challenge");
      Fails(Signed(suite, "nonce", bad), kCheckProof, bad.dump(), "nonce");
    }
  }
}

TEST_F(Form, ChainsAndSets) {
  const Signer notary = Party(crypto::KeyType::kEd25519);
  for (const Cryptosuite suite : kBoth) {
    ProofOptions first = Options(suite, maker_), second = Options(suite, notary);
    first.id = "urn:uuid:test:first:proof";
    second.previous_proof = {*first.id};
    json chain = Secured(Secured(Plain(maker_.did), first, maker_), second, notary);
    ASSERT_EQ(chain["proof"].size(), 2u);
    EXPECT_EQ(chain["proof"][1]["previousProof"], *first.id);
    Valid(chain);
    json set = Secured(Secured(suite, maker_), Options(suite, notary), notary);
    Valid(set, "a set");
    // "If a proof with id equal to previousProof does not exist in allProofs, an error MUST be raised."
    json missing = chain;
    missing["proof"].erase(0);
    Fails(missing, kCheckProof, "missing", "previousProof");
    missing = chain;
    missing["proof"][1]["previousProof"] = {*first.id, "urn:uuid:other"};
    Fails(missing, kCheckProof, "one of two missing", "urn:uuid:other");
    // "all of which MUST also verify for the current proof to be considered verified"
    json bad = chain;
    bad["proof"][0]["proofValue"] = set["proof"][1]["proofValue"];
    Fails(bad, kCheckSignature, "the first is wrong");
    // The first proof replaced by another good one of its id: the second doesn't cover that.
    json replaced = chain;
    ProofOptions again = first;
    again.created = kNow - 5;
    replaced["proof"][0] = Secured(Plain(maker_.did), again, maker_)["proof"];
    Fails(replaced, kCheckSignature, "the first is another");
    // Two of one id, and proofs in a circle.
    json twice = chain;
    twice["proof"].push_back(twice["proof"][0]);
    Fails(twice, kCheckProof, "two of one id", "two proofs have the id");
    json circle = chain;
    circle["proof"][1]["id"] = "urn:uuid:test:second";
    circle["proof"][0]["previousProof"] = "urn:uuid:test:second";
    Fails(circle, kCheckProof, "circle", "circle");
    EXPECT_EQ(AddProof(Plain(maker_.did), second, *store_, notary.key, &VectorContexts()).error().code,
              Code::kNotFound);
    second.previous_proof = {"urn:uuid:nobody"};
    EXPECT_EQ(AddProof(chain, second, *store_, notary.key, &VectorContexts()).error().code, Code::kNotFound);
  }
}

// Signed over the document alone, as if it followed nothing: the proof that is followed could be put in place of
// another.
TEST_F(Form, AChainThatIsNone) {
  for (const Cryptosuite suite : kBoth) {
    ProofOptions first = Options(suite, maker_);
    first.id = "urn:uuid:test:first:proof";
    json chain = Secured(Plain(maker_.did), first, maker_);
    json config = chain["proof"];
    config.erase("proofValue");
    config.erase("id");
    config["previousProof"] = *first.id;
    json bare = Plain(maker_.did);
    ByteArray<64> signature{};
    ASSERT_TRUE(store_->Sign(maker_.key, *HashOf(bare, config, suite), signature).has_value());
    config["proofValue"] = *base::MultibaseBase58(signature);
    chain["proof"] = json::array({chain["proof"], config});
    Fails(chain, kCheckSignature);
  }
}

}  // namespace
}  // namespace keel::vc
