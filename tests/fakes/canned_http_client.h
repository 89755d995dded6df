// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/net/http_client.h"

namespace keel::fakes {

// Answers every call with `response` and keeps the last call.
class CannedHttpClient final : public base::HttpClient {
 public:
  using base::HttpClient::Send;
  Result<base::HttpResponse> Send(const base::HttpCall& call, const base::Deadlines&) override {
    last = call;
    return response;
  }
  base::HttpCall last;
  base::HttpResponse response;
};

}  // namespace keel::fakes
