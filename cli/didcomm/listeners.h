// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "didcomm/transport.h"

namespace CLI {
class App;
}

namespace keel::cli {

// What an https or wss listener shows: PEM files, the certificate with its chain.
struct TlsFiles {
  std::string certificate, key;
  // --tls-cert, --tls-key.
  void Add(CLI::App& app);
};

// What `keel didcomm listen` listens on: one server for each URI that is given, all with the same handler. Thread-safe.
class Listeners {
 public:
  // http(s)://ADDRESS:PORT/PATH, ws(s)://ADDRESS:PORT/PATH, coap://ADDRESS:PORT/PATH; port 0 takes a free one. file:DIR
  // is a folder that envelopes are dropped in. kUsage (no such form, https or wss without files, files without them),
  // kBusy (in use), the servers' errors.
  static Result<std::unique_ptr<Listeners>> Start(const std::vector<std::string>& uris, const TlsFiles& tls,
                                                  const didcomm::EnvelopeHandler& handler);
  ~Listeners();
  // As others reach them, in the order given: with the ports that were taken.
  const std::vector<std::string>& uris() const;
  // Connections that are open: an answer may still be on its way.
  size_t open() const;
  void Stop();

 private:
  struct Impl;
  explicit Listeners(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace keel::cli
