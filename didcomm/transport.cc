// SPDX-License-Identifier: Apache-2.0
#include "didcomm/transport.h"

#include <optional>

#include "didcomm/message.h"

namespace keel::didcomm {
namespace {

// The media type without parameters.
std::string_view Essence(std::string_view content_type) {
  content_type = content_type.substr(0, content_type.find(';'));
  while (!content_type.empty() && content_type.back() == ' ') content_type.remove_suffix(1);
  return content_type;
}

}  // namespace

Result<std::string> PostEnvelope(base::HttpClient& client, const std::string& url, std::string envelope,
                                 const base::Deadlines& deadlines) {
  base::HttpCall call;
  call.method = "POST";
  call.url = url;
  call.content_type = kMediaEncrypted;
  call.body = std::move(envelope);
  call.max_response = 2 * kMaxMessage;
  KEEL_TRY(base::HttpResponse response, client.Send(call, deadlines));
  if (response.status == 429 || response.status == 503) {
    return Fail(Code::kBusy, "didcomm http",
                url + " answered " + std::to_string(response.status) + ": try again later");
  }
  if (response.status == 413)
    return Fail(Code::kTooLarge, "didcomm http", url + " answered 413: the envelope is over its limit");
  if (response.status == 400 || response.status == 403)
    return Fail(Code::kRefused, "didcomm http", url + " answered " + std::to_string(response.status) + ": refused");
  if (!response.ok())
    return Fail(Code::kHttpStatus, "didcomm http", url + " answered " + std::to_string(response.status));
  if (!response.body.empty() && Essence(response.content_type) != kMediaEncrypted) {
    return Fail(Code::kMalformed, "didcomm http", url + " answered with content type '" + response.content_type + "'");
  }
  return std::move(response.body);
}

namespace {

// What is wrong with the request itself; nothing when an envelope can be taken from it.
std::optional<base::HttpResponse> Unfit(const base::HttpRequest& request) {
  if (request.method != "POST") return base::TextResponse(405, "POST an envelope here\n");
  if (Essence(request.Header("Content-Type")) != kMediaEncrypted)
    return base::TextResponse(415, "content type must be " + std::string(kMediaEncrypted) + "\n");
  return std::nullopt;
}

base::HttpResponse ResponseOf(Result<std::string> reply) {
  if (!reply) {
    // A stranger learns nothing from a refusal: the reason is for the local log.
    if (reply.error().code == Code::kBusy) return base::TextResponse(503, "busy\n");
    if (reply.error().code == Code::kTooLarge) return base::TextResponse(413, "too large\n");
    return base::TextResponse(400, "refused\n");
  }
  if (reply->empty()) return base::TextResponse(202, "");
  return base::BytesResponse(200, std::string(kMediaEncrypted), std::move(*reply));
}

}  // namespace

base::SyncHandler DidcommEndpoint(EnvelopeHandler handler) {
  return [handler = std::move(handler)](const base::HttpRequest& request) -> base::HttpResponse {
    if (auto refusal = Unfit(request)) return std::move(*refusal);
    return ResponseOf(handler(request.body));
  };
}

base::HttpHandler DidcommEndpointLater(std::function<void(std::string envelope, EnvelopeAnswer answer)> handler) {
  return [handler = std::move(handler)](base::HttpRequest request, base::Responder responder) {
    if (auto refusal = Unfit(request)) {
      responder.Send(std::move(*refusal));
      return;
    }
    handler(std::move(request.body), [responder = std::move(responder)](Result<std::string> reply) {
      responder.Send(ResponseOf(std::move(reply)));
    });
  };
}

}  // namespace keel::didcomm
