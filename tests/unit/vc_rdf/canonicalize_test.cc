// SPDX-License-Identifier: Apache-2.0
#include "vc/rdf/canonicalize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "vc/rdf/n_quads.h"

namespace keel::rdf {
namespace {

using Edges = std::vector<std::pair<int, int>>;

Dataset Graph(const Edges& edges, const std::string& prefix = "n") {
  Dataset dataset;
  for (const auto& [from, to] : edges) {
    dataset.quads.push_back(
        {Term::Blank(prefix + std::to_string(from)), Term::Iri("ex:p"), Term::Blank(prefix + std::to_string(to)), {}});
  }
  return dataset;
}

Edges Ring(int size, int first = 0) {
  Edges edges;
  for (int i = 0; i < size; ++i) edges.emplace_back(first + i, first + (i + 1) % size);
  return edges;
}

Edges Clique(int size) {
  Edges edges;
  for (int a = 0; a < size; ++a) {
    for (int b = 0; b < size; ++b) {
      if (a != b) edges.emplace_back(a, b);
    }
  }
  return edges;
}

Edges operator+(Edges a, const Edges& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::string TextOf(const Dataset& dataset, CanonicalizeOptions options = {}) {
  const auto canonical = Canonicalize(dataset, options);
  EXPECT_TRUE(canonical.has_value()) << canonical.error().Text();
  return canonical ? canonical->Text() : "";
}

// The same dataset with other labels, in another order.
Dataset Shuffled(const Dataset& dataset, std::mt19937& random) {
  Dataset out = dataset;
  std::map<std::string, std::string> names;
  const auto rename = [&](Term& term) {
    if (!term.blank()) return;
    std::string& name = names[term.value];
    if (name.empty()) name = "x" + std::to_string(random());
    term.value = name;
  };
  for (Quad& quad : out.quads) {
    rename(quad.subject);
    rename(quad.object);
    rename(quad.graph);
  }
  std::shuffle(out.quads.begin(), out.quads.end(), random);
  return out;
}

TEST(Canonicalize, DependsOnTheShapeAlone) {
  std::mt19937 random(5);
  const Edges shapes[] = {Ring(1),
                          Ring(2),
                          Ring(5),
                          Ring(3) + Ring(3, 10),
                          Clique(4),
                          {{0, 1}, {0, 2}, {1, 3}, {2, 3}},
                          {{0, 1}, {1, 2}, {2, 3}, {3, 4}},
                          {{0, 1}, {1, 0}, {0, 2}, {1, 2}, {2, 2}},
                          Ring(4) + Edges{{0, 9}, {2, 9}}};
  for (const Edges& edges : shapes) {
    Dataset dataset = Graph(edges);
    dataset.quads.push_back({Term::Blank("n0"), Term::Iri("ex:q"), Term::Blank("n1"), Term::Blank("graph")});
    const std::string text = TextOf(dataset);
    for (int i = 0; i < 20; ++i) EXPECT_EQ(TextOf(Shuffled(dataset, random)), text);
    // It is its own canonical form.
    const auto again = ParseNQuads(text);
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ(TextOf(*again), text);
  }
}

TEST(Canonicalize, TellsAlikeGraphsApart) {
  // Each node has one edge in and one out: only following them tells these apart.
  EXPECT_NE(TextOf(Graph(Ring(6))), TextOf(Graph(Ring(3) + Ring(3, 10))));
  EXPECT_NE(TextOf(Graph(Ring(8))), TextOf(Graph(Ring(4) + Ring(4, 10))));
}

TEST(Canonicalize, LabelsByHash) {
  // Worked out by hand with sha256sum: `_:a <ex:p> "1" .` 3ae5b04e..., `_:a <ex:p> "2" .` 4ffc6767...
  const auto canonical = Canonicalize(*ParseNQuads("_:y <ex:p> \"2\" .\n_:x <ex:p> \"1\" .\n"));
  ASSERT_TRUE(canonical.has_value());
  EXPECT_EQ(canonical->Text(), "_:c14n0 <ex:p> \"1\" .\n_:c14n1 <ex:p> \"2\" .\n");
  EXPECT_EQ(canonical->issued, (std::map<std::string, std::string>{{"x", "c14n0"}, {"y", "c14n1"}}));
}

TEST(Canonicalize, EqualQuadsCountOnce) {
  const auto once = ParseNQuads("_:x <ex:p> \"1\" .\n_:y <ex:p> _:x .\n");
  const auto twice = ParseNQuads("_:x <ex:p> \"1\" .\n_:y <ex:p> _:x .\n_:x <ex:p> \"1\" .\n");
  EXPECT_EQ(TextOf(*once), TextOf(*twice));
}

TEST(Canonicalize, RefusesPoison) {
  for (const Edges& edges : {Clique(10), Clique(30), Ring(400), Clique(6) + Ring(300, 50)}) {
    const auto canonical = Canonicalize(Graph(edges));
    ASSERT_FALSE(canonical.has_value());
    EXPECT_EQ(canonical.error().code, Code::kTooLarge);
  }
  // A path longer than the stack should hold, with work to spare.
  const auto deep = Canonicalize(Graph(Ring(600)), {.max_work = 1'000'000'000});
  ASSERT_FALSE(deep.has_value());
  EXPECT_EQ(deep.error().code, Code::kTooLarge);
  EXPECT_TRUE(Canonicalize(Graph(Ring(20))).has_value());
  EXPECT_FALSE(Canonicalize(Graph(Ring(20)), {.max_work = 100}).has_value());
}

TEST(Canonicalize, RefusesTooManyQuads) {
  EXPECT_TRUE(Canonicalize(Graph({{0, 1}, {1, 2}}), {.max_quads = 2}).has_value());
  const auto canonical = Canonicalize(Graph({{0, 1}, {1, 2}, {2, 3}}), {.max_quads = 2});
  ASSERT_FALSE(canonical.has_value());
  EXPECT_EQ(canonical.error().code, Code::kTooLarge);
}

TEST(Canonicalize, Relabels) {
  const auto dataset = ParseNQuads("_:x <ex:p> \"1\" .\n_:y <ex:p> \"2\" .\n<ex:s> <ex:q> _:y .\n");
  const auto plain = Canonicalize(*dataset);
  std::vector<std::string> asked;
  const auto canonical = Canonicalize(*dataset, {.relabel = [&](std::string_view label) {
    asked.emplace_back(label);
    return "u" + std::string(label == "c14n0" ? "9" : "1");
  }});
  ASSERT_TRUE(canonical.has_value());
  EXPECT_EQ(asked, (std::vector<std::string>{"c14n0", "c14n1"}));
  EXPECT_EQ(canonical->issued.at("x"), plain->issued.at("x") == "c14n0" ? "u9" : "u1");
  EXPECT_TRUE(std::ranges::is_sorted(canonical->quads));
  EXPECT_EQ(canonical->Text().find("c14n"), std::string::npos);

  for (const char* label : {"same", "has space", "", "a>", "-x"}) {
    const auto refused = Canonicalize(*dataset, {.relabel = [label](std::string_view) { return std::string(label); }});
    ASSERT_FALSE(refused.has_value()) << label;
    EXPECT_EQ(refused.error().code, Code::kConflict);
  }
}

TEST(Canonicalize, RefusesTermsThatWouldWriteQuads) {
  const Term s = Term::Iri("ex:s"), p = Term::Iri("ex:p"), o = Term::Literal("o");
  ASSERT_TRUE(Canonicalize({{{s, p, o, {}}}}).has_value());
  const Quad bad[] = {
      {Term::Iri("ex:s> <ex:p> <ex:o"), p, o, {}},
      {Term::Iri("relative"), p, o, {}},
      {Term::Iri("ex:a\nb"), p, o, {}},
      {Term::Iri(""), p, o, {}},
      {Term::Literal("s"), p, o, {}},
      {{}, p, o, {}},
      {s, Term::Blank("p"), o, {}},
      {s, Term::Literal("p"), o, {}},
      {s, p, Term::Literal("o", "no iri"), {}},
      {s, p, Term::Literal("o", {}, "en fr"), {}},
      {s, p, Term::Literal("o", {}, "1n"), {}},
      {s, p, Term::Literal("o", "ex:d", "en"), {}},
      {s, p, Term::Blank("a b"), {}},
      {s, p, Term::Blank("a."), {}},
      {s, p, {}, {}},
      {s, p, o, Term::Literal("g")},
  };
  for (const Quad& quad : bad) {
    const auto canonical = Canonicalize({{quad}});
    ASSERT_FALSE(canonical.has_value()) << ToNQuad(quad);
    EXPECT_EQ(canonical.error().code, Code::kInvalidArgument) << ToNQuad(quad);
  }
}

TEST(Canonicalize, Sha384) {
  // sha256sum: `_:a <ex:p> "1" .` 3ae5b04e..., `_:a <ex:q> "1" .` c0045d80...; sha384sum: 30448b7c..., 2bab6a9b...
  const auto dataset = ParseNQuads("_:x <ex:p> \"1\" .\n_:y <ex:q> \"1\" .\n");
  EXPECT_EQ(Canonicalize(*dataset)->issued.at("x"), "c14n0");
  EXPECT_EQ(Canonicalize(*dataset, {.hash = HashAlgorithm::kSha384})->issued.at("x"), "c14n1");
}

TEST(Canonicalize, Empty) {
  const auto canonical = Canonicalize({});
  ASSERT_TRUE(canonical.has_value());
  EXPECT_EQ(canonical->Text(), "");
}

}  // namespace
}  // namespace keel::rdf
