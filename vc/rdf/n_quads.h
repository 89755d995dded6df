// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "core/result.h"
#include "vc/rdf/dataset.h"

// RDF 1.1 N-Quads. docs/formats/rdf.md has what is accepted.
namespace keel::rdf {

struct NQuadsLimits {
  size_t max_size = 16 << 20;  // octets of text
  size_t max_quads = 100'000;
};

// Reads N-Quads (RDF 1.1 N-Quads, section 4): absolute IRIs only, \u escapes decoded, valid UTF-8 only, comments and
// empty lines skipped, CR, LF or both end a line. A language tag keeps its case. Errors: kTooLarge (a limit),
// kMalformed with the line's number. Any thread.
Result<Dataset> ParseNQuads(std::string_view text, NQuadsLimits limits = {});

// Appends one quad in the canonical form (RDF Dataset Canonicalization, section 5): single spaces, the escapes that are
// needed and no others, xsd:string left out, " .\n" at the end.
void AppendQuad(std::string& out, const Quad& quad);
std::string ToNQuad(const Quad& quad);

// Every quad's line in the order of the dataset; not sorted, nothing removed.
std::string ToNQuads(const Dataset& dataset);

}  // namespace keel::rdf
