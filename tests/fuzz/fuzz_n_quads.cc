// SPDX-License-Identifier: Apache-2.0
// N-Quads: what is read is written in one form, which reads as the same.
#include "tests/fuzz/fuzz.h"
#include "vc/rdf/n_quads.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace keel::rdf;
  const auto dataset = ParseNQuads(keel::fuzz::Text(data, size));
  if (!dataset) return 0;
  const std::string text = ToNQuads(*dataset);
  const auto again = ParseNQuads(text, {.max_size = 64 << 20});
  FUZZ_CHECK(again.has_value());
  FUZZ_CHECK(again->quads == dataset->quads);
  FUZZ_CHECK(ToNQuads(*again) == text);
  return 0;
}
