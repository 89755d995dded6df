// SPDX-License-Identifier: Apache-2.0
#include "base/net/http_client.h"

#include <string.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <map>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "base/net/internal/connection.h"

// Beast parses the answers; base/net/internal/connection.h has the sockets.
namespace keel::base {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using internal::Connection;

constexpr uint32_t kMaxHeader = 64 << 10;
constexpr size_t kReadSize = 64 << 10;
constexpr uint64_t kMaxIdleMs = 20'000;  // below our servers' idle deadline

std::unexpected<Error> Failed(Code code, const std::string& to, const std::string& what) {
  return Fail(code, "http", to + ": " + what);
}

class BeastClient final : public HttpClient {
 public:
  explicit BeastClient(BeastOptions options) : options_(std::move(options)) {
    connect_.public_only = options_.public_addresses_only;
    connect_.permit_loopback = options_.permit_loopback_for_tests;
    connect_.lookup = options_.lookup;
  }

  Result<HttpResponse> Send(const HttpCall& call, const Deadlines& deadlines) override {
    KEEL_TRY(Url url, ParseUrl(call.url));
    const bool unix_socket = url.scheme == "unix";
    if (unix_socket) url.target = call.target.empty() ? "/" : call.target;
    if (options_.https_only && url.scheme != "https")
      return Fail(Code::kRefused, "http", "'" + call.url.substr(0, 200) + "' is not https");
    if (options_.public_addresses_only && unix_socket)
      return Fail(Code::kRefused, "http", "'" + call.url.substr(0, 200) + "' is no address of the public Internet");
    const std::string to = unix_socket ? call.url : url.scheme + "://" + url.Authority();
    const uint64_t start = MonotonicMs();
    const uint64_t deadline = start + static_cast<uint64_t>(deadlines.total.count());
    const uint64_t connect_deadline = std::min(deadline, start + static_cast<uint64_t>(deadlines.connect.count()));
    KEEL_TRY(const std::string head, Head(call, url));
    const bool repeatable = call.repeatable || call.method == "GET" || call.method == "HEAD" || call.method == "PUT" ||
                            call.method == "DELETE";
    for (bool fresh = false;; fresh = true) {
      Connection connection = fresh ? Connection() : TakeIdle(to);
      const bool kept = connection.open();
      if (!kept) {
        internal::ConnectOptions connect = connect_;
        if (url.scheme == "https") {
          KEEL_TRY(connect.tls, Tls());
        }
        KEEL_TRY(connection, Connection::Open(url, to, connect, connect_deadline));
      }
      bool answered = false;
      bool keep = false;
      Result<HttpResponse> response = Exchange(connection, call, head, to, deadline, answered, keep);
      if (response) {
        if (keep) PutIdle(to, std::move(connection));
        return response;
      }
      // A kept connection that the server has closed meanwhile: nothing of an answer came, so try once on a fresh one.
      if (!(kept && !answered && repeatable && response.error().code == Code::kClosed)) return response;
    }
  }

 private:
  static bool Safe(std::string_view text) {
    return text.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos;
  }

  // The scheme's own port is left out, as browsers do (RFC 9110 section 7.2).
  static std::string HostOf(const Url& url) {
    if (url.scheme == "unix") return "localhost";
    const std::string authority = url.Authority();
    const bool usual = url.port == (url.scheme == "https" ? 443 : 80);
    return usual ? authority.substr(0, authority.rfind(':')) : authority;
  }

  static Result<std::string> Head(const HttpCall& call, const Url& url) {
    std::string head = call.method + " " + url.target + " HTTP/1.1\r\nHost: " + HostOf(url) + "\r\n";
    bool safe =
        Safe(call.method) && Safe(url.target) && url.target.find(' ') == std::string::npos && Safe(call.content_type);
    if (!call.content_type.empty()) head += "Content-Type: " + call.content_type + "\r\n";
    for (const auto& [name, value] : call.headers) {
      safe = safe && Safe(name) && Safe(value);
      head += name + ": " + value + "\r\n";
    }
    if (!call.body.empty() || call.method == "POST" || call.method == "PUT")
      head += "Content-Length: " + std::to_string(call.body.size()) + "\r\n";
    if (!safe) return Fail(Code::kInvalidArgument, "http", "a method, target or header has a line break");
    return head + "\r\n";
  }

  Result<HttpResponse> Exchange(Connection& connection, const HttpCall& call, const std::string& head,
                                const std::string& to, uint64_t deadline, bool& answered, bool& keep) {
    // One segment for small messages.
    const bool small = call.body.size() <= 16 << 10;
    Result<> sent = connection.Write(small ? head + call.body : head, to, deadline);
    if (sent && !small) sent = connection.Write(call.body, to, deadline);
    // A server may refuse early (413) and hang up: its answer is looked for even when sending failed.
    if (!sent && sent.error().code != Code::kClosed) return std::unexpected<Error>(std::move(sent.error()));

    auto parser = std::make_unique<http::response_parser<http::string_body>>();
    parser->header_limit(kMaxHeader);
    parser->body_limit(call.max_response);
    // Not eager: Beast 1.74 forgets a body_limit error at the end of the header when it goes on to the body in the same
    // call.
    if (call.method == "HEAD") parser->skip(true);
    const auto buffer = std::make_unique_for_overwrite<char[]>(kReadSize);
    size_t filled = 0;
    bool end = false;
    while (!parser->is_done()) {
      // 100 Continue and other interim answers are skipped.
      KEEL_TRY(const size_t n, connection.Read(buffer.get() + filled, kReadSize - filled, to, deadline));
      boost::system::error_code error;
      if (n == 0) {
        end = true;
        if (!parser->got_some() && filled == 0)
          return Failed(Code::kClosed, to, "the server closed the connection without an answer");
        parser->put_eof(error);
        if (error) return Failed(Code::kClosed, to, "the server closed the connection in the middle of an answer");
        break;
      }
      answered = true;
      filled += n;
      size_t used = 0;
      while (used < filled && !parser->is_done()) {
        const size_t took = parser->put(asio::const_buffer(buffer.get() + used, filled - used), error);
        used += took;
        if (error == http::error::need_more) {
          error = {};
          break;
        }
        if (error || took == 0) break;
      }
      if (error == http::error::body_limit)
        return Failed(Code::kTooLarge, to, "the answer is over " + std::to_string(call.max_response) + " octets");
      if (error == http::error::header_limit) return Failed(Code::kTooLarge, to, "the answer's header is over 64 KiB");
      if (error) return Failed(Code::kMalformed, to, "the answer is not HTTP/1.1: " + error.message());
      const auto drop = [&](size_t n_used) {
        filled -= n_used;
        memmove(buffer.get(), buffer.get() + n_used, filled);
      };
      drop(used);
      if (filled == kReadSize) return Failed(Code::kTooLarge, to, "the answer's header or chunk header is over 64 KiB");
      if (parser->is_header_done() && parser->get().result_int() / 100 == 1) {
        auto next = std::make_unique<http::response_parser<http::string_body>>();
        next->header_limit(kMaxHeader);
        next->body_limit(call.max_response);
        if (call.method == "HEAD") next->skip(true);
        parser = std::move(next);
        if (filled > 0) {  // the answer proper came in the same segment
          // Feed it at the top of the loop without waiting for more.
          const size_t fed = parser->put(asio::const_buffer(buffer.get(), filled), error);
          if (error && error != http::error::need_more)
            return Failed(Code::kMalformed, to, "the answer is not HTTP/1.1: " + error.message());
          drop(fed);
        }
        continue;
      }
      if (call.on_body && parser->is_header_done() && parser->get().result_int() / 100 == 2) {
        KEEL_TRY_VOID(Drain(*parser, call));
      }
    }
    if (call.on_body && parser->get().result_int() / 100 == 2) KEEL_TRY_VOID(Drain(*parser, call));
    keep = sent.has_value() && !end && filled == 0 && parser->keep_alive();
    auto message = parser->release();
    HttpResponse response;
    response.status = static_cast<int>(message.result_int());
    for (const auto& field : message)
      response.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    response.content_type = std::string(FindHeader(response.headers, "Content-Type"));
    response.body = std::move(message.body());
    return response;
  }

  static Result<> Drain(http::response_parser<http::string_body>& parser, const HttpCall& call) {
    std::string& body = parser.get().body();
    if (body.empty()) return {};
    KEEL_TRY_VOID(call.on_body(AsBytes(body)));
    body.clear();
    return {};
  }

  // The trust store is read at the first https call: that takes many milliseconds.
  Result<std::shared_ptr<const internal::TlsContext>> Tls() {
    const std::lock_guard lock(mutex_);
    if (tls_ == nullptr) {
      KEEL_TRY(tls_, internal::TlsContext::Create(options_.ca_file));
    }
    return tls_;
  }

  // A kept connection that is still open and silent, or none.
  Connection TakeIdle(const std::string& to) {
    const std::lock_guard lock(mutex_);
    const auto it = idle_.find(to);
    if (it == idle_.end()) return Connection();
    while (!it->second.empty()) {
      Idle idle = std::move(it->second.back());
      it->second.pop_back();
      if (MonotonicMs() - idle.since < kMaxIdleMs && idle.connection.Silent()) return std::move(idle.connection);
    }
    return Connection();
  }
  void PutIdle(const std::string& to, Connection connection) {
    const std::lock_guard lock(mutex_);
    auto& list = idle_[to];
    if (list.size() < options_.max_idle) list.push_back({std::move(connection), MonotonicMs()});
  }

  struct Idle {
    Connection connection;
    uint64_t since = 0;
  };
  const BeastOptions options_;
  internal::ConnectOptions connect_;  // tls: see Tls()
  std::mutex mutex_;                  // the two below
  std::shared_ptr<const internal::TlsContext> tls_;
  std::map<std::string, std::vector<Idle>> idle_;
};

}  // namespace

Result<HttpResponse> HttpClient::Get(std::string url) {
  HttpCall call;
  call.url = std::move(url);
  return Send(call, Deadlines{});
}

Result<HttpResponse> HttpClient::Post(std::string url, std::string content_type, std::string body) {
  HttpCall call;
  call.method = "POST";
  call.url = std::move(url);
  call.content_type = std::move(content_type);
  call.body = std::move(body);
  return Send(call, Deadlines{});
}

std::unique_ptr<HttpClient> MakeBeastClient(size_t max_idle) {
  BeastOptions options;
  options.max_idle = max_idle;
  return MakeBeastClient(std::move(options));
}

std::unique_ptr<HttpClient> MakeBeastClient(BeastOptions options) {
  return std::make_unique<BeastClient>(std::move(options));
}

}  // namespace keel::base
