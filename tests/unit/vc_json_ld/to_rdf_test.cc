// SPDX-License-Identifier: Apache-2.0
#include "vc/json_ld/to_rdf.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/json_strict.h"
#include "vc/rdf/canonicalize.h"
#include "vc/rdf/n_quads.h"

namespace keel::json_ld {
namespace {

using nlohmann::json;

const std::string kVectors = std::string(KEEL_SOURCE_DIR) + "/tests/vectors/vc-di/";

std::string ReadVector(const std::string& name) {
  const auto text = base::ReadFile(kVectors + name);
  EXPECT_TRUE(text.has_value()) << name;
  return text.value_or("");
}

std::string CanonicalText(const json& document, const ContextStore& store = BundledContexts(),
                          const ToRdfOptions& options = {}) {
  const auto dataset = ToRdf(document, store, options);
  EXPECT_TRUE(dataset.has_value()) << dataset.error().Text();
  if (!dataset) return "";
  return rdf::Canonicalize(*dataset)->Text();
}

// The lines of an unsorted conversion, sorted.
std::string Lines(const std::string& document, ToRdfOptions options = {}) {
  const auto dataset = ToRdf(*base::ParseJson(document), BundledContexts(), options);
  EXPECT_TRUE(dataset.has_value()) << document << ": " << dataset.error().Text();
  if (!dataset) return "";
  std::vector<std::string> lines;
  for (const rdf::Quad& quad : dataset->quads) lines.push_back(rdf::ToNQuad(quad));
  std::ranges::sort(lines);
  std::string all;
  for (const std::string& line : lines) all += line;
  return all;
}

Error Refusal(const json& document, const ToRdfOptions& options = {}) {
  const auto dataset = ToRdf(document, BundledContexts(), options);
  EXPECT_FALSE(dataset.has_value()) << document.dump(1) << rdf::ToNQuads(*dataset);
  return dataset ? Error() : dataset.error();
}

TEST(ToRdf, VectorsOfTheCryptosuites) {
  ContextStore store;
  ASSERT_TRUE(store.Add("https://w3id.org/citizenship/v4rc1", ReadVector("contexts/citizenship-v4rc1.jsonld")));
  const std::pair<const char*, const char*> cases[] = {
      {"eddsa/unsigned.json", "eddsa/eddsa-rdfc-2022/canonDocDataInt.txt"},
      {"eddsa/eddsa-rdfc-2022/proofConfigDataInt.json", "eddsa/eddsa-rdfc-2022/proofCanonDataInt.txt"},
      {"ecdsa/unsigned.json", "ecdsa/ecdsa-rdfc-2019-p256/canonDocECDSAP256.txt"},
      {"ecdsa/ecdsa-rdfc-2019-p256/proofConfigECDSAP256.json", "ecdsa/ecdsa-rdfc-2019-p256/proofCanonECDSAP256.txt"},
      {"ecdsa/employmentAuth.json", "ecdsa/ecdsa-rdfc-2019-p256/employ/canonDocECDSAP256.txt"},
      {"ecdsa/ecdsa-rdfc-2019-p256/employ/proofConfigECDSAP256.json",
       "ecdsa/ecdsa-rdfc-2019-p256/employ/proofCanonECDSAP256.txt"},
  };
  for (const auto& [document, canonical] : cases)
    EXPECT_EQ(CanonicalText(*base::ParseJson(ReadVector(document)), store), ReadVector(canonical)) << document;
}

TEST(ToRdf, RemembersWithoutMixingUp) {
  // The same store again and in another order: what it remembers must not change what comes out.
  const json ab = {
      {"@context", {"https://www.w3.org/ns/credentials/v2", "https://www.w3.org/ns/credentials/examples/v2"}},
      {"type", {"VerifiableCredential", "ExampleCredential"}},
      {"issuer", "did:example:1"},
      {"credentialSubject", {{"id", "did:example:2"}, {"degree", "x"}}}};
  json ba = ab;
  ba["@context"] = {"https://www.w3.org/ns/credentials/examples/v2", "https://www.w3.org/ns/credentials/v2"};
  json only = ab;
  only["@context"] = "https://www.w3.org/ns/credentials/v2";
  ContextStore store;
  const std::string first = CanonicalText(ab, store);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(CanonicalText(ba, store), CanonicalText(ba, ContextStore()));
    EXPECT_EQ(ToRdf(only, store).error().code, Code::kRefused);
    EXPECT_EQ(CanonicalText(ab, store), first);
  }
}

TEST(ToRdf, Literals) {
  const auto of = [](const std::string& value, const std::string& definition = "\"ex:p\"") {
    std::string line = Lines("{\"@context\":{\"p\":" + definition + "},\"@id\":\"ex:s\",\"p\":" + value + "}");
    const std::string front = "<ex:s> <ex:p> ";
    EXPECT_TRUE(line.starts_with(front)) << line;
    return line.substr(front.size(), line.size() - front.size() - 3);
  };
  const std::string xsd = "http://www.w3.org/2001/XMLSchema#";
  const auto typed = [&xsd](const std::string& text, const std::string& type) {
    return "\"" + text + "\"^^<" + xsd + type + ">";
  };
  EXPECT_EQ(of("\"a\\nb\""), "\"a\\nb\"");
  EXPECT_EQ(of("true"), typed("true", "boolean"));
  EXPECT_EQ(of("5"), typed("5", "integer"));
  EXPECT_EQ(of("-5"), typed("-5", "integer"));
  EXPECT_EQ(of("5.0"), typed("5", "integer"));
  EXPECT_EQ(of("-0.0"), typed("0", "integer"));
  EXPECT_EQ(of("9007199254740991"), typed("9007199254740991", "integer"));
  EXPECT_EQ(of("1e20"), typed("100000000000000000000", "integer"));
  EXPECT_EQ(of("1e21"), typed("1.0E21", "double"));
  EXPECT_EQ(of("5.5"), typed("5.5E0", "double"));
  EXPECT_EQ(of("0.1"), typed("1.0E-1", "double"));
  EXPECT_EQ(of("-1.25e-7"), typed("-1.25E-7", "double"));
  const std::string double_typed = R"({"@id":"ex:p","@type":"http://www.w3.org/2001/XMLSchema#double"})";
  EXPECT_EQ(of("5", double_typed), typed("5.0E0", "double"));
  EXPECT_EQ(of("\"5\"", double_typed), typed("5", "double"));
  EXPECT_EQ(of("\"2020\"", R"({"@id":"ex:p","@type":"ex:year"})"), "\"2020\"^^<ex:year>");
  EXPECT_EQ(of("7", R"({"@id":"ex:p","@type":"ex:year"})"), "\"7\"^^<ex:year>");
  EXPECT_EQ(of("\"hi\"", R"({"@id":"ex:p","@language":"en"})"), "\"hi\"@en");
  EXPECT_EQ(of("{\"@value\":\"hi\",\"@language\":\"de-CH\"}"), "\"hi\"@de-ch");
  EXPECT_EQ(of("{\"b\":[1,\"x\"],\"a\":null}", R"({"@id":"ex:p","@type":"@json"})"),
            "\"{\\\"a\\\":null,\\\"b\\\":[1,\\\"x\\\"]}\"^^<http://www.w3.org/1999/02/22-rdf-syntax-ns#JSON>");
  EXPECT_EQ(of("\"did:example:1\"", R"({"@id":"ex:p","@type":"@id"})"), "<did:example:1>");
}

TEST(ToRdf, SafeModeRefuses) {
  const json context = {{"p", "ex:p"},
                        {"nothing", nullptr},
                        {"g", {{"@id", "ex:g"}, {"@type", "@id"}, {"@container", "@graph"}}},
                        {"l", {{"@id", "ex:l"}, {"@type", "@id"}}},
                        {"i", {{"@id", "ex:i"}, {"@container", "@index"}}}};
  const std::pair<json, const char*> members[] = {
      {{{"unknown", 1}}, "defined by no context"},
      {{{"p", {{"unknown", 1}}}}, "defined by no context"},
      {{{"@type", "Relative"}}, "the type"},
      {{{"@type", {"ex:T", "nothing"}}}, "the type 'nothing' means nothing"},
      {{{"nothing", "x"}}, "defined by no context"},
      {{{"@id", "relative"}, {"p", 1}}, "the id"},
      {{{"l", "relative"}}, "the id"},
      {{{"l", "has space:x"}}, "the id"},
      {{{"l", "ex:a>b"}}, "the id"},
      {{{"l", "ex:a\nb"}}, "the id"},
      {{{"l", "@keyword"}}, "looks like a keyword"},
      {{{"@unknown", 1}}, "looks like a keyword"},
      {{{"p", {{"@value", "x"}, {"@language", "not a tag"}}}}, "language tag"},
      {{{"p", {{"@value", "x"}, {"@type", "ex:<"}}}}, "datatype"},
      {{{"p", {{"@value", "x"}, {"@direction", "rtl"}}}}, "@direction"},
      {{{"p", {{"@language", "en"}}}}, "nothing but @language"},
      {{{"p", {{"@id", "ex:o"}, {"@index", "x"}}}}, "@index"},
      {{{"i", {{"one", "x"}}}}, "@index"},
      {{{"p", {{"p", "x"}, {"@language", "en"}}}}, "@language of an object"},
      {{{"p", {{"p", "x"}, {"@direction", "ltr"}}}}, "@direction of an object"},
      {{{"p", {{"@value", nullptr}}}}, "a value is null"},
      {{{"g", "ex:alone"}}, "an object says nothing"},
      {{{"p", 1}, {"@included", {{"@id", "ex:o"}, {"p", json::array()}}}}, "an object says nothing"},
      {{{"@id", "ex:s"}, {"@graph", json::array({{{"@id", "ex:o"}, {"@type", json::array()}}})}},
       "an object says nothing"},
      {{{"@type", json::array()}}, "an object says nothing"},
      {{{"_:b", "x"}}, "the property"},
      {{{"ex:p#a#b", "x"}}, "the property"},
      {{{"p", {{"@id", "_:has space"}}}}, "the id"},
  };
  for (const auto& [document, what] : members) {
    json whole = document;
    whole["@context"] = context;
    const Error error = Refusal(whole);
    EXPECT_EQ(error.code, Code::kRefused) << whole.dump() << error.Text();
    EXPECT_NE(error.detail.find(what), std::string::npos) << error.Text();
    EXPECT_TRUE(ToRdf(whole, BundledContexts(), {.safe = false}).has_value()) << whole.dump();
  }
  EXPECT_EQ(Refusal({{"@id", "ex:a"}}).code, Code::kRefused);
  EXPECT_EQ(Refusal(json::array({"x"})).code, Code::kRefused);
  EXPECT_EQ(Refusal("x").code, Code::kRefused);
  EXPECT_EQ(Refusal(json::array()).code, Code::kRefused);
  EXPECT_EQ(Refusal(nullptr).code, Code::kRefused);
  EXPECT_EQ(Refusal({{"@context", {{"x", "@unknown"}}}, {"@id", "ex:a"}, {"ex:p", 1}}).code, Code::kRefused);
  EXPECT_EQ(Refusal({{"@context", {{"@language", "not a tag"}}}, {"@id", "ex:a"}, {"ex:p", 1}}).code, Code::kRefused);
}

TEST(ToRdf, Direction) {
  const std::string document = R"({"@id":"ex:s","ex:p":{"@value":"x","@language":"AR","@direction":"rtl"}})";
  EXPECT_EQ(Lines(document, {.direction = Direction::kDrop}), "<ex:s> <ex:p> \"x\"@ar .\n");
  EXPECT_EQ(Lines(document, {.direction = Direction::kI18nDatatype}),
            "<ex:s> <ex:p> \"x\"^^<https://www.w3.org/ns/i18n#ar_rtl> .\n");
  const std::string compound = Lines(document, {.direction = Direction::kCompoundLiteral});
  EXPECT_NE(compound.find("#direction> \"rtl\" ."), std::string::npos) << compound;
}

TEST(ToRdf, Limits) {
  json deep = "x";
  for (int i = 0; i < 40; ++i) deep = json{{"ex:p", deep}};
  EXPECT_EQ(Refusal(deep).code, Code::kTooLarge);
  EXPECT_TRUE(ToRdf(deep, BundledContexts(), {.max_depth = 41}).has_value());
  json nested = {{"ex:p", 1}};
  json context = json::object();
  for (int i = 0; i < 40; ++i) context = json{{"t", {{"@id", "ex:t"}, {"@context", context}}}};
  nested["@context"] = context;
  EXPECT_EQ(Refusal(nested).code, Code::kTooLarge);

  json many = {{"@id", "ex:s"}};
  for (int i = 0; i < 50; ++i) many["ex:p" + std::to_string(i)] = i;
  EXPECT_TRUE(ToRdf(many, BundledContexts(), {.max_quads = 50}).has_value());
  EXPECT_EQ(Refusal(many, {.max_quads = 49}).code, Code::kTooLarge);

  // A scoped context is made anew for each object that it applies to; remembered or not, it counts.
  json terms = json::object();
  for (int i = 0; i < 200; ++i) terms["t" + std::to_string(i)] = "ex:" + std::to_string(i);
  json objects = json::array();
  for (int i = 0; i < 300; ++i) objects.push_back({{"@type", "T"}, {"t1", i}});
  const Error error = Refusal({{"@context", {{"T", {{"@id", "ex:T"}, {"@context", terms}}}}}, {"ex:p", objects}});
  EXPECT_EQ(error.code, Code::kTooLarge);

  json urls = json::array();
  for (int i = 0; i < 257; ++i) urls.push_back("https://www.w3.org/ns/credentials/examples/v2");
  EXPECT_EQ(Refusal({{"@context", urls}, {"x", 1}}).code, Code::kTooLarge);

  // Remembered or not: security/v2 names v1, so that each counts twice.
  ContextStore store;
  for (int i = 0; i < 3; ++i) {
    for (const auto& [count, fits] : {std::pair{128, true}, std::pair{129, false}}) {
      const json named = {{"@context", json(static_cast<size_t>(count), "https://w3id.org/security/v2")}, {"ex:p", 1}};
      const auto dataset = ToRdf(named, store);
      ASSERT_EQ(dataset.has_value(), fits) << dataset.error().Text();
      if (!fits) {
        EXPECT_EQ(dataset.error().code, Code::kTooLarge);
      }
    }
  }

  // A long prefix, written once and used often.
  json long_prefix = {{"@context", {{"x", "ex:" + std::string(5000, 'a') + "#"}}}, {"x:p", 1}};
  EXPECT_EQ(Refusal(long_prefix).code, Code::kTooLarge);
  json amplified = {{"@context", {{"x", "ex:" + std::string(4000, 'a') + "#"}}}};
  for (int i = 0; i < 5000; ++i) amplified["x:p" + std::to_string(i)] = 1;
  EXPECT_EQ(Refusal(amplified).code, Code::kTooLarge);
}

TEST(ToRdf, BlankNodes) {
  EXPECT_EQ(Lines(R"({"ex:p":{"@id":"_:b0"},"ex:q":{"ex:r":1}})"),
            "_:b1 <ex:p> _:b0 .\n_:b1 <ex:q> _:b2 .\n"
            "_:b2 <ex:r> \"1\"^^<http://www.w3.org/2001/XMLSchema#integer> .\n");
  EXPECT_EQ(Lines(R"({"@id":"urn:bnid:7","ex:p":{"@id":"urn:bnid:b0"},"ex:q":{"@id":"ex:o"},"ex:r":{}})",
                  {.skolem_prefix = "urn:bnid:"}),
            "_:7 <ex:p> _:b0 .\n_:7 <ex:q> <ex:o> .\n_:7 <ex:r> _:b1 .\n");
  EXPECT_EQ(
      Lines(R"({"@id":"ex:s","ex:p":{"@list":["a",{"ex:q":"b"}]},"ex:e":{"@list":[]}})"),
      "<ex:s> <ex:e> <http://www.w3.org/1999/02/22-rdf-syntax-ns#nil> .\n"
      "<ex:s> <ex:p> _:b0 .\n"
      "_:b0 <http://www.w3.org/1999/02/22-rdf-syntax-ns#first> \"a\" .\n"
      "_:b0 <http://www.w3.org/1999/02/22-rdf-syntax-ns#rest> _:b1 .\n"
      "_:b1 <http://www.w3.org/1999/02/22-rdf-syntax-ns#first> _:b2 .\n"
      "_:b1 <http://www.w3.org/1999/02/22-rdf-syntax-ns#rest> <http://www.w3.org/1999/02/22-rdf-syntax-ns#nil> .\n"
      "_:b2 <ex:q> \"b\" .\n");
}

TEST(Skolemize, GivesEachPartTheSameNodes) {
  ContextStore store;
  ASSERT_TRUE(store.Add("https://w3id.org/citizenship/v4rc1", ReadVector("contexts/citizenship-v4rc1.jsonld")));
  const json document = *base::ParseJson(ReadVector("ecdsa/employmentAuth.json"));
  const ToRdfOptions options{.skolem_prefix = "urn:bnid:"};
  const auto skolemized = Skolemize(document, store, options);
  ASSERT_TRUE(skolemized.has_value()) << skolemized.error().Text();
  EXPECT_EQ((*skolemized)["issuer"], document["issuer"]);
  const json& subject = (*skolemized)["credentialSubject"];
  EXPECT_TRUE(subject["@id"].get<std::string>().starts_with("urn:bnid:"));
  EXPECT_TRUE(subject["employmentAuthorizationDocument"].contains("@id"));
  EXPECT_EQ(CanonicalText(*skolemized, store, options), CanonicalText(document, store));
  // A part of it: every quad is one of the whole's, with the same labels.
  json part = *skolemized;
  for (const char* name : {"name", "description", "validFrom"}) part.erase(name);
  part["credentialSubject"] = {{"@id", subject["@id"]},
                               {"type", subject["type"]},
                               {"employmentAuthorizationDocument", subject["employmentAuthorizationDocument"]}};
  const std::string whole = rdf::ToNQuads(*ToRdf(*skolemized, store, options));
  const auto quads = ToRdf(part, store, options);
  ASSERT_TRUE(quads.has_value()) << quads.error().Text();
  EXPECT_GT(quads->quads.size(), 8u);
  for (const rdf::Quad& quad : quads->quads) EXPECT_NE(whole.find(rdf::ToNQuad(quad)), std::string::npos);

  EXPECT_EQ(Skolemize(document, store, {}).error().code, Code::kInvalidArgument);
  EXPECT_EQ(Skolemize(*skolemized, store, options).error().code, Code::kRefused);
}

TEST(Skolemize, LeavesAloneWhatIsNoNode) {
  const json document = {
      {"@context",
       {{"j", {{"@id", "ex:j"}, {"@type", "@json"}}},
        {"n", "@nest"},
        {"byId", {{"@id", "ex:m"}, {"@container", "@id"}}},
        {"p", "ex:p"}}},
      {"@id", "ex:s"},
      {"j", {{"a", json::object()}}},
      {"n", {{"p", "x"}}},
      {"byId", {{"ex:o", {{"p", {{"p", 1}}}}}, {"ex:m", {json{{"p", 2}}, json{{"p", json{{"p", 3}}}}}}}},
      {"p", {json{{"@value", "v"}}, json{{"@list", {1}}}, json{{"p", 2}}}}};
  const ToRdfOptions options{.skolem_prefix = "urn:x:"};
  const auto out = Skolemize(document, BundledContexts(), options);
  ASSERT_TRUE(out.has_value()) << out.error().Text();
  json wanted = document;
  wanted["byId"]["ex:m"][1]["p"]["@id"] = "urn:x:0";
  wanted["byId"]["ex:o"]["p"]["@id"] = "urn:x:1";
  wanted["p"][2]["@id"] = "urn:x:2";
  EXPECT_EQ(*out, wanted);
  EXPECT_EQ(CanonicalText(*out, BundledContexts(), options), CanonicalText(document));
}

}  // namespace
}  // namespace keel::json_ld
