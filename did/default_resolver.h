// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "did/resolver.h"

namespace keel::did {

struct DefaultResolverOptions {
  size_t max_seen_peer4 = 1024;  // did:peer:4 long forms that are remembered (PeerMethod)
  bool key = true, jwk = true, peer = true;
  bool web = true;              // did:web, which fetches over the network (WebMethod)
  std::optional<bool> webvh{};  // did:webvh, which does, too (WebvhMethod); absent: as `web`
  std::string web_ca_file;      // WebMethod::Options::ca_file, for both
};

// Every DID method that needs nothing set up: key, jwk, peer, web and webvh. Others (keel) are added to what it
// returns; the caller owns it. Thread-safe, once no more methods are added.
std::unique_ptr<MethodResolver> MakeDefaultResolver(const DefaultResolverOptions& options = {});

}  // namespace keel::did
