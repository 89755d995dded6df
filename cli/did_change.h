// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/world.h"

namespace keel::cli {

// The flags of `keel did update` and `keel did deactivate`: of a did:keel.
struct DidChangeFlags {
  std::string did;
  std::vector<std::string> rotate;    // ids of keys to replace, or "all"
  std::vector<std::string> services;  // URIs of DIDComm endpoints, instead of all services
  bool no_services = false;
  std::string request;           // file for the operation, instead of anchoring it
  std::string compromise_since;  // log index
  bool yes = false;              // deactivate
  std::string output;            // update: key file to make, for the new keys, protected as those of --key
  WorldFlags world;
};

// Makes the operation that follows the DID's last one with keys of --key and --secrets, new ones in a file of their
// own, and anchors it by a registry of --registry. The exit status.
Result<int> UpdateDid(const DidChangeFlags& flags);
Result<int> DeactivateDid(const DidChangeFlags& flags);

// The flags of `keel did sign-payload`.
struct SignPayloadFlags {
  bool any = false;  // also what is no did:keel operation
  WorldFlags world;
};
// Reads a DID registrar's answer (didState.signingRequest) on standard input, says on standard error what is to be
// signed, and prints the request that goes on with the job. The exit status.
Result<int> SignPayload(const SignPayloadFlags& flags);

}  // namespace keel::cli
