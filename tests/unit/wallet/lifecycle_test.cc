// SPDX-License-Identifier: Apache-2.0
// An onboarded device: tokens, contacts, renewal, orders, reset, firmware.
#include <gtest/gtest.h>

#include "base/encoding.h"
#include "core/encoding.h"
#include "onboarding/token.h"
#include "tests/fakes/wallet_world.h"

namespace keel {
namespace {

using fakes::json;
using fakes::Octets;
using fakes::WalletWorld;

void Onboard(WalletWorld& w) {
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  ASSERT_TRUE(w.RunUntilOnboarded()) << Log(w);
  ASSERT_TRUE(w.Run([&] { return w.Info().step == KEEL_STEP_DORMANT; })) << Log(w);
}
bool NextContact(WalletWorld& w) {
  const size_t before = w.verifier->contacts;
  keel_wallet_contact_now(w.wallet);
  return w.Run([&] { return w.verifier->contacts > before; }, 20) &&
         w.Run([&] { return w.Info().step != KEEL_STEP_CONTACT; }, 20);
}

TEST(WalletLife, TokensAreOfThePairwiseKey) {
  WalletWorld w;
  std::array<char, 1024> token;
  size_t n = token.size();
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  EXPECT_EQ(keel_wallet_sign_token(w.wallet, w.now_ms, "fleet", 60, token.data(), &n), KEEL_WALLET_WRONG_STATE);
  Onboard(w);
  n = token.size();
  ASSERT_EQ(keel_wallet_sign_token(w.wallet, w.now_ms, "fleet", 60, token.data(), &n), KEEL_WALLET_OK);
  std::array<uint8_t, onboarding::kTokenScratch> scratch;
  const auto parsed = onboarding::ParseToken({token.data(), n}, scratch);
  ASSERT_TRUE(parsed);
  const auto pd = wallet::ParsePeerDid(parsed->iss);
  ASSERT_TRUE(pd);
  EXPECT_EQ(std::string(parsed->iss), w.verifier->bound[0]);
  EXPECT_TRUE(onboarding::VerifyToken(*parsed, pd->token, "fleet", w.Now()));
  EXPECT_FALSE(onboarding::VerifyToken(*parsed, pd->token, "other", w.Now()));
  n = 10;
  EXPECT_EQ(keel_wallet_sign_token(w.wallet, w.now_ms, "fleet", 60, token.data(), &n), KEEL_WALLET_BUFFER_TOO_SMALL);
  // After a restart the time is not known until R0 gave it.
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  n = token.size();
  EXPECT_EQ(keel_wallet_sign_token(w.wallet, w.now_ms, "fleet", 60, token.data(), &n), KEEL_WALLET_UNAVAILABLE);
  EXPECT_TRUE(w.Run([&] { return w.Info().step == KEEL_STEP_DORMANT; }));
  EXPECT_EQ(keel_wallet_sign_token(w.wallet, w.now_ms, "fleet", 60, token.data(), &n), KEEL_WALLET_OK);
}

TEST(WalletLife, ContactsGoOnOverRestartsAndLosses) {
  WalletWorld w;
  Onboard(w);
  for (int i = 0; i < 40; ++i) {
    if (i % 7 == 3) {
      ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
      ASSERT_TRUE(w.Run([&] { return w.Info().step == KEEL_STEP_DORMANT; })) << Log(w);
    }
    const size_t lost = w.requests;
    if (i % 5 == 1) w.lose_answer = [lost](size_t n) { return n == lost; };
    ASSERT_TRUE(NextContact(w)) << i << Log(w);
    ASSERT_TRUE(w.Run([&] { return w.Info().step == KEEL_STEP_DORMANT; })) << Log(w);
    w.lose_answer = nullptr;
  }
}

TEST(WalletLife, ARepliedContactIsNotTakenTwice) {
  WalletWorld w;
  Onboard(w);
  Octets first;
  w.bend_answer = [&](const std::string&, int&, Octets& reply) {
    if (first.empty()) {
      first = reply;
    } else {
      reply = first;
    }
  };
  ASSERT_TRUE(NextContact(w));
  keel_wallet_contact_now(w.wallet);
  w.Run([] { return false; }, 4);
  EXPECT_TRUE(Logged(w, "162 message thid")) << Log(w);
}

TEST(WalletLife, AReplyMustHaveANewerNumber) {
  WalletWorld w;
  Onboard(w);
  ASSERT_TRUE(NextContact(w));
  bool bent = false;
  w.verifier->bend_plaintext = [&](std::string& plaintext) {
    const size_t at = plaintext.find("\"seq\":");
    if (at == std::string::npos) return;
    size_t end = at + 6;
    while (end < plaintext.size() && plaintext[end] >= '0' && plaintext[end] <= '9') ++end;
    plaintext.replace(at, end - at, "\"seq\":1");  // the first reply's
    bent = true;
  };
  keel_wallet_contact_now(w.wallet);
  w.Run([&] { return bent && w.Info().step != KEEL_STEP_CONTACT; }, 10);
  EXPECT_TRUE(bent);
  EXPECT_TRUE(Logged(w, "162 reply seq")) << Log(w);
}

TEST(WalletLife, ARenewalIsTheNextGenerationOnly) {
  WalletWorld w;
  Onboard(w);
  for (const uint64_t g : {1u, 3u}) {
    json p = w.verifier->Provision(w.verifier->bound[0], g);
    w.verifier->contact_extra = {{"provision", p}};
    ASSERT_TRUE(NextContact(w));
    EXPECT_EQ(w.Info().generation, 1u);
    EXPECT_TRUE(Logged(w, "127 provision generation"));
  }
  json p = w.verifier->Provision(w.verifier->bound[0], 2);
  p["config"] = {{"rate", 9}};
  w.verifier->contact_extra = {{"provision", p}};
  ASSERT_TRUE(NextContact(w));
  EXPECT_EQ(w.Info().generation, 2u);
  std::vector<uint8_t> out(KEEL_WALLET_RECORD_MAX);
  size_t n = out.size();
  ASSERT_EQ(keel_wallet_read_document(w.wallet, KEEL_DOCUMENT_PROVISION, out.data(), &n), KEEL_WALLET_OK);
  EXPECT_EQ(json::parse(out.begin(), out.begin() + static_cast<ptrdiff_t>(n))["config"]["rate"], 9);
}

TEST(WalletLife, AResetDeviceIsClaimedAgainByTheLastSealsHolderOnly) {
  WalletWorld w;
  Onboard(w);
  ASSERT_EQ(keel_wallet_owner_reset(w.wallet), KEEL_WALLET_OK);
  EXPECT_EQ(w.Phase(), KEEL_PHASE_SEEKING);
  EXPECT_EQ(w.flash.records.count(8) + w.flash.records.count(9) + w.flash.records.count(10), 0u);
  EXPECT_EQ(std::string(w.Info().owner), "");
  ASSERT_TRUE(w.RunUntilOnboarded()) << Log(w);
  EXPECT_EQ(w.verifier->bound.size(), 2u) << "a new pairwise DID: what the owner sees as clone or reset";
}

TEST(WalletLife, OwnersHistoryMayNotGetShorter) {
  WalletWorld w;
  Onboard(w);
  w.ledger.Rotate(w.owner);
  ASSERT_EQ(keel_wallet_owner_reset(w.wallet), KEEL_WALLET_OK);
  ASSERT_TRUE(w.RunUntilOnboarded()) << Log(w);  // longer is fine
}

json Order(WalletWorld& w, const std::string& op, uint64_t g, crypto::KeyHandle key, const std::string& aud = "") {
  const json payload = {{"iss", w.owner.did}, {"aud", aud.empty() ? w.device() : aud},
                        {"op", op},           {"seq", g},
                        {"iat", w.Now()},     {"exp", w.Now() + 600}};
  return w.SignJwt("keel-order+jwt", payload, key);
}

TEST(WalletLife, OrdersNeedTheOwnersSignature) {
  WalletWorld w;
  Onboard(w);
  const std::pair<json, const char*> bad[] = {
      {Order(w, "wipe", 1, w.manufacturer.auth), "168 order key"},
      {Order(w, "wipe", 2, w.owner.auth), "162 order seq"},
      {Order(w, "wipe", 1, w.owner.auth, w.owner.did), "165 order"},
      {Order(w, "burn", 1, w.owner.auth), "6 order op"},
      {Order(w, "transfer", 1, w.owner.auth), "8 "},
  };
  for (const auto& [order, why] : bad) {
    w.verifier->contact_extra = {{"order", order}};
    ASSERT_TRUE(NextContact(w)) << Log(w);
    EXPECT_TRUE(Logged(w, why)) << why << Log(w);
    EXPECT_EQ(w.Phase(), KEEL_PHASE_ONBOARDED);
  }
  w.verifier->contact_extra = {{"order", Order(w, "wipe", 1, w.owner.auth)}};
  keel_wallet_contact_now(w.wallet);
  ASSERT_TRUE(w.Run([&] { return w.Phase() == KEEL_PHASE_SEEKING; })) << Log(w);
  EXPECT_TRUE(Logged(w, "wipe"));
  w.verifier->contact_extra = nullptr;
  EXPECT_TRUE(w.RunUntilOnboarded());
}

TEST(WalletLife, ATransferNeedsTheLinkThatSpendsItsSeal) {
  WalletWorld w;
  Onboard(w);
  const fakes::Identity next = w.ledger.CreateIdentity();
  const auto old_links = w.links;
  w.Sell(next);
  const fakes::ChainLink& link = w.links.back();
  json extra = {{"order", Order(w, "transfer", 1, w.owner.auth)},
                {"link", base::Base64Url(link.record)},
                {"policy", base::Base64Url(link.policy)},
                {"sigs", base::Base64Url(link.sigs)}};
  json bad = extra;
  bad["link"] = base::Base64Url(old_links.back().record);
  w.verifier->contact_extra = bad;
  ASSERT_TRUE(NextContact(w));
  EXPECT_TRUE(Logged(w, "125")) << Log(w);
  EXPECT_EQ(w.Phase(), KEEL_PHASE_ONBOARDED);
  w.verifier->contact_extra = extra;
  keel_wallet_contact_now(w.wallet);
  ASSERT_TRUE(w.Run([&] { return w.Phase() == KEEL_PHASE_SEEKING; })) << Log(w);
  EXPECT_EQ(w.flash.records.count(8) + w.flash.records.count(9), 0u);
  // The old owner tries again, and cannot: its seal is spent.
  w.verifier->contact_extra = nullptr;
  const std::string sold_to = w.credential;
  {
    const auto saved_end = w.end;
    w.verifier->bend_pack_items = [&](std::vector<Octets>& items) {
      items = w.ledger.PackItems({}, w.seals[w.seals.size() - 2].seal, w.owner);
    };
    EXPECT_FALSE(w.RunUntilOnboarded(30));
    w.end = saved_end;
    w.verifier->bend_pack_items = nullptr;
  }
  // The new one can, with the new link alone.
  w.owner = next;
  w.verifier = std::make_unique<fakes::FakeVerifier>(w);
  w.invitations = {w.verifier->Invitation()};
  EXPECT_TRUE(w.RunUntilOnboarded()) << Log(w);
  EXPECT_EQ(std::string(w.Info().owner), next.did);
}

TEST(WalletLife, RetiredIsForGood) {
  WalletWorld w;
  Onboard(w);
  w.verifier->contact_extra = {{"order", Order(w, "retire", 1, w.owner.auth)}};
  keel_wallet_contact_now(w.wallet);
  ASSERT_TRUE(w.Run([&] { return w.Phase() == KEEL_PHASE_RETIRED; })) << Log(w);
  EXPECT_EQ(w.flash.records.count(1), 0u) << "identity keys";
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  EXPECT_EQ(w.Phase(), KEEL_PHASE_RETIRED);
  EXPECT_EQ(keel_wallet_owner_reset(w.wallet), KEEL_WALLET_WRONG_STATE);
  EXPECT_FALSE(w.RunUntilOnboarded(10));
}

// --- firmware
// ---------------------------------------------------------------------------------------------------------

Octets Image(size_t n, uint8_t seed) {
  Octets image(n);
  for (size_t i = 0; i < n; ++i) image[i] = static_cast<uint8_t>(i * 31 + seed + (i >> 8));
  return image;
}
void Offer(WalletWorld& w, const std::string& id, const Octets& image, uint64_t sequence, const Octets& manifest,
           const std::string& version = "2.0.0") {
  w.verifier->image = image;
  w.verifier->manifest = manifest;
  w.verifier->offer = {{"id", id},
                       {"version", version},
                       {"sequence", sequence},
                       {"digest", base::Base64Url(crypto::Sha256::Of(ByteView(image)))},
                       {"size", image.size()}};
}

TEST(WalletFirmware, FromOfferToRaisedCounter) {
  WalletWorld w;
  const Octets image = Image(300'001, 7);
  Offer(w, "r2", image, 2, w.Manifest(image, 2, "2.0.0", w.author_did.auth));
  w.verifier->offer_in_m4 = true;
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  EXPECT_EQ(w.Info().rollback_counter, 0u);
  ASSERT_TRUE(w.Run([&] { return w.verifier->reports == 1; }, 400)) << Log(w);
  EXPECT_EQ(w.slots.image, image);
  EXPECT_FALSE(w.slots.trial);
  EXPECT_EQ(w.restarts, 1u);
  EXPECT_EQ(w.verifier->last_report_state, "confirmed");
  EXPECT_EQ(w.Info().rollback_counter, 2u);
  ASSERT_TRUE(w.Run([&] { return w.Info().step == KEEL_STEP_DORMANT; }));
}

TEST(WalletFirmware, ResumesAfterBreaksAndRestarts) {
  WalletWorld w;
  const Octets image = Image(700'000, 9);
  Offer(w, "r2", image, 2, w.Manifest(image, 2, "2.0.0", w.author_did.auth));
  w.verifier->serve_limit = 50'000;  // each answer breaks off in the middle of a block
  Onboard(w);
  size_t turns = 0;
  ASSERT_TRUE(w.Run(
      [&] {
        if (++turns % 29 == 0 &&
            w.Info().step == KEEL_STEP_FIRMWARE) {  // what was written is hashed again, 64 KiB a poll
          EXPECT_EQ(w.Boot(), KEEL_WALLET_OK);
        }
        if (turns == 1) keel_wallet_contact_now(w.wallet);
        return w.verifier->reports == 1;
      },
      3000))
      << Log(w);
  EXPECT_EQ(w.slots.image, image);
}

TEST(WalletFirmware, BadManifestsAreRefusedAndReported) {
  struct Case {
    const char* name;
    std::function<Octets(WalletWorld&, const Octets&)> manifest;
    uint64_t sequence;
    const char* state;
  };
  const Case cases[] = {
      {"other author", [](WalletWorld& w, const Octets& i) { return w.Manifest(i, 2, "2.0.0", w.owner.auth); }, 2,
       "failed:untrusted"},
      {"other vendor",
       [](WalletWorld& w, const Octets& i) { return w.Manifest(i, 2, "2.0.0", w.author_did.auth, {1}); }, 2,
       "failed:untrusted"},
      {"other class",
       [](WalletWorld& w, const Octets& i) { return w.Manifest(i, 2, "2.0.0", w.author_did.auth, {}, {1}); }, 2,
       "failed:untrusted"},
      {"older", [](WalletWorld& w, const Octets& i) { return w.Manifest(i, 0, "0.9.0", w.author_did.auth); }, 0,
       "failed:rollback"},
      {"not as offered", [](WalletWorld& w, const Octets& i) { return w.Manifest(i, 3, "2.0.0", w.author_did.auth); },
       2, "failed:conflict"},
      {"bit flipped",
       [](WalletWorld& w, const Octets& i) {
         Octets m = w.Manifest(i, 2, "2.0.0", w.author_did.auth);
         m[m.size() - 70] ^= 1;
         return m;
       },
       2, "failed:bad_signature"},
      {"garbage", [](WalletWorld&, const Octets&) { return Octets(40, 0x9f); }, 2, "failed:"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    WalletWorld w;
    const Octets image = Image(20'000, 1);
    Onboard(w);
    Offer(w, "r2", image, c.sequence, c.manifest(w, image));
    keel_wallet_contact_now(w.wallet);
    ASSERT_TRUE(w.Run([&] { return w.verifier->reports == 1; }, 60)) << Log(w);
    EXPECT_EQ(w.verifier->last_report_state.rfind(c.state, 0), 0u) << w.verifier->last_report_state;
    EXPECT_EQ(w.slots.sequence, 1u);
    EXPECT_TRUE(w.slots.spare.empty());
    // The same offer again is not taken again.
    ASSERT_TRUE(NextContact(w));
    ASSERT_TRUE(w.Run([&] { return w.Info().step == KEEL_STEP_DORMANT; }, 30));
    EXPECT_EQ(w.verifier->reports, 1u);
  }
}

TEST(WalletFirmware, AnImageThatIsNotTheManifestsIsRefused) {
  WalletWorld w;
  const Octets image = Image(40'000, 1);
  Onboard(w);
  Offer(w, "r2", image, 2, w.Manifest(image, 2, "2.0.0", w.author_did.auth));
  w.verifier->image[100] ^= 1;  // well encrypted, but not what the author signed
  keel_wallet_contact_now(w.wallet);
  ASSERT_TRUE(w.Run([&] { return w.verifier->reports == 1; }, 60)) << Log(w);
  EXPECT_EQ(w.verifier->last_report_state, "failed:conflict");
  EXPECT_FALSE(w.slots.pending);
}

TEST(WalletFirmware, AChangedBlockIsNotWritten) {
  WalletWorld w;
  const Octets image = Image(40'000, 1);
  Onboard(w);
  Offer(w, "r2", image, 2, w.Manifest(image, 2, "2.0.0", w.author_did.auth));
  w.verifier->flip_block = true;
  keel_wallet_contact_now(w.wallet);
  EXPECT_FALSE(w.Run([&] { return w.verifier->reports == 1; }, 30));
  EXPECT_TRUE(Logged(w, "42 firmware blocks")) << Log(w);
  w.verifier->flip_block = false;
  EXPECT_TRUE(w.Run([&] { return w.verifier->reports == 1; }, 100)) << Log(w);
  EXPECT_EQ(w.slots.image, image);
}

TEST(WalletFirmware, AnUnhealthyImageIsGivenUpAndReported) {
  WalletWorld w;
  const Octets image = Image(20'000, 1), before = w.slots.image;
  Onboard(w);
  Offer(w, "r2", image, 2, w.Manifest(image, 2, "2.0.0", w.author_did.auth));
  keel_wallet_contact_now(w.wallet);
  ASSERT_TRUE(w.Run([&] { return w.Info().step == KEEL_STEP_TRIAL; }, 60)) << Log(w);
  EXPECT_EQ(keel_wallet_health(w.wallet, 0), KEEL_WALLET_OK);
  ASSERT_TRUE(w.Run([&] { return w.verifier->reports == 1; }, 60)) << Log(w);
  EXPECT_EQ(w.verifier->last_report_state.rfind("reverted", 0), 0u);
  EXPECT_EQ(w.slots.image, before);
  EXPECT_EQ(w.Info().rollback_counter, 0u);
  EXPECT_EQ(keel_wallet_health(w.wallet, 1), KEEL_WALLET_WRONG_STATE);
}

// Power lost on trial: the boot loader goes back, and nobody has said that the image is bad.
TEST(WalletFirmware, AnImageWhoseTrialHadNoVerdictIsTriedAgainThreeTimesInAll) {
  for (const int lost : {1, 2, 3, 5}) {
    for (const bool spoilt : {false, true}) {
      SCOPED_TRACE(std::to_string(lost) + (spoilt ? " and the spare slot spoilt" : ""));
      WalletWorld w;
      const Octets image = Image(20'000, 1), before = w.slots.image;
      Onboard(w);
      Offer(w, "r2", image, 2, w.Manifest(image, 2, "2.0.0", w.author_did.auth));
      keel_wallet_contact_now(w.wallet);
      int trials = 0;
      for (; trials < lost && w.Run([&] { return w.slots.trial || w.verifier->reports == 1; }, 80) && w.slots.trial;
           ++trials) {
        EXPECT_EQ(w.slots.image, image);
        w.slots.Boot();  // power was lost: back to the old image
        if (spoilt) w.slots.spare[100] ^= 1;
        ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
      }
      ASSERT_TRUE(w.Run([&] { return w.verifier->reports == 1; }, 200)) << Log(w);
      EXPECT_EQ(trials, std::min(lost, 3));
      if (lost < 3) {
        EXPECT_EQ(w.verifier->last_report_state, "confirmed");
        EXPECT_EQ(w.slots.image, image);
        EXPECT_EQ(w.Info().rollback_counter, 2u);
      } else {
        EXPECT_EQ(w.verifier->last_report_state.rfind("reverted", 0), 0u);
        EXPECT_EQ(w.slots.image, before);
        EXPECT_EQ(w.Info().rollback_counter, 0u);
        // And it is not taken again.
        ASSERT_TRUE(NextContact(w));
        ASSERT_TRUE(w.Run([&] { return w.Info().step == KEEL_STEP_DORMANT; }, 30));
        EXPECT_EQ(w.verifier->reports, 1u);
      }
    }
  }
}

}  // namespace
}  // namespace keel
