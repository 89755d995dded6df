// SPDX-License-Identifier: Apache-2.0
// Context processing, JSON-LD API section 4.1.2.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "vc/json_ld/internal/iri.h"
#include "vc/json_ld/internal/processor.h"
#include "vc/rdf/internal/terms.h"

namespace keel::json_ld::internal {
namespace {

using nlohmann::json;

// Above this a new layer takes its parents' terms over, so that looking up stays short.
constexpr uint32_t kMaxLayers = 8;

std::string Quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

}  // namespace

std::unexpected<Error> Bad(std::string_view code, std::string_view detail) {
  return Fail(Code::kMalformed, "json-ld", std::string(code) + ": " + std::string(detail));
}

Processor::Processor(const ContextStore& store, const ToRdfOptions& options)
    : store_(store), options_(options), root_(store.cache().root()) {
  if (options.base.empty()) return;
  auto root = std::make_shared<Context>();
  root->base = root->original_base = options.base;
  root_ = std::move(root);
}

Result<> Processor::Drop(std::string_view what) const {
  if (!options_.safe) return {};
  return Fail(Code::kRefused, "json-ld", std::string(what) + ": it would be left out of what is signed");
}

Result<> Processor::Charge(uint64_t terms, size_t loads) {
  terms_ += terms;
  loads_ += loads;
  if (terms_ > kMaxTerms)
    return Fail(Code::kTooLarge, "json-ld", "its contexts define more than " + std::to_string(kMaxTerms) + " terms");
  if (loads_ > kMaxLoads)
    return Fail(Code::kTooLarge, "json-ld", "contexts are named more than " + std::to_string(kMaxLoads) + " times");
  return {};
}

Result<> Processor::CountValue() {
  if (++values_ <= kMaxValues) return {};
  return Fail(Code::kTooLarge, "json-ld", "more than " + std::to_string(kMaxValues) + " values");
}

// A new layer over `parent`.
std::shared_ptr<Context> Processor::Over(const ContextPtr& parent) {
  auto layer = std::make_shared<Context>();
  layer->previous = parent->previous;
  layer->vocab = parent->vocab;
  layer->base = parent->base;
  layer->original_base = parent->original_base;
  layer->language = parent->language;
  layer->direction = parent->direction;
  layer->protected_terms = parent->protected_terms;
  layer->shared = parent->shared;
  if (parent->layers < kMaxLayers) {
    layer->parent = parent;
    layer->layers = parent->layers + 1;
    return layer;
  }
  std::vector<const Context*> all;
  for (const Context* each = parent.get(); each != nullptr; each = each->parent.get()) all.push_back(each);
  for (const Context* each : all) layer->terms.insert(each->terms.begin(), each->terms.end());  // the nearest wins
  terms_ += layer->terms.size();  // compared with the limit at the next definition
  return layer;
}

Result<ContextPtr> Processor::Apply(const ContextPtr& active, const LocalContext& local, std::string_view base_url,
                                    How how) {
  return Apply(active, local, base_url, {}, how);
}

Result<ContextPtr> Processor::ApplyScoped(const ContextPtr& active, const TermDefinition& term, How how) {
  const Application key{active.get(), term.context.get(), how.override_protected, how.propagate};
  std::optional<Applied> known;
  if (active->shared) {
    known = store_.cache().Recall(key);
  } else if (const auto found = own_.find(key); found != own_.end()) {
    known = found->second.applied;
  }
  if (known) {
    KEEL_TRY_VOID(ChargeAgain(*known));
    return known->result;
  }
  how.stored = active->shared;  // where it was defined, since all of its terms come from the store
  const uint64_t terms = terms_;
  const size_t loads = loads_;
  KEEL_TRY(ContextPtr result, Apply(active, term.context, term.context_base, {}, how));
  if (active->shared && result->shared) {
    store_.cache().Remember(key, active, term.context, {result, terms_ - terms, loads_ - loads});
  } else {
    own_.try_emplace(key, Remembered{active, {result, terms_ - terms, loads_ - loads}});
  }
  return result;
}

Result<ContextPtr> Processor::Apply(const ContextPtr& active, const LocalContext& local, std::string_view base_url,
                                    const Urls& urls, How how) {
  struct Level {
    explicit Level(size_t& n) : nesting(n) { ++nesting; }
    ~Level() { --nesting; }
    size_t& nesting;
  } const level(nesting_);
  if (nesting_ > options_.max_depth)
    return Fail(Code::kTooLarge, "json-ld", "contexts are nested deeper than " + std::to_string(options_.max_depth));
  if (local->is_object()) {
    if (const auto found = local->find("@propagate"); found != local->end()) {
      if (!found->is_boolean()) return Bad("invalid @propagate value", "it must be true or false");
      how.propagate = found->get<bool>();
    }
  }
  // The result is `own` when that is set: a layer that nobody else has seen yet.
  ContextPtr result = active;
  std::shared_ptr<Context> own;
  const auto writable = [&]() -> Context& {
    if (own == nullptr) {
      own = Over(result);
      result = own;
    }
    return *own;
  };
  const auto go_back_to_active = [&] {
    if (!how.propagate && result->previous == nullptr) writable().previous = active;
  };
  go_back_to_active();
  const size_t count = local->is_array() ? local->size() : 1;
  for (size_t i = 0; i < count; ++i) {
    const json& context = local->is_array() ? (*local)[i] : *local;
    if (context.is_null()) {
      if (!how.override_protected && result->protected_terms != 0)
        return Bad("invalid context nullification", "null in place of a context would take protected terms away");
      auto fresh = std::make_shared<Context>();
      fresh->base = fresh->original_base = active->original_base;
      fresh->shared = result->shared && how.stored;
      if (!how.propagate) fresh->previous = result->previous;
      own = fresh;
      result = own;
    } else if (context.is_string()) {
      KEEL_TRY_VOID(ApplyUrl(own, result, context.get_ref<const std::string&>(), base_url, urls, how));
    } else if (context.is_object()) {
      Context& target = writable();
      KEEL_TRY_VOID(ApplyDefinition(target, LocalContext(local, &context), base_url, urls, how));
      target.shared = target.shared && how.stored;
    } else {
      return Bad("invalid local context",
                 "a context must be a URL, an object or null, not " + base::DumpJson(context).substr(0, 40));
    }
  }
  return result;
}

Result<std::shared_ptr<const LoadedContext>> Processor::Load(const std::string& url) {
  KEEL_TRY_VOID(Charge(0, 1));
  const auto& documents = store_.cache().documents;
  const auto found = documents.find(url);
  if (found == documents.end())
    return Fail(
        Code::kNotFound, "json-ld",
        "loading remote context failed: " + Quoted(url) + " is not among the known contexts, and none is fetched");
  return found->second;
}

Result<> Processor::ApplyUrl(std::shared_ptr<Context>& own, ContextPtr& result, const std::string& reference,
                             std::string_view base_url, const Urls& urls, How how) {
  const std::string url = HasScheme(reference) ? reference : Resolve(base_url, reference);
  if (!HasScheme(url))
    return Bad("loading document failed", "the context " + Quoted(reference) + " is no absolute URL");
  const bool seen = std::ranges::find(urls, url) != urls.end();
  if (seen && !how.validate_scoped) return {};
  if (seen || urls.size() >= kMaxLoadDepth)
    return Bad("context overflow", "contexts name each other, " + Quoted(url) + " again");
  KEEL_TRY(const auto loaded, Load(url));
  // A URL means the same wherever it stands, so what it makes of a shared context is remembered.
  const bool shared = own == nullptr && result->shared && urls.empty() && how.validate_scoped;
  const Application key{result.get(), loaded->context.get(), false, true};
  if (shared) {
    if (auto known = store_.cache().Recall(key)) {
      KEEL_TRY_VOID(ChargeAgain(*known));
      result = std::move(known->result);
      return {};
    }
  }
  Urls inner = urls;
  inner.push_back(url);
  const ContextPtr active = result;
  const uint64_t terms = terms_;
  const size_t loads = loads_;
  KEEL_TRY(ContextPtr made,
           Apply(active, loaded->context, url, inner, {.validate_scoped = how.validate_scoped, .stored = true}));
  if (shared && made->shared)
    store_.cache().Remember(key, active, loaded->context, {made, terms_ - terms, loads_ - loads});
  result = std::move(made);
  own = nullptr;
  return {};
}

Result<Processor::LocalContext> Processor::Import(const LocalContext& local, std::string_view base_url) {
  const json& import = (*local)["@import"];
  if (!import.is_string()) return Bad("invalid @import value", "it must be a URL");
  const std::string url = Resolve(base_url, import.get_ref<const std::string&>());
  KEEL_TRY(const auto loaded, Load(url));
  if (!loaded->context->is_object())
    return Bad("invalid remote context", Quoted(url) + " has more than one context and can't be imported");
  if (loaded->context->contains("@import"))
    return Bad("invalid context entry", Quoted(url) + " imports another context itself");
  auto merged = std::make_shared<json>(*loaded->context);
  for (const auto& [name, value] : local->items()) (*merged)[name] = value;
  return LocalContext(std::move(merged));
}

Result<> Processor::ApplyDefinition(Context& result, const LocalContext& given, std::string_view base_url,
                                    const Urls& urls, How how) {
  LocalContext local = given;
  if (const auto version = local->find("@version"); version != local->end()) {
    if (!version->is_number() || version->get<double>() != 1.1)
      return Bad("invalid @version value", "it must be the number 1.1");
  }
  if (local->contains("@import")) {
    KEEL_TRY(local, Import(local, base_url));
  }
  if (const auto base = local->find("@base"); base != local->end() && urls.empty()) {
    KEEL_TRY_VOID(ApplyBase(result, *base));
    result.shared = false;
  }
  if (const auto vocab = local->find("@vocab"); vocab != local->end()) {
    KEEL_TRY_VOID(ApplyVocab(result, *vocab));
  }
  if (const auto language = local->find("@language"); language != local->end()) {
    KEEL_TRY_VOID(ApplyLanguage(result, *language));
  }
  if (const auto direction = local->find("@direction"); direction != local->end()) {
    if (!direction->is_null() && *direction != "ltr" && *direction != "rtl")
      return Bad("invalid base direction", "@direction must be \"ltr\", \"rtl\" or null");
    result.direction = direction->is_null() ? "" : direction->get_ref<const std::string&>();
  }
  if (const auto propagate = local->find("@propagate"); propagate != local->end() && !propagate->is_boolean())
    return Bad("invalid @propagate value", "it must be true or false");
  Defining defining{result, local, base_url, urls, false, how.override_protected, {}};
  if (const auto value = local->find("@protected"); value != local->end()) {
    if (!value->is_boolean()) return Bad("invalid @protected value", "it must be true or false");
    defining.is_protected = value->get<bool>();
  }
  result.terms.reserve(result.terms.size() + local->size());
  for (const auto& member : *local->get_ptr<const json::object_t*>()) {
    static constexpr std::string_view kOwn[] = {"@base",      "@direction", "@import",  "@language",
                                                "@propagate", "@protected", "@version", "@vocab"};
    if (std::ranges::find(kOwn, member.first) != std::end(kOwn)) continue;
    KEEL_TRY_VOID(Define(defining, member.first));
  }
  return {};
}

Result<> Processor::ApplyBase(Context& result, const json& value) const {
  if (value.is_null()) {
    result.base.clear();
    return {};
  }
  if (!value.is_string()) return Bad("invalid base IRI", "@base must be an IRI or null");
  const std::string& base = value.get_ref<const std::string&>();
  if (HasScheme(base)) {
    result.base = base;
  } else if (!result.base.empty()) {
    result.base = Resolve(result.base, base);
  } else {
    return Bad("invalid base IRI", Quoted(base) + " is relative, and there is nothing that it is relative to");
  }
  return {};
}

Result<> Processor::ApplyVocab(Context& result, const json& value) {
  if (value.is_null()) {
    result.vocab.clear();
    return {};
  }
  if (!value.is_string()) return Bad("invalid vocab mapping", "@vocab must be an IRI or null");
  KEEL_TRY(std::string vocab,
           ExpandIri(result, value.get_ref<const std::string&>(), {.vocab = true, .document_relative = true}));
  if (!HasScheme(vocab) && !IsBlank(vocab)) {
    // Without a base a relative one leads nowhere (W3C's tests always have one).
    if (!result.base.empty() || LooksLikeKeyword(value.get_ref<const std::string&>()) || options_.safe)
      return Bad("invalid vocab mapping", Quoted(value.get_ref<const std::string&>()) + " leads to no IRI");
  }
  result.vocab = std::move(vocab);
  return {};
}

Result<> Processor::ApplyLanguage(Context& result, const json& value) const {
  if (value.is_null()) {
    result.language.clear();
    return {};
  }
  if (!value.is_string()) return Bad("invalid default language", "@language must be a language tag or null");
  result.language = value.get_ref<const std::string&>();
  if (!rdf::internal::IsLanguageTag(result.language))
    return Drop("the language tag " + Quoted(result.language) + " is ill-formed");
  return {};
}

Result<std::string> Processor::Joined(std::string_view prefix, std::string_view suffix) {
  const size_t size = prefix.size() + suffix.size();
  octets_ += size;
  if (size > kMaxIri)
    return Fail(Code::kTooLarge, "json-ld", "an IRI has more than " + std::to_string(kMaxIri) + " octets");
  if (octets_ > kMaxOctets)
    return Fail(Code::kTooLarge, "json-ld", "its IRIs have more than " + std::to_string(kMaxOctets) + " octets");
  std::string out;
  out.reserve(size);
  out += prefix;
  out += suffix;
  return out;
}

// Section 5.2.2.
Result<std::string> Processor::ExpandIri(const Context& active, std::string_view value, ExpandTo to,
                                         Defining* defining) {
  if (value.starts_with('@')) {
    if (IsKeyword(value)) return std::string(value);
    if (LooksLikeKeyword(value)) {
      KEEL_TRY_VOID(Drop(Quoted(value) + " looks like a keyword and is none"));
      return std::string();
    }
  }
  if (defining != nullptr && defining->local->contains(value)) {
    KEEL_TRY_VOID(Define(*defining, value));
  }
  if (const TermDefinition* term = active.Find(value)) {
    if (to.vocab || (term->iri.starts_with('@') && IsKeyword(term->iri))) return Joined(term->iri, {});
  }
  if (const size_t colon = value.find(':', value.empty() ? 0 : 1); colon != std::string_view::npos) {
    const std::string_view prefix = value.substr(0, colon), suffix = value.substr(colon + 1);
    if (prefix == "_" || suffix.starts_with("//")) return std::string(value);
    if (defining != nullptr && defining->local->contains(prefix)) {
      KEEL_TRY_VOID(Define(*defining, prefix));
    }
    if (const TermDefinition* term = active.Find(prefix); term != nullptr && term->prefix && !term->iri.empty())
      return Joined(term->iri, suffix);
    if (HasScheme(value)) return std::string(value);
  }
  if (to.vocab && !active.vocab.empty()) return Joined(active.vocab, value);
  if (to.document_relative && !active.base.empty()) return Joined(Resolve(active.base, value), {});
  return std::string(value);
}

}  // namespace keel::json_ld::internal
