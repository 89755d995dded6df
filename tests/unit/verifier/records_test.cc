// SPDX-License-Identifier: Apache-2.0
// What the verifier keeps (docs/formats/verifier-storage.md): claims, documents, sessions, settings.
#include "verifier/records.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/files.h"
#include "verifier/claim_book.h"
#include "verifier/settings.h"

namespace keel::verifier {
namespace {

using nlohmann::json;

template <size_t N>
ByteArray<N> Filled(uint8_t value) {
  ByteArray<N> out;
  out.fill(value);
  return out;
}

// Every member differs from a fresh claim's.
Claim Whole() {
  Claim c;
  c.did = "did:keel:demo:zDevice";
  c.serial = "SN-1";
  c.model = "gateway";
  c.state = ClaimState::kHeld;
  c.ownership_credential = "vc.jwt";
  c.maker = "did:keel:demo:zMaker";
  c.links = {{{1, 2, 3}, Filled<32>(1)}, {{4}, Filled<32>(2)}};
  c.seal = Filled<32>(3);
  c.rendezvous_secret = Filled<32>(4);
  c.rendezvous_key = {0xec, 1, 5};
  c.invitation = R"({"v":1})";
  c.invitation_id = Filled<16>(5);
  c.invited_as = "did:peer:2.pv";
  c.published = 11;
  c.invitation_until = 12;
  c.device_pairwise = "did:peer:2.pd";
  c.pairwise = "did:peer:2.pv0";
  c.pairwise_id = Filled<16>(6);
  c.rival_pairwise = "did:peer:2.pr";
  c.thread = "thid";
  c.provision = "m4 \"quoted\" \n";
  c.acknowledgement = "m6";
  c.proof_hash = Filled<32>(7);
  c.th4 = Filled<32>(8);
  c.done_hash = Filled<32>(9);
  c.generation = 13;
  c.base_links = 2;
  c.contact_secret = Filled<32>(10);
  c.next_contact_secret = Filled<32>(11);
  c.seq_in = 14;
  c.seq_out = 15;
  c.hardware_credential = "hc.jwt";
  c.facts = "{}";
  c.judgement = "[]";
  c.passed_on = {{9, 9}, Filled<32>(12)};
  c.firmware_version = "1.2.3";
  c.firmware_sequence = 16;
  c.problem = "a problem with \xc3\xbcmlaut";
  c.order = "wipe";
  c.provided = "hash";
  c.fleet_until = 17;
  c.changed = 18;
  c.seen = 19;
  return c;
}

// Three records make a claim: each byte of them is a field that came back.
TEST(ClaimTest, GoesThroughTheStoreWhole) {
  const auto store = base::MakeMemoryStore();
  Records records(*store);
  ASSERT_TRUE(records.AddClaims({Whole()}));
  const auto back = records.FindClaim(Whole().did);
  ASSERT_TRUE(back && *back) << back.error().Text();
  EXPECT_TRUE(**back == Whole());
  EXPECT_EQ((*back)->links[1].spent_seal, Filled<32>(2));
}

std::map<std::string, std::string> Stored(const base::KeyValueStore& store) {
  std::map<std::string, std::string> all;
  EXPECT_TRUE(store.Scan("", [&](std::string_view key, std::string_view value) {
    all[std::string(key)] = std::string(value);
    return true;
  }));
  return all;
}

TEST(ClaimTest, EachStepWritesWhatItMayChange) {
  const auto store = base::MakeMemoryStore();
  Records records(*store);
  Claim claim = Whole();
  ASSERT_TRUE(records.AddClaims({claim}));
  const auto before = Stored(*store);
  ASSERT_EQ(before.size(), 3u);
  const auto changed = [&] {
    std::string letters;
    for (const auto& [key, value] : Stored(*store))
      if (before.at(key) != value) letters += key[0];
    return letters;
  };
  // What SaveRelation must keep: all that a contact changes.
  claim.seq_in = 99;
  claim.firmware_version = "9.9.9";
  claim.generation = 77;
  claim.provided = "other";
  claim.fleet_until = 1;
  ASSERT_TRUE(records.SaveRelation(claim));
  EXPECT_EQ(changed(), "r");
  EXPECT_TRUE(**records.FindClaim(claim.did) == claim);
  claim.provision = "another m4";
  ASSERT_TRUE(records.SaveClaim(claim));
  EXPECT_EQ(changed(), "mr");
  EXPECT_TRUE(**records.FindClaim(claim.did) == claim);
  claim.published = 5;
  ASSERT_TRUE(records.NotePublished(claim));
  EXPECT_TRUE(**records.FindClaim(claim.did) == claim);
}

TEST(ClaimTest, EveryCutAndEveryOtherLengthIsDamage) {
  const auto store = base::MakeMemoryStore();
  Records records(*store);
  ASSERT_TRUE(records.AddClaims({Whole()}));
  const auto whole = Stored(*store);
  const auto put = [&](const std::string& key, const std::string& value) {
    base::WriteBatch batch;
    batch.Put(key, value);
    ASSERT_TRUE(store->Write(batch, base::Sync::kYes));
  };
  for (const auto& [key, value] : whole) {
    for (size_t n = 0; n < value.size(); ++n) {
      put(key, value.substr(0, n));
      EXPECT_EQ(records.Claims().error().code, Code::kCorrupt) << key[0] << n;
    }
    put(key, value + '\0');
    EXPECT_EQ(records.FindClaim(Whole().did).error().code, Code::kCorrupt) << key[0];
    std::string other = value;
    other[0] = 9;  // the version
    put(key, other);
    EXPECT_EQ(records.FindClaim(Whole().did).error().code, Code::kCorrupt) << key[0];
    put(key, value);
    EXPECT_TRUE(records.Claims());
    base::WriteBatch batch;
    batch.Delete(key);
    ASSERT_TRUE(store->Write(batch, base::Sync::kYes));
    if (key[0] == 'c') {
      EXPECT_TRUE(records.Claims()->empty());
    } else {
      EXPECT_EQ(records.Claims().error().code, Code::kCorrupt) << "without " << key[0];
    }
    put(key, value);
  }
  // A state that there is not, and another device's record under this one's key.
  std::string bad = whole.at("r" + Whole().did);
  bad[1] = 7;
  put("r" + Whole().did, bad);
  EXPECT_EQ(records.Claims().error().code, Code::kCorrupt);
  put("r" + Whole().did, whole.at("r" + Whole().did));
  for (const char* letter : {"c", "m", "r"}) put(std::string(letter) + "other", whole.at(letter + Whole().did));
  EXPECT_EQ(records.FindClaim("other").error().code, Code::kCorrupt);
}

TEST(ClaimTest, EveryStateHasAName) {
  std::set<std::string> names;
  for (uint8_t i = 0; i < EndOf(ClaimState{}); ++i) names.insert(ClaimStateName(static_cast<ClaimState>(i)));
  EXPECT_EQ(names.size(), EndOf(ClaimState{}));
  EXPECT_FALSE(names.contains(""));
  EXPECT_STREQ(ClaimStateName(static_cast<ClaimState>(EndOf(ClaimState{}))), "");
}

TEST(SessionTest, IsTheSameAfterwards) {
  verifier::Session session;
  session.device_pairwise = "did:peer:2.pd";
  session.thread = "thid";
  session.hello_hash = Filled<32>(1);
  session.th1 = Filled<32>(2);
  for (uint8_t i = 0; i < 2; ++i) {
    OwnerProof proof;
    proof.plaintext = "m2";
    proof.th2 = Filled<32>(i);
    proof.nonce = "nv";
    proof.pack = std::make_shared<const std::string>("pack\0octets", 11);
    proof.pack_time = 5;
    session.proofs.push_back(proof);
  }
  std::string device;
  const std::string octets = EncodeSession(session, "did:keel:demo:zDevice");
  const auto back = DecodeSession(octets, device);
  ASSERT_TRUE(back) << back.error().Text();
  EXPECT_EQ(device, "did:keel:demo:zDevice");
  EXPECT_EQ(back->proofs.size(), 2u);
  EXPECT_EQ(*back->proofs.back().pack, std::string("pack\0octets", 11));
  EXPECT_EQ(back->proofs.back().th2, Filled<32>(1));
  EXPECT_EQ(back->th1, session.th1);
  for (size_t n = 0; n < octets.size(); ++n)
    EXPECT_EQ(DecodeSession(octets.substr(0, n), device).error().code, Code::kCorrupt) << n;
  EXPECT_FALSE(DecodeSession(octets + "x", device));
}

TEST(RecordsTest, ClaimsDocumentsAndSessionsDoNotMix) {
  const auto store = base::MakeMemoryStore();
  Records records(*store);
  EXPECT_FALSE(*records.FindClaim("x"));
  std::vector<Claim> claims;
  for (const char* name : {"b", "a", "c"}) {
    Claim claim = Whole();
    claim.did = name;
    claims.push_back(claim);
  }
  ASSERT_TRUE(records.AddClaims(claims));
  ASSERT_TRUE(records.SaveDocument("a", "document"));
  ASSERT_TRUE(records.SaveDocument("profile/x", "1"));
  ASSERT_TRUE(records.SaveDocument("profile/y", "2"));
  ASSERT_TRUE(records.SaveSession("a", "session"));
  const auto all = records.Claims();
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 3u);
  EXPECT_EQ(all->front().did, "a");
  EXPECT_TRUE(**records.FindClaim("c") == claims[2]);
  EXPECT_EQ(**records.Document("a"), "document");
  EXPECT_EQ(**records.Session("a"), "session");
  const auto profiles = *records.Documents("profile/");
  ASSERT_EQ(profiles.size(), 2u);
  EXPECT_EQ(profiles.at("profile/y"), "2");
  ASSERT_TRUE(records.RemoveDocument("a"));
  ASSERT_TRUE(records.RemoveSession("a"));
  ASSERT_TRUE(records.RemoveSession("never there"));
  EXPECT_FALSE(*records.Document("a"));
  EXPECT_FALSE(*records.Session("a"));
  EXPECT_TRUE(*records.FindClaim("a"));
}

TEST(RecordsTest, SurviveAReopening) {
  const auto dir = base::TempDir::Create("keel-records");
  ASSERT_TRUE(dir);
  {
    const auto store = base::OpenLevelDb(*dir / "db");
    ASSERT_TRUE(store);
    Records records(**store);
    ASSERT_TRUE(records.AddClaims({Whole()}));
  }
  const auto store = base::OpenLevelDb(*dir / "db");
  ASSERT_TRUE(store);
  Records records(**store);
  EXPECT_TRUE(**records.FindClaim(Whole().did) == Whole());
}

TEST(SettingsTest, DefaultsChangesAndReopening) {
  const auto store = base::MakeMemoryStore();
  Records records(*store);
  Settings settings(records);
  ASSERT_TRUE(settings.Load());
  EXPECT_TRUE(settings.policy()->rules().empty());
  EXPECT_EQ(settings.ProfileFor("gateway").configuration, "{}");
  EXPECT_TRUE(settings.broker().host.empty());

  ASSERT_TRUE(settings.SetPolicy(R"({"v":1,"rules":[{"field":"/hardware/model","op":"eq","value":"gateway"}]})"));
  EXPECT_FALSE(settings.SetPolicy("{}"));
  EXPECT_FALSE(settings.SetPolicy(R"({"v":1,"rules":[{"field":"model","op":"eq","value":1}]})"));
  EXPECT_EQ(settings.policy()->rules().size(), 1u) << "a refused policy changes nothing";
  ASSERT_TRUE(settings.SetProfile(*MakeProfile("*", R"({"rate": 1})", "")));
  ASSERT_TRUE(settings.SetProfile(*MakeProfile("gateway", R"({"rate": 5})", "abc")));
  ASSERT_TRUE(settings.SetBroker({"::1", 1883}));

  Settings again(records);
  ASSERT_TRUE(again.Load());
  EXPECT_EQ(again.policy()->ToText(), settings.policy()->ToText());
  EXPECT_EQ(again.ProfileFor("gateway").configuration, R"({"rate":5})");
  EXPECT_EQ(again.ProfileFor("gateway").firmware, "abc");
  EXPECT_EQ(again.ProfileFor("sensor").configuration, R"({"rate":1})");
  EXPECT_EQ(again.Profiles().size(), 2u);
  EXPECT_EQ(again.broker().host, "::1");
  EXPECT_EQ(again.broker().port, 1883);
}

TEST(SettingsTest, ProfilesThatADeviceCouldNotRead) {
  EXPECT_FALSE(MakeProfile("", "{}", ""));
  EXPECT_FALSE(MakeProfile(std::string(65, 'm'), "{}", ""));
  for (const char* bad : {"", "[]", "1", "{\"a\":1,\"a\":2}", "{\"a\":1.5}", "{\"a\":9007199254740993}", "{\"a\":}"})
    EXPECT_FALSE(MakeProfile("m", bad, "")) << bad;
  const std::string large = json{{"a", std::string(kMaxConfiguration, 'x')}}.dump();
  EXPECT_EQ(MakeProfile("m", large, "").error().code, Code::kTooLarge);
  std::string deep = "1";
  for (int i = 0; i < 40; ++i) deep = "{\"a\":" + deep + "}";
  EXPECT_FALSE(MakeProfile("m", deep, ""));
}

}  // namespace
}  // namespace keel::verifier
