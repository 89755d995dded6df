// SPDX-License-Identifier: Apache-2.0
// Language maps and index maps, JSON-LD API section 5.1.2, steps 13.7 and 13.8.
#include <algorithm>
#include <cstddef>
#include <functional>

#include "vc/json_ld/internal/expander.h"
#include "vc/json_ld/internal/iri.h"
#include "vc/rdf/internal/terms.h"

namespace keel::json_ld::internal {

using nlohmann::json;

Result<json> Expander::ExpandLanguageMap(const Context& active, const TermDefinition* term, const json& map) {
  const std::string& direction = term != nullptr && term->direction.present ? term->direction.value : active.direction;
  json result = json::array();
  for (const auto& [language, values] : *map.get_ptr<const json::object_t*>()) {
    KEEL_TRY(const std::string expanded, processor_.ExpandIri(active, language, {.vocab = true}));
    const bool none = language == "@none" || expanded == "@none";
    if (!none && !rdf::internal::IsLanguageTag(language)) {
      KEEL_TRY_VOID(processor_.Drop("the language tag '" + language + "' is ill-formed"));
    }
    for (size_t i = 0; i < (values.is_array() ? values.size() : 1); ++i) {
      const json& value = values.is_array() ? values[i] : values;
      KEEL_TRY_VOID(processor_.CountValue());
      if (value.is_null()) continue;
      if (!value.is_string()) return Bad("invalid language map value", "the values of a language map must be strings");
      json item = {{"@value", value}};
      if (!none) item["@language"] = language;
      if (!direction.empty()) item["@direction"] = direction;
      result.push_back(std::move(item));
    }
  }
  return result;
}

Result<json> Expander::ExpandIndexMap(const ContextPtr& active, const std::string& key, const TermDefinition& term,
                                      const json& map, size_t depth) {
  json result = json::array();
  for (const auto& [index, value] : *map.get_ptr<const json::object_t*>()) {
    ContextPtr inner = active;
    if ((term.container & (kId | kType)) != 0 && active->previous != nullptr) inner = active->previous;
    if ((term.container & kType) != 0) {
      const ContextPtr outer = inner;
      if (const TermDefinition* type = outer->Find(index); type != nullptr && type->context != nullptr) {
        KEEL_TRY(inner, processor_.ApplyScoped(outer, *type, {.propagate = false}));
      }
    }
    KEEL_TRY(const std::string expanded_index, processor_.ExpandIri(*active, index, {.vocab = true}));
    const auto before = static_cast<std::ptrdiff_t>(nameless_.size());
    KEEL_TRY(json items, Expand(inner, &key, value, true, depth));
    items = items.is_null() ? json::array() : AsArray(std::move(items));
    if ((term.container & kId) != 0) {
      // Their key is their id. The elements of an array lie side by side.
      const bool many = value.is_array() && !value.empty();
      const json* const first = many ? &value.front() : &value;
      const json* const last = many ? &value.back() : &value;
      const auto listed = [first, last](const json* node) {
        return !std::less<>()(node, first) && !std::less<>()(last, node);
      };
      nameless_.erase(std::remove_if(nameless_.begin() + before, nameless_.end(), listed), nameless_.end());
    }
    for (json& item : items) {
      if ((term.container & kGraph) != 0 && !IsGraphObject(item)) item = json{{"@graph", AsArray(std::move(item))}};
      KEEL_TRY_VOID(IndexItem(*active, term, index, expanded_index, item));
      result.push_back(std::move(item));
    }
  }
  return result;
}

Result<> Expander::IndexItem(const Context& active, const TermDefinition& term, const std::string& index,
                             const std::string& expanded_index, json& item) {
  const bool none = expanded_index == "@none";
  if (!none && (term.container & (kId | kType)) != 0 && item.contains("@value"))
    return Bad("invalid value object", "a value has no id and no type to be listed by");
  if ((term.container & kIndex) != 0 && !term.index.empty()) {
    if (none) return {};
    KEEL_TRY(json value, ExpandValue(active, term.index, index));
    KEEL_TRY(const std::string property, processor_.ExpandIri(active, term.index, {.vocab = true}));
    json values = json::array();
    values.push_back(std::move(value));
    if (const auto before = item.find(property); before != item.end()) {
      for (json& each : *before) values.push_back(std::move(each));
    }
    item[property] = std::move(values);
    if (item.contains("@value")) return Bad("invalid value object", "a value can't have the property of an index");
  } else if ((term.container & kIndex) != 0) {
    if (!none && !item.contains("@index")) item["@index"] = index;
  } else if ((term.container & kId) != 0) {
    if (!none && !item.contains("@id")) {
      KEEL_TRY(item["@id"], processor_.ExpandIri(active, index, {.document_relative = true}));
    }
  } else if (!none) {
    json types = json::array();
    types.push_back(expanded_index);
    if (const auto before = item.find("@type"); before != item.end()) {
      for (json& each : *before) types.push_back(std::move(each));
    }
    item["@type"] = std::move(types);
  }
  return {};
}

}  // namespace keel::json_ld::internal
