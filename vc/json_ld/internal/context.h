// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <unordered_map>

// Active contexts (JSON-LD API section 4.1).
namespace keel::json_ld::internal {

enum Container : uint8_t {
  kList = 1,
  kSet = 2,
  kIndex = 4,
  kLanguage = 8,
  kId = 16,
  kType = 32,
  kGraph = 64,
};

// A string that may be absent, or present as null.
struct Nullable {
  bool present = false;
  std::string value;  // empty: null
  friend bool operator==(const Nullable&, const Nullable&) = default;
};

struct TermDefinition {
  std::string iri;  // an IRI, a blank node identifier or a keyword; empty: the term means nothing
  std::string type;
  std::string nest;
  std::string index;  // the property that an @index container's keys become; empty: @index itself
  Nullable language;
  Nullable direction;
  uint8_t container = 0;  // Container, or-ed
  bool reverse = false;
  bool prefix = false;
  bool is_protected = false;
  std::shared_ptr<const nlohmann::json> context;  // scoped; null: none
  std::string context_base;                       // URL that relative context URLs in it start from
};

struct StringHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

// What terms mean at some place. A layer over its parent: most contexts add a few terms to many. Never changed once it
// is shared, so that it may be remembered and read by several threads.
struct Context {
  std::shared_ptr<const Context> parent;
  std::unordered_map<std::string, TermDefinition, StringHash, std::equal_to<>> terms;
  std::shared_ptr<const Context> previous;  // to go back to where a type-scoped context ends
  std::string vocab;
  std::string base;           // empty: none
  std::string original_base;  // of the document
  std::string language;
  std::string direction;
  uint32_t layers = 1;           // this one and its parents
  uint32_t protected_terms = 0;  // in all layers
  bool shared = false;           // made from the store's own contexts alone: may be remembered beyond one document

  // Null: not defined.
  const TermDefinition* Find(std::string_view term) const {
    for (const Context* layer = this; layer != nullptr; layer = layer->parent.get()) {
      if (const auto found = layer->terms.find(term); found != layer->terms.end()) return &found->second;
    }
    return nullptr;
  }
};
using ContextPtr = std::shared_ptr<const Context>;

}  // namespace keel::json_ld::internal
