// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/net/http.h"

namespace keel::base {

struct HttpRequest {
  std::string method;  // "GET"
  std::string target;  // as sent: path and query
  std::string path;    // without the query, still percent-encoded
  std::string query;   // after '?', still encoded
  HttpHeaders headers;
  std::string body;
  std::string peer;                 // "127.0.0.1:4711", or "uid:1000" on a unix socket
  std::vector<std::string> params;  // what a Router's {name}s matched, decoded, in order

  std::string_view Header(std::string_view name) const { return FindHeader(headers, name); }
};

// Answers one request, from any thread, now or later; the first answer counts. Copies share the one answer. When the
// last copy goes unanswered the client gets 500; after the connection or the server is gone an answer is dropped.
// Thread-safe.
class Responder {
 public:
  // False when an answer was given before or the connection is gone.
  bool Send(HttpResponse response) const;

  struct State;
  explicit Responder(std::shared_ptr<State> state) : state_(std::move(state)) {}

 private:
  std::shared_ptr<State> state_;
};

using HttpHandler = std::function<void(HttpRequest, Responder)>;
using SyncHandler = std::function<HttpResponse(const HttpRequest&)>;

// Makes a handler of a function that answers at once.
HttpHandler Synchronous(SyncHandler handler);

// Picks a handler by method and path. Patterns: "/v1/did/{did}" where {x} matches one non-empty segment (given decoded
// in HttpRequest::params), and "{x...}" at the end matches the rest, slashes included. 404 and 405 (with Allow)
// otherwise; HEAD is answered by GET without the body. Add everything before the server starts; routing is thread-safe
// then. The longest literal match wins, in order of addition.
class Router {
 public:
  Router& Add(std::string method, std::string pattern, HttpHandler handler);
  Router& AddSync(std::string method, std::string pattern, SyncHandler handler) {
    return Add(std::move(method), std::move(pattern), Synchronous(std::move(handler)));
  }
  void Handle(HttpRequest request, Responder responder) const;
  // A handler that holds a copy of the routes.
  HttpHandler AsHandler() const;

 private:
  struct Route {
    std::string method;
    std::vector<std::string> segments;
    HttpHandler handler;
  };
  std::vector<Route> routes_;
};

// Takes over a connection whose client asked for another protocol (RFC 9110 section 7.8): the descriptor is the hook's
// to close, nothing was answered yet. Runs on one of the server's threads and must not block.
using HttpUpgradeHook = std::function<void(int fd, HttpRequest request)>;

struct HttpServerOptions {
  // TCP: an address (no name is looked up) and a port, 0 for a free one. A unix socket if `unix_path` is set: mode
  // 0600, peers of another uid (but root) are refused.
  std::string host = "127.0.0.1";
  uint16_t port = 0;
  std::string unix_path;
  // TLS 1.2 and later on TCP, when both are set: PEM files, the certificate with its chain. No `upgrades` then.
  std::string certificate_file, key_file;

  int threads = 2;          // that read, parse and write, and run handlers
  int handler_threads = 0;  // > 0: handlers run on these instead, and may block

  // Limits of assurance.md; what they refuse: 413 (body), 431 (header), 408 (deadlines), then the connection is closed.
  size_t max_body = 1 << 20;
  size_t max_header = 16 << 10;
  size_t max_connections = 1024;  // beyond it, the connection that waits longest for its client is closed to make room
  std::chrono::milliseconds header_deadline{10'000};  // of TLS's handshake too
  std::chrono::milliseconds body_deadline{30'000};
  std::chrono::milliseconds idle_deadline{60'000};   // between requests of a kept connection
  std::chrono::milliseconds write_deadline{30'000};  // for each 256 KiB
  std::string server_name;                           // "Server" header; empty: none

  // Path -> who takes a GET with "Upgrade: websocket" to it. The hooks' owners outlive the server.
  std::map<std::string, HttpUpgradeHook> upgrades;
};

// An HTTP/1.1 server. Start runs its threads; Stop (also the destructor) closes the listener and every connection,
// waits for running handlers. Thread-safe. Handlers must not throw and must not call Stop.
class HttpServer {
 public:
  // kBusy (address in use), kInvalidArgument (address, certificate or key, upgrades over TLS), kIo.
  static Result<std::unique_ptr<HttpServer>> Start(const HttpServerOptions& options, HttpHandler handler);
  ~HttpServer();
  uint16_t port() const;
  // "http://127.0.0.1:4711", "https://127.0.0.1:4711" or "unix:/path".
  std::string url() const;
  void Stop();

  struct Stats {
    uint64_t accepted = 0, requests = 0, refused = 0, timed_out = 0, evicted = 0;
    size_t open = 0;
  };
  Stats stats() const;

  struct Impl;  // in http_server.cc

 private:
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace keel::base
