// SPDX-License-Identifier: Apache-2.0
#include "vc/cose/cose_sign1.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/json_strict.h"
#include "crypto/hosted/jwk.h"
#include "crypto/hosted/software_key_store.h"
#include "vc/cbor/cbor.h"

namespace keel::vc {
namespace {

using nlohmann::json;

constexpr size_t kMax = 1 << 16;

class Sign1 : public testing::Test {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }
  static base::ByteVec FromAnyHex(std::string hex) {
    std::transform(hex.begin(), hex.end(), hex.begin(), [](unsigned char c) { return std::tolower(c); });
    return *base::FromHex(hex);
  }
  static json Vector(const std::string& name) {
    return *base::ParseJson(*base::ReadFile(std::string(KEEL_SOURCE_DIR) + "/tests/vectors/cose/" + name + ".json"));
  }
  static crypto::PublicKey Key(const json& vector) {
    json key = vector["input"]["sign0"]["key"];
    for (const char* name : {"d", "d_hex", "kid", "use"}) key.erase(name);
    if (key.contains("x_hex")) {
      key["x"] = base::Base64Url(FromAnyHex(key["x_hex"].get<std::string>()));
      key.erase("x_hex");
    }
    return *crypto::PublicKeyFromJwk(key);
  }
  // Whether the vector's message is right; whatever can't be read isn't.
  static bool Right(const json& vector) {
    const auto message = CoseSign1::Parse(FromAnyHex(vector["output"]["cbor"].get<std::string>()), kMax);
    if (!message) return false;
    const std::string external = vector["input"]["sign0"].value("external", "");
    const auto verdict = VerifyCoseSign1(*message, Key(vector), FromAnyHex(external));
    return verdict && *verdict;
  }
  // A message whose four parts are given as encoded CBOR.
  static base::ByteVec Message(const base::ByteVec& protected_header, const base::ByteVec& unprotected) {
    return CborWriter()
        .Tag(18)
        .Array(4)
        .Bytes(protected_header)
        .Encoded(unprotected)
        .Bytes(AsBytes("{}"))
        .Bytes(ByteArray<64>{})
        .Take();
  }
  static Code CodeOf(const base::ByteVec& message) {
    const auto parsed = CoseSign1::Parse(message, kMax);
    return parsed ? Code::kOk : parsed.error().code;
  }
  static base::ByteVec Hex(std::string_view hex) { return *base::FromHex(hex); }
  const base::ByteVec none_ = {0xa0};
};

TEST_F(Sign1, VectorsThatPass) {
  for (const char* name :
       {"sign-pass-01", "sign-pass-02", "sign-pass-03", "ecdsa-sig-01", "ecdsa-sig-02", "eddsa-sig-01"})
    EXPECT_TRUE(Right(Vector(name))) << name;
  json external = Vector("sign-pass-02");
  external["input"]["sign0"].erase("external");
  EXPECT_FALSE(Right(external));
}

TEST_F(Sign1, VectorsThatFail) {
  for (const char* name :
       {"sign-fail-01", "sign-fail-02", "sign-fail-03", "sign-fail-04", "sign-fail-06", "sign-fail-07"})
    EXPECT_FALSE(Right(Vector(name))) << name;
  // ES512 with either curve and Ed448 are no algorithms of ours; they are refused by name.
  for (const char* name : {"ecdsa-sig-03", "ecdsa-sig-04"})
    EXPECT_EQ(CodeOf(FromAnyHex(Vector(name)["output"]["cbor"].get<std::string>())), Code::kAlgorithmNotAllowed);
}

TEST_F(Sign1, WritesWhatTheVectorSigns) {
  // Ed25519 is deterministic: the whole message but for the headers' places is the vector's.
  const json vector = Vector("eddsa-sig-01");
  auto store = crypto::SoftwareKeyStore::CreateInMemory();
  const auto key = *store->Import(crypto::KeyType::kEd25519,
                                  FromAnyHex(vector["input"]["sign0"]["key"]["d_hex"].get<std::string>()));
  const auto message = *SignCoseSign1({}, AsBytes("This is the content."), *store, key);
  const auto parsed = *CoseSign1::Parse(message, kMax);
  EXPECT_EQ(base::Hex(parsed.protected_header), "a10127");
  EXPECT_TRUE(*VerifyCoseSign1(parsed, Key(vector)));
  // What is signed, octet for octet: the vector's Sig_structure has a content type in the header.
  const auto theirs = *CoseSign1::Parse(FromAnyHex(vector["output"]["cbor"].get<std::string>()), kMax);
  EXPECT_TRUE(*VerifyCoseSign1(theirs, Key(vector)));
  EXPECT_EQ(base::Hex(message).substr(0, 14), "d28443a10127a0");
}

TEST_F(Sign1, EveryAlgorithm) {
  auto store = crypto::SoftwareKeyStore::CreateInMemory();
  for (const auto type :
       {crypto::KeyType::kEd25519, crypto::KeyType::kP256, crypto::KeyType::kP384, crypto::KeyType::kSecp256k1}) {
    const auto key = *store->Generate(type);
    CoseHeaders headers{.content_type = "application/vc", .typ = "application/vc+cose", .kid = "k", .claims = {}};
    headers.claims.issuer = "did:example:i";
    headers.claims.expires = 7;
    const auto message = *SignCoseSign1(headers, AsBytes("{}"), *store, key, AsBytes("aad"));
    const auto parsed = CoseSign1::Parse(message, kMax);
    ASSERT_TRUE(parsed.has_value()) << parsed.error().Text();
    EXPECT_TRUE(parsed->tagged && parsed->protected_algorithm);
    EXPECT_EQ(parsed->headers.kid, "k");
    EXPECT_EQ(parsed->headers.typ, "application/vc+cose");
    EXPECT_EQ(parsed->headers.content_type, "application/vc");
    EXPECT_EQ(parsed->headers.claims.issuer, "did:example:i");
    EXPECT_EQ(parsed->headers.claims.expires, 7u);
    EXPECT_TRUE(*VerifyCoseSign1(*parsed, *store->Public(key), AsBytes("aad")));
    EXPECT_FALSE(*VerifyCoseSign1(*parsed, *store->Public(key)));
    EXPECT_FALSE(*VerifyCoseSign1(*parsed, *store->Public(*store->Generate(type)), AsBytes("aad")));
    const auto other =
        *store->Generate(type == crypto::KeyType::kP256 ? crypto::KeyType::kP384 : crypto::KeyType::kP256);
    EXPECT_EQ(VerifyCoseSign1(*parsed, *store->Public(other), AsBytes("aad")).error().code, Code::kAlgorithmNotAllowed);
  }
  EXPECT_FALSE(SignCoseSign1({}, {}, *store, *store->Generate(crypto::KeyType::kX25519)));
}

TEST_F(Sign1, Headers) {
  EXPECT_EQ(CodeOf(Message(Hex("a10126"), none_)), Code::kOk);
  EXPECT_EQ(CodeOf(Message(Hex("a10128"), none_)), Code::kOk);  // ESP256
  EXPECT_EQ(CodeOf(Message({}, Hex("a10126"))), Code::kOk);
  EXPECT_FALSE(CoseSign1::Parse(Message({}, Hex("a10126")), kMax)->protected_algorithm);
  EXPECT_EQ(CodeOf(Message({}, none_)), Code::kAlgorithmNotAllowed);
  EXPECT_EQ(CodeOf(Message(none_, none_)), Code::kAlgorithmNotAllowed);
  EXPECT_EQ(CodeOf(Message(Hex("a1013903e6"), none_)), Code::kAlgorithmNotAllowed);
  EXPECT_EQ(CodeOf(Message(Hex("a10105"), none_)), Code::kAlgorithmNotAllowed);            // HMAC
  EXPECT_EQ(CodeOf(Message(Hex("a101654553323536"), none_)), Code::kAlgorithmNotAllowed);  // "ES256"
  EXPECT_EQ(CodeOf(Message(Hex("a201260126"), none_)), Code::kDuplicate);
  EXPECT_EQ(CodeOf(Message(Hex("a10126"), Hex("a10126"))), Code::kDuplicate);
  EXPECT_EQ(CodeOf(Message(Hex("a2012604416b"), Hex("a104416b"))), Code::kDuplicate);
  EXPECT_EQ(CodeOf(Message(Hex("a20416b60126"), none_)), Code::kMalformed);
  EXPECT_EQ(CodeOf(Message(Hex("a2012604616b"), none_)), Code::kMalformed);  // kid is octets
  EXPECT_EQ(CodeOf(Message(Hex("a10126ff"), none_)), Code::kMalformed);      // more after the map
  EXPECT_EQ(CodeOf(Message(Hex("8101"), none_)), Code::kMalformed);
  EXPECT_EQ(CodeOf(Message(Hex("a1410126"), none_)), Code::kMalformed);  // a label of octets
  // crit: known labels only, in the protected header, not empty.
  EXPECT_EQ(CodeOf(Message(Hex("a20126028101"), none_)), Code::kOk);
  EXPECT_EQ(CodeOf(Message(Hex("a2012602811863"), none_)), Code::kUnsupported);
  EXPECT_EQ(CodeOf(Message(Hex("a2012602816178"), none_)), Code::kUnsupported);
  EXPECT_EQ(CodeOf(Message(Hex("a201260280"), none_)), Code::kMalformed);
  EXPECT_EQ(CodeOf(Message(Hex("a10126"), Hex("a1028101"))), Code::kMalformed);
  // typ, content type and claims that nobody signed count for nothing.
  const auto unsigned_typ = *CoseSign1::Parse(Message(Hex("a10126"), Hex("a210617803617a")), kMax);
  EXPECT_EQ(unsigned_typ.headers.typ, "");
  EXPECT_EQ(unsigned_typ.headers.content_type, "");
  // CWT claims: of their kinds, each once, unknown ones passed over.
  EXPECT_EQ(CodeOf(Message(Hex("a201260fa20161780401"), none_)), Code::kOk);
  EXPECT_EQ(CodeOf(Message(Hex("a201260fa10101"), none_)), Code::kMalformed);
  EXPECT_EQ(CodeOf(Message(Hex("a201260fa204010402"), none_)), Code::kDuplicate);
  EXPECT_EQ(CodeOf(Message(Hex("a201260fa1186380"), none_)), Code::kOk);
}

TEST_F(Sign1, Shapes) {
  const base::ByteVec good = Message(Hex("a10126"), none_);
  for (size_t n = 0; n < good.size(); ++n)
    EXPECT_NE(CodeOf(base::ByteVec(good.begin(), good.begin() + static_cast<ptrdiff_t>(n))), Code::kOk) << n;
  base::ByteVec longer = good;
  longer.push_back(0);
  EXPECT_EQ(CodeOf(longer), Code::kMalformed);
  EXPECT_EQ(CodeOf(Hex("d18443a10126a0425b5d4100")), Code::kMalformed);      // tag 17
  EXPECT_EQ(CodeOf(Hex("d28343a10126a0425b5d")), Code::kMalformed);          // three elements
  EXPECT_EQ(CodeOf(Hex("d28443a10126a0f64100")), Code::kUnsupported);        // detached
  EXPECT_EQ(CodeOf(Hex("d28443a10126a0625b5d4100")), Code::kMalformed);      // a text as payload
  EXPECT_EQ(CodeOf(Hex("d29f43a10126a0425b5d4100ff")), Code::kUnsupported);  // indefinite length
  EXPECT_EQ(CoseSign1::Parse(good, good.size() - 1).error().code, Code::kTooLarge);
}

}  // namespace
}  // namespace keel::vc
