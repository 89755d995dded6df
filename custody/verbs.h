// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "core/seams.h"
#include "custody/identity.h"
#include "custody/store.h"
#include "did/resolver.h"
#include "registry-client/registry_client.h"

// `keel ownership request|transfer|import|list|anchor|cancel` as a function on JSON, so that a running issuer or
// verifier can do for `keel ownership` what it could not do beside it (keys and store are open in the service):
//
//   verbs["ownership"] = [&](const nlohmann::json& args) { return custody::RunOwnershipVerb(context, args); };
namespace keel::custody {

// Everything is borrowed and outlives the context. One verb at a time: RunOwnershipVerb takes the mutex.
struct CustodyContext {
  Identity& identity;
  CustodyStore& store;
  registry_client::RegistryClient& registry;
  did::DidResolver& resolver;
  Clock& clock;
  Random& random;
  std::mutex mutex;
};

// args: {"verb": "request"|"transfer"|"import"|"list"|"anchor"|"cancel", ...} with the members of
// docs/formats/custody.md ("verbs"); file names are absolute paths, read and written by this process. Returns what
// `--json` prints. kUsage for unknown members.
Result<nlohmann::json> RunOwnershipVerb(CustodyContext& context, const nlohmann::json& args);

}  // namespace keel::custody
