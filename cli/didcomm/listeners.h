// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "didcomm/transport.h"

namespace keel::cli {

// What `keel didcomm listen` listens on: one server for each URI that is given, all with the same handler. Thread-safe.
class Listeners {
 public:
  // http://ADDRESS:PORT/PATH, ws://ADDRESS:PORT/PATH, coap://ADDRESS:PORT/PATH; port 0 takes a free one. file:DIR is a
  // folder that envelopes are dropped in. kUsage (no such form), kBusy (in use), the servers' errors.
  static Result<std::unique_ptr<Listeners>> Start(const std::vector<std::string>& uris,
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
