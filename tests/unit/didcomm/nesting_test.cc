// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "did/jose.h"
#include "tests/unit/didcomm/people.h"

// Which layers may stand in which (DIDComm v2.1, section "IANA Media Types"), several recipients, several signatures.
namespace keel::didcomm {
namespace {

class Nesting : public testing::Test {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }

  std::vector<Recipient> ToBob() const { return {{bob_.did + "#key-1", *bob_.store->Public(bob_.agree)}}; }
  // One layer around any text, as anybody can make it.
  std::string Wrap(char layer, const std::string& inner) {
    switch (layer) {
      case 'A': return *SealAnoncrypt(inner, ToBob(), ContentEncryption::kXc20p, crypto::SystemRandom());
      case 'U':
        return *SealAuthcrypt(inner, alice_.did + "#key-1", {alice_.store.get(), alice_.agree}, ToBob(),
                              crypto::SystemRandom());
      default: return Signed(inner, {&alice_});
    }
  }
  // JWS JSON, general, one signature by the first authentication key of each.
  std::string Signed(const std::string& inner, const std::vector<const Person*>& signers) {
    nlohmann::json whole = {{"payload", base::Base64Url(AsBytes(inner))}, {"signatures", nlohmann::json::array()}};
    for (const Person* signer : signers) {
      const std::string compact =
          *did::SignJws(nlohmann::json{{"typ", kTypSigned}}, inner, *signer->store, signer->auth);
      whole["signatures"].push_back({{"protected", compact.substr(0, compact.find('.'))},
                                     {"signature", compact.substr(compact.rfind('.') + 1)},
                                     {"header", {{"kid", signer->did + "#key-2"}}}});
    }
    return base::DumpJson(whole);
  }

  did::MapKeyFinder keys_;
  did::PeerMethod resolver_;
  Person alice_{keys_}, bob_{keys_}, carol_{keys_};
};

TEST_F(Nesting, EveryCombinationOfUpToThreeLayers) {
  // Outermost first. "AUS" is the one that must not be made and is read nevertheless.
  const std::vector<std::string> allowed = {"", "S", "A", "U", "AS", "US", "AU", "AUS"};
  const std::string plaintext = *MakeMessage(alice_, bob_).Serialize();
  std::vector<std::string> all = {""};
  for (size_t at = 0; at < all.size(); ++at) {
    if (all[at].size() == 4) break;
    for (const char layer : {'A', 'U', 'S'}) all.push_back(all[at] + layer);
  }
  size_t taken = 0;
  for (const std::string& layers : all) {
    std::string text = plaintext;
    for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) text = Wrap(*layer, text);
    const auto unpacked = Unpack(text, keys_, resolver_);
    if (std::find(allowed.begin(), allowed.end(), layers) != allowed.end()) {
      ASSERT_TRUE(unpacked) << layers << ": " << unpacked.error().Text();
      EXPECT_EQ(unpacked->plaintext, plaintext);
      const auto has = [&layers](char layer) { return layers.find(layer) != std::string::npos; };
      const Metadata& m = unpacked->metadata;
      EXPECT_EQ(m.encrypted, has('A') || has('U')) << layers;
      EXPECT_EQ(m.authenticated, has('S') || has('U')) << layers;
      EXPECT_EQ(m.non_repudiation, has('S')) << layers;
      EXPECT_EQ(m.anonymous_sender, has('A')) << layers;
      ++taken;
    } else {
      ASSERT_FALSE(unpacked) << layers;
      EXPECT_EQ(unpacked.error().code, Code::kMalformed) << layers;
    }
  }
  EXPECT_EQ(taken, allowed.size());
  EXPECT_EQ(all.size(), 121u);
}

TEST_F(Nesting, PackMakesWhatIsAllowed) {
  const Message message = MakeMessage(alice_, bob_);
  const auto layers = [this](const Result<Packed>& packed) {
    EXPECT_TRUE(packed) << packed.error().Text();
    const auto unpacked = Unpack(packed->text, keys_, resolver_);
    EXPECT_TRUE(unpacked) << unpacked.error().Text();
    const Metadata& m = unpacked->metadata;
    return std::string(m.anonymous_sender ? "A" : "") + (m.encrypted_from.empty() ? "" : "U") +
           (m.non_repudiation ? "S" : "");
  };
  EXPECT_EQ(layers(PackPlaintext(message)), "");
  EXPECT_EQ(layers(PackSigned(message, alice_.did, keys_, resolver_)), "S");
  EXPECT_EQ(layers(PackAnoncrypt(message, bob_.did, keys_, resolver_)), "A");
  EXPECT_EQ(layers(PackAnoncrypt(message, bob_.did, keys_, resolver_, {.sign_by = alice_.did})), "AS");
  EXPECT_EQ(layers(PackAuthcrypt(message, alice_.did, bob_.did, keys_, resolver_)), "U");
  EXPECT_EQ(layers(PackAuthcrypt(message, alice_.did, bob_.did, keys_, resolver_, {.sign_by = alice_.did})), "US");
  EXPECT_EQ(layers(PackAuthcrypt(message, alice_.did, bob_.did, keys_, resolver_, {.protect_sender = true})), "AU");
}

TEST_F(Nesting, RecipientsOfSeveralDids) {
  Message message = MakeMessage(alice_, bob_);
  const std::vector<std::string> both = {bob_.did, carol_.did};
  EXPECT_EQ(PackAuthcrypt(message, alice_.did, both, keys_, resolver_).error().code, Code::kWrongRecipient);
  message.to = both;
  for (const bool authcrypt : {true, false}) {
    auto packed = authcrypt ? PackAuthcrypt(message, alice_.did, both, keys_, resolver_)
                            : PackAnoncrypt(message, both, keys_, resolver_);
    ASSERT_TRUE(packed) << packed.error().Text();
    EXPECT_EQ(packed->to_kids, (std::vector<std::string>{bob_.did + "#key-1", carol_.did + "#key-1"}));
    for (const Person* reader : {&bob_, &carol_}) {
      did::MapKeyFinder theirs;
      theirs.Add(reader->did + "#key-1", {reader->store.get(), reader->agree});
      auto unpacked = Unpack(packed->text, theirs, resolver_);
      ASSERT_TRUE(unpacked) << unpacked.error().Text();
      EXPECT_EQ(unpacked->metadata.recipient_kid, reader->did + "#key-1");
      EXPECT_EQ(unpacked->metadata.encrypted_to, packed->to_kids);
    }
  }
  // One envelope has one curve.
  const Person dave(keys_, crypto::KeyType::kP384);
  const std::vector<std::string> mixed = {bob_.did, dave.did};
  message.to = mixed;
  EXPECT_EQ(PackAnoncrypt(message, mixed, keys_, resolver_).error().code, Code::kUnsupported);
  EXPECT_EQ(PackAuthcrypt(message, alice_.did, mixed, keys_, resolver_).error().code, Code::kNoSuchKey);
  EXPECT_EQ(PackAnoncrypt(message, std::vector<std::string>{}, keys_, resolver_).error().code, Code::kInvalidArgument);
  const std::vector<std::string> twice = {bob_.did, bob_.did};
  EXPECT_EQ(PackAnoncrypt(MakeMessage(alice_, bob_), twice, keys_, resolver_).error().code, Code::kDuplicate);
}

TEST_F(Nesting, EverySignatureIsChecked) {
  // A DID with two authentication keys, of two algorithms.
  auto store = crypto::SoftwareKeyStore::CreateInMemory();
  const auto ed = *store->Generate(crypto::KeyType::kEd25519), p256 = *store->Generate(crypto::KeyType::kP256);
  const std::vector<did::PeerKey> list = {{did::Relationship::kAuthentication, *store->Public(ed)},
                                          {did::Relationship::kAuthentication, *store->Public(p256)}};
  const std::string eve = *did::CreatePeer2(list);
  keys_.Add(eve + "#key-1", {store.get(), ed});
  keys_.Add(eve + "#key-2", {store.get(), p256});
  Message message = MakeMessage(alice_, bob_);
  message.from = eve;
  const std::vector<std::string> both = {eve + "#key-1", eve + "#key-2"};
  auto packed = PackSigned(message, both, keys_, resolver_);
  ASSERT_TRUE(packed) << packed.error().Text();
  auto unpacked = Unpack(packed->text, keys_, resolver_);
  ASSERT_TRUE(unpacked) << unpacked.error().Text();
  EXPECT_EQ(unpacked->metadata.signers, both);
  EXPECT_EQ(unpacked->metadata.sign_from, both[0]);
  EXPECT_EQ(unpacked->metadata.sign_alg, "EdDSA");
  auto nested = PackAnoncrypt(message, bob_.did, keys_, resolver_, {.sign_by = both[0], .cosign_by = {both[1]}});
  ASSERT_TRUE(nested) << nested.error().Text();
  EXPECT_EQ(Unpack(nested->text, keys_, resolver_)->metadata.signers, both);

  // Either signature gone bad, or made by somebody else, spoils the message.
  for (const size_t which : {0u, 1u}) {
    nlohmann::json whole = *base::ParseJson(packed->text);
    nlohmann::json& signature = whole["signatures"][which]["signature"];
    base::ByteVec octets = *base::FromBase64Url(signature.get<std::string>());
    octets[5] ^= 1;
    signature = base::Base64Url(octets);
    EXPECT_EQ(Unpack(base::DumpJson(whole), keys_, resolver_).error().code, Code::kBadSignature) << which;
  }
  const std::string plain = *MakeMessage(alice_, bob_).Serialize();
  EXPECT_TRUE(Unpack(Signed(plain, {&alice_}), keys_, resolver_));
  EXPECT_EQ(Unpack(Signed(plain, {&alice_, &carol_}), keys_, resolver_).error().code, Code::kWrongSender);
  EXPECT_EQ(Unpack(Signed(plain, {&carol_, &alice_}), keys_, resolver_).error().code, Code::kWrongSender);
  EXPECT_EQ(Unpack(Signed(plain, {&alice_, &alice_}), keys_, resolver_).error().code, Code::kDuplicate);
  EXPECT_EQ(Unpack(Signed(plain, {}), keys_, resolver_).error().code, Code::kMalformed);
  EXPECT_EQ(PackSigned(message, std::vector<std::string>{both[0], both[0]}, keys_, resolver_).error().code,
            Code::kDuplicate);
  EXPECT_EQ(PackSigned(message, std::vector<std::string>{both[0], alice_.did}, keys_, resolver_).error().code,
            Code::kWrongSender);
}

// A signature with s and one with n - s are both good in JWS (RFC 7515 asks for neither); ours have the lower one.
TEST_F(Nesting, EitherSIsAccepted) {
  for (const crypto::KeyType type : {crypto::KeyType::kP256, crypto::KeyType::kSecp256k1}) {
    const Person signer(keys_, crypto::KeyType::kX25519, type);
    const auto packed = PackSigned(MakeMessage(signer, bob_), signer.did, keys_, resolver_);
    ASSERT_TRUE(packed) << packed.error().Text();
    nlohmann::json whole = *base::ParseJson(packed->text);
    nlohmann::json& signature = whole["signatures"][0]["signature"];
    base::ByteVec octets = *base::FromBase64Url(signature.get<std::string>());
    const std::string order = type == crypto::KeyType::kP256
                                  ? "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
                                  : "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";
    const base::ByteVec n = *base::FromHex(order);
    EXPECT_LT(octets[32], 0x80);
    int borrow = 0;
    for (size_t i = 32; i-- > 0;) {
      const int difference = n[i] - octets[32 + i] - borrow;
      borrow = difference < 0 ? 1 : 0;
      octets[32 + i] = static_cast<uint8_t>(difference + 256 * borrow);
    }
    signature = base::Base64Url(octets);
    EXPECT_TRUE(Unpack(base::DumpJson(whole), keys_, resolver_)) << static_cast<int>(type);
    octets[40] ^= 1;
    signature = base::Base64Url(octets);
    EXPECT_EQ(Unpack(base::DumpJson(whole), keys_, resolver_).error().code, Code::kBadSignature);
  }
}

TEST_F(Nesting, TheRecipientsLimitIsKept) {
  const Message message = MakeMessage(alice_, bob_);
  const auto packed = PackAuthcrypt(message, alice_.did, bob_.did, keys_, resolver_);
  ASSERT_TRUE(packed);
  const uint64_t size = packed->text.size();
  EXPECT_TRUE(PackAuthcrypt(message, alice_.did, bob_.did, keys_, resolver_, {.max_receive_bytes = size}));
  const auto refused = PackAuthcrypt(message, alice_.did, bob_.did, keys_, resolver_, {.max_receive_bytes = size - 1});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kTooLarge);
  EXPECT_NE(refused.error().detail.find("max_receive_bytes"), std::string::npos);
}

// An agreement key is asked for; one that signs is none, even where one curve could do both.
TEST_F(Nesting, OwnKeyMustBeForAgreement) {
  const Person dave(keys_, crypto::KeyType::kP256, crypto::KeyType::kP256);
  const std::vector<Recipient> to = {{dave.did + "#key-2", *dave.store->Public(dave.auth)}};
  Message message = MakeMessage(alice_, dave);
  const std::string text = *SealAnoncrypt(*message.Serialize(), to, ContentEncryption::kXc20p, crypto::SystemRandom());
  EXPECT_EQ(Unpack(text, keys_, resolver_).error().code, Code::kUntrusted);
}

// `to` may be absent (section "Message Headers") unless the message is signed and encrypted ("DIDComm Signed
// Messages").
TEST_F(Nesting, AbsentTo) {
  Message message = MakeMessage(alice_, bob_);
  message.to.clear();
  const std::string plain = *message.Serialize();
  EXPECT_TRUE(Unpack(Wrap('U', plain), keys_, resolver_));
  EXPECT_TRUE(Unpack(Wrap('A', plain), keys_, resolver_));
  EXPECT_TRUE(Unpack(Wrap('S', plain), keys_, resolver_));
  EXPECT_EQ(Unpack(Wrap('A', Wrap('S', plain)), keys_, resolver_).error().code, Code::kWrongRecipient);
  EXPECT_EQ(Unpack(Wrap('U', Wrap('S', plain)), keys_, resolver_).error().code, Code::kWrongRecipient);
  // So may the body, inside an envelope.
  const std::string bodyless = R"({"id":"1","type":"t","from":")" + alice_.did + R"(","to":[")" + bob_.did + R"("]})";
  EXPECT_EQ(Unpack(Wrap('U', bodyless), keys_, resolver_)->message.body, "{}");
  EXPECT_EQ(Unpack(bodyless, keys_, resolver_).error().code, Code::kMalformed);
}

}  // namespace
}  // namespace keel::didcomm
