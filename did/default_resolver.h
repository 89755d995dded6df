// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "did/resolver.h"

namespace keel::did {

struct DefaultResolverOptions {
  size_t max_seen_peer4 = 1024;  // did:peer:4 long forms that are remembered (PeerMethod)
  bool web = true;               // did:web, which fetches over the network (WebMethod)
  std::string web_ca_file;       // WebMethod::Options::ca_file
};

// Every DID method that needs nothing set up: key, jwk, peer and web. Others (keel) are added to what it returns; the
// caller owns it. Thread-safe, once no more methods are added.
std::unique_ptr<MethodResolver> MakeDefaultResolver(const DefaultResolverOptions& options = {});

}  // namespace keel::did
