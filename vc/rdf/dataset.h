// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// RDF 1.1 datasets, as far as signing credentials needs them. Plain values: safe to read concurrently.
namespace keel::rdf {

inline constexpr std::string_view kXsdString = "http://www.w3.org/2001/XMLSchema#string";
inline constexpr std::string_view kRdfLangString = "http://www.w3.org/1999/02/22-rdf-syntax-ns#langString";

enum class TermKind : uint8_t { kDefaultGraph, kIri, kBlank, kLiteral };

// One node of a quad. The default graph is a term too (no other member counts then).
struct Term {
  TermKind kind = TermKind::kDefaultGraph;
  std::string value;     // the IRI, the blank node's label without "_:", or the literal's lexical form
  std::string datatype;  // of a literal: its IRI; empty is xsd:string, or rdf:langString when there is a language
  std::string language;  // of a literal

  static Term Iri(std::string iri) { return {TermKind::kIri, std::move(iri), {}, {}}; }
  static Term Blank(std::string label) { return {TermKind::kBlank, std::move(label), {}, {}}; }
  static Term Literal(std::string text, std::string datatype = {}, std::string language = {}) {
    return {TermKind::kLiteral, std::move(text), std::move(datatype), std::move(language)};
  }
  bool blank() const { return kind == TermKind::kBlank; }
  friend bool operator==(const Term&, const Term&) = default;
};

// subject: an IRI or blank; predicate: an IRI; object: not the default graph; graph: no literal.
struct Quad {
  Term subject, predicate, object, graph;
  friend bool operator==(const Quad&, const Quad&) = default;
};

// A set of quads. Equal quads may stand in it several times; they count once wherever it matters (Canonicalize).
struct Dataset {
  std::vector<Quad> quads;
};

}  // namespace keel::rdf
