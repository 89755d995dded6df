// SPDX-License-Identifier: Apache-2.0
// The hosts' strict readers: nlohmann/json's parser, the one that reads in place, and the tree made of that. One
// verdict, to the code; one meaning.
#include <nlohmann/json.hpp>

#include "base/internal/json_by_library.h"
#include "base/json_strict.h"
#include "base/json_text.h"
#include "tests/fuzz/fuzz.h"

namespace {

using keel::base::JsonText;
using nlohmann::json;

void Compare(const JsonText::Value& value, const json& tree) {
  switch (value.kind()) {
    case JsonText::Kind::kNull: FUZZ_CHECK(tree.is_null()); return;
    case JsonText::Kind::kBool: FUZZ_CHECK(tree.is_boolean() && (value.raw() == "true") == tree.get<bool>()); return;
    case JsonText::Kind::kDouble: FUZZ_CHECK(tree.is_number_float()); return;
    case JsonText::Kind::kInteger: {
      FUZZ_CHECK(tree.is_number_integer());
      const auto number = value.Uint();
      FUZZ_CHECK(number.has_value() == (tree.is_number_unsigned() || tree.get<int64_t>() >= 0));
      if (number) FUZZ_CHECK(*number == tree.get<uint64_t>());
      return;
    }
    case JsonText::Kind::kString: {
      FUZZ_CHECK(tree.is_string());
      const std::string& wanted = tree.get_ref<const std::string&>();
      FUZZ_CHECK(value.String() == wanted && value.Equals(wanted));
      if (const auto view = value.View()) FUZZ_CHECK(*view == wanted);
      std::string written;
      keel::base::AppendJsonString(written, wanted);
      FUZZ_CHECK(written == keel::base::DumpJson(tree));
      return;
    }
    case JsonText::Kind::kArray: {
      FUZZ_CHECK(tree.is_array() && value.size() == tree.size());
      size_t i = 0;
      for (const JsonText::Value item : value) Compare(item, tree[i++]);
      return;
    }
    case JsonText::Kind::kObject: {
      FUZZ_CHECK(tree.is_object() && value.size() == tree.size());
      for (auto it = value.begin(); !(it == value.end()); ++it) Compare(*it, tree.at(it.name().String()));
      for (const auto& [name, member] : tree.items()) FUZZ_CHECK(value.Find(name).has_value());
      return;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = keel::fuzz::Text(data, size);
  // Small limits too: which of several faults comes first must not differ.
  for (const keel::base::JsonLimits limits : {keel::base::JsonLimits{}, keel::base::JsonLimits{1 << 16, 4, 12}}) {
    const auto tree = keel::base::internal::ParseJsonByLibrary(text, limits);
    const auto built = keel::base::ParseJson(text, limits);
    FUZZ_CHECK(tree.has_value() == built.has_value());
    if (!tree) FUZZ_CHECK(tree.error().code == built.error().code && tree.error().detail == built.error().detail);
    if (tree)
      FUZZ_CHECK(*tree == *built && tree->flatten().dump(-1, ' ', true) == built->flatten().dump(-1, ' ', true));
    const auto scanned = JsonText::Parse(text, limits);
    FUZZ_CHECK(tree.has_value() == scanned.has_value());
    if (!tree) FUZZ_CHECK(tree.error().code == scanned.error().code);
    if (tree) {
      Compare(scanned->root(), *tree);
      const auto again = JsonText::Parse(keel::base::DumpJson(*tree), {.max_size = 8 << 20});
      FUZZ_CHECK(!again || again->root().compact());
    }
  }
  return 0;
}
