// SPDX-License-Identifier: Apache-2.0
// Documents that another implementation converted or refused (tests/vectors/json-ld).
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "vc/json_ld/to_rdf.h"
#include "vc/rdf/canonicalize.h"

namespace keel::json_ld {
namespace {

using nlohmann::json;

Result<std::string> Canonical(const json& document, bool safe) {
  KEEL_TRY(const rdf::Dataset dataset,
           ToRdf(document, BundledContexts(), {.safe = safe, .direction = Direction::kDrop}));
  KEEL_TRY(const rdf::Canonical canonical, rdf::Canonicalize(dataset));
  return canonical.Text();
}

TEST(Peers, JsonLdJs) {
  const json cases = json::parse(*base::ReadFile(std::string(KEEL_SOURCE_DIR) + "/tests/vectors/json-ld/cases.json"));
  int converted = 0, malformed = 0, refused = 0;
  for (const json& one : cases) {
    SCOPED_TRACE(one["document"].dump());
    const auto canonical = Canonical(one["document"], one["safe"].get<bool>());
    if (one.contains("canonical")) {
      ++converted;
      ASSERT_TRUE(canonical.has_value()) << canonical.error().Text();
      EXPECT_EQ(*canonical, one["canonical"].get<std::string>());
      continue;
    }
    const std::string error = one["error"];
    ASSERT_FALSE(canonical.has_value()) << *canonical;
    if (error.empty()) {
      ++refused;
      EXPECT_EQ(canonical.error().code, Code::kRefused) << canonical.error().Text();
    } else {
      ++malformed;
      EXPECT_TRUE(canonical.error().detail.starts_with(error + ":")) << canonical.error().Text();
    }
  }
  EXPECT_GE(converted, 250);
  EXPECT_GE(malformed, 60);
  EXPECT_GE(refused, 40);
}

}  // namespace
}  // namespace keel::json_ld
