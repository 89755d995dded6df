// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/net/http_client.h"
#include "base/net/http_server.h"

// DIDComm over HTTP (DIDComm v2.1, section "HTTP(S)"): POST with the envelope's media type. With return_route "all" the
// reply is the body of the answer, so that a peer behind NAT needs no open port.
namespace keel::didcomm {

inline constexpr std::string_view kMediaEncrypted = "application/didcomm-encrypted+json";

// How one envelope is sent. Plain deadlines will do where no reply is wanted.
struct SendOptions {
  SendOptions() = default;
  SendOptions(const base::Deadlines& limits) : deadlines(limits) {}  // NOLINT(google-explicit-constructor)
  base::Deadlines deadlines;
  // The message has return_route: wait for what comes back the same way, until the deadline. Transports that aren't
  // request and response (WebSocket, file drop) don't wait otherwise; HTTP and CoAP give the reply in any case.
  bool wants_reply = false;
};

// Seam: carries an envelope to an endpoint. Nothing above it knows which transport it is. Thread-safe.
class Transport {
 public:
  virtual ~Transport() = default;
  // By the URI's scheme.
  virtual bool Carries(std::string_view uri) const = 0;
  // Delivers one envelope; gives the reply's envelope when one came back the same way, else empty. kBusy: try again
  // later. kUnreachable, kTooLarge, kHttpStatus, kRefused and the like say why it wasn't delivered. kTimeout and
  // kClosed: it may have been (the receiver knows a repeat by its id); with wants_reply also when no reply came in
  // time.
  virtual Result<std::string> Send(const std::string& uri, std::string envelope, const SendOptions& options) = 0;
};

// Sends an envelope; gives the reply's envelope, empty when the peer had none (202). kHttpStatus with the status in the
// text for 4xx and 5xx (kBusy for 429 and 503, kTooLarge for 413, kRefused for 400 and 403), HttpClient's errors.
Result<std::string> PostEnvelope(base::HttpClient& client, const std::string& url, std::string envelope,
                                 const base::Deadlines& deadlines = {});

// What a service does with an envelope: a reply's envelope, empty for none, or an error (answered 400 with no detail;
// kBusy 503, kTooLarge 413).
using EnvelopeHandler = std::function<Result<std::string>(std::string envelope)>;
// Wraps it for a Router: POST only, media type checked (415).
base::SyncHandler DidcommEndpoint(EnvelopeHandler handler);
// The same where the reply may come later, from any thread; the first answer counts.
using EnvelopeAnswer = std::function<void(Result<std::string> reply)>;
base::HttpHandler DidcommEndpointLater(std::function<void(std::string envelope, EnvelopeAnswer answer)> handler);

}  // namespace keel::didcomm
