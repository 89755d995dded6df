// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <nlohmann/json.hpp>

#include "vc/json_ld/internal/expander.h"
#include "vc/json_ld/to_rdf.h"

namespace keel::json_ld {
namespace {

using nlohmann::json;

bool Mentions(const json& value, const std::string& prefix) {
  if (const auto* text = value.get_ptr<const std::string*>()) return text->starts_with(prefix);
  return value.is_structured() && std::ranges::any_of(value, [&](const json& each) { return Mentions(each, prefix); });
}

}  // namespace

Result<json> Skolemize(const json& document, const ContextStore& contexts, const ToRdfOptions& options) {
  if (options.skolem_prefix.empty()) return Fail(Code::kInvalidArgument, "json-ld", "skolemizing needs a prefix");
  json out = document;
  internal::Processor processor(contexts, options);
  internal::Expander expander(processor);
  KEEL_TRY(const json expanded, expander.Run(out));
  if (Mentions(expanded, options.skolem_prefix))
    return Fail(Code::kRefused, "json-ld",
                "the document has an IRI that begins with '" + options.skolem_prefix + "' itself");
  // The expander saw `out`, which is ours to change, as const.
  size_t number = 0;
  for (const json* node : expander.nameless())
    (*const_cast<json*>(node))["@id"] = options.skolem_prefix + std::to_string(number++);
  return out;
}

}  // namespace keel::json_ld
