// SPDX-License-Identifier: Apache-2.0
#include "did/default_resolver.h"

#include "did/methods/jwk.h"
#include "did/methods/key.h"
#include "did/methods/peer.h"
#include "did/methods/web.h"
#include "did/methods/webvh.h"

namespace keel::did {

std::unique_ptr<MethodResolver> MakeDefaultResolver(const DefaultResolverOptions& options) {
  auto resolver = std::make_unique<MethodResolver>();
  if (options.key) resolver->Add("key", std::make_unique<KeyMethod>());
  if (options.jwk) resolver->Add("jwk", std::make_unique<JwkMethod>());
  if (options.peer) resolver->Add("peer", std::make_unique<PeerMethod>(options.max_seen_peer4));
  WebMethod::Options web;
  web.ca_file = options.web_ca_file;
  if (options.web) resolver->Add("web", std::make_unique<WebMethod>(web));
  if (options.webvh.value_or(options.web)) resolver->Add("webvh", std::make_unique<WebvhMethod>(web));
  return resolver;
}

}  // namespace keel::did
