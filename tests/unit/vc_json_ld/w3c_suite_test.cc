// SPDX-License-Identifier: Apache-2.0
// W3C's own test suite of JSON-LD 1.1, expansion and conversion to RDF, read from a folder of the tester's:
// KEEL_JSON_LD_SUITE is the folder tests/ of a checkout of github.com/w3c/json-ld-api. Skipped without; the other tests
// don't depend on it. suite_left_out.txt lists the tests that aren't taken part in, with the reason.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>

#include "base/files.h"
#include "vc/json_ld/internal/iri.h"
#include "vc/json_ld/to_rdf.h"
#include "vc/rdf/canonicalize.h"
#include "vc/rdf/n_quads.h"

namespace keel::json_ld {
namespace {

using nlohmann::json;

constexpr std::string_view kBase = "https://w3c.github.io/json-ld-api/tests/";

class Suite : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const char* folder = std::getenv("KEEL_JSON_LD_SUITE");
    if (folder == nullptr) GTEST_SKIP() << "KEEL_JSON_LD_SUITE is not set";
    root_ = std::string(folder) + "/";
    std::istringstream lines(
        *base::ReadFile(std::string(KEEL_SOURCE_DIR) + "/tests/unit/vc_json_ld/suite_left_out.txt"));
    for (std::string line; std::getline(lines, line);) {
      const size_t hash = line.find('#');
      ASSERT_NE(hash, std::string::npos) << "no reason: " << line;
      std::istringstream words(line.substr(0, hash));
      for (std::string word; words >> word;) left_out_.insert(word);
    }
  }

  // The files that the text names, and those that they name.
  void AddContexts(ContextStore& store, const std::string& text, const std::string& url) {
    static const std::regex kName("\"([^\"]+\\.jsonld)\"");
    for (std::sregex_iterator it(text.begin(), text.end(), kName), end; it != end; ++it) {
      const std::string named = internal::Resolve(url, (*it)[1].str());
      if (!named.starts_with(kBase) || store.Find(named) != nullptr) continue;
      const auto content = base::ReadFile(root_ + named.substr(kBase.size()));
      if (!content || !store.Add(named, *content)) continue;
      AddContexts(store, *content, named);
    }
  }

  std::string root_;
  std::set<std::string> left_out_;
};

// Arrays are sets unless they are lists.
bool Same(const json& a, const json& b, bool list = false) {
  if (a.is_object() && b.is_object()) {
    return a.size() == b.size() && std::ranges::all_of(a.items(), [&](const auto& item) {
             return b.contains(item.key()) && Same(item.value(), b[item.key()], item.key() == "@list");
           });
  }
  if (!a.is_array() || !b.is_array()) return a == b;
  if (a.size() != b.size()) return false;
  std::vector<bool> used(b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    size_t k = list ? i : 0;
    const size_t end = list ? i + 1 : b.size();
    while (k < end && (used[k] || !Same(a[i], b[k]))) ++k;
    if (k == end) return false;
    used[k] = true;
  }
  return true;
}

std::string Isomorphic(const rdf::Dataset& dataset) {
  const auto canonical = rdf::Canonicalize(dataset, {.max_work = 10'000'000});
  return canonical ? canonical->Text() : canonical.error().Text();
}

TEST_P(Suite, Passes) {
  const std::string kind = GetParam();
  const json manifest = json::parse(*base::ReadFile(root_ + kind + "-manifest.jsonld"));
  int run = 0;
  for (const json& test : manifest["sequence"]) {
    const std::string name = kind + ":" + test["@id"].get<std::string>().substr(1);
    if (left_out_.contains(name)) continue;
    ++run;
    SCOPED_TRACE(name + ": " + test["name"].get<std::string>());
    const json option = test.value("option", json::object());
    const std::string input = test["input"];
    ToRdfOptions options{.safe = false, .base = option.value("base", std::string(kBase) + input)};
    const std::string direction = option.value("rdfDirection", "");
    options.direction = direction == "i18n-datatype"      ? Direction::kI18nDatatype
                        : direction == "compound-literal" ? Direction::kCompoundLiteral
                                                          : Direction::kDrop;
    const std::string text = *base::ReadFile(root_ + input);
    ContextStore store;
    AddContexts(store, text, options.base);
    AddContexts(store, text, std::string(kBase) + input);
    const json document = json::parse(text);
    const bool negative = test["@type"][0] == "jld:NegativeEvaluationTest";
    std::string error;
    if (kind == "expand") {
      const auto expanded = Expand(document, store, options);
      if (!negative) {
        EXPECT_TRUE(expanded.has_value()) << expanded.error().Text();
        if (!expanded) continue;
        const json wanted = json::parse(*base::ReadFile(root_ + test["expect"].get<std::string>()));
        EXPECT_TRUE(Same(*expanded, wanted)) << expanded->dump(1) << "\nwanted " << wanted.dump(1);
      } else {
        EXPECT_FALSE(expanded.has_value()) << expanded->dump(1);
        if (!expanded) error = expanded.error().detail;
      }
    } else {
      const auto dataset = ToRdf(document, store, options);
      if (!negative) {
        EXPECT_TRUE(dataset.has_value()) << dataset.error().Text();
        if (!dataset || !test.contains("expect")) continue;
        const auto wanted = rdf::ParseNQuads(*base::ReadFile(root_ + test["expect"].get<std::string>()));
        EXPECT_TRUE(wanted.has_value()) << wanted.error().Text();
        if (!wanted) continue;
        EXPECT_EQ(Isomorphic(*dataset), Isomorphic(*wanted));
      } else {
        EXPECT_FALSE(dataset.has_value()) << rdf::ToNQuads(*dataset);
        if (!dataset) error = dataset.error().detail;
      }
    }
    if (negative && !error.empty()) {
      EXPECT_TRUE(error.starts_with(test["expectErrorCode"].get<std::string>() + ":")) << error;
    }
  }
  EXPECT_GT(run, 350);
}

INSTANTIATE_TEST_SUITE_P(JsonLd, Suite, testing::Values("expand", "toRdf"));

}  // namespace
}  // namespace keel::json_ld
