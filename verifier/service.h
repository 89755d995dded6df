// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/config.h"
#include "base/net/http_server.h"
#include "base/role.h"
#include "core/result.h"
#include "did/resolver.h"

namespace keel::verifier {

struct ServiceOptions {
  std::string data_dir;
  std::string passphrase;  // empty: unattended (unprotected software key)
  base::HttpServerOptions listen;
  std::string public_url;             // what invitations name; empty: the listener's own URL
  std::vector<std::string> registry;  // endpoints that replace net.keel's hints
  uint64_t max_stale_seconds = 300;
  std::optional<base::Config> mediator;  // its keys (didcomm/mediator/mediator.h); none: no mediator
};

// A running verifier: everything wired together. Owns its threads; Stop (also the destructor) ends them.
class Service {
 public:
  static Result<std::unique_ptr<Service>> Start(const ServiceOptions& options);
  ~Service();
  std::string url() const;
  const std::string& did() const;
  did::DidResolver& resolver();  // did:keel, did:key, did:peer; thread-safe
  // The verbs of the control socket (docs/cli/keel-verifier.md).
  std::map<std::string, base::ControlVerb> Verbs();

 private:
  struct Impl;
  explicit Service(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace keel::verifier
