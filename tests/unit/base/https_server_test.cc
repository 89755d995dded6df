// SPDX-License-Identifier: Apache-2.0
// The HTTP server over TLS.
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/files.h"
#include "base/net/http_client.h"
#include "base/net/http_server.h"
#include "tests/fakes/raw_connection.h"
#include "tests/fakes/tls_server.h"

namespace keel::base {
namespace {

using fakes::RawConnection;
using fakes::TestAuthority;
using namespace std::chrono_literals;

class HttpsServer : public testing::Test {
 protected:
  HttpsServer() {
    const auto leaf = authority_.Issue("DNS:localhost,IP:127.0.0.1");
    Write("root.pem", authority_.RootPem());
    options_.certificate_file = Write("server.pem", TestAuthority::CertificatePem(leaf));
    options_.key_file = Write("server.key", TestAuthority::KeyPem(leaf));
    other_key_ = Write("other.key", TestAuthority::KeyPem(authority_.Issue("DNS:localhost")));
    locked_key_ = Write("locked.key", TestAuthority::KeyPem(leaf, "secret"));
  }
  std::string Write(const std::string& name, const std::string& text) {
    EXPECT_TRUE(WriteFileAtomic(folder_ / name, text, 0600));
    return folder_ / name;
  }
  std::unique_ptr<HttpServer> Start() {
    auto server = HttpServer::Start(options_, Synchronous([this](const HttpRequest& request) {
                                      HttpResponse response =
                                          TextResponse(200, request.method + " " + request.target + " " + request.body);
                                      if (request.path == "/file") response.body_file = folder_ / "big";
                                      return response;
                                    }));
    EXPECT_TRUE(server) << server.error().Text();
    return std::move(*server);
  }
  std::unique_ptr<HttpClient> Client() {
    BeastOptions options;
    options.ca_file = folder_ / "root.pem";
    return MakeBeastClient(std::move(options));
  }

  TestAuthority authority_;
  TempDir folder_ = std::move(*TempDir::Create("https-server"));
  HttpServerOptions options_;
  std::string other_key_, locked_key_;
};

TEST_F(HttpsServer, AnswersAndKeepsTheConnection) {
  const std::string big(700'000, 'f');
  Write("big", big);
  const auto server = Start();
  EXPECT_TRUE(server->url().starts_with("https://127.0.0.1:"));
  const auto client = Client();
  for (int i = 0; i < 3; ++i) {
    const auto got = client->Get(server->url() + "/a?b=c");
    ASSERT_TRUE(got) << got.error().Text();
    EXPECT_EQ(got->body, "GET /a?b=c ");
    const std::string body(900'000, 'b');
    const auto posted = client->Post(server->url() + "/p", "text/plain", body);
    ASSERT_TRUE(posted) << posted.error().Text();
    EXPECT_EQ(posted->body, "POST /p " + body);
    const auto file = client->Get(server->url() + "/file");
    ASSERT_TRUE(file) << file.error().Text();
    EXPECT_EQ(file->body, big);
  }
  EXPECT_EQ(server->stats().accepted, 1u);
  EXPECT_EQ(server->stats().requests, 9u);
}

TEST_F(HttpsServer, SaysGoodbyeAfterTheLastAnswer) {
  const auto server = Start();
  RawConnection connection(server->port());
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL* ssl = SSL_new(context);
  SSL_set_fd(ssl, connection.fd());
  ASSERT_EQ(SSL_connect(ssl), 1);
  // Both requests in one record: the second waits inside TLS, not in the socket.
  const std::string two = "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
  ASSERT_EQ(SSL_write(ssl, two.data(), static_cast<int>(two.size())), static_cast<int>(two.size()));
  std::string answers;
  char buffer[4096];
  int n = 0;
  while ((n = SSL_read(ssl, buffer, sizeof buffer)) > 0) answers.append(buffer, static_cast<size_t>(n));
  EXPECT_EQ(SSL_get_error(ssl, n), SSL_ERROR_ZERO_RETURN);
  EXPECT_LT(answers.find("GET /1"), answers.find("GET /2"));
  EXPECT_NE(answers.find("GET /2"), std::string::npos);
  SSL_free(ssl);
  SSL_CTX_free(context);
}

TEST_F(HttpsServer, RefusesOverTlsWhatIsTooMuch) {
  options_.max_body = 1000;
  const auto server = Start();
  const auto refused = Client()->Post(server->url() + "/", "text/plain", std::string(200'000, 'x'));
  ASSERT_TRUE(refused) << refused.error().Text();
  EXPECT_EQ(refused->status, 413);
}

TEST_F(HttpsServer, NobodyHoldsAConnectionWithoutAHandshake) {
  options_.header_deadline = 200ms;
  const auto server = Start();
  RawConnection silent(server->port());
  EXPECT_EQ(silent.Read(10'000), "");
  EXPECT_TRUE(silent.closed());
  EXPECT_EQ(server->stats().timed_out, 1u);
  // Who speaks plain HTTP gets no HTTP.
  RawConnection plain(server->port());
  ASSERT_TRUE(plain.Send("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  EXPECT_EQ(plain.Read(10'000).find("HTTP/1.1"), std::string::npos);
  EXPECT_TRUE(plain.closed());
  EXPECT_EQ(server->stats().refused, 1u);
  EXPECT_EQ(server->stats().requests, 0u);
  EXPECT_TRUE(Client()->Get(server->url() + "/"));  // and others are served
}

TEST_F(HttpsServer, OldTlsIsRefused) {
  const auto server = Start();
  RawConnection connection(server->port());
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_security_level(context, 0);
  SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
  SSL* ssl = SSL_new(context);
  SSL_set_fd(ssl, connection.fd());
  EXPECT_NE(SSL_connect(ssl), 1);
  SSL_free(ssl);
  SSL_CTX_free(context);
}

TEST_F(HttpsServer, BadFilesAreNamed) {
  const auto refused = [&](const std::string& certificate, const std::string& key, const std::string& named) {
    HttpServerOptions options = options_;
    options.certificate_file = certificate;
    options.key_file = key;
    const auto server = HttpServer::Start(options, Synchronous([](const HttpRequest&) { return HttpResponse(); }));
    ASSERT_FALSE(server);
    EXPECT_EQ(server.error().code, Code::kInvalidArgument);
    EXPECT_NE(server.error().Text().find(named), std::string::npos) << server.error().Text();
  };
  refused(options_.certificate_file, other_key_, other_key_);
  refused(options_.certificate_file, locked_key_, locked_key_);  // and doesn't ask for a passphrase
  refused(folder_ / "none.pem", options_.key_file, "none.pem");
  refused(options_.certificate_file, "", "private key");
  refused("", options_.key_file, "certificate");
  options_.upgrades["/ws"] = [](int, const HttpRequest&) {};
  refused(options_.certificate_file, options_.key_file, "upgrades");
  options_.upgrades.clear();
  options_.unix_path = folder_ / "s";
  refused(options_.certificate_file, options_.key_file, "unix");
}

}  // namespace
}  // namespace keel::base
