// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "vc/rdf/dataset.h"

// How terms are written, and which are well formed: what N-Quads, canonicalization and JSON-LD must agree on, since a
// term with a line break or '>' in it would write quads of its own.
namespace keel::rdf::internal {

inline bool IsAlpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
inline bool IsAlphanumeric(char c) { return IsAlpha(c) || (c >= '0' && c <= '9'); }

// A scheme with ':' and none of the characters that IRIREF excludes (N-Quads section 4). Not all of RFC 3987.
bool IsAbsoluteIri(std::string_view iri);
// BLANK_NODE_LABEL without "_:". Valid UTF-8 is the caller's business.
bool IsBlankLabel(std::string_view label);
// LANGTAG without '@': [a-zA-Z]+ ('-' [a-zA-Z0-9]+)*.
bool IsLanguageTag(std::string_view tag);
// Null when the quad is RDF (section 3.1 of RDF 1.1 Concepts, each term well formed), else what is wrong.
const char* WrongIn(const Quad& quad);

// The term in canonical N-Quads; nothing for the default graph.
void AppendTerm(std::string& out, const Term& term);
void AppendUtf8(std::string& out, uint32_t point);

}  // namespace keel::rdf::internal
