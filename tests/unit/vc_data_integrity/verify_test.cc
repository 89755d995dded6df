// SPDX-License-Identifier: Apache-2.0
// Whose proof it is and what for: issuer, holder, controller, relationship, purpose, domain, challenge; and tampering.
#include "tests/unit/vc_data_integrity/helpers.h"
#include "vc/data_integrity/problems.h"

namespace keel::vc {
namespace {

using nlohmann::json;

constexpr Cryptosuite kBoth[] = {Cryptosuite::kEddsaJcs2022, Cryptosuite::kEddsaRdfc2022};

class VerifyProof : public DataIntegrityTest {
 protected:
  void SetUp() override {
    DataIntegrityTest::SetUp();
    methods_.Add("web", documents_).Add("down", down_);
  }
  // A document of did:web:NAME.example with the signer's key; `relationships` as DID Core names them.
  Signer Published(const std::string& name, std::vector<std::string> relationships, std::string controller = {}) {
    Signer signer = Party(crypto::KeyType::kEd25519);
    signer.did = "did:web:" + name + ".example";
    signer.method = signer.did + "#key-1";
    json document = {{"id", signer.did},
                     {"verificationMethod",
                      {{{"id", signer.method},
                        {"type", "Multikey"},
                        {"controller", controller.empty() ? signer.did : controller},
                        {"publicKeyMultibase", base::Multikey(signer.public_key)}}}}};
    for (const std::string& relationship : relationships) document[relationship] = {signer.method};
    auto parsed = did::DidDocument::FromJson(document);
    EXPECT_TRUE(parsed.has_value()) << parsed.error().Text();
    documents_.Add(std::move(*parsed));
    return signer;
  }
  class Down final : public did::DidResolver {
   public:
    using did::DidResolver::Resolve;
    Result<did::ResolutionResult> Resolve(const std::string&, const did::ResolutionOptions&) override {
      return Fail(Code::kUnreachable, "test resolver", "down");
    }
  };
  did::StaticResolver documents_;
  Down down_;
};

TEST_F(VerifyProof, EverySuiteAndKey) {
  const Signer p256 = Party(crypto::KeyType::kP256), p384 = Party(crypto::KeyType::kP384);
  const std::pair<Cryptosuite, Signer> all[] = {
      {Cryptosuite::kEddsaJcs2022, maker_}, {Cryptosuite::kEddsaRdfc2022, maker_}, {Cryptosuite::kEcdsaJcs2019, p256},
      {Cryptosuite::kEcdsaRdfc2019, p256},  {Cryptosuite::kEcdsaJcs2019, p384},    {Cryptosuite::kEcdsaRdfc2019, p384}};
  for (const auto& [suite, signer] : all) {
    const std::string name(CryptosuiteName(suite));
    const json secured = Secured(suite, signer);
    const Verification verification = Verify(secured);
    EXPECT_TRUE(verification.valid()) << name << verification.Reason();
    EXPECT_EQ(verification.form, name);
    EXPECT_EQ(verification.kid, signer.method);
    EXPECT_EQ(verification.credential.issuer, signer.did);
    EXPECT_EQ(verification.credential.json, base::DumpJson(secured));
    // Every value of the document and of the proof, changed.
    const json flat = secured.flatten();
    for (const auto& [path, value] : flat.items()) {
      if (!value.is_string() || path.find("proofValue") != std::string::npos) continue;
      json changed = secured;
      json& place = changed[json::json_pointer(path)];
      place = place.get<std::string>() + "x";
      EXPECT_FALSE(Verify(changed).valid()) << name << path;
    }
    json added = secured;
    added["name"] = "A name that nobody signed";
    Fails(added, kCheckSignature, name);
    added = secured;
    added["proof"]["nonce"] = "n";
    Fails(added, kCheckSignature, name);
    json removed = secured;
    removed.erase("validUntil");
    Fails(removed, kCheckSignature, name);
  }
}

TEST_F(VerifyProof, TheIssuersKeyAlone) {
  const Signer other = Party(crypto::KeyType::kEd25519);
  for (const Cryptosuite suite : kBoth) {
    const json forged = Secured(Plain(maker_.did), Options(suite, other), other);
    const Verification verification = Verify(forged);
    EXPECT_TRUE(verification.Find(kCheckSignature)->ok) << "what is refused is whose it is";
    Fails(forged, kCheckIssuer, "", maker_.did);
    EXPECT_EQ(ProblemOf(*verification.Find(kCheckIssuer)), kProofVerificationError);
    // Named as the maker's, signed by another.
    ProofOptions lie = Options(suite, other);
    lie.verification_method = maker_.method;
    Fails(Secured(Plain(maker_.did), lie, other), kCheckSignature);
    // A key that the maker doesn't have.
    lie.verification_method = maker_.did + "#nobody";
    Fails(Secured(Plain(maker_.did), lie, maker_), kCheckIssuer, "", "not a current");
    // As an object with an id.
    json document = Plain(maker_.did);
    document["issuer"] = {{"id", maker_.did}, {"name", "Maker"}};
    Valid(Secured(document, Options(suite, maker_), maker_));
    // One proof of a set must be the issuer's.
    json set = Secured(Secured(suite, maker_), Options(suite, other), other);
    Valid(set);
    set["proof"].erase(0);
    Fails(set, kCheckIssuer);
  }
}

TEST_F(VerifyProof, RelationshipPurposeAndController) {
  const Signer good = Published("good", {"assertionMethod"});
  const Signer login = Published("login", {"authentication"});
  const Signer unlisted = Published("unlisted", {});
  const Signer lent = Published("lent", {"assertionMethod"}, "did:web:good.example");
  for (const Cryptosuite suite : kBoth) {
    Valid(Secured(suite, good));
    Fails(Secured(suite, login), kCheckIssuer, "another relationship", "not a current assertion key");
    Fails(Secured(suite, unlisted), kCheckIssuer, "no relationship", "not a current assertion key");
    Fails(Secured(suite, lent), kCheckIssuer, "another's method", "controlled by did:web:good.example");
    for (const char* purpose : {"authentication", "capabilityInvocation"}) {
      ProofOptions options = Options(suite, good);
      options.proof_purpose = purpose;
      const json secured = Secured(Plain(good.did), options, good);
      Fails(secured, kCheckPurpose, purpose, purpose);
      EXPECT_EQ(ProblemOf(*Verify(secured).Find(kCheckPurpose)), kProofVerificationError);
    }
    json secured = Secured(suite, good);
    secured["proof"]["proofPurpose"] = "invalidPurpose";
    Fails(secured, kCheckPurpose, "", "invalidPurpose");
  }
}

TEST_F(VerifyProof, WhatCannotBeResolved) {
  for (const char* method : {"did:key:invalidVm", "did:key:@invalidVm@", "did:web:nobody.example#key-1",
                             "https://maker.example/#key", "urn:x:y", "did:key:z6Mkx#z6Mkx"}) {
    json secured = Secured(Cryptosuite::kEddsaJcs2022, maker_);
    secured["proof"]["verificationMethod"] = method;
    const Verification verification = Verify(secured);
    EXPECT_FALSE(verification.valid()) << method;
  }
  // Not the sender's fault: no verdict.
  json secured = Secured(Cryptosuite::kEddsaJcs2022, maker_);
  secured["issuer"] = "did:down:x";
  secured["proof"]["verificationMethod"] = "did:down:x#key-1";
  auto verification = VerifyDataIntegrity(base::DumpJson(secured), methods_, options_);
  ASSERT_FALSE(verification.has_value());
  EXPECT_EQ(verification.error().code, Code::kUnreachable);
}

TEST_F(VerifyProof, KeysGivenByHand) {
  const Signer other = Party(crypto::KeyType::kEd25519);
  for (const Cryptosuite suite : kBoth) {
    const json secured = Secured(Plain("https://maker.example/issuer"), Options(suite, maker_), maker_);
    Fails(secured, kCheckIssuer);
    VerifyOptions options = options_;
    options.given_keys = {other.public_key, maker_.public_key};
    EXPECT_TRUE(Verify(secured, options).valid()) << Verify(secured, options).Reason();
    options.given_keys = {other.public_key};
    EXPECT_FALSE(Verify(secured, options).valid());
    // A method that no DID leads to.
    ProofOptions unnamed = Options(suite, maker_);
    unnamed.verification_method = "https://maker.example/issuer#key-1";
    const json by_url = Secured(Plain("https://maker.example/issuer"), unnamed, maker_);
    EXPECT_FALSE(Verify(by_url, options).valid()) << "the key given is another";
    options.given_keys = {other.public_key, maker_.public_key};
    EXPECT_TRUE(Verify(by_url, options).valid()) << Verify(by_url, options).Reason();
    EXPECT_FALSE(Verify(by_url).valid()) << "none given";
    options.given_keys = {other.public_key};
    // The caller's word counts beside what the issuer's own DID says, for the key that made the proof.
    const json resolvable = Secured(Plain(maker_.did), Options(suite, other), other);
    Fails(resolvable, kCheckIssuer);
    EXPECT_TRUE(Verify(resolvable, options).valid()) << Verify(resolvable, options).Reason();
    options.given_keys = {maker_.public_key};
    EXPECT_FALSE(Verify(resolvable, options).valid());
    // Not for holders.
    ProofOptions login = Options(suite, other);
    login.proof_purpose = "authentication";
    options.given_keys = {other.public_key};
    EXPECT_FALSE(Verify(Secured(Presentation(maker_.did), login, other), options).valid());
  }
}

// What W3C's suites expect of an endpoint: their vectors' issuers are URLs.
TEST_F(VerifyProof, IssuersThatAreUrls) {
  const Signer other = Party(crypto::KeyType::kEd25519);
  VerifyOptions options = options_;
  options.unproved_url_issuers = true;
  for (const Cryptosuite suite : kBoth) {
    json secured = Secured(Plain("https://maker.example/issuer"), Options(suite, maker_), maker_);
    Fails(secured, kCheckIssuer);
    const Verification verification = Verify(secured, options);
    EXPECT_TRUE(verification.valid()) << verification.Reason();
    EXPECT_NE(verification.Find(kCheckIssuer)->detail.find("not checked"), std::string::npos);
    secured["credentialSubject"]["alumniOf"] = "Another school";
    EXPECT_FALSE(Verify(secured, options).valid());
    // A DID has keys, and a holder is who signs.
    EXPECT_FALSE(Verify(Secured(Plain(maker_.did), Options(suite, other), other), options).valid());
    ProofOptions login = Options(suite, other);
    login.proof_purpose = "authentication";
    EXPECT_FALSE(Verify(Secured(Presentation("https://holder.example"), login, other), options).valid());
  }
  options.contexts = &VectorContexts();
  options.now = std::nullopt;
  for (const char* name :
       {"ecdsa-suite/sd-derived.json", "ecdsa/ecdsa-jcs-2019-p256/signedJCSECDSAP256.json",
        "ecdsa/ecdsa-jcs-2019-p384/signedJCSECDSAP384.json", "ecdsa/ecdsa-rdfc-2019-p256/signedECDSAP256.json",
        "ecdsa/ecdsa-rdfc-2019-p384/signedECDSAP384.json"}) {
    EXPECT_TRUE(Verify(VectorJson(name), options).valid())
        << name << ": " << Verify(VectorJson(name), options).Reason();
  }
}

TEST_F(VerifyProof, Presentations) {
  const Signer other = Party(crypto::KeyType::kEd25519);
  for (const Cryptosuite suite : kBoth) {
    ProofOptions options = Options(suite, maker_);
    options.proof_purpose = "authentication";
    options.challenge = "1235abcd6789";
    options.domain = {"domain.example"};
    json document = Presentation(maker_.did);
    document["verifiableCredential"] = json::array({Secured(suite, other)});
    const json secured = Secured(document, options, maker_);
    VerifyOptions wanted = options_;
    wanted.challenge = "1235abcd6789";
    wanted.domain = "domain.example";
    const Verification verification = Verify(secured, wanted);
    EXPECT_TRUE(verification.valid()) << verification.Reason();
    EXPECT_TRUE(verification.presentation);
    EXPECT_EQ(verification.holder, maker_.did);
    Valid(secured, "neither is demanded");

    const auto refused = [&](const json& presentation, std::string_view check, std::string_view problem) {
      const Verification verdict = Verify(presentation, wanted);
      EXPECT_FALSE(verdict.valid());
      ASSERT_NE(verdict.Find(check), nullptr);
      EXPECT_FALSE(verdict.Find(check)->ok) << check;
      EXPECT_EQ(ProblemOf(*verdict.Find(check)), problem);
    };
    ProofOptions bad = options;
    bad.challenge = "invalid-challenge";
    refused(Secured(document, bad, maker_), kCheckChallenge, kInvalidChallengeError);
    bad.challenge = std::nullopt;
    refused(Secured(document, bad, maker_), kCheckChallenge, kInvalidChallengeError);
    bad = options;
    for (const std::vector<std::string>& domain :
         {std::vector<std::string>{}, {"other.example"}, {"domain.example", "other.example"}}) {
      bad.domain = domain;
      refused(Secured(document, bad, maker_), kCheckDomain, kInvalidDomainError);
    }
    bad = options;
    bad.proof_purpose = "assertionMethod";
    refused(Secured(document, bad, maker_), kCheckPurpose, kProofVerificationError);
    // The holder's key alone.
    bad = options;
    bad.verification_method = other.method;
    refused(Secured(document, bad, other), kCheckHolder, kProofVerificationError);
    // Nobody named: who signs is the holder.
    json anonymous = document;
    anonymous.erase("holder");
    EXPECT_EQ(Verify(Secured(anonymous, options, maker_), wanted).holder, maker_.did);
    // The embedded credential is covered too.
    json changed = secured;
    changed["verifiableCredential"][0]["credentialSubject"]["alumniOf"] = "Another school";
    refused(changed, kCheckSignature, kProofVerificationError);
  }
}

// A presentation over RDF with credentials over JSON and over RDF, and the other way round.
TEST_F(VerifyProof, PresentationsOfOtherSuites) {
  const Signer other = Party(crypto::KeyType::kEd25519), p256 = Party(crypto::KeyType::kP256);
  json document = Presentation(maker_.did);
  document["verifiableCredential"] = {
      Secured(kBoth[0], other), Secured(kBoth[1], other), Secured(Cryptosuite::kEcdsaJcs2019, p256),
      Secured(Secured(Cryptosuite::kEcdsaRdfc2019, p256), Options(kBoth[0], other), other)};
  for (const json& credential : document["verifiableCredential"]) Valid(credential);
  for (const Cryptosuite suite : kBoth) {
    ProofOptions options = Options(suite, maker_);
    options.proof_purpose = "authentication";
    json secured = Secured(document, options, maker_);
    Valid(secured, std::string(CryptosuiteName(suite)));
    secured["verifiableCredential"][3]["proof"][1]["created"] = "2020-01-01T00:00:00Z";
    Fails(secured, kCheckSignature);
  }
}

TEST_F(VerifyProof, NothingIsAskedOfForgedCredentials) {
  class Counting final : public StatusChecker {
   public:
    Result<Status> Check(const StatusEntry&, const std::string&, UnixSeconds) override {
      ++asked;
      return Status{};
    }
    int asked = 0;
  } status;
  json document = Plain(maker_.did);
  document["credentialStatus"] = {{"id", "https://maker.example/status/1#3"},
                                  {"type", "BitstringStatusListEntry"},
                                  {"statusPurpose", "revocation"},
                                  {"statusListIndex", "3"},
                                  {"statusListCredential", "https://maker.example/status/1"}};
  options_.status = &status;
  for (const Cryptosuite suite : kBoth) {
    status.asked = 0;
    json secured = Secured(document, Options(suite, maker_), maker_);
    Valid(secured);
    EXPECT_EQ(status.asked, 1);
    secured["credentialSubject"]["alumniOf"] = "Another school";
    EXPECT_FALSE(Verify(secured).valid());
    EXPECT_EQ(status.asked, 1);
  }
}

TEST_F(VerifyProof, ValidityOfTheCredential) {
  for (const Cryptosuite suite : kBoth) {
    const json secured = Secured(suite, maker_);
    VerifyOptions later = options_;
    later.now = kNow + 1'000'000;
    EXPECT_FALSE(Verify(secured, later).Find(kCheckValidity)->ok);
  }
}

}  // namespace
}  // namespace keel::vc
