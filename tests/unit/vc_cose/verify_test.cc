// SPDX-License-Identifier: Apache-2.0
#include "vc/cose/verify.h"

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/json_strict.h"
#include "crypto/hosted/jwk.h"
#include "crypto/hosted/software_key_store.h"
#include "did/methods/key.h"
#include "vc/cbor/cbor.h"
#include "vc/cose/credential.h"

namespace keel::vc {
namespace {

using nlohmann::json;

constexpr UnixSeconds kNow = 1'790'000'000;

class Cose : public testing::Test {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }
  void SetUp() override {
    resolver_.Add("key", method_);
    Use(crypto::KeyType::kEd25519);
  }
  void Use(crypto::KeyType type) {
    key_ = *store_->Generate(type);
    maker_ = did::DidKey(*store_->Public(key_));
    kid_ = did::DidKeyUrl(*store_->Public(key_));
  }
  json Credential() const {
    return {{"@context", {"https://www.w3.org/ns/credentials/v2"}},
            {"type", {"VerifiableCredential"}},
            {"issuer", maker_},
            {"validUntil", "2030-01-01T00:00:00Z"},
            {"credentialSubject", {{"id", "did:example:device"}}}};
  }
  json Presentation() const {
    return {{"@context", {"https://www.w3.org/ns/credentials/v2"}},
            {"type", {"VerifiablePresentation"}},
            {"holder", maker_}};
  }
  base::ByteVec Sign(const json& document, const CoseHeaders& headers) {
    return *SignCoseSign1(headers, AsBytes(base::DumpJson(document)), *store_, key_);
  }
  CoseHeaders Headers(const std::string& kind = "vc") const {
    return {.content_type = "application/" + kind, .typ = "application/" + kind + "+cose", .kid = kid_, .claims = {}};
  }
  Verification Verify(const base::ByteVec& octets, VerifyOptions options = {}) {
    options.now = kNow;
    auto v = VerifyCose(AsText(octets), resolver_, options);
    EXPECT_TRUE(v.has_value()) << v.error().Text();
    return v.value_or(Verification());
  }
  void Refused(const base::ByteVec& octets, std::string_view check, const VerifyOptions& options = {}) {
    const Verification v = Verify(octets, options);
    const Check* found = v.Find(check);
    ASSERT_NE(found, nullptr) << check << " wasn't made; " << v.Reason();
    EXPECT_FALSE(found->ok) << check;
  }
  std::unique_ptr<crypto::SoftwareKeyStore> store_ = crypto::SoftwareKeyStore::CreateInMemory();
  did::KeyMethod method_;
  did::MethodResolver resolver_;
  crypto::KeyHandle key_;
  std::string maker_, kid_;
};

TEST_F(Cose, EveryAlgorithm) {
  for (const auto type :
       {crypto::KeyType::kEd25519, crypto::KeyType::kP256, crypto::KeyType::kP384, crypto::KeyType::kSecp256k1}) {
    Use(type);
    const Verification v = Verify(*IssueCose(Credential(), *store_, key_, kid_));
    EXPECT_TRUE(v.valid()) << v.Reason();
    EXPECT_EQ(v.form, "vc+cose");
    EXPECT_EQ(v.kid, kid_);
    EXPECT_EQ(v.credential.issuer, maker_);
    EXPECT_EQ(v.credential.json, base::DumpJson(Credential()));
  }
}

TEST_F(Cose, IssuesOnlyItsOwn) {
  json credential = Credential();
  credential["issuer"] = "did:example:other";
  EXPECT_EQ(IssueCose(credential, *store_, key_, kid_).error().code, Code::kInvalidArgument);
  credential = Credential();
  credential.erase("credentialSubject");
  EXPECT_EQ(IssueCose(credential, *store_, key_, kid_).error().code, Code::kInvalidArgument);
  json presentation = Presentation();
  presentation["holder"] = "did:example:other";
  EXPECT_EQ(PresentCose(presentation, {}, *store_, key_, kid_).error().code, Code::kInvalidArgument);
}

TEST_F(Cose, EveryOctetCounts) {
  const base::ByteVec good = *IssueCose(Credential(), *store_, key_, kid_);
  ASSERT_TRUE(Verify(good).valid());
  for (size_t i = 0; i < good.size(); ++i) {
    for (const int bit : {0x01, 0x80, 0x20}) {
      base::ByteVec changed = good;
      changed[i] = static_cast<uint8_t>(changed[i] ^ bit);
      const auto v = VerifyCose(AsText(changed), resolver_, {.now = kNow});
      EXPECT_FALSE(v && v->valid()) << "octet " << i;
    }
  }
}

TEST_F(Cose, TypesSayWhatItIs) {
  for (const char* typ :
       {"very/bad", "application/vc+jwt", "application/vp+cose", "vc", "application/cose", "a+cose"}) {
    CoseHeaders headers = Headers();
    headers.typ = typ;
    Refused(Sign(Credential(), headers), kCheckEnvelope);
  }
  for (const char* type : {"very/bad", "application/vp", "application/json", "application/vc+cose"}) {
    CoseHeaders headers = Headers();
    headers.content_type = type;
    Refused(Sign(Credential(), headers), kCheckEnvelope);
  }
  CoseHeaders headers = Headers();
  headers.typ.clear();
  EXPECT_TRUE(Verify(Sign(Credential(), headers)).valid());
  headers.content_type.clear();
  Refused(Sign(Credential(), headers), kCheckEnvelope);
  headers.typ = "vc+cose";
  EXPECT_TRUE(Verify(Sign(Credential(), headers)).valid());
  Refused(Sign(Presentation(), Headers("vc")), kCheckModel);
  Refused(Sign(Credential(), Headers("vp")), kCheckModel);
  const base::ByteVec tagged = Sign(Credential(), Headers());
  Refused(base::ByteVec(tagged.begin() + 1, tagged.end()), kCheckEnvelope);
}

// A signature that holds, by an algorithm that it doesn't cover.
TEST_F(Cose, TheAlgorithmIsSigned) {
  using Pair = std::pair<base::ByteVec, base::ByteVec>;
  const std::string payload = base::DumpJson(Credential());
  const auto message = [&](bool inside) {
    std::vector<Pair> signed_ones = {{CborUint(16), CborText("application/vc+cose")},
                                     {CborUint(4), CborBytes(AsBytes(kid_))}};
    if (inside) signed_ones.emplace_back(CborUint(1), CborInt(-8));
    CborWriter header, outside;
    EXPECT_TRUE(header.SortedMap(signed_ones));
    EXPECT_TRUE(outside.SortedMap(inside ? std::vector<Pair>() : std::vector<Pair>{{CborUint(1), CborInt(-8)}}));
    const base::ByteVec to_sign =
        CborWriter().Array(4).Text("Signature1").Bytes(header.bytes()).Bytes({}).Bytes(AsBytes(payload)).Take();
    base::ByteVec signature(64);
    EXPECT_TRUE(store_->Sign(key_, to_sign, signature));
    return CborWriter()
        .Tag(18)
        .Array(4)
        .Bytes(header.bytes())
        .Encoded(outside.bytes())
        .Bytes(AsBytes(payload))
        .Bytes(signature)
        .Take();
  };
  EXPECT_TRUE(Verify(message(true)).valid()) << Verify(message(true)).Reason();
  Refused(message(false), kCheckEnvelope);
}

TEST_F(Cose, KeysAndIssuers) {
  CoseHeaders headers = Headers();
  headers.kid = maker_ + "#other";
  Refused(Sign(Credential(), headers), kCheckIssuer);
  headers.kid = "";
  Refused(Sign(Credential(), headers), kCheckIssuer);
  headers.kid = "\xff\xfe";
  Refused(Sign(Credential(), headers), kCheckEnvelope);
  const std::string maker = maker_, kid = kid_;
  Use(crypto::KeyType::kEd25519);  // Mallory
  headers.kid = kid_;
  json credential = Credential();
  credential["issuer"] = maker;
  Refused(Sign(credential, headers), kCheckIssuer);
  headers.kid = kid;
  Refused(Sign(credential, headers), kCheckSignature);
}

TEST_F(Cose, AnIssuerOnTheWebNeedsAGivenKey) {
  json credential = Credential();
  credential["issuer"] = "https://issuer.example";
  CoseHeaders headers = Headers();
  headers.kid = "key-1";
  const base::ByteVec octets = Sign(credential, headers);
  EXPECT_EQ(VerifyCose(AsText(octets), resolver_, {.now = kNow}).error().code, Code::kUnavailable);
  VerifyOptions options;
  options.given_keys = {*store_->Public(key_)};
  EXPECT_TRUE(Verify(octets, options).valid());
  options.given_keys = {*store_->Public(*store_->Generate(crypto::KeyType::kEd25519))};
  Refused(octets, kCheckSignature, options);
}

TEST_F(Cose, ClaimsInTheHeader) {
  CoseHeaders headers = Headers();
  headers.claims.issuer = maker_;
  headers.claims.subject = "did:example:device";
  headers.claims.expires = kNow + 100;
  EXPECT_TRUE(Verify(Sign(Credential(), headers)).valid());
  headers.claims.expires = kNow - 3600;
  Refused(Sign(Credential(), headers), kCheckValidity);
  headers = Headers();
  headers.claims.not_before = kNow + 3600;
  Refused(Sign(Credential(), headers), kCheckValidity);
  headers = Headers();
  headers.claims.issuer = "did:example:other";
  Refused(Sign(Credential(), headers), kCheckModel);
  headers = Headers();
  headers.claims.subject = "did:example:other";
  Refused(Sign(Credential(), headers), kCheckModel);
}

TEST_F(Cose, PayloadsAndTimes) {
  json credential = Credential();
  credential["validUntil"] = "2020-01-01T00:00:00Z";
  Refused(Sign(credential, Headers()), kCheckValidity);
  Refused(*SignCoseSign1(Headers(), AsBytes("no json"), *store_, key_), kCheckModel);
  Refused(*SignCoseSign1(Headers(), AsBytes(R"({"a":1,"a":2})"), *store_, key_), kCheckModel);
  Refused(*SignCoseSign1(Headers(), {}, *store_, key_), kCheckModel);
}

TEST_F(Cose, Presentations) {
  CwtClaims bound;
  bound.audience = "did:example:owner";
  bound.nonce = "n-1";
  bound.expires = kNow + 60;
  const base::ByteVec octets = *PresentCose(Presentation(), bound, *store_, key_, kid_);
  VerifyOptions options;
  options.audience = "did:example:owner";
  options.nonce = "n-1";
  const Verification v = Verify(octets, options);
  EXPECT_TRUE(v.valid()) << v.Reason();
  EXPECT_TRUE(v.presentation);
  EXPECT_EQ(v.form, "vp+cose");
  EXPECT_EQ(v.holder, maker_);
  options.nonce = "n-2";
  Refused(octets, kCheckNonce, options);
  options.audience = "did:example:other";
  Refused(octets, kCheckAudience, options);
  Refused(*PresentCose(Presentation(), {}, *store_, key_, kid_), kCheckNonce, options);
  bound.expires = kNow - 3600;
  Refused(*PresentCose(Presentation(), bound, *store_, key_, kid_), kCheckValidity);
  CoseHeaders headers = Headers("vp");
  headers.claims.issuer = "did:example:other";
  Refused(Sign(Presentation(), headers), kCheckModel);
}

// The COSE inputs of W3C's VC-JOSE-COSE test suite.
class W3cCose : public testing::Test {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }
  static std::string Text(const std::string& name) {
    std::string text = *base::ReadFile(std::string(KEEL_SOURCE_DIR) + "/tests/vectors/vc-jose/" + name);
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
  }
  void SetUp() override {
    json document = {{"id", "https://example.issuer/vc-jose-cose"}};
    for (const char* name : {"vm-p256", "vm-p384", "vm-p521", "vm-ed25519"}) {
      json method = *base::ParseJson(Text(std::string(name) + ".json"));
      method.erase("secretKeyJwk");
      document["assertionMethod"].push_back(method["id"]);
      document["authentication"].push_back(method["id"]);
      document["verificationMethod"].push_back(std::move(method));
    }
    resolver_.Add(*did::DidDocument::FromJson(document));
  }
  Verification Of(const std::string& name, std::vector<crypto::PublicKey> given = {}) {
    std::string text = Text(name);
    text.resize((text.size() + 3) / 4 * 4, '=');
    auto v = VerifyCose(AsText(*base::FromBase64(text)), resolver_, {.now = kNow, .given_keys = std::move(given)});
    EXPECT_TRUE(v.has_value()) << name << v.error().Text();
    return v.value_or(Verification());
  }
  did::StaticResolver resolver_;
};

TEST_F(W3cCose, Good) {
  const Verification v = Of("credential-cose-minimal.txt");
  EXPECT_TRUE(v.valid()) << v.Reason();
  const auto hex = *base::FromHex(Text("credential-cose-minimal-not-base64.txt"));
  EXPECT_TRUE(VerifyCose(AsText(hex), resolver_, {.now = kNow})->valid());
  // The suite's holder is a DID that leads to nothing: the key must be given.
  const json key = (*base::ParseJson(Text("vm-p384.json")))["publicKeyJwk"];
  const Verification p = Of("presentation-cose-single.txt", {*crypto::PublicKeyFromJwk(key)});
  EXPECT_TRUE(p.valid()) << p.Reason();
  EXPECT_TRUE(p.presentation);
}

TEST_F(W3cCose, Bad) {
  for (const char* name : {"credential-cose-bad-media-type.txt", "credential-cose-bad-signature.txt",
                           "presentation-cose-bad-media-type.txt"})
    EXPECT_FALSE(Of(name).valid()) << name;
  // Its envelope is right; what is in it is for VerifyAny.
  EXPECT_TRUE(Of("presentation-cose-bad-credential.txt").valid());
}

}  // namespace
}  // namespace keel::vc
