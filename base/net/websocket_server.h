// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/net/http_server.h"

namespace keel::base {

// Why a connection ends (RFC 6455 section 7.4.1, and 1013 of IANA's registry).
enum class WebSocketClose : uint16_t {
  kNormal = 1000,
  kGoingAway = 1001,
  kPolicy = 1008,
  kTooLarge = 1009,
  kTryAgainLater = 1013,
};

// One connection of a server; may be kept for longer than it lasts, and than the server. Thread-safe.
class WebSocketConnection {
 public:
  // Queues a text message; false when the connection is gone. A peer that lets over max_queued octets wait is closed.
  bool Send(std::string text) const;
  void Close(WebSocketClose code) const;
  bool open() const;
  uint64_t id() const;
  // "127.0.0.1:4711".
  const std::string& peer() const;

  struct Handle;
  explicit WebSocketConnection(std::shared_ptr<const Handle> handle) : handle_(std::move(handle)) {}

 private:
  std::shared_ptr<const Handle> handle_;
};

struct WebSocketServerOptions {
  // A listener of its own when `host` is set (an address; port 0 takes a free one): plain, or TLS 1.2 and later when
  // the files are. Without one, connections come from an HttpServer through UpgradeHook.
  std::string host;
  uint16_t port = 0;
  std::string certificate_file, key_file;  // PEM
  std::string path = "/";                  // of the own listener; others are answered 404

  int threads = 1;          // that read and write
  int handler_threads = 4;  // that run the handler, which may block

  // What they refuse ends the connection; beyond max_connections the new one is closed at once.
  size_t max_message = 2 << 20;
  size_t max_connections = 1024;
  size_t max_queued = 8 << 20;                           // octets that wait to be written to one peer
  std::chrono::milliseconds handshake_deadline{10'000};  // TLS and upgrade together
  std::chrono::milliseconds message_deadline{30'000};    // from a message's first octets to its last
  std::chrono::milliseconds idle_deadline{60'000};       // without a sign of life; half way the peer is pinged
  std::chrono::milliseconds write_deadline{30'000};      // for one message
};

// A WebSocket server (RFC 6455). Messages of one connection are handled one after the other in the order they came, and
// nothing more is read from it meanwhile: a pong tells a client that all it sent before was handled. There is one
// thread pool for all. Start runs its threads; Stop (also the destructor) closes everything and waits for running
// handlers; no on_closed is called from then on. Thread-safe. Handlers must not throw and must not call Stop.
class WebSocketServer {
 public:
  using OnMessage = std::function<void(const WebSocketConnection&, std::string)>;
  using OnClosed = std::function<void(const WebSocketConnection&)>;
  // kBusy (address in use), kInvalidArgument (address, certificate or key), kIo.
  static Result<std::unique_ptr<WebSocketServer>> Start(const WebSocketServerOptions& options, OnMessage on_message,
                                                        OnClosed on_closed = {});
  ~WebSocketServer();
  // For HttpServerOptions::upgrades. The HttpServer must be gone before this object is.
  HttpUpgradeHook UpgradeHook();
  // Of the own listener; 0 and empty without one. "wss://127.0.0.1:4711/".
  uint16_t port() const;
  std::string url() const;
  void Stop();

  struct Stats {
    uint64_t accepted = 0, messages = 0, refused = 0, timed_out = 0;
    size_t open = 0;
  };
  Stats stats() const;

  struct Impl;  // in websocket_server.cc

 private:
  explicit WebSocketServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace keel::base
