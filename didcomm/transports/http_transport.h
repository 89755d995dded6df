// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "didcomm/transport.h"

namespace keel::didcomm {

// HTTP and HTTPS (section "HTTPS"): a POST; the reply is the body of the answer. `client` outlives it.
class HttpTransport final : public Transport {
 public:
  explicit HttpTransport(base::HttpClient& client) : client_(client) {}
  bool Carries(std::string_view uri) const override;
  // PostEnvelope's errors.
  Result<std::string> Send(const std::string& uri, std::string envelope, const SendOptions& options) override;

 private:
  base::HttpClient& client_;
};

}  // namespace keel::didcomm
