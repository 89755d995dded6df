// SPDX-License-Identifier: Apache-2.0
// Expansion, JSON-LD API section 5.1.2. The numbers of steps are those of the Recommendation.
#include <algorithm>

#include "vc/json_ld/internal/expander.h"
#include "vc/json_ld/internal/iri.h"
#include "vc/rdf/internal/terms.h"

namespace keel::json_ld::internal {
namespace {

using nlohmann::json;

const std::string kGraphProperty = "@graph";
const std::string kReverseProperty = "@reverse";

const std::string* Text(const json& value) { return value.get_ptr<const std::string*>(); }
const json::object_t& Members(const json& object) { return *object.get_ptr<const json::object_t*>(); }
bool IsScalar(const json& value) { return value.is_string() || value.is_number() || value.is_boolean(); }

// The keyword that a key is, or stands for; empty: it is another one.
std::string_view KeywordOf(const Context& active, std::string_view key) {
  if (key.starts_with('@')) return IsKeyword(key) ? key : std::string_view();
  const TermDefinition* term = active.Find(key);
  return term != nullptr && IsKeyword(term->iri) ? std::string_view(term->iri) : std::string_view();
}

std::string Quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

}  // namespace

json AsArray(json value) {
  if (value.is_array()) return value;
  json array = json::array();
  array.push_back(std::move(value));
  return array;
}

void AddValues(json& object, const std::string& name, json values) {
  json& array = object[name];
  if (!array.is_array()) array = json::array();
  if (!values.is_array()) {
    array.push_back(std::move(values));
  } else if (array.empty()) {
    array = std::move(values);
  } else {
    for (json& value : values) array.push_back(std::move(value));
  }
}

Result<json> Expander::Run(const json& document) {
  KEEL_TRY(json expanded, Expand(processor_.root(), nullptr, document, false, 0));
  if (expanded.is_object() && expanded.size() == 1 && expanded.contains("@graph")) {
    json graph = std::move(expanded["@graph"]);
    expanded = std::move(graph);
  }
  if (expanded.is_null()) return json::array();
  return AsArray(std::move(expanded));
}

Result<json> Expander::Expand(ContextPtr active, const std::string* property, const json& element, bool from_map,
                              size_t depth) {
  if (depth > processor_.options().max_depth)
    return Fail(Code::kTooLarge, "json-ld", "nested deeper than " + std::to_string(processor_.options().max_depth));
  KEEL_TRY_VOID(processor_.CountValue());
  if (element.is_null()) return json();
  if (element.is_array()) return ExpandArray(active, property, element, from_map, depth);
  if (element.is_object()) return ExpandObject(std::move(active), property, element, from_map, depth);
  if (property == nullptr || *property == kGraphProperty) {
    KEEL_TRY_VOID(processor_.Drop("a value stands where no property is"));
    return json();
  }
  // Step 4.2.
  if (const TermDefinition* term = active->Find(*property); term != nullptr && term->context != nullptr) {
    KEEL_TRY(active, processor_.ApplyScoped(active, *term, {.override_protected = true}));
  }
  return ExpandValue(*active, *property, element);
}

Result<json> Expander::ExpandArray(const ContextPtr& active, const std::string* property, const json& array,
                                   bool from_map, size_t depth) {
  const TermDefinition* term = property == nullptr ? nullptr : active->Find(*property);
  const bool lists = term != nullptr && (term->container & kList) != 0;
  json result = json::array();
  for (const json& item : array) {
    KEEL_TRY(json expanded, Expand(active, property, item, from_map, depth + 1));
    if (lists && expanded.is_array()) expanded = json{{"@list", std::move(expanded)}};
    if (expanded.is_array()) {
      for (json& each : expanded) result.push_back(std::move(each));
    } else if (!expanded.is_null()) {
      result.push_back(std::move(expanded));
    }
  }
  return result;
}

Result<json> Expander::ExpandObject(ContextPtr active, const std::string* property, const json& object, bool from_map,
                                    size_t depth) {
  const TermDefinition* term = property == nullptr ? nullptr : active->Find(*property);
  const ContextPtr outer = active;  // keeps `term` alive
  // Step 7: a type-scoped context ends at the next node object.
  if (active->previous != nullptr && !from_map) {
    bool value = false;
    for (const auto& member : Members(object)) value = value || KeywordOf(*active, member.first) == "@value";
    const bool reference = object.size() == 1 && KeywordOf(*active, object.begin().key()) == "@id";
    if (!value && !reference) active = active->previous;
  }
  if (term != nullptr && term->context != nullptr) {
    KEEL_TRY(active, processor_.ApplyScoped(active, *term, {.override_protected = true}));
  }
  if (const auto context = object.find("@context"); context != object.end()) {
    KEEL_TRY(active, processor_.Apply(active, std::shared_ptr<const json>(std::shared_ptr<const json>(), &*context),
                                      processor_.options().base, {}));
  }
  Node node{.active = active, .type_scoped = active, .property = property, .element = &object};
  KEEL_TRY_VOID(ApplyTypes(node));
  KEEL_TRY_VOID(ExpandMembers(node, object, depth));
  return Finish(std::move(node));
}

// Steps 11 and 12.
Result<> Expander::ApplyTypes(Node& node) {
  const json* first = nullptr;
  for (const auto& [key, value] : Members(*node.element)) {
    if (KeywordOf(*node.type_scoped, key) != "@type") continue;
    if (first == nullptr) first = &value;
    std::vector<std::string_view> types;
    const auto add = [&types](const json& type) {
      if (Text(type) != nullptr) types.push_back(*Text(type));
    };
    if (value.is_array()) {
      for (const json& type : value) add(type);
    } else {
      add(value);
    }
    std::ranges::sort(types);
    for (const std::string_view type : types) {
      const TermDefinition* term = node.type_scoped->Find(type);
      if (term == nullptr || term->context == nullptr) continue;
      KEEL_TRY(node.active, processor_.ApplyScoped(node.active, *term, {.propagate = false}));
    }
  }
  if (first == nullptr) return {};
  const json* last = first->is_array() && !first->empty() ? &first->back() : first;
  if (Text(*last) == nullptr) return {};
  if (*Text(*last) == "@json") {
    node.json_literal = true;
  } else if (const TermDefinition* term = node.active->Find(*Text(*last))) {
    node.json_literal = term->iri == "@json";
  }
  return {};
}

// Steps 13 and 14.
Result<> Expander::ExpandMembers(Node& node, const json& members, size_t depth) {
  std::vector<const std::string*> nests;
  for (const auto& [key, value] : Members(members)) {
    if (key == "@context") continue;
    KEEL_TRY_VOID(ExpandMember(node, key, value, depth, nests));
  }
  for (const std::string* nest : nests) {
    const json& value = members[*nest];
    for (size_t i = 0; i < (value.is_array() ? value.size() : 1); ++i) {
      KEEL_TRY_VOID(ExpandNest(node, *nest, value.is_array() ? value[i] : value, depth + 1));
    }
  }
  return {};
}

Result<> Expander::ExpandNest(Node& node, const std::string& key, const json& members, size_t depth) {
  if (depth > processor_.options().max_depth)
    return Fail(Code::kTooLarge, "json-ld", "nested deeper than " + std::to_string(processor_.options().max_depth));
  if (!members.is_object()) return Bad("invalid @nest value", Quoted(key) + " must be an object");
  for (const auto& member : Members(members)) {
    if (KeywordOf(*node.active, member.first) == "@value")
      return Bad("invalid @nest value", Quoted(key) + " is a value object");
  }
  // The nesting term's own context holds inside.
  const ContextPtr outer = node.active;
  if (const TermDefinition* term = outer->Find(key); term != nullptr && term->context != nullptr) {
    KEEL_TRY(node.active, processor_.ApplyScoped(outer, *term, {.override_protected = true}));
  }
  KEEL_TRY_VOID(ExpandMembers(node, members, depth));
  node.active = outer;
  return {};
}

Result<> Expander::ExpandMember(Node& node, const std::string& key, const json& value, size_t depth,
                                std::vector<const std::string*>& nests) {
  const ContextPtr active = node.active;  // may be exchanged while nests are expanded
  KEEL_TRY(const std::string property, processor_.ExpandIri(*active, key, {.vocab = true}));
  if (IsKeyword(property)) return ExpandKeyword(node, key, property, value, depth, nests);
  if (property.empty() || !property.contains(':'))
    return processor_.Drop("the member " + Quoted(key) + " is defined by no context");
  const TermDefinition* term = active->Find(key);
  const uint8_t container = term == nullptr ? uint8_t{0} : term->container;
  json expanded;
  if (term != nullptr && term->type == "@json") {
    expanded = json{{"@value", value}, {"@type", "@json"}};
  } else if ((container & kLanguage) != 0 && value.is_object()) {
    KEEL_TRY(expanded, ExpandLanguageMap(*active, term, value));
  } else if ((container & (kIndex | kType | kId)) != 0 && value.is_object()) {
    KEEL_TRY(expanded, ExpandIndexMap(active, key, *term, value, depth + 1));
  } else {
    KEEL_TRY(expanded, Expand(active, &key, value, false, depth + 1));
  }
  if (expanded.is_null()) return {};
  if ((container & kList) != 0 && !Has(expanded, "@list")) expanded = json{{"@list", AsArray(std::move(expanded))}};
  if ((container & kGraph) != 0 && (container & (kId | kIndex)) == 0) {
    expanded = AsArray(std::move(expanded));
    for (json& each : expanded) each = json{{"@graph", AsArray(std::move(each))}};
  }
  if (term != nullptr && term->reverse) return AddReverse(node, property, std::move(expanded));
  AddValues(node.result, property, std::move(expanded));
  return {};
}

// Step 13.4.
Result<> Expander::ExpandKeyword(Node& node, const std::string& key, const std::string& keyword, const json& value,
                                 size_t depth, std::vector<const std::string*>& nests) {
  if (node.property != nullptr && *node.property == kReverseProperty)
    return Bad("invalid reverse property map", keyword + " stands inside @reverse");
  json& result = node.result;
  if (result.contains(keyword) && keyword != "@included" && keyword != "@type")
    return Bad("colliding keywords", keyword + " is given twice");
  if (keyword == "@id") {
    if (Text(value) == nullptr) return Bad("invalid @id value", "an id must be a string");
    KEEL_TRY(std::string id, processor_.ExpandIri(*node.active, *Text(value), {.document_relative = true}));
    result[keyword] = id.empty() && LooksLikeKeyword(*Text(value)) ? json() : json(std::move(id));
    return {};
  }
  if (keyword == "@type") return ExpandType(node, value);
  if (keyword == "@graph") {
    KEEL_TRY(json graph, Expand(node.active, &kGraphProperty, value, false, depth + 1));
    result[keyword] = graph.is_null() ? json::array() : AsArray(std::move(graph));
    return {};
  }
  if (keyword == "@included") return ExpandIncluded(node, value, depth);
  if (keyword == "@value") {
    if (!node.json_literal && !IsScalar(value) && !value.is_null())
      return Bad("invalid value object value", "@value must be a string, number, boolean or null");
    result[keyword] = value;
    return {};
  }
  if (keyword == "@language") {
    if (Text(value) == nullptr) return Bad("invalid language-tagged string", "@language must be a string");
    if (!rdf::internal::IsLanguageTag(*Text(value))) {
      KEEL_TRY_VOID(processor_.Drop("the language tag " + Quoted(*Text(value)) + " is ill-formed"));
    }
    result[keyword] = value;
    return {};
  }
  if (keyword == "@direction") {
    if (value != "ltr" && value != "rtl") return Bad("invalid base direction", "@direction must be \"ltr\" or \"rtl\"");
    result[keyword] = value;
    return {};
  }
  if (keyword == "@index") {
    if (Text(value) == nullptr) return Bad("invalid @index value", "it must be a string");
    result[keyword] = value;
    return {};
  }
  if (keyword == "@list") {
    if (node.property == nullptr || *node.property == kGraphProperty)
      return processor_.Drop("a list stands where no property is");
    KEEL_TRY(json list, Expand(node.active, node.property, value, false, depth + 1));
    result[keyword] = list.is_null() ? json::array() : AsArray(std::move(list));
    return {};
  }
  if (keyword == "@set") {
    KEEL_TRY(result[keyword], Expand(node.active, node.property, value, false, depth + 1));
    return {};
  }
  if (keyword == "@reverse") return ExpandReverse(node, value, depth);
  if (keyword == "@nest") {
    nests.push_back(&key);
    return {};
  }
  return processor_.Drop(keyword + " has no meaning here");
}

Result<> Expander::ExpandType(Node& node, const json& value) {
  json types = json::array();
  for (size_t i = 0; i < (value.is_array() ? value.size() : 1); ++i) {
    const std::string* type = Text(value.is_array() ? value[i] : value);
    if (type == nullptr) return Bad("invalid type value", "a type must be a string");
    KEEL_TRY(std::string expanded,
             processor_.ExpandIri(*node.type_scoped, *type, {.vocab = true, .document_relative = true}));
    if (expanded.empty()) {
      KEEL_TRY_VOID(processor_.Drop("the type " + Quoted(*type) + " means nothing"));
    } else {
      types.push_back(std::move(expanded));
    }
  }
  if (node.result.contains("@type")) {
    AddValues(node.result, "@type", [&] {
      json before = AsArray(std::move(node.result["@type"]));
      node.result["@type"] = json::array();
      for (json& type : types) before.push_back(std::move(type));
      return before;
    }());
  } else if (!value.is_array() && types.size() == 1) {
    node.result["@type"] = std::move(types[0]);
  } else {
    node.result["@type"] = std::move(types);
  }
  return {};
}

Result<> Expander::ExpandIncluded(Node& node, const json& value, size_t depth) {
  KEEL_TRY(json included, Expand(node.active, nullptr, value, false, depth + 1));
  included = included.is_null() ? json::array() : AsArray(std::move(included));
  for (const json& each : included) {
    if (!each.is_object() || each.contains("@value") || each.contains("@list") || each.contains("@set"))
      return Bad("invalid @included value", "only node objects can be included");
  }
  if (included.empty() && !value.is_array()) return Bad("invalid @included value", "only node objects can be included");
  AddValues(node.result, "@included", std::move(included));
  return {};
}

// Step 13.4.13.
Result<> Expander::ExpandReverse(Node& node, const json& value, size_t depth) {
  if (!value.is_object()) return Bad("invalid @reverse value", "it must be an object");
  KEEL_TRY(json reverse, Expand(node.active, &kReverseProperty, value, false, depth + 1));
  if (!reverse.is_object()) return {};
  for (auto& [property, values] : reverse.items()) {
    if (property == "@reverse") {
      // Reversed twice: as it stands.
      for (auto& [name, items] : values.items()) AddValues(node.result, name, std::move(items));
    } else {
      KEEL_TRY_VOID(AddReverse(node, property, std::move(values)));
    }
  }
  return {};
}

Result<> Expander::AddReverse(Node& node, const std::string& property, json values) {
  json& map = node.result["@reverse"];
  if (!map.is_object()) map = json::object();
  values = AsArray(std::move(values));
  for (const json& value : values) {
    if (Has(value, "@value") || Has(value, "@list"))
      return Bad("invalid reverse property value", Quoted(property) + " has a value that can't be a subject");
  }
  AddValues(map, property, std::move(values));
  return {};
}

// Steps 15 to 19.
Result<json> Expander::Finish(Node node) {
  json& result = node.result;
  if (result.contains("@value")) return FinishValue(node);
  if (const auto type = result.find("@type"); type != result.end() && !type->is_array()) {
    *type = AsArray(std::move(*type));
  }
  const bool set = result.contains("@set");
  if (set || result.contains("@list")) {
    const size_t allowed = 1 + (result.contains("@index") ? 1 : 0);
    if (result.size() > allowed) return Bad("invalid set or list object", "beside @set or @list only @index may stand");
    if (set) {
      json items = std::move(result["@set"]);
      return items;
    }
  }
  if (result.size() == 1 && result.contains("@language")) {
    KEEL_TRY_VOID(processor_.Drop("an object has nothing but @language"));
    return json();
  }
  return FinishTop(node);
}

Result<json> Expander::FinishValue(Node& node) {
  json& result = node.result;
  for (const auto& member : Members(result)) {
    static constexpr std::string_view kAllowed[] = {"@direction", "@index", "@language", "@type", "@value"};
    if (std::ranges::find(kAllowed, member.first) == std::end(kAllowed))
      return Bad("invalid value object", "a value has " + member.first + " too");
  }
  const bool language = result.contains("@language");
  const auto type = result.find("@type");
  if (type != result.end() && (language || result.contains("@direction")))
    return Bad("invalid value object", "a value has a type and a language or direction");
  const json& value = result["@value"];
  if (type != result.end() && *type == "@json") {
    // Anything is a JSON literal.
  } else if (value.is_null() || (value.is_array() && value.empty())) {
    KEEL_TRY_VOID(processor_.Drop("a value is null"));
    return json();
  } else if (language && !value.is_string()) {
    return Bad("invalid language-tagged value", "only a string has a language");
  } else if (type != result.end()) {
    if (Text(*type) == nullptr || !HasScheme(*Text(*type)) || Text(*type)->contains(' '))
      return Bad("invalid typed value", "the type of a value must be one IRI");
  }
  return FinishTop(node);
}

// Step 19: what stands at the top says something about itself only.
Result<json> Expander::FinishTop(Node& node) {
  json& result = node.result;
  const bool plain = !result.contains("@value") && !result.contains("@list");
  if (node.property == nullptr || *node.property == kGraphProperty) {
    if (result.empty() || !plain) {
      KEEL_TRY_VOID(processor_.Drop(result.empty() ? "an object says nothing" : "a value stands where no property is"));
      return json();
    }
    if (result.size() == 1 && result.contains("@id")) {
      KEEL_TRY_VOID(processor_.Drop("an object has nothing but an id"));
      return json();
    }
    if (node.property == nullptr && result.size() == 1 && result.contains("@graph")) return std::move(result);
  }
  if (plain && !result.contains("@id") && (node.property == nullptr || *node.property != kReverseProperty))
    nameless_.push_back(node.element);
  return std::move(result);
}

Result<json> Expander::ExpandValue(const Context& active, const std::string& property, const json& value) {
  const TermDefinition* term = active.Find(property);
  json result = json::object();
  if (term != nullptr && value.is_string() && (term->type == "@id" || term->type == "@vocab")) {
    KEEL_TRY(std::string iri,
             processor_.ExpandIri(active, *Text(value), {.vocab = term->type == "@vocab", .document_relative = true}));
    result["@id"] = iri.empty() && LooksLikeKeyword(*Text(value)) ? json() : json(std::move(iri));
    return result;
  }
  result["@value"] = value;
  if (term != nullptr && !term->type.empty() && term->type != "@id" && term->type != "@vocab" &&
      term->type != "@none") {
    result["@type"] = term->type;
  } else if (value.is_string()) {
    const std::string& language = term != nullptr && term->language.present ? term->language.value : active.language;
    const std::string& direction =
        term != nullptr && term->direction.present ? term->direction.value : active.direction;
    if (!language.empty()) result["@language"] = language;
    if (!direction.empty()) result["@direction"] = direction;
  }
  return result;
}

}  // namespace keel::json_ld::internal
