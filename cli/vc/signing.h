// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/world.h"
#include "vc/secure.h"

namespace keel::cli {

// How credentials, presentations and status lists are secured.
struct SigningFlags {
  std::string form, kid, created, expires;
  std::optional<std::string> proof_id;
  std::vector<std::string> previous_proof;

  // --form, --kid.
  void AddForm(CLI::App& app, const std::vector<std::string_view>& forms, const char* by_default);
  // --created, --expires, --proof-id, --previous-proof.
  void AddProof(CLI::App& app);

  // The key of `party` for that use, and the times; made now unless --created or `at` say otherwise.
  Result<> Fill(vc::SecureOptions& options, World& world, const std::string& party, did::Relationship use,
                const std::string& at) const;
};

// Token or JSON and a newline; CBOR as it is. As JSON: {"form","mediaType","credential"}, CBOR in base64.
void PrintSecured(const vc::Secured& secured, bool as_json);

}  // namespace keel::cli
