// SPDX-License-Identifier: Apache-2.0
// What the verifier keeps (docs/formats/verifier-storage.md): claims, documents, sessions, settings.
#include "verifier/records.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

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
  c.operations = {{7, "create.jws"}, {9, "update.jws"}};
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

TEST(ClaimTest, GoesThroughJsonWhole) {
  const json value = Whole().ToJson();
  const auto back = Claim::FromJson(value);
  ASSERT_TRUE(back) << back.error().Text();
  EXPECT_EQ(back->ToJson(), value);
  EXPECT_EQ(back->links[1].spent_seal, Filled<32>(2));
  EXPECT_EQ(back->operations[1].first, 9u);
  // A member that is read into nothing would show here: no two are equal to a fresh claim's.
  const json fresh = Claim().ToJson();
  for (const auto& [name, member] : value.items()) {
    if (name == "v") continue;
    EXPECT_NE(member, fresh[name]) << name << " is not filled in by this test";
  }
}

TEST(ClaimTest, RefusesWhatIsMissingOrOfAnotherType) {
  const json whole = Whole().ToJson();
  for (const auto& [name, member] : whole.items()) {
    if (name == "v") continue;
    json bad = whole;
    bad.erase(name);
    EXPECT_FALSE(Claim::FromJson(bad)) << "without " << name;
    bad[name] = true;
    EXPECT_FALSE(Claim::FromJson(bad)) << name << " as a boolean";
  }
  json bad = whole;
  bad["state"] = "sold";
  EXPECT_FALSE(Claim::FromJson(bad));
  bad = whole;
  bad["seal"] = "AAAA";
  EXPECT_FALSE(Claim::FromJson(bad));
  bad = whole;
  bad["links"][0].erase("spent");
  EXPECT_FALSE(Claim::FromJson(bad));
  EXPECT_FALSE(Claim::FromJson(json()));
  EXPECT_FALSE(Claim::FromJson(json::array()));
}

TEST(ClaimTest, EveryStateHasAName) {
  for (const auto state : {ClaimState::kClaimed, ClaimState::kBound, ClaimState::kOnboarded, ClaimState::kHeld,
                           ClaimState::kRevoked, ClaimState::kReleased, ClaimState::kRetired}) {
    EXPECT_EQ(*ClaimStateFromName(ClaimStateName(state)), state);
  }
  EXPECT_FALSE(ClaimStateFromName(""));
}

TEST(SessionTest, GoesThroughText) {
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
  const auto back = SessionFromText(SessionText(session, "did:keel:demo:zDevice"), device);
  ASSERT_TRUE(back) << back.error().Text();
  EXPECT_EQ(device, "did:keel:demo:zDevice");
  EXPECT_EQ(back->proofs.size(), 2u);
  EXPECT_EQ(*back->proofs.back().pack, std::string("pack\0octets", 11));
  EXPECT_EQ(back->proofs.back().th2, Filled<32>(1));
  EXPECT_EQ(back->th1, session.th1);
  for (const char* bad : {"", "{}", "[]", R"({"device":1})"}) EXPECT_FALSE(SessionFromText(bad, device)) << bad;
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
  ASSERT_TRUE(records.SaveClaims(claims));
  ASSERT_TRUE(records.SaveDocument("a", "document"));
  ASSERT_TRUE(records.SaveDocument("profile/x", "1"));
  ASSERT_TRUE(records.SaveDocument("profile/y", "2"));
  ASSERT_TRUE(records.SaveSession("a", "session"));
  const auto all = records.Claims();
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 3u);
  EXPECT_EQ(all->front().did, "a");
  EXPECT_EQ((*records.FindClaim("c"))->ToJson(), claims[2].ToJson());
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

TEST(RecordsTest, DamageIsAnErrorNotNothing) {
  const auto store = base::MakeMemoryStore();
  Records records(*store);
  base::WriteBatch batch;
  batch.Put("cx", "{\"did\":");
  ASSERT_TRUE(store->Write(batch, base::Sync::kYes));
  EXPECT_FALSE(records.FindClaim("x"));
  EXPECT_FALSE(records.Claims());
}

TEST(RecordsTest, SurviveAReopening) {
  const auto dir = base::TempDir::Create("keel-records");
  ASSERT_TRUE(dir);
  {
    const auto store = base::OpenLevelDb(*dir / "db");
    ASSERT_TRUE(store);
    Records records(**store);
    ASSERT_TRUE(records.SaveClaim(Whole()));
  }
  const auto store = base::OpenLevelDb(*dir / "db");
  ASSERT_TRUE(store);
  Records records(**store);
  EXPECT_EQ((*records.FindClaim(Whole().did))->ToJson(), Whole().ToJson());
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
