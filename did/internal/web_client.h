// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "did/methods/web.h"

namespace keel::base {
class HttpClient;
}

namespace keel::did::internal {

// The bounded HTTPS client of did:web and did:webvh (WebMethod says within which bounds). Thread-safe.
class WebClient {
 public:
  explicit WebClient(const WebMethod::Options& options);
  ~WebClient();
  // The body of a 200. kNotFound (404, 410), kHttpStatus, and the client's errors; `where` names the method.
  Result<std::string> Get(const std::string& url, const char* accept, size_t max_octets,
                          std::chrono::milliseconds deadline, const char* where);

 private:
  std::unique_ptr<base::HttpClient> client_;
};

}  // namespace keel::did::internal
