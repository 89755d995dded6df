// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "cli/didcomm/party.h"

namespace keel::cli {

// Fetches what a mediator keeps for one of our DIDs, on a thread of its own: live over a WebSocket where the mediator
// has one, else by asking every two seconds. A message is acknowledged once it was handled; one that is refused, too:
// it won't get better. After an error it tries again, ever more slowly.
class Mediated {
 public:
  // An error is said and not acknowledged when it may pass (kBusy).
  using Handler = std::function<Result<>(const std::string& envelope)>;

  Mediated(Party& party, std::string account, std::string mediator);
  ~Mediated();
  // Asks to be the mediator's client; gives the DID to name as endpoint.
  Result<std::string> Register();
  // Messages for this DID of ours are fetched from now on; `on_error` hears what went wrong with the mediator.
  Result<> Start(const std::string& recipient, Handler handler, std::function<void(const Error&)> on_error);
  void Stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keel::cli
