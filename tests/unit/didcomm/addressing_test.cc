// SPDX-License-Identifier: Apache-2.0
#include "did/jose.h"
#include "tests/unit/didcomm/people.h"

// "Message Layer Addressing Consistency": what the plaintext says must be what the keys prove. Packing refuses to make
// such messages, so they are made by hand here.
namespace keel::didcomm {
namespace {

class Addressing : public testing::Test {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }
  std::string Seal(const Message& message, const Person& from, const Person& to) {
    const std::vector<Recipient> recipients = {{to.did + "#key-1", *to.store->Public(to.agree)}};
    return *SealAuthcrypt(*message.Serialize(), from.did + "#key-1", {from.store.get(), from.agree}, recipients,
                          crypto::SystemRandom());
  }
  did::MapKeyFinder keys_;
  did::PeerMethod resolver_;
  Person alice_{keys_}, bob_{keys_}, mallory_{keys_};
};

TEST_F(Addressing, PackRefuses) {
  Message message = MakeMessage(alice_, bob_);
  EXPECT_EQ(PackAuthcrypt(message, mallory_.did, bob_.did, keys_, resolver_).error().code, Code::kWrongSender);
  EXPECT_EQ(PackAuthcrypt(message, alice_.did, mallory_.did, keys_, resolver_).error().code, Code::kWrongRecipient);
  EXPECT_EQ(PackSigned(message, mallory_.did, keys_, resolver_).error().code, Code::kWrongSender);
  EXPECT_EQ(PackAuthcrypt(message, alice_.did, bob_.did, keys_, resolver_, {.sign_by = mallory_.did}).error().code,
            Code::kWrongSender);
  EXPECT_FALSE(PackAuthcrypt(message, alice_.did + "#key-2", bob_.did, keys_, resolver_).has_value());  // a signing key
  EXPECT_EQ(PackAuthcrypt(message, alice_.did, bob_.did + "#key-2", keys_, resolver_).error().code, Code::kUntrusted);
  message.from.clear();
  EXPECT_FALSE(PackAuthcrypt(message, alice_.did, bob_.did, keys_, resolver_).has_value());
  message.to.clear();
  EXPECT_FALSE(PackAnoncrypt(message, bob_.did, keys_, resolver_).has_value());
}

TEST_F(Addressing, FromMustBeTheEncryptingKeysDid) {
  EXPECT_EQ(Unpack(Seal(MakeMessage(alice_, bob_), mallory_, bob_), keys_, resolver_).error().code, Code::kWrongSender);
  Message nobody = MakeMessage(alice_, bob_);
  nobody.from.clear();
  EXPECT_EQ(Unpack(Seal(nobody, alice_, bob_), keys_, resolver_).error().code, Code::kWrongSender);
}

TEST_F(Addressing, ToMustNameUs) {
  // Surreptitious forwarding: what Alice wrote to Mallory, shown to Bob.
  EXPECT_EQ(Unpack(Seal(MakeMessage(alice_, mallory_), alice_, bob_), keys_, resolver_).error().code,
            Code::kWrongRecipient);
  const Packed inner = *PackSigned(MakeMessage(alice_, mallory_), alice_.did, keys_, resolver_);
  const std::vector<Recipient> to_bob = {{bob_.did + "#key-1", *bob_.store->Public(bob_.agree)}};
  const std::string forwarded = *SealAnoncrypt(inner.text, to_bob, ContentEncryption::kXc20p, crypto::SystemRandom());
  EXPECT_EQ(Unpack(forwarded, keys_, resolver_).error().code, Code::kWrongRecipient);
}

TEST_F(Addressing, SignerMustBeFrom) {
  const Message message = MakeMessage(alice_, bob_);
  const std::string compact =
      *did::SignJws(nlohmann::json{{"typ", kTypSigned}}, *message.Serialize(), *mallory_.store, mallory_.auth);
  auto general = [&compact](const std::string& kid) {
    const size_t a = compact.find('.'), b = compact.rfind('.');
    return base::DumpJson(
        {{"payload", compact.substr(a + 1, b - a - 1)},
         {"signatures",
          {{{"protected", compact.substr(0, a)}, {"signature", compact.substr(b + 1)}, {"header", {{"kid", kid}}}}}}});
  };
  EXPECT_EQ(Unpack(general(mallory_.did + "#key-2"), keys_, resolver_).error().code, Code::kWrongSender);
  EXPECT_EQ(Unpack(general(alice_.did + "#key-2"), keys_, resolver_).error().code, Code::kBadSignature);
  EXPECT_EQ(Unpack(general(alice_.did + "#key-1"), keys_, resolver_).error().code,
            Code::kUntrusted);  // an agreement key signs nothing
  EXPECT_EQ(Unpack(general(alice_.did + "#key-7"), keys_, resolver_).error().code, Code::kNotFound);
}

TEST_F(Addressing, SenderKeyMustBeForAgreement) {
  // A forged skid: Mallory names Alice's key, which she can't use.
  const std::vector<Recipient> to_bob = {{bob_.did + "#key-1", *bob_.store->Public(bob_.agree)}};
  const std::string plaintext = *MakeMessage(alice_, bob_).Serialize();
  const did::KeyRef hers{mallory_.store.get(), mallory_.agree};
  EXPECT_EQ(
      Unpack(*SealAuthcrypt(plaintext, alice_.did + "#key-1", hers, to_bob, crypto::SystemRandom()), keys_, resolver_)
          .error()
          .code,
      Code::kDecryptFailed);
  EXPECT_EQ(
      Unpack(*SealAuthcrypt(plaintext, alice_.did + "#key-2", hers, to_bob, crypto::SystemRandom()), keys_, resolver_)
          .error()
          .code,
      Code::kUntrusted);
  EXPECT_EQ(
      Unpack(*SealAuthcrypt(plaintext, alice_.did + "#key-9", hers, to_bob, crypto::SystemRandom()), keys_, resolver_)
          .error()
          .code,
      Code::kNotFound);
  EXPECT_FALSE(
      Unpack(*SealAuthcrypt(plaintext, "alice", hers, to_bob, crypto::SystemRandom()), keys_, resolver_).has_value());
}

TEST_F(Addressing, LayersHaveTheirOrder) {
  const std::vector<Recipient> to_bob = {{bob_.did + "#key-1", *bob_.store->Public(bob_.agree)}};
  const Packed inner = *PackAnoncrypt(MakeMessage(alice_, bob_), bob_.did, keys_, resolver_);
  const std::string twice = *SealAnoncrypt(inner.text, to_bob, ContentEncryption::kXc20p, crypto::SystemRandom());
  EXPECT_EQ(Unpack(twice, keys_, resolver_).error().code, Code::kMalformed);
  const std::string anon_in_auth = *SealAuthcrypt(inner.text, alice_.did + "#key-1", {alice_.store.get(), alice_.agree},
                                                  to_bob, crypto::SystemRandom());
  EXPECT_EQ(Unpack(anon_in_auth, keys_, resolver_).error().code, Code::kMalformed);
}

TEST_F(Addressing, NotForUs) {
  did::MapKeyFinder nobody;
  EXPECT_EQ(Unpack(Seal(MakeMessage(alice_, bob_), alice_, bob_), nobody, resolver_).error().code, Code::kNoSuchKey);
}

TEST_F(Addressing, WhoAsksForEncryptionOrASenderGetsIt) {
  const Message message = MakeMessage(alice_, bob_);
  const std::string signed_only = PackSigned(message, alice_.did, keys_, resolver_)->text;
  EXPECT_TRUE(Unpack(signed_only, keys_, resolver_, {.require_authenticated = true}).has_value());
  EXPECT_EQ(Unpack(signed_only, keys_, resolver_, {.require_encrypted = true}).error().code, Code::kRefused);
  const std::string anonymous = PackAnoncrypt(message, bob_.did, keys_, resolver_)->text;
  EXPECT_TRUE(Unpack(anonymous, keys_, resolver_, {.require_encrypted = true}).has_value());
  EXPECT_EQ(Unpack(anonymous, keys_, resolver_, {.require_authenticated = true}).error().code, Code::kRefused);
  EXPECT_TRUE(
      Unpack(Seal(message, alice_, bob_), keys_, resolver_, {.require_encrypted = true, .require_authenticated = true})
          .has_value());
}

TEST_F(Addressing, Expiry) {
  Message message = MakeMessage(alice_, bob_);
  message.created_time = 1000;
  message.expires_time = 2000;
  const std::string text = Seal(message, alice_, bob_);
  EXPECT_TRUE(Unpack(text, keys_, resolver_).has_value());
  EXPECT_TRUE(Unpack(text, keys_, resolver_, {.now = 2059}).has_value());
  EXPECT_EQ(Unpack(text, keys_, resolver_, {.now = 2060}).error().code, Code::kExpired);
}

TEST_F(Addressing, CreatedAheadOfTime) {
  Message message = MakeMessage(alice_, bob_);
  message.created_time = 10'000;
  std::string text = Seal(message, alice_, bob_);
  EXPECT_TRUE(Unpack(text, keys_, resolver_).has_value());
  EXPECT_TRUE(Unpack(text, keys_, resolver_, {.now = 10'000 - kMaxAhead}).has_value());
  EXPECT_EQ(Unpack(text, keys_, resolver_, {.now = 10'000 - kMaxAhead - 1}).error().code, Code::kNotYetValid);
  // Milliseconds, as some write them, and the largest number that JSON carries.
  for (const uint64_t time : {uint64_t{1'790'000'000'000}, (uint64_t{1} << 53) - 1}) {
    message.created_time = time;
    text = Seal(message, alice_, bob_);
    const auto refused = Unpack(text, keys_, resolver_, {.now = 1'790'000'000});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Code::kNotYetValid);
    EXPECT_NE(refused.error().Text().find("milliseconds"), std::string::npos);
  }
}

TEST_F(Addressing, Limits) {
  EXPECT_EQ(Unpack(std::string(300, ' '), keys_, resolver_, {.max_size = 100}).error().code, Code::kTooLarge);
  Message message = MakeMessage(alice_, bob_);
  message.body = "{\"a\":\"" + std::string(1000, 'x') + "\"}";
  EXPECT_EQ(Unpack(*message.Serialize(), keys_, resolver_, {.max_size = 1000}).error().code, Code::kTooLarge);
}

}  // namespace
}  // namespace keel::didcomm
