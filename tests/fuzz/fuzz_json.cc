// SPDX-License-Identifier: Apache-2.0
// The wallet's JSON reader and the hosts' strict one: they must agree on what is JSON, and on every value.
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "core/json_reader.h"
#include "tests/fuzz/fuzz.h"

namespace {

using keel::Code;
using keel::JsonView;
using nlohmann::json;

void Compare(const JsonView& view, const json& value) {
  switch (view.kind()) {
    case JsonView::Kind::kNull: FUZZ_CHECK(value.is_null()); return;
    case JsonView::Kind::kBool: FUZZ_CHECK(value.is_boolean() && *view.AsBool() == value.get<bool>()); return;
    case JsonView::Kind::kNumber: {
      FUZZ_CHECK(value.is_number());
      const auto number = view.AsInt();
      FUZZ_CHECK(number.has_value());
      // -0 is a whole number to one and a double to the other.
      FUZZ_CHECK(value.is_number_integer() ? *number == value.get<int64_t>()
                                           : static_cast<double>(*number) == value.get<double>());
      return;
    }
    case JsonView::Kind::kString: {
      FUZZ_CHECK(value.is_string());
      const std::string& wanted = value.get_ref<const std::string&>();
      std::string text(view.raw().size() + 1, '\0');
      const auto length = view.AsString(text);
      FUZZ_CHECK(length.has_value());
      text.resize(*length);
      FUZZ_CHECK(text == wanted);
      if (const auto plain = view.AsPlain()) FUZZ_CHECK(*plain == wanted);
      return;
    }
    case JsonView::Kind::kArray: {
      FUZZ_CHECK(value.is_array() && view.count() == value.size());
      JsonView item;
      size_t i = 0;
      for (auto it = view.items(); it.Next(item); ++i) Compare(item, value[i]);
      FUZZ_CHECK(i == value.size());
      return;
    }
    case JsonView::Kind::kObject: {
      FUZZ_CHECK(value.is_object() && view.count() == value.size());
      for (const auto& [name, member] : value.items()) {
        const auto found = view.Get(name);
        FUZZ_CHECK(found.has_value() && view.Has(name));
        Compare(*found, member);
      }
      JsonView item;
      std::string_view name;
      size_t n = 0;
      for (auto it = view.items(); it.Next(name, item);) ++n;
      FUZZ_CHECK(n == value.size());
      return;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = keel::fuzz::Text(data, size);
  const auto view = JsonView::Parse(text);
  const auto value = keel::base::ParseJson(text, {.max_size = 1 << 20, .max_depth = 32, .max_members = 1 << 20});
  if (view) {
    FUZZ_CHECK(value.has_value());
    Compare(*view, *value);
  } else if (value) {
    // The wallet's is the smaller language: no fractions, no minus zero, smaller limits.
    FUZZ_CHECK(view.error().code == Code::kTooLarge || view.error().code == Code::kOutOfRange ||
               text.find("-0") != std::string_view::npos);
  }
  if (value) {
    const std::string again = keel::base::DumpJson(*value);
    const auto back = keel::base::ParseJson(again, {.max_size = 8 << 20, .max_depth = 32, .max_members = 1 << 20});
    FUZZ_CHECK(back.has_value());
    FUZZ_CHECK(*back == *value);
    FUZZ_CHECK(keel::base::DumpJson(*back) == again);
  }
  return 0;
}
