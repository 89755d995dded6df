// SPDX-License-Identifier: Apache-2.0
#include "did/default_resolver.h"

#include "did/methods/jwk.h"
#include "did/methods/key.h"
#include "did/methods/peer.h"
#include "did/methods/web.h"

namespace keel::did {

std::unique_ptr<MethodResolver> MakeDefaultResolver(const DefaultResolverOptions& options) {
  auto resolver = std::make_unique<MethodResolver>();
  if (options.key) resolver->Add("key", std::make_unique<KeyMethod>());
  if (options.jwk) resolver->Add("jwk", std::make_unique<JwkMethod>());
  if (options.peer) resolver->Add("peer", std::make_unique<PeerMethod>(options.max_seen_peer4));
  if (options.web) {
    WebMethod::Options web;
    web.ca_file = options.web_ca_file;
    resolver->Add("web", std::make_unique<WebMethod>(std::move(web)));
  }
  return resolver;
}

}  // namespace keel::did
