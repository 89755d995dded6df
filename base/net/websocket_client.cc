// SPDX-License-Identifier: Apache-2.0
#include "base/net/websocket_client.h"

#include <netdb.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>

#include "base/clock.h"

namespace keel::base {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace ssl = boost::asio::ssl;
namespace websocket = boost::beast::websocket;
using ErrorCode = boost::system::error_code;
using std::chrono::milliseconds;

constexpr milliseconds kCloseTime{1'000};

std::unexpected<Error> Failed(Code code, const std::string& to, const std::string& what) {
  return Fail(code, "websocket", to + ": " + what);
}

struct Target {
  bool tls = false;
  Url url;
  std::string name;  // for people: the URL without its path
};

Result<Target> ParseTarget(const std::string& text) {
  Target target;
  target.tls = text.starts_with("wss://");
  if (!target.tls && !text.starts_with("ws://"))
    return Fail(Code::kUnsupported, "websocket", "'" + text + "' is no ws:// or wss:// URL");
  const std::string rest = text.substr(target.tls ? 6 : 5);
  KEEL_TRY(target.url, ParseUrl("http://" + rest));
  // Whether a port is written: after a name, or after an IPv6 address's bracket.
  const std::string authority = rest.substr(0, rest.find_first_of("/?"));
  const bool has_port = authority.find(':', authority.starts_with('[') ? authority.find(']') : 0) != std::string::npos;
  if (target.tls && !has_port) target.url.port = 443;
  target.name = (target.tls ? "wss://" : "ws://") + target.url.Authority();
  return target;
}

milliseconds Until(uint64_t deadline) {
  const uint64_t now = MonotonicMs();
  return milliseconds(now < deadline ? deadline - now : 0);
}

// What a peer's goodbye, or the lack of one, means.
Error ErrorOf(ErrorCode error, const websocket::close_reason& reason, const std::string& to) {
  if (error == websocket::error::message_too_big)
    return Failed(Code::kTooLarge, to, "a message over the limit").error();
  if (error != websocket::error::closed)
    return Failed(Code::kClosed, to, "connection lost: " + error.message()).error();
  switch (static_cast<uint16_t>(reason.code)) {
    case 1008: return Failed(Code::kRefused, to, "the server refuses (1008)").error();
    case 1009: return Failed(Code::kTooLarge, to, "the message is over the server's limit (1009)").error();
    case 1013: return Failed(Code::kBusy, to, "the server is busy (1013)").error();
    default:
      return Failed(Code::kClosed, to, "the server closed the connection (" + std::to_string(reason.code) + ")")
          .error();
  }
}

// The stream's handlers run on thread_ alone once it was started; before, in Open.
template <class Stream>
class Client final : public WebSocketClient {
 public:
  Client(Target target, const WebSocketClientOptions& options)
      : target_(std::move(target)), options_(options), tls_(ssl::context::tls_client), ws_(MakeStream()) {}

  ~Client() override { Close(); }

  Result<> Open(const Deadlines& deadlines) {
    const uint64_t start = MonotonicMs();
    const uint64_t total = start + static_cast<uint64_t>(deadlines.total.count());
    const uint64_t connect = std::min(total, start + static_cast<uint64_t>(deadlines.connect.count()));
    KEEL_TRY_VOID(Connect(connect));
    if constexpr (kTls) KEEL_TRY_VOID(Secure(total));
    beast::get_lowest_layer(ws_).expires_never();
    websocket::stream_base::timeout timeout{};
    timeout.handshake_timeout = std::max(milliseconds(1), Until(total));
    timeout.idle_timeout = options_.idle_deadline;
    timeout.keep_alive_pings = true;
    ws_.set_option(timeout);
    ws_.read_message_max(options_.max_message);
    ws_.text(true);
    std::optional<ErrorCode> done;
    websocket::response_type response;
    ws_.async_handshake(response, target_.url.Authority(), target_.url.target, [&](ErrorCode error) { done = error; });
    Run(done);
    if (*done == websocket::error::upgrade_declined) {
      return Failed(Code::kRefused, target_.name,
                    "no WebSocket at " + target_.url.target + ": answered " + std::to_string(response.result_int()));
    }
    if (*done == beast::error::timeout) return Failed(Code::kTimeout, target_.name, "no answer to the upgrade in time");
    if (*done) return Failed(Code::kClosed, target_.name, "no WebSocket: " + done->message());
    ws_.control_callback([this](websocket::frame_type kind, beast::string_view payload) {
      if (kind == websocket::frame_type::pong) Pong(payload);
    });
    asio::post(io_, [this] { Read(); });
    io_.restart();
    work_.emplace(io_.get_executor());
    thread_ = std::thread([this] { io_.run(); });
    return {};
  }

  Result<> Send(std::string text, milliseconds deadline) override {
    // Shared by this call, the handlers and, after a timeout, by them alone.
    struct Job {
      std::string text;
      std::mutex mutex;
      std::condition_variable changed;
      std::optional<ErrorCode> done;
    };
    auto job = std::make_shared<Job>();
    job->text = std::move(text);
    {
      const std::lock_guard lock(mutex_);
      if (ended_) return std::unexpected<Error>(*ended_);
    }
    asio::post(io_, [this, job] {
      Enqueue([this, job] {
        ws_.async_write(asio::buffer(job->text), [this, job](ErrorCode error, size_t) {
          {
            const std::lock_guard lock(job->mutex);
            job->done = error;
          }
          job->changed.notify_one();
          NextWrite();
        });
      });
    });
    std::unique_lock lock(job->mutex);
    if (!job->changed.wait_for(lock, deadline, [&] { return job->done.has_value(); })) {
      lock.unlock();
      asio::post(io_, [this] { Abort(); });
      return Failed(Code::kTimeout, target_.name, "the message could not be sent in time");
    }
    if (!*job->done) return {};
    const ErrorCode error = *job->done;
    lock.unlock();
    // The reader knows why: a goodbye came, most likely.
    std::unique_lock ended(mutex_);
    changed_.wait_for(ended, kCloseTime, [&] { return ended_.has_value(); });
    if (ended_) return std::unexpected<Error>(*ended_);
    return Failed(Code::kClosed, target_.name, "connection lost while sending: " + error.message());
  }

  Result<> Flush(milliseconds deadline) override {
    uint64_t number = 0;
    {
      const std::lock_guard lock(mutex_);
      if (ended_) return std::unexpected<Error>(*ended_);
      number = ++pings_;
    }
    asio::post(io_, [this, number] {
      Enqueue([this, number] {
        const std::string text = std::to_string(number);
        ws_.async_ping(websocket::ping_data(text.data(), text.size()), [this](ErrorCode) { NextWrite(); });
      });
    });
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, deadline, [&] { return pongs_ >= number || ended_.has_value(); }))
      return Failed(Code::kTimeout, target_.name, "no answer to a ping in time");
    if (pongs_ >= number) return {};
    return std::unexpected<Error>(*ended_);
  }

  Result<std::string> Receive(milliseconds deadline) override {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_for(lock, deadline, [&] { return !inbox_.empty() || ended_.has_value(); }))
      return Failed(Code::kTimeout, target_.name, "no message in time");
    if (inbox_.empty()) return std::unexpected<Error>(*ended_);
    std::string text = std::move(inbox_.front());
    inbox_.pop_front();
    if (std::exchange(full_, false)) asio::post(io_, [this] { Read(); });
    return text;
  }

  size_t waiting() const override {
    const std::lock_guard lock(mutex_);
    return inbox_.size();
  }
  bool open() const override {
    const std::lock_guard lock(mutex_);
    return !ended_.has_value();
  }

  void Close() override {
    if (!thread_.joinable()) return;
    asio::post(io_, [this] {
      Enqueue([this] {
        ws_.async_close(websocket::close_code::normal, [this](ErrorCode) {
          Abort();
          NextWrite();
        });
      });
    });
    {
      std::unique_lock lock(mutex_);
      changed_.wait_for(lock, kCloseTime, [&] { return ended_.has_value(); });
      if (!ended_) ended_ = Failed(Code::kClosed, target_.name, "closed here").error();
    }
    work_.reset();
    io_.stop();
    thread_.join();
    ErrorCode ignored;
    beast::get_lowest_layer(ws_).socket().close(ignored);
    changed_.notify_all();
  }

 private:
  static constexpr bool kTls = !std::is_same_v<Stream, beast::tcp_stream>;

  websocket::stream<Stream> MakeStream() {
    if constexpr (kTls) {
      return websocket::stream<Stream>(io_, tls_);
    } else {
      return websocket::stream<Stream>(io_);
    }
  }

  // What was started is done when this returns: all of it has deadlines.
  void Run(const std::optional<ErrorCode>& done) {
    io_.restart();
    while (!done && io_.run_one() > 0) {
    }
    KEEL_ASSERT(done.has_value());
  }

  Result<> Connect(uint64_t deadline) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_NUMERICSERV;
    addrinfo* found = nullptr;
    // The resolver has its own time limits (resolv.conf); addresses don't use it.
    const int status =
        ::getaddrinfo(target_.url.host.c_str(), std::to_string(target_.url.port).c_str(), &hints, &found);
    if (status != 0)
      return Failed(Code::kUnreachable, target_.name, std::string("can't find the host: ") + gai_strerror(status));
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner(found, &::freeaddrinfo);
    ErrorCode last = asio::error::host_not_found;
    for (const addrinfo* a = found; a != nullptr; a = a->ai_next) {
      asio::ip::tcp::endpoint endpoint;
      endpoint.resize(a->ai_addrlen);
      memcpy(endpoint.data(), a->ai_addr, a->ai_addrlen);
      std::optional<ErrorCode> done;
      beast::get_lowest_layer(ws_).expires_after(std::max(milliseconds(1), Until(deadline)));
      beast::get_lowest_layer(ws_).async_connect(endpoint, [&](ErrorCode error) { done = error; });
      Run(done);
      if (!*done) {
        beast::get_lowest_layer(ws_).socket().set_option(asio::ip::tcp::no_delay(true), last);
        return {};
      }
      last = *done;
    }
    return Failed(Code::kUnreachable, target_.name,
                  "can't connect: " + (last == beast::error::timeout ? "no answer in time" : last.message()));
  }

  Result<> Secure(uint64_t deadline) {
    if constexpr (kTls) {
      ErrorCode error;
      if (options_.ca_file.empty()) {
        tls_.set_default_verify_paths(error);
      } else {
        tls_.load_verify_file(options_.ca_file, error);
      }
      if (error) return Fail(Code::kIo, "websocket", "can't read " + options_.ca_file + ": " + error.message());
      // The context's own settings were taken when the stream was made; trust is looked up at the handshake.
      auto& stream = ws_.next_layer();
      stream.set_verify_mode(ssl::verify_peer);
      stream.set_verify_callback(ssl::host_name_verification(target_.url.host));
      ErrorCode no_address;
      asio::ip::make_address(target_.url.host, no_address);
      // Server name indication is for names (RFC 6066 section 3).
      if (no_address && SSL_set_tlsext_host_name(stream.native_handle(), target_.url.host.c_str()) != 1)
        return Fail(Code::kInvalidArgument, "websocket", "the host name of " + target_.name);
      if (SSL_set_min_proto_version(stream.native_handle(), TLS1_2_VERSION) != 1)
        return Fail(Code::kInternalError, "websocket", "TLS 1.2");
      beast::get_lowest_layer(ws_).expires_after(std::max(milliseconds(1), Until(deadline)));
      std::optional<ErrorCode> done;
      stream.async_handshake(ssl::stream_base::client, [&](ErrorCode result) { done = result; });
      Run(done);
      if (*done == beast::error::timeout) return Failed(Code::kTimeout, target_.name, "no TLS handshake in time");
      if (*done) {
        const bool verdict = SSL_get_verify_result(stream.native_handle()) != X509_V_OK;
        return Failed(verdict ? Code::kUntrusted : Code::kClosed, target_.name, "TLS: " + done->message());
      }
    }
    return {};
  }

  void Read() {
    ws_.async_read(buffer_, [this](ErrorCode error, size_t) {
      if (error) return End(ErrorOf(error, ws_.reason(), target_.name));
      bool more = true;
      {
        const std::lock_guard lock(mutex_);
        inbox_.push_back(beast::buffers_to_string(buffer_.data()));
        buffer_.consume(buffer_.size());
        full_ = inbox_.size() >= options_.max_waiting;
        more = !full_;
      }
      changed_.notify_all();
      if (more) Read();
    });
  }

  // Beast's own pings have no payload.
  void Pong(beast::string_view payload) {
    uint64_t number = 0;
    if (payload.empty() || payload.size() > 19) return;
    for (const char digit : payload) {
      if (digit < '0' || digit > '9') return;
      number = number * 10 + static_cast<uint64_t>(digit - '0');
    }
    {
      const std::lock_guard lock(mutex_);
      if (number > pings_) return;  // an answer to nothing
      pongs_ = std::max(pongs_, number);
    }
    changed_.notify_all();
  }

  void End(Error why) {
    {
      const std::lock_guard lock(mutex_);
      if (!ended_) ended_ = std::move(why);
    }
    changed_.notify_all();
  }

  void Abort() {
    beast::get_lowest_layer(ws_).close();
    End(Failed(Code::kClosed, target_.name, "closed").error());
  }

  // Beast takes one write at a time.
  void Enqueue(std::function<void()> write) {
    writes_.push_back(std::move(write));
    if (writes_.size() == 1) writes_.front()();
  }
  void NextWrite() {
    writes_.pop_front();
    if (!writes_.empty()) writes_.front()();
  }

  const Target target_;
  const WebSocketClientOptions options_;
  asio::io_context io_;
  ssl::context tls_;
  websocket::stream<Stream> ws_;
  beast::flat_buffer buffer_;
  std::deque<std::function<void()>> writes_;
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_;
  std::thread thread_;

  mutable std::mutex mutex_;  // all below
  std::condition_variable changed_;
  std::deque<std::string> inbox_;
  std::optional<Error> ended_;
  bool full_ = false;  // nothing is read until a message was taken
  uint64_t pings_ = 0, pongs_ = 0;
};

template <class Stream>
Result<std::unique_ptr<WebSocketClient>> Open(Target target, const WebSocketClientOptions& options,
                                              const Deadlines& deadlines) {
  auto client = std::make_unique<Client<Stream>>(std::move(target), options);
  KEEL_TRY_VOID(client->Open(deadlines));
  return client;
}

}  // namespace

Result<std::unique_ptr<WebSocketClient>> WebSocketClient::Connect(const std::string& url,
                                                                  const WebSocketClientOptions& options,
                                                                  const Deadlines& deadlines) {
  KEEL_TRY(Target target, ParseTarget(url));
  if (target.tls) return Open<beast::ssl_stream<beast::tcp_stream>>(std::move(target), options, deadlines);
  return Open<beast::tcp_stream>(std::move(target), options, deadlines);
}

}  // namespace keel::base
