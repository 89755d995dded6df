// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/config.h"
#include "base/net/http_client.h"
#include "core/seams.h"
#include "did/resolver.h"

namespace keel::vc_api {

// What keel-issuer and keel-verifier read of their configuration, all of it under "vc_api." (docs/protocols/vc-api.md).
std::vector<base::Config::Key> ConfigKeys(bool issues);

// The VC-API on a listener of its own, HTTP or HTTPS. Runs the server's threads; the destructor ends them.
class Service {
 public:
  // Null when "vc_api.listen" isn't set. Verifies always; with `issues` it also issues, under did:key identifiers whose
  // keys it makes once in DATA/vc-api (Ed25519, P-256, P-384), not under the service's own DID: who can reach the
  // endpoint can have anything signed. kUsage: an address beyond loopback without "vc_api.token_file". The
  // collaborators outlive it.
  static Result<std::unique_ptr<Service>> OpenConfigured(const base::Config& config, const std::string& data_dir,
                                                         bool issues, did::DidResolver& resolver, Clock& clock,
                                                         Random& random);
  ~Service();
  std::string url() const;
  void Stop();

 private:
  struct Impl;
  explicit Service(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace keel::vc_api
