// SPDX-License-Identifier: Apache-2.0
// What one transport has that the others have not; what all have is in tests/contract.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>

#include "base/files.h"
#include "didcomm/transports/coap_transport.h"
#include "didcomm/transports/file_transport.h"
#include "didcomm/transports/websocket_transport.h"

namespace keel::didcomm {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class Heard {
 public:
  EnvelopeHandler Handler(std::string reply = {}) {
    return [this, reply](std::string envelope) -> Result<std::string> {
      const std::lock_guard lock(mutex_);
      all_.push_back(std::move(envelope));
      changed_.notify_all();
      return reply;
    };
  }
  std::vector<std::string> Wait(size_t count) {
    std::unique_lock lock(mutex_);
    EXPECT_TRUE(changed_.wait_for(lock, seconds(20), [&] { return all_.size() >= count; }));
    return all_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> all_;
};

// A UDP peer that speaks CoAP by hand.
class RawCoap {
 public:
  explicit RawCoap(uint16_t port) : fd_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~RawCoap() { ::close(fd_); }
  RawCoap(const RawCoap&) = delete;
  RawCoap& operator=(const RawCoap&) = delete;

  // POST /didcomm, confirmable; gives the response's code (class * 100 + detail) and keeps the datagram.
  int Post(uint16_t id, const std::string& options, const std::string& data) {
    std::string datagram = {0x40, 0x02, static_cast<char>(id >> 8), static_cast<char>(id)};
    datagram += std::string("\xb7", 1) + "didcomm" + options;
    if (!data.empty()) datagram += std::string("\xff", 1) + data;
    EXPECT_EQ(::send(fd_, datagram.data(), datagram.size(), 0), static_cast<ssize_t>(datagram.size()));
    pollfd item{fd_, POLLIN, 0};
    if (::poll(&item, 1, 10'000) <= 0) return 0;
    last.resize(2048);
    const ssize_t n = ::recv(fd_, last.data(), last.size(), 0);
    last.resize(n > 0 ? static_cast<size_t>(n) : 0);
    if (last.size() < 4) return 0;
    const auto code = static_cast<uint8_t>(last[1]);
    return (code >> 5) * 100 + (code & 31);
  }
  // Block1 behind Uri-Path (delta 16).
  static std::string Block1(uint32_t number, bool more, unsigned szx = 6) {
    return std::string("\xd2\x03", 2) + Value(number, more, szx);
  }
  // Block2 behind Uri-Path (delta 12).
  static std::string Block2(uint32_t number, unsigned szx = 6) {
    return std::string("\xc2", 1) + Value(number, false, szx);
  }
  std::string last;

 private:
  static std::string Value(uint32_t number, bool more, unsigned szx) {
    const uint32_t value = number << 4 | (more ? 8u : 0u) | szx;
    return {static_cast<char>(value >> 8), static_cast<char>(value)};
  }
  int fd_;
};

class Coap : public ::testing::Test {
 protected:
  void Start(CoapServerOptions options = {}, std::string reply = {}) {
    options.port = 0;
    auto started = CoapServer::Start(options, heard.Handler(std::move(reply)));
    ASSERT_TRUE(started) << started.error().Text();
    server = std::move(*started);
  }
  Heard heard;
  std::unique_ptr<CoapServer> server;
  const std::string block = std::string(1024, 'x');
};

TEST_F(Coap, ARepeatedDatagramIsHandledOnce) {
  Start({}, "reply");
  RawCoap peer(server->port());
  EXPECT_EQ(peer.Post(1, "", "hello"), 204);
  const std::string first = peer.last;
  EXPECT_TRUE(first.ends_with("reply"));
  EXPECT_EQ(peer.Post(1, "", "hello"), 204);
  EXPECT_EQ(peer.last, first);
  EXPECT_EQ(heard.Wait(1).size(), 1u);
  EXPECT_EQ(peer.Post(2, "", "hello"), 204);  // another message
  EXPECT_EQ(heard.Wait(2).size(), 2u);
  // The same of blocks, the last among them.
  EXPECT_EQ(peer.Post(3, RawCoap::Block1(0, true), block), 231);
  EXPECT_EQ(peer.Post(3, RawCoap::Block1(0, true), block), 231);
  EXPECT_EQ(peer.Post(4, RawCoap::Block1(1, false), "end"), 204);
  EXPECT_EQ(peer.Post(4, RawCoap::Block1(1, false), "end"), 204);
  EXPECT_EQ(heard.Wait(3), (std::vector<std::string>{"hello", "hello", block + "end"}));
  EXPECT_EQ(server->stats().handled, 3u);
}

TEST_F(Coap, BlocksOutOfOrderAreIncomplete) {
  Start();
  RawCoap peer(server->port());
  EXPECT_EQ(peer.Post(1, RawCoap::Block1(1, false), "end"), 408);  // without the first
  EXPECT_EQ(peer.Post(2, RawCoap::Block1(0, true), block), 231);
  EXPECT_EQ(peer.Post(3, RawCoap::Block1(2, false), "end"), 408);   // a gap
  EXPECT_EQ(peer.Post(4, RawCoap::Block1(1, false), "end"), 408);   // which ended it
  EXPECT_EQ(peer.Post(5, RawCoap::Block1(0, true), "short"), 400);  // a block that isn't full
  EXPECT_EQ(peer.Post(6, RawCoap::Block2(1), ""), 408);             // the rest of no answer
  EXPECT_EQ(server->stats().exchanges, 0u);
  EXPECT_EQ(server->stats().handled, 0u);
}

TEST_F(Coap, AnswersInTheBlocksThatAreAskedFor) {
  std::string reply;
  for (int i = 0; i < 3000; ++i) reply += static_cast<char>('a' + i % 26);
  Start({}, reply);
  RawCoap peer(server->port());
  EXPECT_EQ(peer.Post(1, RawCoap::Block2(0, 2), "hello"), 204);  // 64 octets
  EXPECT_EQ(server->stats().unfinished, 1u);
  EXPECT_TRUE(peer.last.ends_with(reply.substr(0, 64)));
  EXPECT_EQ(peer.Post(2, RawCoap::Block2(46, 2), ""), 204);
  EXPECT_TRUE(peer.last.ends_with(reply.substr(2944)));
  EXPECT_EQ(server->stats().unfinished, 0u);
  EXPECT_EQ(peer.Post(3, RawCoap::Block2(1000, 2), ""), 204);  // beyond the end: nothing
  EXPECT_EQ(heard.Wait(1).size(), 1u);
}

TEST_F(Coap, WhatIsAnnouncedReservesNothing) {
  CoapServerOptions options;
  options.max_exchanges = 2;
  Start(options);
  // Size1 (delta 33 behind Block1) of 4 GiB.
  RawCoap liar(server->port());
  EXPECT_EQ(liar.Post(1, RawCoap::Block1(0, true) + std::string("\xd4\x14\xff\xff\xff\xff", 6), block), 413);
  RawCoap one(server->port()), two(server->port()), three(server->port());
  EXPECT_EQ(one.Post(1, RawCoap::Block1(0, true), block), 231);
  EXPECT_EQ(two.Post(1, RawCoap::Block1(0, true), block), 231);
  EXPECT_EQ(three.Post(1, RawCoap::Block1(0, true), block), 503);
  EXPECT_EQ(one.Post(2, RawCoap::Block1(1, false), "end"), 204);
  EXPECT_EQ(server->stats().exchanges, 2u);
}

TEST_F(Coap, BlocksOverTheLimitThatNobodyAnnounced) {
  CoapServerOptions options;
  options.max_envelope = 1500;
  Start(options);
  RawCoap peer(server->port());
  EXPECT_EQ(peer.Post(1, RawCoap::Block1(0, true), block), 231);
  EXPECT_EQ(peer.Post(2, RawCoap::Block1(1, true), block), 413);
  EXPECT_EQ(server->stats().exchanges, 0u);
}

TEST_F(Coap, OtherThingsThatAreRefused) {
  Start();
  RawCoap peer(server->port());
  EXPECT_EQ(peer.Post(1, std::string("\x11\x3c", 2), "cbor"), 415);  // Content-Format 60
  const CoapTransport transport;
  EXPECT_FALSE(transport.Carries("coaps://x/"));
  CoapTransport client;
  EXPECT_EQ(client.Send(server->uri() + "/else", "x", {}).error().code, Code::kHttpStatus);
  EXPECT_EQ(client.Send("coap://127.0.0.1:5683/a?b", "x", {}).error().code, Code::kUnsupported);
  EXPECT_EQ(client.Send("http://127.0.0.1/", "x", {}).error().code, Code::kUnsupported);
  CoapServerOptions taken;
  taken.port = server->port();
  EXPECT_EQ(CoapServer::Start(taken, heard.Handler()).error().code, Code::kBusy);
  EXPECT_EQ(CoapServer::Start({.host = "nobody.example"}, heard.Handler()).error().code, Code::kInvalidArgument);
}

class Files : public ::testing::Test {
 protected:
  void Start(EnvelopeHandler handler) {
    FileServerOptions options;
    options.folder = folder;
    options.scan = milliseconds(5);
    options.max_kept = 3;
    auto started = FileServer::Start(options, std::move(handler));
    ASSERT_TRUE(started) << started.error().Text();
    server = std::move(*started);
  }
  void Put(const std::string& name, const std::string& text, time_t changed = 0) {
    ASSERT_TRUE(base::WriteFileAtomic(folder + "/" + name, text));
    if (changed == 0) return;
    const timespec times[2] = {{changed, 0}, {changed, 0}};
    ASSERT_EQ(::utimensat(AT_FDCWD, (folder + "/" + name).c_str(), times, 0), 0);
  }
  size_t Count(const std::string& sub) { return base::ListDir(folder + "/" + sub)->size(); }
  base::TempDir temporary = std::move(*base::TempDir::Create("drop"));
  const std::string folder = temporary / "box";
  Heard heard;
  std::unique_ptr<FileServer> server;
};

TEST_F(Files, OrderOfTheExtension) {
  ASSERT_TRUE(base::MakeDir(folder));
  Put("10--ten.dcem", "10");
  Put("9--nine.dcem", "9");
  Put("009--nine-too.dcem", "9b");
  Put("b.dcem", "older", 1'000'000);
  Put("a.dcem", "newer", 2'000'000);
  Put("1-not-an-ordinal.dcem", "oldest", 500'000);
  Start(heard.Handler());
  EXPECT_EQ(heard.Wait(6), (std::vector<std::string>{"oldest", "older", "newer", "9b", "9", "10"}));
}

TEST_F(Files, WhatACrashLeftIsTakenAgain) {
  ASSERT_TRUE(base::MakeDir(folder));
  Put("1--a.dcem.work", "half handled");
  Put("2--b.dcem", "next");
  Put(".x.dcem.work", "not ours");
  Start(heard.Handler("reply"));
  EXPECT_EQ(heard.Wait(2), (std::vector<std::string>{"half handled", "next"}));
  server->Stop();
  EXPECT_EQ(base::ReadFile(folder + "/replies/1--a.dcem").value_or("?"), "reply");
  EXPECT_FALSE(base::FileExists(folder + "/1--a.dcem.work"));
  EXPECT_FALSE(base::FileExists(folder + "/1--a.dcem"));
}

TEST_F(Files, OneProcessAFolder) {
  Start(heard.Handler());
  FileServerOptions again;
  again.folder = folder;
  EXPECT_EQ(FileServer::Start(again, heard.Handler()).error().code, Code::kBusy);
  server.reset();
  EXPECT_TRUE(FileServer::Start(again, heard.Handler()));
}

TEST_F(Files, RefusedOnesAreKeptBounded) {
  std::atomic<int> calls{0};
  Start([&](const std::string&) -> Result<std::string> {
    ++calls;
    return Fail(Code::kRefused, "x");
  });
  for (int i = 0; i < 8; ++i) Put(std::to_string(i) + "--x.dcem", "bad");
  FileTransport transport({.poll = milliseconds(5)});
  SendOptions wait;
  wait.wants_reply = true;
  EXPECT_EQ(transport.Send(FolderUri(folder), "bad", wait).error().code, Code::kRefused);
  EXPECT_EQ(calls, 9);
  EXPECT_LE(Count("refused"), 3u);
  EXPECT_LE(Count("replies"), 3u);
  EXPECT_EQ(server->stats().refused, 9u);
}

TEST_F(Files, NothingIsReadThroughLinks) {
  Start(heard.Handler());
  ASSERT_TRUE(base::WriteFileAtomic(temporary / "secret", std::string_view("secret")));
  ASSERT_EQ(::symlink((temporary / "secret").c_str(), (folder + "/1--link.dcem").c_str()), 0);
  ASSERT_EQ(::mkfifo((folder + "/2--pipe.dcem").c_str(), 0600), 0);
  ASSERT_TRUE(base::MakeDir(folder + "/3--folder.dcem"));
  Put("4--good.dcem", "good");
  EXPECT_EQ(heard.Wait(1), std::vector<std::string>{"good"});
}

TEST(FileUri, ThereAndBack) {
  for (const std::string folder : {"/a", "/a b/c%d", "/\xc3\xa4/~x"})
    EXPECT_EQ(FolderOf(FolderUri(folder)).value_or("?"), folder);
  EXPECT_EQ(FolderUri("/a b"), "file:///a%20b");
  EXPECT_EQ(FolderOf("file:/a/b/").value_or("?"), "/a/b");
  EXPECT_EQ(FolderOf("file://localhost/a").value_or("?"), "/a");
  for (const char* bad : {"http://x/", "file://host/a", "file:a", "file://", "file:///%zz", "file:///a%00b"})
    EXPECT_EQ(FolderOf(bad).error().code, Code::kMalformed) << bad;
}

TEST(WebSocketTransport, KeepsConnectionsAndFindsClosedOnes) {
  Heard heard;
  base::WebSocketServerOptions options;
  options.host = "127.0.0.1";
  auto server = *base::WebSocketServer::Start(options, DidcommSocket(heard.Handler()));
  WebSocketTransport transport;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(transport.Send(server->url(), std::to_string(i), {}));
  EXPECT_EQ(server->stats().accepted, 1u);
  options.port = server->port();
  server.reset();
  server = *base::WebSocketServer::Start(options, DidcommSocket(heard.Handler()));
  ASSERT_TRUE(transport.Send(server->url(), "again", {}));
  EXPECT_EQ(heard.Wait(6).back(), "again");
}

}  // namespace
}  // namespace keel::didcomm
