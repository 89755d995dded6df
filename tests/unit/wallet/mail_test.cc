// SPDX-License-Identifier: Apache-2.0
// Messages between devices through their owner's service (docs/protocols/device-messages.md): pings, and everything
// that somebody may send who is only known by a did:peer.
#include <gtest/gtest.h>

#include "core/encoding.h"
#include "device-wallet/core/messages.h"
#include "tests/fakes/heap_count.h"
#include "tests/fakes/wallet_world.h"

namespace keel {
namespace {

using fakes::DeviceKind;
using fakes::json;
using fakes::Octets;
using fakes::WalletWorld;
using wallet::Didcomm;

void Onboard(WalletWorld& w) {
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  ASSERT_TRUE(w.RunUntilOnboarded()) << Log(w);
  ASSERT_TRUE(w.Run([&] { return w.Info().step == KEEL_STEP_DORMANT; })) << Log(w);
  (*w.verifier->post)[w.verifier->bound.back()];
}
keel_wallet_ping_result PingOf(const WalletWorld& w) {
  keel_wallet_ping_result result{};
  result.size = sizeof result;
  keel_wallet_get_ping(w.wallet, &result);
  return result;
}
bool Answered(WalletWorld& w, size_t actions = 30) {
  return w.Run([&] { return PingOf(w).state == KEEL_PING_ANSWERED; }, actions);
}
// The device looks for its messages at its next contact.
void Contact(WalletWorld& w) {
  keel_wallet_contact_now(w.wallet);
  const size_t before = w.verifier->contacts;
  ASSERT_TRUE(w.Run([&] { return w.verifier->contacts > before; }, 20)) << Log(w);
}
// Everything is received and acknowledged.
bool Quiet(WalletWorld& w) {
  return w.Run(
      [&] { return (*w.verifier->post)[w.verifier->bound.back()].empty() && w.Info().step == KEEL_STEP_DORMANT; }, 60);
}

class Mail : public ::testing::TestWithParam<DeviceKind> {};
INSTANTIATE_TEST_SUITE_P(All, Mail, ::testing::Values(fakes::kOkp, fakes::kP256, fakes::kP256Hardware),
                         [](const auto& made) { return fakes::NameOf(made.param); });

TEST_P(Mail, TheOwnersServiceAnswersAPing) {
  WalletWorld w(GetParam());
  EXPECT_EQ(keel_wallet_ping(w.wallet, w.now_ms, nullptr), KEEL_WALLET_INVALID_ARGUMENT) << "no wallet yet";
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  EXPECT_EQ(keel_wallet_ping(w.wallet, w.now_ms, nullptr), KEEL_WALLET_WRONG_STATE);
  Onboard(w);
  for (const std::string& who : {std::string(), w.owner.did, std::string(w.verifier->self.did.view())}) {
    const size_t before = w.requests;
    ASSERT_EQ(keel_wallet_ping(w.wallet, w.now_ms, who.c_str()), KEEL_WALLET_OK);
    ASSERT_TRUE(Answered(w)) << Log(w);
    EXPECT_EQ(w.requests, before + 1);
    EXPECT_EQ(PingOf(w).round_trip_ms, 40u) << "the fake network's two ways";
  }
  EXPECT_EQ(keel_wallet_ping(w.wallet, w.now_ms, w.verifier->bound[0].c_str()), KEEL_WALLET_INVALID_ARGUMENT);
  EXPECT_EQ(keel_wallet_ping(w.wallet, w.now_ms, "did:web:example.org"), static_cast<int>(Code::kMethodNotSupported));
}

TEST_P(Mail, TwoDevicesPingEachOther) {
  WalletWorld a(4, "device a", 2, GetParam()), b(4, "device b", 2, GetParam());
  Onboard(a);
  Onboard(b);
  b.verifier->post = a.verifier->post;
  (*a.verifier->post)[b.verifier->bound[0]];
  a.heap_in_calls = a.heap_in_ports = b.heap_in_calls = b.heap_in_ports = 0;
  const size_t wire = a.wire.size();
  ASSERT_EQ(keel_wallet_ping(a.wallet, a.now_ms, b.verifier->bound[0].c_str()), KEEL_WALLET_OK);
  ASSERT_TRUE(a.Run([&] { return PingOf(a).state == KEEL_PING_SENT; })) << Log(a);
  EXPECT_FALSE(Answered(a, 6)) << "b sleeps";
  Contact(b);
  ASSERT_TRUE(b.Run([&] { return !(*a.verifier->post)[a.verifier->bound[0]].empty(); }, 20)) << Log(b);
  ASSERT_TRUE(Answered(a)) << Log(a);
  EXPECT_TRUE(Quiet(a)) << Log(a);
  EXPECT_TRUE(Quiet(b)) << Log(b);
  EXPECT_EQ(a.verifier->receipts, 1u);
  EXPECT_EQ(b.verifier->receipts, 1u);
  if (fakes::HeapCountWorks()) {
    EXPECT_EQ(a.WalletHeap() + b.WalletHeap(), 0u);
  }
  // Whom it is for stands inside what the owner's service opens, in no header.
  for (size_t i = wire; i < a.wire.size(); ++i) EXPECT_EQ(a.wire[i].find(b.verifier->bound[0]), std::string::npos);
}

TEST(MailLoss, APingSurvivesWhateverIsLost) {
  for (size_t lost = 0; lost < 6; ++lost) {
    for (const bool answer : {false, true}) {
      WalletWorld a(1, "device a"), b(1, "device b");
      Onboard(a);
      Onboard(b);
      b.verifier->post = a.verifier->post;
      (*a.verifier->post)[b.verifier->bound[0]];
      const auto drop = [lost](size_t base) { return [lost, base](size_t n) { return n == base + lost; }; };
      (answer ? a.lose_answer : a.lose_request) = drop(a.requests);
      (answer ? b.lose_answer : b.lose_request) = drop(b.requests);
      ASSERT_EQ(keel_wallet_ping(a.wallet, a.now_ms, b.verifier->bound[0].c_str()), KEEL_WALLET_OK);
      for (int turn = 0; turn < 20 && PingOf(a).state != KEEL_PING_ANSWERED; ++turn) {
        a.Run([] { return false; }, 4);
        keel_wallet_contact_now(b.wallet);
        b.Run([] { return false; }, 8);
      }
      EXPECT_EQ(PingOf(a).state, KEEL_PING_ANSWERED) << lost << answer << Log(a) << Log(b);
    }
  }
}

TEST(MailRefusal, WhoIsNoMemberGetsNothingThrough) {
  WalletWorld w;
  Onboard(w);
  const auto refused = [&](const char* code) {
    ASSERT_TRUE(w.Run([&] { return PingOf(w).state == KEEL_PING_REFUSED; }, 10)) << Log(w);
    EXPECT_STREQ(PingOf(w).problem, code);
  };
  const WalletWorld other(1, "somebody else");
  const std::string nobody(other.verifier->self.did.view());
  ASSERT_EQ(keel_wallet_ping(w.wallet, w.now_ms, nobody.c_str()), KEEL_WALLET_OK);
  refused("e.p.xfer.no-such-recipient");
  w.verifier->member = false;
  ASSERT_EQ(keel_wallet_ping(w.wallet, w.now_ms, nullptr), KEEL_WALLET_OK);
  refused("e.p.trust.no-member");
  const WalletWorld p256(fakes::kP256);
  ASSERT_EQ(keel_wallet_ping(w.wallet, w.now_ms, std::string(p256.verifier->self.did.view()).c_str()),
            KEEL_WALLET_UNSUPPORTED);
}

// Somebody with a did:peer and no wallet.
struct Stranger {
  explicit Stranger(WalletWorld& world, const std::string& seed = "stranger") : w(world), keys(seed) {
    key = keys.Generate(crypto::KeyType::kX25519).value();
    sign = keys.Generate(crypto::KeyType::kEd25519).value();
    peer = wallet::MakePeerDid(keys.Public(key).value(), keys.Public(sign).value()).value();
    did = peer.did.view();
    kid = wallet::AgreementKid(peer).view();
    (*w.verifier->post)[did];
    target = wallet::ParsePeerDid(w.verifier->bound.back()).value();
    target_did = target.did.view();
    target_kid = wallet::AgreementKid(target).view();
  }
  json Message(const std::string& type, const json& body = json::object()) {
    return {{"id", "s1"}, {"type", type}, {"from", did}, {"to", {target_did}}, {"body", body}};
  }
  std::string Auth(const json& message) {
    const std::string text = message.dump();
    Octets buffer(8192);
    std::copy(text.begin(), text.end(), buffer.begin());
    const auto shared = keys.Agree(key, target.agreement).value();
    const size_t n =
        wallet::PackAuthcrypt({{kid, crypto::KeyType::kX25519, &keys, key}, {target_kid, target.agreement}, &shared},
                              random, buffer, text.size())
            .value();
    return std::string(buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(n));
  }
  std::string Anon(json message) {
    message.erase("from");
    message.erase("to");
    const std::string text = message.dump();
    Octets buffer(8192);
    std::copy(text.begin(), text.end(), buffer.begin());
    const size_t n = wallet::PackAnoncrypt({target_kid, target.agreement}, wallet::ContentEncryption::kA256CbcHs512,
                                           random, buffer, text.size())
                         .value();
    return std::string(buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(n));
  }
  json Forward(const std::string& envelope) {
    json forward = Message("https://didcomm.org/routing/2.0/forward", {{"next", target_did}});
    forward["attachments"] = {{{"data", {{"json", json::parse(envelope)}}}}};
    return forward;
  }
  // Queues an envelope, lets the device fetch it, and gives what came back for us, opened; null for nothing.
  json Deliver(const std::string& envelope) {
    (*w.verifier->post)[target_did].emplace_back("x" + std::to_string(++sent), envelope);
    const size_t receipts = w.verifier->receipts;
    keel_wallet_contact_now(w.wallet);
    EXPECT_TRUE(w.Run([&] { return w.verifier->receipts > receipts; }, 40)) << Log(w);
    EXPECT_TRUE((*w.verifier->post)[target_did].empty());
    auto& mine = (*w.verifier->post)[did];
    if (mine.empty()) return nullptr;
    EXPECT_EQ(mine.size(), 1u);
    Octets buffer(mine[0].second.begin(), mine[0].second.end());
    mine.clear();
    const auto shared = keys.Agree(key, target.agreement).value();
    const auto opened = wallet::UnpackAuthcrypt(
        {{kid, crypto::KeyType::kX25519, &keys, key}, {target_kid, target.agreement}, &shared}, buffer);
    EXPECT_TRUE(opened);
    return opened ? json::parse(opened->begin(), opened->end()) : json();
  }

  WalletWorld& w;
  fakes::MemoryKeys keys;
  fakes::SeededRandom random{"stranger random"};
  crypto::KeyHandle key, sign;
  wallet::PeerDid peer, target;
  std::string did, kid, target_did, target_kid;
  int sent = 0;
};

TEST(MailFromOthers, WhatADeviceAnswers) {
  WalletWorld w;
  Onboard(w);
  Stranger s(w);
  const json pong = s.Deliver(s.Auth(s.Message("https://didcomm.org/trust-ping/2.0/ping")));
  EXPECT_EQ(pong["type"], "https://didcomm.org/trust-ping/2.0/ping-response");
  EXPECT_EQ(pong["thid"], "s1");
  EXPECT_EQ(pong["to"][0], s.did);
  EXPECT_EQ(s.Deliver(s.Auth(s.Message("https://didcomm.org/trust-ping/2.9/ping")))["thid"], "s1") << "minor version";
  EXPECT_TRUE(s.Deliver(s.Auth(s.Message("https://didcomm.org/trust-ping/2.0/ping", {{"response_requested", false}})))
                  .is_null());
  const json features = s.Deliver(s.Auth(s.Message("https://didcomm.org/discover-features/2.0/queries",
                                                   {{"queries", {{{"feature-type", "protocol"}, {"match", "*"}}}}})));
  EXPECT_EQ(features["type"], "https://didcomm.org/discover-features/2.0/disclose");
  EXPECT_EQ(features["body"]["disclosures"].size(), 4u);
  const json problem = s.Deliver(s.Auth(s.Message("https://example.org/tea/1.0/kettle")));
  EXPECT_EQ(problem["type"], "https://didcomm.org/report-problem/2.0/problem-report");
  EXPECT_EQ(problem["body"]["code"], "e.m.msg.unsupported-type");
  EXPECT_EQ(s.Deliver(s.Auth(s.Message("https://didcomm.org/trust-ping/3.0/ping")))["body"]["code"],
            "e.m.msg.unsupported-version");
  EXPECT_TRUE(s.Deliver(s.Auth(s.Message("https://didcomm.org/report-problem/2.0/problem-report", {{"code", "e.p"}})))
                  .is_null())
      << "a report is never answered";
  // Wrapped anew by a mediator, anonymously; but not in a chain.
  const std::string ping = s.Auth(s.Message("https://didcomm.org/trust-ping/2.0/ping"));
  EXPECT_EQ(s.Deliver(s.Anon(s.Forward(ping)))["thid"], "s1");
  EXPECT_TRUE(s.Deliver(s.Anon(s.Forward(s.Anon(s.Forward("{}"))))).is_null());
  EXPECT_NE(Log(w).find("4 forwards"), std::string::npos) << Log(w);
}

TEST(MailFromOthers, WhatADeviceThrowsAway) {
  WalletWorld w;
  Onboard(w);
  Stranger s(w), other(w, "another");
  const json ping = s.Message("https://didcomm.org/trust-ping/2.0/ping");
  const auto with = [&](const char* name, const json& value) {
    json j = ping;
    j[name] = value;
    return s.Auth(j);
  };
  std::string tampered = s.Auth(ping);
  tampered[tampered.size() / 2] = tampered[tampered.size() / 2] == 'A' ? 'B' : 'A';
  const std::pair<const char*, std::string> bad[] = {
      {"not JSON", "hello"},
      {"tampered", tampered},
      {"anonymous", s.Anon(ping)},
      {"plaintext", ping.dump()},
      {"from another", with("from", other.did)},
      {"to another", with("to", {other.did})},
      {"expired", with("expires_time", 1000)},
      {"id too long", with("id", std::string(70, 'x'))},
      {"from_prior nonsense", with("from_prior", "a.b.c")},
      {"another's pickup", s.Auth(s.Message("https://didcomm.org/messagepickup/3.0/status", {{"message_count", 9}}))},
      {"forward for another", s.Auth([&] {
         json f = s.Forward(s.Auth(ping));
         f["body"]["next"] = other.did;
         return f;
       }())},
  };
  for (const auto& [what, envelope] : bad) {
    SCOPED_TRACE(what);
    EXPECT_TRUE(s.Deliver(envelope).is_null());
    EXPECT_TRUE((*w.verifier->post)[other.did].empty()) << "nor does anybody else hear of it";
  }
  EXPECT_EQ(s.Deliver(s.Auth(ping))["thid"], "s1") << "and goes on";
}

TEST(MailFromOthers, ARotatedSenderShowsItsPriorDid) {
  WalletWorld w;
  Onboard(w);
  Stranger old(w, "old"), s(w, "new");
  const auto prior = [&](const std::string& old_did, const std::string& new_did, const std::string& kid) {
    std::array<char, 900> jwt;
    const size_t n = wallet::MakeFromPrior(old_did, new_did, w.Now(), kid, old.keys, old.sign, jwt).value();
    return std::string(jwt.data(), n);
  };
  json ping = s.Message("https://didcomm.org/trust-ping/2.0/ping");
  ping["from_prior"] = prior(old.did, s.did, old.did + "#key-2");
  EXPECT_EQ(s.Deliver(s.Auth(ping))["thid"], "s1");
  ping["from_prior"] = prior(old.did, old.did, old.did + "#key-2");
  EXPECT_TRUE(s.Deliver(s.Auth(ping)).is_null()) << "for another";
  ping["from_prior"] = prior(s.did, s.did, s.did + "#key-2");
  EXPECT_TRUE(s.Deliver(s.Auth(ping)).is_null()) << "signed by another";
  ping["from_prior"] = prior(old.did, s.did, old.did + "#key-1");
  EXPECT_TRUE(s.Deliver(s.Auth(ping)).is_null()) << "an agreement key doesn't sign";
}

}  // namespace
}  // namespace keel
