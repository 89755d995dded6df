// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vc/schema/schema_checker.h"
#include "vc/verification.h"

// Credential definitions (docs/formats/schemas.md): an issuer says on the ledger, once and for good, what its
// credentials of one kind are like. Issuing outside one is refused; a verifier can demand one.
namespace keel::vc {

// How a credential is, or is to be, secured.
struct Securing {
  std::string format;     // "vc+jwt", "eddsa-rdfc-2022", "dc+sd-jwt", ... (Verification::form)
  std::string algorithm;  // "EdDSA", "ES256", "ES384", "ES256K"
};

struct CredentialDefinition {
  enum class Presence : uint8_t { kOptional, kRequired, kForbidden };

  std::string author, id;                        // the issuer's DID; its id there
  std::vector<std::string> types;                // which a credential has besides VerifiableCredential; 1 to 8
  std::string schema;                            // URL (vc/schema/schema_checker.h)
  std::string digest;                            // digestSRI of its text
  std::vector<std::string> formats, algorithms;  // that may secure it; 1 to 16 each
  std::string status_base;                       // statusListCredential begins with it; empty: no status is asked for
  Presence valid_from = Presence::kOptional, valid_until = Presence::kOptional;
  uint64_t max_seconds = 0;  // between both; 0: no limit

  std::string Url() const { return LedgerName{true, author, id}.Url(); }

  // The content that is anchored; its `schema` stands beside it in the statement.
  nlohmann::json Content() const;
  // kMalformed with the member; kUnknownVersion.
  static Result<CredentialDefinition> FromContent(const std::string& author, const std::string& id,
                                                  const std::string& schema, std::string_view content);
  // What an author writes: {types, schema, digest?, formats, algorithms, statusList?, validity?}. Without `digest` the
  // caller fills it in. kMalformed, and OnlyMembers' errors.
  static Result<CredentialDefinition> FromJson(const nlohmann::json& json);

  // Everything in which the credential departs from it, but the schema; empty: nothing.
  std::vector<std::string> Breaches(const nlohmann::json& credential, const Securing& securing) const;
  // Puts the definition's name into credentialSchema; other schemas there stay.
  void Name(nlohmann::json& credential) const;
};

// The URL of the definition that a credential names; empty: none. The first of several counts, so that a second can't
// be tried.
std::string NamedDefinition(const nlohmann::json& credential);

// Holds credentials against definitions, at issue and at verification. Thread-safe; what was got is kept, since no
// definition changes.
class DefinitionBook {
 public:
  struct Anchored {
    std::string schema, content;
  };
  using FromLedger = std::function<Result<Anchored>(const std::string& author, const std::string& id)>;
  // RegistryClient::GetDefinition; the store outlives the book.
  DefinitionBook(SchemaStore& schemas, FromLedger from_ledger)
      : schemas_(schemas), from_ledger_(std::move(from_ledger)) {}

  // kNotFound; kMalformed; the registry's (could not be asked).
  Result<CredentialDefinition> Get(const std::string& author, const std::string& id);

  // Issuing: kRefused with every breach, the schema's among them; errors of Get and of the schema store.
  Result<> CheckIssue(const CredentialDefinition& definition, const nlohmann::json& credential,
                      const Securing& securing);

  // Verifying: appends kCheckDefinition when the credential names a definition, or `required` (then a credential
  // without one fails). A definition counts only if its author is the credential's issuer. Nothing is asked, and
  // nothing recorded, unless the signature check (and the trust check, if made) hold. Errors: could not be checked.
  Result<> AddCheck(Verification& verification, const nlohmann::json& credential, const Securing& securing,
                    bool required);

 private:
  Result<std::vector<std::string>> Judge(const CredentialDefinition& definition, const nlohmann::json& credential,
                                         const Securing& securing);

  SchemaStore& schemas_;
  const FromLedger from_ledger_;
  std::mutex mutex_;
  std::map<std::string, CredentialDefinition, std::less<>> kept_;
};

}  // namespace keel::vc
