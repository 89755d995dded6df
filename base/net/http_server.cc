// SPDX-License-Identifier: Apache-2.0
#include "base/net/http_server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/read.hpp>
#include <boost/beast/http/string_body.hpp>
#include <list>
#include <mutex>
#include <optional>
#include <thread>

#include "base/log.h"
#include "base/net/internal/http_response.h"
#include "base/net/internal/listen.h"
#include "base/net/internal/tls.h"

namespace keel::base {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
using Protocol = asio::generic::stream_protocol;
using Socket = Protocol::socket;
using Acceptor = asio::basic_socket_acceptor<Protocol>;
using ErrorCode = boost::system::error_code;

constexpr size_t kReadBuffer = 64 << 10;     // bounds chunk headers too
constexpr size_t kFirstRead = 4 << 10;       // of a request over TLS
constexpr size_t kLingerOctets = 256 << 10;  // read and dropped after a refusal, so that the client sees the answer
constexpr auto kLingerTime = std::chrono::seconds(1);

class Session;

}  // namespace

struct HttpServer::Impl {
  HttpServerOptions options;
  HttpHandler handler;
  std::shared_ptr<asio::io_context> io = std::make_shared<asio::io_context>();
  std::optional<ssl::context> tls;
  std::optional<Acceptor> acceptor;
  std::optional<asio::steady_timer> accept_retry;
  std::unique_ptr<asio::thread_pool> workers;
  std::vector<std::thread> threads;
  int family = AF_INET;
  uint16_t port = 0;
  LogLimiter log;

  std::atomic<uint64_t> accepted{0}, requests{0}, refused{0}, timed_out{0}, evicted{0};

  std::mutex mutex;  // sessions, stopping
  // All open connections; those that wait for their client stand in front, the longest wait first. Shared with the
  // session's own handlers in flight.
  std::list<std::shared_ptr<Session>> waiting, busy;
  bool stopping = false;

  size_t Open() { return waiting.size() + busy.size(); }
  void Accept();
  void Begin(Socket socket);
  void Stop();
};

struct Responder::State {
  std::weak_ptr<Session> session;
  std::shared_ptr<asio::io_context> io;  // kept while an answer may still be posted to it
  std::atomic<bool> answered{false};
  bool Answer(HttpResponse response);
  ~State();
};

namespace {

// One connection: read a request, have it handled, write the answer, again. All its handlers run on the socket's
// strand. Owned by the server's lists.
class Session : public std::enable_shared_from_this<Session> {
 public:
  Session(Socket socket, HttpServer::Impl& server)
      : socket_(std::move(socket)), timer_(socket_.get_executor()), server_(server), buffer_(kReadBuffer) {
    peer_ = internal::PeerName(socket_.native_handle(), server.family);
    if (server.tls) tls_.emplace(socket_, *server.tls);
  }

  std::list<std::shared_ptr<Session>>::iterator place;  // guarded by the server's mutex
  bool in_waiting = true;

  const std::string& peer() const { return peer_; }
  auto executor() { return socket_.get_executor(); }

  void Start() {
    asio::post(executor(), [self = shared_from_this()] {
      if (!self->tls_) return self->ReadHeader(self->server_.options.header_deadline);
      self->Arm(self->server_.options.header_deadline);
      self->tls_->async_handshake(ssl::stream_base::server, [self](ErrorCode error) {
        if (error) {
          (self->expired_ ? self->server_.timed_out : self->server_.refused).fetch_add(1, std::memory_order_relaxed);
          return self->Close();
        }
        self->ReadHeader(self->server_.options.header_deadline);
      });
    });
  }
  // From any thread: ends the connection unless a whole request came in meanwhile.
  void Abort() {
    asio::post(executor(), [self = shared_from_this()] {
      {
        const std::lock_guard lock(self->server_.mutex);
        if (!self->in_waiting) return;
      }
      self->Close();
    });
  }
  void CloseNow() {
    ErrorCode ignored;
    socket_.close(ignored);
  }

  void Reply(HttpResponse response) {
    if (!handling_ || closed_) return;
    handling_ = false;
    Write(std::move(response));
  }

 private:
  using Parser = http::request_parser<http::string_body>;

  // Calls `act` with what octets are read from and written to.
  template <typename Act>
  void OnStream(Act act) {
    if (tls_) {
      act(*tls_);
    } else {
      act(socket_);
    }
  }

  // One deadline for the phase that begins now. What is under way is cancelled when it passes, and `expired_` tells the
  // phase's handler.
  void Arm(std::chrono::milliseconds time) {
    expired_ = false;
    const uint64_t phase = ++phase_;
    Await(time, phase);
  }
  void Await(std::chrono::milliseconds time, uint64_t phase) {
    timer_.expires_after(time);
    timer_.async_wait([self = shared_from_this(), phase](ErrorCode error) {
      if (error || phase != self->phase_ || self->closed_) return;
      self->expired_ = true;
      ErrorCode ignored;
      self->socket_.cancel(ignored);
      // A composed operation between two of its reads has nothing to cancel: again until the phase ends.
      self->Await(std::chrono::milliseconds(20), phase);
    });
  }
  void Disarm() {
    ++phase_;
    timer_.cancel();
  }

  void SetWaiting(bool waiting) {
    const std::lock_guard lock(server_.mutex);
    if (closed_ || waiting == in_waiting || server_.stopping) return;
    in_waiting = waiting;
    auto& to = waiting ? server_.waiting : server_.busy;
    to.splice(to.end(), waiting ? server_.busy : server_.waiting, place);
  }

  // Between requests: wait for the first octet under the idle deadline, then for the rest of the header under its own.
  void ReadNext() {
    SetWaiting(true);
    if (buffer_.size() > 0) return ReadHeader(server_.options.header_deadline);
    Arm(server_.options.idle_deadline);
    if (tls_) {
      // The socket may be silent while TLS holds octets that it has read: those are asked for, not the socket.
      return tls_->async_read_some(buffer_.prepare(kFirstRead), [self = shared_from_this()](ErrorCode error, size_t n) {
        if (error) return self->Close();
        self->buffer_.commit(n);
        self->ReadHeader(self->server_.options.header_deadline);
      });
    }
    socket_.async_wait(Socket::wait_read, [self = shared_from_this()](ErrorCode error) {
      if (error) return self->Close();
      self->ReadHeader(self->server_.options.header_deadline);
    });
  }

  void ReadHeader(std::chrono::milliseconds deadline) {
    parser_.emplace();
    parser_->header_limit(static_cast<uint32_t>(server_.options.max_header));
    parser_->body_limit(server_.options.max_body);
    Arm(deadline);
    OnStream([this](auto& stream) {
      http::async_read_header(stream, buffer_, *parser_,
                              [self = shared_from_this()](ErrorCode error, size_t) { self->OnHeader(error); });
    });
  }

  void OnHeader(ErrorCode error) {
    if (error) return ReadFailed(error);
    // The limit is on the header; what came with it in the buffer belongs to the body.
    const auto length = parser_->content_length();
    if (length && *length > server_.options.max_body)
      return Refuse(413, "too_large",
                    "the body is over the limit of " + std::to_string(server_.options.max_body) + " octets");
    if (parser_->is_done()) return OnBody({});
    Arm(server_.options.body_deadline);
    const auto expect = parser_->get()[http::field::expect];
    if (!beast::iequals(expect, "100-continue")) return ReadBody();
    static constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    OnStream([this](auto& stream) {
      asio::async_write(stream, asio::buffer(kContinue.data(), kContinue.size()),
                        [self = shared_from_this()](ErrorCode failed, size_t) {
                          if (failed) return self->Close();
                          self->ReadBody();
                        });
    });
  }

  void ReadBody() {
    OnStream([this](auto& stream) {
      http::async_read(stream, buffer_, *parser_,
                       [self = shared_from_this()](ErrorCode error, size_t) { self->OnBody(error); });
    });
  }

  void OnBody(ErrorCode error) {
    if (error) return ReadFailed(error);
    Disarm();
    server_.requests.fetch_add(1, std::memory_order_relaxed);
    SetWaiting(false);
    auto message = parser_->release();
    keep_alive_ = message.keep_alive();
    head_only_ = message.method() == http::verb::head;
    HttpRequest request;
    request.method = std::string(message.method_string());
    request.target = std::string(message.target());
    const size_t mark = request.target.find('?');
    request.path = request.target.substr(0, mark);
    if (mark != std::string::npos) request.query = request.target.substr(mark + 1);
    for (const auto& field : message)
      request.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
    request.body = std::move(message.body());
    request.peer = peer_;
    parser_.reset();
    if (!request.target.starts_with('/')) return Refuse(400, "malformed", "the request target must begin with /");
    const std::string_view protocol = request.Header("Upgrade");
    if (const auto hook = server_.options.upgrades.find(request.path);
        hook != server_.options.upgrades.end() && request.method == "GET" &&
        beast::iequals(beast::string_view(protocol.data(), protocol.size()), "websocket")) {
      return HandOver(hook->second, std::move(request));
    }
    handling_ = true;
    auto state = std::make_shared<Responder::State>();
    state->session = weak_from_this();
    state->io = server_.io;
    if (server_.workers == nullptr) {
      server_.handler(std::move(request), Responder(std::move(state)));
    } else {
      asio::post(*server_.workers,
                 [&server = server_, request = std::move(request), responder = Responder(std::move(state))]() mutable {
                   server.handler(std::move(request), std::move(responder));
                 });
    }
  }

  void HandOver(const HttpUpgradeHook& hook, HttpRequest request) {
    // A client waits for the answer before it speaks the other protocol.
    if (buffer_.size() > 0) return Refuse(400, "malformed", "octets after a request for an upgrade");
    ErrorCode error;
    const int fd = socket_.release(error);
    Close();
    if (!error) hook(fd, std::move(request));
  }

  void ReadFailed(ErrorCode error) {
    if (expired_) {
      server_.timed_out.fetch_add(1, std::memory_order_relaxed);
      return Refuse(408, "timeout", "the request did not arrive in time");
    }
    if (error == http::error::body_limit)
      return Refuse(413, "too_large",
                    "the body is over the limit of " + std::to_string(server_.options.max_body) + " octets");
    if (error == http::error::header_limit || error == http::error::buffer_overflow) {
      return Refuse(431, "too_large",
                    "the header is over the limit of " + std::to_string(server_.options.max_header) + " octets");
    }
    // What http::error names is a fault of the request; end_of_stream and system errors mean that the client left.
    if (error.category() == http::make_error_code(http::error::bad_version).category() &&
        error != http::error::end_of_stream && error != http::error::partial_message) {
      return Refuse(400, "malformed", "not an HTTP/1.1 request: " + error.message());
    }
    Close();
  }

  void Refuse(int status, const char* code, const std::string& message) {
    server_.refused.fetch_add(1, std::memory_order_relaxed);
    keep_alive_ = false;
    linger_ = true;
    parser_.reset();
    buffer_.clear();
    SetWaiting(true);  // may be closed for a better connection
    Write(JsonResponse(status, std::string(R"({"error":{"code":")") + code + R"(","message":")" + message + "\"}}"));
  }

  void Write(HttpResponse response) {
    response_ = std::move(response);
    if (!body_.Open(response_)) {
      response_ = JsonResponse(500, R"({"error":{"code":"io","message":"the body can't be read"}})");
      static_cast<void>(body_.Open(response_));
    }
    head_ = internal::ResponseHead(response_, server_.options.server_name, body_.left(), keep_alive_);
    if (head_only_ || !internal::HasBody(response_)) body_.Drop();
    WritePiece(true);
  }

  void WritePiece(bool first) {
    std::string_view piece;
    if (!body_.Next(piece)) return Close();
    const std::array<asio::const_buffer, 2> buffers{first ? asio::buffer(head_) : asio::const_buffer(),
                                                    asio::buffer(piece.data(), piece.size())};
    Arm(server_.options.write_deadline);
    OnStream([this, &buffers](auto& stream) {
      asio::async_write(stream, buffers, [self = shared_from_this()](ErrorCode error, size_t) {
        if (error) return self->Close();
        if (self->body_.left() > 0) return self->WritePiece(false);
        self->Written();
      });
    });
  }

  void Written() {
    Disarm();
    response_ = {};
    body_ = {};
    head_only_ = false;
    if (keep_alive_) return ReadNext();
    if (!tls_) return EndOfAnswers();
    Arm(kLingerTime);
    // Without TLS's goodbye a client can't tell a whole answer from one that was cut.
    tls_->async_shutdown([self = shared_from_this()](ErrorCode) { self->EndOfAnswers(); });
  }

  void EndOfAnswers() {
    ErrorCode ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
    if (!linger_) return Close();
    // Closing with unread data makes the kernel send a reset, which can overtake the answer.
    lingering_.resize(16 << 10);
    lingered_ = 0;
    Arm(kLingerTime);
    Linger();
  }

  void Linger() {
    socket_.async_read_some(asio::buffer(lingering_), [self = shared_from_this()](ErrorCode error, size_t n) {
      self->lingered_ += n;
      if (error || self->lingered_ > kLingerOctets) return self->Close();
      self->Linger();
    });
  }

  void Close() {
    if (closed_) return;
    Disarm();
    ErrorCode ignored;
    socket_.close(ignored);
    const std::lock_guard lock(server_.mutex);
    closed_ = true;
    if (!server_.stopping) (in_waiting ? server_.waiting : server_.busy).erase(place);
  }

  Socket socket_;
  std::optional<ssl::stream<Socket&>> tls_;  // over socket_
  asio::steady_timer timer_;
  HttpServer::Impl& server_;  // outlives every handler: Stop joins the threads first
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  std::string peer_;
  uint64_t phase_ = 0;
  bool expired_ = false, closed_ = false, handling_ = false;
  bool keep_alive_ = false, head_only_ = false, linger_ = false;
  HttpResponse response_;
  internal::ResponseBody body_;
  std::string head_, lingering_;
  size_t lingered_ = 0;
};

}  // namespace

bool Responder::State::Answer(HttpResponse response) {
  if (answered.exchange(true)) return false;
  const std::shared_ptr<Session> target = session.lock();
  if (target == nullptr) return false;
  asio::post(target->executor(),
             [target, response = std::move(response)]() mutable { target->Reply(std::move(response)); });
  return true;
}

Responder::State::~State() {
  if (!answered.load())
    static_cast<void>(
        Answer(JsonResponse(500, R"({"error":{"code":"internal_error","message":"the request was not answered"}})")));
}

bool Responder::Send(HttpResponse response) const { return state_->Answer(std::move(response)); }

void HttpServer::Impl::Accept() {
  acceptor->async_accept(asio::make_strand(*io), [this](ErrorCode error, auto socket) {
    if (error == asio::error::operation_aborted) return;
    if (error) {
      // Out of descriptors, most likely: wait a little rather than spin.
      log.Log(LogLevel::kWarn, "http.accept_failed", {{"error", error.message()}});
      accept_retry->expires_after(std::chrono::milliseconds(50));
      accept_retry->async_wait([this](ErrorCode cancelled) {
        if (!cancelled) Accept();
      });
      return;
    }
    accepted.fetch_add(1, std::memory_order_relaxed);
    Begin(Socket(std::move(socket)));
    Accept();
  });
}

void HttpServer::Impl::Begin(Socket socket) {
  if (family == AF_UNIX) {
    if (!internal::PeerIsOurs(socket.native_handle())) {
      refused.fetch_add(1, std::memory_order_relaxed);
      log.Log(LogLevel::kWarn, "http.peer_refused", {{"peer", internal::PeerName(socket.native_handle(), family)}});
      return;
    }
  } else {
    const int on = 1;
    ::setsockopt(socket.native_handle(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  auto session = std::make_shared<Session>(std::move(socket), *this);
  std::shared_ptr<Session> victim;
  {
    const std::lock_guard lock(mutex);
    if (stopping) return;
    if (Open() >= options.max_connections) {
      refused.fetch_add(1, std::memory_order_relaxed);
      if (waiting.empty()) return;  // every connection is being served: this one is closed at once
      // Makes room now; the victim's own Close finds itself already out of the list.
      victim = waiting.front();
      waiting.splice(waiting.end(), waiting, waiting.begin());
      evicted.fetch_add(1, std::memory_order_relaxed);
    }
    waiting.push_back(session);
    session->place = std::prev(waiting.end());
  }
  if (victim != nullptr) victim->Abort();
  session->Start();
}

void HttpServer::Impl::Stop() {
  {
    const std::lock_guard lock(mutex);
    if (stopping) return;
    stopping = true;
  }
  io->stop();
  for (std::thread& thread : threads) thread.join();
  if (workers != nullptr) workers->join();
  ErrorCode ignored;
  if (acceptor) acceptor->close(ignored);
  for (auto* list : {&waiting, &busy}) {
    for (const auto& session : *list) session->CloseNow();
    list->clear();
  }
  if (!options.unix_path.empty()) ::unlink(options.unix_path.c_str());
}

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<HttpServer>> HttpServer::Start(const HttpServerOptions& options, HttpHandler handler) {
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  impl->handler = std::move(handler);
  if (!options.certificate_file.empty() || !options.key_file.empty()) {
    if (!options.unix_path.empty() || !options.upgrades.empty())
      return Fail(Code::kInvalidArgument, "http server", "TLS goes with neither unix sockets nor upgrades");
    KEEL_TRY(ssl_ctx_st* const context, internal::MakeServerTls(options.certificate_file, options.key_file));
    impl->tls.emplace(context);
  }
  int fd = -1;
  if (options.unix_path.empty()) {
    KEEL_TRY(fd, internal::ListenTcp(options.host, options.port, impl->family, impl->port));
  } else {
    impl->family = AF_UNIX;
    KEEL_TRY(fd, internal::ListenUnix(options.unix_path));
  }
  impl->acceptor.emplace(*impl->io);
  impl->accept_retry.emplace(*impl->io);
  ErrorCode error;
  impl->acceptor->assign(Protocol(impl->family, impl->family == AF_UNIX ? 0 : IPPROTO_TCP), fd, error);
  if (error) {
    ::close(fd);
    return Fail(Code::kIo, "http server", error.message());
  }
  if (options.handler_threads > 0)
    impl->workers = std::make_unique<asio::thread_pool>(static_cast<size_t>(options.handler_threads));
  impl->Accept();
  for (int i = 0; i < std::max(1, options.threads); ++i) impl->threads.emplace_back([io = impl->io] { io->run(); });
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

HttpServer::~HttpServer() { Stop(); }
void HttpServer::Stop() { impl_->Stop(); }
uint16_t HttpServer::port() const { return impl_->port; }
std::string HttpServer::url() const {
  if (impl_->family == AF_UNIX) return "unix:" + impl_->options.unix_path;
  const std::string& host = impl_->options.host;
  return (impl_->tls ? "https://" : "http://") + (impl_->family == AF_INET6 ? "[" + host + "]" : host) + ":" +
         std::to_string(impl_->port);
}

HttpServer::Stats HttpServer::stats() const {
  Stats out;
  out.accepted = impl_->accepted;
  out.requests = impl_->requests;
  out.refused = impl_->refused;
  out.timed_out = impl_->timed_out;
  out.evicted = impl_->evicted;
  const std::lock_guard lock(impl_->mutex);
  out.open = impl_->Open();
  return out;
}

}  // namespace keel::base
