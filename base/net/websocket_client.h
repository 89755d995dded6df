// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/net/http_client.h"

namespace keel::base {

struct WebSocketClientOptions {
  size_t max_message = 2 << 20;                     // octets of a received message
  size_t max_waiting = 16;                          // received messages not yet taken; then nothing more is read
  std::chrono::milliseconds idle_deadline{60'000};  // without a sign of life; half way the server is pinged
  std::string ca_file;                              // trust of wss; empty: the system's store
};

// A WebSocket connection to a server (RFC 6455): ws://host[:port]/path, or wss:// (TLS 1.2 and later, the host's name
// checked). Runs one thread that answers pings and reads. Send and Receive are thread-safe beside each other and wait
// for no longer than they are told.
class WebSocketClient {
 public:
  // kMalformed, kUnsupported (the URL), kUnreachable, kTimeout, kUntrusted (certificate), kRefused (no upgrade: the
  // text has the status), kIo (ca_file).
  static Result<std::unique_ptr<WebSocketClient>> Connect(const std::string& url,
                                                          const WebSocketClientOptions& options = {},
                                                          const Deadlines& deadlines = {});
  virtual ~WebSocketClient() = default;

  // Writes one text message; success says that the system took it, not that the peer did. kTimeout (the connection is
  // closed then: half a message went out), kClosed and, by the close code that the peer gave, kTooLarge (1009), kBusy
  // (1013), kRefused (1008).
  virtual Result<> Send(std::string text, std::chrono::milliseconds deadline) = 0;
  // Pings and waits for the pong: the server then has read everything that was sent before, and a WebSocketServer has
  // handled it and queued its answers. As Send.
  virtual Result<> Flush(std::chrono::milliseconds deadline) = 0;
  // The next message. kTimeout (try again), kClosed and the codes above once all were taken; kTooLarge for a message
  // over max_message.
  virtual Result<std::string> Receive(std::chrono::milliseconds deadline) = 0;
  // Messages that wait to be received.
  virtual size_t waiting() const = 0;
  virtual bool open() const = 0;
  // Says goodbye, waits for the peer's a second at most. The destructor does it too.
  virtual void Close() = 0;

 protected:
  WebSocketClient() = default;
};

}  // namespace keel::base
