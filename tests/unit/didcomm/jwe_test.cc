// SPDX-License-Identifier: Apache-2.0
#include "didcomm/jwe.h"

#include "crypto/aead.h"
#include "crypto/hosted/jwk.h"
#include "tests/unit/didcomm/people.h"

namespace keel::didcomm {
namespace {

class Jwe : public testing::Test {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }
  static base::ByteVec FromUpperHex(std::string text) {
    for (char& c : text) c = static_cast<char>(std::tolower(c));
    return *base::FromHex(text);
  }
  // Rebuilds an envelope with one member of the protected header changed.
  static std::string Edit(const std::string& envelope,
                          const std::function<void(nlohmann::json& header, nlohmann::json& whole)>& edit) {
    nlohmann::json whole = *base::ParseJson(envelope);
    nlohmann::json header = *base::ParseJson(AsText(*base::FromBase64Url(whole.at("protected").get<std::string>())));
    edit(header, whole);
    whole["protected"] = base::Base64Url(AsBytes(base::DumpJson(header)));
    return base::DumpJson(whole);
  }

  did::MapKeyFinder keys_;
  Person alice_{keys_}, bob_{keys_};
  const std::string skid_ = alice_.did + "#key-1";
  const std::vector<Recipient> to_ = {{bob_.did + "#key-1", *bob_.store->Public(bob_.agree)}};
  did::KeyRef alice_key_{alice_.store.get(), alice_.agree};
  did::KeyRef bob_key_{bob_.store.get(), bob_.agree};
};

// draft-madden-jose-ecdh-1pu-04, appendix B: Z to key-encryption key, for both recipients. A128KW there: only the
// length and name differ.
TEST_F(Jwe, KeyDerivationOfTheDraft) {
  const nlohmann::json vectors = LoadVector("ecdh-1pu/draft-04.json");
  const nlohmann::json& v = vectors.at(1);
  const base::ByteVec tag = *base::FromBase64Url(v.at("tag").get<std::string>());
  for (const nlohmann::json& recipient : v.at("recipients")) {
    ByteArray<16> kek;
    ASSERT_TRUE(DeriveKek(FromUpperHex(recipient.at("Z_hex")), v.at("alg").get<std::string>(),
                          AsBytes(v.at("apu").get<std::string>()), AsBytes(v.at("apv").get<std::string>()), tag, kek)
                    .has_value());
    EXPECT_EQ(base::ToBytes(ByteView(kek)), FromUpperHex(recipient.at("kek_hex")));
    // Without the tag in the derivation it is another key: the rule that peers get wrong.
    ByteArray<16> other;
    ASSERT_TRUE(DeriveKek(FromUpperHex(recipient.at("Z_hex")), v.at("alg").get<std::string>(),
                          AsBytes(v.at("apu").get<std::string>()), AsBytes(v.at("apv").get<std::string>()), {}, other)
                    .has_value());
    EXPECT_NE(other, kek);
  }
}

TEST_F(Jwe, ContentEncryptionOfTheDraft) {
  const nlohmann::json v = LoadVector("ecdh-1pu/draft-04.json").at(1);
  const std::string protected_b64 = v.at("jwe").at("protected");
  const base::ByteVec ciphertext = *base::FromBase64Url(v.at("ciphertext").get<std::string>());
  ByteArray<64> plaintext;
  auto length = crypto::CbcHmacDecrypt(crypto::kOpenSslAes, FromUpperHex(v.at("cek_hex")), FromUpperHex(v.at("iv_hex")),
                                       AsBytes(protected_b64), ciphertext,
                                       *base::FromBase64Url(v.at("tag").get<std::string>()), plaintext);
  ASSERT_TRUE(length.has_value());
  EXPECT_EQ(AsText(ByteView(plaintext).first(*length)), v.at("plaintext").get<std::string>());
}

TEST_F(Jwe, HasTheProfilesForm) {
  const std::string text = *SealAuthcrypt("hi", skid_, alice_key_, to_, crypto::SystemRandom());
  const nlohmann::json whole = *base::ParseJson(text);
  EXPECT_EQ(whole.size(), 5u);
  const nlohmann::json header =
      *base::ParseJson(AsText(*base::FromBase64Url(whole.at("protected").get<std::string>())));
  EXPECT_EQ(header.at("typ"), kTypEncrypted);
  EXPECT_EQ(header.at("alg"), "ECDH-1PU+A256KW");
  EXPECT_EQ(header.at("enc"), "A256CBC-HS512");
  EXPECT_EQ(header.at("skid"), skid_);
  EXPECT_EQ(header.at("apu"), base::Base64Url(AsBytes(skid_)));
  EXPECT_EQ(header.at("epk").at("crv"), "X25519");
  EXPECT_EQ(header.size(), 7u);
  EXPECT_EQ(whole.at("recipients").at(0).at("header"), nlohmann::json({{"kid", to_[0].kid}}));
  auto envelope = Envelope::Parse(text);
  ASSERT_TRUE(envelope.has_value());
  EXPECT_EQ(*OpenEnvelope(*envelope, 0, bob_key_, *alice_.store->Public(alice_.agree)), "hi");
}

TEST_F(Jwe, EveryBitCounts) {
  const std::string text = *SealAuthcrypt("a message", skid_, alice_key_, to_, crypto::SystemRandom());
  const crypto::PublicKey sender = *alice_.store->Public(alice_.agree);
  for (const char* member : {"iv", "ciphertext", "tag", "encrypted_key"}) {
    nlohmann::json whole = *base::ParseJson(text);
    nlohmann::json& place =
        std::string_view(member) == "encrypted_key" ? whole["recipients"][0][member] : whole[member];
    base::ByteVec octets = *base::FromBase64Url(place.get<std::string>());
    for (size_t i = 0; i < octets.size(); i += 7) {
      base::ByteVec changed = octets;
      changed[i] ^= 0x10;
      place = base::Base64Url(changed);
      auto envelope = Envelope::Parse(base::DumpJson(whole));
      ASSERT_TRUE(envelope.has_value());
      auto opened = OpenEnvelope(*envelope, 0, bob_key_, sender);
      ASSERT_FALSE(opened.has_value()) << member << i;
      EXPECT_EQ(opened.error().code, Code::kDecryptFailed);
    }
  }
  // Somebody else's key in the sender's place: it isn't from her.
  auto envelope = Envelope::Parse(text);
  EXPECT_EQ(OpenEnvelope(*envelope, 0, bob_key_, *bob_.store->Public(bob_.agree)).error().code, Code::kDecryptFailed);
  EXPECT_EQ(OpenEnvelope(*envelope, 1, bob_key_, sender).error().code, Code::kInvalidArgument);
}

TEST_F(Jwe, RefusesHeaders) {
  const std::string auth = *SealAuthcrypt("x", skid_, alice_key_, to_, crypto::SystemRandom());
  using J = nlohmann::json;
  struct Case {
    const char* what;
    std::function<void(J&, J&)> edit;
  };
  const Case cases[] = {
      {"alg none", [](J& h, J&) { h["alg"] = "none"; }},
      {"alg dir", [](J& h, J&) { h["alg"] = "dir"; }},
      {"alg PBES2",
       [](J& h, J&) {
         h["alg"] = "PBES2-HS256+A128KW";
         h["p2c"] = 10'000'000;
       }},
      {"alg swapped to ES", [](J& h, J&) { h["alg"] = "ECDH-ES+A256KW"; }},
      {"enc swapped", [](J& h, J&) { h["enc"] = "XC20P"; }},
      {"enc weak", [](J& h, J&) { h["enc"] = "A128CBC-HS256"; }},
      {"enc GCM", [](J& h, J&) { h["enc"] = "A256GCM"; }},  // no commitment to its key: not for authcrypt
      {"crit", [](J& h, J&) { h["crit"] = J::array({"exp"}); }},
      {"zip", [](J& h, J&) { h["zip"] = "DEF"; }},
      {"no epk", [](J& h, J&) { h.erase("epk"); }},
      {"epk in the recipient",
       [](J& h, J& w) {
         w["recipients"][0]["header"]["epk"] = h["epk"];
         h.erase("epk");
       }},
      {"epk all zero", [](J& h, J&) { h["epk"]["x"] = base::Base64Url(ByteArray<32>{}); }},
      {"epk of low order",
       [](J& h, J&) {
         ByteArray<32> one{};
         one[0] = 1;
         h["epk"]["x"] = base::Base64Url(one);
       }},
      {"epk private", [](J& h, J&) { h["epk"]["d"] = h["epk"]["x"]; }},
      {"epk P-384", [](J& h, J&) { h["epk"]["crv"] = "P-384"; }},
      {"apv mismatch", [](J& h, J&) { h["apv"] = base::Base64Url(ByteArray<32>{}); }},
      {"no apv", [](J& h, J&) { h.erase("apv"); }},
      {"apu not skid", [](J& h, J&) { h["skid"] = "did:example:mallory#1"; }},
      {"no apu", [](J& h, J&) { h.erase("apu"); }},
      {"kid changed", [](J&, J& w) { w["recipients"][0]["header"]["kid"] = "did:example:other#1"; }},
      {"recipient twice", [](J&, J& w) { w["recipients"].push_back(w["recipients"][0]); }},
      {"no recipients", [](J&, J& w) { w["recipients"] = J::array(); }},
      {"unprotected", [](J&, J& w) { w["unprotected"] = {{"alg", "none"}}; }},
      {"aad", [](J&, J& w) { w["aad"] = "AA"; }},
      {"short tag", [](J&, J& w) { w["tag"] = "AAAA"; }},
      {"short iv", [](J&, J& w) { w["iv"] = "AAAA"; }},
      {"padded base64", [](J&, J& w) { w["ciphertext"] = w["ciphertext"].get<std::string>() + "="; }},
      {"typ of a JWT", [](J& h, J&) { h["typ"] = "JWT"; }},
  };
  for (const Case& c : cases) EXPECT_FALSE(Envelope::Parse(Edit(auth, c.edit)).has_value()) << c.what;
  EXPECT_TRUE(Envelope::Parse(Edit(auth, [](J&, J&) {})).has_value());
  // A duplicate name in the JOSE header, spelled with an escape.
  nlohmann::json whole = *base::ParseJson(auth);
  std::string header = base::ToString(*base::FromBase64Url(whole["protected"].get<std::string>()));
  header.insert(1, "\"\\u0061lg\":\"none\",");
  whole["protected"] = base::Base64Url(AsBytes(header));
  EXPECT_EQ(Envelope::Parse(base::DumpJson(whole)).error().code, Code::kDuplicate);
  // Anoncrypt that names a sender.
  const std::string anon = *SealAnoncrypt("x", to_, ContentEncryption::kXc20p, crypto::SystemRandom());
  EXPECT_FALSE(Envelope::Parse(Edit(anon, [](J& h, J&) { h["skid"] = "did:example:alice#1"; })).has_value());
}

TEST_F(Jwe, SealRefusesWhatItCannotDo) {
  EXPECT_FALSE(SealAuthcrypt("x", skid_, alice_key_, {}, crypto::SystemRandom()).has_value());
  const std::vector<Recipient> twice = {to_[0], to_[0]};
  EXPECT_EQ(SealAuthcrypt("x", skid_, alice_key_, twice, crypto::SystemRandom()).error().code, Code::kDuplicate);
  const std::vector<Recipient> signing = {{"did:x:1#a", *bob_.store->Public(bob_.auth)}};
  EXPECT_EQ(SealAnoncrypt("x", signing, ContentEncryption::kXc20p, crypto::SystemRandom()).error().code,
            Code::kUnsupported);
  const std::vector<Recipient> mixed = {
      to_[0], {"did:x:1#b", *bob_.store->Public(*bob_.store->Generate(crypto::KeyType::kP256))}};
  EXPECT_FALSE(SealAnoncrypt("x", mixed, ContentEncryption::kXc20p, crypto::SystemRandom()).has_value());
}

TEST_F(Jwe, AgreementCacheGivesTheSameAndIsBounded) {
  AgreementCache cache(2);
  const crypto::PublicKey peer = *bob_.store->Public(bob_.agree);
  auto first = cache.Agree(alice_key_, peer);
  auto second = cache.Agree(alice_key_, peer);
  ASSERT_TRUE(first && second);
  EXPECT_TRUE(first->SameAs(*second));
  EXPECT_EQ(cache.size(), 1u);
  for (int i = 0; i < 5; ++i)
    ASSERT_TRUE(
        cache.Agree(alice_key_, *bob_.store->Public(*bob_.store->Generate(crypto::KeyType::kX25519))).has_value());
  EXPECT_EQ(cache.size(), 2u);
  cache.Forget(alice_key_);
  EXPECT_EQ(cache.size(), 0u);
  const std::string text = *SealAuthcrypt("hi", skid_, alice_key_, to_, crypto::SystemRandom(), &cache);
  AgreementCache theirs;
  EXPECT_EQ(*OpenEnvelope(*Envelope::Parse(text), 0, bob_key_, *alice_.store->Public(alice_.agree), &theirs), "hi");
  EXPECT_EQ(*OpenEnvelope(*Envelope::Parse(text), 0, bob_key_, *alice_.store->Public(alice_.agree), &theirs), "hi");
  EXPECT_EQ(theirs.size(), 1u);
}

}  // namespace
}  // namespace keel::didcomm
