// SPDX-License-Identifier: Apache-2.0
// Create Term Definition, JSON-LD API section 4.2.2.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "vc/json_ld/internal/iri.h"
#include "vc/json_ld/internal/processor.h"
#include "vc/rdf/internal/terms.h"

namespace keel::json_ld::internal {
namespace {

using nlohmann::json;

std::string Term(std::string_view term) { return "term '" + std::string(term) + "'"; }

const std::string* Text(const json& value) { return value.get_ptr<const std::string*>(); }

const json* Member(const json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

bool IsIriOrBlank(std::string_view text) { return HasScheme(text) || IsBlank(text); }

bool SameMeaning(const TermDefinition& a, const TermDefinition& b) {
  return a.iri == b.iri && a.type == b.type && a.nest == b.nest && a.index == b.index && a.language == b.language &&
         a.direction == b.direction && a.container == b.container && a.reverse == b.reverse && a.prefix == b.prefix &&
         (a.context == b.context || (a.context && b.context && *a.context == *b.context));
}

}  // namespace

Result<> Processor::Define(Defining& defining, std::string_view name) {
  const auto& members = *defining.local->get_ptr<const json::object_t*>();
  const auto member = members.find(name);
  KEEL_ASSERT(member != members.end());
  const std::string& term = member->first;
  const json& value = member->second;
  if (const auto [state, is_new] = defining.defined.try_emplace(term, false); !is_new) {
    if (state->second) return {};
    return Bad("cyclic IRI mapping", Term(term) + " is defined by itself");
  }
  if (term.empty()) return Bad("invalid term definition", "a term is empty");
  if (term.size() > kMaxIri)
    return Fail(Code::kTooLarge, "json-ld", "a term has more than " + std::to_string(kMaxIri) + " octets");
  KEEL_TRY_VOID(Charge(1));
  if (term == "@type") {
    // Only its container and protection may be said.
    const bool fits = value.is_object() && !value.empty() && std::ranges::all_of(value.items(), [](const auto& item) {
                        return item.key() == "@protected" || (item.key() == "@container" && item.value() == "@set");
                      });
    if (!fits) return Bad("keyword redefinition", "@type may be given \"@container\": \"@set\" and @protected only");
  } else if (IsKeyword(term)) {
    return Bad("keyword redefinition", term + " can't be defined");
  } else if (LooksLikeKeyword(term)) {
    defining.defined[term] = true;
    return Drop(Term(term) + " looks like a keyword");
  }
  if (!value.is_null() && !value.is_string() && !value.is_object())
    return Bad("invalid term definition", Term(term) + " must be an IRI, an object or null");

  TermDefinition definition;
  definition.is_protected = defining.is_protected;
  if (const json* protect = Member(value, "@protected")) {
    if (!protect->is_boolean()) return Bad("invalid @protected value", Term(term));
    definition.is_protected = protect->get<bool>();
  }
  bool ignored = false;
  KEEL_TRY_VOID(DefineType(defining, term, value, definition));
  if (Member(value, "@reverse") != nullptr) {
    KEEL_TRY_VOID(DefineReverse(defining, term, value, definition, ignored));
  } else {
    KEEL_TRY_VOID(DefineId(defining, term, value, !value.is_object(), definition, ignored));
  }
  if (ignored) {
    defining.defined[term] = true;
    return {};
  }
  if (value.is_object()) {
    KEEL_TRY_VOID(DefineRest(defining, term, value, definition));
  }
  KEEL_TRY_VOID(CheckProtected(defining, term, definition));
  defining.result.terms.insert_or_assign(term, std::move(definition));
  defining.defined[term] = true;
  return {};
}

Result<> Processor::DefineType(Defining& defining, std::string_view term, const json& value, TermDefinition& out) {
  const json* type = Member(value, "@type");
  if (type == nullptr) return {};
  if (Text(*type) == nullptr) return Bad("invalid type mapping", Term(term) + ": @type must be a string");
  KEEL_TRY(out.type, ExpandIri(defining.result, *Text(*type), {.vocab = true}, &defining));
  if (out.type != "@id" && out.type != "@json" && out.type != "@none" && out.type != "@vocab" && !HasScheme(out.type))
    return Bad("invalid type mapping", Term(term) + ": '" + *Text(*type) + "' leads to no IRI");
  return {};
}

Result<> Processor::DefineReverse(Defining& defining, std::string_view term, const json& value, TermDefinition& out,
                                  bool& ignored) {
  if (value.contains("@id") || value.contains("@nest"))
    return Bad("invalid reverse property", Term(term) + " has @reverse together with @id or @nest");
  const std::string* reverse = Text(*Member(value, "@reverse"));
  if (reverse == nullptr) return Bad("invalid IRI mapping", Term(term) + ": @reverse must be a string");
  if (LooksLikeKeyword(*reverse)) {
    ignored = true;
    return Drop(Term(term) + ": '" + *reverse + "' looks like a keyword");
  }
  KEEL_TRY(out.iri, ExpandIri(defining.result, *reverse, {.vocab = true}, &defining));
  if (!IsIriOrBlank(out.iri)) return Bad("invalid IRI mapping", Term(term) + ": '" + *reverse + "' leads to no IRI");
  out.reverse = true;
  return {};
}

Result<> Processor::DefineId(Defining& defining, std::string_view term, const json& value, bool simple,
                             TermDefinition& out, bool& ignored) {
  const json* id = value.is_object() ? Member(value, "@id") : &value;
  if (id == nullptr || (Text(*id) != nullptr && *Text(*id) == term)) return DefineIri(defining, term, out);
  if (id->is_null()) return {};  // no IRI: the term means nothing
  if (Text(*id) == nullptr) return Bad("invalid IRI mapping", Term(term) + ": @id must be a string");
  if (!IsKeyword(*Text(*id)) && LooksLikeKeyword(*Text(*id))) {
    ignored = true;
    return Drop(Term(term) + ": '" + *Text(*id) + "' looks like a keyword");
  }
  KEEL_TRY(out.iri, ExpandIri(defining.result, *Text(*id), {.vocab = true}, &defining));
  if (!IsKeyword(out.iri) && !IsIriOrBlank(out.iri))
    return Bad("invalid IRI mapping", Term(term) + ": '" + *Text(*id) + "' leads to no IRI");
  if (out.iri == "@context") return Bad("invalid keyword alias", Term(term) + ": nothing can stand for @context");
  const size_t colon = term.find(':', 1);
  if ((colon != std::string_view::npos && colon + 1 < term.size()) || term.contains('/')) {
    // It looks like an IRI: it must mean the one that it looks like.
    defining.defined[defining.local->get_ptr<const json::object_t*>()->find(term)->first] = true;
    KEEL_TRY(const std::string itself, ExpandIri(defining.result, term, {.vocab = true}, &defining));
    if (itself != out.iri) return Bad("invalid IRI mapping", Term(term) + " would mean another IRI than it looks like");
  } else if (!term.contains(':') && simple) {
    out.prefix = IsBlank(out.iri) || (!out.iri.empty() && std::string_view(":/?#[]@").contains(out.iri.back()));
  }
  return {};
}

Result<> Processor::DefineIri(Defining& defining, std::string_view term, TermDefinition& out) {
  if (const size_t colon = term.find(':', 1); colon != std::string_view::npos) {
    const std::string_view prefix = term.substr(0, colon), suffix = term.substr(colon + 1);
    if (!suffix.starts_with("//") && defining.local->contains(prefix)) {
      KEEL_TRY_VOID(Define(defining, prefix));
    }
    if (const TermDefinition* known = defining.result.Find(prefix);
        known != nullptr && !known->iri.empty() && !suffix.starts_with("//")) {
      KEEL_TRY(out.iri, Joined(known->iri, suffix));
    } else if (IsIriOrBlank(term)) {
      out.iri = term;
    } else {
      return Bad("invalid IRI mapping", Term(term) + " is no IRI");
    }
    return {};
  }
  if (term.contains('/')) {
    KEEL_TRY(out.iri, ExpandIri(defining.result, term, {.vocab = true}));
    if (!HasScheme(out.iri)) return Bad("invalid IRI mapping", Term(term) + " leads to no IRI");
    return {};
  }
  if (term == "@type") {
    out.iri = "@type";
    return {};
  }
  if (defining.result.vocab.empty())
    return Bad("invalid IRI mapping", Term(term) + " has no @id, and there is no @vocab");
  KEEL_TRY(out.iri, Joined(defining.result.vocab, term));
  return {};
}

Result<> Processor::DefineContainer(std::string_view term, const json& container, TermDefinition& out) const {
  static constexpr std::pair<std::string_view, Container> kNames[] = {
      {"@graph", kGraph}, {"@id", kId},   {"@index", kIndex}, {"@language", kLanguage},
      {"@list", kList},   {"@set", kSet}, {"@type", kType}};
  const auto bad = [&] {
    return Bad("invalid container mapping", Term(term) + ": @container has a value that isn't one");
  };
  const auto add = [&](const json& one) {
    const std::string* name = Text(one);
    const auto known = name == nullptr
                           ? std::end(kNames)
                           : std::ranges::find(kNames, *name, &std::pair<std::string_view, Container>::first);
    if (known == std::end(kNames)) return false;
    out.container = static_cast<uint8_t>(out.container | known->second);
    return true;
  };
  if (!container.is_array()) {
    if (!add(container)) return bad();
  } else {
    for (const json& one : container) {
      if (!add(one)) return bad();
    }
    // One of them; or @set and another; or @graph with @id or @index, and @set perhaps.
    const int rest = out.container & ~kSet;
    const bool one_rest = (rest & (rest - 1)) == 0;
    const bool fits = container.empty()      ? false
                      : (rest & kGraph) != 0 ? rest == kGraph || rest == (kGraph | kId) || rest == (kGraph | kIndex)
                      : (rest & kList) != 0  ? out.container == kList
                                             : one_rest;
    if (!fits) return bad();
  }
  if (out.reverse && (out.container & ~(kSet | kIndex)) != 0)
    return Bad("invalid reverse property",
               Term(term) + ": a reverse property may have @set or @index as @container only");
  return {};
}

Result<> Processor::DefineRest(Defining& defining, std::string_view term, const json& value, TermDefinition& out) {
  static constexpr std::string_view kKnown[] = {"@container", "@context",  "@direction", "@id",
                                                "@index",     "@language", "@nest",      "@prefix",
                                                "@protected", "@reverse",  "@type"};
  for (const auto& member : *value.get_ptr<const json::object_t*>()) {
    if (!std::ranges::binary_search(kKnown, std::string_view(member.first)))
      return Bad("invalid term definition", Term(term) + ": '" + member.first + "' is not known");
  }
  const json* container = Member(value, "@container");
  if (container != nullptr && !(out.reverse && container->is_null())) {
    KEEL_TRY_VOID(DefineContainer(term, *container, out));
  }
  if ((out.container & kType) != 0) {
    if (out.type.empty()) out.type = "@id";
    if (out.type != "@id" && out.type != "@vocab")
      return Bad("invalid type mapping", Term(term) + ": with a @type container, @type must be @id or @vocab");
  }
  if (const json* index = Member(value, "@index")) {
    if (Text(*index) == nullptr || (out.container & kIndex) == 0)
      return Bad("invalid term definition",
                 Term(term) + ": @index must be a string, and goes with an @index container only");
    KEEL_TRY(const std::string iri, ExpandIri(defining.result, *Text(*index), {.vocab = true}, &defining));
    if (!HasScheme(iri)) return Bad("invalid term definition", Term(term) + ": @index leads to no IRI");
    out.index = *Text(*index);
  }
  KEEL_TRY_VOID(DefineContext(defining, term, value, out));
  if (const json* language = Member(value, "@language"); language != nullptr && !value.contains("@type")) {
    if (!language->is_null() && Text(*language) == nullptr)
      return Bad("invalid language mapping", Term(term) + ": @language must be a language tag or null");
    out.language = {true, language->is_null() ? "" : *Text(*language)};
    if (!out.language.value.empty() && !rdf::internal::IsLanguageTag(out.language.value)) {
      KEEL_TRY_VOID(Drop(Term(term) + ": its language tag is ill-formed"));
    }
  }
  if (const json* direction = Member(value, "@direction"); direction != nullptr && !value.contains("@type")) {
    if (!direction->is_null() && *direction != "ltr" && *direction != "rtl")
      return Bad("invalid base direction", Term(term) + ": @direction must be \"ltr\", \"rtl\" or null");
    out.direction = {true, direction->is_null() ? "" : *Text(*direction)};
  }
  if (const json* nest = Member(value, "@nest")) {
    if (Text(*nest) == nullptr || (IsKeyword(*Text(*nest)) && *Text(*nest) != "@nest"))
      return Bad("invalid @nest value", Term(term));
    out.nest = *Text(*nest);
  }
  if (const json* prefix = Member(value, "@prefix")) {
    if (term.contains(':') || term.contains('/'))
      return Bad("invalid term definition", Term(term) + " can't be a prefix");
    if (!prefix->is_boolean()) return Bad("invalid @prefix value", Term(term));
    out.prefix = prefix->get<bool>();
    if (out.prefix && IsKeyword(out.iri))
      return Bad("invalid term definition", Term(term) + ": a keyword can't be a prefix");
  }
  return {};
}

Result<> Processor::DefineContext(Defining& defining, std::string_view term, const json& value, TermDefinition& out) {
  const json* context = Member(value, "@context");
  if (context == nullptr) return {};
  out.context = LocalContext(defining.local, context);
  out.context_base = defining.base_url;
  // Tried now, so that a context is wrong where it is written and not only where it is used.
  const ContextPtr here(ContextPtr(), &defining.result);
  const auto tried = Apply(here, out.context, defining.base_url, defining.urls,
                           {.override_protected = true, .validate_scoped = false});
  if (tried) return {};
  Error error = tried.error();
  if (error.code == Code::kMalformed) error.detail = "invalid scoped context: " + Term(term) + ": " + error.detail;
  return std::unexpected<Error>(std::move(error));
}

Result<> Processor::CheckProtected(Defining& defining, std::string_view term, TermDefinition& out) const {
  const TermDefinition* before = defining.result.Find(term);
  const bool was_protected = before != nullptr && before->is_protected;
  if (was_protected && !defining.override_protected) {
    if (!SameMeaning(*before, out))
      return Bad("protected term redefinition", Term(term) + " is protected and would get another meaning");
    out.is_protected = true;
  }
  uint32_t& count = defining.result.protected_terms;
  if (out.is_protected && !was_protected) ++count;
  if (!out.is_protected && was_protected) --count;
  return {};
}

}  // namespace keel::json_ld::internal
