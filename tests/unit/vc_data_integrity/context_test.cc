// SPDX-License-Identifier: Apache-2.0
// Context trickery (docs/decisions/0072): documents that say the same RDF as what was signed, in names that a reader of
// JSON would take otherwise. Each of them has a good signature.
#include "tests/unit/vc_data_integrity/helpers.h"
#include "vc/data_integrity/internal/context_rules.h"
#include "vc/data_integrity/problems.h"

namespace keel::vc {
namespace {

using nlohmann::json;

constexpr const char* kV2 = "https://www.w3.org/ns/credentials/v2";

class Contexts : public DataIntegrityTest {
 protected:
  void SetUp() override {
    DataIntegrityTest::SetUp();
    ASSERT_TRUE(store_of_contexts_
                    .Add("https://maker.example/contexts/v1",
                         R"({"@context":{"@protected":true,"ex":"https://maker.example/ns#",
                             "isOver18":{"@id":"ex:isOver18","@type":"http://www.w3.org/2001/XMLSchema#boolean"},
                             "grade":{"@id":"ex:gradeOfDevice"},
                             "keys":{"@id":"ex:keys","@type":"@json"}}})")
                    .has_value());
    options_.contexts = &store_of_contexts_;
    document_ = Plain(maker_.did);
    document_["@context"] = {kV2, "https://maker.example/contexts/v1"};
    document_["type"] = {"VerifiableCredential"};
    document_["credentialSubject"] = {{"id", "did:example:abcdefgh"}, {"isOver18", true}, {"grade", "A"}};
  }
  json Sign(const json& document) {
    auto secured =
        AddProof(document, Options(Cryptosuite::kEddsaRdfc2022, maker_), *store_, maker_.key, &store_of_contexts_);
    EXPECT_TRUE(secured.has_value()) << secured.error().Text();
    return secured.value_or(json());
  }
  // The signature over the RDF still holds: only the rules stand between this document and its reader.
  void Tricked(const json& document, const std::string& what, const std::string& detail = {}) {
    const Verification verification = Verify(document);
    EXPECT_TRUE(verification.Find(kCheckSignature) != nullptr && verification.Find(kCheckSignature)->ok)
        << what << ": the trick doesn't work: " << verification.Find(kCheckSignature)->detail << "; "
        << verification.Reason();
    Fails(document, kCheckContext, what, detail);
  }
  json_ld::ContextStore store_of_contexts_;
  json document_;
};

TEST_F(Contexts, TheDocumentItself) { Valid(Sign(document_)); }

TEST_F(Contexts, AnotherNameForASignedTerm) {
  const json good = Sign(document_);
  json renamed = good;
  json& subject = renamed["credentialSubject"];
  subject.erase("isOver18");
  subject["isOver21"] = true;
  renamed["@context"].push_back(
      {{"isOver21",
        {{"@id", "https://maker.example/ns#isOver18"}, {"@type", "http://www.w3.org/2001/XMLSchema#boolean"}}}});
  Tricked(renamed, "another name", "isOver21");
  // By a prefix of the known context, by one of its own, without the known context.
  renamed["@context"][2] = {
      {"isOver21", {{"@id", "ex:isOver18"}, {"@type", "http://www.w3.org/2001/XMLSchema#boolean"}}}};
  Tricked(renamed, "by a known prefix", "isOver21");
  renamed["@context"][2] = {
      {"x", "https://maker.example/ns#"},
      {"isOver21", {{"@id", "x:isOver18"}, {"@type", "http://www.w3.org/2001/XMLSchema#boolean"}}}};
  Tricked(renamed, "by a prefix of its own", "isOver21");
  // A name that is the last part of the IRI, but not the name that the known context gives it.
  json graded = good;
  graded["credentialSubject"].erase("grade");
  graded["credentialSubject"]["gradeOfDevice"] = "A";
  graded["@context"].push_back({{"gradeOfDevice", "https://maker.example/ns#gradeOfDevice"}});
  Tricked(graded, "the IRI's own last part", "'grade'");
  graded["@context"][2] = {{"@vocab", "https://maker.example/ns#"}};
  Tricked(graded, "by a vocabulary", "'grade'");
}

TEST_F(Contexts, AnotherNameByAnotherContext) {
  // Both are known to this verifier, and the issuer used the first alone.
  ASSERT_TRUE(store_of_contexts_
                  .Add("https://other.example/contexts/v1",
                       R"({"@context":{"madeBy":"https://maker.example/ns#gradeOfDevice"}})")
                  .has_value());
  const json good = Sign(document_);
  json renamed = good;
  renamed["@context"].push_back("https://other.example/contexts/v1");
  Tricked(renamed, "two names for one IRI, and which is meant can't be told", "two names");
  renamed["credentialSubject"].erase("grade");
  renamed["credentialSubject"]["madeBy"] = "A";
  Tricked(renamed, "the other's name", "two names");
  // The issuer's context taken away, its IRI by the IRI's own last part.
  json without = good;
  without["@context"] = {kV2, {{"@vocab", "https://maker.example/ns#"}}};
  without["credentialSubject"] = {
      {"id", "did:example:abcdefgh"},
      {"gradeOfDevice", "A"},
      {"isOver18", {{"@value", "true"}, {"@type", "http://www.w3.org/2001/XMLSchema#boolean"}}}};
  Tricked(without, "the vocabulary's name", "'grade'");
}

TEST_F(Contexts, AVocabularyThatCutsNames) {
  const json good = Sign(document_);
  json cut = good;
  cut["credentialSubject"].erase("isOver18");
  cut["credentialSubject"]["18"] = {{"@value", "true"}, {"@type", "http://www.w3.org/2001/XMLSchema#boolean"}};
  cut["@context"].push_back({{"@vocab", "https://maker.example/ns#isOver"}});
  Tricked(cut, "a vocabulary", "@vocab");
}

// An end of validity or a status that is there for RDF and not for those who look for its name.
TEST_F(Contexts, MembersHiddenBehindIris) {
  const json good = Sign(document_);
  json hidden = good;
  hidden["https://www.w3.org/2018/credentials#validUntil"] = {{"@value", good["validUntil"]},
                                                              {"@type", "http://www.w3.org/2001/XMLSchema#dateTime"}};
  hidden.erase("validUntil");
  Tricked(hidden, "an IRI as name", "an IRI where a term should stand");
  json prefixed = good;
  prefixed["@context"].push_back({{"c", "https://www.w3.org/2018/credentials#"}});
  prefixed["c:validUntil"] = hidden["https://www.w3.org/2018/credentials#validUntil"];
  prefixed.erase("validUntil");
  Tricked(prefixed, "a compact IRI as name", "an IRI where a term should stand");
  json nested = good;
  nested["@nest"] = {{"validUntil", good["validUntil"]}};
  nested.erase("validUntil");
  Tricked(nested, "@nest", "keyword");
  json alias = good;
  alias["@context"].push_back({{"more", "@nest"}});
  alias["more"] = {{"validUntil", good["validUntil"]}};
  alias.erase("validUntil");
  Tricked(alias, "an alias of @nest", "@nest");
}

TEST_F(Contexts, TheSubjectWithoutItsId) {
  const json good = Sign(document_);
  json hidden = good;
  hidden["credentialSubject"]["@id"] = good["credentialSubject"]["id"];
  hidden["credentialSubject"].erase("id");
  Tricked(hidden, "@id", "keyword");
  hidden["@context"].push_back({{"ident", "@id"}});
  hidden["credentialSubject"]["ident"] = good["credentialSubject"]["id"];
  hidden["credentialSubject"].erase("@id");
  Tricked(hidden, "an alias", "@id");
}

TEST_F(Contexts, TheProofsMembersHidden) {
  ProofOptions options = Options(Cryptosuite::kEddsaRdfc2022, maker_);
  options.created = kNow - 7200;
  options.expires = kNow - 3600;
  auto made = AddProof(document_, options, *store_, maker_.key, &store_of_contexts_);
  ASSERT_TRUE(made.has_value()) << made.error().Text();
  json expired = *made;
  Fails(expired, kCheckProof, "expired", "expired at");
  expired["proof"]["https://w3id.org/security#expiration"] = {{"@value", expired["proof"]["expires"]},
                                                              {"@type", "http://www.w3.org/2001/XMLSchema#dateTime"}};
  expired["proof"].erase("expires");
  Tricked(expired, "an expiry under its IRI", "not Data Integrity's");
}

TEST_F(Contexts, PropertiesMovedToAnotherPlace) {
  document_["credentialSubject"]["grade"] = {{"id", document_["id"]}};
  json good = Sign(document_);
  Valid(good, "a reference to the credential itself is nothing to refuse");
  good["credentialSubject"]["grade"]["validUntil"] = good["validUntil"];
  good.erase("validUntil");
  // validUntil is a term of the credential's type alone, so it goes along with that.
  good["credentialSubject"]["grade"]["type"] = "VerifiableCredential";
  const Verification verification = Verify(good);
  EXPECT_FALSE(verification.valid());
  Fails(good, kCheckContext, "", "the document itself");
}

TEST_F(Contexts, ContextsInside) {
  json document = Sign(document_);
  document["credentialSubject"]["@context"] = "https://maker.example/contexts/v1";
  Fails(document, kCheckContext, "known, but inside", "inside the document");
  document = Sign(document_);
  document["@context"].push_back(nullptr);
  Fails(document, kCheckContext, "null");
}

TEST_F(Contexts, UnknownOnes) {
  for (const Cryptosuite suite : {Cryptosuite::kEddsaJcs2022, Cryptosuite::kEddsaRdfc2022}) {
    json document = Secured(suite, maker_);
    document["@context"].push_back("https://mallory.example/context");
    Fails(document, kCheckContext, "", "https://mallory.example/context is not known");
    EXPECT_EQ(ProblemOf(*Verify(document).Find(kCheckContext)), kProofTransformationError);
    document = Plain(maker_.did);
    document["@context"].push_back("https://mallory.example/context");
    EXPECT_EQ(AddProof(document, Options(suite, maker_), *store_, maker_.key, &store_of_contexts_).error().code,
              Code::kNotFound);
  }
}

TEST_F(Contexts, InlineOnes) {
  const auto with = [&](const json& context) {
    json document = document_;
    document["@context"].push_back(context);
    return AddProof(document, Options(Cryptosuite::kEddsaRdfc2022, maker_), *store_, maker_.key, &store_of_contexts_);
  };
  // New terms with IRIs of their own name, in the forms that W3C's suites use.
  for (const json& good :
       {json{{"color", "https://schema.org/color"}},
        json{{"@protected", true},
             {"sails", {{"@id", "urn:example:sails"}, {"@context", {{"size", "urn:example:size"}}}}}},
        json{{"@vocab", "https://windsurf.grotto-networking.com/selective#"}},
        json{{"Boat", {{"@id", "urn:example:Boat"}, {"@context", {{"id", "@id"}, {"type", "@type"}}}}}},
        json{{"s", "https://schema.org/"},
             {"color", {{"@id", "s:color"}, {"@type", "@id"}, {"@container", "@set"}}}}}) {
    auto made = with(good);
    ASSERT_TRUE(made.has_value()) << good << made.error().Text();
    Valid(*made, good.dump());
  }
  for (const json& bad : {json{{"@base", "https://mallory.example/"}},
                          json{{"@import", "https://maker.example/contexts/v1"}},
                          json{{"@propagate", false}},
                          json{{"@vocab", ""}},
                          json{{"@vocab", nullptr}},
                          json{{"color", nullptr}},
                          json{{"color", "@type"}},
                          json{{"color", 1}},
                          json{{"color", {{"@reverse", "https://schema.org/color"}}}},
                          json{{"color", {{"@id", "https://schema.org/color"}, {"@container", "@index"}}}},
                          json{{"color", {{"@id", "https://schema.org/color"}, {"@nest", "x"}}}},
                          json{{"color", {{"@id", "https://schema.org/color"}, {"@context", kV2}}}},
                          json{{"https://schema.org/color", "https://schema.org/color"}},
                          json{{"name", "https://mallory.example/name"}},
                          json{{"ex", "https://mallory.example/"}},
                          json{{"issuer", "https://mallory.example/issuer"}},
                          json{{"colour", "https://schema.org/color"}},
                          json{{"olor", "https://schema.org/color"}},
                          json{{"a", {{"@id", "urn:example:a"}, {"@context", {{"b", "urn:example:c"}}}}}},
                          json("relative"),
                          json(1)}) {
    const auto made = with(bad);
    EXPECT_FALSE(made.has_value()) << bad;
  }
}

// As W3C's suite for eddsa-rdfc-2022 writes its proof chains.
TEST_F(Contexts, AnInlineContextInAWrapper) {
  document_["@context"].push_back({{"@context", {{"color", "https://schema.org/color"}}}});
  document_["credentialSubject"]["color"] = "red";
  json good = Sign(document_);
  EXPECT_EQ(good["@context"], document_["@context"]) << "stays as it was";
  Valid(good);
  good["@context"][2] = {{"color", "https://schema.org/color"}};
  Valid(good, "the same without the wrapper");
  good["@context"][2] = {{"@context", {{"colour", "https://schema.org/color"}}}};
  good["credentialSubject"].erase("color");
  good["credentialSubject"]["colour"] = "red";
  Tricked(good, "the rules hold inside too", "colour");
  good["@context"][2] = {{"@context", {{"@context", {{"color", "https://schema.org/color"}}}}}};
  Fails(good, kCheckContext, "once only", "@context");
}

TEST_F(Contexts, LossIsDetected) {
  for (const json& change :
       {json{{"/credentialSubject/undefinedTerm", "IfDroppedWillVerify"}}, json{{"/type/1", "UndefinedType"}},
        json{{"/id", "relative"}}, json{{"/credentialSubject/id", "relative"}}}) {
    json document = document_;
    for (const auto& [path, value] : change.items()) document[json::json_pointer(path)] = value;
    const auto made =
        AddProof(document, Options(Cryptosuite::kEddsaRdfc2022, maker_), *store_, maker_.key, &store_of_contexts_);
    ASSERT_FALSE(made.has_value()) << change;
    EXPECT_EQ(ProblemOfGeneration(made.error()), kDataLossDetectionError) << made.error().Text();
    json secured = Sign(document_);
    for (const auto& [path, value] : change.items()) secured[json::json_pointer(path)] = value;
    const Verification verification = Verify(secured);
    EXPECT_FALSE(verification.valid());
    if (!verification.Find(kCheckModel)->ok) continue;  // an id that is no URL is refused before
    EXPECT_EQ(ProblemOf(*verification.Find(kCheckContext)), kDataLossDetectionError)
        << change << verification.Find(kCheckContext)->detail;
  }
  // A base IRI that isn't in the document any more can't have made a relative type absolute.
  json document = document_;
  document["type"].push_back("UndefinedCredential");
  document["@context"].push_back({{"@base", "https://invalid.example.com/"}});
  EXPECT_FALSE(
      AddProof(document, Options(Cryptosuite::kEddsaRdfc2022, maker_), *store_, maker_.key, &store_of_contexts_)
          .has_value());
}

// JSON inside a term of type @json is nobody's names.
TEST_F(Contexts, JsonLiterals) {
  document_["credentialSubject"]["keys"] = {{"a:b", 1}, {"@x", {{"https://y", 2}}}};
  Valid(Sign(document_));
}

TEST_F(Contexts, JcsCoversTheDocumentsBeginning) {
  json secured = Secured(Cryptosuite::kEddsaJcs2022, maker_);
  ASSERT_EQ(secured["proof"]["@context"], secured["@context"]);
  json longer = secured;
  longer["@context"].push_back("https://w3id.org/security/data-integrity/v2");
  Valid(longer, "what is appended is known and unsigned");
  longer["@context"].push_back({{"color", "https://schema.org/color"}});
  Fails(longer, kCheckContext, "an object is appended", "doesn't cover");
  json shorter = secured;
  shorter["@context"].erase(1);
  Fails(shorter, kCheckContext, "shorter", "doesn't begin");
  json swapped = secured;
  std::swap(swapped["@context"][0], swapped["@context"][1]);
  Fails(swapped, kCheckContext, "another order", "doesn't begin");
  json without = secured;
  without["proof"].erase("@context");
  Fails(without, kCheckSignature, "the proof's context was signed");
}

}  // namespace
}  // namespace keel::vc
