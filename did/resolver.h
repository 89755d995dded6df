// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/seams.h"
#include "did/document.h"

namespace keel::did {

// DID Resolution section 4.1. A method that has no versions refuses both version options with kUnsupported.
struct ResolutionOptions {
  bool no_cache = false;                      // "noCache": ask the source again
  std::string version_id{};                   // "versionId"; empty: the newest version
  std::optional<UnixSeconds> version_time{};  // "versionTime": the version that was the newest one then

  bool AsksVersion() const { return !version_id.empty() || version_time.has_value(); }
};

// didDocumentMetadata (DID Resolution section 4.3), of the version that was resolved. Absent: the method doesn't know.
struct DocumentMetadata {
  std::optional<UnixSeconds> created, updated, next_update;
  std::string version_id;
  std::string next_version_id;  // there is a later version
  std::string canonical_id;
  std::vector<std::string> equivalent_ids;
  std::string proof;   // JSON array of objects: what the method proves the answer by
  std::string method;  // JSON object: members of the method's own
};

struct ResolutionResult {
  std::shared_ptr<const DidDocument> document;  // never null; shared with the cache, immutable
  std::string source;  // the document's JSON text as its source published it; empty: document->ToJson() is all of it
  std::string content_type = "application/did";
  DocumentMetadata metadata;
  std::optional<uint64_t> max_age;  // seconds that the source allows it to be kept
  bool deactivated = false;         // the DID is, whatever version was asked for; its newest document then has no keys
  std::optional<uint64_t> version;  // did:keel: seq of the newest operation
  std::optional<uint64_t> log_index;     // did:keel: where that operation stands
  std::optional<UnixSeconds> proved_at;  // did:keel: time of the checkpoint that proved it
};

// Seam: from a DID to its document (DID Resolution 0.3). Errors are its names: kInvalidDid, kNotFound (the version,
// too), kMethodNotSupported, kRepresentationNotSupported, kInvalidDidDocument, kUnsupported (an option that the method
// doesn't know: FEATURE_NOT_SUPPORTED), kInvalidArgument (INVALID_OPTIONS), kInternalError; besides what the source
// says (kUnreachable, kTimeout, kBadProof, kStale ...: could not be checked). A deactivated DID is a success with
// `deactivated`. Thread-safe.
class DidResolver {
 public:
  virtual ~DidResolver() = default;
  virtual Result<ResolutionResult> Resolve(const std::string& did, const ResolutionOptions& options) = 0;
  Result<ResolutionResult> Resolve(const std::string& did) { return Resolve(did, ResolutionOptions{}); }
};

// kUnsupported when a version is asked for: for methods that have none.
Result<> RefuseVersions(const ResolutionOptions& options, const char* method);

// DID Resolution's error name of a code ("notFound", "invalidDid", "methodNotSupported", ...; "internalError" for the
// rest), as DID Core 1.0 and its registries spell it; did/representation.h has the newer URLs.
std::string_view ResolutionErrorName(Code code);
// The DID Resolution result object of a success or an error: {didDocument, didResolutionMetadata, didDocumentMetadata}
// (section 8.1; the error is an object of RFC 9457). The newest document of a deactivated DID is null.
nlohmann::json ResolutionJson(const Result<ResolutionResult>& result);

// Finds a key by its DID URL for one use: resolves the DID, finds the method under the relationship. kNotFound (method
// absent), kDeactivated, kUntrusted (there, but not for this use), kUnsupported (a key type that we don't hold).
Result<crypto::PublicKey> ResolveKey(DidResolver& resolver, const std::string& key_id, Relationship use);

// Dispatches by DID method. Methods are added before use; not owned unless given as unique_ptr.
class MethodResolver final : public DidResolver {
 public:
  using DidResolver::Resolve;
  MethodResolver& Add(std::string method, DidResolver& resolver);
  MethodResolver& Add(std::string method, std::unique_ptr<DidResolver> resolver);
  Result<ResolutionResult> Resolve(const std::string& did, const ResolutionOptions& options) override;

 private:
  std::map<std::string, DidResolver*, std::less<>> methods_;
  std::vector<std::unique_ptr<DidResolver>> owned_;
};

// Documents given beforehand (`--did-docs`), any identifier; falls back on another resolver when there is one. Fill
// before sharing.
class StaticResolver final : public DidResolver {
 public:
  using DidResolver::Resolve;
  explicit StaticResolver(DidResolver* fallback = nullptr) : fallback_(fallback) {}
  // `source`: its text as it came, for those who want what this library doesn't read.
  void Add(DidDocument document, std::string source = {});
  // A JSON array of DID documents (or one document). Returns how many. kMalformed, kInvalidDidDocument, kDuplicate.
  Result<size_t> AddJson(std::string_view json);
  Result<size_t> AddFile(const std::string& path);
  Result<ResolutionResult> Resolve(const std::string& did, const ResolutionOptions& options) override;

 private:
  struct Known {
    std::shared_ptr<const DidDocument> document;
    std::string source;
  };
  DidResolver* fallback_;
  std::map<std::string, Known, std::less<>> documents_;
};

// Keeps successes for `ttl_seconds` of the clock's ticks or ResolutionResult::max_age, whichever is shorter, at most
// `max_entries` (least recently used go first). Failures and older versions are never kept.
class CachingResolver final : public DidResolver {
 public:
  using DidResolver::Resolve;
  struct Options {
    uint64_t ttl_seconds = 60;
    size_t max_entries = 4096;
  };
  CachingResolver(DidResolver& source, Clock& clock, Options options);
  CachingResolver(DidResolver& source, Clock& clock);
  ~CachingResolver() override;
  Result<ResolutionResult> Resolve(const std::string& did, const ResolutionOptions& options) override;
  void Forget(const std::string& did);
  struct Stats {
    uint64_t hits = 0, misses = 0;
    size_t entries = 0;
  };
  Stats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keel::did
