// SPDX-License-Identifier: Apache-2.0
#include "base/net/http_client.h"
#include "base/net/internal/cpprest_bridge.h"

namespace keel::base {
namespace {

class CpprestClient final : public HttpClient {
 public:
  explicit CpprestClient(int threads) : bridge_(internal::MakeCpprestBridge(threads)) {}

  Result<HttpResponse> Send(const HttpCall& call, const Deadlines& deadlines) override {
    KEEL_TRY(const Url url, ParseUrl(call.url));
    if (url.scheme != "http")
      return Fail(Code::kUnsupported, "http", "cpprest client: " + call.url + " is not http://");
    internal::BridgeCall plain;
    plain.method = call.method;
    plain.authority = url.Authority();
    plain.target = url.target;
    plain.content_type = call.content_type;
    plain.headers = call.headers;
    plain.body = call.body;
    plain.max_response = call.max_response;
    plain.total = deadlines.total;
    const auto safe = [](std::string_view text) {
      return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
    };
    bool all_safe = safe(call.method) && safe(call.content_type);
    for (const auto& [name, value] : call.headers) all_safe = all_safe && safe(name) && safe(value);
    if (!all_safe) return Fail(Code::kInvalidArgument, "http", "a method or header has a line break");
    Result<> sink;
    if (call.on_body) {
      plain.on_body = [&](std::string_view piece) {
        sink = call.on_body(AsBytes(piece));
        return sink.has_value();
      };
    }
    internal::BridgeResult result = bridge_->Send(plain);
    const std::string to = "http://" + plain.authority;
    switch (result.error) {
      case internal::BridgeError::kNone: break;
      case internal::BridgeError::kUnreachable:
        return Fail(Code::kUnreachable, "http", to + ": can't connect: " + result.text);
      case internal::BridgeError::kTimeout: return Fail(Code::kTimeout, "http", to + ": no complete answer in time");
      case internal::BridgeError::kClosed: return Fail(Code::kClosed, "http", to + ": connection lost: " + result.text);
      case internal::BridgeError::kTooLarge:
        return Fail(Code::kTooLarge, "http",
                    to + ": the answer is over " + std::to_string(call.max_response) + " octets");
      case internal::BridgeError::kStopped: return std::unexpected<Error>(std::move(sink.error()));
    }
    HttpResponse response;
    response.status = result.status;
    response.headers = std::move(result.headers);
    response.content_type = std::string(FindHeader(response.headers, "Content-Type"));
    response.body = std::move(result.body);
    return response;
  }

 private:
  std::unique_ptr<internal::CpprestBridge> bridge_;
};

}  // namespace

std::unique_ptr<HttpClient> MakeCpprestClient(int threads) { return std::make_unique<CpprestClient>(threads); }

}  // namespace keel::base
