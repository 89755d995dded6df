// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "didcomm/message.h"
#include "didcomm/transport.h"

// DIDComm over CoAP (RFC 7252) on UDP: for constrained networks, and to show that nothing depends on HTTP. A
// confirmable POST with Content-Format 50 (application/json; no number is registered for DIDComm's type), in blocks of
// 1,024 octets when it is longer (RFC 7959); the reply is the response's body, in blocks as well. No DTLS: what must be
// kept secret or authentic is in the envelope. docs/protocols/didcomm-routing.md. Over libcoap (decision 0045).
namespace keel::didcomm {

// coap://host[:port]/path. Every Send has a socket of its own. Thread-safe.
class CoapTransport final : public Transport {
 public:
  bool Carries(std::string_view uri) const override;
  // kMalformed, kUnsupported (the URI), kUnreachable (no such host, nobody there), kTimeout, kTooLarge (4.13, or a
  // reply over twice kMaxMessage), kBusy (5.03, 4.29), kRefused (4.00, 4.03), kHttpStatus (other codes, in the text).
  Result<std::string> Send(const std::string& uri, std::string envelope, const SendOptions& options) override;
};

struct CoapServerOptions {
  std::string host = "127.0.0.1";  // an address
  uint16_t port = 5683;            // 0 takes a free one
  std::string path = "didcomm";    // without the first '/'
  size_t max_envelope = 2 * kMaxMessage;
  size_t max_exchanges = 256;              // peers in the middle of blocks, or whose answer is kept for a repeat
  uint64_t max_octets = 64 << 20;          // of all their blocks and answers
  std::chrono::milliseconds idle{30'000};  // between blocks; then the exchange is forgotten
};

// Answers one request at a time on its own thread, which runs from Start to Stop (also the destructor). A repeated
// datagram gets the answer that was given before; the handler doesn't run again.
class CoapServer {
 public:
  // kInvalidArgument (address), kBusy (port in use), kIo.
  static Result<std::unique_ptr<CoapServer>> Start(const CoapServerOptions& options, EnvelopeHandler handler);
  ~CoapServer();
  void Stop();
  uint16_t port() const;
  // "coap://127.0.0.1:5683/didcomm".
  std::string uri() const;

  struct Stats {
    uint64_t handled = 0, refused = 0;
    size_t exchanges = 0;
    size_t unfinished = 0;  // of these: a request that isn't whole, or an answer whose last block wasn't asked for
  };
  Stats stats() const;

 private:
  struct Impl;
  explicit CoapServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace keel::didcomm
