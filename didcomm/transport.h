// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "base/net/http_client.h"
#include "base/net/http_server.h"

// DIDComm over HTTP (DIDComm v2.1, section "HTTP(S)"): POST with the envelope's media type. With return_route "all" the
// reply is the body of the answer, so that a peer behind NAT needs no open port.
namespace keel::didcomm {

inline constexpr std::string_view kMediaEncrypted = "application/didcomm-encrypted+json";

// Sends an envelope; gives the reply's envelope, empty when the peer had none (202). kHttpStatus with the status in the
// text for 4xx and 5xx (kBusy for 429 and 503), HttpClient's errors.
Result<std::string> PostEnvelope(base::HttpClient& client, const std::string& url, std::string envelope,
                                 const base::Deadlines& deadlines = {});

// What a service does with an envelope: a reply's envelope, empty for none, or an error (answered 400 with no detail;
// kBusy 503, kTooLarge 413).
using EnvelopeHandler = std::function<Result<std::string>(std::string envelope)>;
// Wraps it for a Router: POST only, media type checked (415).
base::SyncHandler DidcommEndpoint(EnvelopeHandler handler);

}  // namespace keel::didcomm
