// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"
#include "core/result.h"

namespace keel::json_ld {

namespace internal {
class ContextCache;
}

// A JSON-LD context document by its URL.
struct ContextDocument {
  std::string url;
  Bytes32 sha256{};  // of text
  std::string text;
};

// The contexts that are known: those compiled in (vc/json_ld/contexts/README.md) and those added. Nothing is ever
// fetched. Also remembers what processing them gave, so that one store should serve many documents.
//
// Thread safety: const methods are safe concurrently; Add is not and comes before any use.
class ContextStore {
 public:
  ContextStore();  // with the bundled contexts
  ~ContextStore();
  ContextStore(const ContextStore&) = delete;
  ContextStore& operator=(const ContextStore&) = delete;

  // Makes a context known; `text` is a JSON object with the member @context. Errors: kInvalidArgument (not an absolute
  // URL), kExists (the URL is known already with other octets: no URL gets a second meaning), kTooLarge (over 1 MiB, or
  // over 256 added), those of base::ParseJson, kMalformed (no @context).
  Result<> Add(std::string_view url, std::string_view text);

  // Null: not known.
  const ContextDocument* Find(std::string_view url) const;
  // All of them, by URL.
  std::vector<const ContextDocument*> List() const;

  internal::ContextCache& cache() const { return *cache_; }

 private:
  std::unique_ptr<internal::ContextCache> cache_;
};

// The bundled contexts alone: what a null VerifyOptions.contexts means. Made at first use, never changed.
const ContextStore& BundledContexts();

}  // namespace keel::json_ld
