// SPDX-License-Identifier: Apache-2.0
// The whole path with each kind of device: keys Ed25519 and X25519, P-256 in software, P-256 in a secure element; and
// what stands in the headers of everything that it says.
#include <gtest/gtest.h>

#include "core/encoding.h"
#include "ledger/history.h"
#include "onboarding/token.h"
#include "tests/fakes/heap_count.h"
#include "tests/fakes/wallet_world.h"

namespace keel {
namespace {

using fakes::DeviceKind;
using fakes::json;
using fakes::Octets;
using fakes::WalletWorld;

std::string Decoded(const std::string& base64url) {
  Octets octets(base64url.size() + 3);
  octets.resize(Base64UrlDecode(base64url, octets).value());
  return {octets.begin(), octets.end()};
}

class Suites : public ::testing::TestWithParam<DeviceKind> {};
INSTANTIATE_TEST_SUITE_P(All, Suites, ::testing::Values(fakes::kOkp, fakes::kP256, fakes::kP256Hardware),
                         [](const auto& made) { return fakes::NameOf(made.param); });

TEST_P(Suites, FromFactoryToOnboardedInFiveRoundTripsWithoutHeap) {
  WalletWorld w(GetParam());
  const auto type = w.kind.suite == KEEL_SUITE_P256 ? crypto::KeyType::kP256 : crypto::KeyType::kEd25519;
  ledger::DidHistory history;
  ASSERT_TRUE(history.Start(w.device()));
  ASSERT_TRUE(history.Apply(5, ByteView(w.factory.create, w.factory.create_length)));
  w.heap_in_calls = w.heap_in_ports = 0;
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  ASSERT_TRUE(w.RunUntilOnboarded()) << Log(w);
  EXPECT_EQ(w.requests, 5u);
  if (fakes::HeapCountWorks()) {
    EXPECT_EQ(w.WalletHeap(), 0u);
  }
  EXPECT_LE(w.max_message, 8192u);
  EXPECT_LE(w.Info().bytes_sent, 10u * 1024) << w.Info().bytes_sent;
  EXPECT_LE(w.Info().bytes_received, 17u * 1024) << w.Info().bytes_received;
  const auto pd = wallet::ParsePeerDid(w.verifier->bound.at(0));
  ASSERT_TRUE(pd);
  EXPECT_EQ(pd->token.type(), type);
  // Its broker token is good under the pairwise key.
  std::array<char, 1024> token;
  size_t n = token.size();
  ASSERT_EQ(keel_wallet_sign_token(w.wallet, w.now_ms, "fleet", 60, token.data(), &n), KEEL_WALLET_OK);
  std::array<uint8_t, onboarding::kTokenScratch> scratch;
  const auto parsed = onboarding::ParseToken({token.data(), n}, scratch);
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(onboarding::VerifyToken(*parsed, pd->token, "fleet", w.Now()));
}

TEST_P(Suites, LossesResetAndASecondOnboarding) {
  for (size_t lost = 0; lost < 5; ++lost) {
    WalletWorld w(GetParam());
    w.lose_answer = [lost](size_t n) { return n == lost; };
    ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
    EXPECT_TRUE(w.RunUntilOnboarded()) << lost << Log(w);
    EXPECT_EQ(w.verifier->bound.size(), 1u);
    ASSERT_EQ(keel_wallet_owner_reset(w.wallet), KEEL_WALLET_OK);
    ASSERT_TRUE(w.RunUntilOnboarded()) << Log(w);
    EXPECT_EQ(w.verifier->bound.size(), 2u);
  }
}

// Power may leave at any write of flash or key store, the factory's too.
TEST_P(Suites, PowerCutAtEveryWriteOfTheWholePath) {
  size_t writes = 0;
  for (size_t cut = 0; cut < 60; ++cut) {
    WalletWorld w(GetParam());
    ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
    w.flash.cut_after = cut;
    if (w.RunUntilOnboarded() && !w.flash.dead) {
      writes = cut;
      break;
    }
    w.PowerOff();
    w.flash.Restore();
    ASSERT_EQ(w.Boot(), KEEL_WALLET_OK) << cut;
    ASSERT_TRUE(w.RunUntilOnboarded()) << cut << "\n" << Log(w);
    EXPECT_EQ(w.verifier->bound.size(), 1u) << cut;
    ASSERT_TRUE(w.Run([&] { return w.Info().step == KEEL_STEP_DORMANT; })) << cut;
    std::array<char, 1024> token;
    size_t n = token.size();
    ASSERT_EQ(keel_wallet_sign_token(w.wallet, w.now_ms, "fleet", 60, token.data(), &n), KEEL_WALLET_OK);
  }
  EXPECT_GT(writes, 3u);
}

// docs/protocols/device-onboarding.md: only the two did:peer of the session stand in a header; design.md 2.7.
TEST_P(Suites, NoLongLivedKeyStandsInAnyEnvelope) {
  WalletWorld w(GetParam());
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  ASSERT_TRUE(w.RunUntilOnboarded()) << Log(w);
  ASSERT_TRUE(w.Run([&] { return w.Info().step == KEEL_STEP_DORMANT; }));
  keel_wallet_contact_now(w.wallet);
  ASSERT_TRUE(w.Run([&] { return w.verifier->contacts > 0; }));
  const std::string pd = w.verifier->bound.at(0), pv(w.verifier->self.did.view());
  ASSERT_GE(w.wire.size(), 8u);
  for (const std::string& text : w.wire) {
    const json jwe = json::parse(text);
    ASSERT_EQ(jwe["recipients"].size(), 1u);
    const json header = json::parse(Decoded(jwe["protected"]));
    const std::string kid = jwe["recipients"][0]["header"]["kid"], skid = header["skid"];
    EXPECT_TRUE(kid == pd + "#key-1" || kid == pv + "#key-1") << kid;
    EXPECT_TRUE(skid == pd + "#key-1" || skid == pv + "#key-1") << skid;
    EXPECT_EQ(Decoded(header["apu"]), skid);
    // Nothing else of the envelope names anybody either, the header's members as they are decoded included.
    for (const std::string& seen : {text, header.dump()}) {
      EXPECT_EQ(seen.find("did:keel"), std::string::npos);
      EXPECT_EQ(seen.find(w.device()), std::string::npos);
      EXPECT_EQ(seen.find(w.owner.did), std::string::npos);
    }
  }
}

TEST(Hardware, KeysNeverReachTheRecords) {
  WalletWorld w(fakes::kP256Hardware);
  std::vector<Bytes32> secrets;
  const auto note = [&] {
    for (const auto& [slot, key] : w.element.keys) secrets.push_back(key);
  };
  note();
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  ASSERT_TRUE(w.RunUntilOnboarded()) << Log(w);
  note();
  EXPECT_GE(w.element.made, 6u) << "authentication, next, two rendezvous, pairwise, token";
  EXPECT_GT(w.element.signs, 1u);
  EXPECT_GT(w.element.agreements, 4u);
  for (const auto& [id, record] : w.flash.records) {
    for (const Bytes32& secret : secrets) {
      EXPECT_EQ(std::search(record.begin(), record.end(), secret.begin(), secret.end()), record.end()) << id;
    }
  }
  // The rendezvous pair before M6 is gone; a retired device has no key at all.
  EXPECT_LE(w.element.keys.size(), 5u);
}

// Its signatures differ each time; what is said again must not.
TEST(Hardware, WhatIsRepeatedHasTheSameOctets) {
  WalletWorld w(fakes::kP256Hardware);
  w.lose_answer = [](size_t n) { return n == 3 || n == 4; };
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  ASSERT_TRUE(w.RunUntilOnboarded()) << Log(w);
  EXPECT_EQ(w.verifier->m3_plaintexts.size(), 1u) << "M3";

  WalletWorld fresh(fakes::kP256Hardware);
  fresh.PowerOff();
  fresh.flash.records.clear();
  ASSERT_EQ(fresh.Boot(), KEEL_WALLET_OK);
  keel_wallet_factory_input in{};
  in.size = sizeof in;
  in.network_label = "demo";
  in.suite = KEEL_SUITE_P256;
  std::string create;
  for (int turn = 0; turn < 3; ++turn) {
    keel_wallet_factory_output out{};
    out.size = sizeof out;
    ASSERT_EQ(keel_wallet_manufacture_begin(fresh.wallet, &in, &out), KEEL_WALLET_OK);
    const std::string made(reinterpret_cast<char*>(out.create), out.create_length);
    if (turn > 0) {
      EXPECT_EQ(made, create) << "the create operation";
    }
    create = made;
    ASSERT_EQ(fresh.Boot(), KEEL_WALLET_OK);
  }
}

TEST(Hardware, ADeviceWhoseKeysAreInHardwareDoesNotStartWithoutIt) {
  WalletWorld w(fakes::kP256Hardware);
  const auto saved = w.flash.records;
  WalletWorld software(fakes::kP256);
  software.flash.records = saved;
  EXPECT_EQ(software.Boot(), KEEL_WALLET_UNSUPPORTED);
}

TEST(Hardware, AKeyStoreThatFailsIsWaitedFor) {
  WalletWorld w(fakes::kP256Hardware);
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  const auto keys = w.element.keys;
  w.element.keys.clear();
  EXPECT_FALSE(w.RunUntilOnboarded(20));
  EXPECT_EQ(w.verifier->proofs_accepted, 0u);
  w.element.keys = keys;
  w.flash.records.erase(3);  // the session's keys were lost with the rest
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  EXPECT_TRUE(w.RunUntilOnboarded()) << Log(w);
}

TEST(Suite, AnInvitationOfTheOtherSuiteIsRefused) {
  WalletWorld w(fakes::kP256);
  const WalletWorld other;
  w.invitations = {other.verifier->Invitation()};
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  EXPECT_FALSE(w.RunUntilOnboarded(20));
  EXPECT_NE(Log(w).find("invitation suite"), std::string::npos) << Log(w);
}

}  // namespace
}  // namespace keel
