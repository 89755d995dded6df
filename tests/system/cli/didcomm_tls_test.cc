// SPDX-License-Identifier: Apache-2.0
// `keel didcomm listen` over https and wss, and after it was killed.
#include <csignal>

#include "tests/fakes/tls_server.h"
#include "tests/system/cli/talk.h"

namespace keel {
namespace {

using fakes::TestAuthority;
using test::kBasicMessage;
using test::kPatience;
using test::Listener;
using test::Talk;

class TalkOverTls : public Talk, public ::testing::WithParamInterface<const char*> {
 protected:
  TalkOverTls() {
    const auto leaf = authority_.Issue("IP:127.0.0.1");
    Write("root.pem", authority_.RootPem());
    Write("stranger.pem", stranger_.RootPem());
    Write("server.pem", TestAuthority::CertificatePem(leaf));
    Write("server.tls", TestAuthority::KeyPem(leaf));
  }
  void Write(const std::string& name, const std::string& text) {
    ASSERT_TRUE(base::WriteFileAtomic(dir_ / name, text, 0600));
  }
  Listener ListenTls(const std::string& count) {
    return Listen({"--listen", std::string(GetParam()) + "://127.0.0.1:0/didcomm", "--tls-cert", dir_ / "server.pem",
                   "--tls-key", dir_ / "server.tls", "--count", count});
  }
  TestAuthority authority_, stranger_;
};

TEST_P(TalkOverTls, PingSendAndProblemReport) {
  Listener bob = ListenTls("3");
  ASSERT_EQ(bob.uris.size(), 1u);
  EXPECT_TRUE(bob.uris[0].starts_with(std::string(GetParam()) + "://127.0.0.1:")) << bob.uris[0];
  EXPECT_EQ(OkJson({"didcomm", "ping", bob.did, "--ca-file", dir_ / "root.pem", "--json"})["did"], bob.did);
  const std::string alice = Peer("alice.key");
  const std::vector<std::string> send = {"didcomm", "send",  "--from",           alice,       "--to",
                                         bob.did,   "--key", dir_ / "alice.key", "--ca-file", dir_ / "root.pem"};
  const auto unknown = Run(send, R"({"type":"https://example.org/hello/1.0/hi","id":"42"})");
  EXPECT_EQ(unknown.state.code, 1) << unknown.err;
  EXPECT_NE(unknown.out.find("problem-report"), std::string::npos) << unknown.err;
  auto basic = send;
  basic.insert(basic.end(), {"--wait", "0", "--type", kBasicMessage, "--body", R"({"content":"hello"})"});
  Ok(basic);
  const auto messages = bob.Messages();
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[2]["message"]["body"]["content"], "hello");
}

TEST_P(TalkOverTls, WhoIsntTrustedGetsNothing) {
  Listener bob = ListenTls("1");
  // Neither the system's trust nor another's root covers it.
  for (const std::vector<std::string>& trust :
       {std::vector<std::string>{}, std::vector<std::string>{"--ca-file", dir_ / "stranger.pem"}}) {
    std::vector<std::string> ping = {"didcomm", "ping", bob.did, "--json"};
    ping.insert(ping.end(), trust.begin(), trust.end());
    const auto refused = Run(ping);
    EXPECT_EQ(refused.state.code, 1) << refused.err;
    EXPECT_NE(refused.err.find("\"untrusted\""), std::string::npos) << refused.err;
  }
  const auto unread = Run({"didcomm", "ping", bob.did, "--ca-file", dir_ / "none.pem"});
  EXPECT_EQ(unread.state.code, 2) << unread.err;
  EXPECT_NE(unread.err.find("none.pem"), std::string::npos) << unread.err;
  Ok({"didcomm", "ping", bob.did, "--ca-file", dir_ / "root.pem"});
  EXPECT_EQ(bob.Messages().size(), 1u);
}

TEST_P(TalkOverTls, FilesThatAreMissingAreNamed) {
  const std::string uri = std::string(GetParam()) + "://127.0.0.1:0/";
  const auto without = Run({"didcomm", "listen", "--listen", uri});
  EXPECT_EQ(without.state.code, 2);
  EXPECT_NE(without.err.find("--tls-cert"), std::string::npos) << without.err;
  const auto wrong =
      Run({"didcomm", "listen", "--listen", uri, "--tls-cert", dir_ / "server.pem", "--tls-key", dir_ / "root.pem"});
  EXPECT_EQ(wrong.state.code, 2);
  EXPECT_NE(wrong.err.find("root.pem"), std::string::npos) << wrong.err;
  const auto unused = Run({"didcomm", "listen", "--listen", "http://127.0.0.1:0/", "--tls-cert", dir_ / "server.pem"});
  EXPECT_EQ(unused.state.code, 2);
}

INSTANTIATE_TEST_SUITE_P(Transports, TalkOverTls, ::testing::Values("https", "wss"));

// What came before is known again, however the listener ended.
TEST_F(Talk, ReplaysAreRefusedAfterAKill) {
  const std::string bob_did = Peer("bob.key"), alice = Peer("alice.key");
  const std::vector<std::string> listen = {"--listen", "http://127.0.0.1:0/", "--key", dir_ / "bob.key",
                                           "--data",   dir_ / "seen"};
  const auto pack = [&] {
    return Ok({"didcomm", "pack", "--mode", "authcrypt", "--from", alice, "--to", bob_did, "--key", dir_ / "alice.key",
               "--type", kBasicMessage, "--body", R"({"content":"once"})"});
  };
  const std::string first = pack(), second = pack();
  {
    Listener bob = Listen(listen);
    Ok({"didcomm", "send", "--wait", "0", "--url", bob.uris[0]}, first);
    bob.process.Signal(SIGKILL);
    ASSERT_TRUE(bob.process.Wait(kPatience));
  }
  auto once = listen;
  once.insert(once.end(), {"--count", "1"});
  Listener bob = Listen(once);
  EXPECT_NE(Run({"didcomm", "send", "--wait", "0", "--url", bob.uris[0]}, first).state.code, 0);
  Ok({"didcomm", "send", "--wait", "0", "--url", bob.uris[0]}, second);
  const auto output = bob.process.ReadOutput(kPatience);
  ASSERT_TRUE(output);
  EXPECT_EQ(std::count(output->out.begin(), output->out.end(), '\n'), 1) << output->out;
  EXPECT_NE(output->err.find("\"replayed\""), std::string::npos) << output->err;
}

TEST_F(Talk, VerbsThatThereArent) {
  const auto nonsense = Run({"didcomm", "nonsense"});
  EXPECT_EQ(nonsense.state.code, 2);
  EXPECT_NE(nonsense.err.find("\"nonsense\""), std::string::npos) << nonsense.err;
  EXPECT_NE(nonsense.err.find("listen"), std::string::npos) << nonsense.err;
  EXPECT_NE(Run({"didcomm"}).err.find("unpack"), std::string::npos);
  EXPECT_EQ(Run({"didcomm", "--help"}).state.code, 0);
}

}  // namespace
}  // namespace keel
