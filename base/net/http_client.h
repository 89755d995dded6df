// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/net/http.h"
#include "core/bytes.h"

namespace keel::base {

struct HttpCall {
  std::string method = "GET";
  std::string url;           // http://host:port/path?query, or unix:/path/to.sock together with `target`
  std::string target;        // only for unix: "/control/status"
  std::string content_type;  // of the body
  HttpHeaders headers;
  std::string body;
  size_t max_response = 16 << 20;  // octets of body (kTooLarge); headers are limited to 64 KiB
  // May be sent again when a kept connection turns out closed; GET, HEAD, PUT and DELETE always may.
  bool repeatable = false;
  // When set, the body of a 2xx response goes here piece by piece and HttpResponse::body stays empty. An error returned
  // ends the call with it.
  std::function<Result<>(ByteView)> on_body;
};

struct Deadlines {
  std::chrono::milliseconds connect{5'000};
  std::chrono::milliseconds total{30'000};  // from the call to the last octet
};

// Sends one request and waits for the answer. Any status is a success of Send; callers look at it. Redirects are never
// followed. Keeps connections open, a few per host. Errors: kUnreachable (no connection; the text names the address),
// kTimeout, kClosed (the peer hung up in the middle: it may have acted), kTooLarge, kMalformed (not HTTP), kUnsupported
// (https for now). Thread-safe.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  virtual Result<HttpResponse> Send(const HttpCall& call, const Deadlines& deadlines) = 0;

  Result<HttpResponse> Send(const HttpCall& call) { return Send(call, Deadlines{}); }
  Result<HttpResponse> Get(std::string url);
  Result<HttpResponse> Post(std::string url, std::string content_type, std::string body);
};

// Over Boost.Beast: towards everybody. Speaks unix sockets too. max_idle: kept connections per host.
std::unique_ptr<HttpClient> MakeBeastClient(size_t max_idle = 8);

// Over cpprestsdk (target keel::cpprest, KEEL_WITH_CPPREST): towards our own operator's services only. No unix sockets
// (kUnsupported). threads: of its process-wide pool, fixed by the first call.
std::unique_ptr<HttpClient> MakeCpprestClient(int threads = 2);

}  // namespace keel::base
