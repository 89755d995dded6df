// SPDX-License-Identifier: Apache-2.0
#include "vc/json_ld/context_store.h"

#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "crypto/hash.h"
#include "vc/json_ld/internal/bundled.h"
#include "vc/json_ld/internal/context_cache.h"
#include "vc/json_ld/internal/iri.h"

namespace keel::json_ld {
namespace internal {
namespace {

constexpr size_t kMaxContextSize = 1 << 20;
constexpr size_t kMaxAdded = 256;
// Applications remembered. Those who order contexts ever anew make the store forget and do no more.
constexpr size_t kMaxRemembered = 1024;

Result<std::shared_ptr<const LoadedContext>> Load(std::string url, std::string text) {
  KEEL_TRY(nlohmann::json parsed, base::ParseJson(text, {.max_size = kMaxContextSize}));
  const auto member = parsed.is_object() ? parsed.find("@context") : parsed.end();
  if (member == parsed.end())
    return Fail(Code::kMalformed, "json-ld",
                "invalid remote context: '" + url + "' is no object with a member @context");
  auto loaded = std::make_shared<LoadedContext>();
  loaded->document.url = std::move(url);
  loaded->document.sha256 = crypto::Sha256::Of(text);
  loaded->document.text = std::move(text);
  loaded->context = std::make_shared<const nlohmann::json>(std::move(*member));
  return loaded;
}

// Parsed once for all stores: they are constant.
const std::vector<std::shared_ptr<const LoadedContext>>& Bundled() {
  static const auto* const kLoaded = [] {
    auto* loaded = new std::vector<std::shared_ptr<const LoadedContext>>();
    for (const BundledContext& context : BundledContextTable()) {
      auto one = Load(std::string(context.url), std::string(context.text));
      KEEL_ASSERT(one.has_value());
      loaded->push_back(std::move(*one));
    }
    return loaded;
  }();
  return *kLoaded;
}

}  // namespace

ContextCache::ContextCache() {
  auto root = std::make_shared<Context>();
  root->shared = true;
  root_ = std::move(root);
  for (const auto& loaded : Bundled()) documents.emplace(loaded->document.url, loaded);
}

std::optional<Applied> ContextCache::Recall(const Application& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end()) return std::nullopt;
  return found->second.applied;
}

void ContextCache::Remember(const Application& key, ContextPtr active, std::shared_ptr<const nlohmann::json> local,
                            Applied applied) {
  const std::lock_guard lock(mutex_);
  if (entries_.size() >= kMaxRemembered) entries_.clear();
  entries_.try_emplace(key, Entry{std::move(active), std::move(local), std::move(applied)});
}

}  // namespace internal

ContextStore::ContextStore() : cache_(std::make_unique<internal::ContextCache>()) {}
ContextStore::~ContextStore() = default;

Result<> ContextStore::Add(std::string_view url, std::string_view text) {
  if (!internal::HasScheme(url))
    return Fail(Code::kInvalidArgument, "json-ld", "'" + std::string(url) + "' is not an absolute URL");
  if (const ContextDocument* known = Find(url)) {
    if (known->text == text) return {};
    return Fail(Code::kExists, "json-ld", "the context '" + std::string(url) + "' is known with other octets");
  }
  if (text.size() > internal::kMaxContextSize || cache_->added == internal::kMaxAdded)
    return Fail(Code::kTooLarge, "json-ld", "a context of at most 1 MiB, and at most 256 of them, can be added");
  KEEL_TRY(auto loaded, internal::Load(std::string(url), std::string(text)));
  cache_->documents.emplace(loaded->document.url, loaded);
  ++cache_->added;
  return {};
}

const ContextDocument* ContextStore::Find(std::string_view url) const {
  const auto found = cache_->documents.find(url);
  return found == cache_->documents.end() ? nullptr : &found->second->document;
}

std::vector<const ContextDocument*> ContextStore::List() const {
  std::vector<const ContextDocument*> all;
  for (const auto& [url, loaded] : cache_->documents) all.push_back(&loaded->document);
  return all;
}

const ContextStore& BundledContexts() {
  static const auto* const kStore = new ContextStore();
  return *kStore;
}

}  // namespace keel::json_ld
