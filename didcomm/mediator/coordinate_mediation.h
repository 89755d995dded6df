// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "didcomm/mediator/accounts.h"
#include "didcomm/protocols/protocol.h"

// coordinate-mediation 2.0 and 3.0: who may be reached through us, and by which DIDs. The versions differ in names
// only: keylist-update and keylist against recipient-update and recipient, routing_did a string or an array.
namespace keel::didcomm {

inline constexpr std::string_view kCoordinateMediation2 = "https://didcomm.org/coordinate-mediation/2.0";
inline constexpr std::string_view kCoordinateMediation3 = "https://didcomm.org/coordinate-mediation/3.0";
inline constexpr size_t kMaxRecipientUpdates = 100;  // of one message; also the most of one answer to a query

// Role mediator. Thread-safe as far as `admit` is. The accounts outlive it.
class CoordinateMediation final : public Protocol {
 public:
  struct Parts {
    MediationAccounts& accounts;
    std::function<std::string()> routing_did;             // what a grant names
    std::function<bool(const std::string& did)> admit;    // who is granted
    std::function<void(const std::string& did)> granted;  // called after; may be empty
  };
  explicit CoordinateMediation(Parts parts) : parts_(std::move(parts)) {}
  std::vector<ProtocolInfo> Speaks() const override;
  // kRefused (the sender isn't proven), kWrongState (no mediation was granted), kMalformed, kTooLarge, kUnsupported
  // (message type), kIo.
  Result<std::vector<Outgoing>> Receive(const Incoming& incoming) override;

 private:
  Result<Message> Request(const Incoming& incoming, bool version3) const;
  Result<Message> Update(const Incoming& incoming, bool version3) const;
  Result<Message> Query(const Incoming& incoming, bool version3) const;
  const Parts parts_;
};

}  // namespace keel::didcomm
