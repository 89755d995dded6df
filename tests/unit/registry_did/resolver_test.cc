// SPDX-License-Identifier: Apache-2.0
// /1.0/identifiers on a registry node: did:keel from its own state, with versions and proof.
#include <condition_variable>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/json_strict.h"
#include "did/default_resolver.h"
#include "tests/unit/registry_client/client_fixture.h"

namespace keel::registry_client {
namespace {

using nlohmann::json;
using registry::OperationEntry;

class Identifiers : public ClientTest {
 protected:
  base::HttpResponse Send(const std::string& method, const std::string& path, const std::string& accept,
                          const std::string& body = {}) {
    base::HttpCall call;
    call.method = method;
    call.url = served.server->url() + "/1.0/identifiers/" + path;
    call.headers = {{"Accept", accept}};
    call.body = body;
    auto response = http->Send(call, {});
    EXPECT_TRUE(response) << (response ? "" : response.error().Text());
    return response ? *response : base::HttpResponse{};
  }
  base::HttpResponse Get(const std::string& path, const std::string& accept = "application/did-resolution") {
    return Send("GET", path, accept);
  }
  static json Body(const base::HttpResponse& response) { return base::ParseJson(response.body).value_or(json()); }
  static std::string Type(const base::HttpResponse& response) {
    return Body(response).at("didResolutionMetadata").at("error").at("type");
  }
  // At a later time of the node's clock.
  void SubmitAt(UnixSeconds time, const Octets& operation) {
    served.t.clock.now = time;
    ASSERT_EQ(served.t.Submit({OperationEntry(operation)})[0].code, Code::kOk);
  }
  static constexpr UnixSeconds kStart = 1'800'000'000;
};

TEST_F(Identifiers, VersionsByNumberAndTime) {
  Identity id = served.t.world.CreateIdentity();
  SubmitAt(kStart + 10, id.jws[0]);
  const std::string first_key = id.auth_multikey;
  served.t.world.Rotate(id);
  SubmitAt(kStart + 1000, id.jws[1]);
  served.t.world.Rotate(id);
  SubmitAt(kStart + 2000, id.jws[2]);
  const std::string did = base::UrlEncode(id.did);

  json body = Body(Get(did));
  EXPECT_EQ(body.at("didDocument").at("verificationMethod")[0].at("publicKeyMultibase"), id.auth_multikey);
  json metadata = body.at("didDocumentMetadata");
  EXPECT_EQ(metadata.at("versionId"), "2");
  EXPECT_EQ(metadata.at("created"), base::Rfc3339(kStart + 10));
  EXPECT_EQ(metadata.at("updated"), base::Rfc3339(kStart + 2000));
  EXPECT_EQ(metadata.at("canonicalId"), id.did);
  EXPECT_FALSE(metadata.contains("nextVersionId"));
  EXPECT_FALSE(metadata.contains("deactivated"));

  body = Body(Get(did + "?versionId=0"));
  EXPECT_EQ(body.at("didDocument").at("verificationMethod")[0].at("publicKeyMultibase"), first_key);
  metadata = body.at("didDocumentMetadata");
  EXPECT_EQ(metadata.at("nextVersionId"), "1");
  EXPECT_EQ(metadata.at("nextUpdate"), base::Rfc3339(kStart + 1000));
  EXPECT_FALSE(metadata.contains("updated")) << "never updated at that version";

  const auto version_at = [&](UnixSeconds time) {
    return Body(Get(did + "?versionTime=" + base::Rfc3339(time))).at("didDocumentMetadata").value("versionId", "none");
  };
  EXPECT_EQ(version_at(kStart + 999), "0");
  EXPECT_EQ(version_at(kStart + 1000), "1");
  EXPECT_EQ(version_at(kStart + 1999), "1");
  EXPECT_EQ(version_at(kStart + 9999), "2");
  EXPECT_EQ(version_at(kStart + 9), "none");
  EXPECT_EQ(Get(did + "?versionTime=" + base::Rfc3339(kStart + 9)).status, 404);
  EXPECT_EQ(Get(did + "?versionId=3").status, 404);
  EXPECT_EQ(Get(did + "?versionId=two").status, 400);
  EXPECT_EQ(Body(Send("POST", id.did, "application/did-resolution", R"({"versionId":"1"})"))
                .at("didDocumentMetadata")
                .at("versionId"),
            "1");
  // The same as a DID URL.
  const auto dereferenced = Get(base::UrlEncode(id.did + "?versionId=0#key-1"), "application/did-url-dereferencing");
  EXPECT_EQ(dereferenced.status, 200);
  EXPECT_EQ(Body(dereferenced).at("contentStream").at("publicKeyMultibase"), first_key);

  served.t.world.Deactivate(id);
  SubmitAt(kStart + 3000, id.jws[3]);
  const auto gone = Get(did);
  EXPECT_EQ(gone.status, 410);
  EXPECT_TRUE(Body(gone).at("didDocument").is_null());
  EXPECT_EQ(Body(gone).at("didDocumentMetadata").at("deactivated"), true);
  const auto old = Get(did + "?versionId=1");
  EXPECT_EQ(old.status, 410);
  EXPECT_EQ(Body(old).at("didDocument").at("id"), id.did);
}

TEST_F(Identifiers, TheAnswerCarriesItsProof) {
  const Identity id = Anchored();
  const json proof = Body(Get(id.did)).at("didDocumentMetadata").at("proof");
  ASSERT_EQ(proof.size(), 1u);
  EXPECT_EQ(proof[0].at("type"), "KeelRegistryProof");
  EXPECT_EQ(proof[0].at("network"), base::Hex(served.t.world.net));
  const auto bundle = base::FromBase64Url(proof[0].at("bundle").get<std::string>());
  ASSERT_TRUE(bundle);
  // A client that gets this bundle in a registry's answer accepts it; one octet changed, it doesn't.
  bool spoil = false;
  liar.lie = [&](const base::HttpCall& call, base::HttpResponse& response) {
    if (call.url.find("/v1/did/") == std::string::npos) return;
    response.body = base::ToString(*bundle);
    if (spoil) response.body[response.body.size() - 9] ^= 1;
  };
  const auto history = client->ResolveDid(id.did);
  ASSERT_TRUE(history) << history.error().Text();
  EXPECT_EQ(history->operations.at(0).jws, id.jws[0]);
  spoil = true;
  EXPECT_FALSE(client->ResolveDid(id.did));
}

TEST_F(Identifiers, WhatIsNotHere) {
  EXPECT_EQ(Type(Get(served.t.world.CreateIdentity().did)), "https://www.w3.org/ns/did#NOT_FOUND");
  EXPECT_EQ(Type(Get("did:keel:other:zQmbxFBPptnorBp1paQDJcQcA3nBZJ8K9i3XqqEDU9QjBHE")),
            "https://www.w3.org/ns/did#NOT_FOUND");
  EXPECT_EQ(Type(Get("did:keel:demo:zNope")), "https://www.w3.org/ns/did#INVALID_DID");
  EXPECT_EQ(Type(Get("did:key:z6MktKwz7Ge1Yxzr4JHavN33wiwa8y81QdcMRLXQsrH9T53b")),
            "https://www.w3.org/ns/did#METHOD_NOT_SUPPORTED");
  EXPECT_EQ(Get("").status, 400);
  EXPECT_EQ(Send("PUT", "did:key:x", "*/*").status, 405);
}

TEST_F(Identifiers, OtherMethodsWhereTheOperatorWants) {
  const auto others = did::MakeDefaultResolver({.jwk = false, .web = false});
  registry::HttpApi api(*served.t.node, *served.rendezvous, *served.time, *served.accounts, served.t.clock,
                        served.random, {.others = others.get()});
  auto server = base::HttpServer::Start({}, api.Handler());
  ASSERT_TRUE(server);
  const std::string url = (*server)->url() + "/1.0/identifiers/";
  EXPECT_EQ(http->Get(url + "did:key:z6MktKwz7Ge1Yxzr4JHavN33wiwa8y81QdcMRLXQsrH9T53b")->status, 200);
  EXPECT_EQ(http->Get(url + "did:jwk:e30")->status, 501);
  EXPECT_EQ(http->Get(url + "did:web:example.com")->status, 501);
  EXPECT_EQ(http->Get(url + Anchored().did)->status, 200);
  (*server)->Stop();
}

// Web hosts that don't answer hold up nobody else.
class Stuck final : public did::DidResolver {
 public:
  using did::DidResolver::Resolve;
  Result<did::ResolutionResult> Resolve(const std::string&, const did::ResolutionOptions&) override {
    std::unique_lock lock(mutex);
    ++asked;
    wake.notify_all();
    wake.wait(lock, [this] { return open; });
    return Fail(Code::kTimeout, "test");
  }
  std::mutex mutex;
  std::condition_variable wake;
  bool open = false;
  size_t asked = 0;
};

TEST_F(Identifiers, SlowHostsHoldUpNobody) {
  Stuck stuck;
  registry::HttpApi api(*served.t.node, *served.rendezvous, *served.time, *served.accounts, served.t.clock,
                        served.random, {.others = &stuck});
  auto server = base::HttpServer::Start({.threads = 1, .handler_threads = 1}, api.Handler());
  ASSERT_TRUE(server);
  const std::string url = (*server)->url() + "/1.0/identifiers/";
  constexpr size_t kAll = registry::ResolverLane::kThreads + registry::ResolverLane::kMaxWaiting;
  std::vector<std::thread> askers;
  std::atomic<size_t> answered = 0;
  const auto ask = [&] {
    const auto response = base::MakeBeastClient()->Get(url + "did:web:example.com");
    // Those that are asked for below may take the places in the queue.
    EXPECT_TRUE(response && (response->status == 500 || response->status == 503));
    ++answered;
  };
  // The lane's threads first, so that the queue's length is known.
  for (size_t i = 0; i < registry::ResolverLane::kThreads; ++i) askers.emplace_back(ask);
  {
    std::unique_lock lock(stuck.mutex);
    ASSERT_TRUE(stuck.wake.wait_for(lock, std::chrono::seconds(20),
                                    [&] { return stuck.asked == registry::ResolverLane::kThreads; }));
  }
  EXPECT_EQ(http->Get(url + Anchored().did)->status, 200) << "meanwhile";
  while (askers.size() < kAll) askers.emplace_back(ask);
  // Full once all of them wait: then the answer is 503 at once.
  int status = 0;
  std::vector<std::thread> more;
  const uint64_t end = base::MonotonicMs() + 20'000;
  std::atomic<int> refused = 0;
  while (refused == 0 && base::MonotonicMs() < end) {
    more.emplace_back([&] {
      const auto response = base::MakeBeastClient()->Get(url + "did:webvh:x");
      if (response && response->status == 503) ++refused;
    });
    status = http->Get(url + Anchored().did)->status;
    EXPECT_EQ(status, 200);
  }
  EXPECT_GT(refused, 0);
  {
    const std::lock_guard lock(stuck.mutex);
    stuck.open = true;
  }
  stuck.wake.notify_all();
  for (std::thread& thread : askers) thread.join();
  for (std::thread& thread : more) thread.join();
  EXPECT_EQ(answered, kAll);
  (*server)->Stop();
}

}  // namespace
}  // namespace keel::registry_client
