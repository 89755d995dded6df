// SPDX-License-Identifier: Apache-2.0
#include "didcomm/mediator/forwarding.h"

#include <utility>

#include "didcomm/routing.h"

namespace keel::didcomm {

std::vector<ProtocolInfo> Forwarding::Speaks() const { return {{std::string(kRoutingProtocol), {"mediator"}}}; }

Result<std::vector<Outgoing>> Forwarding::Receive(const Incoming& incoming) {
  KEEL_TRY(Forward forward, UnwrapForward(incoming.message()));
  const auto match = parts_.accounts.Find(forward.next);
  if (!match || !parts_.admit(match->account))
    return Fail(Code::kNotFound, "didcomm forward", "nobody here receives for " + forward.next);
  const UnixSeconds until = incoming.message().expires_time.value_or(0);
  for (std::string& payload : forward.payloads) {
    std::string envelope = payload;
    if (parts_.rewrap) {
      // The fingerprint is the payload's: a repeat's new wrapping must not make it a new message.
      KEEL_TRY(envelope, parts_.rewrap(payload, match->recipient));
    }
    KEEL_TRY(std::string id,
             parts_.queue.Put(match->account, match->recipient, envelope, incoming.now, until, payload));
    if (id.empty() || !parts_.arrived) continue;
    parts_.arrived(match->account, {std::move(id), match->recipient, std::move(envelope), incoming.now});
  }
  return std::vector<Outgoing>();
}

}  // namespace keel::didcomm
