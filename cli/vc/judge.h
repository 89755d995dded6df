// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/world.h"
#include "vc/json_ld/context_store.h"
#include "vc/verification.h"

// What the verbs vc, vp and status know when they judge credentials.
namespace keel::cli {

inline constexpr size_t kMaxVcInput = 1 << 20;  // octets of a credential or presentation

struct JudgeFlags {
  WorldFlags world;
  std::string at;                                         // --now
  std::vector<std::string> issuers;                       // --issuer
  std::vector<std::string> contexts, resources, schemas;  // URL=FILE
  std::vector<std::string> lists;                         // URL=FILE: status lists that needn't be fetched
  std::vector<std::string> keys;                          // files with JWKs
  std::string subject, holder;
  std::optional<std::string> challenge, domain, audience, nonce;
  bool no_status = false;
  bool definition = false;  // --definition: the credential must keep to one of its issuer's

  // --context, --resource, --schema, --now, --json and where DIDs resolve.
  void AddKnown(CLI::App& app);
  // AddKnown and the rest but --holder.
  void AddAll(CLI::App& app);
};

// Files named as URL=FILE, by URL. kUsage, the file's own errors.
Result<std::map<std::string, std::string>> ReadNamedFiles(const char* flag, const std::vector<std::string>& named);
// The bundled contexts and those of `named`.
Result<std::unique_ptr<json_ld::ContextStore>> ReadContexts(const std::vector<std::string>& named);
// Public keys: a JWK, a set {"keys":[...]}, or verification methods with publicKeyJwk or publicKeyMultibase.
Result<std::vector<crypto::PublicKey>> ReadPublicKeys(const std::string& file);
// Standard input as it is: CBOR may end in what looks like a newline. kUsage when it is empty.
Result<std::string> ReadOctets();

// Verifies with everything the flags give; fetches status lists that weren't given, by HTTP. Not thread-safe.
class Judge {
 public:
  static Result<std::unique_ptr<Judge>> Open(const JudgeFlags& flags);
  ~Judge();

  // VerifyAny, and the credential definition that a credential names (vc/definition) where a registry is known.
  Result<vc::Verification> Verify(std::string_view octets);
  vc::StatusChecker& status();
  const vc::VerifyOptions& options() const;
  World& world();

 private:
  struct Impl;
  Result<> CheckDefinition(vc::Verification& verification);
  explicit Judge(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace keel::cli
