// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "vc/schema/json_schema.h"
#include "vc/verification.h"

namespace keel::vc {

inline constexpr std::string_view kJsonSchemaType = "JsonSchema";
inline constexpr std::string_view kDefinitionType = "KeelCredentialDefinition";  // vc/definition

// What an author anchored on the ledger, as a DID URL: "<author DID>/schemas/<id>" and "<author DID>/definitions/<id>".
// Ids are 1 to 64 of A-Z a-z 0-9 . _ -
struct LedgerName {
  bool definition = false;
  std::string author, id;

  std::string Url() const;
  // nullopt: another kind of URL.
  static std::optional<LedgerName> Parse(std::string_view url);
};
bool IsLedgerId(std::string_view id);

// "sha256-<base64>", the digest of Subresource Integrity that credentialSchema's digestSRI has.
std::string DigestSri(std::string_view octets);
// Whether the octets have it: sha256, sha384 or sha512; of several (separated by spaces) the strongest kind counts, as
// Subresource Integrity 3.3.4 says. kMalformed; kUnsupported: none of a known kind.
Result<bool> MatchesSri(std::string_view octets, std::string_view sri);

// Schemas by URL: Keel's own (compiled in), given ones, and those that authors anchored. None is fetched from the web.
// What was got is kept: none of them changes. Thread-safe.
class SchemaStore {
 public:
  struct Options {
    // RegistryClient::GetSchema; null: no ledger.
    std::function<Result<std::string>(const std::string& author, const std::string& id)> from_ledger = {};
    std::map<std::string, std::string> given = {};  // URL -> text
    size_t max_kept = 1024;
  };
  struct Loaded {
    std::string text;
    JsonSchema schema;
  };
  SchemaStore() = default;
  explicit SchemaStore(Options options) : options_(std::move(options)) {}

  // kNotFound: none by that URL is known here; JsonSchema::Compile's errors; the registry's (could not be asked).
  Result<std::shared_ptr<const Loaded>> Get(const std::string& url);

 private:
  Options options_;
  std::mutex mutex_;  // not held while the ledger is asked
  std::map<std::string, std::shared_ptr<const Loaded>, std::less<>> kept_;
};

// The real SchemaChecker: holds a credential against each credentialSchema of type JsonSchema, and the schema's text
// against its digestSRI. Thread-safe.
class StoreSchemaChecker final : public SchemaChecker {
 public:
  enum class Unknown : uint8_t { kRefuse, kPassOver };
  // The store outlives it. `unknown`: what a schema is that isn't to be had or of another type; passed over, the detail
  // says so.
  explicit StoreSchemaChecker(SchemaStore& store, Unknown unknown = Unknown::kRefuse)
      : store_(store), unknown_(unknown) {}
  Result<Verdict> Check(const nlohmann::json& credential, const std::string& issuer) override;

 private:
  SchemaStore& store_;
  const Unknown unknown_;
};

// Issuing: holds a credential of one of Keel's types against that type's schema, whether it names it or not. kMalformed
// with what is wrong. Other types pass.
Result<> CheckOwnSchemas(const nlohmann::json& credential);

}  // namespace keel::vc
