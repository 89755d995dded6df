// SPDX-License-Identifier: Apache-2.0
#include "vc/json_ld/to_rdf.h"

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "base/json_strict.h"
#include "vc/json_ld/internal/expander.h"
#include "vc/json_ld/internal/iri.h"
#include "vc/json_ld/internal/literal.h"
#include "vc/rdf/internal/terms.h"

namespace keel::json_ld {
namespace internal {
namespace {

using nlohmann::json;
using rdf::Term;

const std::string kRdf = "http://www.w3.org/1999/02/22-rdf-syntax-ns#";

// Beyond N-Quads' grammar: at most one fragment.
bool WellFormed(std::string_view iri) {
  const size_t hash = iri.find('#');
  return rdf::internal::IsAbsoluteIri(iri) && (hash == std::string_view::npos || !iri.substr(hash + 1).contains('#'));
}

// Deserialize JSON-LD to RDF (JSON-LD API section 8), straight from the expanded document: a node map in between would
// only bring together what a set of quads brings together by itself.
class Emitter {
 public:
  explicit Emitter(Processor& processor) : processor_(processor) {}

  Result<rdf::Dataset> Run(const json& expanded) {
    Reserve(expanded);
    const Term graph;
    for (const json& node : expanded) KEEL_TRY_VOID(EmitAlone(node, &graph));
    return std::move(out_);
  }

 private:
  // The labels that the document uses itself.
  void Reserve(const json& value) {
    if (const auto* text = value.get_ptr<const std::string*>()) {
      if (IsBlank(*text)) taken_.insert(text->substr(2));
      if (Skolem(*text)) taken_.insert(text->substr(processor_.options().skolem_prefix.size()));
    } else if (value.is_structured()) {
      for (const json& each : value) Reserve(each);
    }
  }

  bool Skolem(std::string_view iri) const {
    const std::string& prefix = processor_.options().skolem_prefix;
    return !prefix.empty() && iri.starts_with(prefix);
  }

  Term NewBlank() {
    std::string label;
    do label = "b" + std::to_string(next_++);
    while (taken_.contains(label));
    return Term::Blank(std::move(label));
  }

  // Nothing: neither an absolute IRI nor a blank node.
  std::optional<Term> NodeTerm(const json& id) const {
    const auto* text = id.get_ptr<const std::string*>();
    if (text == nullptr) return std::nullopt;
    if (IsBlank(*text) || Skolem(*text)) {
      const std::string_view label =
          std::string_view(*text).substr(IsBlank(*text) ? 2 : processor_.options().skolem_prefix.size());
      if (!rdf::internal::IsBlankLabel(label)) return std::nullopt;
      return Term::Blank(std::string(label));
    }
    if (!WellFormed(*text)) return std::nullopt;
    return Term::Iri(*text);
  }

  Result<> DropIri(std::string_view what, const json& id) const {
    if (!processor_.options().safe) return {};
    return processor_.Drop(std::string(what) + " " + base::DumpJson(id).substr(0, 200) + " is no absolute IRI");
  }

  Result<> Add(const std::optional<Term>& subject, Term predicate, Term object, const Term* graph) {
    if (!subject || graph == nullptr) return {};  // said already
    octets_ += subject->value.size() + predicate.value.size() + object.value.size() + object.datatype.size() +
               graph->value.size();
    if (out_.quads.size() >= processor_.options().max_quads || octets_ > kMaxOctets)
      return Fail(Code::kTooLarge, "json-ld",
                  "more than " + std::to_string(processor_.options().max_quads) + " quads, or " +
                      std::to_string(kMaxOctets) + " octets of them");
    out_.quads.push_back({*subject, std::move(predicate), std::move(object), *graph});
    return {};
  }

  // A node object and all in it. Its name; nothing when it has an id that is none. `graph` null: the graph has no name,
  // and what is in it is left out.
  Result<std::optional<Term>> Emit(const json& node, const Term* graph) {
    std::optional<Term> subject;
    if (const auto id = node.find("@id"); id == node.end()) {
      subject = NewBlank();
    } else {
      subject = NodeTerm(*id);
      if (!subject) KEEL_TRY_VOID(DropIri("the id", *id));
    }
    for (const auto& [property, value] : *node.get_ptr<const json::object_t*>()) {
      if (property == "@id") continue;
      if (property == "@type") {
        KEEL_TRY_VOID(EmitTypes(subject, value, graph));
      } else if (property == "@graph") {
        for (const json& each : value) KEEL_TRY_VOID(EmitAlone(each, subject ? &*subject : nullptr));
      } else if (property == "@included") {
        for (const json& each : value) KEEL_TRY_VOID(EmitAlone(each, graph));
      } else if (property == "@reverse") {
        KEEL_TRY_VOID(EmitReverse(subject, value, graph));
      } else if (property == "@index") {
        KEEL_TRY_VOID(processor_.Drop("an @index"));
      } else if (IsKeyword(property)) {
        KEEL_TRY_VOID(processor_.Drop(property + " of an object that is no value"));
      } else {
        KEEL_TRY_VOID(EmitProperty(subject, property, value, graph));
      }
    }
    return subject;
  }

  // A node that no property leads to: it must say something itself, or all of it is lost, its id too.
  Result<> EmitAlone(const json& node, const Term* graph) {
    const size_t before = out_.quads.size();
    KEEL_TRY_VOID(Emit(node, graph));
    if (out_.quads.size() == before) KEEL_TRY_VOID(processor_.Drop("an object says nothing"));
    return {};
  }

  Result<> EmitTypes(const std::optional<Term>& subject, const json& types, const Term* graph) {
    for (const json& type : types) {
      std::optional<Term> object = NodeTerm(type);
      if (!object) {
        KEEL_TRY_VOID(DropIri("the type", type));
        continue;
      }
      KEEL_TRY_VOID(Add(subject, Term::Iri(kRdf + "type"), std::move(*object), graph));
    }
    return {};
  }

  // False: the property is none that RDF has.
  Result<bool> CheckProperty(const std::string& property) const {
    if (WellFormed(property)) return true;
    KEEL_TRY_VOID(processor_.Drop("the property '" + property + "' is no absolute IRI"));
    return false;
  }

  Result<> EmitReverse(const std::optional<Term>& subject, const json& reverse, const Term* graph) {
    for (const auto& [property, values] : *reverse.get_ptr<const json::object_t*>()) {
      KEEL_TRY(const bool good, CheckProperty(property));
      for (const json& each : values) {
        KEEL_TRY(std::optional<Term> other, Emit(each, graph));
        if (good && subject) KEEL_TRY_VOID(Add(other, Term::Iri(property), *subject, graph));
      }
    }
    return {};
  }

  Result<> EmitProperty(const std::optional<Term>& subject, const std::string& property, const json& values,
                        const Term* graph) {
    KEEL_TRY(const bool good, CheckProperty(property));
    for (const json& value : values) {
      KEEL_TRY(std::optional<Term> object, EmitObject(value, graph));
      if (good && object) KEEL_TRY_VOID(Add(subject, Term::Iri(property), std::move(*object), graph));
    }
    return {};
  }

  Result<std::optional<Term>> EmitObject(const json& value, const Term* graph) {
    if (value.contains("@value")) return EmitLiteral(value, graph);
    if (const auto list = value.find("@list"); list != value.end()) {
      if (value.contains("@index")) KEEL_TRY_VOID(processor_.Drop("an @index"));
      KEEL_TRY(Term first, EmitList(*list, graph));
      return std::optional<Term>(std::move(first));
    }
    return Emit(value, graph);
  }

  Result<Term> EmitList(const json& items, const Term* graph) {
    Term rest = Term::Iri(kRdf + "nil");
    std::vector<Term> cells;
    for (size_t i = 0; i < items.size(); ++i) cells.push_back(NewBlank());
    for (size_t i = items.size(); i-- > 0;) {
      KEEL_TRY(std::optional<Term> object, EmitObject(items[i], graph));
      if (object) KEEL_TRY_VOID(Add(cells[i], Term::Iri(kRdf + "first"), std::move(*object), graph));
      KEEL_TRY_VOID(Add(cells[i], Term::Iri(kRdf + "rest"), std::move(rest), graph));
      rest = cells[i];
    }
    return rest;
  }

  Result<std::optional<Term>> EmitLiteral(const json& value, const Term* graph) {
    if (value.contains("@index")) KEEL_TRY_VOID(processor_.Drop("an @index"));
    KEEL_TRY(std::optional<Term> literal, ToLiteral(processor_, value));
    const auto direction = value.find("@direction");
    if (!literal || direction == value.end()) return literal;
    const std::string& towards = direction->get_ref<const std::string&>();
    const std::string language = literal->language;
    switch (processor_.options().direction) {
      case Direction::kRefuse: KEEL_TRY_VOID(processor_.Drop("a text's @direction")); return literal;
      case Direction::kDrop: return literal;
      case Direction::kI18nDatatype:
        literal->datatype = "https://www.w3.org/ns/i18n#" + language + "_" + towards;
        literal->language.clear();
        return literal;
      case Direction::kCompoundLiteral: break;
    }
    const Term compound = NewBlank();
    KEEL_TRY_VOID(Add(compound, Term::Iri(kRdf + "value"), Term::Literal(literal->value), graph));
    KEEL_TRY_VOID(Add(compound, Term::Iri(kRdf + "direction"), Term::Literal(towards), graph));
    if (!language.empty()) KEEL_TRY_VOID(Add(compound, Term::Iri(kRdf + "language"), Term::Literal(language), graph));
    return std::optional<Term>(compound);
  }

  Processor& processor_;
  rdf::Dataset out_;
  std::unordered_set<std::string> taken_;
  uint64_t next_ = 0;
  uint64_t octets_ = 0;
};

}  // namespace
}  // namespace internal

Result<nlohmann::json> Expand(const nlohmann::json& document, const ContextStore& contexts,
                              const ToRdfOptions& options) {
  internal::Processor processor(contexts, options);
  return internal::Expander(processor).Run(document);
}

Result<rdf::Dataset> ToRdf(const nlohmann::json& document, const ContextStore& contexts, const ToRdfOptions& options) {
  internal::Processor processor(contexts, options);
  KEEL_TRY(const nlohmann::json expanded, internal::Expander(processor).Run(document));
  KEEL_TRY(rdf::Dataset dataset, internal::Emitter(processor).Run(expanded));
  if (dataset.quads.empty()) KEEL_TRY_VOID(processor.Drop("the document says nothing"));
  return dataset;
}

}  // namespace keel::json_ld
