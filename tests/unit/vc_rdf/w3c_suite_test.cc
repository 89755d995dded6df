// SPDX-License-Identifier: Apache-2.0
// W3C's own test suite of RDFC-1.0, read from a folder of the tester's: KEEL_RDF_CANON_SUITE is the folder tests/ of a
// checkout of github.com/w3c/rdf-canon. Skipped without; canonicalize_test.cc doesn't depend on it.
#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "vc/rdf/canonicalize.h"
#include "vc/rdf/n_quads.h"

namespace keel::rdf {
namespace {

using nlohmann::json;

TEST(W3cSuite, RdfCanon) {
  const char* folder = std::getenv("KEEL_RDF_CANON_SUITE");
  if (folder == nullptr) GTEST_SKIP() << "KEEL_RDF_CANON_SUITE is not set";
  const std::string root = std::string(folder) + "/";
  const json manifest = json::parse(*base::ReadFile(root + "manifest.jsonld", 16 << 20));
  int evaluated = 0, mapped = 0, refused = 0;
  for (const json& entry : manifest["entries"]) {
    const std::string type = entry["type"];
    const std::string action = entry["action"];
    const auto text = base::ReadFile(root + action, 16 << 20);
    ASSERT_TRUE(text.has_value()) << action;
    const auto dataset = ParseNQuads(*text);
    ASSERT_TRUE(dataset.has_value()) << action << ": " << dataset.error().Text();
    CanonicalizeOptions options;
    if (entry.value("hashAlgorithm", "SHA256") == "SHA384") options.hash = HashAlgorithm::kSha384;
    const auto canonical = Canonicalize(*dataset, options);
    if (type == "rdfc:RDFC10NegativeEvalTest") {
      ++refused;
      ASSERT_FALSE(canonical.has_value()) << action;
      EXPECT_EQ(canonical.error().code, Code::kTooLarge);
      continue;
    }
    ASSERT_TRUE(canonical.has_value()) << action << ": " << canonical.error().Text();
    const std::string wanted = *base::ReadFile(root + entry["result"].get<std::string>(), 16 << 20);
    if (type == "rdfc:RDFC10MapTest") {
      ++mapped;
      const auto map = json::parse(wanted).get<std::map<std::string, std::string>>();
      EXPECT_EQ(canonical->issued, map) << action;
    } else {
      ASSERT_EQ(type, "rdfc:RDFC10EvalTest");
      ++evaluated;
      EXPECT_EQ(canonical->Text(), wanted) << action;
    }
  }
  // The suite of May 2024 and later.
  EXPECT_GE(evaluated, 64);
  EXPECT_GE(mapped, 21);
  EXPECT_GE(refused, 1);
}

}  // namespace
}  // namespace keel::rdf
