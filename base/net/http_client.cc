// SPDX-License-Identifier: Apache-2.0
#include "base/net/http_client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <map>
#include <mutex>
#include <vector>

#include "base/clock.h"

// Sockets are plain and non-blocking under poll, so that every step has a deadline and no thread or io_context is
// needed; Beast parses the answers.
namespace keel::base {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;

constexpr uint32_t kMaxHeader = 64 << 10;
constexpr size_t kReadSize = 64 << 10;
constexpr uint64_t kMaxIdleMs = 20'000;  // below our servers' idle deadline

class Socket {
 public:
  explicit Socket(int fd = -1) : fd_(fd) {}
  Socket(Socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Socket() {
    if (fd_ >= 0) ::close(fd_);
  }
  int fd() const { return fd_; }

 private:
  int fd_;
};

std::unexpected<Error> Failed(Code code, const std::string& to, const std::string& what) {
  return Fail(code, "http", to + ": " + what);
}

// True when ready, false when the deadline (MonotonicMs) passed.
bool WaitFor(int fd, short events, uint64_t deadline) {
  for (;;) {
    const uint64_t now = MonotonicMs();
    if (now >= deadline) return false;
    pollfd item{fd, events, 0};
    const int n = ::poll(&item, 1, static_cast<int>(std::min<uint64_t>(deadline - now, 60'000)));
    if (n > 0) return true;
    if (n < 0 && errno != EINTR) return true;  // the next call on it says what is wrong
  }
}

Result<Socket> ConnectTo(int family, const sockaddr* address, socklen_t length, const std::string& to,
                         uint64_t deadline) {
  Socket socket(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.fd() < 0) return Failed(Code::kIo, to, strerror(errno));
  if (family != AF_UNIX) {
    const int on = 1;
    ::setsockopt(socket.fd(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  if (::connect(socket.fd(), address, length) == 0) return socket;
  if (errno != EINPROGRESS && errno != EAGAIN)
    return Failed(Code::kUnreachable, to, std::string("can't connect: ") + strerror(errno));
  if (!WaitFor(socket.fd(), POLLOUT, deadline))
    return Failed(Code::kUnreachable, to, "can't connect: no answer in time");
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket.fd(), SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return Failed(Code::kUnreachable, to, std::string("can't connect: ") + strerror(error));
  return socket;
}

Result<Socket> Connect(const Url& url, const std::string& to, uint64_t deadline) {
  if (url.scheme == "unix") {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    memcpy(address.sun_path, url.host.data(), std::min(url.host.size(), sizeof address.sun_path - 1));
    return ConnectTo(AF_UNIX, reinterpret_cast<const sockaddr*>(&address), sizeof address, to, deadline);
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  // The resolver has its own time limits (resolv.conf); addresses don't use it.
  const int status = ::getaddrinfo(url.host.c_str(), std::to_string(url.port).c_str(), &hints, &found);
  if (status != 0) return Failed(Code::kUnreachable, to, std::string("can't find the host: ") + gai_strerror(status));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
  Result<Socket> last = Failed(Code::kUnreachable, to, "no address");
  for (const addrinfo* a = found; a != nullptr; a = a->ai_next) {
    last = ConnectTo(a->ai_family, a->ai_addr, a->ai_addrlen, to, deadline);
    if (last) return last;
  }
  return last;
}

class BeastClient final : public HttpClient {
 public:
  explicit BeastClient(size_t max_idle) : max_idle_(max_idle) {}

  Result<HttpResponse> Send(const HttpCall& call, const Deadlines& deadlines) override {
    KEEL_TRY(Url url, ParseUrl(call.url));
    const bool unix_socket = url.scheme == "unix";
    if (unix_socket) url.target = call.target.empty() ? "/" : call.target;
    const std::string to = unix_socket ? call.url : "http://" + url.Authority();
    const uint64_t start = MonotonicMs();
    const uint64_t deadline = start + static_cast<uint64_t>(deadlines.total.count());
    const uint64_t connect_deadline = std::min(deadline, start + static_cast<uint64_t>(deadlines.connect.count()));
    KEEL_TRY(const std::string head, Head(call, url, unix_socket));
    const bool repeatable = call.repeatable || call.method == "GET" || call.method == "HEAD" || call.method == "PUT" ||
                            call.method == "DELETE";
    for (bool fresh = false;; fresh = true) {
      Socket socket = fresh ? Socket() : TakeIdle(to);
      const bool kept = socket.fd() >= 0;
      if (!kept) {
        KEEL_TRY(socket, Connect(url, to, connect_deadline));
      }
      bool answered = false;
      bool keep = false;
      Result<HttpResponse> response = Exchange(socket, call, head, to, deadline, answered, keep);
      if (response) {
        if (keep) PutIdle(to, std::move(socket));
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

  static Result<std::string> Head(const HttpCall& call, const Url& url, bool unix_socket) {
    std::string head =
        call.method + " " + url.target + " HTTP/1.1\r\nHost: " + (unix_socket ? "localhost" : url.Authority()) + "\r\n";
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

  static Result<> WriteAll(int fd, std::string_view text, const std::string& to, uint64_t deadline) {
    while (!text.empty()) {
      const ssize_t n = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);
      if (n >= 0) {
        text.remove_prefix(static_cast<size_t>(n));
      } else if (errno == EAGAIN) {
        if (!WaitFor(fd, POLLOUT, deadline)) return Failed(Code::kTimeout, to, "the request could not be sent in time");
      } else if (errno != EINTR) {
        return Failed(Code::kClosed, to, std::string("connection lost while sending: ") + strerror(errno));
      }
    }
    return {};
  }

  Result<HttpResponse> Exchange(const Socket& socket, const HttpCall& call, const std::string& head,
                                const std::string& to, uint64_t deadline, bool& answered, bool& keep) {
    // One segment for small messages.
    const bool small = call.body.size() <= 16 << 10;
    Result<> sent = WriteAll(socket.fd(), small ? head + call.body : head, to, deadline);
    if (sent && !small) sent = WriteAll(socket.fd(), call.body, to, deadline);
    // A server may refuse early (413) and hang up: its answer is looked for even when sending failed.
    if (!sent && sent.error().code != Code::kClosed) return std::unexpected<Error>(std::move(sent.error()));

    auto parser = std::make_unique<http::response_parser<http::string_body>>();
    parser->header_limit(kMaxHeader);
    parser->body_limit(call.max_response);
    // Not eager: Beast 1.74 forgets a body_limit error at the end of the header when it goes on to the body in the same
    // call.
    if (call.method == "HEAD") parser->skip(true);
    std::string buffer(kReadSize, '\0');
    size_t filled = 0;
    bool end = false;
    while (!parser->is_done()) {
      // 100 Continue and other interim answers are skipped.
      const ssize_t n = end ? 0 : ::recv(socket.fd(), buffer.data() + filled, buffer.size() - filled, 0);
      if (n < 0 && errno == EAGAIN) {
        if (!WaitFor(socket.fd(), POLLIN, deadline)) return Failed(Code::kTimeout, to, "no complete answer in time");
        continue;
      }
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return Failed(Code::kClosed, to, std::string("connection lost: ") + strerror(errno));
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
      filled += static_cast<size_t>(n);
      size_t used = 0;
      while (used < filled && !parser->is_done()) {
        const size_t took = parser->put(asio::const_buffer(buffer.data() + used, filled - used), error);
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
        memmove(buffer.data(), buffer.data() + n_used, filled);
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
          const size_t fed = parser->put(asio::const_buffer(buffer.data(), filled), error);
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

  // A kept connection that is still open and silent, or none.
  Socket TakeIdle(const std::string& to) {
    const std::lock_guard lock(mutex_);
    const auto it = idle_.find(to);
    if (it == idle_.end()) return Socket();
    while (!it->second.empty()) {
      Idle idle = std::move(it->second.back());
      it->second.pop_back();
      pollfd item{idle.socket.fd(), POLLIN | POLLRDHUP, 0};
      if (MonotonicMs() - idle.since < kMaxIdleMs && ::poll(&item, 1, 0) == 0) return std::move(idle.socket);
    }
    return Socket();
  }
  void PutIdle(const std::string& to, Socket socket) {
    const std::lock_guard lock(mutex_);
    auto& list = idle_[to];
    if (list.size() < max_idle_) list.push_back({std::move(socket), MonotonicMs()});
  }

  struct Idle {
    Socket socket;
    uint64_t since = 0;
  };
  const size_t max_idle_;
  std::mutex mutex_;  // idle_
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

std::unique_ptr<HttpClient> MakeBeastClient(size_t max_idle) { return std::make_unique<BeastClient>(max_idle); }

}  // namespace keel::base
