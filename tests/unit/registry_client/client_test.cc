// SPDX-License-Identifier: Apache-2.0
#include "ledger/r0.h"
#include "ledger/rendezvous.h"
#include "registry-node/proof.h"
#include "tests/unit/registry_client/client_fixture.h"

namespace keel::registry_client {
namespace {

using registry::OperationEntry;

TEST_F(ClientTest, ResolvesAndProvesAbsence) {
  Identity id = Anchored();
  served.t.world.Rotate(id);
  served.t.Submit({OperationEntry(id.jws[1])});
  const auto history = client->ResolveDid(id.did);
  ASSERT_TRUE(history) << history.error().Text();
  ASSERT_EQ(history->operations.size(), 2u);
  EXPECT_EQ(history->operations[1].jws, id.jws[1]);
  EXPECT_FALSE(history->deactivated);
  EXPECT_EQ(history->checkpoint.size, served.t.node->view()->size);
  const Identity unknown = served.t.world.CreateIdentity();
  EXPECT_EQ(client->ResolveDid(unknown.did).error().code, Code::kNotFound);
  EXPECT_EQ(client->ResolveDid("did:keel:other:" + id.did.substr(14)).error().code, Code::kWrongNetwork);
  EXPECT_FALSE(client->ResolveDid("did:web:example.org"));
}

TEST_F(ClientTest, ProvesManyKeysAtOneCheckpointForPacks) {
  const Identity owner = Anchored();
  const auto from = served.t.world.MakeSeal(), to = served.t.world.MakeSeal();
  const auto link = served.t.world.MakeLink("did:keel:demo:dev", ledger::ChainBase::Root(from.seal), from, to, "vc");
  const auto index = served.t.Submit({registry::SpendEntryOf(link)})[0].index;
  const std::vector<Bytes32> keys{ledger::SealKey(from.seal), ledger::SealKey(to.seal)};
  const auto set = client->ProveKeys(keys, std::span(&owner.did, 1));
  ASSERT_TRUE(set) << set.error().Text();
  const auto spent = SpentFrom(set->keys[0]);
  ASSERT_TRUE(spent);
  EXPECT_EQ(spent->index, index);
  EXPECT_EQ(spent->link_hash, link.hash);
  EXPECT_FALSE(set->keys[1].value);
  EXPECT_EQ(SpentFrom(set->keys[1]).error().code, Code::kMissing);
  // The raw octets are what a device's chain verifier takes.
  ledger::ChainVerifier chain;
  chain.Start(served.t.world.net, ledger::DeviceTag("did:keel:demo:dev"), ledger::ChainBase::Root(from.seal));
  ASSERT_TRUE(chain.Link(link.record, link.policy, link.sigs));
  ASSERT_TRUE(chain.Spent(spent->index, set->keys[0].proof, set->checkpoint.map_root));
  EXPECT_TRUE(chain.Tail(set->keys[1].proof, set->checkpoint.map_root));
  const auto ckpt = ledger::ParseCheckpoint(set->checkpoint.ckpt);
  ASSERT_TRUE(ckpt);
  EXPECT_TRUE(ledger::VerifyCheckpoint(*ckpt, served.t.world.members_set));
  EXPECT_EQ(set->histories[0].did, owner.did);
  EXPECT_LE(set->checkpoint.state.size(), ledger::kMaxItemBody);
}

TEST_F(ClientTest, SubmitsAsSponsorAndWaits) {
  const Identity sponsor = Anchored();
  served.t.Submit({served.t.SponsorEntry(sponsor.did, 1, 100)});
  ClientOptions options;
  options.account = AccountOf(sponsor);
  auto publisher = Make(options);
  const Identity a = served.t.world.CreateIdentity(), b = served.t.world.CreateIdentity();
  const auto verdicts =
      publisher->Submit(std::vector<Octets>{OperationEntry(a.jws[0]), Octets{1, 2}, OperationEntry(b.jws[0])});
  ASSERT_TRUE(verdicts) << verdicts.error().Text();
  EXPECT_EQ((*verdicts)[0].code, Code::kOk);
  EXPECT_NE((*verdicts)[1].code, Code::kOk);
  EXPECT_FALSE((*verdicts)[1].detail.empty());
  EXPECT_EQ((*verdicts)[2].code, Code::kOk);
  EXPECT_TRUE(publisher->WaitAnchored(ledger::DidKey(b.did), 5000));
  EXPECT_EQ(publisher->WaitAnchored(ledger::DidKey("did:keel:demo:none"), 30).error().code, Code::kTimeout);
  // Nobody behind it: refused entry by entry.
  const auto refused = client->Submit(std::vector<Octets>{OperationEntry(served.t.world.CreateIdentity().jws[0])});
  ASSERT_TRUE(refused);
  EXPECT_EQ((*refused)[0].code, Code::kNotSponsored);
}

TEST_F(ClientTest, MoreThanOneTransactionAtOnce) {
  const Identity id = Anchored();
  ClientOptions options;
  options.account = AccountOf(id);
  auto publisher = Make(options);
  std::vector<Octets> spends;
  for (int i = 0; i < 1100; ++i) spends.push_back(served.t.FreshSpend());
  const auto verdicts = publisher->Submit(spends);
  ASSERT_TRUE(verdicts) << verdicts.error().Text();
  ASSERT_EQ(verdicts->size(), 1100u);
  for (const auto& v : *verdicts) ASSERT_EQ(v.code, Code::kOk) << v.detail;
}

TEST_F(ClientTest, QuotaOfAnAddress) {
  std::vector<Octets> spends;
  for (int i = 0; i < 61; ++i) spends.push_back(served.t.FreshSpend());
  const auto refused = client->Submit(spends);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kQuotaExceeded);
  spends.pop_back();
  EXPECT_TRUE(client->Submit(spends));
  EXPECT_EQ(client->Submit(std::vector<Octets>{served.t.FreshSpend()}).error().code, Code::kQuotaExceeded);
}

TEST_F(ClientTest, AccountsAreCheckedPerRequest) {
  const Identity id = Anchored(), stranger = served.t.world.CreateIdentity();
  ByteArray<ledger::kRendezvousValue> value;
  ASSERT_TRUE(ledger::DummyValue(served.random, value));
  const Bytes32 index{5};
  ClientOptions options;
  EXPECT_EQ(client->PublishRendezvous(index, value).error().code, Code::kUntrusted);
  options.account = AccountOf(stranger);  // not anchored
  EXPECT_EQ(Make(options)->PublishRendezvous(index, value).error().code, Code::kNotFound);
  options.account = AccountOf(id);
  options.account->key = stranger.auth;
  EXPECT_EQ(Make(options)->PublishRendezvous(index, value).error().code, Code::kBadSignature);
  options.account = AccountOf(id);
  auto publisher = Make(options);
  ASSERT_TRUE(publisher->PublishRendezvous(index, value));
  const auto found = publisher->PollRendezvous(index);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 1u);
  EXPECT_TRUE(Equal((*found)[0], value));
  // An index without entries answers with one value of random octets.
  const auto dummy = publisher->PollRendezvous(Bytes32{6});
  ASSERT_TRUE(dummy);
  ASSERT_EQ(dummy->size(), 1u);
  EXPECT_EQ((*dummy)[0].size(), ledger::kRendezvousValue);
  EXPECT_NE(*publisher->PollRendezvous(Bytes32{6}), *dummy);
  // Wrong sizes.
  EXPECT_EQ(publisher->PublishRendezvous(index, ByteView(value).first(100)).error().code, Code::kMalformed);
  // An account key: unknown, then registered.
  const auto key = served.t.world.keys.Generate(crypto::KeyType::kEd25519).value();
  options.account =
      Account{"key:" + base::Multikey(served.t.world.keys.Public(key).value()), &served.t.world.keys, key, ""};
  auto by_key = Make(options);
  EXPECT_EQ(by_key->PublishRendezvous(index, value).error().code, Code::kUntrusted);
  registry::Grant grant;
  grant.create = true;
  ASSERT_TRUE(served.accounts->Add(options.account->id, grant));
  EXPECT_TRUE(by_key->PublishRendezvous(index, value));
  const auto created = by_key->Submit(std::vector<Octets>{OperationEntry(stranger.jws[0])});
  ASSERT_TRUE(created);
  EXPECT_EQ((*created)[0].code, Code::kOk) << (*created)[0].detail;
  EXPECT_FALSE(served.accounts->Add("key:nonsense", grant));
  ASSERT_TRUE(served.accounts->Remove(options.account->id));
  EXPECT_FALSE(by_key->PublishRendezvous(index, value));
}

TEST_F(ClientTest, RequestsOfAnotherTimeAreRefused) {
  const Identity id = Anchored();
  TestClock late;
  late.now = served.t.clock.now + 61;
  ClientOptions options;
  options.account = AccountOf(id);
  auto publisher = std::move(*RegistryClient::Create(served.NetKeel(), liar, late, served.random, options));
  ByteArray<ledger::kRendezvousValue> value{};
  EXPECT_EQ(publisher->PublishRendezvous(Bytes32{}, value).error().code, Code::kExpired);
}

TEST_F(ClientTest, LongPollIsAnsweredByThePublication) {
  const Identity id = Anchored();
  ClientOptions options;
  options.account = AccountOf(id);
  auto publisher = Make(options);
  ledger::R0Query query;
  query.count = 1;
  query.indexes[0] = Bytes32{9};
  ByteArray<ledger::kMaxR0Query> octets;
  const size_t n = ledger::WriteR0Query(query, octets).value();
  std::string body;
  std::thread device([&] {
    const auto r =
        http->Post(served.server->url() + "/v1/r0", kOctetStream, std::string(AsText(ByteView(octets).first(n))));
    if (r) body = r->body;
  });
  while (served.rendezvous->waiting() == 0) std::this_thread::yield();
  ByteArray<ledger::kRendezvousValue> value;
  ASSERT_TRUE(ledger::DummyValue(served.random, value));
  EXPECT_TRUE(publisher->PublishRendezvous(query.indexes[0], value));
  device.join();
  EXPECT_NE(body.find(AsText(value)), std::string::npos);
}

TEST_F(ClientTest, QuorumTime) {
  const auto time = client->QuorumTime();
  ASSERT_TRUE(time) << time.error().Text();
  EXPECT_EQ(*time, served.t.clock.now.load());
}

TEST_F(ClientTest, SchemasAndStatusVersions) {
  const Identity issuer = Anchored();
  served.t.Submit({served.t.SponsorEntry(issuer.did, 1, 100)});
  std::array<char, 4096> text;
  ledger::SchemaPayload schema;
  schema.id = "urn:example:schema/1";
  schema.content = R"({"type":"object"})";
  size_t n = ledger::WriteSchemaPayload(schema, false, text).value();
  served.t.Submit({served.t.Statement(ledger::EntryType::kSchema, std::string_view(text.data(), n), issuer)}, false);
  const auto content = client->GetSchema(issuer.did, "urn:example:schema/1");
  ASSERT_TRUE(content) << content.error().Text();
  EXPECT_EQ(*content, R"({"type":"object"})");
  EXPECT_EQ(client->GetSchema(issuer.did, "urn:none").error().code, Code::kNotFound);
  schema.id = "lamp";
  schema.schema = "urn:example:schema/1";
  schema.content = R"({"v":1})";
  n = ledger::WriteSchemaPayload(schema, true, text).value();
  served.t.Submit({served.t.Statement(ledger::EntryType::kDefinition, std::string_view(text.data(), n), issuer)},
                  false);
  const auto definition = client->GetDefinition(issuer.did, "lamp");
  ASSERT_TRUE(definition) << definition.error().Text();
  EXPECT_EQ(definition->schema, "urn:example:schema/1");
  EXPECT_EQ(definition->content, R"({"v":1})");
  EXPECT_EQ(client->GetDefinition(issuer.did, "none").error().code, Code::kNotFound);
  EXPECT_EQ(client->GetSchema(issuer.did, "lamp").error().code, Code::kNotFound);  // not of that kind
  ledger::StatusPayload status;
  status.id = "https://example/1";
  status.version = 3;
  status.digest = Bytes32{4};
  n = ledger::WriteStatusPayload(status, text).value();
  served.t.Submit({served.t.Statement(ledger::EntryType::kStatus, std::string_view(text.data(), n), issuer)}, false);
  const auto version = client->GetStatusVersion(issuer.did, "https://example/1");
  ASSERT_TRUE(version) << version.error().Text();
  EXPECT_EQ(version->version, 3u);
  EXPECT_EQ(version->digest, Bytes32{4});
  EXPECT_EQ(client->GetStatusVersion(issuer.did, "x").error().code, Code::kNotFound);
  EXPECT_EQ(client->GetBatchIndex(issuer.did, Bytes32{}).error().code, Code::kNotFound);
  // A schema's content that isn't the anchored one.
  liar.lie = [](const base::HttpCall&, base::HttpResponse& r) {
    Rewrite(r, [](ItemTag tag, std::vector<uint8_t>& body) {
      if (tag == ItemTag::kContent) body[body.size() / 2] ^= 1;
      return true;
    });
  };
  EXPECT_EQ(client->GetSchema(issuer.did, "urn:example:schema/1").error().code, Code::kBadProof);
  EXPECT_EQ(client->GetDefinition(issuer.did, "lamp").error().code, Code::kBadProof);
}

TEST_F(ClientTest, TextAnswersForPeopleAndMonitors) {
  Identity id = Anchored();
  const std::string url = served.server->url();
  auto r = http->Get(url + "/1.0/identifiers/" + base::UrlEncode(id.did));
  ASSERT_TRUE(r);
  EXPECT_EQ(r->status, 200);
  EXPECT_NE(r->body.find("\"verificationMethod\""), std::string::npos);
  EXPECT_NE(r->body.find(id.auth_multikey), std::string::npos);
  served.t.world.Deactivate(id);
  served.t.Submit({OperationEntry(id.jws[1])});
  EXPECT_EQ(http->Get(url + "/1.0/identifiers/" + base::UrlEncode(id.did))->status, 410);
  EXPECT_EQ(http->Get(url + "/1.0/identifiers/did:keel:demo:zNope")->status, 400);
  EXPECT_EQ(http->Get(url + "/1.0/identifiers/" + base::UrlEncode(served.t.world.CreateIdentity().did))->status, 404);
  EXPECT_EQ(http->Get(url + "/livez")->status, 200);
  EXPECT_EQ(http->Get(url + "/readyz")->status, 200);
  EXPECT_NE(http->Get(url + "/metrics")->body.find("keel_registry_log_size "), std::string::npos);
  EXPECT_EQ(http->Get(url + "/v1/checkpoint")->body, served.t.node->view()->note);
  EXPECT_EQ(http->Get(url + "/v1/map/zz")->status, 400);
  EXPECT_EQ(http->Get(url + "/v1/nothing")->status, 404);
  EXPECT_EQ(http->Get(url + "/v1/transactions")->status, 405);
  EXPECT_EQ(http->Post(url + "/v1/transactions", kOctetStream, "junk")->status, 400);
  EXPECT_EQ(http->Post(url + "/v1/r0", kOctetStream, "junk")->status, 400);
  EXPECT_EQ(http->Post(url + "/v1/proofs", kOctetStream, "junk")->status, 413);
  EXPECT_EQ(http->Get(url + "/v1/log/entries?from=0")->status, 400);
  const auto entries = http->Get(url + "/v1/log/entries?from=0&count=2");
  ASSERT_TRUE(entries);
  EXPECT_EQ(ParseBundle(entries->body)->size(), 2u);
  const auto proof = http->Get(url + "/v1/log/consistency?from=2&to=" + std::to_string(served.t.node->view()->size));
  EXPECT_EQ(proof->status, 200);
  EXPECT_EQ(http->Get(url + "/v1/log/consistency?from=2&to=99999")->status, 416);
}

}  // namespace
}  // namespace keel::registry_client
