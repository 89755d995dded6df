// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>  // lint-allow: heavy private header, included by .cc files of this folder only
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "vc/json_ld/internal/processor.h"

namespace keel::json_ld::internal {

// Expansion (JSON-LD API section 5.1) of one document.
class Expander {
 public:
  explicit Expander(Processor& processor) : processor_(processor) {}

  // The expanded document, always an array.
  Result<nlohmann::json> Run(const nlohmann::json& document);

  // The objects of the document that became node objects without an id, in the order of expansion.
  const std::vector<const nlohmann::json*>& nameless() const { return nameless_; }

 private:
  using json = nlohmann::json;

  // One object while it is being expanded.
  struct Node {
    ContextPtr active;
    ContextPtr type_scoped;       // the context before type-scoped ones applied
    const std::string* property;  // null: none
    const json* element;
    bool json_literal = false;  // its type is @json
    json result = json::object();
  };

  // `property`: the active property, null for none. Null: nothing is left of the element.
  Result<json> Expand(ContextPtr active, const std::string* property, const json& element, bool from_map, size_t depth);
  Result<json> ExpandArray(const ContextPtr& active, const std::string* property, const json& array, bool from_map,
                           size_t depth);
  Result<json> ExpandObject(ContextPtr active, const std::string* property, const json& object, bool from_map,
                            size_t depth);
  Result<> ApplyTypes(Node& node);
  Result<> ExpandMembers(Node& node, const json& members, size_t depth);
  Result<> ExpandMember(Node& node, const std::string& key, const json& value, size_t depth,
                        std::vector<const std::string*>& nests);
  Result<> ExpandNest(Node& node, const std::string& key, const json& members, size_t depth);
  Result<> ExpandKeyword(Node& node, const std::string& key, const std::string& keyword, const json& value,
                         size_t depth, std::vector<const std::string*>& nests);
  Result<> ExpandType(Node& node, const json& value);
  Result<> ExpandIncluded(Node& node, const json& value, size_t depth);
  Result<> ExpandReverse(Node& node, const json& value, size_t depth);
  Result<> AddReverse(Node& node, const std::string& property, json values);
  Result<json> Finish(Node node);
  Result<json> FinishValue(Node& node);
  Result<json> FinishTop(Node& node);
  // Section 5.3.
  Result<json> ExpandValue(const Context& active, const std::string& property, const json& value);

  // expand_containers.cc: the objects whose keys are no properties.
  Result<json> ExpandLanguageMap(const Context& active, const TermDefinition* term, const json& map);
  Result<json> ExpandIndexMap(const ContextPtr& active, const std::string& key, const TermDefinition& term,
                              const json& map, size_t depth);
  Result<> IndexItem(const Context& active, const TermDefinition& term, const std::string& index,
                     const std::string& expanded_index, json& item);

  Processor& processor_;
  std::vector<const json*> nameless_;
};

// The value as an array, in which a single one stands alone.
nlohmann::json AsArray(nlohmann::json value);
// Appends to the array at `name`, made when it isn't there.
void AddValues(nlohmann::json& object, const std::string& name, nlohmann::json values);

inline bool Has(const nlohmann::json& value, const char* name) { return value.is_object() && value.contains(name); }
inline bool IsGraphObject(const nlohmann::json& value) {
  if (!Has(value, "@graph")) return false;
  for (const auto& item : value.items()) {
    if (item.key() != "@graph" && item.key() != "@id" && item.key() != "@index" && item.key() != "@context")
      return false;
  }
  return true;
}

}  // namespace keel::json_ld::internal
