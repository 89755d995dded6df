// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/encoding.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "crypto/hosted/software_key_store.h"
#include "crypto/signature.h"
#include "did/did.h"
#include "did/methods/key.h"
#include "did/methods/peer.h"

namespace keel::did {
namespace {

using nlohmann::json;

class Methods : public testing::Test {
 protected:
  static void SetUpTestSuite() { crypto::SetUpHostedCrypto(); }
  static json Vector(const std::string& name) {
    auto text = base::ReadFile(std::string(KEEL_SOURCE_DIR) + "/tests/vectors/" + name);
    EXPECT_TRUE(text.has_value()) << name;
    auto value = base::ParseJson(*text);
    EXPECT_TRUE(value.has_value()) << name << ": " << value.error().Text();
    return *value;
  }
};

constexpr Relationship kAll[] = {Relationship::kAuthentication, Relationship::kAssertionMethod,
                                 Relationship::kKeyAgreement, Relationship::kCapabilityInvocation,
                                 Relationship::kCapabilityDelegation};

// Same ids, keys and relationships, whatever the representation.
void ExpectSame(const DidDocument& ours, const json& theirs_json, const std::string& what) {
  auto theirs = DidDocument::FromJson(theirs_json);
  ASSERT_TRUE(theirs.has_value()) << what << ": " << theirs.error().Text();
  EXPECT_EQ(ours.id, theirs->id);
  ASSERT_EQ(ours.methods.size(), theirs->methods.size()) << what;
  for (const VerificationMethod& method : ours.methods) {
    const VerificationMethod* other = theirs->Find(method.id);
    ASSERT_NE(other, nullptr) << what << " " << method.id;
    EXPECT_EQ(method.key, other->key) << method.id;
    EXPECT_EQ(method.uses, other->uses) << method.id;
  }
}

TEST_F(Methods, DidKeyVectors) {
  size_t resolved = 0;
  for (const char* file : {"ed25519-x25519", "nist-curves", "secp256k1"}) {
    const json vectors = Vector("did-key/" + std::string(file) + ".json");
    for (const auto& [did, entry] : vectors.items()) {
      KeyMethod method;
      auto result = method.Resolve(did);
      ASSERT_TRUE(result.has_value()) << did << result.error().Text();
      EXPECT_EQ(DidKey(result->document->methods[0].key), did);
      EXPECT_EQ(DidKeyUrl(result->document->methods[0].key), result->document->methods[0].id);
      ExpectSame(*result->document, entry.at("didDocument"), did);
      ++resolved;
    }
  }
  for (const json x25519 = Vector("did-key/x25519.json");
       const auto& [did, document] : x25519.at("didDocument").items()) {
    KeyMethod method;
    auto result = method.Resolve(did);
    ASSERT_TRUE(result.has_value()) << did << result.error().Text();
    ExpectSame(*result->document, document, did);
    ++resolved;
  }
  EXPECT_EQ(resolved, 22u);
}

TEST_F(Methods, DidKeyOfX25519IsForAgreementOnly) {
  KeyMethod method;
  auto result = method.Resolve("did:key:z6LSeu9HkTHSfLLeUs2nnzUSNedgDUevfNQgQjQC23ZCit6F");
  ASSERT_TRUE(result.has_value());
  for (const Relationship use : kAll)
    EXPECT_EQ(result->document->All(use).size(), use == Relationship::kKeyAgreement ? 1u : 0u);
}

TEST_F(Methods, DidKeyRefuses) {
  KeyMethod method;
  for (const char* file : {"bls12381", "rsa"}) {
    const json vectors = Vector("did-key/" + std::string(file) + ".json");
    for (const auto& [did, entry] : vectors.items()) {
      const auto refused = method.Resolve(did);
      ASSERT_FALSE(refused.has_value()) << did;
      EXPECT_EQ(refused.error().code, Code::kInvalidDid) << did;
      EXPECT_NE(refused.error().Text().find(std::string(file) == "rsa" ? "RSA keys are not" : "BLS12-381 G"),
                std::string::npos)
          << refused.error().Text();
    }
  }
  for (const char* bad : {"did:key:abc", "did:key:z", "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooW",
                          "did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWpp",
                          "did:key:zQ3shokFTS3brHcDQrn82RUDfCZESWL1ZdCEJwekUDPQiYBmf",
                          "did:key:1.1:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"}) {
    auto result = method.Resolve(bad);
    ASSERT_FALSE(result.has_value()) << bad;
    EXPECT_EQ(result.error().code, Code::kInvalidDid) << bad;
  }
  EXPECT_EQ(method.Resolve("did:peer:2.x").error().code, Code::kMethodNotSupported);
}

// Every public key's codec of the multicodec table: ours are held, all others refused.
TEST_F(Methods, DidKeyOfEveryMulticodec) {
  const auto table = base::ReadFile(std::string(KEEL_SOURCE_DIR) + "/tests/vectors/multiformats/multicodec-table.csv");
  ASSERT_TRUE(table.has_value());
  const std::vector<std::string> ours = {"secp256k1-pub", "x25519-pub", "ed25519-pub",
                                         "p256-pub",      "p384-pub",   "p521-pub"};
  size_t held = 0, refused = 0;
  std::istringstream lines(*table);
  for (std::string line; std::getline(lines, line);) {
    std::vector<std::string> cells;
    std::istringstream row(line);
    for (std::string cell; std::getline(row, cell, ',');) {
      const size_t first = cell.find_first_not_of(' ');
      cells.push_back(first == std::string::npos ? "" : cell.substr(first));
    }
    if (cells.size() < 3 || cells[1] != "key" || !cells[0].ends_with("-pub")) continue;
    ByteArray<9> codec;
    const size_t length = *VarintEncode(std::stoull(cells[2], nullptr, 16), codec);
    base::ByteVec octets(codec.begin(), codec.begin() + static_cast<ptrdiff_t>(length));
    octets.resize(length + 32, 7);
    const auto result = KeyMethod().Resolve("did:key:" + *base::MultibaseBase58(octets));
    if (std::find(ours.begin(), ours.end(), cells[0]) != ours.end()) {
      ++held;  // 32 times 7 may be a key or not; its kind at least is known
      if (!result) {
        EXPECT_EQ(result.error().Text().find("multicodec"), std::string::npos) << result.error().Text();
      }
      continue;
    }
    ++refused;
    ASSERT_FALSE(result.has_value()) << cells[0];
    EXPECT_EQ(result.error().code, Code::kInvalidDid) << cells[0];
    const std::string text = result.error().Text();
    EXPECT_TRUE(text.find("keys are not supported") != std::string::npos ||
                text.find("is not known") != std::string::npos)
        << text;
  }
  EXPECT_EQ(held, ours.size());
  EXPECT_GT(refused, 30u);
}

TEST_F(Methods, DidPeerVectors) {
  const json vectors = Vector("did-peer/peer2.json");
  for (const json& entry : vectors) {
    const std::string did = entry.at("did");
    auto document = ResolvePeer(did);
    ASSERT_TRUE(document.has_value()) << document.error().Text();
    ExpectSame(*document, entry.at("document"), did);
    EXPECT_EQ(document->also_known_as, std::vector<std::string>{entry.at("peer3")});
    auto theirs = DidDocument::FromJson(entry.at("document"));
    ASSERT_EQ(document->services.size(), theirs->services.size());
    for (size_t i = 0; i < theirs->services.size(); ++i) {
      EXPECT_EQ(document->services[i].id, theirs->services[i].id);
      EXPECT_EQ(document->services[i].types, theirs->services[i].types);
      EXPECT_EQ(document->services[i].uris, theirs->services[i].uris);
      EXPECT_EQ(document->services[i].accept, theirs->services[i].accept);
      EXPECT_EQ(document->services[i].routing_keys, theirs->services[i].routing_keys);
    }
  }
}

TEST_F(Methods, DidPeerMadeIsRead) {
  auto store = crypto::SoftwareKeyStore::CreateInMemory();
  const crypto::PublicKey agree = *store->Public(*store->Generate(crypto::KeyType::kX25519));
  const crypto::PublicKey auth = *store->Public(*store->Generate(crypto::KeyType::kEd25519));
  const crypto::PublicKey p256 = *store->Public(*store->Generate(crypto::KeyType::kP256));
  const std::vector<PeerKey> keys = {
      {Relationship::kKeyAgreement, agree}, {Relationship::kAuthentication, auth}, {Relationship::kKeyAgreement, p256}};
  const std::vector<std::string> services = {PeerServiceDidcomm("http://127.0.0.1:80/didcomm"),
                                             R"({"type":"Other","serviceEndpoint":"x:y","id":"#o"})"};
  auto did = CreatePeer2(keys, services);
  ASSERT_TRUE(did.has_value()) << did.error().Text();
  auto document = ResolvePeer(*did);
  ASSERT_TRUE(document.has_value()) << document.error().Text();
  ASSERT_EQ(document->methods.size(), 3u);
  EXPECT_EQ(document->methods[0].id, *did + "#key-1");
  EXPECT_EQ(document->FindFor(Relationship::kKeyAgreement, "#key-1")->key, agree);
  EXPECT_EQ(document->FindFor(Relationship::kAuthentication, "#key-2")->key, auth);
  EXPECT_EQ(document->FindFor(Relationship::kAuthentication, "#key-1"), nullptr);
  EXPECT_EQ(document->services[0].uris, std::vector<std::string>{"http://127.0.0.1:80/didcomm"});
  EXPECT_EQ(document->services[0].types, std::vector<std::string>{"DIDCommMessaging"});
  EXPECT_EQ(document->services[1].id, *did + "#o");

  const std::vector<PeerKey> wrong = {{Relationship::kAuthentication, agree}};
  EXPECT_FALSE(CreatePeer2(wrong).has_value());
  EXPECT_FALSE(CreatePeer2({}).has_value());
  const std::vector<std::string> bad_service = {"[1]"};
  EXPECT_FALSE(CreatePeer2(keys, bad_service).has_value());
}

TEST_F(Methods, DidPeerReadsTheOldServiceArray) {
  const std::string old =
      R"([{"t":"dm","s":"http://example.com/a","r":["did:m:1#k"],"a":["didcomm/v2"]},{"t":"x","s":"http://example.com/b"}])";
  auto document =
      ResolvePeer("did:peer:2.Ez6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc.S" + base::Base64Url(AsBytes(old)));
  ASSERT_TRUE(document.has_value()) << document.error().Text();
  ASSERT_EQ(document->services.size(), 2u);
  EXPECT_EQ(document->services[0].uris, std::vector<std::string>{"http://example.com/a"});
  EXPECT_EQ(document->services[0].routing_keys, std::vector<std::string>{"did:m:1#k"});
  EXPECT_EQ(FragmentOf(document->services[1].id), "service-1");
}

TEST_F(Methods, DidPeerServiceIsSpelledOutAtEveryDepth) {
  const std::string text =
      R"({"t":["dm"],"s":[{"uri":"did:example:mediator","a":["didcomm/v2"],"r":["did:m:1#k"]},{"uri":"ws://h/x"}]})";
  auto document =
      ResolvePeer("did:peer:2.Ez6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc.S" + base::Base64Url(AsBytes(text)));
  ASSERT_TRUE(document.has_value()) << document.error().Text();
  ASSERT_EQ(document->services.size(), 1u);
  const Service& service = document->services[0];
  ASSERT_EQ(service.endpoints.size(), 2u);
  EXPECT_EQ(service.endpoints[0].uri, "did:example:mediator");
  EXPECT_EQ(service.endpoints[0].accept, std::vector<std::string>{"didcomm/v2"});
  EXPECT_EQ(service.endpoints[0].routing_keys, std::vector<std::string>{"did:m:1#k"});
  EXPECT_EQ(service.endpoints[1].uri, "ws://h/x");
  EXPECT_TRUE(service.endpoints[1].routing_keys.empty());  // the first endpoint's alone
  EXPECT_EQ(service.id, document->id + "#service");
}

TEST_F(Methods, DidPeerZero) {
  auto document = ResolvePeer("did:peer:0z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp");
  ASSERT_TRUE(document.has_value());
  EXPECT_EQ(document->methods[0].id, document->id + "#z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp");
}

TEST_F(Methods, DidPeerRefuses) {
  const std::string key = "z6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc";
  std::string many = "did:peer:2";
  for (int i = 0; i < 33; ++i) many += ".E" + key;
  for (const std::string& bad : std::initializer_list<std::string>{
           "did:peer:2", "did:peer:2.", "did:peer:2.X" + key, "did:peer:2.E",
           "did:peer:2.V" + key /* X25519 can't sign */, "did:peer:2.E" + key + ".",
           "did:peer:2.Ez6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp", "did:peer:2.Snotjson",
           "did:peer:2.S" + base::Base64Url(AsBytes(R"({"t":"dm","t":"dm"})")),
           "did:peer:2.S" + base::Base64Url(AsBytes("7")), many, "did:peer:2.E" + key + "0"}) {
    PeerMethod method;
    auto result = method.Resolve(bad);
    ASSERT_FALSE(result.has_value()) << bad;
    EXPECT_TRUE(result.error().code == Code::kInvalidDid || result.error().code == Code::kMethodNotSupported)
        << bad << result.error().Text();
  }
  EXPECT_EQ(PeerMethod().Resolve("did:peer:1zQmZMygzYqNwU6Uhmewx5Xepf2VLp5S4HLSwwgf2aiKZuwa").error().code,
            Code::kMethodNotSupported);
}

}  // namespace
}  // namespace keel::did
