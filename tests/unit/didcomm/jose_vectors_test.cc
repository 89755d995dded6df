// SPDX-License-Identifier: Apache-2.0
#include "crypto/aead.h"
#include "crypto/hosted/aes_gcm.h"
#include "crypto/hosted/jwk.h"
#include "did/jose.h"
#include "tests/unit/didcomm/people.h"

// Published JOSE vectors: Wycheproof's json_web_* files and the cookbook (RFC 7520, 7797, 8037). Where the algorithm is
// one of ours a valid case must be accepted; where it is not, the refusal must name that. Every invalid case is
// refused.
namespace keel::didcomm {
namespace {

using nlohmann::json;

bool NamesTheAlgorithm(Code code) { return code == Code::kAlgorithmNotAllowed || code == Code::kUnsupported; }

struct Tally {
  int accepted = 0, refused_algorithm = 0, refused_invalid = 0;
};

class JoseVectors : public testing::Test {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }

  // A public JWK of what may hold a private one too.
  static json PublicHalf(json jwk) {
    jwk.erase("d");
    return jwk;
  }

  // The key that a JWS is to be checked with, of a JWK or a JWK set; by kid where there are several.
  static Result<json> KeyOf(const json& group, const did::Jws& jws) {
    const json& given = group.contains("public") ? group["public"] : group["private"];
    if (!given.contains("keys")) return PublicHalf(given);
    Result<json> found = Fail(Code::kNoSuchKey, "test");
    for (const json& key : given["keys"]) {
      if (given["keys"].size() > 1 && key.value("kid", "") != jws.kid) continue;
      if (found) return Fail(Code::kDuplicate, "test");
      found = PublicHalf(key);
    }
    return found;
  }

  static Result<bool> VerifyCompact(const json& group, const json& text) {
    if (!text.is_string()) return Fail(Code::kMalformed, "test");
    KEEL_TRY(const did::Jws jws, did::Jws::Parse(text.get<std::string>()));
    KEEL_TRY(const json jwk, KeyOf(group, jws));
    KEEL_TRY(const crypto::PublicKey key, crypto::PublicKeyFromJwk(jwk, crypto::JwkUse::kVerify));
    return did::VerifyJws(jws, key);
  }

  // As DIDComm would meet it: the compact form's parts in JWE JSON.
  static std::string General(const std::string& compact, const std::string& kid) {
    std::vector<std::string> part(1);
    for (const char c : compact) {
      if (c == '.') {
        part.emplace_back();
      } else {
        part.back() += c;
      }
    }
    part.resize(5);
    return base::DumpJson({{"protected", part[0]},
                           {"recipients", {{{"header", {{"kid", kid}}}, {"encrypted_key", part[1]}}}},
                           {"iv", part[2]},
                           {"ciphertext", part[3]},
                           {"tag", part[4]}});
  }

  // ECDH-ES+A256KW without party info, put together from our parts (DIDComm itself demands apv).
  static Result<std::string> OpenCompact(const json& jwk, const std::string& compact) {
    const json whole = *base::ParseJson(General(compact, "k"));
    const std::string protected_b64 = whole["protected"];
    KEEL_TRY(const base::ByteVec header_octets, base::FromBase64Url(protected_b64));
    KEEL_TRY(const json header, base::ParseJson(AsText(header_octets)));
    if (header.value("alg", "") != "ECDH-ES+A256KW") return Fail(Code::kAlgorithmNotAllowed, "test");
    KEEL_TRY(const crypto::PublicKey epk, crypto::PublicKeyFromJwk(header.value("epk", json())));
    auto store = crypto::SoftwareKeyStore::CreateInMemory();
    KEEL_TRY(const crypto::KeyHandle own,
             crypto::ImportSecret(*store, {{"id", "k"}, {"type", "JsonWebKey2020"}, {"privateKeyJwk", jwk}}));
    crypto::WideSecret z;
    KEEL_TRY(z.length, store->AgreeWide(own, epk, z.octets.MutableSecret()));
    SecretBytes<32> kek;
    KEEL_TRY_VOID(DeriveKek(z.ExposeSecret(), "ECDH-ES+A256KW", {}, {}, {}, kek.MutableSecret()));
    KEEL_TRY(const base::ByteVec wrapped, base::GetBytes(whole["recipients"][0], "encrypted_key"));
    ByteArray<64> cek;
    KEEL_TRY(const size_t length, crypto::AesKwUnwrap(crypto::kOpenSslAes, kek.ExposeSecret(), wrapped, cek));
    KEEL_TRY(const base::ByteVec iv, base::GetBytes(whole, "iv"));
    KEEL_TRY(const base::ByteVec ciphertext, base::GetBytes(whole, "ciphertext"));
    KEEL_TRY(const base::ByteVec tag, base::GetBytes(whole, "tag"));
    base::ByteVec plain(ciphertext.size());
    const std::string enc = header.value("enc", "");
    Result<size_t> opened = Fail(Code::kAlgorithmNotAllowed, "test");
    const ByteView key = ByteView(cek).first(length);
    if (enc == "A256GCM") {
      opened = crypto::Aes256GcmDecrypt(key, iv, AsBytes(protected_b64), ciphertext, tag, plain);
    } else if (enc == "A256CBC-HS512") {
      opened = crypto::CbcHmacDecrypt(crypto::kOpenSslAes, key, iv, AsBytes(protected_b64), ciphertext, tag, plain);
    }
    KEEL_TRY(const size_t n, opened);
    return base::ToString(ByteView(plain).first(n));
  }

  static std::string HeaderText(const std::string& compact) {
    const auto octets = base::FromBase64Url(std::string_view(compact).substr(0, compact.find('.')));
    return octets ? base::ToString(*octets) : std::string();
  }
};

// Signatures of the three files; what is expected of the accepted ones is counted, so that none is left out silently.
TEST_F(JoseVectors, WycheproofSignatures) {
  for (const auto& [name, accepted] : std::vector<std::pair<std::string, int>>{
           {"json_web_signature", 2}, {"json_web_crypto", 1}, {"json_web_key", 0}}) {
    Tally tally;
    const json file = LoadVector("wycheproof/" + name + "_test.json");
    for (const json& group : file["testGroups"]) {
      for (const json& test : group["tests"]) {
        if (!test.contains("jws")) continue;
        const auto good = VerifyCompact(group, test["jws"]);
        const std::string what = name + " " + test["tcId"].dump() + " " + test["comment"].get<std::string>();
        if (test["result"] != "valid") {
          EXPECT_FALSE(good && *good) << what;
          ++tally.refused_invalid;
        } else if (good) {
          EXPECT_TRUE(*good) << what;
          ++tally.accepted;
        } else {
          // Two HMACs are over text that isn't base64url: refused for that before their algorithm is seen.
          const bool hmac = group["private"].value("kty", "") == "oct";
          EXPECT_TRUE(NamesTheAlgorithm(good.error().code) || (hmac && good.error().code == Code::kMalformed))
              << what << good.error().Text();
          const std::string header = HeaderText(test["jws"]);
          for (const char* ours : {"ES256\"", "ES256K", "ES384", "EdDSA"})
            EXPECT_EQ(header.find(ours), std::string::npos) << what;
          ++tally.refused_algorithm;
        }
      }
    }
    std::printf("  %s: %d accepted, %d refused for their algorithm, %d invalid refused\n", name.c_str(), tally.accepted,
                tally.refused_algorithm, tally.refused_invalid);
    EXPECT_EQ(tally.accepted, accepted) << name;
  }
}

TEST_F(JoseVectors, WycheproofEncryption) {
  for (const auto& [name, accepted] :
       std::vector<std::pair<std::string, int>>{{"json_web_encryption", 2}, {"json_web_crypto", 0}}) {
    Tally tally;
    const json file = LoadVector("wycheproof/" + name + "_test.json");
    for (const json& group : file["testGroups"]) {
      for (const json& test : group["tests"]) {
        if (!test.contains("jwe")) continue;
        const std::string what = name + " " + test["tcId"].dump() + " " + test["comment"].get<std::string>();
        if (!test["jwe"].is_string()) {
          EXPECT_FALSE(Envelope::Parse(base::DumpJson(test["jwe"]))) << what;
          ++tally.refused_invalid;
          continue;
        }
        const std::string compact = test["jwe"];
        // DIDComm's reader takes none of them: the algorithm, or the apv that is not there.
        const auto envelope = Envelope::Parse(General(compact, "k"));
        ASSERT_FALSE(envelope) << what;
        const auto opened = OpenCompact(group["private"], compact);
        if (test["result"] != "valid") {
          EXPECT_FALSE(opened) << what;
          ++tally.refused_invalid;
        } else if (opened) {
          EXPECT_EQ(base::Hex(AsBytes(*opened)), test["pt"].get<std::string>()) << what;
          EXPECT_EQ(envelope.error().code, Code::kMissing) << what << envelope.error().Text();
          ++tally.accepted;
        } else {
          EXPECT_EQ(opened.error().code, Code::kAlgorithmNotAllowed) << what << opened.error().Text();
          EXPECT_TRUE(NamesTheAlgorithm(envelope.error().code)) << what << envelope.error().Text();
          ++tally.refused_algorithm;
        }
      }
    }
    std::printf("  %s: %d accepted, %d refused for their algorithm, %d invalid refused\n", name.c_str(), tally.accepted,
                tally.refused_algorithm, tally.refused_invalid);
    EXPECT_EQ(tally.accepted, accepted) << name;
  }
}

// The cookbook has one signature algorithm of ours only (EdDSA, in RFC 8037's part); all the others are refused by
// name.
TEST_F(JoseVectors, CookbookSignatures) {
  int refused = 0;
  for (const char* name :
       {"jws/4_1.rsa_v15_signature", "jws/4_2.rsa-pss_signature", "jws/4_3.ecdsa_signature",
        "jws/4_4.hmac-sha2_integrity_protection", "rfc7797/4.2.hmac-sha2_b64_false", "rfc7797/hmac-sha2_b64_false"}) {
    const json vector = LoadVector("jose/" + std::string(name) + ".json");
    const json& output = vector["output"];
    if (!output.contains("compact")) continue;
    const auto jws = did::Jws::Parse(output["compact"].get<std::string>());
    ASSERT_FALSE(jws) << name;
    EXPECT_TRUE(NamesTheAlgorithm(jws.error().code) || jws.error().code == Code::kMalformed) << jws.error().Text();
    ++refused;
  }
  EXPECT_GE(refused, 4);
  // As messages: not one of the general or flattened ones is taken.
  did::StaticResolver nobody;
  did::MapKeyFinder none;
  for (const char* name :
       {"4_1.rsa_v15_signature", "4_3.ecdsa_signature", "4_5.signature_with_detached_content",
        "4_6.protecting_specific_header_fields", "4_7.protecting_content_only", "4_8.multiple_signatures"}) {
    const json output = LoadVector("jose/jws/" + std::string(name) + ".json")["output"];
    for (const char* form : {"json", "json_flat"}) {
      if (output.contains(form)) {
        EXPECT_FALSE(Unpack(base::DumpJson(output[form]), none, nobody)) << name << form;
      }
    }
  }
  EXPECT_TRUE(Unpack(R"({"id":"1","type":"t","body":{}})", none, nobody));
}

TEST_F(JoseVectors, CookbookEncryption) {
  int refused = 0;
  for (const char* name :
       {"5_1.key_encryption_using_rsa_v15_and_aes-hmac-sha2", "5_2.key_encryption_using_rsa-oaep_with_aes-gcm",
        "5_3.key_wrap_using_pbes2-aes-keywrap_with-aes-cbc-hmac-sha2",
        "5_4.key_agreement_with_key_wrapping_using_ecdh-es_and_aes-keywrap_with_aes-gcm",
        "5_5.key_agreement_using_ecdh-es_with_aes-cbc-hmac-sha2", "5_6.direct_encryption_using_aes-gcm",
        "5_7.key_wrap_using_aes-gcm_keywrap_with_aes-cbc-hmac-sha2", "5_8.key_wrap_using_aes-keywrap_with_aes-gcm",
        "5_9.compressed_content", "5_10.including_additional_authentication_data",
        "5_11.protecting_specific_header_fields", "5_12.protecting_content_only",
        "5_13.encrypting_to_multiple_recipients"}) {
    const json output = LoadVector("jose/jwe/" + std::string(name) + ".json")["output"];
    if (output.contains("compact")) {
      const auto envelope = Envelope::Parse(General(output["compact"], "k"));
      ASSERT_FALSE(envelope) << name;
      EXPECT_TRUE(NamesTheAlgorithm(envelope.error().code)) << name << envelope.error().Text();
      ++refused;
    }
    for (const char* form : {"json", "json_flat"}) {
      if (output.contains(form)) {
        EXPECT_FALSE(Envelope::Parse(base::DumpJson(output[form]))) << name << form;
        ++refused;
      }
    }
  }
  EXPECT_GE(refused, 25);
  // RFC 8037's agreement: theirs derives a content key directly; ours agrees with it on Z and on the KDF's form.
  const json x25519 = LoadVector("jose/curve25519/ecdh-es.json");
  const auto envelope = Envelope::Parse(General(x25519["output"]["compact"], "k"));
  ASSERT_FALSE(envelope);
  EXPECT_EQ(envelope.error().code, Code::kAlgorithmNotAllowed);
}

// RFC 7520 section 5.4: P-384, every value between; A128KW there, so that only the key's length and the name differ.
TEST_F(JoseVectors, CookbookKeyAgreementOnP384) {
  const json vector =
      LoadVector("jose/jwe/5_4.key_agreement_with_key_wrapping_using_ecdh-es_and_aes-keywrap_with_aes-gcm.json");
  auto store = crypto::SoftwareKeyStore::CreateInMemory();
  const auto own = crypto::ImportSecret(
      *store, {{"id", "k"}, {"type", "JsonWebKey2020"}, {"privateKeyJwk", vector["input"]["key"]}});
  ASSERT_TRUE(own) << own.error().Text();
  const auto epk = crypto::PublicKeyFromJwk(PublicHalf(vector["encrypting_key"]["epk"]));
  ASSERT_TRUE(epk);
  const auto other = crypto::ImportSecret(
      *store, {{"id", "e"}, {"type", "JsonWebKey2020"}, {"privateKeyJwk", vector["encrypting_key"]["epk"]}});
  ASSERT_TRUE(other);
  crypto::WideSecret z, again;
  z.length = *store->AgreeWide(*own, *epk, z.octets.MutableSecret());
  again.length = *store->AgreeWide(*other, *store->Public(*own), again.octets.MutableSecret());
  EXPECT_EQ(z.length, 48u);
  EXPECT_TRUE(z.SameAs(again));
}

TEST_F(JoseVectors, CookbookKeys) {
  const auto key = crypto::PublicKeyFromJwk(LoadVector("jose/jwk/3_1.ec_public_key.json"));
  ASSERT_TRUE(key) << key.error().Text();
  EXPECT_EQ(key->type(), crypto::KeyType::kP521);
  std::string text;
  crypto::AppendJwk(text, *key);
  EXPECT_EQ(base::DumpJson(crypto::PublicKeyToJwk(*key)), text);
  auto store = crypto::SoftwareKeyStore::CreateInMemory();
  const auto own = crypto::ImportSecret(
      *store,
      {{"id", "k"}, {"type", "JsonWebKey2020"}, {"privateKeyJwk", LoadVector("jose/jwk/3_2.ec_private_key.json")}});
  ASSERT_TRUE(own) << own.error().Text();
  EXPECT_EQ(*store->Public(*own), *key);
  for (const char* name : {"3_3.rsa_public_key", "3_5.symmetric_key_mac_computation", "3_6.symmetric_key_encryption"}) {
    EXPECT_EQ(crypto::PublicKeyFromJwk(LoadVector("jose/jwk/" + std::string(name) + ".json")).error().code,
              Code::kUnsupported)
        << name;
  }
  EXPECT_EQ(crypto::PublicKeyFromJwk(LoadVector("jose/jwk/3_4.rsa_private_key.json")).error().code, Code::kUsage);
  // What a key says of itself binds.
  json jwk = crypto::PublicKeyToJwk(*store->Public(*store->Generate(crypto::KeyType::kP256)));
  EXPECT_TRUE(crypto::PublicKeyFromJwk(jwk, crypto::JwkUse::kVerify));
  EXPECT_TRUE(crypto::PublicKeyFromJwk(jwk, crypto::JwkUse::kAgree));
  struct Case {
    const char *member, *value;
    bool verify, agree;
  };
  for (const Case& c :
       {Case{"use", "\"sig\"", true, false}, Case{"use", "\"enc\"", false, true}, Case{"use", "1", false, false},
        Case{"alg", "\"ES256\"", true, false}, Case{"alg", "\"ES384\"", false, false},
        Case{"alg", "\"ECDH-ES+A256KW\"", false, true}, Case{"key_ops", "[\"verify\"]", true, false},
        Case{"key_ops", "[\"deriveKey\"]", false, true}, Case{"key_ops", "[\"encrypt\"]", false, false},
        Case{"key_ops", "[]", false, true}, Case{"key_ops", "\"verify\"", false, false}}) {
    json with = jwk;
    with[c.member] = *base::ParseJson(c.value);
    EXPECT_EQ(crypto::PublicKeyFromJwk(with, crypto::JwkUse::kVerify).has_value(), c.verify) << c.member << c.value;
    EXPECT_EQ(crypto::PublicKeyFromJwk(with, crypto::JwkUse::kAgree).has_value(), c.agree) << c.member << c.value;
  }
}

}  // namespace
}  // namespace keel::didcomm
