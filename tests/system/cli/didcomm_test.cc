// SPDX-License-Identifier: Apache-2.0
// `keel didcomm listen` as processes of their own, and the verbs that talk to them, over every transport.
#include <signal.h>

#include <algorithm>

#include "tests/fakes/mediator_world.h"
#include "tests/system/cli/talk.h"

namespace keel {
namespace {

using nlohmann::json;
using test::kBasicMessage;
using test::kPatience;
using test::Listener;
using test::Talk;

TEST_F(Talk, PingDiscoverAndSendOverHttp) {
  Listener bob = Listen({"--listen", "http://127.0.0.1:0/didcomm", "--count", "4"});
  EXPECT_EQ(OkJson({"didcomm", "ping", bob.did, "--json"})["did"], bob.did);
  const std::string features = Ok({"didcomm", "discover", bob.did, "--query", "protocol=https://didcomm.org/trust-*"});
  EXPECT_EQ(features, "protocol    https://didcomm.org/trust-ping/2.0  [sender, receiver]");

  const std::string alice = Peer("alice.key");
  Ok({"didcomm", "send", "--from", alice, "--to", bob.did, "--key", dir_ / "alice.key", "--type", kBasicMessage,
      "--body", R"({"content":"hello"})"});
  // What it doesn't speak is answered with a problem report on the same connection.
  const auto unknown = Run({"didcomm", "send", "--from", alice, "--to", bob.did, "--key", dir_ / "alice.key"},
                           R"({"type":"https://example.org/hello/1.0/hi","id":"42"})");
  EXPECT_EQ(unknown.state.code, 1);
  const auto report = base::ParseJson(unknown.out);
  ASSERT_TRUE(report) << unknown.out;
  EXPECT_EQ((*report)["message"]["type"], "https://didcomm.org/report-problem/2.0/problem-report");
  EXPECT_EQ((*report)["message"]["pthid"], "42");
  EXPECT_EQ((*report)["metadata"]["authenticated"], true);
  EXPECT_NE(unknown.err.find("e.m.msg.unsupported-protocol"), std::string::npos) << unknown.err;

  const auto messages = bob.Messages();
  ASSERT_EQ(messages.size(), 4u);
  EXPECT_EQ(messages[2]["message"]["body"]["content"], "hello");
  EXPECT_EQ(messages[2]["message"]["from"], alice);
  EXPECT_EQ(messages[2]["metadata"]["authenticated"], true);
  EXPECT_EQ(messages[2]["metadata"]["encrypted_from_kid"], alice + "#key-2");
  const auto end = bob.process.Wait(kPatience);
  ASSERT_TRUE(end);
  EXPECT_TRUE(end->ok());
}

// The same conversation over each transport that listens.
class TalkOver : public Talk, public ::testing::WithParamInterface<const char*> {};

TEST_P(TalkOver, PingAndProblemReportComeBackTheSameWay) {
  // A folder is the test's own.
  const std::string where = std::string_view(GetParam()) == "file:" ? "file:" + (dir_ / "box") : GetParam();
  Listener bob = Listen({"--listen", where, "--count", "3"});
  ASSERT_EQ(bob.uris.size(), 1u);
  EXPECT_TRUE(bob.uris[0].starts_with(std::string(GetParam()).substr(0, 3))) << bob.uris[0];
  EXPECT_EQ(OkJson({"didcomm", "ping", bob.did, "--json"})["did"], bob.did);
  const std::string alice = Peer("alice.key");
  const auto unknown =
      Run({"didcomm", "send", "--from", alice, "--to", bob.did, "--key", dir_ / "alice.key", "--wait", "30"},
          R"({"type":"https://example.org/hello/1.0/hi","id":"42"})");
  EXPECT_EQ(unknown.state.code, 1) << unknown.err;
  EXPECT_NE(unknown.out.find("problem-report"), std::string::npos) << unknown.err;
  Ok({"didcomm", "send", "--from", alice, "--to", bob.did, "--key", dir_ / "alice.key", "--wait", "0", "--type",
      kBasicMessage, "--body", R"({"content":"hello"})"});
  const auto messages = bob.Messages();
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[2]["message"]["body"]["content"], "hello");
  EXPECT_EQ(messages[2]["message"]["from"], alice);
}

TEST_P(TalkOver, TheLastAnswerStillArrives) {
  const std::string where = std::string_view(GetParam()) == "file:" ? "file:" + (dir_ / "box") : GetParam();
  Listener bob = Listen({"--listen", where, "--count", "1"});
  EXPECT_EQ(OkJson({"didcomm", "ping", bob.did, "--json"})["did"], bob.did);
}

INSTANTIATE_TEST_SUITE_P(Transports, TalkOver,
                         ::testing::Values("http://127.0.0.1:0/didcomm", "ws://127.0.0.1:0/didcomm",
                                           "coap://127.0.0.1:0/didcomm", "file:"));

TEST_F(Talk, TwoListenersTalkToEachOther) {
  // Alice listens, too: her question's answer comes to her own endpoint where it can't come back on the connection.
  Listener bob = Listen({"--listen", "ws://127.0.0.1:0/", "--listen", "http://127.0.0.1:0/", "--count", "2"});
  ASSERT_EQ(bob.uris.size(), 2u);
  EXPECT_EQ(OkJson({"didcomm", "ping", bob.did, "--listen", "http://127.0.0.1:0/", "--json"})["did"], bob.did);
  // Nobody answers a basic message: said, and not sent a second time to the other endpoint.
  const std::string alice = Peer("alice.key");
  const auto sent = Run({"didcomm", "send", "--from", alice, "--to", bob.did, "--key", dir_ / "alice.key", "--wait",
                         "0.5", "--type", kBasicMessage, "--body", R"({"content":"hello"})"});
  EXPECT_EQ(sent.state.code, 0) << sent.err;
  EXPECT_NE(sent.err.find("no answer"), std::string::npos) << sent.err;
  EXPECT_EQ(bob.Messages().size(), 2u);
}

// Only outgoing connections on Bob's side; the mediator is real, in this process.
TEST_F(Talk, ThroughAMediator) {
  fakes::MediatorWorld world;
  ASSERT_TRUE(world.mediator);
  Listener bob = Listen({"--mediator", world.mediator->did(), "--count", "2"});
  EXPECT_TRUE(bob.uris.empty());
  ASSERT_TRUE(bob.did.starts_with("did:peer:2")) << bob.did;
  const std::string alice = Peer("alice.key");
  Ok({"didcomm", "send", "--from", alice, "--to", bob.did, "--key", dir_ / "alice.key", "--type", kBasicMessage,
      "--body", R"({"content":"through"})"});
  // An answer can't come back through a mediator's connection: said at once.
  const auto nowhere = Run({"didcomm", "ping", bob.did});
  EXPECT_EQ(nowhere.state.code, 2);
  EXPECT_NE(nowhere.err.find("--mediator"), std::string::npos) << nowhere.err;
  // The one who asks is behind the mediator, too.
  EXPECT_EQ(
      OkJson({"didcomm", "ping", bob.did, "--mediator", world.mediator->did(), "--timeout", "30", "--json"})["did"],
      bob.did);
  const auto messages = bob.Messages();
  ASSERT_EQ(messages.size(), 2u);
  EXPECT_EQ(messages[0]["message"]["body"]["content"], "through");
  EXPECT_EQ(messages[0]["metadata"]["authenticated"], true);
}

TEST_F(Talk, InvitationsAsUrlsAndPictures) {
  const std::string alice = Peer("alice.key");
  ASSERT_TRUE(base::WriteFileAtomic(dir_ / "ping.json",
                                    R"({"id":"p1","type":"https://didcomm.org/trust-ping/2.0/ping","body":{}})"));
  const std::string url = Ok({"didcomm", "invite", "--from", alice, "--goal", "Say hello", "--goal-code", "hello",
                              "--attach", dir_ / "ping.json", "--url", "https://example.org/i"});
  EXPECT_TRUE(url.starts_with("https://example.org/i?_oob=")) << url;
  const json opened = OkJson({"didcomm", "open", url, "--json"});
  EXPECT_EQ(opened["from"], alice);
  EXPECT_EQ(opened["goal"], "Say hello");
  EXPECT_EQ(opened["messages"][0]["id"], "p1");
  EXPECT_NE(Ok({"didcomm", "open", "-"}, url).find("Say hello"), std::string::npos);
  const std::string as_json = Ok({"didcomm", "invite", "--from", alice, "--format", "json"});
  EXPECT_EQ(OkJson({"didcomm", "open", "-", "--json"}, as_json)["from"], alice);
  Ok({"didcomm", "invite", "--from", alice, "--format", "png", "-o", dir_ / "q.png"});
  EXPECT_TRUE(base::ReadFile(dir_ / "q.png")->starts_with("\x89PNG"));
  EXPECT_NE(Ok({"didcomm", "invite", "--from", alice, "--format", "svg"}).find("<svg"), std::string::npos);
  EXPECT_NE(Ok({"didcomm", "invite", "--from", alice, "--format", "qr"}).find("\xE2\x96\x88"), std::string::npos);
  // Over: said so.
  const std::string brief = Ok({"didcomm", "invite", "--from", alice, "--expires-in", "10"});
  EXPECT_EQ(Run({"didcomm", "open", brief, "--at", "2100-01-01T00:00:00Z"}).state.code, 1);
  EXPECT_EQ(Run({"didcomm", "open", "https://example.org/i"}).state.code, 1);
  EXPECT_EQ(Run({"didcomm", "open", "https://example.org/i?_oob=AAAA"}).state.code, 1);
}

TEST_F(Talk, TwoListenersWithKeysOfTheirOwn) {
  // The one who listens and the one who sends under a key file use it at once.
  const std::string bob_did = Peer("bob.key"), alice = Peer("alice.key");
  Listener bob = Listen({"--listen", "http://127.0.0.1:0/", "--key", dir_ / "bob.key", "--count", "2", "--accept",
                         "https://example.org/hello/1.0"});
  EXPECT_EQ(bob.did, "");
  const std::string envelope = Ok({"didcomm", "pack", "--mode", "authcrypt", "--from", alice, "--to", bob_did, "--key",
                                   dir_ / "alice.key", "--type", "https://example.org/hello/1.0/hi"});
  Ok({"didcomm", "unpack", "--key", dir_ / "bob.key"}, envelope);
  Ok({"didcomm", "send", "--url", bob.uris[0]}, envelope);
  // The same envelope again, altered, for somebody else, not encrypted: refused, and said on standard error.
  const auto again = Run({"didcomm", "send", "--url", bob.uris[0]}, envelope);
  EXPECT_NE(again.state.code, 0);
  auto altered = base::ParseJson(envelope);
  ASSERT_TRUE(altered);
  std::string tag = (*altered)["tag"];
  tag[0] = tag[0] == 'A' ? 'B' : 'A';
  (*altered)["tag"] = tag;
  EXPECT_NE(Run({"didcomm", "send", "--url", bob.uris[0]}, base::DumpJson(*altered)).state.code, 0);
  Ok({"didcomm", "send", "--mode", "anoncrypt", "--to", bob_did, "--url", bob.uris[0], "--type", kBasicMessage,
      "--body", R"({"content":"who am I"})"});
  auto output = bob.process.ReadOutput(kPatience);
  ASSERT_TRUE(output);
  EXPECT_EQ(std::count(output->out.begin(), output->out.end(), '\n'), 2) << output->out;
  EXPECT_NE(output->err.find("\"replayed\""), std::string::npos) << output->err;
  EXPECT_NE(output->err.find("\"decrypt_failed\""), std::string::npos) << output->err;
}

TEST_F(Talk, WhatCantBeReached) {
  const std::string nobody =
      Ok({"did", "create", "--method", "peer", "--service", "http://127.0.0.1:1/didcomm", "-o", dir_ / "nobody.key"});
  EXPECT_EQ(Run({"didcomm", "ping", nobody}).state.code, 3);
  EXPECT_EQ(Run({"didcomm", "ping", Peer("silent.key")}).state.code, 2);  // a DID without an endpoint
  EXPECT_EQ(Run({"didcomm", "ping", "did:example:alice"}).state.code, 2);
  const std::string alice = Peer("alice.key");
  EXPECT_EQ(
      Run({"didcomm", "send", "--from", alice, "--to", nobody, "--key", dir_ / "alice.key", "--type", kBasicMessage})
          .state.code,
      3);
  EXPECT_EQ(Run({"didcomm", "listen", "--listen", "gopher://127.0.0.1:0"}).state.code, 2);
  EXPECT_EQ(Run({"didcomm", "listen", "--listen", "http://127.0.0.1"}).state.code, 2);
}

}  // namespace
}  // namespace keel
