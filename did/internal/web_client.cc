// SPDX-License-Identifier: Apache-2.0
#include "did/internal/web_client.h"

#include "base/net/http_client.h"

namespace keel::did::internal {

WebClient::WebClient(const WebMethod::Options& options) {
  base::BeastOptions client;
  client.max_idle = 0;  // a kept connection would be a host that was judged long ago
  client.ca_file = options.ca_file;
  client.https_only = true;
  client.public_addresses_only = true;
  client.permit_loopback_for_tests = options.permit_loopback_for_tests;
  client.lookup = options.lookup;
  client_ = base::MakeBeastClient(client);
}
WebClient::~WebClient() = default;

Result<std::string> WebClient::Get(const std::string& url, const char* accept, size_t max_octets,
                                   std::chrono::milliseconds deadline, const char* where) {
  base::HttpCall call;
  call.url = url;
  call.headers = {{"Accept", accept}};
  call.max_response = max_octets;
  KEEL_TRY(base::HttpResponse response, client_->Send(call, {.connect = deadline, .total = deadline}));
  if (response.status == 404 || response.status == 410)
    return Fail(Code::kNotFound, where, url + " answers " + std::to_string(response.status));
  if (response.status >= 300 && response.status < 400)
    return Fail(Code::kHttpStatus, where,
                url + " answers " + std::to_string(response.status) + ": redirects are not followed");
  if (response.status != 200)
    return Fail(Code::kHttpStatus, where, url + " answers " + std::to_string(response.status));
  return std::move(response.body);
}

}  // namespace keel::did::internal
