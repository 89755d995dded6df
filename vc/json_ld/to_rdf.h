// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "core/result.h"
#include "vc/json_ld/context_store.h"
#include "vc/rdf/dataset.h"

// JSON-LD 1.1 (W3C Recommendation, 16 July 2020): expansion and conversion to RDF. docs/formats/json-ld.md has the
// limits and what is left out.
//
// Every error is the document's own doing (a verdict for a verifier, not a failure to check):
//   kNotFound    a context that the store doesn't know (none is fetched)
//   kMalformed   the document or a context breaks a rule; the detail begins with JSON-LD's own error code, "invalid
//   term definition: ..." kRefused     safe mode: something would be left out of the RDF, so a signature would not
//   cover it kTooLarge    a limit
namespace keel::json_ld {

// What becomes of @direction, which RDF has no place for (JSON-LD API, section 9.2, rdfDirection).
enum class Direction : uint8_t {
  kRefuse,           // in safe mode; without it as kDrop
  kDrop,             // left out, silently: what W3C's cryptosuites do. The signature doesn't cover it
  kI18nDatatype,     // https://www.w3.org/ns/i18n#
  kCompoundLiteral,  // rdf:CompoundLiteral
};

struct ToRdfOptions {
  // Refuses (kRefused) whatever would be dropped: members whose name leads to no IRI, values without a property,
  // relative IRIs as id, type or value, keyword-like terms, ill-formed language tags, blank nodes as predicates,
  // @direction (see Direction), @index, null as @value, objects that say nothing and that no property leads to. A
  // member that is null or an empty array says nothing in JSON-LD and is left out in either mode. Off only for W3C's
  // suites.
  bool safe = true;
  Direction direction = Direction::kRefuse;
  std::string base;  // of the document; empty: relative IRIs have none, and are refused in safe mode
  // IRIs that begin with this become blank nodes whose label is the rest ("urn:bnid:", ecdsa-sd-2023). Empty: none.
  std::string skolem_prefix;
  size_t max_quads = 100'000;
  size_t max_depth = 32;  // objects and arrays inside each other, in the document and in each context
};

// The document, expanded and converted (JSON-LD API sections 5.1.2 and 8.1.2). Language tags become lower case. Blank
// nodes keep the labels that the document gives them; those it gives none get b0, b1, ... Any thread.
Result<rdf::Dataset> ToRdf(const nlohmann::json& document, const ContextStore& contexts,
                           const ToRdfOptions& options = {});

// The expanded form alone (an array).
Result<nlohmann::json> Expand(const nlohmann::json& document, const ContextStore& contexts,
                              const ToRdfOptions& options = {});

// The document in its own (compact) form, in which each node object without an id has one: "@id" =
// options.skolem_prefix + a number from 0 up, in the order of the document. ToRdf of it, or of parts of it, with the
// same prefix then gives each node the same blank node in each part (ecdsa-sd-2023, section 3.5.8:
// skolemizeCompactJsonLd, without compaction). Nodes that have an id keep it. kInvalidArgument without a prefix;
// kRefused when the document has an IRI of that prefix already.
Result<nlohmann::json> Skolemize(const nlohmann::json& document, const ContextStore& contexts,
                                 const ToRdfOptions& options);

}  // namespace keel::json_ld
