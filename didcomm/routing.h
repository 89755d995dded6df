// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "did/key_finder.h"
#include "did/resolver.h"
#include "didcomm/message.h"
#include "didcomm/unpack.h"

// Routing 2.0 (DIDComm v2.1, section "Routing"): from a packed message to what is sent where, and back again at a
// mediator. docs/protocols/didcomm-routing.md. Thread-safe as far as the collaborators are.
namespace keel::didcomm {

inline constexpr std::string_view kRoutingProtocol = "https://didcomm.org/routing/2.0";
inline constexpr std::string_view kForwardType = "https://didcomm.org/routing/2.0/forward";

inline constexpr size_t kMaxHops = 8;             // forwards around one message
inline constexpr size_t kMaxEndpoints = 8;        // of one recipient; later ones are not looked at
inline constexpr size_t kMaxForwardPayloads = 8;  // attachments of one forward
inline constexpr size_t kMaxRewraps = 4;          // forwards to ourselves, one in the other

// One way to a recipient: where the envelope is sent, and for whom it is wrapped on the way.
struct Endpoint {
  std::string uri;                // of a transport, never a DID
  std::vector<std::string> hops;  // DIDs or keys' DID URLs, the first to receive in front
};

// The endpoints of a DID's DIDCommMessaging services in the document's order (the owner's preference, section "Service
// Endpoint"): those that accept didcomm/v2 or say nothing. A uri that is a DID is a mediator (section "Using a DID as
// an endpoint"): resolved once, its own uris are taken, its routing keys and its DID go before the recipient's routing
// keys; a uri of the mediator's that is a DID again is passed over. What is malformed or can't be resolved is passed
// over when another endpoint is left, else that is the error: kNotFound (no service), kUnsupported (none accepts
// didcomm/v2), kMalformed, kTooLarge (over kMaxHops), kDeactivated, resolver errors.
Result<std::vector<Endpoint>> FindEndpoints(const std::string& did, did::DidResolver& resolver);

struct RouteOptions {
  std::optional<UnixSeconds> expires_time;  // of the forwards: the inner message's
  Random* random = nullptr;                 // null: the system's
  // What mediators must be able to open (section "Encryption": A256CBC-HS512 is the one that everybody has).
  ContentEncryption anoncrypt = ContentEncryption::kA256CbcHs512;
};

// An envelope and the uris that take this very one.
struct Delivery {
  std::string envelope;
  std::vector<std::string> uris;
};

// Wraps a packed message for each way to `to` (a DID or a key's DID URL: what stands in the last forward's `next`). In
// the order to try; stop at the first that takes it ("Failover"). The packed text must be an encrypted message when
// there is a mediator in between (kRefused). kTooLarge when the onion is over kMaxMessage, FindEndpoints' errors,
// PackAnoncrypt's.
Result<std::vector<Delivery>> Route(std::string packed, const std::string& to, did::DidResolver& resolver,
                                    const RouteOptions& options = {});

// The onion alone: forwards around `packed`, one for each hop, the last hop innermost with `next`, the others with the
// hop behind them ("Sender Process to Enable Forwarding"). A mediator that re-wraps for its recipient gives the
// recipient as both (section "Rewrapping").
Result<std::string> WrapForward(std::string packed, const std::string& next, const std::vector<std::string>& hops,
                                did::DidResolver& resolver, const RouteOptions& options = {});

// A forward taken apart.
struct Forward {
  std::string next;                   // a DID or a key's DID URL
  std::vector<std::string> payloads;  // encrypted messages, in order, as they came (JSON text)
};

// True for the type of a forward, in any minor version of routing 2 ("Semver Rules").
bool IsForward(std::string_view type);

// kUnsupported (not a forward, or a payload by link: a mediator fetches nothing for strangers), kMalformed (no next, no
// payload, a payload that is no encrypted message), kTooLarge (over kMaxForwardPayloads).
Result<Forward> UnwrapForward(const Message& message);

// True for an encrypted message by its outside: a JSON object with protected, recipients and ciphertext. Which
// algorithms it uses is its recipient's business.
bool LooksEncrypted(std::string_view text);

// Unpack for a recipient whose mediator re-wraps: a forward whose `next` is a DID or key of ours is opened again, up to
// kMaxRewraps times; metadata.re_wrapped_in_forward says so. A forward for somebody else is given as it is (a
// mediator's work). kTooLarge when there are more, kUnsupported for several payloads in a forward to ourselves,
// otherwise as Unpack.
Result<Unpacked> UnpackForwarded(std::string_view text, did::KeyFinder& keys, did::DidResolver& resolver,
                                 const UnpackOptions& options = {});

}  // namespace keel::didcomm
