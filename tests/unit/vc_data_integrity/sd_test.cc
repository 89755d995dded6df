// SPDX-License-Identifier: Apache-2.0
// ecdsa-sd-2023: the published vectors step by step, deriving, and the games that a holder could play.
#include <algorithm>

#include "tests/unit/vc_data_integrity/helpers.h"
#include "vc/cbor/cbor.h"
#include "vc/data_integrity/derive.h"
#include "vc/data_integrity/internal/hash_data.h"
#include "vc/data_integrity/internal/sd_proof.h"
#include "vc/data_integrity/internal/sd_transform.h"

namespace keel::vc {
namespace {

using internal::BaseProofValue;
using internal::DerivedProofValue;
using nlohmann::json;

class SdVectors : public DataIntegrityTest, public testing::WithParamInterface<const char*> {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }
  json Step(const std::string& name) const {
    return VectorJson(std::string("ecdsa/ecdsa-sd-2023/") + GetParam() + "/" + name + ".json");
  }
  std::vector<std::string> Pointers(const std::string& kind) const {
    return VectorJson("ecdsa/" + std::string(GetParam() == std::string("prc") ? "prCred" : "employ") + kind + ".json");
  }
  VerifyOptions Given() const {
    VerifyOptions options;
    options.contexts = &VectorContexts();
    return options;
  }
  // Holds but for the issuer, whose key it isn't in the vectors.
  void Holds(const json& derived, const std::string& what = {}) {
    const Verification verification = Verify(derived, Given());
    for (const Check& check : verification.checks) {
      EXPECT_EQ(check.ok, check.name != kCheckIssuer) << what << " " << check.name << ": " << check.detail;
    }
    EXPECT_NE(verification.Find(kCheckSignature), nullptr) << what;
    VerifyOptions given = Given();
    given.given_keys = {*crypto::PublicKey::FromMultikey(
        VectorJson("ecdsa/ecdsa-sd-2023/SDKeyMaterial.json")["baseKeyPair"]["publicKeyMultibase"].get<std::string>())};
    const Verification by_hand = Verify(derived, given);
    EXPECT_TRUE(by_hand.valid()) << by_hand.Reason();
  }
};

std::vector<size_t> Indexes(const json& map) {
  std::vector<size_t> out;
  for (const json& entry : map["value"]) out.push_back(entry[0].get<size_t>());
  return out;
}

TEST_P(SdVectors, CreateBase) {
  const json keys = VectorJson("ecdsa/ecdsa-sd-2023/SDKeyMaterial.json");
  const Signer base = Imported(keys["baseKeyPair"]["secretKeyMultibase"]);
  const Signer own = Imported(keys["proofKeyPair"]["secretKeyMultibase"]);
  Bytes32 hmac_key;
  std::string hex = keys["hmacKeyString"];
  std::transform(hex.begin(), hex.end(), hex.begin(), [](char c) { return static_cast<char>(std::tolower(c)); });
  const base::ByteVec octets = *base::FromHex(hex);
  std::copy(octets.begin(), octets.end(), hmac_key.begin());

  const json secured = Step("addSignedSDBase");
  json document = secured;
  document.erase("proof");
  const auto mandatory = Pointers("Mandatory");
  auto statements = internal::CanonicalizeAndGroup(document, hmac_key, {mandatory}, VectorContexts());
  ASSERT_TRUE(statements.has_value()) << statements.error().Text();
  EXPECT_EQ(json(statements->quads), Step("addBaseDocHMACCanon"));
  const json transform = Step("addBaseTransform");
  EXPECT_EQ(statements->groups[0], Indexes(transform["mandatory"]));

  json config = secured["proof"];
  config.erase("proofValue");
  json complete = config;
  complete["@context"] = document["@context"];
  auto canonical =
      internal::CanonicalForm(complete, Cryptosuite::kEcdsaSd2023, crypto::KeyType::kP256, VectorContexts());
  ASSERT_TRUE(canonical.has_value());
  EXPECT_EQ(Trimmed(*canonical),
            Trimmed(VectorText(std::string("ecdsa/ecdsa-sd-2023/") + GetParam() + "/addProofConfigCanon.txt")));
  std::vector<std::string> lines;
  for (const size_t index : statements->groups[0]) lines.push_back(statements->quads[index]);
  auto data = internal::SignedData(document, config, own.public_key, lines, VectorContexts());
  ASSERT_TRUE(data.has_value());
  const json hashes = Step("addHashData");
  EXPECT_EQ(base::Hex(*data), hashes["proofHash"].get<std::string>() +
                                  base::Hex(*internal::MultikeyOctets(own.public_key)) +
                                  hashes["mandatoryHash"].get<std::string>());

  // The published base proof, read, and written again to the octet.
  const std::string text = secured["proof"]["proofValue"];
  const base::ByteVec value = *base::FromBase64Url(std::string_view(text).substr(1));
  auto parsed = internal::ParseBase(value);
  ASSERT_TRUE(parsed.has_value()) << parsed.error().Text();
  const json info = Step("addRawBaseSignatureInfo");
  EXPECT_EQ(base::Hex(parsed->base_signature), info["baseSignature"]);
  EXPECT_EQ(base::Multikey(parsed->public_key), info["publicKey"]);
  ASSERT_EQ(parsed->signatures.size(), info["signatures"].size());
  EXPECT_EQ(parsed->hmac_key, hmac_key);
  EXPECT_EQ(parsed->mandatory_pointers, mandatory);
  EXPECT_EQ(*internal::SerializeBase(*parsed), value);

  // And one of ours with the same keys: other signatures (ECDSA's are random), which hold.
  auto ours = internal::CreateBase(document, config, mandatory, hmac_key, *store_, own.key, *store_, base.key,
                                   VectorContexts());
  ASSERT_TRUE(ours.has_value()) << ours.error().Text();
  ASSERT_EQ(ours->signatures.size(), parsed->signatures.size());
  json mine = secured;
  mine["proof"]["proofValue"] = "u" + base::Base64Url(*internal::SerializeBase(*ours));
  for (const json& credential : {secured, mine}) {
    auto derived = Derive(credential, Pointers("Selective"), &VectorContexts());
    ASSERT_TRUE(derived.has_value()) << derived.error().Text();
    Holds(*derived, credential == mine ? "ours" : "theirs");
  }
}

TEST_P(SdVectors, DeriveTheSameOctets) {
  auto derived = Derive(Step("addSignedSDBase"), Pointers("Selective"), &VectorContexts());
  ASSERT_TRUE(derived.has_value()) << derived.error().Text();
  EXPECT_EQ(*derived, Step("derivedRevealDocument"));
  const std::string text = (*derived)["proof"]["proofValue"];
  auto value = internal::ParseDerived(*base::FromBase64Url(std::string_view(text).substr(1)));
  ASSERT_TRUE(value.has_value()) << value.error().Text();
  const json wanted = Step("derivedDisclosureData");
  EXPECT_EQ(json(value->mandatory_indexes), wanted["mandatoryIndexes"]);
  EXPECT_EQ(value->signatures.size(), wanted["signatures"].size());
  EXPECT_EQ(*internal::SerializeDerived(*value), *base::FromBase64Url(std::string_view(text).substr(1)));
}

TEST_P(SdVectors, Verify) { Holds(Step("derivedRevealDocument")); }

INSTANTIATE_TEST_SUITE_P(W3c, SdVectors, testing::Values("prc", "employ"));

class SelectiveDisclosure : public DataIntegrityTest {
 protected:
  void SetUp() override {
    DataIntegrityTest::SetUp();
    issuer_ = Party(crypto::KeyType::kP256);
    document_ = Plain(issuer_.did);
    document_["credentialSubject"] = {{"id", "did:example:abcdefgh"},
                                      {"alumniOf", "The School of Examples"},
                                      {"degree", {{"type", "ExampleBachelorDegree"}, {"name", "Bachelor of Science"}}},
                                      {"marks", {{{"course", "a"}, {"mark", 1}}, {{"course", "b"}, {"mark", 2}}}},
                                      {"a/b~c", "escaped"}};
    document_["credentialStatus"] = {{"id", "https://maker.example/status/1#3"},
                                     {"type", "BitstringStatusListEntry"},
                                     {"statusPurpose", "revocation"},
                                     {"statusListIndex", "3"},
                                     {"statusListCredential", "https://maker.example/status/1"}};
    options_.ignore_status = true;
  }
  json Base(const std::vector<std::string>& mandatory = {}) {
    ProofOptions options = Options(Cryptosuite::kEcdsaSd2023, issuer_);
    options.mandatory_pointers = mandatory;
    return Secured(document_, options, issuer_);
  }
  json Disclosed(const json& credential, const std::vector<std::string>& pointers) {
    auto derived = Derive(credential, pointers, &VectorContexts());
    EXPECT_TRUE(derived.has_value()) << derived.error().Text();
    return derived.value_or(json());
  }
  static DerivedProofValue Value(const json& derived) {
    const std::string text = derived["proof"]["proofValue"];
    return internal::ParseDerived(*base::FromBase64Url(std::string_view(text).substr(1))).value();
  }
  static json With(json derived, const DerivedProofValue& value) {
    derived["proof"]["proofValue"] = "u" + base::Base64Url(*internal::SerializeDerived(value));
    return derived;
  }
  Signer issuer_;
  json document_;
};

TEST_F(SelectiveDisclosure, WhatIsDisclosed) {
  const json credential = Base();
  EXPECT_TRUE(credential["proof"]["proofValue"].get<std::string>().starts_with("u2V0A"));
  const json derived = Disclosed(credential, {"/credentialSubject/alumniOf"});
  Valid(derived);
  EXPECT_EQ(derived["credentialSubject"],
            (json{{"id", "did:example:abcdefgh"}, {"alumniOf", "The School of Examples"}}));
  // What no holder may leave out, though the issuer said nothing.
  for (const char* name : {"issuer", "validFrom", "validUntil", "credentialStatus", "id", "type", "@context"})
    EXPECT_EQ(derived[name], document_[name]) << name;
  EXPECT_TRUE(derived["proof"]["proofValue"].get<std::string>().starts_with("u2V0B"));

  const json some = Disclosed(credential, {"/credentialSubject/marks/1/mark", "/credentialSubject/degree/name"});
  Valid(some);
  EXPECT_EQ(some["credentialSubject"]["marks"], (json::array({{{"mark", 2}}})));
  EXPECT_EQ(some["credentialSubject"]["degree"], document_["credentialSubject"]["degree"]) << "with its type";
  Valid(Disclosed(credential, {"/credentialSubject"}), "all of it");
  Valid(Disclosed(credential, {"/credentialSubject/a~1b~0c"}), "escapes");
  Valid(Disclosed(credential, {"/credentialSubject/marks", "/credentialSubject/marks/0/course"}), "overlapping");
  Valid(Disclosed(Base({"/credentialSubject/alumniOf", "/issuer"}), {"/credentialSubject/degree"}));
}

TEST_F(SelectiveDisclosure, BaseProofsAreForHolders) { Fails(Base(), kCheckSignature, "", "base proof"); }

TEST_F(SelectiveDisclosure, PointersToNothing) {
  const json credential = Base();
  for (const char* pointer :
       {"", "credentialSubject", "/nothing", "/credentialSubject/marks/2", "/credentialSubject/marks/01",
        "/credentialSubject/marks/x", "/credentialSubject/alumniOf/x", "/credentialSubject/~", "/credentialSubject/~2",
        "/credentialSubject/marks/-1"}) {
    EXPECT_EQ(Derive(credential, {pointer}, &VectorContexts()).error().code, Code::kInvalidArgument) << pointer;
    ProofOptions options = Options(Cryptosuite::kEcdsaSd2023, issuer_);
    options.mandatory_pointers = {pointer};
    EXPECT_EQ(AddProof(document_, options, *store_, issuer_.key, &VectorContexts()).error().code,
              Code::kInvalidArgument)
        << pointer;
  }
}

TEST_F(SelectiveDisclosure, CredentialsWithoutABaseProof) {
  EXPECT_EQ(Derive(document_, {"/issuer"}, &VectorContexts()).error().code, Code::kMalformed);
  EXPECT_EQ(Derive(Secured(Cryptosuite::kEddsaJcs2022, maker_), {"/issuer"}, &VectorContexts()).error().code,
            Code::kMissing);
  const json derived = Disclosed(Base(), {"/credentialSubject"});
  EXPECT_EQ(Derive(derived, {"/issuer"}, &VectorContexts()).error().code, Code::kMissing) << "derived once only";
  json several = Base();
  several["proof"] = json::array({several["proof"], several["proof"]});
  EXPECT_EQ(Derive(several, {"/issuer"}, &VectorContexts()).error().code, Code::kDuplicate);
  json changed = Base();
  changed["name"] = "one statement more";
  EXPECT_EQ(Derive(changed, {"/credentialSubject"}, &VectorContexts()).error().code, Code::kConflict);
}

TEST_F(SelectiveDisclosure, HoldersGames) {
  const json derived = Disclosed(Base(), {"/credentialSubject/marks", "/credentialSubject/alumniOf"});
  Valid(derived);
  const DerivedProofValue good = Value(derived);
  ASSERT_GT(good.signatures.size(), 2u);
  ASSERT_FALSE(good.mandatory_indexes.empty());
  // A mandatory statement left out, or called optional.
  json changed = derived;
  changed.erase("validUntil");
  Fails(changed, kCheckSignature, "left out");
  DerivedProofValue value = good;
  value.mandatory_indexes.pop_back();
  Fails(With(derived, value), kCheckSignature, "called optional", "signatures for");
  value.signatures.push_back(good.signatures[0]);
  Fails(With(derived, value), kCheckSignature, "and signed with another signature");
  // An optional one called mandatory.
  value = good;
  size_t free = 0;
  while (std::find(good.mandatory_indexes.begin(), good.mandatory_indexes.end(), free) != good.mandatory_indexes.end())
    ++free;
  value.mandatory_indexes.push_back(free);
  std::sort(value.mandatory_indexes.begin(), value.mandatory_indexes.end());
  value.signatures.pop_back();
  Fails(With(derived, value), kCheckSignature, "called mandatory");
  // Statements changed, added, exchanged.
  changed = derived;
  changed["credentialSubject"]["alumniOf"] = "Another school";
  Fails(changed, kCheckSignature, "changed");
  changed = derived;
  changed["credentialSubject"]["name"] = "Mallory";
  Fails(changed, kCheckSignature, "added", "signatures for");
  changed = derived;
  std::swap(changed["credentialSubject"]["marks"][0]["mark"], changed["credentialSubject"]["marks"][1]["mark"]);
  Fails(changed, kCheckSignature, "the marks of two courses exchanged");
  // Signatures: fewer, more, swapped, another's.
  value = good;
  value.signatures.erase(value.signatures.begin());
  Fails(With(derived, value), kCheckSignature, "fewer", "signatures for");
  value = good;
  value.signatures.push_back(good.signatures[0]);
  Fails(With(derived, value), kCheckSignature, "more", "signatures for");
  value = good;
  std::swap(value.signatures[0], value.signatures[1]);
  Fails(With(derived, value), kCheckSignature, "swapped");
  for (size_t i = 0; i < 64; i += 9) {
    value = good;
    value.base_signature[i] ^= 1;
    Fails(With(derived, value), kCheckSignature, "base signature");
    value = good;
    value.signatures[0][i] ^= 1;
    Fails(With(derived, value), kCheckSignature, "a signature");
  }
  // Labels: gone, more, exchanged, changed.
  ASSERT_GE(good.labels.size(), 2u);
  value = good;
  value.labels.erase(value.labels.begin());
  Fails(With(derived, value), kCheckSignature, "a label less", "labels");
  value = good;
  value.labels[99] = Bytes32{};
  Fails(With(derived, value), kCheckSignature, "a label more", "labels");
  value = good;
  std::swap(value.labels.begin()->second, std::next(value.labels.begin())->second);
  Fails(With(derived, value), kCheckSignature, "exchanged");
  value = good;
  value.labels.begin()->second = std::next(value.labels.begin())->second;
  Fails(With(derived, value), kCheckSignature, "two nodes with one label");
  // The proof's own key: another, and one with signatures of its own.
  const Signer mallory = Party(crypto::KeyType::kP256);
  value = good;
  value.public_key = mallory.public_key;
  Fails(With(derived, value), kCheckSignature, "another key");
  // Proof members are signed.
  changed = derived;
  changed["proof"]["created"] = base::Rfc3339(kNow - 5);
  Fails(changed, kCheckSignature, "created");
  changed = derived;
  changed["proof"]["verificationMethod"] = mallory.method;
  EXPECT_FALSE(Verify(changed).valid());
  // Parts of two credentials of one issuer.
  document_["credentialSubject"]["alumniOf"] = "A second school";
  const json other = Disclosed(Base(), {"/credentialSubject/marks", "/credentialSubject/alumniOf"});
  changed = derived;
  changed["proof"] = other["proof"];
  Fails(changed, kCheckSignature, "the proof of another");
  value = good;
  value.signatures = Value(other).signatures;
  Fails(With(derived, value), kCheckSignature, "signatures of another");
}

TEST_F(SelectiveDisclosure, ProofValuesOfNoUse) {
  const json derived = Disclosed(Base(), {"/credentialSubject/alumniOf"});
  const std::string text = derived["proof"]["proofValue"];
  const auto with = [&](const std::string& value) {
    json changed = derived;
    changed["proof"]["proofValue"] = value;
    return changed;
  };
  Fails(with(text.substr(1)), kCheckProof, "no header", "'u'");
  Fails(with("z" + text.substr(1)), kCheckProof, "base58", "'u'");
  Fails(with("u" + text.substr(5)), kCheckSignature, "no CBOR header", "doesn't begin with");
  EXPECT_FALSE(Verify(with("u" + text.substr(4))).valid()) << "as W3C's suite cuts it: no canonical base64url";
  Fails(with("u"), kCheckSignature, "empty");
  Fails(with(text + "AAAA"), kCheckSignature, "octets after it");
  for (size_t length = 5; length < text.size(); length += 7) {
    const Verification verification = Verify(with(text.substr(0, length)));
    EXPECT_FALSE(verification.valid()) << length;
  }
  // Five components of the right kinds, or nothing.
  const DerivedProofValue good = Value(derived);
  const base::ByteVec key = *internal::MultikeyOctets(good.public_key);
  const auto built = [&](auto fill) {
    CborWriter writer;
    writer.Encoded(ByteArray<3>{0xd9, 0x5d, 0x01});
    fill(writer);
    return with("u" + base::Base64Url(writer.bytes()));
  };
  const ByteView signature = good.base_signature;
  using Writer = CborWriter;
  Fails(built([&](Writer& w) { w.Array(4).Bytes(signature).Bytes(key).Array(0).Map(0); }), kCheckSignature, "four");
  Fails(built([&](Writer& w) { w.Array(5).Bytes(signature.first(63)).Bytes(key).Array(0).Map(0).Array(0); }),
        kCheckSignature, "63 octets");
  Fails(built([&](Writer& w) { w.Array(5).Bytes(signature).Bytes(ByteView(key).first(34)).Array(0).Map(0).Array(0); }),
        kCheckSignature, "a short key");
  Fails(built([&](Writer& w) { w.Array(5).Bytes(signature).Bytes(key).Array(1).Text("x").Map(0).Array(0); }),
        kCheckSignature, "a signature that is text");
  Fails(built([&](Writer& w) {
          w.Array(5).Bytes(signature).Bytes(key).Array(0).Map(1).Text("0").Bytes(Bytes32{}).Array(0);
        }),
        kCheckSignature, "a label's number as text");
  Fails(built([&](Writer& w) { w.Array(5).Bytes(signature).Bytes(key).Array(0).Map(1).Uint(0).Bytes(key).Array(0); }),
        kCheckSignature, "a label of 35 octets");
  Fails(built([&](Writer& w) {
          w.Array(5)
              .Bytes(signature)
              .Bytes(key)
              .Array(0)
              .Map(2)
              .Uint(0)
              .Bytes(Bytes32{})
              .Uint(0)
              .Bytes(Bytes32{1})
              .Array(0);
        }),
        kCheckSignature, "a number twice", "twice");
  Fails(built([&](Writer& w) { w.Array(5).Bytes(signature).Bytes(key).Array(0).Map(0).Array(1).Text("0"); }),
        kCheckSignature, "an index as text");
  Fails(built([&](Writer& w) { w.Array(5).Bytes(signature).Bytes(key).Array(0).Map(0).Array(2).Uint(1).Uint(0); }),
        kCheckSignature, "indexes not ascending", "ascending");
  Fails(built([&](Writer& w) { w.Array(5).Bytes(signature).Bytes(key).Array(0).Map(0).Array(1).Uint(500); }),
        kCheckSignature, "an index beyond", "beyond");
  Fails(built([&](Writer& w) { w.Array(5).Bytes(signature).Bytes(key).Tag(1).Array(0).Map(0).Array(0); }),
        kCheckSignature, "a tag");
  const base::ByteVec ed25519 = *internal::MultikeyOctets(maker_.public_key);
  Fails(built([&](Writer& w) { w.Array(5).Bytes(signature).Bytes(ed25519).Array(0).Map(0).Array(0); }), kCheckSignature,
        "an Ed25519 key", "P-256");
}

// What W3C's suite sends to verifiers: the issuer is a URL, the vocabulary one of its own.
TEST_F(SelectiveDisclosure, TheSuitesVectors) {
  VerifyOptions options;
  options.contexts = &VectorContexts();
  const json derived = VectorJson("ecdsa-suite/sd-derived.json");
  const Verification verification = Verify(derived, options);
  for (const Check& check : verification.checks)
    EXPECT_EQ(check.ok, check.name != kCheckIssuer) << check.name << ": " << check.detail;
  auto own = Derive(VectorJson("ecdsa-suite/sd-base.json"), {"/credentialSubject/sails/1", "/credentialSubject/boards"},
                    &VectorContexts());
  ASSERT_TRUE(own.has_value()) << own.error().Text();
  const Verification ours = Verify(*own, options);
  EXPECT_TRUE(ours.Find(kCheckSignature)->ok) << ours.Find(kCheckSignature)->detail;
}

TEST_F(SelectiveDisclosure, HmacLabelsSayNothingOfTheOrder) {
  const json one = Base(), two = Base();
  EXPECT_NE(one["proof"]["proofValue"], two["proof"]["proofValue"]);
  const auto labels = [&](const json& credential) {
    return Value(Disclosed(credential, {"/credentialSubject"})).labels;
  };
  EXPECT_NE(labels(one), labels(two)) << "a fresh HMAC key for each credential";
}

}  // namespace
}  // namespace keel::vc
