// SPDX-License-Identifier: Apache-2.0
// The wallet's own codecs: did:peer:2, envelopes, JWTs; and the C ABI's factory calls.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "core/encoding.h"
#include "device-wallet/core/jwt.h"
#include "onboarding/cbor.h"
#include "onboarding/suit.h"
#include "tests/fakes/wallet_world.h"

namespace keel::wallet {
namespace {

using crypto::KeyType;
using fakes::json;
using fakes::Octets;

struct Party {
  explicit Party(Random& random, KeyType type = KeyType::kX25519) {
    Bytes32 secret;
    (void)random.Fill(secret).value();
    key = store.Import(type, secret).value();
    did = MakePeerDid(store.Public(key).value(), {}).value();
    kid = AgreementKid(did).view();
  }
  OwnEnd Own() { return {kid, did.agreement.type(), &store, key}; }
  PeerEnd Peer() const { return {kid, did.agreement}; }
  fakes::MemoryKeys store;
  crypto::KeyHandle key;
  PeerDid did;
  std::string kid;
};

struct Pair {
  explicit Pair(KeyType type = KeyType::kX25519) : a(random, type), b(random, type) {}
  fakes::SeededRandom random{"pair"};
  Party a, b;
  crypto::SharedSecret shared = a.store.Agree(a.key, b.did.agreement).value();
  EnvelopePeers from_a{a.Own(), b.Peer(), &shared};
  EnvelopePeers at_b{b.Own(), a.Peer(), &shared};

  std::string Pack(const std::string& text, size_t room = 8192) {
    Octets buffer(room);
    std::copy(text.begin(), text.end(), buffer.begin());
    const auto n = PackAuthcrypt(from_a, random, buffer, text.size());
    return n ? std::string(buffer.begin(), buffer.begin() + static_cast<ptrdiff_t>(*n)) : "";
  }
  Result<std::string> Unpack(std::string envelope) {
    Octets buffer(envelope.begin(), envelope.end());
    KEEL_TRY(const ByteSpan plain, UnpackAuthcrypt(at_b, buffer));
    return std::string(plain.begin(), plain.end());
  }
  Code CodeOf(const std::string& envelope) {
    const auto r = Unpack(envelope);
    return r ? Code::kOk : r.error().code;
  }
};

TEST(Envelope, RoundTripsOfEveryLength) {
  Pair p;
  for (size_t n = 0; n <= 5300; n += n < 70 ? 1 : 523) {
    const std::string text(n, 'x');
    const std::string envelope = p.Pack(text);
    ASSERT_FALSE(envelope.empty()) << n;
    const auto back = p.Unpack(envelope);
    ASSERT_TRUE(back) << n;
    EXPECT_EQ(*back, text);
  }
  EXPECT_FALSE(p.Pack(std::string(5300, 'x')).empty()) << "5,300 octets must fit 8,192";
  EXPECT_TRUE(p.Pack(std::string(5300, 'x'), 7000).empty());
}

TEST(Envelope, RefusesEveryChangedCharacterOrMember) {
  Pair p;
  const std::string good = p.Pack("{\"a\":1}");
  const json jwe = json::parse(good);
  for (const char* member : {"protected", "ciphertext", "iv", "tag", "recipients"}) {
    json j = jwe;
    j.erase(member);
    EXPECT_NE(p.CodeOf(j.dump()), Code::kOk) << member;
  }
  for (size_t i = 0; i < good.size(); i += 3) {
    std::string bad = good;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    EXPECT_NE(p.CodeOf(bad), Code::kOk) << i;
  }
}

std::string WithHeader(Pair& p, const std::function<void(json&)>& bend) {
  json jwe = json::parse(p.Pack("{}"));
  std::string text = jwe["protected"];
  Octets octets(text.size());
  octets.resize(Base64UrlDecode(text, octets).value());
  json header = json::parse(octets);
  bend(header);
  const std::string dumped = header.dump();
  std::string out(Base64UrlLength(dumped.size()) + 4, '\0');
  out.resize(Base64UrlEncode(AsBytes(dumped), out).value());
  jwe["protected"] = out;
  return jwe.dump();
}

TEST(Envelope, RefusesHeadersByName) {
  Pair p;
  EXPECT_EQ(p.CodeOf(WithHeader(p, [](json& h) { h["alg"] = "ECDH-ES+A256KW"; })), Code::kAlgorithmNotAllowed);
  EXPECT_EQ(p.CodeOf(WithHeader(p, [](json& h) { h["enc"] = "XC20P"; })), Code::kAlgorithmNotAllowed);
  EXPECT_EQ(p.CodeOf(WithHeader(p, [](json& h) { h["crit"] = {"x"}; })), Code::kUnsupported);
  EXPECT_EQ(p.CodeOf(WithHeader(p, [](json& h) { h["zip"] = "DEF"; })), Code::kUnsupported);
  EXPECT_EQ(p.CodeOf(WithHeader(p, [](json& h) { h["skid"] = "did:peer:2.x#key-1"; })), Code::kWrongSender);
  EXPECT_EQ(p.CodeOf(WithHeader(p, [](json& h) { h["apu"] = "AAAA"; })), Code::kWrongSender);
  EXPECT_EQ(p.CodeOf(WithHeader(p, [](json& h) { h["apv"] = std::string(43, 'A'); })), Code::kWrongRecipient);
  EXPECT_EQ(p.CodeOf(WithHeader(p, [](json& h) { h["epk"]["crv"] = "P-256"; })), Code::kAlgorithmNotAllowed);
  EXPECT_EQ(p.CodeOf(WithHeader(p, [](json& h) { h["epk"]["x"] = std::string(43, 'A'); })), Code::kBadKey);
  EXPECT_EQ(p.CodeOf(WithHeader(p, [](json& h) { h.erase("epk"); })), Code::kMissing);
  json jwe = json::parse(p.Pack("{}"));
  jwe["recipients"].push_back(jwe["recipients"][0]);
  EXPECT_EQ(p.CodeOf(jwe.dump()), Code::kMalformed);
  jwe = json::parse(p.Pack("{}"));
  jwe["recipients"][0]["header"]["kid"] = "did:peer:2.x#key-1";
  EXPECT_EQ(p.CodeOf(jwe.dump()), Code::kWrongRecipient);
  jwe = json::parse(p.Pack("{}"));
  jwe["unprotected"] = json::object();
  EXPECT_EQ(p.CodeOf(jwe.dump()), Code::kMalformed);
}

TEST(PeerDids, AreReadStrictly) {
  fakes::SeededRandom random("did");
  Party a(random);
  const std::string e(a.did.did.view());
  Bytes32 seed{1};
  const auto token = crypto::PublicFromPrivate(KeyType::kEd25519, seed).value();
  const auto both = MakePeerDid(a.did.agreement, token).value();
  const auto back = ParsePeerDid(both.did.view());
  ASSERT_TRUE(back);
  EXPECT_EQ(back->token, token);
  EXPECT_EQ(back->agreement, a.did.agreement);
  EXPECT_EQ(AgreementKid(*back).view(), std::string(both.did.view()) + "#key-1");
  EXPECT_FALSE(MakePeerDid(token, {}));
  for (const std::string& bad :
       {std::string("did:peer:2"), std::string("did:key:z6Mk"), e + e.substr(10), e + ".SeyJ0IjoiZG0ifQ", e + ".",
        e + "#key-1", std::string("did:peer:4.x"),
        "did:peer:2" + std::string(both.did.view()).substr(both.did.view().find(".V")), e + std::string(200, 'x')}) {
    EXPECT_FALSE(ParsePeerDid(bad)) << bad;
  }
}

TEST(Jwts, SignVerifyAndRefuse) {
  fakes::MemoryKeys keys;
  const auto key = keys.Generate(KeyType::kEd25519).value();
  const auto other = keys.Generate(KeyType::kEd25519).value();
  std::array<char, 1024> out;
  const size_t n = SignJwt("vp+jwt", "{\"a\":1}", keys, key, out).value();
  const std::string text(out.data(), n);
  const auto jwt = ParseJwt(text, "vp+jwt");
  ASSERT_TRUE(jwt);
  EXPECT_EQ(jwt->jwk, keys.Public(key).value());
  EXPECT_TRUE(VerifyJwt(*jwt, jwt->jwk));
  EXPECT_FALSE(VerifyJwt(*jwt, keys.Public(other).value()));
  EXPECT_FALSE(ParseJwt(text, "vc+jwt"));
  EXPECT_FALSE(ParseJwt(text + ".x", "vp+jwt"));
  EXPECT_FALSE(ParseJwt("", "vp+jwt"));
  const auto with = [&](const json& header) {
    const std::string h = header.dump();
    std::string b(Base64UrlLength(h.size()) + 4, '\0');
    b.resize(Base64UrlEncode(AsBytes(h), b).value());
    const auto r = ParseJwt(b + text.substr(text.find('.')), "vp+jwt");
    return r ? Code::kOk : r.error().code;
  };
  EXPECT_EQ(with({{"alg", "none"}, {"typ", "vp+jwt"}}), Code::kAlgorithmNotAllowed);
  EXPECT_EQ(with({{"alg", "HS256"}, {"typ", "vp+jwt"}}), Code::kAlgorithmNotAllowed);
  EXPECT_EQ(with({{"alg", "EdDSA"}}), Code::kMissing);
  EXPECT_EQ(with({{"alg", "EdDSA"}, {"typ", "vp+jwt"}, {"crit", {"b64"}}}), Code::kUnsupported);
  EXPECT_EQ(with({{"alg", "EdDSA"}, {"typ", "vp+jwt"}, {"b64", false}}), Code::kUnsupported);
  std::array<char, 60> small;
  EXPECT_FALSE(SignJwt("vp+jwt", "{\"a\":1}", keys, key, small));
}

TEST(Cbor, RefusesWhatIsNotDeterministic) {
  const auto skip = [](std::vector<uint8_t> octets) {
    onboarding::CborReader r(octets);
    const auto result = r.Skip();
    return result && r.done();
  };
  EXPECT_TRUE(skip({0x83, 0x01, 0x42, 0xaa, 0xbb, 0xa1, 0x01, 0xf6}));
  EXPECT_FALSE(skip({0x18, 0x17}));                    // longer than needed
  EXPECT_FALSE(skip({0x9f, 0xff}));                    // indefinite
  EXPECT_FALSE(skip({0x42, 0xaa}));                    // cut
  EXPECT_FALSE(skip({0xfb, 0, 0, 0, 0, 0, 0, 0, 0}));  // float
  EXPECT_FALSE(skip({0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}));
  EXPECT_FALSE(skip(std::vector<uint8_t>(400, 0x81)));  // deep
  EXPECT_FALSE(skip({}));
}

TEST(Suit, ReadsWhatHostsWriteAndRefusesEveryFlippedBit) {
  fakes::WalletWorld w(1);
  const Octets image(1000, 3);
  const Octets envelope = w.Manifest(image, 5, "1.2.3", w.author_did.auth, {1}, {2});
  const auto author = w.ledger.keys.Public(w.author_did.auth).value();
  const auto m = onboarding::VerifySuitEnvelope(envelope, {&author, 1});
  ASSERT_TRUE(m) << m.error().Text();
  EXPECT_EQ(m->sequence, 5u);
  EXPECT_EQ(m->size, 1000u);
  EXPECT_EQ(m->version, "1.2.3");
  EXPECT_EQ(m->digest, crypto::Sha256::Of(ByteView(image)));
  for (size_t i = 0; i < envelope.size(); ++i) {
    Octets bad = envelope;
    bad[i] ^= 0x01;
    EXPECT_FALSE(onboarding::VerifySuitEnvelope(bad, {&author, 1})) << i;
    bad.resize(i);
    EXPECT_FALSE(onboarding::VerifySuitEnvelope(bad, {&author, 1})) << i;
  }
}

// --- factory
// ----------------------------------------------------------------------------------------------------------

TEST(Factory, LocksForGood) {
  fakes::WalletWorld w(1);
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  keel_wallet_factory_input in{};
  in.size = sizeof in;
  in.network_label = "demo";
  keel_wallet_factory_output out{};
  out.size = sizeof out;
  keel_wallet_read_back back{};
  back.size = sizeof back;
  uint8_t octets[64] = {};
  EXPECT_EQ(keel_wallet_manufacture_begin(w.wallet, &in, &out), KEEL_WALLET_LOCKED);
  EXPECT_EQ(keel_wallet_manufacture_stamp(w.wallet, KEEL_STAMP_CONFIG, octets, 2), KEEL_WALLET_LOCKED);
  EXPECT_EQ(keel_wallet_manufacture_read_back(w.wallet, &back), KEEL_WALLET_LOCKED);
  EXPECT_EQ(keel_wallet_manufacture_prove(w.wallet, octets, octets), KEEL_WALLET_LOCKED);
  EXPECT_EQ(keel_wallet_manufacture_finalize(w.wallet), KEEL_WALLET_LOCKED);
  ASSERT_TRUE(w.RunUntilOnboarded());
  keel_wallet_owner_reset(w.wallet);
  EXPECT_EQ(keel_wallet_manufacture_begin(w.wallet, &in, &out), KEEL_WALLET_LOCKED);
}

class FreshWallet : public ::testing::Test {
 protected:
  void SetUp() override {
    w.PowerOff();
    w.flash.records.clear();
    ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
    in.size = sizeof in;
    in.network_label = "demo";
    std::copy(w.ledger.net.begin(), w.ledger.net.end(), in.net);
    in.root_seal[0] = 9;
    out.size = sizeof out;
  }
  int Stamp(keel_wallet_stamp_item item, const std::string& text) {
    return keel_wallet_manufacture_stamp(w.wallet, item, reinterpret_cast<const uint8_t*>(text.data()), text.size());
  }
  fakes::WalletWorld w{1};
  keel_wallet_factory_input in{};
  keel_wallet_factory_output out{};
};

TEST_F(FreshWallet, BeginsOnceAndAnswersTheSame) {
  ASSERT_EQ(keel_wallet_manufacture_begin(w.wallet, &in, &out), KEEL_WALLET_OK);
  EXPECT_EQ(w.Phase(), KEEL_PHASE_FACTORY);
  const std::string did = out.did, create(reinterpret_cast<char*>(out.create), out.create_length);
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  ASSERT_EQ(keel_wallet_manufacture_begin(w.wallet, &in, &out), KEEL_WALLET_OK);
  EXPECT_EQ(did, out.did);
  EXPECT_EQ(create, std::string(reinterpret_cast<char*>(out.create), out.create_length));
  ledger::DidHistory history;
  ASSERT_TRUE(history.Start(did));
  ASSERT_TRUE(history.Apply(5, AsBytes(create)));
  Bytes32 seal{};
  std::copy_n(in.root_seal, 32, seal.begin());
  EXPECT_EQ(history.seal0(), ledger::RootSealCommitment(out.salt, seal));
  in.root_seal[0] = 8;
  EXPECT_EQ(keel_wallet_manufacture_begin(w.wallet, &in, &out), KEEL_WALLET_WRONG_STATE);
  uint8_t challenge[32] = {1}, signature[64];
  ASSERT_EQ(keel_wallet_manufacture_prove(w.wallet, challenge, signature), KEEL_WALLET_OK);
}

TEST_F(FreshWallet, RefusesBadStampsAndFinalizesOnlyWhenComplete) {
  EXPECT_EQ(Stamp(KEEL_STAMP_CONFIG, "{}"), KEEL_WALLET_WRONG_STATE);
  ASSERT_EQ(keel_wallet_manufacture_begin(w.wallet, &in, &out), KEEL_WALLET_OK);
  EXPECT_NE(Stamp(KEEL_STAMP_CONFIG, "{}"), KEEL_WALLET_OK);
  EXPECT_NE(Stamp(KEEL_STAMP_CONFIG, "not json"), KEEL_WALLET_OK);
  EXPECT_EQ(Stamp(KEEL_STAMP_CONFIG, std::string(5000, ' ')), KEEL_WALLET_TOO_LARGE);
  EXPECT_EQ(Stamp(KEEL_STAMP_CREDENTIAL, w.hardware), KEEL_WALLET_UNTRUSTED) << "of another device";
  EXPECT_EQ(Stamp(KEEL_STAMP_CREDENTIAL, std::string(4000, 'x')), KEEL_WALLET_TOO_LARGE);
  EXPECT_NE(Stamp(KEEL_STAMP_BATCH, "{\"i\":0}"), KEEL_WALLET_OK);
  EXPECT_EQ(Stamp(KEEL_STAMP_BATCH, std::string(2000, ' ')), KEEL_WALLET_TOO_LARGE);
  fakes::LedgerWorld other(1, "other");
  EXPECT_EQ(Stamp(KEEL_STAMP_DESCRIPTOR, std::string(other.descriptor_octets.begin(), other.descriptor_octets.end())),
            KEEL_WALLET_WRONG_NETWORK);
  EXPECT_EQ(Stamp(static_cast<keel_wallet_stamp_item>(7), "{}"), KEEL_WALLET_INVALID_ARGUMENT);
  EXPECT_EQ(keel_wallet_manufacture_finalize(w.wallet), KEEL_WALLET_WRONG_STATE);
}

TEST_F(FreshWallet, NoEntropyMakesNothing) {
  w.random.failing = true;
  EXPECT_EQ(keel_wallet_manufacture_begin(w.wallet, &in, &out), KEEL_WALLET_NO_ENTROPY);
  EXPECT_TRUE(w.flash.records.empty());
  w.random.failing = false;
  EXPECT_EQ(keel_wallet_manufacture_begin(w.wallet, &in, &out), KEEL_WALLET_OK);
}

TEST(Api, ChecksArguments) {
  keel_wallet* wallet = nullptr;
  EXPECT_EQ(keel_wallet_init(nullptr, 0, nullptr, nullptr, &wallet), KEEL_WALLET_INVALID_ARGUMENT);
  EXPECT_EQ(keel_wallet_failed(nullptr, 0), KEEL_WALLET_INVALID_ARGUMENT);
  EXPECT_STREQ(keel_wallet_status_name(KEEL_WALLET_LOCKED), "locked");
  EXPECT_STREQ(keel_wallet_step_name(KEEL_STEP_DORMANT), "dormant");
  EXPECT_STREQ(keel_wallet_step_name(static_cast<keel_wallet_step>(15)), "unknown");
  fakes::WalletWorld w(1);
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  EXPECT_EQ(keel_wallet_response_begin(w.wallet, w.now_ms, 200), KEEL_WALLET_WRONG_STATE);
  EXPECT_EQ(keel_wallet_failed(w.wallet, w.now_ms), KEEL_WALLET_WRONG_STATE);
  EXPECT_EQ(keel_wallet_contact_now(w.wallet), KEEL_WALLET_WRONG_STATE);
}

TEST(Api, ADamagedStateIsNamedNotGuessed) {
  fakes::WalletWorld w(1);
  for (size_t i = 0; i < w.flash.records[2].size(); i += 37) {
    auto saved = w.flash.records[2];
    w.flash.records[2][i] ^= 1;
    EXPECT_EQ(w.Boot(), KEEL_WALLET_CORRUPT) << i;
    w.flash.records[2] = saved;
  }
  EXPECT_EQ(w.Boot(), KEEL_WALLET_OK);
}

TEST(Api, AnInvitationMayComeByFile) {
  fakes::WalletWorld w;
  const std::string invitation = w.verifier->Invitation();
  w.invitations.clear();
  ASSERT_EQ(w.Boot(), KEEL_WALLET_OK);
  EXPECT_FALSE(w.RunUntilOnboarded(10));
  EXPECT_NE(keel_wallet_offer_invitation(w.wallet, reinterpret_cast<const uint8_t*>("{}"), 2), KEEL_WALLET_OK);
  ASSERT_EQ(
      keel_wallet_offer_invitation(w.wallet, reinterpret_cast<const uint8_t*>(invitation.data()), invitation.size()),
      KEEL_WALLET_OK);
  EXPECT_TRUE(w.RunUntilOnboarded(40));
}

}  // namespace
}  // namespace keel::wallet
