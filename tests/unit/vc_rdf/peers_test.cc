// SPDX-License-Identifier: Apache-2.0
// Graphs that another implementation canonicalized (tests/vectors/rdf-canon).
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "vc/rdf/canonicalize.h"
#include "vc/rdf/n_quads.h"

namespace keel::rdf {
namespace {

TEST(Peers, RdfCanonize) {
  const auto cases =
      nlohmann::json::parse(*base::ReadFile(std::string(KEEL_SOURCE_DIR) + "/tests/vectors/rdf-canon/graphs.json"));
  ASSERT_GE(cases.size(), 250u);
  for (const auto& one : cases) {
    const auto dataset = ParseNQuads(one["nquads"].get_ref<const std::string&>());
    ASSERT_TRUE(dataset.has_value()) << one["nquads"];
    CanonicalizeOptions options;
    if (one["hash"] == "SHA-384") options.hash = HashAlgorithm::kSha384;
    const auto canonical = Canonicalize(*dataset, options);
    ASSERT_TRUE(canonical.has_value()) << one["nquads"] << canonical.error().Text();
    EXPECT_EQ(canonical->Text(), one["canonical"]) << one["nquads"];
  }
}

}  // namespace
}  // namespace keel::rdf
