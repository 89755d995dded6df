// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/result.h"
#include "vc/json_ld/internal/context.h"
#include "vc/json_ld/internal/context_cache.h"
#include "vc/json_ld/to_rdf.h"

// What expansion and conversion of one document share: context processing (JSON-LD API section 4) and the budget. Not
// thread-safe; one for each document.
namespace keel::json_ld::internal {

// The limits that ToRdfOptions doesn't have. docs/formats/json-ld.md names them all.
inline constexpr uint64_t kMaxTerms = 50'000;     // term definitions made, scoped contexts each time they apply
inline constexpr size_t kMaxLoads = 256;          // context URLs in a document, each time one stands there
inline constexpr size_t kMaxLoadDepth = 8;        // contexts that name contexts
inline constexpr uint64_t kMaxOctets = 16 << 20;  // of all IRIs made from shorter ones
inline constexpr size_t kMaxIri = 4096;           // octets of one of them
inline constexpr size_t kMaxValues = 200'000;     // objects, arrays and scalars in the expanded document

// JSON-LD's error codes lead the detail: Bad("invalid term definition", "term 'x' has ...").
std::unexpected<Error> Bad(std::string_view code, std::string_view detail);

struct ExpandTo {
  bool vocab = false;              // terms and @vocab count
  bool document_relative = false;  // the base counts
};

class Processor {
 public:
  Processor(const ContextStore& store, const ToRdfOptions& options);

  const ToRdfOptions& options() const { return options_; }
  const ContextPtr& root() const { return root_; }

  // kRefused in safe mode, otherwise nothing.
  Result<> Drop(std::string_view what) const;

  struct How {
    bool override_protected = false;
    bool propagate = true;
    bool validate_scoped = true;
    bool stored = false;  // `local` belongs to the store, not to the document
  };
  // Section 4.1.2. `local` stays alive as long as the result.
  Result<ContextPtr> Apply(const ContextPtr& active, const std::shared_ptr<const nlohmann::json>& local,
                           std::string_view base_url, How how);
  // The context of a term, which is remembered.
  Result<ContextPtr> ApplyScoped(const ContextPtr& active, const TermDefinition& term, How how);

  // Section 5.2 outside of context processing. Empty: null.
  Result<std::string> ExpandIri(const Context& active, std::string_view value, ExpandTo to) {
    return ExpandIri(active, value, to, nullptr);
  }

  Result<> CountValue();

 private:
  using LocalContext = std::shared_ptr<const nlohmann::json>;
  using Urls = std::vector<std::string>;  // contexts being loaded, outermost first

  // A context definition while its terms are being created (section 4.2).
  struct Defining {
    Context& result;
    const LocalContext& local;
    std::string_view base_url;
    const Urls& urls;
    bool is_protected = false;
    bool override_protected = false;
    std::unordered_map<std::string_view, bool> defined;
  };

  Result<ContextPtr> Apply(const ContextPtr& active, const LocalContext& local, std::string_view base_url,
                           const Urls& urls, How how);
  Result<> ApplyUrl(std::shared_ptr<Context>& own, ContextPtr& result, const std::string& reference,
                    std::string_view base_url, const Urls& urls, How how);
  Result<> ApplyDefinition(Context& result, const LocalContext& local, std::string_view base_url, const Urls& urls,
                           How how);
  Result<> ApplyBase(Context& result, const nlohmann::json& value) const;
  Result<> ApplyVocab(Context& result, const nlohmann::json& value);
  Result<> ApplyLanguage(Context& result, const nlohmann::json& value) const;
  Result<LocalContext> Import(const LocalContext& local, std::string_view base_url);
  Result<std::shared_ptr<const LoadedContext>> Load(const std::string& url);

  Result<> Define(Defining& defining, std::string_view term);
  Result<> DefineReverse(Defining& defining, std::string_view term, const nlohmann::json& value, TermDefinition& out,
                         bool& ignored);
  Result<> DefineId(Defining& defining, std::string_view term, const nlohmann::json& value, bool simple,
                    TermDefinition& out, bool& ignored);
  Result<> DefineIri(Defining& defining, std::string_view term, TermDefinition& out);
  Result<> DefineType(Defining& defining, std::string_view term, const nlohmann::json& value, TermDefinition& out);
  Result<> DefineContainer(std::string_view term, const nlohmann::json& container, TermDefinition& out) const;
  Result<> DefineRest(Defining& defining, std::string_view term, const nlohmann::json& value, TermDefinition& out);
  Result<> DefineContext(Defining& defining, std::string_view term, const nlohmann::json& value, TermDefinition& out);
  Result<> CheckProtected(Defining& defining, std::string_view term, TermDefinition& out) const;

  Result<std::string> ExpandIri(const Context& active, std::string_view value, ExpandTo to, Defining* defining);
  Result<std::string> Joined(std::string_view prefix, std::string_view suffix);
  std::shared_ptr<Context> Over(const ContextPtr& parent);
  Result<> Charge(uint64_t terms, size_t loads = 0);
  Result<> ChargeAgain(const Applied& known) { return Charge(known.terms, known.loads); }

  const ContextStore& store_;
  const ToRdfOptions& options_;
  ContextPtr root_;
  // As ContextCache's, for contexts that are this document's own.
  struct Remembered {
    ContextPtr active;
    Applied applied;
  };
  std::unordered_map<Application, Remembered, ApplicationHash> own_;
  uint64_t terms_ = 0;
  uint64_t octets_ = 0;
  size_t loads_ = 0;
  size_t nesting_ = 0;  // contexts being processed, inside each other
  size_t values_ = 0;
};

}  // namespace keel::json_ld::internal
