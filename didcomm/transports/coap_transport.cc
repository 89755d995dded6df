// SPDX-License-Identifier: Apache-2.0
#include "didcomm/transports/coap_transport.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/net/http.h"
#include "didcomm/internal/coap_parts.h"

namespace keel::didcomm {
namespace {

using namespace coap;  // NOLINT(google-build-using-namespace): this file's other half

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

}  // namespace keel::didcomm
