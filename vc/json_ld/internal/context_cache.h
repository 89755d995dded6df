// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>  // lint-allow: heavy private header, included by .cc files of this folder only
#include <optional>
#include <unordered_map>

#include "vc/json_ld/context_store.h"
#include "vc/json_ld/internal/context.h"

namespace keel::json_ld::internal {

struct LoadedContext {
  ContextDocument document;
  std::shared_ptr<const nlohmann::json> context;  // its member @context
};

// One application of a local context to an active one. Both are compared by address; an entry keeps them alive.
struct Application {
  const Context* active = nullptr;
  const nlohmann::json* local = nullptr;
  bool override_protected = false;
  bool propagate = true;
  friend bool operator==(const Application&, const Application&) = default;
};
// What it gave, and the work that it took: charged again each time, so that a document's verdict doesn't depend on
// those that came before it.
struct Applied {
  ContextPtr result;
  uint64_t terms = 0;  // definitions made
  size_t loads = 0;    // context URLs followed
};
struct ApplicationHash {
  size_t operator()(const Application& key) const {
    const size_t a = std::hash<const void*>()(key.active), b = std::hash<const void*>()(key.local);
    return a ^ (b * 31) ^ (key.override_protected ? 0x9E37 : 0) ^ (key.propagate ? 0x79B9 : 0);
  }
};

// The documents of a ContextStore, and what processing them gave. Remember and Recall are safe concurrently.
class ContextCache {
 public:
  ContextCache();

  std::map<std::string, std::shared_ptr<const LoadedContext>, std::less<>> documents;
  size_t added = 0;

  // The context of a document that has no base: every other one begins here.
  const ContextPtr& root() const { return root_; }
  // Nothing: not remembered.
  std::optional<Applied> Recall(const Application& key) const;
  // `active` and `local` are the key's own.
  void Remember(const Application& key, ContextPtr active, std::shared_ptr<const nlohmann::json> local,
                Applied applied);

 private:
  struct Entry {
    ContextPtr active;
    std::shared_ptr<const nlohmann::json> local;
    Applied applied;
  };
  mutable std::mutex mutex_;
  std::unordered_map<Application, Entry, ApplicationHash> entries_;
  ContextPtr root_;
};

}  // namespace keel::json_ld::internal
