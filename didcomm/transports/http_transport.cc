// SPDX-License-Identifier: Apache-2.0
#include "didcomm/transports/http_transport.h"

namespace keel::didcomm {

bool HttpTransport::Carries(std::string_view uri) const {
  return uri.starts_with("http://") || uri.starts_with("https://");
}

Result<std::string> HttpTransport::Send(const std::string& uri, std::string envelope, const SendOptions& options) {
  return PostEnvelope(client_, uri, std::move(envelope), options.deadlines);
}

}  // namespace keel::didcomm
