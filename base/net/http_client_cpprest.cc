// SPDX-License-Identifier: Apache-2.0
// cpprestsdk is compiled as C++20 (clang 19 rejects it as C++23), where std::expected does not exist: this file speaks
// only the plain structs of cpprest_bridge.h.
#include "base/net/internal/cpprest_bridge.h"

#include <cpprest/http_client.h>
#include <pplx/threadpool.h>

#include <mutex>
#include <system_error>

namespace keel::base::internal {
namespace {

namespace web_http = web::http;

constexpr size_t kPiece = 64 << 10;

class Client final : public CpprestBridge {
 public:
  explicit Client(int threads) {
    static std::once_flag once;
    std::call_once(once, [threads] {
      try {
        crossplat::threadpool::initialize_with_threads(static_cast<size_t>(threads < 1 ? 1 : threads));
      } catch (const std::exception&) {
        // Somebody made the pool before: its size stays.
      }
    });
  }

  BridgeResult Send(const BridgeCall& call) override {
    BridgeResult result;
    pplx::cancellation_token_source cancel;
    const auto deadline = std::chrono::steady_clock::now() + call.total;
    const auto expired = [&] { return std::chrono::steady_clock::now() >= deadline; };
    bool answered = false;
    try {
      const std::shared_ptr<web_http::client::http_client> client = ClientFor(call);
      web_http::http_request request(call.method);
      request.set_request_uri(web::uri(call.target));
      for (const auto& [name, value] : call.headers) request.headers().add(name, value);
      if (!call.body.empty() || call.method == "POST" || call.method == "PUT")
        request.set_body(std::string(call.body),
                         call.content_type.empty() ? "application/octet-stream" : call.content_type);
      web_http::http_response response = client->request(request, cancel.get_token()).get();
      answered = true;
      result.status = response.status_code();
      for (const auto& [name, value] : response.headers()) result.headers.emplace_back(name, value);
      if (call.method != "HEAD" && result.status != 204 && result.status != 304) {
        // Piece by piece, so that a limit holds before the memory is gone.
        auto stream = response.body();
        concurrency::streams::container_buffer<std::string> buffer;
        for (;;) {
          const size_t n = stream.read(buffer, kPiece).get();
          if (n == 0) break;
          std::string& piece = buffer.collection();
          result.received += n;
          if (result.received > call.max_response) {
            result.error = BridgeError::kTooLarge;
            static_cast<void>(stream.close());
            return result;
          }
          const std::string_view view(piece.data(), n);
          if (call.on_body && result.status / 100 == 2) {
            if (!call.on_body(view)) {
              result.error = BridgeError::kStopped;
              return result;
            }
          } else {
            result.body.append(view);
          }
          buffer = concurrency::streams::container_buffer<std::string>();
          if (expired()) {
            result.error = BridgeError::kTimeout;
            return result;
          }
        }
      }
    } catch (const web_http::http_exception& error) {
      result.text = error.what();
      const std::error_code code = error.error_code();
      if (code == std::errc::timed_out || expired()) {
        result.error = BridgeError::kTimeout;
      } else if (code == std::errc::host_unreachable || code == std::errc::connection_refused ||
                 code == std::errc::network_unreachable || result.text.find("Failed to connect") != std::string::npos ||
                 result.text.find("Error resolving address") != std::string::npos) {
        result.error = BridgeError::kUnreachable;
      } else {
        result.error = BridgeError::kClosed;
      }
    } catch (const std::exception& error) {
      result.text = error.what();
      result.error = expired() ? BridgeError::kTimeout : answered ? BridgeError::kClosed : BridgeError::kUnreachable;
    }
    return result;
  }

 private:
  // One client (and so one connection pool) per authority and time limit.
  std::shared_ptr<web_http::client::http_client> ClientFor(const BridgeCall& call) {
    const std::lock_guard lock(mutex_);
    auto& client = clients_[call.authority + "#" + std::to_string(call.total.count())];
    if (client == nullptr) {
      if (clients_.size() > 64) {
        clients_.clear();
        return Make(call);
      }
      client = Make(call);
    }
    return client;
  }
  static std::shared_ptr<web_http::client::http_client> Make(const BridgeCall& call) {
    web_http::client::http_client_config config;
    config.set_timeout(call.total);
    config.set_max_redirects(0);
    config.set_chunksize(kPiece);
    return std::make_shared<web_http::client::http_client>(web::uri("http://" + call.authority), config);
  }
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<web_http::client::http_client>> clients_;
};

}  // namespace

std::unique_ptr<CpprestBridge> MakeCpprestBridge(int threads) { return std::make_unique<Client>(threads); }

}  // namespace keel::base::internal
