// SPDX-License-Identifier: Apache-2.0
// The one file that knows valijson.
#include "vc/schema/json_schema.h"

#include <nlohmann/json.hpp>
#include <valijson/adapters/nlohmann_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "base/json_strict.h"
#include "vc/schema/keywords.h"

namespace keel::vc {
namespace {

using nlohmann::json;
using valijson::adapters::NlohmannJsonAdapter;

constexpr size_t kMaxComplaints = 3;

}  // namespace

struct JsonSchema::Impl {
  json prepared;
  bool needs_sizes = false;
  valijson::Schema schema;
};

JsonSchema::JsonSchema() : impl_(std::make_unique<Impl>()) {}
JsonSchema::JsonSchema(JsonSchema&&) noexcept = default;
JsonSchema& JsonSchema::operator=(JsonSchema&&) noexcept = default;
JsonSchema::~JsonSchema() = default;

Result<JsonSchema> JsonSchema::Compile(std::string_view text) {
  KEEL_TRY(const json value, base::ParseJson(text, {.max_size = kMaxSchema}));
  JsonSchema out;
  KEEL_TRY(out.impl_->prepared, PrepareSchema(value));
  out.impl_->needs_sizes = NeedsSizes(out.impl_->prepared);
  if (value.is_object() && value.contains("$id")) out.id_ = value["$id"].get<std::string>();
  try {
    valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
    parser.populateSchema(NlohmannJsonAdapter(out.impl_->prepared), out.impl_->schema);
  } catch (const std::exception& error) {
    return Fail(Code::kMalformed, "JSON schema", error.what());
  }
  return out;
}

Result<std::string> JsonSchema::Validate(const json& instance) const {
  if (impl_->needs_sizes) KEEL_TRY_VOID(CheckSizes(instance));
  const json prepared = PrepareInstance(instance);
  try {
    valijson::Validator validator;  // strict types
    valijson::ValidationResults results;
    if (validator.validate(impl_->schema, NlohmannJsonAdapter(prepared), &results)) return std::string();
    std::string out;
    valijson::ValidationResults::Error error;
    for (size_t i = 0; i < kMaxComplaints && results.popError(error); ++i) {
      std::string at;
      for (const std::string& step : error.context) at += step == "<root>" ? "" : step;
      out += (out.empty() ? "" : "; ") + (at.empty() ? "the whole" : at) + ": " + error.description;
    }
    return out.empty() ? "it doesn't meet the schema" : out;
  } catch (const std::exception& error) {
    return Fail(Code::kInternalError, "JSON schema", error.what());
  }
}

}  // namespace keel::vc
