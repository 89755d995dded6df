// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/net/http.h"
#include "core/bytes.h"

namespace keel::base {

struct HttpCall {
  std::string method = "GET";
  std::string url;           // http(s)://host:port/path?query, or unix:/path/to.sock together with `target`
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
// (a scheme that it doesn't speak), kUntrusted (https: the server's certificate is not one that is trusted, or of
// another name). Thread-safe.
class HttpClient {
 public:
  virtual ~HttpClient() = default;
  virtual Result<HttpResponse> Send(const HttpCall& call, const Deadlines& deadlines) = 0;

  Result<HttpResponse> Send(const HttpCall& call) { return Send(call, Deadlines{}); }
  Result<HttpResponse> Get(std::string url);
  Result<HttpResponse> Post(std::string url, std::string content_type, std::string body);
};

struct BeastOptions {
  size_t max_idle = 8;      // kept connections per host
  std::string ca_file;      // https: PEM certificates that alone are trusted; empty: the system's store
  bool https_only = false;  // kRefused for other schemes
  // Connects to addresses of the public Internet alone, judged after the name was looked up (once; what was judged is
  // what is connected to): for URLs that others chose. kRefused names the address.
  bool public_addresses_only = false;
  // Loopback counts as public. For tests, set in code: no configuration leads here, and a test looks after that.
  bool permit_loopback_for_tests = false;
  // From a host's name to numeric addresses; empty: the system's resolver. Called by several threads.
  std::function<Result<std::vector<std::string>>(const std::string& host)> lookup;
};

// Over Boost.Beast: towards everybody. Speaks unix sockets and https (TLS 1.2, 1.3) too. A host's name is looked up on
// a thread of its own that may outlive a call that ran into its deadline.
std::unique_ptr<HttpClient> MakeBeastClient(size_t max_idle = 8);
std::unique_ptr<HttpClient> MakeBeastClient(BeastOptions options);

// Over cpprestsdk (target keel::cpprest, KEEL_WITH_CPPREST): towards our own operator's services only. No unix sockets
// (kUnsupported). threads: of its process-wide pool, fixed by the first call.
std::unique_ptr<HttpClient> MakeCpprestClient(int threads = 2);

}  // namespace keel::base
