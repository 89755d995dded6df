// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/files.h"
#include "base/net/http_client.h"
#include "base/net/websocket_client.h"
#include "base/net/websocket_server.h"
#include "base/process.h"
#include "tests/fakes/raw_connection.h"

namespace keel::base {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kLong = seconds(20);

// Says what it heard; notes who left.
class Echo {
  // Before the servers, so that they are gone before what their threads use.
  std::mutex mutex_;
  std::condition_variable changed_;
  int closed_ = 0;

 public:
  explicit Echo(WebSocketServerOptions options = {}, WebSocketServer::OnMessage on_message = {}) {
    if (!on_message) {
      on_message = [](const WebSocketConnection& from, std::string text) { from.Send("re:" + std::move(text)); };
    }
    auto started = WebSocketServer::Start(options, std::move(on_message), [this](const WebSocketConnection&) {
      const std::lock_guard lock(mutex_);
      ++closed_;
      changed_.notify_all();
    });
    EXPECT_TRUE(started) << (started ? "" : started.error().Text());
    server = std::move(*started);
    if (!options.host.empty()) {
      url = server->url();
      return;
    }
    HttpServerOptions http_options;
    http_options.upgrades["/ws"] = server->UpgradeHook();
    http = std::move(*HttpServer::Start(http_options, [](HttpRequest request, Responder responder) {
      responder.Send(TextResponse(200, "http " + request.path));
    }));
    url = "ws" + http->url().substr(4) + "/ws";
  }
  bool WaitClosed(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kLong, [&] { return closed_ >= count; });
  }
  std::unique_ptr<WebSocketClient> Client(WebSocketClientOptions options = {}) const {
    auto client = WebSocketClient::Connect(url, options);
    EXPECT_TRUE(client) << (client ? "" : client.error().Text());
    return client ? std::move(*client) : nullptr;
  }

  std::unique_ptr<WebSocketServer> server;
  std::unique_ptr<HttpServer> http;
  std::string url;
};

std::string UpgradeRequest(const std::string& path = "/ws") {
  return "GET " + path +
         " HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
}

TEST(WebSocket, AnswersInOrderOnTheHttpPort) {
  Echo echo;
  auto client = echo.Client();
  ASSERT_NE(client, nullptr);
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(client->Send(std::to_string(i), kLong));
  for (int i = 0; i < 50; ++i) {
    const auto got = client->Receive(kLong);
    ASSERT_TRUE(got) << got.error().Text();
    EXPECT_EQ(*got, "re:" + std::to_string(i));
  }
  EXPECT_EQ(client->Receive(milliseconds(1)).error().code, Code::kTimeout);
  EXPECT_TRUE(client->open());
  // The same port still speaks HTTP, and the upgrade path without an upgrade does too.
  EXPECT_EQ(MakeBeastClient()->Get(echo.http->url() + "/ws")->body, "http /ws");
  EXPECT_EQ(echo.server->stats().messages, 50u);
  client.reset();
  EXPECT_TRUE(echo.WaitClosed(1));
  EXPECT_EQ(echo.server->stats().open, 0u);
}

TEST(WebSocket, HandshakeOfTheRfc) {
  Echo echo;
  fakes::RawConnection raw(echo.http->port());
  ASSERT_TRUE(raw.Send(UpgradeRequest()));
  const std::string answer = raw.Read(5000, "\r\n\r\n");
  EXPECT_NE(answer.find("101"), std::string::npos) << answer;
  // RFC 6455 section 1.3's example of the key above.
  EXPECT_NE(answer.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), std::string::npos) << answer;
}

TEST(WebSocket, WhoIsNoWebSocketIsToldSo) {
  Echo echo;
  const std::string base = "ws" + echo.http->url().substr(4);
  const auto elsewhere = WebSocketClient::Connect(base + "/other");
  ASSERT_FALSE(elsewhere);
  EXPECT_EQ(elsewhere.error().code, Code::kRefused);
  EXPECT_NE(elsewhere.error().detail.find("200"), std::string::npos) << elsewhere.error().Text();
  EXPECT_EQ(WebSocketClient::Connect("http://127.0.0.1/").error().code, Code::kUnsupported);
  EXPECT_EQ(WebSocketClient::Connect("ws://us er@x/").error().code, Code::kMalformed);
  const uint16_t port = echo.http->port();
  echo.http->Stop();
  EXPECT_EQ(WebSocketClient::Connect("ws://127.0.0.1:" + std::to_string(port) + "/ws").error().code,
            Code::kUnreachable);
}

TEST(WebSocket, LargeMessagesAndTheLimit) {
  Echo echo({.max_message = 1 << 20});
  auto client = echo.Client({.max_message = 2 << 20});
  ASSERT_NE(client, nullptr);
  const std::string big((1 << 20) - 3, 'x');
  ASSERT_TRUE(client->Send(big, kLong));
  const auto got = client->Receive(kLong);
  ASSERT_TRUE(got) << got.error().Text();
  EXPECT_EQ(got->size(), big.size() + 3);
  static_cast<void>(client->Send(std::string((1 << 20) + 1, 'x'), kLong));
  const auto refused = client->Receive(kLong);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kTooLarge) << refused.error().Text();
  EXPECT_FALSE(client->open());
  EXPECT_FALSE(client->Send("x", kLong));
  EXPECT_TRUE(echo.WaitClosed(1));

  // The other way round.
  auto small = echo.Client({.max_message = 100});
  ASSERT_TRUE(small->Send(std::string(200, 'y'), kLong));
  EXPECT_EQ(small->Receive(kLong).error().code, Code::kTooLarge);
}

TEST(WebSocket, CloseCodesAreReasons) {
  for (const auto& [code, expected] :
       {std::pair{WebSocketClose::kTryAgainLater, Code::kBusy}, std::pair{WebSocketClose::kPolicy, Code::kRefused},
        std::pair{WebSocketClose::kTooLarge, Code::kTooLarge}, std::pair{WebSocketClose::kNormal, Code::kClosed}}) {
    Echo echo({}, [code = code](const WebSocketConnection& from, const std::string&) {
      from.Send("last words");
      from.Close(code);
    });
    auto client = echo.Client();
    ASSERT_TRUE(client->Send("x", kLong));
    EXPECT_EQ(client->Receive(kLong).value_or("?"), "last words");  // a goodbye comes after what was queued
    EXPECT_EQ(client->Receive(kLong).error().code, expected);
    EXPECT_TRUE(echo.WaitClosed(1));
  }
}

TEST(WebSocket, ManyAtOnce) {
  Echo echo({.threads = 2});
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      auto client = WebSocketClient::Connect(echo.url);
      if (!client) return;
      for (int i = 0; i < 20; ++i) {
        const std::string text = std::to_string(t) + ":" + std::to_string(i);
        if (!(*client)->Send(text, kLong)) return;
        const auto got = (*client)->Receive(kLong);
        if (!got || *got != "re:" + text) return;
      }
      ++good;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, 8);
  EXPECT_EQ(echo.server->stats().messages, 160u);
}

TEST(WebSocket, OverTheLimitOfConnections) {
  Echo echo({.max_connections = 2});
  auto one = echo.Client();
  auto two = echo.Client();
  EXPECT_FALSE(WebSocketClient::Connect(echo.url));
  one.reset();
  ASSERT_TRUE(echo.WaitClosed(1));
  auto three = echo.Client();
  EXPECT_NE(three, nullptr);
}

TEST(WebSocket, SlowOnesAreLeft) {
  WebSocketServerOptions options;
  options.host = "127.0.0.1";
  options.handshake_deadline = milliseconds(200);
  options.message_deadline = milliseconds(200);
  options.idle_deadline = milliseconds(400);
  Echo echo(options);
  // Nothing, half a request, half a message, and nothing after the upgrade (it doesn't answer pings).
  fakes::RawConnection silent(echo.server->port()), half(echo.server->port()), trickle(echo.server->port()),
      idle(echo.server->port());
  ASSERT_TRUE(half.Send("GET / HTTP/1.1\r\nHost: x\r\n"));
  ASSERT_TRUE(trickle.Send(UpgradeRequest("/")));
  EXPECT_NE(trickle.Read(5000, "\r\n\r\n").find("101"), std::string::npos);
  ASSERT_TRUE(trickle.Send(std::string("\x81\xfe\x01\x00\0\0\0\0abc", 11)));  // 3 of 256 octets
  ASSERT_TRUE(idle.Send(UpgradeRequest("/")));
  EXPECT_NE(idle.Read(5000, "\r\n\r\n").find("101"), std::string::npos);
  for (fakes::RawConnection* connection : {&silent, &half, &trickle, &idle}) {
    static_cast<void>(connection->Read(10'000));
    EXPECT_TRUE(connection->closed());
  }
  EXPECT_TRUE(echo.WaitClosed(4));
  // One that answers pings stays for longer than the idle deadline.
  auto client = echo.Client();
  ASSERT_NE(client, nullptr);
  EXPECT_EQ(client->Receive(milliseconds(1500)).error().code, Code::kTimeout);
  EXPECT_TRUE(client->open());
}

TEST(WebSocket, AMessageThatDoesNotEndMeetsItsOwnDeadline) {
  Echo echo({.message_deadline = milliseconds(200)});  // of idleness: a minute
  fakes::RawConnection raw(echo.http->port());
  ASSERT_TRUE(raw.Send(UpgradeRequest()));
  ASSERT_NE(raw.Read(5000, "\r\n\r\n").find("101"), std::string::npos);
  ASSERT_TRUE(raw.Send(std::string("\x81\xfe\x01\x00\0\0\0\0abc", 11)));  // 3 of 256 octets
  static_cast<void>(raw.Read(10'000));
  EXPECT_TRUE(raw.closed());
}

TEST(WebSocket, WhoDoesNotReadIsClosed) {
  Echo echo({.max_queued = 1 << 20}, [](const WebSocketConnection& from, const std::string&) {
    for (int i = 0; i < 64; ++i) from.Send(std::string(1 << 20, 'x'));
  });
  fakes::RawConnection raw(echo.http->port());
  ASSERT_TRUE(raw.Send(UpgradeRequest()));
  ASSERT_NE(raw.Read(5000, "\r\n\r\n").find("101"), std::string::npos);
  ASSERT_TRUE(raw.Send(std::string("\x81\x81\0\0\0\0x", 7)));
  EXPECT_TRUE(echo.WaitClosed(1));
}

TEST(WebSocket, BadFramesEndTheConnection) {
  Echo echo;
  for (const std::string& frame : {std::string("\x81\x01x", 3),               // not masked
                                   std::string("\xf1\x81\0\0\0\0x", 7),       // reserved bits
                                   std::string("\x83\x81\0\0\0\0x", 7),       // unknown opcode
                                   std::string("\x89\xfe\x01\0\0\0\0\0", 8),  // a ping of 256 octets
                                   std::string("\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0\0\0", 14)}) {
    fakes::RawConnection raw(echo.http->port());
    ASSERT_TRUE(raw.Send(UpgradeRequest()));
    ASSERT_NE(raw.Read(5000, "\r\n\r\n").find("101"), std::string::npos);
    ASSERT_TRUE(raw.Send(frame));
    static_cast<void>(raw.Read(10'000));
    EXPECT_TRUE(raw.closed());
  }
  EXPECT_TRUE(echo.WaitClosed(5));
  EXPECT_EQ(echo.server->stats().messages, 0u);
}

TEST(WebSocket, HandleOutlivesTheServer) {
  std::mutex mutex;
  std::vector<WebSocketConnection> kept;
  {
    Echo echo({}, [&](const WebSocketConnection& from, const std::string&) {
      {
        const std::lock_guard lock(mutex);
        kept.push_back(from);
      }
      from.Send("noted");
    });
    auto client = echo.Client();
    ASSERT_TRUE(client->Send("x", kLong));
    EXPECT_EQ(client->Receive(kLong).value_or("?"), "noted");
    const std::lock_guard lock(mutex);
    EXPECT_TRUE(kept.front().Send("again"));
    EXPECT_EQ(client->Receive(kLong).value_or("?"), "again");
  }
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_FALSE(kept.front().Send("too late"));
  kept.front().Close(WebSocketClose::kNormal);
}

TEST(WebSocket, APongSaysThatAllWasHandled) {
  std::atomic<int> handled{0};
  Echo echo({}, [&](const WebSocketConnection& from, const std::string& text) {
    // Long enough for a pong that doesn't wait to come first.
    std::mutex mutex;
    std::condition_variable never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, milliseconds(30), [] { return false; });
    ++handled;
    from.Send("did " + text);
    if (text == "bad") from.Close(WebSocketClose::kPolicy);
  });
  auto client = echo.Client();
  for (int i = 1; i <= 5; ++i) {
    ASSERT_TRUE(client->Send(std::to_string(i), kLong));
    ASSERT_TRUE(client->Flush(kLong));
    EXPECT_EQ(handled, i);
    EXPECT_EQ(client->waiting(), static_cast<size_t>(i));
  }
  ASSERT_TRUE(client->Send("bad", kLong));
  EXPECT_EQ(client->Flush(kLong).error().code, Code::kRefused);
}

TEST(WebSocket, ReceiverThatWaitsHoldsTheSender) {
  Echo echo;
  auto client = echo.Client({.max_waiting = 2});
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(client->Send(std::to_string(i), kLong));
  for (int i = 0; i < 10; ++i) {
    const auto got = client->Receive(kLong);
    ASSERT_TRUE(got) << got.error().Text();
    EXPECT_EQ(*got, "re:" + std::to_string(i));
    EXPECT_LE(client->waiting(), 2u);
  }
}

TEST(WebSocket, Tls) {
  const auto folder = *TempDir::Create("websocket");
  const auto make = [&](const std::string& name, const std::string& alternative) {
    SpawnOptions openssl;
    openssl.argv = {"openssl",
                    "req",
                    "-x509",
                    "-newkey",
                    "ec",
                    "-pkeyopt",
                    "ec_paramgen_curve:P-256",
                    "-nodes",
                    "-days",
                    "2",
                    "-subj",
                    "/CN=test",
                    "-addext",
                    "subjectAltName=" + alternative,
                    "-keyout",
                    folder / (name + ".key"),
                    "-out",
                    folder / (name + ".pem")};
    const auto run = RunProcess(openssl, seconds(60));
    ASSERT_TRUE(run && run->state.ok()) << (run ? run->err : run.error().Text());
  };
  make("good", "IP:127.0.0.1,DNS:localhost");
  make("other", "DNS:elsewhere.example");
  const auto serve = [&](const std::string& name) {
    WebSocketServerOptions options;
    options.host = "127.0.0.1";
    options.certificate_file = folder / (name + ".pem");
    options.key_file = folder / (name + ".key");
    return std::make_unique<Echo>(options);
  };
  const auto good = serve("good");
  EXPECT_TRUE(good->url.starts_with("wss://"));
  auto client = good->Client({.ca_file = folder / "good.pem"});
  ASSERT_NE(client, nullptr);
  const std::string big(300'000, 'x');
  ASSERT_TRUE(client->Send(big, kLong));
  EXPECT_EQ(client->Receive(kLong).value_or("?"), "re:" + big);
  // Not trusted by the system; another's name; another path; TLS wanted where there is none.
  EXPECT_EQ(WebSocketClient::Connect(good->url).error().code, Code::kUntrusted);
  EXPECT_EQ(WebSocketClient::Connect(good->url, {.ca_file = folder / "other.pem"}).error().code, Code::kUntrusted);
  const auto other = serve("other");
  EXPECT_EQ(WebSocketClient::Connect(other->url, {.ca_file = folder / "other.pem"}).error().code, Code::kUntrusted);
  EXPECT_EQ(WebSocketClient::Connect(good->url + "x", {.ca_file = folder / "good.pem"}).error().code, Code::kRefused);
  EXPECT_EQ(WebSocketClient::Connect(good->url, {.ca_file = folder / "none.pem"}).error().code, Code::kIo);
  const Echo plain;
  EXPECT_FALSE(WebSocketClient::Connect("wss" + plain.url.substr(2), {.ca_file = folder / "good.pem"}));
  EXPECT_EQ(
      WebSocketServer::Start({.host = "127.0.0.1", .certificate_file = "none", .key_file = "none"}, {}).error().code,
      Code::kInvalidArgument);
}

}  // namespace
}  // namespace keel::base
