// SPDX-License-Identifier: Apache-2.0
// The Universal Registrar's interface, driven as a client drives it: keys here, operations made there.
#include "registry-node/registrar.h"

#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "crypto/hosted/jwk.h"
#include "crypto/hosted/software_key_store.h"
#include "tests/unit/registry_client/client_fixture.h"

namespace keel::registry_client {
namespace {

using nlohmann::json;

// Ticks by hand.
class HandClock final : public Clock {
 public:
  uint64_t TicksMs() override { return ticks; }
  Result<UnixSeconds> Now() override { return 1'800'000'000; }
  std::atomic<uint64_t> ticks = 1;
};

class RegistrarTest : public ClientTest {
 protected:
  RegistrarTest() { Serve({.registrar_creates = 1000}); }
  ~RegistrarTest() override { server_->Stop(); }
  void Serve(registry::HttpApi::Options options) {
    if (server_) server_->Stop();
    api_ = std::make_unique<registry::HttpApi>(*served.t.node, *served.rendezvous, *served.time, *served.accounts,
                                               clock_, served.random, options);
    server_ = std::move(*base::HttpServer::Start({}, api_->Handler()));
  }
  struct Key {
    crypto::KeyHandle handle;
    crypto::PublicKey key;
    std::string multikey;
  };
  Key NewKey(crypto::KeyType type = crypto::KeyType::kEd25519) {
    const auto handle = *store_->Generate(type);
    const auto key = *store_->Public(handle);
    return {handle, key, base::Multikey(key)};
  }
  static json Method(const std::string& id, const Key& key) {
    return {{"id", id}, {"type", "Multikey"}, {"publicKeyMultibase", key.multikey}};
  }
  static json Secret(const Key& key, const std::string& purpose) {
    return {{"type", "Multikey"}, {"purpose", {purpose}}, {"publicKeyMultibase", key.multikey}};
  }
  json Post(const std::string& verb, const json& body) { return PostText(verb, base::DumpJson(body)); }
  json PostText(const std::string& verb, const std::string& body) {
    base::HttpCall call;
    call.method = "POST";
    call.url = server_->url() + "/1.0/" + verb;
    call.body = body;
    const auto response = http->Send(call, {});
    EXPECT_TRUE(response) << (response ? "" : response.error().Text());
    if (!response) return {};
    status_ = response->status;
    auto answer = base::ParseJson(response->body);
    EXPECT_TRUE(answer) << response->body;
    for (const char* name : {"jobId", "didState", "didRegistrationMetadata", "didDocumentMetadata"})
      EXPECT_TRUE(answer->contains(name)) << name;
    const std::string state = answer->at("didState").at("state");
    EXPECT_EQ(answer->at("jobId").is_null(), state == "finished" || state == "failed") << response->body;
    return *answer;
  }
  // The answer to signPayload.
  json Signed(const json& asked, const std::vector<const Key*>& keys) {
    EXPECT_EQ(asked.at("didState").value("action", "none"), "signPayload") << asked;
    json responses = json::object();
    for (const auto& [name, request] : asked.at("didState").at("signingRequest").items()) {
      const auto message = base::FromBase64(request.at("serializedPayload").get<std::string>());
      EXPECT_TRUE(message);
      for (const Key* key : keys) {
        if (key->multikey != request.at("publicKeyMultibase")) continue;
        std::array<uint8_t, 64> signature{};
        EXPECT_TRUE(store_->Sign(key->handle, *message, signature));
        responses[name] = {{"signature", base::Base64(signature)}, {"alg", request.at("alg")}};
      }
    }
    return {{"jobId", asked.at("jobId")}, {"secret", {{"signingResponse", std::move(responses)}}}};
  }
  json CreateRequest(const Key& key, const Key& next) {
    return {{"method", "keel"},
            {"options", {{"clientSecretMode", true}}},
            {"secret", {{"verificationMethod", {Secret(next, "nextUpdate")}}}},
            {"didDocument",
             {{"@context", {"https://www.w3.org/ns/did/v1"}},
              {"verificationMethod", {Method("#key-1", key)}},
              {"authentication", {"#key-1"}},
              {"assertionMethod", {"#key-1"}},
              {"service", {{{"id", "#files"}, {"type", "Files"}, {"serviceEndpoint", "https://files.example/a"}}}}}}};
  }
  std::string Create(const Key& key, const Key& next) {
    const json asked = Post("create", CreateRequest(key, next));
    EXPECT_EQ(status_, 200) << asked;
    const json done = Post("create", Signed(asked, {&key}));
    EXPECT_EQ(status_, 201) << done;
    return done.at("didState").value("did", "");
  }
  std::string Reason(const json& answer) {
    EXPECT_EQ(answer.at("didState").at("state"), "failed") << answer;
    return answer.at("didState").value("reason", "");
  }
  int Identifiers(const std::string& did) { return http->Get(server_->url() + "/1.0/identifiers/" + did)->status; }

  std::unique_ptr<crypto::SoftwareKeyStore> store_ = crypto::SoftwareKeyStore::CreateInMemory();
  HandClock clock_;
  std::unique_ptr<registry::HttpApi> api_;
  std::unique_ptr<base::HttpServer> server_;
  int status_ = 0;
};

TEST_F(RegistrarTest, CreatesUpdatesDeactivates) {
  const Key key = NewKey(), next = NewKey(), second = NewKey(), later = NewKey();
  const json asked = Post("create", CreateRequest(key, next));
  ASSERT_EQ(status_, 200) << asked;
  const json& request = asked.at("didState").at("signingRequest").at("signingRequest1");
  EXPECT_EQ(request.at("alg"), "EdDSA");
  EXPECT_EQ(request.at("payload").at("op"), "create");
  const std::string did = asked.at("didState").at("did");
  EXPECT_EQ(request.at("kid"), did + "#key-1");
  EXPECT_EQ(Identifiers(did), 404) << "nothing is anchored before it is signed";
  json done = Post("create", Signed(asked, {&key}));
  ASSERT_EQ(status_, 201) << done;
  EXPECT_EQ(done.at("didState").at("did"), did);
  EXPECT_EQ(done.at("didState").at("didDocument").at("id"), did);
  EXPECT_EQ(done.at("didDocumentMetadata").at("versionId"), "0");
  EXPECT_EQ(Identifiers(did), 200);
  // What a client of the registry proves is what was asked for.
  auto history = client->ResolveDid(did);
  ASSERT_TRUE(history) << history.error().Text();

  // Update: another key beside, the service gone, by the key committed to.
  json update = {{"did", did},
                 {"options", {{"clientSecretMode", true}}},
                 {"didDocumentOperation", {"addToDidDocument", "removeFromDidDocument"}},
                 {"didDocument",
                  {{{"verificationMethod", {Method("#key-2", second)}}, {"authentication", {"#key-2"}}},
                   {{"service", {{{"id", "#files"}}}}}}},
                 {"secret", {{"verificationMethod", {Secret(next, "update"), Secret(later, "nextUpdate")}}}}};
  done = Post("update", Signed(Post("update", update), {&next}));
  ASSERT_EQ(status_, 200) << done;
  EXPECT_EQ(done.at("didState").at("state"), "finished");
  const json& document = done.at("didState").at("didDocument");
  EXPECT_EQ(document.at("verificationMethod").size(), 2u);
  EXPECT_EQ(document.at("authentication").size(), 2u);
  EXPECT_FALSE(document.contains("service"));
  EXPECT_EQ(done.at("didDocumentMetadata").at("versionId"), "1");

  const json deactivate = {{"did", did}, {"secret", {{"verificationMethod", {Secret(later, "update")}}}}};
  done = Post("deactivate", Signed(Post("deactivate", deactivate), {&later}));
  ASSERT_EQ(status_, 200) << done;
  EXPECT_EQ(done.at("didDocumentMetadata").at("deactivated"), true);
  EXPECT_EQ(Identifiers(did), 410);
  EXPECT_EQ(Reason(Post("update", update)), "deactivated");
  history = client->ResolveDid(did);
  ASSERT_TRUE(history);
  EXPECT_TRUE(history->deactivated);
}

TEST_F(RegistrarTest, AsksForKeysThatAreMissing) {
  const Key key = NewKey(), next = NewKey();
  json asked = PostText("create?method=keel", "{}");
  ASSERT_EQ(status_, 200) << asked;
  EXPECT_EQ(asked.at("didState").at("action"), "getVerificationMethod");
  EXPECT_EQ(asked.at("didState").at("verificationMethodTemplate").size(), 3u);
  json method = Method("#auth", key);
  method["purpose"] = {"authentication", "assertionMethod"};
  asked = Post("create", {{"jobId", asked.at("jobId")}, {"secret", {{"verificationMethod", {method}}}}});
  EXPECT_EQ(asked.at("didState").at("verificationMethodTemplate")[0].at("purpose")[0], "nextUpdate");
  asked = Post("create",
               {{"jobId", asked.at("jobId")}, {"secret", {{"verificationMethod", {Secret(next, "nextUpdate")}}}}});
  const json done = Post("create", Signed(asked, {&key}));
  EXPECT_EQ(status_, 201) << done;
  const std::string did = done.at("didState").at("did");
  asked = Post("deactivate", {{"did", did}});
  EXPECT_EQ(asked.at("didState").at("action"), "getVerificationMethod");
  EXPECT_EQ(asked.at("didState").at("verificationMethodTemplate")[0].at("purpose")[0], "update");
}

TEST_F(RegistrarTest, P256AndJwks) {
  const Key key = NewKey(crypto::KeyType::kP256), next = NewKey(crypto::KeyType::kP256);
  json request = CreateRequest(key, next);
  request["didDocument"]["verificationMethod"][0] = {
      {"id", "#key-1"}, {"type", "JsonWebKey2020"}, {"publicKeyJwk", crypto::PublicKeyToJwk(key.key)}};
  const json asked = Post("create", request);
  EXPECT_EQ(asked.at("didState").at("signingRequest").at("signingRequest1").at("alg"), "ES256");
  json answer = Signed(asked, {&key});
  // A high s, as half of all other signers give it: n - s.
  json& text = answer["secret"]["signingResponse"]["signingRequest1"]["signature"];
  base::ByteVec signature = *base::FromBase64(text.get<std::string>());
  const base::ByteVec n = *base::FromHex("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
  int borrow = 0;
  for (size_t i = 32; i-- > 0;) {
    const int difference = n[i] - signature[32 + i] - borrow;
    borrow = difference < 0 ? 1 : 0;
    signature[32 + i] = static_cast<uint8_t>(difference + (borrow << 8));
  }
  text = base::Base64Url(signature);  // unpadded, the other alphabet
  EXPECT_EQ(Post("create", answer).at("didState").at("state"), "finished");
  EXPECT_EQ(status_, 201);
}

TEST_F(RegistrarTest, NeverTakesAPrivateKey) {
  const Key key = NewKey(), next = NewKey();
  for (const char* name : {"privateKeyJwk", "privateKeyMultibase", "privateKeyHex", "secretKeyMultibase", "seed"}) {
    json request = CreateRequest(key, next);
    request["secret"]["verificationMethod"][0][name] = "x";
    EXPECT_EQ(Reason(Post("create", request)), "refused") << name;
    EXPECT_EQ(status_, 400);
  }
  json request = CreateRequest(key, next);
  request["didDocument"]["verificationMethod"][0]["publicKeyJwk"] = {
      {"kty", "OKP"}, {"crv", "Ed25519"}, {"x", "a"}, {"d", "b"}};
  EXPECT_EQ(Reason(Post("create", request)), "refused");
  for (const char* name : {"storeSecrets", "returnSecrets"}) {
    request = CreateRequest(key, next);
    request["options"][name] = true;
    EXPECT_EQ(Reason(Post("create", request)), "invalid_argument") << name;
  }
  request = CreateRequest(key, next);
  request["options"]["clientSecretMode"] = false;
  EXPECT_EQ(Reason(Post("create", request)), "invalid_argument");
}

TEST_F(RegistrarTest, RefusesSignaturesAndJobsOfOthers) {
  const Key key = NewKey(), next = NewKey(), stranger = NewKey();
  json asked = Post("create", CreateRequest(key, next));
  json answer = Signed(asked, {&key});
  json bad = answer;
  bad["secret"]["signingResponse"]["signingRequest1"]["signature"] = base::Base64(std::array<uint8_t, 64>{1});
  EXPECT_EQ(Reason(Post("create", bad)), "bad_signature");
  EXPECT_EQ(Reason(Post("create", answer)), "invalid_argument") << "the job is over";
  for (const json& wrong : {json(""), json("AA=="), json(7), json("%%%")}) {
    asked = Post("create", CreateRequest(key, next));
    answer = Signed(asked, {&key});
    answer["secret"]["signingResponse"]["signingRequest1"]["signature"] = wrong;
    EXPECT_EQ(Reason(Post("create", answer)), "invalid_argument") << wrong;
  }
  asked = Post("create", CreateRequest(key, next));
  answer = Signed(asked, {&key});
  answer["secret"]["signingResponse"]["signingRequest1"]["alg"] = "ES256";
  EXPECT_EQ(Reason(Post("create", answer)), "invalid_argument");
  asked = Post("create", CreateRequest(key, next));
  EXPECT_EQ(Reason(Post("update", Signed(asked, {&key}))), "invalid_argument") << "a job of another verb";
  EXPECT_EQ(Reason(Post("create", {{"jobId", "nobody's"}})), "invalid_argument");
  // Updates by keys that were not committed to.
  const std::string did = Create(key, next);
  EXPECT_EQ(
      Reason(Post("update",
                  {{"did", did},
                   {"secret", {{"verificationMethod", {Secret(stranger, "update"), Secret(key, "nextUpdate")}}}}})),
      "invalid_argument");
  EXPECT_EQ(Reason(Post("deactivate", {{"did", did}, {"secret", {{"verificationMethod", {Secret(key, "update")}}}}})),
            "invalid_argument");
  EXPECT_EQ(Reason(Post("update",
                        {{"did", "did:keel:demo:zQmbxFBPptnorBp1paQDJcQcA3nBZJ8K9i3XqqEDU9QjBHE"},
                         {"secret", {{"verificationMethod", {Secret(key, "update"), Secret(next, "nextUpdate")}}}}})),
            "not_found");
}

// Two updates are made at the same time; the ledger takes one.
TEST_F(RegistrarTest, ALostRaceIsSaid) {
  const Key key = NewKey(), next = NewKey(), a = NewKey(), b = NewKey();
  const std::string did = Create(key, next);
  const auto update = [&](const Key& later) {
    return Post(
        "update",
        {{"did", did}, {"secret", {{"verificationMethod", {Secret(next, "update"), Secret(later, "nextUpdate")}}}}});
  };
  const json first = update(a), second = update(b);
  EXPECT_EQ(Post("update", Signed(first, {&next})).at("didState").at("state"), "finished");
  EXPECT_EQ(Reason(Post("update", Signed(second, {&next}))), "conflict");
  EXPECT_EQ(status_, 400);
}

TEST_F(RegistrarTest, RefusesWhatDidKeelCannotHold) {
  const Key key = NewKey(), next = NewKey(), agree = NewKey(crypto::KeyType::kX25519);
  const auto with = [&](const std::function<void(json&)>& change) {
    json request = CreateRequest(key, next);
    change(request);
    const json answer = Post("create", request);
    EXPECT_EQ(status_, 400) << answer;
    return answer.at("didState").value("description", "");
  };
  EXPECT_NE(with([](json& r) { r["didDocument"]["alsoKnownAs"] = {"did:x:y"}; }).find("alsoKnownAs"),
            std::string::npos);
  EXPECT_NE(with([](json& r) { r["didDocument"]["controller"] = "did:x:y"; }).find("controller"), std::string::npos);
  EXPECT_NE(with([](json& r) { r["didDocument"]["id"] = "did:x:y"; }).find("didDocument.id"), std::string::npos);
  EXPECT_NE(with([](json& r) { r["did"] = "did:keel:demo:x"; }).find("can't be chosen"), std::string::npos);
  EXPECT_NE(with([](json& r) { r["method"] = "web"; }).find("only keel"), std::string::npos);
  EXPECT_NE(with([](json& r) { r["options"]["network"] = "other"; }).find("network"), std::string::npos);
  EXPECT_NE(with([](json& r) { r["unheard"] = 1; }).find("unheard"), std::string::npos);
  EXPECT_NE(with([](json& r) {
              r["didDocument"].erase("authentication"), r["didDocument"].erase("assertionMethod");
            }).find("no relationship"),
            std::string::npos);
  EXPECT_NE(with([](json& r) { r["didDocument"]["verificationMethod"][0]["id"] = "did:x:y#k"; }).find("another DID's"),
            std::string::npos);
  EXPECT_NE(with([](json& r) {
              r["didDocument"]["service"][0]["serviceEndpoint"] = "https://e.example/" + std::string(600, 'x');
            }).find("too_large"),
            std::string::npos);
  EXPECT_NE(with([&](json& r) { r["didDocument"]["verificationMethod"] = {Method("#key-1", agree)}; }).size(), 0u)
      << "X25519 signs nothing";
  EXPECT_NE(with([](json& r) { r["secret"]["verificationMethod"][0]["purpose"] = {"recovery"}; }).find("nextUpdate"),
            std::string::npos);
  PostText("create", "no json");
  EXPECT_EQ(status_, 400);
  PostText("create", "{\"method\":\"keel\",\"method\":\"keel\"}");
  EXPECT_EQ(status_, 400);
  PostText("create", std::string(registry::kMaxRegistrarRequest + 1, ' ') + "{}");
  EXPECT_EQ(status_, 400);
}

TEST_F(RegistrarTest, CreatesNeedASponsor) {
  Serve({.registrar_creates = 0});
  const Key key = NewKey(), next = NewKey();
  EXPECT_EQ(Reason(Post("create", Signed(Post("create", CreateRequest(key, next)), {&key}))), "not_sponsored");
  Serve({.registrar_creates = 2});
  Create(key, next);
  Create(key, next);
  EXPECT_EQ(Reason(Post("create", Signed(Post("create", CreateRequest(key, next)), {&key}))), "quota_exceeded");
}

TEST_F(RegistrarTest, JobsAreBoundedAndEnd) {
  const Key key = NewKey(), next = NewKey();
  json asked;
  for (size_t i = 0; i < registry::Registrar::kMaxClientJobs; ++i) {
    asked = Post("create", CreateRequest(key, next));
    ASSERT_EQ(status_, 200);
  }
  EXPECT_EQ(Reason(Post("create", CreateRequest(key, next))), "busy");
  EXPECT_NE(http->Get(server_->url() + "/metrics")->body.find("keel_registry_registrar_jobs 16\n"), std::string::npos);
  clock_.ticks += registry::Registrar::kJobMs;
  EXPECT_EQ(Reason(Post("create", Signed(asked, {&key}))), "invalid_argument") << "ten minutes are over";
  Post("create", CreateRequest(key, next));
  EXPECT_EQ(status_, 200);
  EXPECT_NE(http->Get(server_->url() + "/metrics")->body.find("keel_registry_registrar_jobs 1\n"), std::string::npos);
}

}  // namespace
}  // namespace keel::registry_client
