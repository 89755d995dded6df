// SPDX-License-Identifier: Apache-2.0
#include "did/methods/peer4.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "crypto/hash.h"
#include "crypto/hosted/software_key_store.h"
#include "crypto/signature.h"
#include "did/did.h"
#include "did/internal/long_base58.h"

namespace keel::did {
namespace {

using nlohmann::json;

class Peer4Method : public testing::Test {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }
  static json Vectors(const std::string& name) {
    auto text = base::ReadFile(std::string(KEEL_SOURCE_DIR) + "/tests/vectors/did-peer/" + name);
    EXPECT_TRUE(text.has_value()) << name;
    auto value = base::ParseJson(*text);
    EXPECT_TRUE(value.has_value()) << name << ": " << value.error().Text();
    return *value;
  }
  // A long form of any octets, its hash right.
  static std::string LongOf(std::string_view octets) {
    const std::string encoded = "z" + *internal::LongBase58(AsBytes(octets));
    base::ByteVec multihash = {0x12, 0x20};
    const Bytes32 digest = crypto::Sha256::Of(encoded);
    multihash.insert(multihash.end(), digest.begin(), digest.end());
    return "did:peer:4" + *base::MultibaseBase58(multihash) + ":" + encoded;
  }
  static std::string LongOfJson(std::string_view text) { return LongOf("\x80\x04" + std::string(text)); }

  static void ExpectSame(const DidDocument& ours, const json& theirs_json) {
    auto theirs = DidDocument::FromJson(theirs_json);
    ASSERT_TRUE(theirs.has_value()) << theirs.error().Text();
    EXPECT_EQ(ours.id, theirs->id);
    EXPECT_EQ(ours.also_known_as, theirs->also_known_as);
    ASSERT_EQ(ours.methods.size(), theirs->methods.size());
    for (size_t i = 0; i < ours.methods.size(); ++i) {
      EXPECT_EQ(ours.methods[i].id, theirs->methods[i].id);
      EXPECT_EQ(ours.methods[i].controller, theirs->methods[i].controller);
      EXPECT_TRUE(ours.methods[i].key.valid());
      EXPECT_EQ(ours.methods[i].key, theirs->methods[i].key);
      EXPECT_EQ(ours.methods[i].uses, theirs->methods[i].uses);
    }
    ASSERT_EQ(ours.services.size(), theirs->services.size());
    for (size_t i = 0; i < ours.services.size(); ++i) {
      EXPECT_EQ(ours.services[i].id, theirs->services[i].id);
      EXPECT_EQ(ours.services[i].uris, theirs->services[i].uris);
    }
  }
};

TEST_F(Peer4Method, PublishedVectors) {
  size_t seen = 0;
  for (const char* file : {"peer4.json", "peer4-spec.json"}) {
    for (const json& entry : Vectors(file)) {
      const std::string long_form = entry.at("long"), short_form = entry.at("short");
      EXPECT_TRUE(IsPeer4Long(long_form));
      EXPECT_FALSE(IsPeer4Long(short_form));
      auto document = ResolvePeer(long_form);
      ASSERT_TRUE(document.has_value()) << document.error().Text();
      ExpectSame(*document, entry.at("resolved_long"));
      auto as_short = ResolvePeer4(long_form, true);
      ASSERT_TRUE(as_short.has_value()) << as_short.error().Text();
      ExpectSame(*as_short, entry.at("resolved_short"));
      EXPECT_EQ(*Peer4ShortForm(long_form), short_form);

      // Made again from the octets of its input document, the same DID.
      const std::string encoded = long_form.substr(long_form.rfind(':') + 2);
      const base::ByteVec octets = *internal::FromLongBase58(encoded);
      auto made = CreatePeer4(AsText(octets).substr(2));
      ASSERT_TRUE(made.has_value()) << made.error().Text();
      EXPECT_EQ(made->long_form, long_form);
      EXPECT_EQ(made->short_form, short_form);
      ++seen;
    }
  }
  EXPECT_EQ(seen, 8u);
}

TEST_F(Peer4Method, ShortFormsResolveOnceTheLongFormWasSeen) {
  const json vectors = Vectors("peer4.json");
  PeerMethod method(2);
  const auto long_form = [&](size_t i) { return vectors.at(i).at("long").get<std::string>(); };
  const auto short_form = [&](size_t i) { return vectors.at(i).at("short").get<std::string>(); };
  EXPECT_EQ(method.Resolve(short_form(0)).error().code, Code::kNotFound);
  ASSERT_TRUE(method.Resolve(long_form(0)).has_value());
  auto found = method.Resolve(short_form(0));
  ASSERT_TRUE(found.has_value()) << found.error().Text();
  EXPECT_EQ(found->document->id, short_form(0));
  EXPECT_EQ(found->document->also_known_as.back(), long_form(0));

  // Two fit; the one that was not used for longest goes.
  ASSERT_TRUE(method.Resolve(long_form(1)).has_value());
  ASSERT_TRUE(method.Resolve(short_form(0)).has_value());
  ASSERT_TRUE(method.Resolve(long_form(2)).has_value());
  EXPECT_TRUE(method.Resolve(short_form(0)).has_value());
  EXPECT_TRUE(method.Resolve(short_form(2)).has_value());
  EXPECT_EQ(method.Resolve(short_form(1)).error().code, Code::kNotFound);

  // What is not a true long form leaves no trace.
  std::string forged = long_form(3);
  forged[15] = forged[15] == 'a' ? 'b' : 'a';
  EXPECT_EQ(method.Resolve(forged).error().code, Code::kInvalidDid);
  EXPECT_FALSE(method.Remember(forged).has_value());
  EXPECT_EQ(method.Resolve(forged.substr(0, forged.rfind(':'))).error().code, Code::kNotFound);
  ASSERT_TRUE(method.Remember(long_form(3)).has_value());
  EXPECT_TRUE(method.Resolve(short_form(3)).has_value());

  PeerMethod forgetful(0);
  ASSERT_TRUE(forgetful.Resolve(long_form(0)).has_value());
  EXPECT_FALSE(forgetful.Resolve(short_form(0)).has_value());
}

TEST_F(Peer4Method, MadeOfKeysAndServices) {
  auto store = crypto::SoftwareKeyStore::CreateInMemory();
  const crypto::PublicKey agree = *store->Public(*store->Generate(crypto::KeyType::kX25519));
  const crypto::PublicKey p256 = *store->Public(*store->Generate(crypto::KeyType::kP256));
  const std::vector<PeerKey> keys = {{Relationship::kKeyAgreement, agree},
                                     {Relationship::kAuthentication, p256},
                                     {Relationship::kAssertionMethod, p256}};
  const std::vector<std::string> services = {PeerServiceDidcomm("http://127.0.0.1/x")};
  auto made = CreatePeer4(keys, services);
  ASSERT_TRUE(made.has_value()) << made.error().Text();
  auto document = ResolvePeer(made->long_form);
  ASSERT_TRUE(document.has_value()) << document.error().Text();
  ASSERT_EQ(document->methods.size(), 2u);
  EXPECT_EQ(document->FindFor(Relationship::kKeyAgreement, "#key-1")->key, agree);
  EXPECT_EQ(document->FindFor(Relationship::kAuthentication, "#key-2")->key, p256);
  EXPECT_EQ(document->FindFor(Relationship::kAssertionMethod, "#key-2")->key, p256);
  EXPECT_EQ(document->FindFor(Relationship::kKeyAgreement, "#key-2"), nullptr);
  EXPECT_EQ(document->services.at(0).types, std::vector<std::string>{"DIDCommMessaging"});
  EXPECT_EQ(document->services.at(0).uris, std::vector<std::string>{"http://127.0.0.1/x"});

  const std::vector<PeerKey> wrong = {{Relationship::kAuthentication, agree}};
  EXPECT_EQ(CreatePeer4(wrong).error().code, Code::kUnsupported);
  const std::vector<std::string> no_service = {"[]"};
  EXPECT_EQ(CreatePeer4(keys, no_service).error().code, Code::kMalformed);
}

TEST_F(Peer4Method, CreateRefuses) {
  EXPECT_EQ(CreatePeer4("{").error().code, Code::kMalformed);
  EXPECT_EQ(CreatePeer4(R"({"a":1,"a":2})").error().code, Code::kDuplicate);
  for (
      const char* bad :
      {"[]", R"({"id":"did:peer:4zQm"})",
       R"({"verificationMethod":[{"id":"did:x:1#a","type":"Multikey","publicKeyMultibase":"z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"}]})",
       R"({"verificationMethod":[7]})", R"({"authentication":"#a"})", R"({"authentication":[7]})",
       R"({"authentication":[{"type":"Multikey"}]})", R"({"service":[{"id":"#s"}]})",
       R"({"keyAgreement":[{"id":"#a","type":"X25519KeyAgreementKey2020","publicKeyMultibase":"z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"}]})"}) {
    auto made = CreatePeer4(bad);
    ASSERT_FALSE(made.has_value()) << bad;
    EXPECT_EQ(made.error().code, Code::kInvalidDidDocument) << bad << made.error().Text();
  }
  EXPECT_EQ(CreatePeer4(R"({"x":")" + std::string(3200, 'y') + "\"}").error().code, Code::kTooLarge);
}

TEST_F(Peer4Method, ResolveRefuses) {
  const std::string good = LongOfJson("{}");
  ASSERT_TRUE(ResolvePeer(good).has_value()) << ResolvePeer(good).error().Text();
  const size_t colon = good.rfind(':');
  for (const std::string& bad : {
           good + "1",                                                           // another document
           good.substr(0, colon) + ":z" + *internal::LongBase58(AsBytes("{}")),  // no multicodec, wrong hash
           good.substr(0, colon - 1) + good.substr(colon),                       // hash cut
           good.substr(0, colon) + "::" + good.substr(colon + 1),
           LongOf("{}"),                               // no multicodec, hash right
           LongOf("\x80"),                             //
           LongOf(""),                                 //
           LongOf(std::string("\x01\x02", 2) + "{}"),  // another multicodec
           LongOfJson(""),
           LongOfJson("[]"),
           LongOfJson("{} "),
           LongOfJson("{"),
           LongOfJson(R"({"a":1,"a":1})"),
           LongOfJson(R"({"id":"did:peer:4zQm"})"),  // names itself
           LongOfJson(R"({"authentication":[{"id":"did:x:1#a","type":"Multikey"}]})"),
       }) {
    if (bad == LongOfJson("{} ")) continue;  // white space is JSON: read below
    auto document = ResolvePeer(bad);
    ASSERT_FALSE(document.has_value()) << bad;
    EXPECT_EQ(document.error().code, Code::kInvalidDid) << bad << " " << document.error().Text();
  }
  EXPECT_TRUE(ResolvePeer(LongOfJson("{} ")).has_value());
  // Every single character changed: never the same document under another name.
  for (size_t i = 0; i < good.size(); ++i) {
    std::string bent = good;
    bent[i] = bent[i] == '2' ? '3' : '2';
    EXPECT_FALSE(ResolvePeer(bent).has_value()) << bent;
  }
  EXPECT_EQ(ResolvePeer(good.substr(0, colon)).error().code, Code::kNotFound);
}

TEST(LongBase58, AgreesWithTheShortCodec) {
  for (size_t size = 0; size <= 200; ++size) {
    base::ByteVec octets(size);
    for (size_t i = 0; i < size; ++i) octets[i] = static_cast<uint8_t>(i < size % 4 ? 0 : i * 37 + size);
    const std::string text = *internal::LongBase58(octets);
    EXPECT_EQ(text, *base::Base58(octets));
    EXPECT_EQ(*internal::FromLongBase58(text), octets);
  }
  for (const char* bad : {"0", "1O", "zzI", "l", "a b", "\xff"})
    EXPECT_EQ(internal::FromLongBase58(bad).error().code, Code::kMalformed) << bad;
  const base::ByteVec big(2900, 0xff);
  EXPECT_EQ(*internal::FromLongBase58(*internal::LongBase58(big)), big);
  EXPECT_EQ(internal::LongBase58(base::ByteVec(4000, 0xff)).error().code, Code::kTooLarge);
  EXPECT_EQ(internal::FromLongBase58(std::string(4097, '1')).error().code, Code::kTooLarge);
}

}  // namespace
}  // namespace keel::did
