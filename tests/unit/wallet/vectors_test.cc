// SPDX-License-Identifier: Apache-2.0
// Published DIDComm messages, opened and verified by the wallet's own code: the specification's appendix and SICPA's
// sets (tests/vectors/didcomm/README.md). What a wallet doesn't take part in is refused by name.
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/encoding.h"
#include "device-wallet/core/envelope.h"
#include "device-wallet/core/jwk.h"
#include "device-wallet/core/messages.h"
#include "device-wallet/core/signed.h"
#include "tests/fakes/memory_keys.h"

namespace keel::wallet {
namespace {

using crypto::KeyType;
using nlohmann::json;
using Octets = std::vector<uint8_t>;

json Load(const std::string& name) {
  std::ifstream in(std::string(KEEL_SOURCE_DIR) + "/tests/vectors/didcomm/" + name);
  std::ostringstream text;
  text << in.rdbuf();
  EXPECT_FALSE(text.str().empty()) << name;
  return json::parse(text.str());
}

// Keys by kid, out of JWKs: private ones for agreement, public ones for everything.
class People {
 public:
  void AddJwk(const std::string& kid, const json& jwk) {
    const std::string crv = jwk.at("crv");
    if (crv != "X25519" && crv != "P-256" && crv != "Ed25519") return;
    json open = jwk;
    open.erase("d");
    const std::string text = open.dump();
    const auto view = JsonView::Parse(text);
    ASSERT_TRUE(view);
    const auto key = crv == "Ed25519" ? ReadSigningJwk(*view) : ReadAgreementJwk(*view);
    ASSERT_TRUE(key) << kid;
    publics[kid] = *key;
    if (!jwk.contains("d")) return;
    Bytes32 secret{};
    ASSERT_EQ(Base64UrlDecode(jwk.at("d").get<std::string>(), secret).value(), 32u);
    types[kid] = crv == "X25519" ? KeyType::kX25519 : crv == "P-256" ? KeyType::kP256 : KeyType::kEd25519;
    handles[kid] = keys.Import(types[kid], secret).value();
    EXPECT_EQ(keys.Public(handles[kid]).value(), *key) << kid;
  }
  OwnEnd Own(const std::string& kid) { return {kid, types.at(kid), &keys, handles.at(kid)}; }
  PeerEnd Peer(const std::string& kid) const { return {kid, publics.at(kid)}; }

  fakes::MemoryKeys keys;
  std::map<std::string, crypto::PublicKey> publics;
  std::map<std::string, KeyType> types;
  std::map<std::string, crypto::KeyHandle> handles;
};

class Published : public ::testing::Test {
 protected:
  void LoadSpecification() {
    for (const std::string person : {"alice", "bob"}) {
      const json secrets = Load(person + "-secrets.json");
      for (const json& secret : secrets) {
        const std::string kid = secret.contains("kid ") ? secret.at("kid ") : secret.at("kid");
        people.AddJwk(kid, secret);
      }
    }
  }
  void LoadSicpa() {
    const json sets = Load("sicpa/secrets.json");
    for (const auto& [name, value] : sets.items()) {
      if (!value.is_array() || name.find("otated") != std::string::npos) continue;
      for (const json& secret : value) {
        const json& material = secret.at("verification_material");
        if (material.at("format") != "JWK") continue;
        people.AddJwk(secret.at("kid"), json::parse(material.at("value").get<std::string>()));
      }
    }
  }
  // Opens for the recipient `kid` as a wallet would that holds that key.
  Result<std::string> Open(const std::string& envelope, const std::string& kid) {
    Octets buffer(envelope.begin(), envelope.end());
    KEEL_TRY(const EnvelopeHead head, ReadEnvelopeHead(buffer, kid));
    if (!head.for_us) return Fail(Code::kWrongRecipient, "test");
    Result<ByteSpan> opened = Fail(Code::kInternalError, "test");
    if (head.authcrypt) {
      const std::string sender(head.sender.view());
      KEEL_TRY(const crypto::SharedSecret shared, people.keys.Agree(people.handles.at(kid), people.publics.at(sender)));
      opened = UnpackAuthcrypt({people.Own(kid), people.Peer(sender), &shared}, buffer, kMaxEnvelopeRecipients);
    } else {
      opened = UnpackAnoncrypt(people.Own(kid), buffer);
    }
    KEEL_TRY(const ByteSpan plain, opened);
    return std::string(plain.begin(), plain.end());
  }
  Result<std::string> Verify(const std::string& text) {
    Octets buffer(text.begin(), text.end());
    KEEL_TRY(const auto kid, SignerOf(buffer));
    const auto key = people.publics.find(std::string(kid.view()));
    if (key == people.publics.end()) return Fail(Code::kUnsupported, "signer's curve");
    KEEL_TRY(const ByteSpan plain, UnpackSigned(buffer, kid.view(), key->second));
    return std::string(plain.begin(), plain.end());
  }
  People people;
};

TEST_F(Published, SpecificationsAppendix) {
  LoadSpecification();
  const json expected = Load("00-plaintext.json").at("message");
  // The appendix prints more headers than its envelopes hold.
  const auto same = [&](const Result<std::string>& text) {
    if (!text) return false;
    const json got = json::parse(*text);
    return got["id"] == expected["id"] && got["from"] == expected["from"] && got["to"] == expected["to"] &&
           got["body"] == expected["body"];
  };
  EXPECT_TRUE(same(Verify(Load("01-signed.json").at("message").dump()))) << "EdDSA";
  EXPECT_TRUE(same(Verify(Load("02-signed.json").at("message").dump()))) << "ES256";
  EXPECT_EQ(Verify(Load("03-signed.json").at("message").dump()).error().code, Code::kUnsupported) << "ES256K";
  for (const char* kid :
       {"did:example:bob#key-x25519-1", "did:example:bob#key-x25519-2", "did:example:bob#key-x25519-3"}) {
    EXPECT_TRUE(same(Open(Load("04-encrypted.json").at("message").dump(), kid))) << "anoncrypt XC20P " << kid;
    EXPECT_TRUE(same(Open(Load("07-encrypted.json").at("message").dump(), kid))) << "authcrypt " << kid;
  }
  for (const char* kid : {"did:example:bob#key-p256-1", "did:example:bob#key-p256-2"}) {
    const auto inner = Open(Load("08-encrypted.json").at("message").dump(), kid);
    ASSERT_TRUE(inner) << inner.error().Text();
    EXPECT_TRUE(same(Verify(*inner))) << "signed inside authcrypt P-256";
  }
  // P-384, P-521, A256GCM: by name.
  const auto refused = [&](const char* name) {
    const std::string text = Load(name).at("message").dump();
    return ReadEnvelopeHead(AsBytes(text), "did:example:bob#key-x25519-1").error().code;
  };
  EXPECT_EQ(refused("05-encrypted.json"), Code::kAlgorithmNotAllowed);
  EXPECT_EQ(refused("06-encrypted.json"), Code::kUnsupported);
  EXPECT_EQ(refused("09-encrypted.json"), Code::kAlgorithmNotAllowed);
}

TEST_F(Published, SicpasSets) {
  LoadSpecification();
  LoadSicpa();
  const json messages = Load("sicpa/encrypted.json");
  const std::string x = "did:example:bob#key-x25519-1", p = "did:example:bob#key-p256-1";
  for (const char* name : {"ENCRYPTED_MSG_ANON_XC20P_1", "ENCRYPTED_MSG_AUTH_X25519"}) {
    const json& value = messages.at(name);
    const auto opened = Open(value.is_string() ? value.get<std::string>() : value.dump(), x);
    ASSERT_TRUE(opened) << name << opened.error().Text();
    EXPECT_EQ(json::parse(*opened)["id"], "1234567890") << name;
  }
  for (const char* name : {"ENCRYPTED_MSG_AUTH_P256"}) {
    const json& value = messages.at(name);
    const auto opened = Open(value.is_string() ? value.get<std::string>() : value.dump(), p);
    ASSERT_TRUE(opened) << name << opened.error().Text();
  }
  const json& bad = messages.at("INVALID_ENCRYPTED_MSG_ANON_P256_EPK_WRONG_POINT");
  const auto opened = Open(bad.is_string() ? bad.get<std::string>() : bad.dump(), p);
  ASSERT_FALSE(opened);
  // Its coordinates are not even canonical base64url.
  EXPECT_EQ(opened.error().code, Code::kNotCanonical);

  const json jws = Load("sicpa/signed.json");
  for (const char* name : {"SIGNED_MSG_ALICE_KEY_1", "SIGNED_MSG_ALICE_KEY_2"}) {
    const json& value = jws.at(name);
    const auto verified = Verify(value.is_string() ? value.get<std::string>() : value.dump());
    ASSERT_TRUE(verified) << name << verified.error().Text();
    EXPECT_EQ(json::parse(*verified)["id"], "1234567890");
  }

  const json priors = Load("sicpa/from_prior_jwt.json");
  const std::string kid = "did:example:charlie#key-1";
  const auto key = people.publics.find(kid);
  ASSERT_NE(key, people.publics.end());
  ByteArray<512> scratch;
  const auto iss = ReadFromPrior(priors.at("FROM_PRIOR_JWT_FULL").get<std::string>(), "did:example:alice", kid,
                                 key->second, scratch);
  ASSERT_TRUE(iss) << iss.error().Text();
  EXPECT_EQ(*iss, "did:example:charlie");
  EXPECT_EQ(
      ReadFromPrior(priors.at("FROM_PRIOR_JWT_FULL").get<std::string>(), "did:example:bob", kid, key->second, scratch)
          .error()
          .code,
      Code::kWrongSender);
  EXPECT_EQ(ReadFromPrior(priors.at("FROM_PRIOR_JWT_INVALID_SIGNATURE").get<std::string>(), "did:example:alice", kid,
                          key->second, scratch)
                .error()
                .code,
            Code::kNotCanonical);
  EXPECT_EQ(ReadFromPrior(priors.at("FROM_PRIOR_JWT_INVALID").get<std::string>(), "did:example:alice", kid, key->second,
                          scratch)
                .error()
                .code,
            Code::kMalformed);
}

}  // namespace
}  // namespace keel::wallet
