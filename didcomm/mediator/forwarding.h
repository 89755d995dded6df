// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "didcomm/mediator/accounts.h"
#include "didcomm/mediator/queue.h"
#include "didcomm/protocols/protocol.h"

namespace keel::didcomm {

// routing 2.0, role mediator: puts forwards' payloads into their recipients' queues. Everybody may send one. A forward
// for nobody that we know is refused, an expired one too; please_ack isn't honored (the specification's MUST NOT).
// Thread-safe. Accounts and queue outlive it.
class Forwarding final : public Protocol {
 public:
  struct Parts {
    MediationAccounts& accounts;
    MessageQueue& queue;
    std::function<bool(const std::string& did)> admit;  // who is granted mediation, still
    // Wraps a payload once more for the recipient ("Rewrapping"); empty: payloads are queued as they came.
    std::function<Result<std::string>(std::string payload, const std::string& recipient)> rewrap;
    // After a message was queued, durably.
    std::function<void(const std::string& account, const QueuedMessage& message)> arrived;
  };
  explicit Forwarding(Parts parts) : parts_(std::move(parts)) {}
  std::vector<ProtocolInfo> Speaks() const override;
  // kNotFound (nobody's), UnwrapForward's and the queue's errors. With several payloads those before the one that
  // failed are queued; the sender tries again with all, and those are known then.
  Result<std::vector<Outgoing>> Receive(const Incoming& incoming) override;
  // The queue knows what it has: the same again is a success without an effect.
  Result<std::vector<Outgoing>> Repeated(const Incoming& incoming) override { return Receive(incoming); }

 private:
  const Parts parts_;
};

}  // namespace keel::didcomm
