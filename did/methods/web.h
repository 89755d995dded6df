// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "did/resolver.h"

namespace keel::did::internal {
class WebClient;
}

// did:web (W3C CCG): the document is fetched from the host that the DID names. Whoever sends us a DID chooses where we
// connect to, so the fetch is bounded on every side.
namespace keel::did {

// The document's URL: "did:web:example.com%3A8443:user:alice" -> "https://example.com:8443/user/alice/did.json".
// kInvalidDid: no host name of letters, digits, hyphens and dots (addresses are not allowed, IPv6 neither), a port that
// is none, percent-encoding other than the port's colon in the host, or an empty, "." or ".." path segment.
Result<std::string> WebUrl(std::string_view did);

// The document in a response's body. kInvalidDidDocument: not one, or its id is not `did`.
Result<DidDocument> ReadWebDocument(std::string_view did, std::string_view body);

// Fetches over HTTPS alone, without redirects, cookies or proxies: at most `deadline` from the name's look-up to the
// last octet, kMaxDocument octets, and only from addresses of the public Internet (judged after the look-up, connected
// to as judged). Nothing is kept: put a CachingResolver in front. Thread-safe.
//
// kInvalidDid; kNotFound (404, 410); kHttpStatus (any other but 200, redirects too); kInvalidDidDocument; kRefused (an
// address that is not public), kUntrusted (certificate), kUnreachable, kTimeout, kTooLarge, kClosed, kMalformed, kBusy.
class WebMethod final : public DidResolver {
 public:
  using DidResolver::Resolve;
  struct Options {
    std::chrono::milliseconds deadline{5'000};
    std::string ca_file;  // PEM certificates that alone are trusted; empty: the system's store
    // Loopback counts as public. For tests, set in code: no configuration leads here, and a test looks after that.
    bool permit_loopback_for_tests = false;
    // From a host's name to numeric addresses; empty: the system's resolver.
    std::function<Result<std::vector<std::string>>(const std::string& host)> lookup;
  };
  WebMethod();
  explicit WebMethod(Options options);
  ~WebMethod() override;
  Result<ResolutionResult> Resolve(const std::string& did, const ResolutionOptions& options) override;

 private:
  const std::chrono::milliseconds deadline_;
  std::unique_ptr<internal::WebClient> client_;
};

}  // namespace keel::did
