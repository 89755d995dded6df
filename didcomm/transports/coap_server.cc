// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/net/http.h"
#include "didcomm/internal/coap_parts.h"
#include "didcomm/transports/coap_transport.h"

namespace keel::didcomm {

using namespace coap;  // NOLINT(google-build-using-namespace): this file's other half

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
