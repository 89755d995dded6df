// SPDX-License-Identifier: Apache-2.0
#include "base/net/websocket_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/beast/core/buffers_to_string.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/net/internal/listen.h"
#include "base/net/internal/tls.h"

namespace keel::base {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
namespace websocket = boost::beast::websocket;
using asio::ip::tcp;
using ErrorCode = boost::system::error_code;
using Request = http::request<http::empty_body>;

namespace {
constexpr size_t kMaxHeader = 16 << 10;
constexpr auto kCloseTime = std::chrono::seconds(2);  // for the peer to answer our goodbye
}  // namespace

namespace {

// A session without its kind of stream.
class Peer {
 public:
  virtual ~Peer() = default;
  virtual bool Send(std::string text) = 0;
  virtual void Close(WebSocketClose code) = 0;
  virtual void CloseNow() = 0;
  virtual bool open() const = 0;
};

}  // namespace

// The io context is kept while something may still be posted to it.
struct WebSocketConnection::Handle {
  std::shared_ptr<asio::io_context> io;
  std::weak_ptr<Peer> session;
  uint64_t id = 0;
  std::string peer;
};

bool WebSocketConnection::Send(std::string text) const {
  const std::shared_ptr<Peer> session = handle_->session.lock();
  return session != nullptr && session->Send(std::move(text));
}
void WebSocketConnection::Close(WebSocketClose code) const {
  if (const std::shared_ptr<Peer> session = handle_->session.lock()) session->Close(code);
}
bool WebSocketConnection::open() const {
  const std::shared_ptr<Peer> session = handle_->session.lock();
  return session != nullptr && session->open();
}
uint64_t WebSocketConnection::id() const { return handle_->id; }
const std::string& WebSocketConnection::peer() const { return handle_->peer; }

struct WebSocketServer::Impl {
  WebSocketServerOptions options;
  OnMessage on_message;
  OnClosed on_closed;
  std::shared_ptr<asio::io_context> io = std::make_shared<asio::io_context>();
  std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work;
  std::optional<ssl::context> tls;
  std::optional<tcp::acceptor> acceptor;
  std::optional<asio::steady_timer> accept_retry;
  std::unique_ptr<asio::thread_pool> workers;
  std::vector<std::thread> threads;
  uint16_t port = 0;
  LogLimiter log;

  std::atomic<uint64_t> accepted{0}, messages{0}, refused{0}, timed_out{0};

  std::mutex mutex;  // the three below
  // Shared with the sessions' own handlers in flight and with the handles given out.
  std::map<uint64_t, std::shared_ptr<Peer>> open;
  uint64_t next_id = 1;
  bool stopping = false;

  void Accept();
  // With a request: its upgrade was asked for at an HttpServer.
  void Begin(tcp::socket socket, std::optional<Request> request);
  void Stop();
};

namespace {

using Server = WebSocketServer::Impl;

// One connection. All its handlers run on the socket's strand.
template <class Stream>
class Session final : public Peer, public std::enable_shared_from_this<Session<Stream>> {
 public:
  template <class... Arguments>
  explicit Session(Server& server, Arguments&&... stream)
      : server_(server), ws_(std::forward<Arguments>(stream)...), timer_(ws_.get_executor()) {}

  // Set before Start.
  uint64_t id = 0;
  std::string peer;

  void Start(std::optional<Request> request) {
    asio::post(ws_.get_executor(), [self = this->shared_from_this(), request = std::move(request)]() mutable {
      self->Arm(self->server_.options.handshake_deadline);
      if (request) {
        self->request_ = std::move(*request);
        return self->Upgrade();
      }
      if constexpr (kTls) {
        self->ws_.next_layer().async_handshake(ssl::stream_base::server, [self](ErrorCode error) {
          if (error) return self->Gone();
          self->ReadRequest();
        });
      } else {
        self->ReadRequest();
      }
    });
  }

  bool Send(std::string text) override {
    if (gone_.load()) return false;
    const size_t queued = queued_.fetch_add(text.size()) + text.size();
    asio::post(ws_.get_executor(), [self = this->shared_from_this(), text = std::move(text), queued]() mutable {
      if (self->gone_.load()) return;
      if (queued > self->server_.options.max_queued) {
        self->server_.refused.fetch_add(1, std::memory_order_relaxed);
        return self->Gone();  // it doesn't read: a goodbye wouldn't reach it either
      }
      self->outbox_.push_back(std::move(text));
      if (self->outbox_.size() == 1) self->Write();
    });
    return true;
  }

  void Close(WebSocketClose code) override {
    asio::post(ws_.get_executor(), [self = this->shared_from_this(), code] { self->Goodbye(code); });
  }

  bool open() const override { return !gone_.load(); }

  void CloseNow() override {
    gone_.store(true);  // a handle that outlives the server must learn it
    ErrorCode ignored;
    beast::get_lowest_layer(ws_).close(ignored);
  }

 private:
  static constexpr bool kTls = !std::is_same_v<Stream, tcp::socket>;

  // Made when it is given out: a session that held one would hold the io context that holds the session's handlers.
  WebSocketConnection Connection() {
    return WebSocketConnection(std::make_shared<const WebSocketConnection::Handle>(
        WebSocketConnection::Handle{server_.io, this->shared_from_this(), id, peer}));
  }

  // One deadline for reading (handshake, then a message that has begun).
  void Arm(std::chrono::milliseconds time) {
    timer_.expires_after(time);
    timer_.async_wait([self = this->shared_from_this()](ErrorCode cancelled) {
      if (cancelled || self->gone_.load()) return;
      self->server_.timed_out.fetch_add(1, std::memory_order_relaxed);
      self->Gone();
    });
  }

  void ReadRequest() {
    parser_.emplace();
    parser_->header_limit(kMaxHeader);
    http::async_read(ws_.next_layer(), buffer_, *parser_, [self = this->shared_from_this()](ErrorCode error, size_t) {
      if (error || self->buffer_.size() > 0) return self->Gone();
      self->request_ = self->parser_->release();
      const auto target = self->request_.target();
      const bool ours = target.substr(0, target.find('?')) == self->server_.options.path;
      if (!ours || !websocket::is_upgrade(self->request_)) return self->Refuse(ours ? 426 : 404);
      self->Upgrade();
    });
  }

  void Refuse(unsigned status) {
    server_.refused.fetch_add(1, std::memory_order_relaxed);
    response_.result(status);
    response_.version(11);
    response_.keep_alive(false);
    if (status == 426) response_.set(http::field::upgrade, "websocket");
    response_.prepare_payload();
    http::async_write(ws_.next_layer(), response_,
                      [self = this->shared_from_this()](ErrorCode, size_t) { self->Gone(); });
  }

  void Upgrade() {
    websocket::stream_base::timeout timeout{};
    timeout.handshake_timeout = websocket::stream_base::none();  // ours covers TLS and the request too
    timeout.idle_timeout = server_.options.idle_deadline;
    timeout.keep_alive_pings = true;
    ws_.set_option(timeout);
    ws_.read_message_max(server_.options.max_message);
    ws_.text(true);
    ws_.async_accept(request_, [self = this->shared_from_this()](ErrorCode error) {
      if (error) {
        self->server_.refused.fetch_add(1, std::memory_order_relaxed);
        return self->Gone();
      }
      self->timer_.cancel();
      self->server_.accepted.fetch_add(1, std::memory_order_relaxed);
      self->Read();
    });
  }

  // Piece by piece, so that a message that trickles in meets its deadline.
  void Read() {
    ws_.async_read_some(buffer_, 0, [self = this->shared_from_this()](ErrorCode error, size_t) {
      if (error) {
        if (error == websocket::error::message_too_big) self->server_.refused.fetch_add(1, std::memory_order_relaxed);
        return self->Gone();
      }
      if (!self->ws_.is_message_done()) {
        if (!std::exchange(self->reading_, true)) self->Arm(self->server_.options.message_deadline);
        return self->Read();
      }
      self->reading_ = false;
      self->timer_.cancel();
      self->server_.messages.fetch_add(1, std::memory_order_relaxed);
      std::string text = beast::buffers_to_string(self->buffer_.data());
      self->buffer_.consume(self->buffer_.size());
      asio::post(*self->server_.workers, [self, text = std::move(text)]() mutable {
        self->server_.on_message(self->Connection(), std::move(text));
        asio::post(self->ws_.get_executor(), [self] {
          // A handler that said goodbye: to read on would answer a ping, as if the message had been taken.
          if (!self->gone_.load() && !self->goodbye_) self->Read();
        });
      });
    });
  }

  void Write() {
    write_timer_.emplace(ws_.get_executor(), server_.options.write_deadline);
    write_timer_->async_wait([self = this->shared_from_this()](ErrorCode cancelled) {
      if (cancelled || self->gone_.load()) return;
      self->server_.timed_out.fetch_add(1, std::memory_order_relaxed);
      self->Gone();
    });
    ws_.async_write(asio::buffer(outbox_.front()), [self = this->shared_from_this()](ErrorCode error, size_t) {
      if (self->write_timer_) self->write_timer_->cancel();
      if (error) return self->Gone();
      self->queued_.fetch_sub(self->outbox_.front().size());
      self->outbox_.pop_front();
      if (!self->outbox_.empty()) return self->Write();
      if (self->goodbye_) self->Goodbye(*self->goodbye_);
    });
  }

  // After what waits to be written.
  void Goodbye(WebSocketClose code) {
    if (gone_.load() || closing_) return;
    goodbye_ = code;
    if (!outbox_.empty()) return;
    closing_ = true;
    Arm(kCloseTime);
    ws_.async_close(websocket::close_reason(static_cast<uint16_t>(code)),
                    [self = this->shared_from_this()](ErrorCode) { self->Gone(); });
  }

  void Gone() {
    if (gone_.exchange(true)) return;
    timer_.cancel();
    if (write_timer_) write_timer_->cancel();
    CloseNow();
    const std::lock_guard lock(server_.mutex);
    if (server_.stopping) return;
    server_.open.erase(id);
    if (server_.on_closed) {
      asio::post(*server_.workers, [self = this->shared_from_this()] { self->server_.on_closed(self->Connection()); });
    }
  }

  Server& server_;  // outlives every handler: Stop joins the threads first
  websocket::stream<Stream> ws_;
  asio::steady_timer timer_;
  std::optional<asio::steady_timer> write_timer_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::empty_body>> parser_;
  Request request_;
  http::response<http::string_body> response_;
  std::deque<std::string> outbox_;
  std::atomic<size_t> queued_{0};
  std::atomic<bool> gone_{false};
  std::optional<WebSocketClose> goodbye_;
  bool reading_ = false, closing_ = false;
};

}  // namespace

void WebSocketServer::Impl::Accept() {
  acceptor->async_accept(asio::make_strand(*io), [this](ErrorCode error, tcp::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (error) {
      // Out of descriptors, most likely: wait a little rather than spin.
      log.Log(LogLevel::kWarn, "websocket.accept_failed", {{"error", error.message()}});
      accept_retry->expires_after(std::chrono::milliseconds(50));
      accept_retry->async_wait([this](ErrorCode cancelled) {
        if (!cancelled) Accept();
      });
      return;
    }
    Begin(std::move(socket), std::nullopt);
    Accept();
  });
}

void WebSocketServer::Impl::Begin(tcp::socket socket, std::optional<Request> request) {
  const int fd = socket.native_handle();
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const auto add = [&](const auto& session) {
    session->peer = internal::PeerName(fd, AF_INET);
    {
      const std::lock_guard lock(mutex);
      if (stopping) return;
      if (open.size() >= options.max_connections) {
        refused.fetch_add(1, std::memory_order_relaxed);
        return;  // closed with the session
      }
      session->id = next_id++;
      open.emplace(session->id, session);
    }
    session->Start(std::move(request));
  };
  if (tls && !request) {
    add(std::make_shared<Session<ssl::stream<tcp::socket>>>(*this, std::move(socket), *tls));
  } else {
    add(std::make_shared<Session<tcp::socket>>(*this, std::move(socket)));
  }
}

void WebSocketServer::Impl::Stop() {
  {
    const std::lock_guard lock(mutex);
    if (stopping) return;
    stopping = true;
  }
  work.reset();
  io->stop();
  for (std::thread& thread : threads) thread.join();
  workers->join();
  ErrorCode ignored;
  if (acceptor) acceptor->close(ignored);
  std::map<uint64_t, std::shared_ptr<Peer>> left;
  {
    const std::lock_guard lock(mutex);
    left.swap(open);
  }
  for (const auto& [id, session] : left) session->CloseNow();
}

WebSocketServer::WebSocketServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<WebSocketServer>> WebSocketServer::Start(const WebSocketServerOptions& options,
                                                                OnMessage on_message, OnClosed on_closed) {
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  impl->on_message = std::move(on_message);
  impl->on_closed = std::move(on_closed);
  ErrorCode error;
  if (!options.certificate_file.empty()) {
    KEEL_TRY(ssl_ctx_st* const context, internal::MakeServerTls(options.certificate_file, options.key_file));
    impl->tls.emplace(context);
  }
  if (!options.host.empty()) {
    int family = AF_INET;
    KEEL_TRY(const int fd, internal::ListenTcp(options.host, options.port, family, impl->port));
    impl->acceptor.emplace(*impl->io);
    impl->accept_retry.emplace(*impl->io);
    impl->acceptor->assign(family == AF_INET6 ? tcp::v6() : tcp::v4(), fd, error);
    if (error) {
      ::close(fd);
      return Fail(Code::kIo, "websocket server", error.message());
    }
  }
  impl->workers = std::make_unique<asio::thread_pool>(static_cast<size_t>(std::max(1, options.handler_threads)));
  impl->work.emplace(impl->io->get_executor());
  if (impl->acceptor) impl->Accept();
  for (int i = 0; i < std::max(1, options.threads); ++i) impl->threads.emplace_back([io = impl->io] { io->run(); });
  return std::unique_ptr<WebSocketServer>(new WebSocketServer(std::move(impl)));
}

HttpUpgradeHook WebSocketServer::UpgradeHook() {
  return [impl = impl_.get()](int fd, const HttpRequest& request) {
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    ErrorCode error;
    tcp::socket socket(asio::make_strand(*impl->io));
    if (::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0 ||
        (address.ss_family != AF_INET && address.ss_family != AF_INET6)) {
      ::close(fd);
      return;
    }
    socket.assign(address.ss_family == AF_INET6 ? tcp::v6() : tcp::v4(), fd, error);
    if (error) {
      ::close(fd);
      return;
    }
    Request upgrade(http::verb::get, request.target, 11);
    for (const auto& [name, value] : request.headers) upgrade.insert(name, value);
    impl->Begin(std::move(socket), std::move(upgrade));
  };
}

WebSocketServer::~WebSocketServer() { Stop(); }
void WebSocketServer::Stop() { impl_->Stop(); }
uint16_t WebSocketServer::port() const { return impl_->port; }
std::string WebSocketServer::url() const {
  if (!impl_->acceptor) return {};
  const std::string& host = impl_->options.host;
  return (impl_->tls ? "wss://" : "ws://") + (host.find(':') != std::string::npos ? "[" + host + "]" : host) + ":" +
         std::to_string(impl_->port) + impl_->options.path;
}

WebSocketServer::Stats WebSocketServer::stats() const {
  Stats out;
  out.accepted = impl_->accepted;
  out.messages = impl_->messages;
  out.refused = impl_->refused;
  out.timed_out = impl_->timed_out;
  const std::lock_guard lock(impl_->mutex);
  out.open = impl_->open.size();
  return out;
}

}  // namespace keel::base
