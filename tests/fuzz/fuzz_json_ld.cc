// SPDX-License-Identifier: Apache-2.0
// JSON-LD to RDF: the same each time, whatever the store remembers; every quad can be written and read; naming the
// nameless nodes changes nothing.
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "tests/fuzz/fuzz.h"
#include "vc/json_ld/to_rdf.h"
#include "vc/rdf/n_quads.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace keel;
  const auto document = base::ParseJson(fuzz::Text(data, size));
  if (!document) return 0;
  const json_ld::ContextStore& store = json_ld::BundledContexts();
  (void)json_ld::ToRdf(*document, store, {.safe = false, .base = "https://base.example/a/b"});
  const auto dataset = json_ld::ToRdf(*document, store);
  const auto again = json_ld::ToRdf(*document, store);
  FUZZ_CHECK(dataset.has_value() == again.has_value());
  if (!dataset) {
    FUZZ_CHECK(dataset.error().code == again.error().code && dataset.error().detail == again.error().detail);
    const Code code = dataset.error().code;
    FUZZ_CHECK(code == Code::kNotFound || code == Code::kMalformed || code == Code::kRefused ||
               code == Code::kTooLarge);
    return 0;
  }
  FUZZ_CHECK(dataset->quads == again->quads);
  const std::string text = rdf::ToNQuads(*dataset);
  const auto read = rdf::ParseNQuads(text, {.max_size = 64 << 20});
  FUZZ_CHECK(read.has_value() && read->quads == dataset->quads);
  const json_ld::ToRdfOptions options{.skolem_prefix = "urn:bnid:k"};
  const auto skolemized = json_ld::Skolemize(*document, store, options);
  if (!skolemized) return 0;
  const auto named = json_ld::ToRdf(*skolemized, store, options);
  FUZZ_CHECK(named.has_value() && named->quads.size() == dataset->quads.size());
  return 0;
}
