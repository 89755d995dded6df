// SPDX-License-Identifier: Apache-2.0
#include "vc/data_integrity/internal/context_rules.h"

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "base/json_strict.h"
#include "vc/data_integrity/internal/hash_data.h"

namespace keel::vc::internal {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 64;
constexpr const char* kWhere = "context";

std::unexpected<Error> Bad(std::string detail) { return Fail(Code::kMalformed, kWhere, std::move(detail)); }

// Every term that a context defines, in whichever of its nested contexts.
struct Terms {
  std::map<std::string, std::set<std::string>, std::less<>> iris_of;   // term -> IRIs
  std::map<std::string, std::set<std::string>, std::less<>> terms_of;  // IRI -> terms
  std::set<std::string, std::less<>> json_terms;                       // what is inside is JSON: no names of ours
  std::set<std::string, std::less<>> map_terms;  // languages, indexes or ids where names would stand
  std::string vocab;

  void Define(const std::string& term, const std::string& iri) {
    iris_of[term].insert(iri);
    terms_of[iri].insert(term);
  }
};

bool EndsAsPrefix(std::string_view iri) {
  return !iri.empty() && std::string_view("#/:?[]@").find(iri.back()) != std::string_view::npos;
}

// A term, compact IRI or IRI in a context, in full.
std::string Resolve(const Terms& terms, const std::string& text) {
  const size_t colon = text.find(':');
  if (colon == std::string::npos) {
    const auto it = terms.iris_of.find(text);
    return it != terms.iris_of.end() ? *it->second.begin() : terms.vocab + text;
  }
  if (text.compare(colon, 3, "://") == 0) return text;
  const auto it = terms.iris_of.find(text.substr(0, colon));
  if (it == terms.iris_of.end()) return text;
  for (const std::string& iri : it->second) {
    if (EndsAsPrefix(iri)) return iri + text.substr(colon + 1);
  }
  return text;
}

const json* Member(const json& object, const char* name) {
  const auto it = object.find(name);
  return it == object.end() ? nullptr : &*it;
}

bool HasContainer(const json& definition, std::initializer_list<const char*> kinds) {
  const json* container = Member(definition, "@container");
  if (container == nullptr) return false;
  const auto is = [&](const json& item) {
    return item.is_string() && std::any_of(kinds.begin(), kinds.end(), [&](const char* kind) { return item == kind; });
  };
  return is(*container) || (container->is_array() && std::any_of(container->begin(), container->end(), is));
}

std::string IriText(const json& definition, const std::string& term) {
  if (definition.is_string()) return definition.get<std::string>();
  if (definition.is_object()) {
    if (const json* id = Member(definition, "@id"); id != nullptr && id->is_string()) return id->get<std::string>();
  }
  return term;
}

// Takes the terms of a context whose publisher is trusted. Two rounds, so that prefixes are known before they are used.
void Collect(Terms& terms, const json& context, int depth) {
  if (depth > kMaxDepth) return;
  if (context.is_array()) {
    for (const json& item : context) Collect(terms, item, depth + 1);
    return;
  }
  if (!context.is_object()) return;
  if (const json* vocab = Member(context, "@vocab"); vocab != nullptr && vocab->is_string()) terms.vocab = *vocab;
  for (const bool prefixes : {true, false}) {
    for (const auto& [term, definition] : context.items()) {
      if (term.starts_with('@')) continue;
      const std::string text = IriText(definition, term);
      if (EndsAsPrefix(text) != prefixes) continue;
      terms.Define(term, text.starts_with('@') ? text : text == term ? terms.vocab + term : Resolve(terms, text));
      if (!definition.is_object()) continue;
      if (const json* type = Member(definition, "@type"); type != nullptr && *type == "@json")
        terms.json_terms.insert(term);
      if (HasContainer(definition, {"@language", "@index", "@id", "@type"})) terms.map_terms.insert(term);
      if (const json* nested = Member(definition, "@context")) Collect(terms, *nested, depth + 1);
    }
  }
}

// A known context's terms, remembered by its digest.
Result<std::shared_ptr<const Terms>> TermsOf(const json_ld::ContextDocument& document) {
  static std::mutex mutex;
  static std::map<Bytes32, std::shared_ptr<const Terms>> memory;
  {
    const std::lock_guard lock(mutex);
    if (const auto it = memory.find(document.sha256); it != memory.end()) return it->second;
  }
  KEEL_TRY(const json text, base::ParseJson(document.text));
  auto terms = std::make_shared<Terms>();
  if (const json* context = Member(text, "@context")) Collect(*terms, *context, 0);
  const std::lock_guard lock(mutex);
  if (memory.size() >= 256) memory.clear();
  memory[document.sha256] = terms;
  return std::shared_ptr<const Terms>(std::move(terms));
}

class Rules {
 public:
  explicit Rules(const json_ld::ContextStore& contexts) : contexts_(contexts) {}

  Result<> AddContexts(const json& context) {
    if (context.is_array()) {
      for (const json& item : context) KEEL_TRY_VOID(AddContext(item));
      return {};
    }
    return AddContext(context);
  }

  // The document (or an embedded credential, whose contexts come on top of these).
  Result<> Walk(const json& node, const std::string& path, int depth, bool may_have_context) {
    if (depth > kMaxDepth) return Fail(Code::kTooLarge, kWhere, "nested too deep");
    if (node.is_array()) {
      for (const json& item : node) KEEL_TRY_VOID(Walk(item, path, depth + 1, may_have_context));
      return {};
    }
    if (!node.is_object()) return {};
    if (node.contains("@value")) return CheckValueObject(node, path);
    for (const auto& [name, value] : node.items()) {
      const std::string place = path + "/" + name;
      if (name == "@context") {
        if (!may_have_context) return Bad(place + ": a context inside the document");
        continue;
      }
      if (name == "@list" && node.size() == 1) {
        KEEL_TRY_VOID(Walk(value, place, depth + 1, false));
        continue;
      }
      KEEL_TRY_VOID(CheckName(name, place));
      if (name == "type") {
        KEEL_TRY_VOID(CheckTypes(value, place));
        continue;
      }
      if (Any([&](const Terms& terms) { return terms.json_terms.contains(name); })) continue;
      if (Any([&](const Terms& terms) { return terms.map_terms.contains(name); }) && value.is_object()) {
        for (const auto& [key, item] : value.items()) KEEL_TRY_VOID(Walk(item, place, depth + 1, false));
        continue;
      }
      if (name == "verifiableCredential") {
        KEEL_TRY_VOID(WalkEmbedded(value, place, depth));
        continue;
      }
      KEEL_TRY_VOID(CheckTopId(value, place));
      // A JCS proof of an embedded credential has a context of its own.
      KEEL_TRY_VOID(Walk(value, place, depth + 1, name == "proof"));
    }
    return {};
  }

  // A node inside that bears the document's own id would take its properties along, away from where they are read.
  void TopIs(const json& document) {
    if (const json* id = Member(document, "id"); id != nullptr && id->is_string()) top_id_ = id->get<std::string>();
  }

 private:
  template <typename Predicate>
  bool Any(Predicate predicate) const {
    return predicate(own_) ||
           std::any_of(known_.begin(), known_.end(), [&](const auto& terms) { return predicate(*terms); });
  }

  Result<> AddContext(const json& context) {
    if (context.is_object()) return AddInline(context, 0);
    if (!context.is_string()) return Bad("a context is neither a URL nor an object");
    const auto& url = context.get_ref<const std::string&>();
    const json_ld::ContextDocument* document = contexts_.Find(url);
    if (document == nullptr) {
      return Fail(Code::kNotFound, kWhere,
                  "the context " + url + " is not known here, and contexts are never fetched: give it by hand");
    }
    KEEL_TRY(std::shared_ptr<const Terms> terms, TermsOf(*document));
    if (!terms->vocab.empty()) vocab_ = terms->vocab;
    known_.push_back(std::move(terms));
    return {};
  }

  Result<> AddInline(const json& context, int depth) {
    if (depth > kMaxDepth) return Fail(Code::kTooLarge, kWhere, "nested too deep");
    for (const auto& [name, value] : context.items()) {
      if (!name.starts_with('@')) continue;
      if (name == "@vocab") {
        // Then every name leads to an IRI that ends in the name itself.
        if (!IsVocabulary(value)) return Bad("an inline context has an @vocab that doesn't end in '#', '/' or ':'");
        vocab_ = own_.vocab = value.get<std::string>();
      } else if (name != "@version" && name != "@protected" && name != "@language") {
        return Bad("an inline context has " + name);
      }
    }
    for (const bool prefixes : {true, false}) {
      for (const auto& [term, definition] : context.items()) {
        if (!term.starts_with('@') && EndsAsPrefix(IriText(definition, term)) == prefixes)
          KEEL_TRY_VOID(AddTerm(term, definition, depth));
      }
    }
    return {};
  }

  static bool IsVocabulary(const json& value) {
    if (!value.is_string()) return false;
    const auto& text = value.get_ref<const std::string&>();
    return !text.empty() && std::string_view("#/:").find(text.back()) != std::string_view::npos;
  }

  Result<> AddTerm(const std::string& term, const json& definition, int depth) {
    const std::string what = "an inline context gives '" + term + "' ";
    if (term.find(':') != std::string::npos) return Bad(what + "a meaning, and that is an IRI");
    if (!definition.is_string() && !definition.is_object()) return Bad(what + "no meaning");
    const std::string text = IriText(definition, term);
    if (text.starts_with('@')) {
      if ((text == "@id" && term == "id") || (text == "@type" && term == "type")) return {};
      return Bad(what + "the meaning of a keyword, " + text);
    }
    if (definition.is_object()) {
      for (const auto& [member, value] : definition.items()) {
        if (member == "@container") {
          if (HasContainer(definition, {"@index", "@id", "@type", "@graph"})) return Bad(what + "a map as container");
        } else if (member != "@id" && member != "@type" && member != "@protected" && member != "@language" &&
                   member != "@context" && member != "@prefix") {
          return Bad(what + member);
        }
      }
    }
    const std::string iri = ResolveInline(text, term);
    bool elsewhere = false, same = false;
    for (const auto& terms : known_) {
      if (const auto it = terms->iris_of.find(term); it != terms->iris_of.end()) {
        elsewhere = true;
        same = same || it->second.contains(iri);
      }
    }
    if (elsewhere && !same) return Bad(what + "a second meaning, " + iri);
    if (!EndsAsPrefix(iri)) {
      if (!elsewhere && !EndsInName(iri, term)) return Bad(what + "the meaning of another name, " + iri);
      KEEL_TRY_VOID(OnlyNameOf(iri, term, what));
    }
    own_.Define(term, iri);
    if (definition.is_object()) {
      if (const json* type = Member(definition, "@type"); type != nullptr && *type == "@json")
        own_.json_terms.insert(term);
      if (HasContainer(definition, {"@language"})) own_.map_terms.insert(term);
      if (const json* nested = Member(definition, "@context")) {
        if (!nested->is_object()) return Bad(what + "contexts that are no object");
        KEEL_TRY_VOID(AddInline(*nested, depth + 1));
      }
    }
    return {};
  }

  std::string ResolveInline(const std::string& text, const std::string& term) const {
    if (text == term) {
      // Defined by its name alone: as the context before it has it, or the vocabulary.
      return vocab_ + term;
    }
    std::string own = Resolve(own_, text);
    if (own != text) return own;
    for (const auto& terms : known_) {
      if (std::string known = Resolve(*terms, text); known != text) return known;
    }
    return text;
  }

  static bool EndsInName(std::string_view iri, std::string_view name) {
    return iri.size() > name.size() && iri.ends_with(name) &&
           std::string_view("#/:").find(iri[iri.size() - name.size() - 1]) != std::string_view::npos;
  }

  // No context of the store, in the document or not, calls the IRI otherwise.
  Result<> OnlyNameOf(const std::string& iri, const std::string& name, const std::string& what) const {
    for (const json_ld::ContextDocument* document : contexts_.List()) {
      KEEL_TRY(const std::shared_ptr<const Terms> terms, TermsOf(*document));
      const auto it = terms->terms_of.find(iri);
      if (it != terms->terms_of.end() && !it->second.contains(name))
        return Bad(what + "the meaning of '" + *it->second.begin() + "', " + iri);
    }
    return {};
  }

  // Nor do two contexts of the document call it by two names.
  Result<> OneNameOf(const std::string& name, const std::string& place) const {
    if (known_.size() < 2) return {};
    for (const auto& terms : known_) {
      const auto meanings = terms->iris_of.find(name);
      if (meanings == terms->iris_of.end()) continue;
      for (const auto& others : known_) {
        if (others == terms) continue;
        for (const std::string& iri : meanings->second) {
          const auto it = others->terms_of.find(iri);
          if (it != others->terms_of.end() && !it->second.contains(name))
            return Bad(place + ": two contexts give " + iri + " two names, '" + *it->second.begin() + "' the other");
        }
      }
    }
    return {};
  }

  Result<> CheckName(const std::string& name, const std::string& place) const {
    if (name.starts_with('@')) return Bad(place + ": a keyword where a term should stand");
    if (name.find(':') != std::string::npos) return Bad(place + ": an IRI where a term should stand");
    if (!vocab_.empty() && !Any([&](const Terms& terms) { return terms.iris_of.contains(name); }))
      return OnlyNameOf(vocab_ + name, name, "the vocabulary gives '" + name + "' ");
    return OneNameOf(name, place);
  }

  Result<> CheckTypes(const json& value, const std::string& place) const {
    for (const json& item : value.is_array() ? value : json::array({value})) {
      if (!item.is_string()) continue;
      const auto& text = item.get_ref<const std::string&>();
      const std::string iri = text.find(':') == std::string::npos ? vocab_ + text : ResolveInline(text, "");
      const bool a_term =
          text.find(':') == std::string::npos && Any([&](const Terms& terms) { return terms.iris_of.contains(text); });
      if (!a_term && Any([&](const Terms& terms) { return terms.terms_of.contains(iri); }))
        return Bad(place + ": an IRI where the type's own name should stand, " + text);
    }
    return {};
  }

  static Result<> CheckValueObject(const json& node, const std::string& path) {
    for (const auto& [name, value] : node.items()) {
      if (name != "@value" && name != "@type" && name != "@language" && name != "@direction")
        return Bad(path + "/" + name + ": in a value object");
    }
    return {};
  }

  Result<> CheckTopId(const json& value, const std::string& place) const {
    if (top_id_.empty()) return {};
    if (value.is_array()) {
      for (const json& item : value) KEEL_TRY_VOID(CheckTopId(item, place));
      return {};
    }
    if (!value.is_object() || value.size() < 2) return {};
    const json* id = Member(value, "id");
    if (id != nullptr && *id == top_id_) return Bad(place + ": properties of the document itself, further down");
    return {};
  }

  Result<> WalkEmbedded(const json& value, const std::string& place, int depth) {
    for (const json& item : value.is_array() ? value : json::array({value})) {
      if (!item.is_object()) continue;
      Rules inner = *this;
      inner.top_id_.clear();
      if (const json* context = Member(item, "@context")) KEEL_TRY_VOID(inner.AddContexts(*context));
      inner.TopIs(item);
      KEEL_TRY_VOID(inner.Walk(item, place, depth + 1, true));
    }
    return {};
  }

  const json_ld::ContextStore& contexts_;
  std::vector<std::shared_ptr<const Terms>> known_;
  Terms own_;          // of inline contexts
  std::string vocab_;  // the last @vocab
  std::string top_id_;
};

// JCS suites, "Verify Proof": the document's @context starts with all values of the proof's.
Result<> CheckJcsContext(const json& document, const json& proof, const json_ld::ContextStore& contexts) {
  const auto at = [](const json& value, size_t i) -> const json& { return value.is_array() ? value[i] : value; };
  const auto count = [](const json* value) { return value == nullptr ? 0 : value->is_array() ? value->size() : 1; };
  const json* of_document = Member(document, "@context");
  for (size_t i = 0; i < count(of_document); ++i) {
    const json& item = at(*of_document, i);
    if (item.is_string() && contexts.Find(item.get_ref<const std::string&>()) == nullptr) {
      return Fail(Code::kNotFound, kWhere,
                  "the context " + item.get<std::string>() +
                      " is not known here, and contexts are never fetched: give it by hand");
    }
    if (!item.is_string() && !item.is_object()) return Bad("a context is neither a URL nor an object");
  }
  const json* of_proof = Member(proof, "@context");
  if (of_proof == nullptr) return {};
  bool begins = count(of_proof) <= count(of_document);
  for (size_t i = 0; begins && i < count(of_proof); ++i) begins = at(*of_proof, i) == at(*of_document, i);
  if (!begins) return Bad("the document's @context doesn't begin with that of the proof");
  for (size_t i = count(of_proof); i < count(of_document); ++i) {
    if (!at(*of_document, i).is_string())
      return Bad("the document's @context has an object that the proof doesn't cover");
  }
  return {};
}

// A proof over RDF: with other members it could say the same under names that nobody looks for.
Result<> CheckProofNames(const json& proof) {
  static const std::set<std::string, std::less<>> kNames = {
      "@context", "id",    "type",      "cryptosuite",  "created",    "expires",      "verificationMethod",
      "domain",   "nonce", "challenge", "proofPurpose", "proofValue", "previousProof"};
  for (const auto& [name, value] : proof.items()) {
    if (!kNames.contains(name)) return Bad("the proof has a member '" + name + "' that is not Data Integrity's");
    if (name != "@context" && !value.is_string() && !value.is_array())
      return Bad("the proof's '" + name + "' is neither a string nor an array");
  }
  return {};
}

}  // namespace

Result<> CheckContexts(const json& document, const std::vector<const json*>& proofs, Cryptosuite suite,
                       const json_ld::ContextStore& contexts) {
  if (IsJcs(suite)) {
    for (const json* proof : proofs) KEEL_TRY_VOID(CheckJcsContext(document, *proof, contexts));
    return {};
  }
  for (const json* proof : proofs) KEEL_TRY_VOID(CheckProofNames(*proof));
  Rules rules(contexts);
  json storage;
  const json& plain = WithPlainContexts(document, storage);
  const json* context = Member(plain, "@context");
  if (context == nullptr) return Bad("the document has no @context");
  KEEL_TRY_VOID(rules.AddContexts(*context));
  rules.TopIs(plain);
  return rules.Walk(plain, "", 0, true);
}

}  // namespace keel::vc::internal
