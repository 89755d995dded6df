// SPDX-License-Identifier: Apache-2.0
// The seam didcomm::Transport with its server sides: the same tests over HTTP, WebSocket, CoAP and files.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "base/clock.h"
#include "base/files.h"
#include "base/net/http_client.h"
#include "didcomm/transports/coap_transport.h"
#include "didcomm/transports/file_transport.h"
#include "didcomm/transports/http_transport.h"
#include "didcomm/transports/websocket_transport.h"
#include "tests/fakes/raw_connection.h"

namespace keel::didcomm {
namespace {

using std::chrono::milliseconds;

constexpr size_t kLimit = 256 << 10;

// A transport and a server of its kind.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual Transport& transport() = 0;
  virtual void Start(EnvelopeHandler handler) = 0;
  virtual void Stop() = 0;
  virtual std::string uri() const = 0;
  // Where nobody is.
  virtual std::string DeadUri() const = 0;
  // Begins messages and never ends them.
  virtual void HalfSend() = 0;
  // Busy messages are kept and tried again, so that the sender hears nothing of it.
  virtual bool RetriesBusy() const { return false; }
};

class HttpSubject final : public Subject {
 public:
  Transport& transport() override { return transport_; }
  void Start(EnvelopeHandler handler) override {
    base::HttpServerOptions options;
    options.handler_threads = 4;
    options.max_body = kLimit;
    base::Router router;
    router.AddSync("POST", "/didcomm", DidcommEndpoint(std::move(handler)));
    server_ = std::move(*base::HttpServer::Start(options, router.AsHandler()));
  }
  void Stop() override { server_.reset(); }
  std::string uri() const override { return server_->url() + "/didcomm"; }
  std::string DeadUri() const override { return "http://127.0.0.1:1/didcomm"; }
  void HalfSend() override {
    fakes::RawConnection raw(server_->port());
    EXPECT_TRUE(
        raw.Send("POST /didcomm HTTP/1.1\r\nHost: x\r\nContent-Type: application/didcomm-encrypted+json\r\n"
                 "Content-Length: 100\r\n\r\n{\"half\":"));
  }

 private:
  std::unique_ptr<base::HttpClient> client_ = base::MakeBeastClient();
  HttpTransport transport_{*client_};
  std::unique_ptr<base::HttpServer> server_;
};

class WebSocketSubject final : public Subject {
 public:
  Transport& transport() override { return transport_; }
  void Start(EnvelopeHandler handler) override {
    base::WebSocketServerOptions options;
    options.host = "127.0.0.1";
    options.max_message = kLimit;
    server_ = std::move(*base::WebSocketServer::Start(options, DidcommSocket(std::move(handler))));
  }
  void Stop() override { server_.reset(); }
  std::string uri() const override { return server_->url(); }
  std::string DeadUri() const override { return "ws://127.0.0.1:1/"; }
  void HalfSend() override {
    fakes::RawConnection raw(server_->port());
    EXPECT_TRUE(
        raw.Send("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                 "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
    EXPECT_NE(raw.Read(5000, "\r\n\r\n").find("101"), std::string::npos);
    EXPECT_TRUE(raw.Send(std::string("\x81\xfe\x01\x00\0\0\0\0{\"half\":", 16)));
  }

 private:
  WebSocketTransport transport_;
  std::unique_ptr<base::WebSocketServer> server_;
};

class CoapSubject final : public Subject {
 public:
  Transport& transport() override { return transport_; }
  void Start(EnvelopeHandler handler) override {
    CoapServerOptions options;
    options.port = 0;
    options.max_envelope = kLimit;
    auto started = CoapServer::Start(options, std::move(handler));
    ASSERT_TRUE(started) << started.error().Text();
    server_ = std::move(*started);
  }
  void Stop() override { server_.reset(); }
  std::string uri() const override { return server_->uri(); }
  std::string DeadUri() const override { return "coap://127.0.0.1:1/didcomm"; }
  void HalfSend() override {
    // CON POST /didcomm, Block1 0/more/1024; then a datagram that is no CoAP.
    std::string first(
        "\x40\x02\x12\x34\xb7"
        "didcomm"
        "\x11\x32\xd1\x02\x0e\xff",
        18);
    first += std::string(1024, '{');
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(server_->port());
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (const std::string& datagram : {first, std::string("\xff\xff\xff"), std::string(1, '\0')})
      ::sendto(fd, datagram.data(), datagram.size(), 0, reinterpret_cast<sockaddr*>(&address), sizeof address);
    // Its answer says that the server has seen the first: 2.31.
    char answer[64];
    const ssize_t n = ::recv(fd, answer, sizeof answer, 0);
    EXPECT_GE(n, 4);
    EXPECT_EQ(static_cast<uint8_t>(answer[1]), (2 << 5) | 31);
    EXPECT_EQ(server_->stats().exchanges, 1u);
    ::close(fd);
  }

 private:
  CoapTransport transport_;
  std::unique_ptr<CoapServer> server_;
};

class FileSubject final : public Subject {
 public:
  Transport& transport() override { return transport_; }
  void Start(EnvelopeHandler handler) override {
    FileServerOptions options;
    options.folder = folder_ / "drop box";
    options.max_envelope = kLimit;
    options.scan = milliseconds(5);
    options.busy_retry = milliseconds(20);
    auto started = FileServer::Start(options, std::move(handler));
    ASSERT_TRUE(started) << started.error().Text();
    server_ = std::move(*started);
  }
  void Stop() override { server_.reset(); }
  std::string uri() const override { return server_->uri(); }
  std::string DeadUri() const override { return FolderUri(folder_ / "none"); }
  void HalfSend() override {
    for (const char* name : {"1--a.dcem.tmp.1.2", "b.part", ".c.dcem", "d.json", ".dcem"})
      EXPECT_TRUE(base::WriteFileAtomic(folder_ / ("drop box/" + std::string(name)), std::string_view("{\"half\":")));
    EXPECT_EQ(::symlink("/etc/hostname", (folder_ / "drop box/link.dcem").c_str()), 0);
    EXPECT_EQ(::mkfifo((folder_ / "drop box/pipe.dcem").c_str(), 0600), 0);
  }
  bool RetriesBusy() const override { return true; }

 private:
  base::TempDir folder_ = std::move(*base::TempDir::Create("drop"));
  FileTransport transport_{{.poll = milliseconds(5)}};
  std::unique_ptr<FileServer> server_;
};

using Make = std::function<std::unique_ptr<Subject>()>;

class TransportContract : public ::testing::TestWithParam<std::pair<const char*, Make>> {
 protected:
  void Start(EnvelopeHandler handler) { subject->Start(std::move(handler)); }
  Result<std::string> Send(std::string envelope, bool wants_reply = true,
                           milliseconds total = std::chrono::seconds(20)) {
    SendOptions options;
    options.deadlines.total = total;
    options.wants_reply = wants_reply;
    return subject->transport().Send(subject->uri(), std::move(envelope), options);
  }
  std::unique_ptr<Subject> subject = GetParam().second();
};

// Counts what came, and lets a test wait for it.
class Inbox {
 public:
  Result<std::string> Take(std::string envelope) {
    const std::lock_guard lock(mutex_);
    all.push_back(std::move(envelope));
    changed_.notify_all();
    return std::string();
  }
  bool Wait(size_t count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return all.size() >= count; });
  }
  size_t size() {
    const std::lock_guard lock(mutex_);
    return all.size();
  }
  std::vector<std::string> all;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
};

TEST_P(TransportContract, DeliversTheOctetsAsTheyAre) {
  Inbox inbox;
  Start([&](std::string envelope) { return inbox.Take(std::move(envelope)); });
  EXPECT_TRUE(subject->transport().Carries(subject->uri()));
  EXPECT_FALSE(subject->transport().Carries("did:example:x"));
  EXPECT_FALSE(subject->transport().Carries("gopher://x/"));
  std::vector<std::string> sent;
  for (const size_t size : {1u, 1023u, 1024u, 1025u, 2048u, 100'000u}) {
    std::string text;
    for (size_t i = 0; i < size; ++i) text += static_cast<char>('!' + (i * 7 + size) % 90);
    sent.push_back(text);
    const auto reply = Send(text, false);
    ASSERT_TRUE(reply) << size << ": " << reply.error().Text();
    EXPECT_TRUE(reply->empty());
    ASSERT_TRUE(inbox.Wait(sent.size())) << size;
  }
  EXPECT_EQ(inbox.all, sent);
}

TEST_P(TransportContract, TheReplyComesBackTheSameWay) {
  Start([](std::string envelope) -> Result<std::string> { return "re:" + std::move(envelope); });
  for (const size_t size : {1u, 1021u, 5'000u, 200'000u}) {
    const std::string text(size, 'x');
    const auto reply = Send(text);
    ASSERT_TRUE(reply) << size << ": " << reply.error().Text();
    EXPECT_EQ(*reply, "re:" + text);
  }
}

TEST_P(TransportContract, TooLargeIsNamedAndNeverHandled) {
  Inbox inbox;
  Start([&](std::string envelope) { return inbox.Take(std::move(envelope)); });
  const auto reply = Send(std::string(kLimit + 1, 'x'));
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kTooLarge) << reply.error().Text();
  EXPECT_EQ(inbox.size(), 0u);
  // The next is taken.
  ASSERT_TRUE(Send(std::string(kLimit, 'x'), false));
  EXPECT_TRUE(inbox.Wait(1));
}

TEST_P(TransportContract, RefusalsSayNothingButThat) {
  Start([](const std::string& envelope) -> Result<std::string> {
    if (envelope == "big") return Fail(Code::kTooLarge, "secret reason");
    return Fail(Code::kBadSignature, "secret reason");
  });
  const auto refused = Send("bad");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kRefused) << refused.error().Text();
  EXPECT_EQ(refused.error().Text().find("secret"), std::string::npos);
  EXPECT_EQ(Send("big").error().code, Code::kTooLarge);
}

TEST_P(TransportContract, BusyIsToldOrTriedAgain) {
  std::atomic<int> calls{0};
  Start([&](const std::string&) -> Result<std::string> {
    if (++calls <= 2) return Fail(Code::kBusy, "x");
    return std::string("now");
  });
  if (subject->RetriesBusy()) {
    EXPECT_EQ(Send("x").value_or("?"), "now");
    return;
  }
  EXPECT_EQ(Send("x").error().code, Code::kBusy);
  EXPECT_EQ(Send("x").error().code, Code::kBusy);
  EXPECT_EQ(Send("x").value_or("?"), "now");
}

TEST_P(TransportContract, Unreachable) {
  Start([](std::string) -> Result<std::string> { return std::string(); });
  SendOptions options;
  options.deadlines.total = std::chrono::seconds(10);
  const auto reply = subject->transport().Send(subject->DeadUri(), "x", options);
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kUnreachable) << reply.error().Text();
}

TEST_P(TransportContract, HalfAMessageIsNone) {
  Inbox inbox;
  Start([&](std::string envelope) { return inbox.Take(std::move(envelope)); });
  subject->HalfSend();
  ASSERT_TRUE(Send("whole", false));
  ASSERT_TRUE(inbox.Wait(1));
  EXPECT_EQ(inbox.all, std::vector<std::string>{"whole"});
}

TEST_P(TransportContract, GivesUpInTime) {
  std::mutex mutex;
  std::condition_variable changed;
  bool go = false;
  Start([&](const std::string&) -> Result<std::string> {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return go; });
    return std::string("late");
  });
  const uint64_t start = base::MonotonicMs();
  const auto reply = Send("x", true, milliseconds(300));
  const uint64_t took = base::MonotonicMs() - start;
  ASSERT_FALSE(reply);
  EXPECT_EQ(reply.error().code, Code::kTimeout) << reply.error().Text();
  EXPECT_GE(took, 290u);
  EXPECT_LT(took, 5'000u);
  {
    const std::lock_guard lock(mutex);
    go = true;
  }
  changed.notify_all();
  EXPECT_EQ(Send("y").value_or("?"), "late");
  subject->Stop();
}

TEST_P(TransportContract, ManyAtOnceEachGetTheirOwnReply) {
  Start([](std::string envelope) -> Result<std::string> { return "re:" + std::move(envelope); });
  constexpr int kThreads = 6, kEach = 8;
  std::atomic<int> good{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        const std::string text =
            std::to_string(t) + "." + std::to_string(i) + std::string(static_cast<size_t>(i) * 700, 'x');
        const auto reply = Send(text);
        if (reply && *reply == "re:" + text) ++good;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(good, kThreads * kEach);
}

TEST_P(TransportContract, ServesAgainAfterARestart) {
  Inbox inbox;
  Start([&](std::string envelope) { return inbox.Take(std::move(envelope)); });
  ASSERT_TRUE(Send("one", false));
  ASSERT_TRUE(inbox.Wait(1));
  subject->Stop();
  Start([&](std::string envelope) { return inbox.Take(std::move(envelope)); });
  ASSERT_TRUE(Send("two", false));
  ASSERT_TRUE(inbox.Wait(2));
  EXPECT_EQ(inbox.all, (std::vector<std::string>{"one", "two"}));
}

INSTANTIATE_TEST_SUITE_P(
    All, TransportContract,
    ::testing::Values(std::pair<const char*, Make>("http", [] { return std::make_unique<HttpSubject>(); }),
                      std::pair<const char*, Make>("websocket", [] { return std::make_unique<WebSocketSubject>(); }),
                      std::pair<const char*, Make>("coap", [] { return std::make_unique<CoapSubject>(); }),
                      std::pair<const char*, Make>("file", [] { return std::make_unique<FileSubject>(); })),
    [](const auto& param) { return std::string(param.param.first); });

}  // namespace
}  // namespace keel::didcomm
