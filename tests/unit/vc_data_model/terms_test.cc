// SPDX-License-Identifier: Apache-2.0
#include "vc/data_model/terms.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "base/json_strict.h"
#include "vc/data_model/related_resource.h"
#include "vc/json_ld/context_store.h"

namespace keel::vc {
namespace {

using nlohmann::json;

json With(const char* context, const char* type, const char* extra = "{}") {
  json document = *base::ParseJson(R"({"issuer": "did:example:maker", "credentialSubject": {"id": "did:example:d"}})");
  document["@context"] = *base::ParseJson(context);
  document["type"] = *base::ParseJson(type);
  document.update(*base::ParseJson(extra));
  return document;
}

TEST(Terms, TypesAreDefinedOrUrls) {
  constexpr const char* kV2 = R"(["https://www.w3.org/ns/credentials/v2"])";
  constexpr const char* kPlain = R"(["VerifiableCredential"])";
  struct Case {
    const char *context, *type;
    bool good;
    const char* extra = "{}";
  };
  for (const Case& one : std::initializer_list<Case>{
           {kV2, kPlain, true},
           {kV2, R"(["VerifiableCredential", "https://example.org/#ExampleCredential"])", true},
           {kV2, R"(["VerifiableCredential", "ExampleTestCredential"])", false},
           {R"(["https://www.w3.org/ns/credentials/v2", {"@vocab": null}])",
            R"(["VerifiableCredential", "ExampleTestCredential"])", false},
           {R"(["https://www.w3.org/ns/credentials/v2", {"ExampleTestCredential": "https://example.org/#E"}])",
            R"(["VerifiableCredential", "ExampleTestCredential"])", true},
           {R"(["https://www.w3.org/ns/credentials/v2", {"ExampleTestCredential": "https ://not-a-url#E"}])",
            R"(["VerifiableCredential", "ExampleTestCredential"])", false},
           {R"(["https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/examples/v2"])",
            R"(["VerifiableCredential", "RelationshipCredential"])", true},
           {R"(["https://www.w3.org/ns/credentials/v2", "https://keel-protocol.org/contexts/v1"])",
            R"(["VerifiableCredential", "HardwareCredential"])", true},
           // A second meaning for what is protected.
           {R"(["https://www.w3.org/ns/credentials/v2", {"VerifiableCredential": "https://example.org/#Bad"}])", kPlain,
            false},
           {R"(["https://www.w3.org/ns/credentials/v2", {"@protected": true, "E": "https://example.org/#E"},
                {"E": "https://example.org/#Other"}])",
            R"(["VerifiableCredential", "E"])", false},
           // Further down.
           {kV2, kPlain, false, R"({"evidence": {"type": "DocumentVerification2018"}})"},
           {kV2, kPlain, false, R"({"termsOfUse": [{"type": "https://example.org/#T"}, {"type": "IssuerPolicy"}]})"},
           {kV2, kPlain, true, R"({"refreshService": {"type": "https://example.org/#R"}})"},
           {kV2, kPlain, true, R"({"credentialSchema": {"id": "https://example.org/s", "type": "JsonSchema"}})"},
           {kV2, kPlain, false, R"({"credentialSubject": {"type": "Person", "a": 1}})"}}) {
    const auto result = CheckTerms(With(one.context, one.type, one.extra), nullptr);
    EXPECT_EQ(result.has_value(), one.good)
        << one.context << " " << one.type << " " << one.extra << ": " << (result ? "" : result.error().Text());
  }
}

// What was found good is remembered: only what is the same in all that counts may profit.
TEST(Terms, WhatIsRememberedIsTheSame) {
  const char* context = R"(["https://www.w3.org/ns/credentials/v2", {"E": "https://example.org/#E"}])";
  const char* type = R"(["VerifiableCredential", "E"])";
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(CheckTerms(With(context, type), nullptr).has_value());
  EXPECT_FALSE(CheckTerms(With(context, R"(["VerifiableCredential", "F"])"), nullptr).has_value());
  EXPECT_FALSE(CheckTerms(With(context, R"(["VerifiableCredential", "E", "F"])"), nullptr).has_value());
  EXPECT_FALSE(CheckTerms(With(R"(["https://www.w3.org/ns/credentials/v2", {"E": "no url"}])", type), nullptr));
  EXPECT_FALSE(CheckTerms(With(R"(["https://www.w3.org/ns/credentials/v2"])", type), nullptr).has_value());
  EXPECT_FALSE(CheckTerms(With(context, type, R"({"evidence": {"type": "F"}})"), nullptr).has_value());
  EXPECT_FALSE(
      CheckTerms(With(context, type, R"({"evidence": [{"a": 1}, {"type": ["E", "F"]}]})"), nullptr).has_value());
  // Another store has other contexts.
  json_ld::ContextStore store;
  ASSERT_TRUE(store.Add("https://example.org/c", R"({"@context": {"Lamp": "https://example.org/#Lamp"}})"));
  const char* lamp = R"(["https://www.w3.org/ns/credentials/v2", "https://example.org/c"])";
  EXPECT_TRUE(CheckTerms(With(lamp, R"(["VerifiableCredential", "Lamp"])"), &store).has_value());
  EXPECT_FALSE(CheckTerms(With(lamp, R"(["VerifiableCredential", "Lamp"])"), nullptr).has_value());
  // More shapes than are remembered.
  for (int i = 0; i < 1200; ++i) {
    const std::string url = R"(["VerifiableCredential", "https://example.org/#)" + std::to_string(i) + "\"]";
    ASSERT_TRUE(CheckTerms(With(context, url.c_str()), nullptr).has_value());
  }
}

TEST(Terms, ContextsAreKnownOrGiven) {
  const json document = With(R"(["https://www.w3.org/ns/credentials/v2", "https://example.org/c"])",
                             R"(["VerifiableCredential", "Lamp"])");
  const auto unknown = CheckTerms(document, nullptr);
  ASSERT_FALSE(unknown.has_value());
  EXPECT_EQ(unknown.error().code, Code::kNotFound);
  EXPECT_NE(unknown.error().Text().find("https://example.org/c"), std::string::npos) << unknown.error().Text();
  json_ld::ContextStore store;
  ASSERT_TRUE(store.Add("https://example.org/c", R"({"@context": {"Lamp": "https://example.org/#Lamp"}})"));
  const auto known = CheckTerms(document, &store);
  EXPECT_TRUE(known.has_value()) << known.error().Text();
}

TEST(Terms, ThePresentationsOwnOnly) {
  json document = *base::ParseJson(R"({
    "@context": ["https://www.w3.org/ns/credentials/v2", {"P": "https://example.org/#P"}],
    "type": ["VerifiablePresentation", "P"],
    "verifiableCredential": [{"@context": "https://example.org/unknown", "type": "Unknown"}],
    "proof": {"type": "Unknown"}
  })");
  const auto good = CheckTerms(document, nullptr);
  EXPECT_TRUE(good.has_value()) << good.error().Text();
  document["type"].push_back("Q");
  EXPECT_FALSE(CheckTerms(document, nullptr).has_value());
}

json Related(const char* text) { return json{{"relatedResource", *base::ParseJson(text)}}; }

TEST(RelatedResources, Digests) {
  const json_ld::ContextStore store;
  const std::map<std::string, std::string> given = {{"https://example.org/x", "hello"}};
  struct Case {
    const char* resource;
    bool good;
  };
  for (
      const Case& one : std::initializer_list<Case>{
          // echo -n hello | openssl dgst -sha256 -binary | base64
          {R"({"id": "https://example.org/x", "digestSRI": "sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="})",
           true},
          {R"({"id": "https://example.org/x", "digestSRI": "sha256-LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"})",
           true},
          {R"({"id": "https://example.org/x", "digestMultibase": "uLPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"})",
           true},
          // The same as a multihash.
          {R"({"id": "https://example.org/x", "digestMultibase": "uEiAs8k26X7CjDiboOyrFueKeGxYeXB-nQl5zBDNik4uYJA"})",
           true},
          {R"({"id": "https://example.org/x", "digestSRI": "sha256-MPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="})",
           false},
          {R"({"id": "https://example.org/x", "digestMultibase": "uMPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"})",
           false},
          // Of several SRI digests the strongest counts.
          {R"({"id": "https://example.org/x", "digestSRI": "sha256-LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ= sha384-WeFzLFd7Ti6KGU+GBdKvbpiZ/tVfZx1lEnYFpYVcfwmYCnjbf0eLFhQ+w2I60Dya"})",
           false},
          // W3C's base context: its present text, and the one before, which 2024's credentials name.
          {R"({"id": "https://www.w3.org/ns/credentials/v2", "digestMultibase": "uWZVc7WaX1h4D8rJVb-vlMIqxaEKEb1tYbX8fet7JJzQ"})",
           true},
          {R"({"id": "https://www.w3.org/ns/credentials/v2", "digestSRI": "sha384-l/HrjlBCNWyAX91hr6LFV2Y3heB5Tcr6IeE4/Tje8YyzYBM8IhqjHWiWpr8+ZbYU"})",
           true},
          {R"({"id": "https://www.w3.org/ns/credentials/v2", "digestMultibase": "uJKGMkOmFbVJhEfKTduMC2XCyvRAYLjOVmZWwIH1wQ7k"})",
           true},
          {R"({"id": "https://www.w3.org/ns/credentials/v2", "digestSRI": "sha384-NSOcNpmdIVUxIJGvGUoe22FjTWrXiaXlsZ8q6912LdnR3KraQO2n75Ica4wK4Qeg"})",
           true},
          {R"({"id": "https://www.w3.org/ns/credentials/v2", "digestMultibase": "uM4RgWQc3RUDtjJCSgTJtTfvpZ7SPEg_LNO0ESlovQC0"})",
           false},
          {R"({"id": "https://www.w3.org/2018/credentials/v1", "digestMultibase": "uJKGMkOmFbVJhEfKTduMC2XCyvRAYLjOVmZWwIH1wQ7k"})",
           false},
          // Not at hand: said, not held against it.
          {R"({"id": "https://example.org/y", "digestMultibase": "uMPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"})",
           true}}) {
    for (const bool array : {false, true}) {
      const json document = Related(array ? ("[" + std::string(one.resource) + "]").c_str() : one.resource);
      const Check check = CheckRelatedResources(document, &store, given);
      EXPECT_EQ(check.ok, one.good) << one.resource << ": " << check.detail;
    }
  }
  EXPECT_NE(
      CheckRelatedResources(Related(R"({"id": "https://example.org/y", "digestMultibase": "uMP"})"), &store, given)
          .detail.find("not at hand"),
      std::string::npos);
}

}  // namespace
}  // namespace keel::vc
