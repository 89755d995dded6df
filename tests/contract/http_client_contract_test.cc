// SPDX-License-Identifier: Apache-2.0
// What every HttpClient must do.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>

#include "base/clock.h"
#include "base/net/http_client.h"
#include "base/net/http_server.h"

namespace keel::base {
namespace {

using namespace std::chrono_literals;

struct Kind {
  const char* name;
  std::function<std::unique_ptr<HttpClient>()> make;
};

// A listener that says fixed octets to whoever connects, then hangs up (or stays silent when there is nothing to say).
class CannedServer {
 public:
  explicit CannedServer(std::string answer) : answer_(std::move(answer)) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(::listen(fd_, 16), 0);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { Run(); });
  }
  ~CannedServer() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    ::close(fd_);
    for (const int fd : open_) ::close(fd);
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  int connections() const { return connections_; }

 private:
  void Run() {
    for (;;) {
      const int fd = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      ++connections_;
      if (answer_.empty()) {
        open_.push_back(fd);
        continue;
      }
      std::string request;
      char buffer[4096];
      while (request.find("\r\n\r\n") == std::string::npos) {
        const ssize_t n = ::recv(fd, buffer, sizeof buffer, 0);
        if (n <= 0) break;
        request.append(buffer, static_cast<size_t>(n));
      }
      static_cast<void>(::send(fd, answer_.data(), answer_.size(), MSG_NOSIGNAL));
      ::shutdown(fd, SHUT_WR);
      while (::recv(fd, buffer, sizeof buffer, 0) > 0) {
      }
      ::close(fd);
    }
  }
  const std::string answer_;
  int fd_ = -1;
  uint16_t port_ = 0;
  std::atomic<int> connections_{0};
  std::vector<int> open_;
  std::thread thread_;
};

class HttpClientContract : public testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    client_ = GetParam().make();
    Router router;
    router.AddSync("POST", "/echo", [](const HttpRequest& request) {
      HttpResponse response = BytesResponse(200, std::string(request.Header("Content-Type")), request.body);
      response.headers.emplace_back("X-Seen", std::string(request.Header("X-Sent")));
      return response;
    });
    router.AddSync("GET", "/status/{n}",
                   [](const HttpRequest& request) { return TextResponse(std::stoi(request.params[0]), "status"); });
    router.AddSync("GET", "/big", [](const HttpRequest&) {
      HttpResponse response;
      response.body = std::string(1 << 20, 'z');
      return response;
    });
    router.AddSync("GET", "/to", [](const HttpRequest&) {
      HttpResponse response = TextResponse(302, "elsewhere");
      response.headers.emplace_back("Location", "/status/200");
      return response;
    });
    router.AddSync("GET", "/peer", [](const HttpRequest& request) { return TextResponse(200, request.peer); });
    router.AddSync("GET", "/query", [](const HttpRequest& request) { return TextResponse(200, request.query); });
    router.AddSync("DELETE", "/x", [](const HttpRequest&) { return TextResponse(204, ""); });
    auto server = HttpServer::Start({}, router.AsHandler());
    ASSERT_TRUE(server);
    server_ = std::move(*server);
  }
  std::unique_ptr<HttpClient> client_;
  std::unique_ptr<HttpServer> server_;
};

TEST_P(HttpClientContract, SendsAndReceives) {
  HttpCall call;
  call.method = "POST";
  call.url = server_->url() + "/echo";
  call.content_type = "application/didcomm-encrypted+json";
  call.headers = {{"X-Sent", "yes"}};
  for (const size_t size : {0, 1, 1000, 20'000, 1 << 20}) {
    call.body = std::string(size, '\xE9');
    const auto response = client_->Send(call);
    ASSERT_TRUE(response) << response.error().Text();
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, call.body);
    EXPECT_EQ(response->content_type, call.content_type);
    EXPECT_EQ(response->Header("x-seen"), "yes");
  }
  EXPECT_EQ(client_->Get(server_->url() + "/query?a=%20b&c")->body, "a=%20b&c");
  call = {};
  call.method = "DELETE";
  call.url = server_->url() + "/x";
  EXPECT_EQ(client_->Send(call)->status, 204);
}

TEST_P(HttpClientContract, EveryStatusIsAnAnswerAndRedirectsAreNotFollowed) {
  for (const int status : {200, 404, 429, 500, 503})
    EXPECT_EQ(client_->Get(server_->url() + "/status/" + std::to_string(status))->status, status);
  EXPECT_EQ(client_->Get(server_->url() + "/none")->status, 404);
  const auto redirect = client_->Get(server_->url() + "/to");
  ASSERT_TRUE(redirect) << redirect.error().Text();
  EXPECT_EQ(redirect->status, 302);
}

TEST_P(HttpClientContract, KeepsConnections) {
  // An implementation may give a connection back a moment after it has given the answer: a quick caller then opens
  // another.
  constexpr uint64_t kCalls = 40;
  for (uint64_t i = 0; i < kCalls; ++i) ASSERT_TRUE(client_->Get(server_->url() + "/peer"));
  EXPECT_LT(server_->stats().accepted, kCalls / 2);
}

TEST_P(HttpClientContract, ResponseLimit) {
  HttpCall call;
  call.url = server_->url() + "/big";
  call.max_response = (1 << 20) - 1;
  EXPECT_EQ(client_->Send(call).error().code, Code::kTooLarge);
  call.max_response = 1 << 20;
  EXPECT_EQ(client_->Send(call)->body.size(), size_t{1} << 20);
}

TEST_P(HttpClientContract, BodyPieceByPiece) {
  HttpCall call;
  call.url = server_->url() + "/big";
  size_t got = 0, pieces = 0;
  call.on_body = [&](ByteView piece) -> Result<> {
    got += piece.size();
    ++pieces;
    return {};
  };
  const auto response = client_->Send(call);
  ASSERT_TRUE(response) << response.error().Text();
  EXPECT_EQ(got, size_t{1} << 20);
  EXPECT_GT(pieces, 4u);
  EXPECT_TRUE(response->body.empty());
  call.on_body = [](ByteView) -> Result<> { return Fail(Code::kNoSpace, "sink"); };
  EXPECT_EQ(client_->Send(call).error().code, Code::kNoSpace);
  // The body of a refusal is no body of what was asked for.
  call.url = server_->url() + "/status/404";
  EXPECT_EQ(client_->Send(call)->body, "status");
}

TEST_P(HttpClientContract, Unreachable) {
  uint16_t port = 0;
  {
    const auto gone = HttpServer::Start({}, Synchronous([](const HttpRequest&) { return HttpResponse(); }));
    port = (*gone)->port();
  }
  const auto response = client_->Get("http://127.0.0.1:" + std::to_string(port) + "/");
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kUnreachable) << response.error().Text();
  EXPECT_NE(response.error().detail.find("127.0.0.1:" + std::to_string(port)), std::string::npos);
  EXPECT_EQ(client_->Get("http://host.invalid/").error().code, Code::kUnreachable);
}

TEST_P(HttpClientContract, SilentServerMeetsTheDeadline) {
  const CannedServer server("");
  HttpCall call;
  call.url = server.url() + "/";
  Deadlines deadlines;
  deadlines.total = 1000ms;  // cpprest counts in seconds
  const uint64_t start = MonotonicMs();
  const auto response = client_->Send(call, deadlines);
  EXPECT_EQ(response.error().code, Code::kTimeout) << response.error().Text();
  EXPECT_LT(MonotonicMs() - start, 4000u);
}

TEST_P(HttpClientContract, HungUpInTheMiddle) {
  for (const char* answer : {"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
                             "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "HTTP/1.1 200"}) {
    const CannedServer server(answer);
    const auto response = client_->Get(server.url() + "/");
    ASSERT_FALSE(response) << answer;
    EXPECT_TRUE(response.error().code == Code::kClosed || response.error().code == Code::kMalformed)
        << response.error().Text();
  }
}

TEST_P(HttpClientContract, PostsAreNotSentTwice) {
  const CannedServer server("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
  EXPECT_FALSE(client_->Post(server.url() + "/", "text/plain", "x"));
  EXPECT_EQ(server.connections(), 1);
}

TEST_P(HttpClientContract, NotHttp) {
  const CannedServer server("SSH-2.0-OpenSSH_9.2\r\n\r\n\r\n");
  EXPECT_FALSE(client_->Get(server.url() + "/"));
}

TEST_P(HttpClientContract, ServerRestartIsInvisibleToReads) {
  HttpServerOptions options;
  options.port = server_->port();
  ASSERT_EQ(client_->Get(server_->url() + "/status/200")->status, 200);
  server_.reset();
  auto again = HttpServer::Start(options, Synchronous([](const HttpRequest&) { return TextResponse(200, "again"); }));
  ASSERT_TRUE(again);
  const auto response = client_->Get((*again)->url() + "/");
  ASSERT_TRUE(response) << response.error().Text();
  EXPECT_EQ(response->body, "again");
}

TEST_P(HttpClientContract, RefusesBadCalls) {
  EXPECT_EQ(client_->Get("ftp://127.0.0.1/").error().code, Code::kUnsupported);
  EXPECT_EQ(client_->Get("nonsense").error().code, Code::kUnsupported);
  HttpCall call;
  call.url = server_->url() + "/query";
  call.headers = {{"X", "a\r\nY: b"}};
  EXPECT_EQ(client_->Send(call).error().code, Code::kInvalidArgument);
}

TEST_P(HttpClientContract, ManyThreadsAtOnce) {
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        const std::string body = std::to_string(t) + "." + std::to_string(i);
        const auto response = client_->Post(server_->url() + "/echo", "text/plain", body);
        if (response && response->body == body) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 200);
}

std::vector<Kind> Kinds() {
  std::vector<Kind> kinds{{"beast", [] { return MakeBeastClient(); }}};
#if KEEL_TEST_CPPREST
  kinds.push_back({"cpprest", [] { return MakeCpprestClient(); }});
#endif
  return kinds;
}

INSTANTIATE_TEST_SUITE_P(Clients, HttpClientContract, testing::ValuesIn(Kinds()),
                         [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace keel::base
