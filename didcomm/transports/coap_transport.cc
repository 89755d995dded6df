// SPDX-License-Identifier: Apache-2.0
#include "didcomm/transports/coap_transport.h"

#include <arpa/inet.h>
#include <coap3/coap.h>
#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/net/http.h"

namespace keel::didcomm {
namespace {

constexpr const char* kWhere = "didcomm coap";
constexpr unsigned kSzx = 6;  // blocks of 1,024 octets
constexpr uint32_t kFormatJson = 50;
constexpr size_t kMaxReply = 2 * kMaxMessage;

std::string_view View(const uint8_t* data, size_t size) { return {reinterpret_cast<const char*>(data), size}; }

// libcoap's set-up is the process's, once.
void SetUp() {
  static const bool done = [] {
    coap_startup();
    coap_set_log_level(static_cast<coap_log_t>(0));  // it would write to stderr whatever a stranger sends
    return true;
  }();
  static_cast<void>(done);
}

struct ContextDeleter {
  void operator()(coap_context_t* context) const { coap_free_context(context); }
};
using Context = std::unique_ptr<coap_context_t, ContextDeleter>;

coap_address_t AddressOf(const sockaddr* address, socklen_t length) {
  coap_address_t out;
  coap_address_init(&out);
  out.size = length;
  memcpy(&out.addr, address, std::min<size_t>(length, sizeof out.addr));
  return out;
}

struct Block {
  uint32_t number = 0;
  bool more = false;
  unsigned szx = kSzx;
  size_t size() const { return size_t{16} << szx; }
};

std::optional<Block> ReadBlock(const coap_pdu_t* pdu, coap_option_num_t option) {
  coap_block_t block;
  if (coap_get_block(pdu, option, &block) == 0 || block.szx > kSzx) return std::nullopt;
  return Block{block.num, block.m != 0, block.szx};
}

void AddUint(coap_pdu_t* pdu, coap_option_num_t option, uint32_t value) {
  std::array<uint8_t, 4> octets;
  coap_add_option(pdu, option, coap_encode_var_safe(octets.data(), octets.size(), value), octets.data());
}
void AddBlock(coap_pdu_t* pdu, coap_option_num_t option, const Block& block) {
  AddUint(pdu, option, (block.number << 4) | (block.more ? 8u : 0u) | block.szx);
}
std::optional<uint32_t> ReadUint(const coap_pdu_t* pdu, coap_option_num_t option) {
  coap_opt_iterator_t iterator;
  const coap_opt_t* found = coap_check_option(pdu, option, &iterator);
  if (found == nullptr) return std::nullopt;
  return coap_decode_var_bytes(coap_opt_value(found), coap_opt_length(found));
}
std::string_view DataOf(const coap_pdu_t* pdu) {
  size_t size = 0;
  const uint8_t* data = nullptr;
  return coap_get_data(pdu, &size, &data) == 0 ? std::string_view() : View(data, size);
}

// The octets of block `block` of `body`; beyond its end none.
std::string_view Piece(const std::string& body, const Block& block) {
  const size_t offset = block.number * block.size();
  return offset < body.size() ? std::string_view(body).substr(offset, block.size()) : std::string_view();
}

struct Target {
  std::vector<coap_address_t> addresses;  // of the host, in the order to try
  std::vector<std::string> path;
  std::string name;
};

Result<Target> ParseTarget(const std::string& uri) {
  if (!uri.starts_with("coap://"))
    return Fail(Code::kUnsupported, kWhere, "'" + uri + "' is no coap:// URI (coaps isn't taken part in)");
  const std::string rest = uri.substr(7);
  KEEL_TRY(const base::Url url, base::ParseUrl("http://" + rest));
  const std::string authority = rest.substr(0, rest.find_first_of("/?"));
  const bool has_port = authority.find(':', authority.starts_with('[') ? authority.find(']') : 0) != std::string::npos;
  const uint16_t port = has_port ? url.port : 5683;
  Target target;
  target.name = "coap://" + url.Authority();
  std::string_view path = std::string_view(url.target).substr(0, url.target.find('?'));
  if (path.size() != url.target.size()) return Fail(Code::kUnsupported, kWhere, uri + ": a query in a coap URI");
  while (!path.empty()) {
    path.remove_prefix(1);  // '/'
    const size_t end = std::min(path.find('/'), path.size());
    KEEL_TRY(std::string segment, base::UrlDecode(path.substr(0, end)));
    if (segment.size() > 255) return Fail(Code::kMalformed, kWhere, uri + ": a path segment over 255 octets");
    if (!segment.empty()) target.path.push_back(std::move(segment));
    path.remove_prefix(end);
  }
  addrinfo hints{};
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  // The resolver has its own time limits (resolv.conf); addresses don't use it.
  const int status = ::getaddrinfo(url.host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (status != 0)
    return Fail(Code::kUnreachable, kWhere, target.name + ": can't find the host: " + gai_strerror(status));
  for (const addrinfo* a = found; a != nullptr; a = a->ai_next)
    target.addresses.push_back(AddressOf(a->ai_addr, a->ai_addrlen));
  ::freeaddrinfo(found);
  return target;
}

// One request and its response, block by block, one datagram under way at a time.
class Exchange {
 public:
  Exchange(const Target& target, const coap_address_t& address, uint64_t deadline)
      : target_(target), address_(address), deadline_(deadline) {}
  ~Exchange() {
    if (session_ != nullptr) coap_session_release(session_);
  }
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  Result<std::string> Run(const std::string& body) {
    context_.reset(coap_new_context(nullptr));
    if (context_ == nullptr) return Failed(Code::kIo, "no CoAP context");
    coap_set_app_data(context_.get(), this);
    coap_register_response_handler(
        context_.get(), [](coap_session_t* session, const coap_pdu_t*, const coap_pdu_t* received, const coap_mid_t) {
          Of(session)->OnResponse(received);
          return COAP_RESPONSE_OK;
        });
    coap_register_nack_handler(context_.get(),
                               [](coap_session_t* session, const coap_pdu_t*, const coap_nack_reason_t reason,
                                  const coap_mid_t) { Of(session)->nack_ = reason; });
    session_ = coap_new_client_session(context_.get(), nullptr, &address_, COAP_PROTO_UDP);
    if (session_ == nullptr) return Failed(Code::kUnreachable, "no socket");

    Block out;
    out.more = body.size() > out.size();
    bool first = true;
    while (true) {
      out.more = (out.number + 1) * out.size() < body.size();
      const bool blocks = body.size() > out.size() || !first;
      KEEL_TRY_VOID(Post(Piece(body, out), blocks ? &out : nullptr, nullptr, body.size()));
      if (!out.more) break;
      if (code_ != COAP_RESPONSE_CODE_CONTINUE) break;  // refused half way, or done early
      // The server may ask for smaller blocks from here on.
      if (block1_ && block1_->szx < out.szx) {
        out.number = static_cast<uint32_t>((out.number + 1) * out.size() / block1_->size());
        out.szx = block1_->szx;
      } else {
        ++out.number;
      }
      first = false;
    }
    KEEL_TRY_VOID(Verdict());
    std::string reply = std::move(data_);
    while (block2_ && block2_->more) {
      if (reply.size() != (block2_->number + 1) * block2_->size()) return Failed(Code::kMalformed, "blocks with gaps");
      const Block next{block2_->number + 1, false, block2_->szx};
      KEEL_TRY_VOID(Post({}, nullptr, &next, 0));
      KEEL_TRY_VOID(Verdict());
      if (!block2_ || block2_->number != next.number) return Failed(Code::kMalformed, "another block than asked for");
      reply += data_;
      if (reply.size() > kMaxReply) return Failed(Code::kTooLarge, "a reply over the limit");
    }
    return reply;
  }

 private:
  static Exchange* Of(coap_session_t* session) {
    return static_cast<Exchange*>(coap_get_app_data(coap_session_get_context(session)));
  }
  std::unexpected<Error> Failed(Code code, const std::string& what) const {
    return Fail(code, kWhere, target_.name + ": " + what);
  }

  void OnResponse(const coap_pdu_t* received) {
    answered_ = true;
    code_ = coap_pdu_get_code(received);
    block1_ = ReadBlock(received, COAP_OPTION_BLOCK1);
    block2_ = ReadBlock(received, COAP_OPTION_BLOCK2);
    data_ = DataOf(received);
  }

  Result<> Post(std::string_view piece, const Block* block1, const Block* block2, size_t all) {
    coap_pdu_t* pdu = coap_new_pdu(COAP_MESSAGE_CON, COAP_REQUEST_CODE_POST, session_);
    if (pdu == nullptr) return Failed(Code::kIo, "no datagram");
    std::array<uint8_t, 8> token;
    size_t token_size = token.size();
    coap_session_new_token(session_, &token_size, token.data());
    coap_add_token(pdu, token_size, token.data());
    for (const std::string& segment : target_.path)
      coap_add_option(pdu, COAP_OPTION_URI_PATH, segment.size(), AsBytes(segment).data());
    AddUint(pdu, COAP_OPTION_CONTENT_FORMAT, kFormatJson);
    if (block2 != nullptr) AddBlock(pdu, COAP_OPTION_BLOCK2, *block2);
    if (block1 != nullptr) AddBlock(pdu, COAP_OPTION_BLOCK1, *block1);
    if (block1 != nullptr && block1->number == 0) AddUint(pdu, COAP_OPTION_SIZE1, static_cast<uint32_t>(all));
    if (!piece.empty()) coap_add_data(pdu, piece.size(), AsBytes(piece).data());
    answered_ = false;
    nack_.reset();
    if (coap_send(session_, pdu) == COAP_INVALID_MID) return Failed(Code::kUnreachable, "can't send");
    while (!answered_ && !nack_) {
      const uint64_t now = base::MonotonicMs();
      if (now >= deadline_) return Failed(Code::kTimeout, "no answer in time");
      const auto wait = static_cast<uint32_t>(std::min<uint64_t>(deadline_ - now, 1'000));
      if (coap_io_process(context_.get(), wait) < 0) return Failed(Code::kIo, "can't receive");
    }
    if (answered_) return {};
    switch (*nack_) {
      case COAP_NACK_TOO_MANY_RETRIES: return Failed(Code::kTimeout, "no answer to any repeat");
      case COAP_NACK_RST: return Failed(Code::kClosed, "the message was reset");
      default: return Failed(Code::kUnreachable, "nobody there");
    }
  }

  Result<> Verdict() const {
    const std::string text =
        std::to_string(code_ >> 5) + "." + (code_ % 32 < 10 ? "0" : "") + std::to_string(code_ % 32);
    switch (code_) {
      case COAP_RESPONSE_CODE_CREATED:
      case COAP_RESPONSE_CODE_CHANGED:
      case COAP_RESPONSE_CODE_CONTENT: return {};
      case COAP_RESPONSE_CODE_REQUEST_TOO_LARGE: return Failed(Code::kTooLarge, text + ": over its limit");
      case COAP_RESPONSE_CODE_SERVICE_UNAVAILABLE:
      case COAP_RESPONSE_CODE_TOO_MANY_REQUESTS: return Failed(Code::kBusy, text + ": try again later");
      case COAP_RESPONSE_CODE_BAD_REQUEST:
      case COAP_RESPONSE_CODE_FORBIDDEN: return Failed(Code::kRefused, text + ": refused");
      default: return Failed(Code::kHttpStatus, "answered " + text);
    }
  }

  const Target& target_;
  const coap_address_t& address_;
  const uint64_t deadline_;
  Context context_;
  coap_session_t* session_ = nullptr;
  // Of the last response.
  bool answered_ = false;
  std::optional<coap_nack_reason_t> nack_;
  coap_pdu_code_t code_{};
  std::optional<Block> block1_, block2_;
  std::string data_;
};

}  // namespace

bool CoapTransport::Carries(std::string_view uri) const { return uri.starts_with("coap://"); }

Result<std::string> CoapTransport::Send(const std::string& uri, std::string envelope, const SendOptions& options) {
  SetUp();
  KEEL_TRY(const Target target, ParseTarget(uri));
  const uint64_t deadline = base::MonotonicMs() + static_cast<uint64_t>(options.deadlines.total.count());
  Result<std::string> last = Fail(Code::kUnreachable, kWhere, target.name + ": no address");
  for (const coap_address_t& address : target.addresses) {
    last = Exchange(target, address, deadline).Run(envelope);
    if (last || last.error().code != Code::kUnreachable) return last;
  }
  return last;
}

struct CoapServer::Impl {
  CoapServerOptions options;
  EnvelopeHandler handler;
  Context context;
  int wake = -1;
  uint16_t port = 0;
  std::thread thread;
  std::atomic<bool> stopping{false};
  std::atomic<uint64_t> handled{0}, refused{0};
  std::atomic<size_t> exchange_count{0}, unfinished{0};

  // A peer's request being put together, then the answer to it.
  struct Exchange {
    std::string body;
    uint64_t seen_ms = 0;
    std::optional<coap_mid_t> last;  // message id of the datagram that completed it
    uint32_t last_block = 0;
    bool done = false;
    bool finished = false;  // nothing of the answer is left to be sent
    coap_pdu_code_t code{};
    std::string reply;
  };
  std::map<std::string, Exchange> exchanges;  // by the peer's address; the thread's own
  uint64_t octets = 0;

  ~Impl() {
    context.reset();
    if (wake >= 0) ::close(wake);
  }
  void Run();
  void Forget(std::map<std::string, Exchange>::iterator exchange);
  void Expire();
  void OnPost(coap_session_t* session, const coap_pdu_t* request, coap_pdu_t* response);
  void Complete(Exchange& exchange);
  void Answer(Exchange& exchange, const std::optional<Block>& block1, const std::optional<Block>& wanted,
              coap_pdu_t* response);
};

void CoapServer::Impl::Forget(std::map<std::string, Exchange>::iterator exchange) {
  octets -= exchange->second.body.size() + exchange->second.reply.size();
  if (!exchange->second.finished) --unfinished;
  exchanges.erase(exchange);
  exchange_count = exchanges.size();
}

void CoapServer::Impl::Expire() {
  const uint64_t now = base::MonotonicMs();
  for (auto exchange = exchanges.begin(); exchange != exchanges.end();) {
    const auto next = std::next(exchange);
    if (now - exchange->second.seen_ms > static_cast<uint64_t>(options.idle.count())) Forget(exchange);
    exchange = next;
  }
}

void CoapServer::Impl::Complete(Exchange& exchange) {
  octets -= exchange.body.size();
  auto reply = handler(std::move(exchange.body));
  exchange.body.clear();
  exchange.done = true;
  exchange.code = COAP_RESPONSE_CODE_CHANGED;
  if (reply) {
    ++handled;
    exchange.reply = std::move(*reply);
    octets += exchange.reply.size();
    return;
  }
  ++refused;
  switch (reply.error().code) {
    case Code::kBusy: exchange.code = COAP_RESPONSE_CODE_SERVICE_UNAVAILABLE; break;
    case Code::kTooLarge: exchange.code = COAP_RESPONSE_CODE_REQUEST_TOO_LARGE; break;
    default: exchange.code = COAP_RESPONSE_CODE_BAD_REQUEST;
  }
}

void CoapServer::Impl::Answer(Exchange& exchange, const std::optional<Block>& block1,
                              const std::optional<Block>& wanted, coap_pdu_t* response) {
  coap_pdu_set_code(response, exchange.code);
  Block block2 = wanted.value_or(Block{});
  const bool blocks = exchange.reply.size() > block2.size();
  if (!blocks && block2.number > 0) return coap_pdu_set_code(response, COAP_RESPONSE_CODE_BAD_OPTION);
  block2.more = (block2.number + 1) * block2.size() < exchange.reply.size();
  if (!block2.more && !std::exchange(exchange.finished, true)) --unfinished;
  if (!exchange.reply.empty()) AddUint(response, COAP_OPTION_CONTENT_FORMAT, kFormatJson);
  if (blocks) AddBlock(response, COAP_OPTION_BLOCK2, block2);
  if (block1) AddBlock(response, COAP_OPTION_BLOCK1, {block1->number, false, block1->szx});
  const std::string_view piece = Piece(exchange.reply, block2);
  if (!piece.empty()) coap_add_data(response, piece.size(), AsBytes(piece).data());
}

void CoapServer::Impl::OnPost(coap_session_t* session, const coap_pdu_t* request, coap_pdu_t* response) {
  const coap_address_t* address = coap_session_get_addr_remote(session);
  const std::string peer(reinterpret_cast<const char*>(&address->addr), address->size);
  const std::optional<Block> block1 = ReadBlock(request, COAP_OPTION_BLOCK1);
  const std::optional<Block> block2 = ReadBlock(request, COAP_OPTION_BLOCK2);
  const std::string_view data = DataOf(request);
  const coap_mid_t id = coap_pdu_get_mid(request);
  auto found = exchanges.find(peer);
  const auto refuse = [&](coap_pdu_code_t code) {
    ++refused;
    if (found != exchanges.end()) Forget(found);
    coap_pdu_set_code(response, code);
    if (block1) AddBlock(response, COAP_OPTION_BLOCK1, {block1->number, false, block1->szx});
  };
  if (const auto format = ReadUint(request, COAP_OPTION_CONTENT_FORMAT); format && *format != kFormatJson)
    return refuse(COAP_RESPONSE_CODE_UNSUPPORTED_CONTENT_FORMAT);
  // The rest of an answer (RFC 7959 section 3.3), or a repeat of what was answered.
  const bool more_of_reply = block2 && block2->number > 0 && data.empty();
  if (found != exchanges.end() && found->second.done && (more_of_reply || found->second.last == id)) {
    found->second.seen_ms = base::MonotonicMs();
    return Answer(found->second, block1, block2, response);
  }
  if (more_of_reply) return refuse(COAP_RESPONSE_CODE_INCOMPLETE);

  const size_t before = block1 ? block1->number * block1->size() : 0;
  const auto announced = ReadUint(request, COAP_OPTION_SIZE1);
  if (before + data.size() > options.max_envelope || (announced && *announced > options.max_envelope))
    return refuse(COAP_RESPONSE_CODE_REQUEST_TOO_LARGE);
  if (before == 0) {
    if (found != exchanges.end()) Forget(found);
    Expire();
    if (exchanges.size() >= options.max_exchanges || octets + data.size() > options.max_octets) {
      found = exchanges.end();
      return refuse(COAP_RESPONSE_CODE_SERVICE_UNAVAILABLE);
    }
    found = exchanges.emplace(peer, Exchange{}).first;
    exchange_count = exchanges.size();
    ++unfinished;
  } else if (found == exchanges.end() || found->second.done) {
    return refuse(COAP_RESPONSE_CODE_INCOMPLETE);
  }
  Exchange& exchange = found->second;
  exchange.seen_ms = base::MonotonicMs();
  if (exchange.body.size() == before) {
    if (block1 && block1->more && data.size() != block1->size()) return refuse(COAP_RESPONSE_CODE_BAD_REQUEST);
    if (octets + data.size() > options.max_octets) return refuse(COAP_RESPONSE_CODE_SERVICE_UNAVAILABLE);
    exchange.body += data;
    octets += data.size();
  } else if (exchange.last != id) {  // else a datagram that came twice
    return refuse(COAP_RESPONSE_CODE_INCOMPLETE);
  }
  exchange.last = id;
  if (block1 && block1->more) {
    coap_pdu_set_code(response, COAP_RESPONSE_CODE_CONTINUE);
    return AddBlock(response, COAP_OPTION_BLOCK1, *block1);
  }
  Complete(exchange);
  Answer(exchange, block1, block2, response);
}

void CoapServer::Impl::Run() {
  const int events = coap_context_get_coap_fd(context.get());
  while (!stopping.load()) {
    std::array<pollfd, 2> items = {{{events, POLLIN, 0}, {wake, POLLIN, 0}}};
    ::poll(items.data(), items.size(), 1'000);
    coap_io_process(context.get(), COAP_IO_NO_WAIT);
    Expire();
  }
}

CoapServer::CoapServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<CoapServer>> CoapServer::Start(const CoapServerOptions& options, EnvelopeHandler handler) {
  SetUp();
  auto impl = std::make_unique<Impl>();
  impl->options = options;
  impl->handler = std::move(handler);
  sockaddr_storage address{};
  socklen_t length = 0;
  if (auto* in = reinterpret_cast<sockaddr_in*>(&address);
      ::inet_pton(AF_INET, options.host.c_str(), &in->sin_addr) == 1) {
    in->sin_family = AF_INET;
    in->sin_port = htons(options.port);
    length = sizeof *in;
  } else if (auto* in6 = reinterpret_cast<sockaddr_in6*>(&address);
             ::inet_pton(AF_INET6, options.host.c_str(), &in6->sin6_addr) == 1) {
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(options.port);
    length = sizeof *in6;
  } else {
    return Fail(Code::kInvalidArgument, kWhere, "'" + options.host + "' is not an IP address");
  }
  // libcoap would share a port that somebody listens on already (SO_REUSEADDR), and each would get some datagrams.
  const int probe = ::socket(address.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const bool taken = probe >= 0 && ::bind(probe, reinterpret_cast<const sockaddr*>(&address), length) != 0;
  const int why = errno;
  if (probe >= 0) ::close(probe);
  if (taken) {
    return Fail(
        why == EADDRINUSE ? Code::kBusy : Code::kIo, kWhere,
        "can't listen on " + options.host + " port " + std::to_string(options.port) + " (UDP): " + strerror(why));
  }
  impl->wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  impl->context.reset(coap_new_context(nullptr));
  if (impl->context == nullptr || impl->wake < 0) return Fail(Code::kIo, kWhere, "no CoAP context");
  const coap_address_t listen = AddressOf(reinterpret_cast<const sockaddr*>(&address), length);
  const coap_endpoint_t* endpoint = coap_new_endpoint(impl->context.get(), &listen, COAP_PROTO_UDP);
  if (endpoint == nullptr) {
    return Fail(
        Code::kBusy, kWhere,
        "can't listen on " + options.host + " port " + std::to_string(options.port) + " (UDP): " + strerror(errno));
  }
  // The library tells the port in no other way: "127.0.0.1:5683 UDP".
  const std::string text = coap_endpoint_str(endpoint);
  const size_t colon = text.rfind(':');
  if (colon == std::string::npos) return Fail(Code::kIo, kWhere, "no port in '" + text + "'");
  impl->port = static_cast<uint16_t>(std::strtoul(text.c_str() + colon + 1, nullptr, 10));
  coap_context_set_max_idle_sessions(impl->context.get(), static_cast<unsigned>(options.max_exchanges));
  coap_resource_t* resource = coap_resource_init(coap_new_str_const(AsBytes(options.path).data(), options.path.size()),
                                                 COAP_RESOURCE_FLAGS_RELEASE_URI);
  coap_resource_set_userdata(resource, impl.get());
  coap_register_request_handler(resource, COAP_REQUEST_POST,
                                [](coap_resource_t* r, coap_session_t* session, const coap_pdu_t* request,
                                   const coap_string_t*, coap_pdu_t* response) {
                                  static_cast<Impl*>(coap_resource_get_userdata(r))->OnPost(session, request, response);
                                });
  coap_add_resource(impl->context.get(), resource);
  impl->thread = std::thread([self = impl.get()] { self->Run(); });
  return std::unique_ptr<CoapServer>(new CoapServer(std::move(impl)));
}

CoapServer::~CoapServer() { Stop(); }

void CoapServer::Stop() {
  if (!impl_->thread.joinable()) return;
  impl_->stopping = true;
  const uint64_t one = 1;
  static_cast<void>(::write(impl_->wake, &one, sizeof one));
  impl_->thread.join();
}

uint16_t CoapServer::port() const { return impl_->port; }
std::string CoapServer::uri() const {
  const std::string& host = impl_->options.host;
  return "coap://" + (host.find(':') != std::string::npos ? "[" + host + "]" : host) + ":" +
         std::to_string(impl_->port) + "/" + impl_->options.path;
}
CoapServer::Stats CoapServer::stats() const {
  return {impl_->handled, impl_->refused, impl_->exchange_count, impl_->unfinished};
}

}  // namespace keel::didcomm
