// SPDX-License-Identifier: Apache-2.0
// The registry's members hand over to others while a device lies on a shelf, or works: it follows epoch by epoch, and
// believes nothing that its roots, the roots they committed to and an anchor of its own have not all signed
// (docs/formats/descriptor.md).
#include <gtest/gtest.h>

#include "ledger/descriptor.h"
#include "tests/fakes/wallet_world.h"

namespace keel {
namespace {

using fakes::Identity;
using fakes::MultikeyOf;
using fakes::Octets;
using fakes::ToOctets;
using fakes::WalletWorld;

// The step from the world's epoch to one with new members and the committed roots. Everything may be bent before Make.
struct NextEpoch {
  explicit NextEpoch(WalletWorld& world) : w(world), anchor(&world.manufacturer) {
    auto& l = w.ledger;
    fields = l.descriptor;
    fields.epoch += 1;
    fields.prev = ledger::DescriptorHash(l.descriptor_octets);
    roots = l.next_root_key;
    root_text = MultikeyOf(l.keys.Public(roots).value());
    after = l.keys.Generate(crypto::KeyType::kEd25519).value();
    fields.next[0] = ledger::KeyHash(l.keys.Public(after).value()).value();
    for (size_t i = 0; i < fields.member_count; ++i) {
      ids.push_back("e" + std::to_string(fields.epoch) + "m" + std::to_string(i));
      members.push_back(l.keys.Generate(crypto::KeyType::kEd25519).value());
      texts.push_back(MultikeyOf(l.keys.Public(members.back()).value()));
    }
  }
  Octets Sign(const std::vector<crypto::KeyHandle>& keys) {
    std::vector<Bytes64> signatures(keys.size());
    std::vector<ledger::SigsEntry> entries;
    for (size_t i = 0; i < keys.size(); ++i) {
      const auto message = ledger::DescriptorMessage(w.ledger.net, ledger::DescriptorHash(octets));
      (void)w.ledger.keys.Sign(keys[i], message, signatures[i]).value();
      entries.push_back({static_cast<uint8_t>(i), signatures[i]});
    }
    ByteArray<ledger::kMaxSigs> out;
    const size_t n = ledger::WriteSigs(entries, out).value();
    return ToOctets(ByteView(out).first(n));
  }
  Octets Make() {
    fields.roots[0] = root_text;
    for (size_t i = 0; i < fields.member_count; ++i) fields.members[i] = {ids[i], texts[i]};
    std::array<char, ledger::kMaxDescriptor> text{};
    octets = ToOctets(std::string_view(text.data(), ledger::BuildDescriptor(fields, text).value()));
    const crypto::KeyHandle key = endorser.id != 0 ? endorser : anchor->auth;
    Bytes64 signature{};
    (void)w.ledger.keys.Sign(key, ledger::EndorseMessage(w.ledger.net, ledger::DescriptorHash(octets)), signature)
        .value();
    ByteArray<ledger::kMaxEndorsement> endorsement;
    const size_t n = ledger::WriteEndorsement(w.ledger.keys.Public(key).value(), signature, endorsement).value();
    const Octets current = old_sigs.empty() ? Sign({w.ledger.root_key}) : old_sigs;
    const Octets own = own_sigs.empty() ? Sign({roots}) : own_sigs;
    Octets out(16384);
    out.resize(ledger::WriteEpochBundle(octets, current, own, std::span(anchor->anchored).first(operations()),
                                        endorsed ? ByteView(endorsement).first(n) : ByteView(), out)
                   .value());
    return out;
  }
  size_t operations() const { return std::min(shown, anchor->anchored.size()); }
  // The registry is run by the new members from now on.
  void Switch() {
    auto& l = w.ledger;
    l.descriptor_octets = octets;
    l.descriptor = ledger::ParseDescriptor(l.descriptor_octets).value();
    l.members_set = ledger::MemberSetOf(l.descriptor, l.net).value();
    l.member_keys = members;
    l.root_key = roots;
    l.next_root_key = after;
  }

  WalletWorld& w;
  const Identity* anchor;
  ledger::Descriptor fields;
  std::vector<std::string> ids, texts;
  std::vector<crypto::KeyHandle> members;
  crypto::KeyHandle roots, after, endorser;
  std::string root_text;
  Octets octets, old_sigs, own_sigs;
  bool endorsed = true;
  size_t shown = SIZE_MAX;  // of the anchor's operations
};

TEST(WalletEpochs, AShelvedDeviceWalksForwardThroughManyEpochs) {
  for (const size_t members : {1, 4}) {
    WalletWorld w(members, "epochs");
    for (int i = 0; i < 5; ++i) {
      if (i == 2) w.ledger.Rotate(w.manufacturer);
      NextEpoch next(w);
      w.epochs.push_back(next.Make());
      next.Switch();
    }
    ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
    ASSERT_TRUE(w.RunUntilOnboarded()) << Log(w);
    EXPECT_EQ(w.requests, 5u) << "all in the one answer";
    EXPECT_TRUE(Logged(w, "7 5 registry epoch accepted")) << Log(w);
    // It stays there over a restart: the old bundles are not needed any more.
    w.epochs = std::vector<Octets>(5);
    ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
    EXPECT_TRUE(w.Run([&] { return w.Info().step == KEEL_STEP_DORMANT; })) << Log(w);
  }
}

TEST(WalletEpochs, OnceOnboardedTheOwnerEndorses) {
  WalletWorld w;
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  ASSERT_TRUE(w.RunUntilOnboarded()) << Log(w);
  {
    NextEpoch next(w);  // by the manufacturer, as before onboarding
    w.epochs = {next.Make()};
    ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
    EXPECT_FALSE(w.Run([&] { return w.Info().step == KEEL_STEP_DORMANT; }, 10));
    EXPECT_TRUE(Logged(w, "168 descriptor is endorsed")) << Log(w);
  }
  NextEpoch next(w);
  next.anchor = &w.owner;
  w.epochs = {next.Make()};
  next.Switch();
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  EXPECT_TRUE(w.Run([&] { return w.Info().step == KEEL_STEP_DORMANT; })) << Log(w);
  EXPECT_TRUE(Logged(w, "registry epoch accepted"));
}

TEST(WalletEpochs, EachThingGoneBadIsRefused) {
  struct Case {
    const char* name;
    std::function<void(NextEpoch&)> bend;
    const char* why;
  };
  const Case cases[] = {
      {"roots that were not committed to",
       [](NextEpoch& n) {
         n.roots = n.w.ledger.keys.Generate(crypto::KeyType::kEd25519).value();
         n.root_text = MultikeyOf(n.w.ledger.keys.Public(n.roots).value());
       },
       "127 descriptor roots"},
      {"not signed by the old roots",
       [](NextEpoch& n) {
         (void)n.Make();
         n.old_sigs = n.Sign({n.roots});
       },
       "40 "},
      {"no signature of the old roots", [](NextEpoch& n) { n.old_sigs = {0}; }, "121 "},
      {"not signed by its own roots",
       [](NextEpoch& n) {
         (void)n.Make();
         n.own_sigs = n.Sign({n.w.ledger.root_key});
       },
       "40 "},
      {"no signature of its own roots", [](NextEpoch& n) { n.own_sigs = {0}; }, "121 "},
      {"no endorsement", [](NextEpoch& n) { n.endorsed = false; }, "2 endorsement"},
      {"endorsed by somebody else", [](NextEpoch& n) { n.anchor = &n.w.author_did; }, "168 descriptor is endorsed"},
      {"endorsed with somebody else's key", [](NextEpoch& n) { n.endorser = n.w.owner.auth; }, "168 endorsement"},
      {"endorsed with the committed key", [](NextEpoch& n) { n.endorser = n.w.manufacturer.next; }, "168 endorsement"},
      {"no operations of the anchor", [](NextEpoch& n) { n.shown = 0; }, "122 endorsement"},
      {"an epoch left out", [](NextEpoch& n) { n.fields.epoch = 2; }, "123 descriptor epoch"},
      {"the same epoch again", [](NextEpoch& n) { n.fields.epoch = 0; }, ""},
      {"another network", [](NextEpoch& n) { n.fields.label = "other"; }, "130 descriptor label"},
      {"another past", [](NextEpoch& n) { n.fields.prev = {7}; }, "127 descriptor prev"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    WalletWorld w;
    NextEpoch next(w);
    c.bend(next);
    w.epochs = {next.Make()};
    const auto before = w.flash.records[5];
    ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
    EXPECT_FALSE(w.RunUntilOnboarded(20));
    EXPECT_TRUE(Logged(w, c.why)) << "wanted " << c.why << "\n" << Log(w);
    EXPECT_FALSE(Logged(w, "registry epoch accepted"));
    EXPECT_EQ(w.flash.records[5], before) << "the descriptor stands";
    EXPECT_TRUE(w.verifier->m3_plaintexts.empty());
    // And the true one is still taken.
    NextEpoch good(w);
    w.epochs = {good.Make()};
    good.Switch();
    EXPECT_TRUE(w.RunUntilOnboarded()) << Log(w);
  }
}

TEST(WalletEpochs, AnAnchorsHistoryMayNotGetShorter) {
  WalletWorld w;
  w.ledger.Rotate(w.manufacturer);
  NextEpoch first(w);
  w.epochs.push_back(first.Make());
  first.Switch();
  w.invitations.clear();
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  ASSERT_TRUE(w.Run([&] { return Logged(w, "7 1 registry epoch accepted"); }, 10)) << Log(w);
  // The key of before the rotation, with the history as it was then.
  NextEpoch old(w);
  old.shown = 1;
  w.epochs.push_back(old.Make());
  EXPECT_FALSE(w.Run([&] { return Logged(w, "7 2 registry epoch accepted"); }, 10));
  EXPECT_TRUE(Logged(w, "122 endorsement")) << Log(w);
}

TEST(WalletEpochs, BundlesThatAreCutOrMixedAreRefused) {
  for (const int how : {0, 1, 2}) {
    WalletWorld w;
    NextEpoch next(w);
    Octets bundle = next.Make();
    if (how == 0) bundle.pop_back();
    if (how == 1) bundle.push_back(0);
    if (how == 2) bundle[bundle.size() / 2] ^= 1;
    w.epochs = {bundle};
    ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
    EXPECT_FALSE(w.RunUntilOnboarded(10));
    EXPECT_FALSE(Logged(w, "registry epoch accepted")) << how;
  }
}

// Between the writes of a hand-over power may leave: the device asks again from where its records stand.
TEST(WalletEpochs, PowerCutAtEveryWrite) {
  size_t cuts = 0;
  for (size_t cut = 0; cut < 30; ++cut) {
    SCOPED_TRACE(cut);
    WalletWorld w(1, "epoch cut");
    for (int i = 0; i < 3; ++i) {
      w.ledger.Rotate(w.manufacturer);
      NextEpoch next(w);
      w.epochs.push_back(next.Make());
      next.Switch();
    }
    w.flash.cut_after = cut;
    ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
    if (w.RunUntilOnboarded() && !w.flash.dead) break;
    ++cuts;
    w.flash.Restore();
    ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
    ASSERT_TRUE(w.RunUntilOnboarded()) << Log(w);
    EXPECT_TRUE(Logged(w, "7 3 registry epoch accepted"));
  }
  EXPECT_GE(cuts, 9u);
}

}  // namespace
}  // namespace keel
