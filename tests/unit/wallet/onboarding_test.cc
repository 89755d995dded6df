// SPDX-License-Identifier: Apache-2.0
// A wallet from its manufacture to an onboarded device, in memory, and what a device must refuse
// (docs/protocols/device-onboarding.md).
#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "base/encoding.h"
#include "core/encoding.h"
#include "ledger/rendezvous.h"
#include "tests/fakes/heap_count.h"
#include "tests/fakes/wallet_world.h"

namespace keel {
namespace {

using fakes::json;
using fakes::Octets;
using fakes::WalletWorld;

// The device must not have told who it is, and stands where it began.
void ExpectRefused(WalletWorld& w, const std::string& why) {
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  EXPECT_FALSE(w.RunUntilOnboarded(60)) << Log(w);
  EXPECT_EQ(w.verifier->proofs_accepted, 0u);
  EXPECT_TRUE(w.verifier->m3_plaintexts.empty());
  EXPECT_TRUE(Logged(w, why)) << "wanted: " << why << "\n" << Log(w);
  EXPECT_EQ(w.Phase(), KEEL_PHASE_SEEKING);
  EXPECT_EQ(std::string(w.Info().owner), "");
}

TEST(WalletOnboarding, FromFactoryToOnboarded) {
  for (const size_t members : {1, 4}) {
    WalletWorld w(members);
    ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
    EXPECT_EQ(w.Phase(), KEEL_PHASE_SEEKING);
    ASSERT_TRUE(w.RunUntilOnboarded()) << Log(w);
    EXPECT_EQ(w.requests, 5u) << "R0, M1, PK, M3, M5";
    EXPECT_EQ(std::string(w.Info().owner), w.owner.did);
    EXPECT_EQ(w.verifier->bound.size(), 1u);
    EXPECT_EQ(w.Info().generation, 1u);
    std::vector<uint8_t> provision(KEEL_WALLET_RECORD_MAX);
    size_t n = provision.size();
    ASSERT_EQ(keel_wallet_read_document(w.wallet, KEEL_DOCUMENT_PROVISION, provision.data(), &n), KEEL_WALLET_OK);
    EXPECT_EQ(json::parse(provision.begin(), provision.begin() + static_cast<ptrdiff_t>(n))["config"]["rate"], 5);
    const auto info = w.Info();
    EXPECT_LE(info.bytes_sent, 10u * 1024) << "sent " << info.bytes_sent;
    EXPECT_LE(info.bytes_received, 17u * 1024) << "received " << info.bytes_received;
  }
}

TEST(WalletOnboarding, NeedsNoHeapAndLittleMemory) {
  WalletWorld w;
  w.heap_in_calls = w.heap_in_ports = 0;
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  ASSERT_TRUE(w.RunUntilOnboarded());
  if (fakes::HeapCountWorks()) {
    EXPECT_EQ(w.WalletHeap(), 0u);
  }
  std::printf("wallet context %zu octets, message buffer 8192\n", keel_wallet_size());
  EXPECT_LE(keel_wallet_size(), 8192u);
  RecordProperty("context", static_cast<int>(keel_wallet_size()));
}

TEST(WalletOnboarding, AnswersMayComeInAnyPieces) {
  for (const size_t chunk : {1, 3, 1282, 100000}) {
    WalletWorld w;
    w.chunk = chunk;
    ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
    EXPECT_TRUE(w.RunUntilOnboarded()) << chunk << Log(w);
  }
}

TEST(WalletOnboarding, TwentyOwnersAndSevenMembers) {
  WalletWorld w(7, "twenty", 20);
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  ASSERT_TRUE(w.RunUntilOnboarded()) << Log(w);
  EXPECT_EQ(w.requests, 5u);
}

TEST(WalletOnboarding, ForeignValuesAndDummiesArePassedOver) {
  WalletWorld w;
  for (int i = 0; i < 3; ++i) {
    Octets dummy(ledger::kRendezvousValue);
    (void)ledger::DummyValue(w.random, std::span<uint8_t, ledger::kRendezvousValue>(dummy.data(), dummy.size()))
        .value();
    w.foreign_values.push_back(dummy);
  }
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  EXPECT_TRUE(w.RunUntilOnboarded()) << Log(w);
}

TEST(WalletOnboarding, ABadInvitationDoesNotStopTheNext) {
  WalletWorld w;
  json rogue = json::parse(w.verifier->Invitation());
  rogue["id"] = "AAAAAAAAAAAAAAAAAAAAAA";
  rogue["url"] = {"http://nowhere"};
  json old = rogue;
  old["exp"] = 1000;
  w.invitations = {old.dump(), "not json", w.verifier->Invitation()};
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  // "not json" opens and is refused on reading: only the first that opens and is good is taken.
  EXPECT_TRUE(w.RunUntilOnboarded()) << Log(w);
}

// What a former custodian can put there: invitations that open, and lead to somebody who refuses.
std::vector<std::string> Refusing(const WalletWorld& w, size_t count) {
  std::vector<std::string> out;
  for (size_t i = 0; i < count; ++i) {
    json other = json::parse(w.verifier->Invitation());
    const std::array<uint8_t, 16> id = {static_cast<uint8_t>(i + 1)};
    other["id"] = base::Base64Url(id);
    out.push_back(other.dump());
  }
  return out;
}

TEST(WalletOnboarding, WhatWasRefusedIsNotTriedAgain) {
  WalletWorld w;
  w.verifier->refuse_others = true;
  w.invitations = Refusing(w, 16);
  w.invitations.push_back(w.verifier->Invitation());
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  ASSERT_TRUE(w.RunUntilOnboarded(400)) << Log(w);
  // Each of them once, then the owner's, which stands behind them all.
  const std::set<std::string> distinct(w.verifier->hello_ids.begin(), w.verifier->hello_ids.end());
  EXPECT_EQ(distinct.size(), 17u);
  EXPECT_EQ(w.verifier->hello_ids.size(), 17u);
}

TEST(WalletOnboarding, TheListOfRefusedInvitationsIsBounded) {
  WalletWorld w;
  w.verifier->refuse_others = true;
  const std::vector<std::string> others = Refusing(w, 40);
  w.invitations = others;
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  // More than it remembers: it goes round among them, with the waits between polls.
  EXPECT_FALSE(w.Run([] { return false; }, 300));
  EXPECT_GT(w.verifier->hello_ids.size(), 40u);
  EXPECT_EQ(std::set<std::string>(w.verifier->hello_ids.begin(), w.verifier->hello_ids.end()).size(), 17u)
      << "the newest 16 are remembered, so one more at a time is tried";
  w.invitations.insert(w.invitations.begin(), w.verifier->Invitation());  // the owner renews: newest first
  EXPECT_TRUE(w.RunUntilOnboarded(100)) << Log(w);
}

TEST(WalletOnboarding, ARefusalIsNotForEver) {
  WalletWorld w;
  int refusals = 1;
  w.verifier->answer_instead = [&refusals](const std::string&) { return refusals-- > 0 ? 1 : 0; };
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  EXPECT_FALSE(w.RunUntilOnboarded(12)) << Log(w);
  EXPECT_TRUE(w.verifier->hello_ids.empty()) << "while it remembers, it does not ask";
  EXPECT_TRUE(w.RunUntilOnboarded(60)) << Log(w);
}

TEST(WalletOnboarding, LossesAreGoneThrough) {
  for (size_t lost = 0; lost < 5; ++lost) {
    for (const bool answer : {false, true}) {
      WalletWorld w;
      auto& hook = answer ? w.lose_answer : w.lose_request;
      hook = [lost](size_t n) { return n == lost; };
      ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
      EXPECT_TRUE(w.RunUntilOnboarded()) << lost << answer << Log(w);
      EXPECT_EQ(w.verifier->bound.size(), 1u);
    }
  }
}

TEST(WalletOnboarding, ThirtyPercentLost) {
  for (int seed = 0; seed < 20; ++seed) {
    WalletWorld w(4, "loss" + std::to_string(seed));
    fakes::SeededRandom dice("dice" + std::to_string(seed));
    const auto roll = [&dice](size_t) {
      ByteArray<1> b;
      (void)dice.Fill(b).value();
      return b[0] < 77;
    };
    w.lose_answer = roll;
    ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
    EXPECT_TRUE(w.RunUntilOnboarded(2000)) << Log(w);
    EXPECT_EQ(w.verifier->bound.size(), 1u);
  }
}

TEST(WalletOnboarding, BusyAndDownAreWaitedFor) {
  WalletWorld w;
  int busy = 3;
  w.verifier->answer_instead = [&busy](const std::string&) { return busy-- > 0 ? 2 : 0; };
  w.registry_down = true;
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  EXPECT_FALSE(w.RunUntilOnboarded(20));
  EXPECT_TRUE(Logged(w, "registry"));
  w.registry_down = false;
  EXPECT_TRUE(w.RunUntilOnboarded()) << Log(w);
}

// --- refusals
// -------------------------------------------------------------------------------------------------------------------------

TEST(WalletRefuses, ARogueVerifierWithItsOwnKey) {
  WalletWorld w;
  const fakes::Identity rogue = w.ledger.CreateIdentity();
  w.verifier->bend_m2_body = [&](json& body) {
    const std::string vp = body["vp"];
    const size_t a = vp.find('.'), b = vp.rfind('.');
    std::vector<uint8_t> payload(4096);
    const std::string text = vp.substr(a + 1, b - a - 1);
    payload.resize(Base64UrlDecode(text, payload).value());
    body["vp"] = w.SignJwt("vp+jwt", json::parse(payload), rogue.auth);
  };
  ExpectRefused(w, "168");  // untrusted: the key is not O's
}

TEST(WalletRefuses, ARogueOwnerWithoutTheSeal) {
  WalletWorld w;
  // Signs as itself, with its own history, over the true chain: the credential is not the one that the link commits to.
  const fakes::Identity rogue = w.ledger.CreateIdentity();
  const fakes::Identity owner = w.owner;
  w.owner = rogue;
  const json vc = {{"issuer", w.manufacturer.did}, {"credentialSubject", {{"id", w.device()}, {"owner", rogue.did}}}};
  w.credential = w.SignJwt("vc+jwt", vc, w.manufacturer.auth);
  ExpectRefused(w, "168");
}

struct Bend {
  const char* name;
  std::function<void(json&)> payload;
  const char* why;
};

TEST(WalletRefuses, EachFieldOfTheOwnersProofGoneBad) {
  const std::string zero(43, 'A');
  const Bend bends[] = {
      {"nonce", [&](json& p) { p["nonce"] = zero; }, "166 M2"},
      {"aud", [&](json& p) { p["aud"] = "did:peer:2.Ez6LSother"; }, "165 M2"},
      {"pv", [&](json& p) { p["pv"] = "did:peer:2.Ez6LSother"; }, "161 M2 pv"},
      {"th", [&](json& p) { p["th"] = zero; }, "167 M2"},
      {"vcs", [&](json& p) { p["vcs"] = {zero}; }, "168 M2 vcs"},
      {"iss", [&](json& p) { p["iss"] = "did:keel:other:" + std::string(47, 'z'); }, "did"},
      {"expired", [&](json& p) { p["iat"] = 1, p["exp"] = 601; }, "163 M2"},
      {"future",
       [&](json& p) { p["iat"] = p["iat"].get<uint64_t>() + 3600, p["exp"] = p["iat"].get<uint64_t>() + 600; },
       "164 M2"},
      {"long life", [&](json& p) { p["exp"] = p["iat"].get<uint64_t>() + 601; }, "163 M2"},
      {"pack missing", [&](json& p) { p.erase("pack"); }, "8 "},
      {"pack digest", [&](json& p) { p["pack"]["sha256"] = zero; }, "127 "},
      {"pack length", [&](json& p) { p["pack"]["len"] = 5; }, "2 "},
      {"pack key", [&](json& p) { p["pack"]["key"] = zero; }, "42 "},
  };
  for (const Bend& bend : bends) {
    SCOPED_TRACE(bend.name);
    WalletWorld w;
    w.verifier->bend_m2_payload = bend.payload;
    ExpectRefused(w, bend.why);
  }
}

TEST(WalletRefuses, ABadOwnersProofBody) {
  const Bend bends[] = {
      {"suite", [](json& b) { b["suite"] = 9; }, "6 M2 suite"},
      {"vp cut", [](json& b) { b["vp"] = "a.b"; }, "2 jwt"},
      {"vp signature",
       [](json& b) {
         std::string s = b["vp"];
         s[s.size() - 5] = s[s.size() - 5] == 'A' ? 'B' : 'A';
         b["vp"] = s;
       },
       "40 jwt"},
      {"vc other", [](json& b) { b["vc"] = b["vp"]; }, "2 jwt typ"},
      {"no vc", [](json& b) { b.erase("vc"); }, "8 "},
      {"delegate", [](json& b) { b["dc"] = "x"; }, "6 M2 delegation"},
  };
  for (const Bend& bend : bends) {
    SCOPED_TRACE(bend.name);
    WalletWorld w;
    w.verifier->bend_m2_body = bend.payload;
    ExpectRefused(w, bend.why);
  }
}

TEST(WalletRefuses, CredentialOfAnotherDeviceOrOwner) {
  for (const bool device : {true, false}) {
    WalletWorld w;
    json subject = {{"id", w.device()}, {"owner", w.owner.did}};
    subject[device ? "id" : "owner"] = w.manufacturer.did;
    w.credential =
        w.SignJwt("vc+jwt", {{"issuer", w.manufacturer.did}, {"credentialSubject", subject}}, w.manufacturer.auth);
    ExpectRefused(w, device ? "another device" : "another owner");
  }
}

TEST(WalletRefuses, AnOldOwnerWithASavedPack) {
  // The pack is from when the old owner was right: its checkpoint is too old now.
  WalletWorld w;
  std::vector<Octets> saved;
  w.verifier->bend_pack_items = [&](std::vector<Octets>& items) {
    if (saved.empty()) saved = items;
    items = saved;
  };
  w.verifier->answer_instead = [&](const std::string& type) {
    return type.find("hello") != std::string::npos && !saved.empty() ? 0 : 0;
  };
  // Fill `saved` now, then let a sale and an hour pass.
  w.ledger.Commit(w.Now());
  saved = w.ledger.PackItems(w.links, w.end.seal, w.owner);
  w.now_ms += 3'600'000;
  ExpectRefused(w, "122");
}

TEST(WalletRefuses, AnOldOwnerWithFreshProofs) {
  WalletWorld w;
  const fakes::Identity next = w.ledger.CreateIdentity();
  const std::string old_credential = w.credential;
  const auto old_links = w.links;
  const Bytes32 old_seal = w.end.seal;
  w.Sell(next);
  w.credential = old_credential;
  w.verifier->bend_pack_items = [&](std::vector<Octets>& items) {
    items = w.ledger.PackItems(old_links, old_seal, w.owner);
  };
  ExpectRefused(w, "120");  // no proof of absence for a spent seal
}

TEST(WalletRefuses, AForgedFirstLink) {
  // The manufacturer's stolen key signs a second first link to a thief; the ledger holds the first.
  WalletWorld w;
  const fakes::Identity thief = w.ledger.CreateIdentity();
  w.owner = thief;
  w.links.resize(1);
  const uint64_t index = w.links[0].index;
  w.links.clear();
  w.seals.resize(1);
  w.end = ledger::ChainBase::Root(w.root_seal.seal);
  w.Sell(thief, false);
  w.links[0].index = index;
  ExpectRefused(w, "120");
}

TEST(WalletRefuses, ALyingRegistry) {
  {
    WalletWorld w;
    w.lie_time = true;
    ExpectRefused(w, "121");
  }
  {
    WalletWorld w;
    w.old_time = 10 * 86400;
    ExpectRefused(w, "122");
  }
  {
    WalletWorld w;
    w.bend_answer = [](const std::string& url, int&, Octets& reply) {
      if (url.find("/r0") != std::string::npos) reply.resize(reply.size() / 2);
    };
    ExpectRefused(w, "");
  }
}

TEST(WalletRefuses, EachPackItemBentOrLeftOut) {
  const size_t items = 2 + 2 * 2 + 1 + 2 + 1;
  for (size_t i = 0; i < items; ++i) {
    for (const int how : {0, 1, 2}) {
      SCOPED_TRACE(std::to_string(i) + "/" + std::to_string(how));
      WalletWorld w(4);
      w.verifier->bend_pack_items = [&](std::vector<Octets>& list) {
        if (how == 0) list.erase(list.begin() + static_cast<ptrdiff_t>(i));
        if (how == 1) list[i][list[i].size() / 2] ^= 1;
        if (how == 2 && i + 1 < list.size()) std::swap(list[i], list[i + 1]);
        if (how == 2 && i + 1 == list.size()) list.push_back(list[0]);
      };
      ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
      EXPECT_FALSE(w.RunUntilOnboarded(40)) << Log(w);
      EXPECT_EQ(w.verifier->proofs_accepted, 0u);
    }
  }
}

TEST(WalletRefuses, MessagesOfAnotherThreadSenderOrType) {
  const auto bend = [](const char* from, const char* to) {
    return [from, to](std::string& plaintext) {
      const size_t at = plaintext.find(from);
      if (at != std::string::npos) plaintext.replace(at, std::strlen(from), to);
    };
  };
  const std::pair<std::function<void(std::string&)>, const char*> bends[] = {
      {bend("\"thid\":\"", "\"thid\":\"x"), "162 message thid"},
      {bend("\"from\":\"", "\"from\":\"x"), "161 message from"},
      {bend("\"to\":[\"", "\"to\":[\"x"), "160 message to"},
      {bend("owner-proof", "owner-prove"), "6 message type"},
      {bend("device-onboarding/1.0", "device-onboarding/2.0"), "172 message type"},
      {bend("\"body\":{", "\"body\":{\"suite\":1,"), "7 "},
  };
  for (const auto& [how, why] : bends) {
    SCOPED_TRACE(why);
    WalletWorld w;
    w.verifier->bend_plaintext = how;
    ExpectRefused(w, why);
  }
}

TEST(WalletRefuses, EachFieldOfTheProvisionGoneBad) {
  WalletWorld keys;
  const Bend bends[] = {
      {"th", [](json& b) { b["th"] = std::string(43, 'A'); }, "167 M4"},
      {"generation 0", [](json& b) { b["g"] = 0; }, "127 provision generation"},
      {"stage", [](json& b) { b["stage"] = "half"; }, "6 provision stage"},
      {"no contact", [](json& b) { b.erase("contact"); }, "8 "},
      {"no fleet credential", [](json& b) { b.erase("fc"); }, "8 "},
      {"other key", [&](json& b) { b["fck"] = keys.manufacturer.auth_multikey; }, "168 fleet credential key"},
      {"fleet signature",
       [](json& b) {
         std::string s = b["fc"];
         s[s.size() - 5] = s[s.size() - 5] == 'A' ? 'B' : 'A';
         b["fc"] = s;
       },
       "40 jwt"},
  };
  for (const Bend& bend : bends) {
    SCOPED_TRACE(bend.name);
    WalletWorld w;
    w.verifier->bend_m4_body = bend.payload;
    ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
    EXPECT_FALSE(w.RunUntilOnboarded(40)) << Log(w);
    EXPECT_TRUE(Logged(w, bend.why)) << Log(w);
    EXPECT_EQ(w.verifier->done, 0u);
    EXPECT_EQ(w.Info().generation, 0u);
  }
}

TEST(WalletRefuses, AFleetCredentialOfAnotherSubjectIssuerOrTime) {
  const std::pair<const char*, std::function<void(WalletWorld&, json&)>> bends[] = {
      {"165 fleet", [](WalletWorld&, json& c) { c["credentialSubject"]["id"] = "did:peer:2.other"; }},
      {"168 fleet credential issuer", [](WalletWorld& w, json& c) { c["issuer"] = w.manufacturer.did; }},
      {"163 fleet", [](WalletWorld&, json& c) { c["validUntil"] = "2020-01-01T00:00:00Z"; }},
      {"164 fleet", [](WalletWorld&, json& c) { c["validFrom"] = "2029-01-01T00:00:00Z"; }},
  };
  for (const auto& [why, how] : bends) {
    SCOPED_TRACE(why);
    WalletWorld w;
    w.verifier->bend_m4_body = [&](json& b) {
      json c = {{"issuer", w.owner.did},
                {"validFrom", "2026-01-01T00:00:00Z"},
                {"validUntil", "2027-12-01T00:00:00Z"},
                {"credentialSubject", {{"id", w.verifier->device_pd}}}};
      how(w, c);
      b["fc"] = w.SignJwt("vc+jwt", c, w.owner.auth);
    };
    ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
    EXPECT_FALSE(w.RunUntilOnboarded(40));
    EXPECT_TRUE(Logged(w, why)) << Log(w);
  }
}

TEST(WalletRefuses, AReplayedM2OfAnotherSession) {
  // The answer to an earlier hello, octet for octet, to the hello of a new session: other keys, so it does not open.
  WalletWorld w;
  Octets first;
  w.bend_answer = [&](const std::string& url, int&, Octets& reply) {
    if (url.find("didcomm") != std::string::npos && first.empty()) first = reply;
  };
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  ASSERT_TRUE(w.RunUntilOnboarded());
  ASSERT_EQ(keel_wallet_owner_reset(w.wallet), KEEL_WALLET_OK);
  w.log.clear();
  size_t replayed = 0;
  w.bend_answer = [&](const std::string& url, int&, Octets& reply) {
    if (url.find("didcomm") == std::string::npos) return;
    reply = first;
    ++replayed;
  };
  EXPECT_FALSE(w.RunUntilOnboarded(30));
  EXPECT_GT(replayed, 0u);
  EXPECT_TRUE(Logged(w, "envelope")) << Log(w);
  EXPECT_EQ(w.verifier->bound.size(), 1u);
}

TEST(WalletRefuses, ALostAcknowledgementOfAnotherTranscript) {
  WalletWorld w;
  w.verifier->bend_m6_body = [](json& b) { b["th"] = std::string(43, 'A'); };
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  EXPECT_FALSE(w.RunUntilOnboarded(40));
  EXPECT_TRUE(Logged(w, "167 M6")) << Log(w);
  w.verifier->bend_m6_body = nullptr;
  EXPECT_TRUE(w.RunUntilOnboarded(40));
}

}  // namespace
}  // namespace keel
