// SPDX-License-Identifier: Apache-2.0
// RDFC-1.0: labels and order of the input change nothing, and the result is its own canonical form. Except with blank
// nodes as graphs: the algorithm doesn't look at subject, object and graph of a quad together, so nodes that only this
// tells apart are labelled as they come (docs/formats/rdf.md). Then the result must be the same graph still.
#include <algorithm>
#include <functional>

#include "tests/fuzz/fuzz.h"
#include "vc/rdf/canonicalize.h"
#include "vc/rdf/n_quads.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace keel::rdf;
  auto dataset = ParseNQuads(keel::fuzz::Text(data, size));
  if (!dataset) return 0;
  bool blank_graphs = false;
  for (const Quad& quad : dataset->quads) blank_graphs = blank_graphs || quad.graph.blank();
  const CanonicalizeOptions options{.max_quads = 2000, .max_work = 5000};
  const auto canonical = Canonicalize(*dataset, options);
  if (!canonical) {
    FUZZ_CHECK(canonical.error().code == keel::Code::kTooLarge);
    return 0;
  }
  const std::string text = canonical->Text();
  const size_t count = canonical->quads.size();
  const auto fits = [&](const keel::Result<Canonical>& other) {
    if (!other) return other.error().code == keel::Code::kTooLarge;
    return blank_graphs ? other->quads.size() == count : other->Text() == text;
  };
  for (Quad& quad : dataset->quads) {
    for (Term* term : {&quad.subject, &quad.object, &quad.graph}) {
      if (term->blank()) term->value = "x" + std::to_string(std::hash<std::string>()(term->value)) + term->value;
    }
  }
  std::ranges::reverse(dataset->quads);
  // How much work it is may depend on the order; what comes out may not.
  FUZZ_CHECK(fits(Canonicalize(*dataset, {.max_quads = 2000, .max_work = 100'000})));
  const auto again = ParseNQuads(text, {.max_size = 64 << 20});
  FUZZ_CHECK(again.has_value());
  FUZZ_CHECK(fits(Canonicalize(*again, {.max_quads = 2000, .max_work = 100'000})));
  return 0;
}
