// SPDX-License-Identifier: Apache-2.0
// The Beast client over TLS, and its filter of addresses.
#include <gtest/gtest.h>

#include <filesystem>

#include "base/clock.h"
#include "base/files.h"
#include "base/net/http_client.h"
#include "base/net/http_server.h"
#include "tests/fakes/tls_server.h"

namespace keel::base {
namespace {

using fakes::HttpAnswer;
using fakes::TestAuthority;
using fakes::TlsServer;
using namespace std::chrono_literals;

class Https : public testing::Test {
 protected:
  void SetUp() override {
    ca_file_ = testing::TempDir() + "/keel-https-" + std::to_string(::getpid()) + ".pem";
    ASSERT_TRUE(WriteFileAtomic(ca_file_, authority_.RootPem(), 0600));
  }
  void TearDown() override { std::filesystem::remove(ca_file_); }
  std::unique_ptr<HttpClient> Client(BeastOptions options = {}) {
    options.ca_file = ca_file_;
    return MakeBeastClient(std::move(options));
  }
  static std::string Url(const std::string& host, const TlsServer& server, const std::string& target = "/x") {
    return "https://" + host + ":" + std::to_string(server.port()) + target;
  }
  TestAuthority authority_;
  std::string ca_file_;
};

const TlsServer::Answer kHello = [](const std::string&) { return HttpAnswer(200, "hello"); };

TEST_F(Https, ExchangesUnderATrustedCertificate) {
  const TlsServer server(authority_.Issue("DNS:localhost,IP:127.0.0.1"), [](const std::string& request) {
    return HttpAnswer(200, request.substr(0, request.find(' ')) + std::string(300'000, 'z'));
  });
  const auto client = Client();
  for (const char* host : {"localhost", "127.0.0.1"}) {
    const auto response = client->Get(Url(host, server));
    ASSERT_TRUE(response) << response.error().Text();
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "GET" + std::string(300'000, 'z'));
  }
  const auto posted = client->Post(Url("localhost", server), "text/plain", std::string(100'000, 'b'));
  ASSERT_TRUE(posted) << posted.error().Text();
  EXPECT_EQ(posted->body.substr(0, 4), "POST");
  EXPECT_NE(server.requests().at(0).find("Host: localhost:" + std::to_string(server.port())), std::string::npos);
}

TEST_F(Https, RefusesCertificates) {
  const auto refused = [&](const TestAuthority::Leaf& leaf, const std::string& host) {
    const TlsServer server(leaf, kHello);
    const auto response = Client()->Get(Url(host, server));
    ASSERT_FALSE(response) << host;
    EXPECT_EQ(response.error().code, Code::kUntrusted) << response.error().Text();
    EXPECT_TRUE(server.requests().empty());  // nothing was said to it
  };
  refused(authority_.Issue("DNS:other.test"), "localhost");
  refused(authority_.Issue("DNS:localhost"), "127.0.0.1");
  refused(authority_.Issue("DNS:local*"), "localhost");
  refused(authority_.Issue("DNS:localhost", -3600, -60), "localhost");  // expired
  refused(authority_.Issue("DNS:localhost", 3000, 3600), "localhost");  // not yet
  TestAuthority stranger;
  refused(stranger.Issue("DNS:localhost"), "localhost");
  // The system's store doesn't know ours.
  const TlsServer server(authority_.Issue("DNS:localhost"), kHello);
  EXPECT_EQ(MakeBeastClient()->Get(Url("localhost", server)).error().code, Code::kUntrusted);
}

TEST_F(Https, OtherFailures) {
  {
    TlsServer::Options old;
    old.max_version = TLS1_1_VERSION;
    const TlsServer server(authority_.Issue("DNS:localhost"), kHello, old);
    EXPECT_EQ(Client()->Get(Url("localhost", server)).error().code, Code::kUnreachable);
  }
  {
    // A body that goes to the end of the stream, and the stream is cut: what is missing can't be known.
    TlsServer::Options cut;
    cut.cut = true;
    const TlsServer server(
        authority_.Issue("DNS:localhost"), [](const std::string&) { return "HTTP/1.1 200 OK\r\n\r\nhalf"; }, cut);
    EXPECT_EQ(Client()->Get(Url("localhost", server)).error().code, Code::kClosed);
  }
  {
    const TlsServer server(authority_.Issue("DNS:localhost"),
                           [](const std::string&) { return "HTTP/1.1 200 OK\r\n\r\nwhole"; });
    const auto response = Client()->Get(Url("localhost", server));
    ASSERT_TRUE(response) << response.error().Text();
    EXPECT_EQ(response->body, "whole");
  }
  {
    TlsServer::Options silent;
    silent.silent = true;
    const TlsServer server(authority_.Issue("DNS:localhost"), kHello, silent);
    HttpCall call;
    call.url = Url("localhost", server);
    const uint64_t start = MonotonicMs();
    EXPECT_EQ(Client()->Send(call, {.connect = 300ms, .total = 300ms}).error().code, Code::kTimeout);
    EXPECT_LT(MonotonicMs() - start, 3000u);
  }
  {
    const TlsServer server(authority_.Issue("DNS:localhost"), kHello);
    BeastOptions options;
    options.ca_file = ca_file_ + ".none";
    const auto response = MakeBeastClient(options)->Get(Url("localhost", server));
    EXPECT_EQ(response.error().code, Code::kIo);
    EXPECT_NE(response.error().Text().find(".none"), std::string::npos);
  }
  // Not TLS at all.
  const auto plain = HttpServer::Start({}, Synchronous([](const HttpRequest&) { return TextResponse(200, "x"); }));
  ASSERT_TRUE(plain);
  EXPECT_EQ(Client()->Get("https://localhost:" + std::to_string((*plain)->port()) + "/").error().code,
            Code::kUnreachable);
}

TEST_F(Https, OnlyPublicAddresses) {
  const TlsServer server(authority_.Issue("DNS:localhost,DNS:a.test,IP:127.0.0.1"), kHello);
  BeastOptions options;
  options.public_addresses_only = true;
  for (const char* host : {"localhost", "127.0.0.1", "127.1", "[::1]", "10.0.0.1", "[::ffff:127.0.0.1]"}) {
    const auto response = Client(options)->Get(Url(host, server));
    ASSERT_FALSE(response) << host;
    EXPECT_EQ(response.error().code, Code::kRefused) << response.error().Text();
  }
  options.permit_loopback_for_tests = true;
  EXPECT_EQ(Client(options)->Get(Url("10.0.0.1", server)).error().code, Code::kRefused);
  EXPECT_EQ(Client(options)->Get(Url("169.254.169.254", server)).error().code, Code::kRefused);
  EXPECT_TRUE(Client(options)->Get(Url("localhost", server)));
  HttpCall call;
  call.url = "unix:/nowhere.sock";
  EXPECT_EQ(Client(options)->Send(call).error().code, Code::kRefused);
  options.https_only = true;
  EXPECT_EQ(Client(options)->Get("http://127.0.0.1:" + std::to_string(server.port()) + "/").error().code,
            Code::kRefused);
  EXPECT_EQ(server.connections(), 1);
}

// Rebinding: a name that was public when it was judged must not lead elsewhere when it is connected to.
TEST_F(Https, ANameIsLookedUpOnce) {
  const TlsServer server(authority_.Issue("DNS:a.test"), kHello);
  int asked = 0;
  BeastOptions options;
  options.max_idle = 0;
  options.public_addresses_only = true;
  options.permit_loopback_for_tests = true;
  options.lookup = [&](const std::string&) -> Result<std::vector<std::string>> {
    ++asked;
    return std::vector<std::string>{asked % 2 == 1 ? "127.0.0.1" : "10.0.0.1"};
  };
  const auto client = Client(options);
  ASSERT_TRUE(client->Get(Url("a.test", server)));
  EXPECT_EQ(asked, 1);
  const auto moved = client->Get(Url("a.test", server));
  ASSERT_FALSE(moved);
  EXPECT_EQ(moved.error().code, Code::kRefused);
  EXPECT_NE(moved.error().Text().find("10.0.0.1"), std::string::npos);
  EXPECT_EQ(asked, 2);
  EXPECT_EQ(server.connections(), 1);

  // Among several addresses the private ones are passed over.
  options.lookup = [](const std::string&) -> Result<std::vector<std::string>> {
    return std::vector<std::string>{"10.0.0.1", "fe80::1", "127.0.0.1"};
  };
  EXPECT_TRUE(Client(options)->Get(Url("a.test", server)));
  options.lookup = [](const std::string&) -> Result<std::vector<std::string>> {
    return Fail(Code::kUnreachable, "dns", "no such name");
  };
  EXPECT_EQ(Client(options)->Get(Url("a.test", server)).error().code, Code::kUnreachable);
}

}  // namespace
}  // namespace keel::base
