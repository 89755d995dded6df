// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/didcomm/people.h"

namespace keel::didcomm {
namespace {

class RoundTrip : public testing::TestWithParam<crypto::KeyType> {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }
  did::MapKeyFinder keys_;
  did::PeerMethod resolver_;
  Person alice_{keys_, GetParam()}, bob_{keys_, GetParam()};
};

TEST_P(RoundTrip, Authcrypt) {
  const Message message = MakeMessage(alice_, bob_);
  AgreementCache cache;
  for (int i = 0; i < 2; ++i) {
    auto packed = PackAuthcrypt(message, alice_.did, bob_.did, keys_, resolver_, {.agreements = &cache});
    ASSERT_TRUE(packed.has_value()) << packed.error().Text();
    EXPECT_EQ(packed->from_kid, alice_.did + "#key-1");
    EXPECT_EQ(packed->to_kids, std::vector<std::string>{bob_.did + "#key-1"});
    auto unpacked = Unpack(packed->text, keys_, resolver_, {.require_encrypted = true, .require_authenticated = true});
    ASSERT_TRUE(unpacked.has_value()) << unpacked.error().Text();
    EXPECT_EQ(unpacked->plaintext, packed->plaintext);
    EXPECT_EQ(unpacked->message.id, message.id);
    EXPECT_TRUE(unpacked->metadata.encrypted);
    EXPECT_TRUE(unpacked->metadata.authenticated);
    EXPECT_FALSE(unpacked->metadata.non_repudiation);
    EXPECT_FALSE(unpacked->metadata.anonymous_sender);
    EXPECT_EQ(unpacked->metadata.encrypted_from, alice_.did + "#key-1");
    EXPECT_EQ(unpacked->metadata.recipient_kid, bob_.did + "#key-1");
    EXPECT_EQ(unpacked->metadata.enc_alg_auth, "A256CBC_HS512_ECDH_1PU_A256KW");
  }
  EXPECT_EQ(cache.size(), 1u);
}

TEST_P(RoundTrip, ReadyMadeOctetsAreKept) {
  const std::string plaintext = "{ \"type\":\"t\",\"id\":\"1\", \"body\":{\"z\":1,\"a\":2},\"to\":[\"" + bob_.did +
                                "\"],\"from\":\"" + alice_.did + "\"}";
  auto packed = PackAuthcryptOctets(plaintext, alice_.did + "#key-1", bob_.did + "#key-1", keys_, resolver_);
  ASSERT_TRUE(packed.has_value()) << packed.error().Text();
  auto unpacked = Unpack(packed->text, keys_, resolver_);
  ASSERT_TRUE(unpacked.has_value());
  EXPECT_EQ(unpacked->plaintext, plaintext);
}

TEST_P(RoundTrip, Anoncrypt) {
  const Message message = MakeMessage(alice_, bob_);
  for (const ContentEncryption enc :
       {ContentEncryption::kXc20p, ContentEncryption::kA256CbcHs512, ContentEncryption::kA256Gcm}) {
    auto packed = PackAnoncrypt(message, bob_.did, keys_, resolver_, {.anoncrypt = enc});
    ASSERT_TRUE(packed.has_value()) << packed.error().Text();
    auto unpacked = Unpack(packed->text, keys_, resolver_);
    ASSERT_TRUE(unpacked.has_value()) << unpacked.error().Text();
    EXPECT_TRUE(unpacked->metadata.anonymous_sender);
    EXPECT_EQ(unpacked->metadata.enc_alg_anon, enc == ContentEncryption::kXc20p     ? "XC20P_ECDH_ES_A256KW"
                                               : enc == ContentEncryption::kA256Gcm ? "A256GCM_ECDH_ES_A256KW"
                                                                                    : "A256CBC_HS512_ECDH_ES_A256KW");
    EXPECT_FALSE(unpacked->metadata.authenticated);
    EXPECT_EQ(Unpack(packed->text, keys_, resolver_, {.require_authenticated = true}).error().code, Code::kRefused);
  }
}

TEST_P(RoundTrip, SignedInsideAuthcryptInsideAnoncrypt) {
  const Message message = MakeMessage(alice_, bob_);
  // The specification forbids to make this one, and has one in its appendix: it is read.
  EXPECT_EQ(
      PackAuthcrypt(message, alice_.did, bob_.did, keys_, resolver_, {.sign_by = alice_.did, .protect_sender = true})
          .error()
          .code,
      Code::kInvalidArgument);
  auto packed = PackAuthcrypt(message, alice_.did, bob_.did, keys_, resolver_, {.sign_by = alice_.did});
  ASSERT_TRUE(packed.has_value()) << packed.error().Text();
  EXPECT_EQ(packed->sign_kid, alice_.did + "#key-2");
  const std::vector<Recipient> to_bob = {{bob_.did + "#key-1", *bob_.store->Public(bob_.agree)}};
  auto unpacked =
      Unpack(*SealAnoncrypt(packed->text, to_bob, ContentEncryption::kXc20p, crypto::SystemRandom()), keys_, resolver_);
  ASSERT_TRUE(unpacked.has_value()) << unpacked.error().Text();
  const Metadata& m = unpacked->metadata;
  EXPECT_TRUE(m.encrypted && m.authenticated && m.non_repudiation && m.anonymous_sender);
  EXPECT_EQ(m.sign_from, alice_.did + "#key-2");
  EXPECT_EQ(m.sign_alg, "EdDSA");
  EXPECT_EQ(m.encrypted_from, alice_.did + "#key-1");
  EXPECT_EQ(m.enc_alg_anon, "XC20P_ECDH_ES_A256KW");
  EXPECT_EQ(unpacked->plaintext, packed->plaintext);
  // The signed layer can be shown to others.
  EXPECT_TRUE(Unpack(m.signed_message, keys_, resolver_).has_value());
}

TEST_P(RoundTrip, ProtectedSender) {
  const Message message = MakeMessage(alice_, bob_);
  auto packed = PackAuthcrypt(message, alice_.did, bob_.did, keys_, resolver_, {.protect_sender = true});
  ASSERT_TRUE(packed.has_value()) << packed.error().Text();
  EXPECT_EQ(packed->text.find(alice_.did), std::string::npos);  // the sender stands nowhere outside
  EXPECT_EQ(packed->text.find(base::Base64Url(AsBytes(alice_.did))), std::string::npos);
  auto unpacked = Unpack(packed->text, keys_, resolver_);
  ASSERT_TRUE(unpacked.has_value()) << unpacked.error().Text();
  EXPECT_TRUE(unpacked->metadata.authenticated && unpacked->metadata.anonymous_sender);
  EXPECT_EQ(unpacked->metadata.enc_alg_auth, "A256CBC_HS512_ECDH_1PU_A256KW");
}

INSTANTIATE_TEST_SUITE_P(Curves, RoundTrip,
                         testing::Values(crypto::KeyType::kX25519, crypto::KeyType::kP256, crypto::KeyType::kP384,
                                         crypto::KeyType::kP521));

TEST(RoundTripMore, SignedAndPlain) {
  crypto::SetUpHostedCrypto();
  did::MapKeyFinder keys;
  did::PeerMethod resolver;
  for (const crypto::KeyType type : {crypto::KeyType::kEd25519, crypto::KeyType::kP256, crypto::KeyType::kSecp256k1}) {
    Person alice(keys, crypto::KeyType::kX25519, type), bob(keys);
    auto packed = PackSigned(MakeMessage(alice, bob), alice.did, keys, resolver);
    ASSERT_TRUE(packed.has_value()) << packed.error().Text();
    auto unpacked = Unpack(packed->text, keys, resolver);
    ASSERT_TRUE(unpacked.has_value()) << unpacked.error().Text();
    EXPECT_TRUE(unpacked->metadata.non_repudiation && unpacked->metadata.authenticated);
    EXPECT_FALSE(unpacked->metadata.encrypted);
    EXPECT_EQ(Unpack(packed->text, keys, resolver, {.require_encrypted = true}).error().code, Code::kRefused);
  }
  Person alice(keys), bob(keys);
  auto plain = PackPlaintext(MakeMessage(alice, bob));
  auto unpacked = Unpack(plain->text, keys, resolver);
  ASSERT_TRUE(unpacked.has_value());
  EXPECT_FALSE(unpacked->metadata.authenticated);
}

TEST(RoundTripMore, SeveralKeysOfOneDid) {
  crypto::SetUpHostedCrypto();
  did::MapKeyFinder keys;
  did::PeerMethod resolver;
  Person alice(keys);
  auto store = crypto::SoftwareKeyStore::CreateInMemory();
  std::vector<did::PeerKey> list;
  for (int i = 0; i < 3; ++i)
    list.push_back({did::Relationship::kKeyAgreement, *store->Public(*store->Generate(crypto::KeyType::kX25519))});
  list.push_back({did::Relationship::kKeyAgreement, *store->Public(*store->Generate(crypto::KeyType::kP256))});
  const std::string bob = *did::CreatePeer2(list);
  keys.Add(bob + "#key-3", {store.get(), *store->Find(list[2].key)});
  Message message;
  message.id = "1";
  message.type = "t";
  message.from = alice.did;
  message.to = {bob};
  auto packed = PackAuthcrypt(message, alice.did, bob, keys, resolver);
  ASSERT_TRUE(packed.has_value()) << packed.error().Text();
  EXPECT_EQ(packed->to_kids.size(), 3u);  // the P-256 key is of another curve
  auto unpacked = Unpack(packed->text, keys, resolver);
  ASSERT_TRUE(unpacked.has_value()) << unpacked.error().Text();
  EXPECT_EQ(unpacked->metadata.recipient_kid, bob + "#key-3");
}

TEST(RoundTripMore, FromPrior) {
  crypto::SetUpHostedCrypto();
  did::MapKeyFinder keys;
  did::PeerMethod resolver;
  Person before(keys), after(keys), bob(keys), mallory(keys);
  Message message = MakeMessage(after, bob);
  message.from_prior = *MakeFromPrior(before.did, after.did, 1000, before.did + "#key-2", keys);
  auto packed = PackAuthcrypt(message, after.did, bob.did, keys, resolver);
  auto unpacked = Unpack(packed->text, keys, resolver);
  ASSERT_TRUE(unpacked.has_value()) << unpacked.error().Text();
  EXPECT_EQ(unpacked->metadata.from_prior_issuer_kid, before.did + "#key-2");

  EXPECT_FALSE(MakeFromPrior(before.did, after.did, 1000, mallory.did + "#key-2", keys).has_value());
  // Signed by somebody else than its iss: two peers accept this.
  auto forged = [&](const std::string& iss, const std::string& sub, const Person& signer) {
    Message bad = MakeMessage(after, bob);
    keys.Add(iss + "#key-9", {signer.store.get(), signer.auth});
    bad.from_prior = *MakeFromPrior(iss, sub, 1000, iss + "#key-9", keys);
    return Unpack(PackAuthcrypt(bad, after.did, bob.did, keys, resolver)->text, keys, resolver);
  };
  EXPECT_FALSE(forged(before.did, after.did, mallory).has_value());
  Message other = MakeMessage(after, bob);
  other.from_prior = *MakeFromPrior(before.did, mallory.did, 1000, before.did + "#key-2", keys);
  EXPECT_EQ(Unpack(PackAuthcrypt(other, after.did, bob.did, keys, resolver)->text, keys, resolver).error().code,
            Code::kWrongSender);
}

}  // namespace
}  // namespace keel::didcomm
