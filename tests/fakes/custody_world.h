// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "base/net/http_client.h"
#include "base/role.h"
#include "crypto/hash.h"
#include "crypto/signature.h"
#include "custody/chain.h"
#include "custody/import.h"
#include "custody/package.h"
#include "custody/request.h"
#include "custody/transfer.h"
#include "did/methods/keel.h"
#include "did/methods/key.h"
#include "ledger/entry.h"
#include "ledger/link.h"
#include "registry-client/registry_client.h"
#include "registry-node/service.h"
#include "vc/batch.h"
#include "vc/credential.h"
#include "vc/types.h"

// A real registry node on 127.0.0.1 and roles beside it, for the tests of custody, issuer and verifier.
namespace keel::fakes {

using nlohmann::json;

class World {
 public:
  World() : dir_(*base::TempDir::Create("keel-world")), http_(base::MakeBeastClient()) {
    crypto::SetUpHostedCrypto();
    paths_ = *base::ResolveRolePaths("registry", dir_ / "registry");
    registry::InitOptions init;
    init.listen = "127.0.0.1:0";
    const auto made = registry::Init(paths_, init);
    EXPECT_TRUE(made) << made.error().Text();
    auto service = registry::Service::Start(paths_, {});
    EXPECT_TRUE(service) << service.error().Text();
    service_ = std::move(*service);
    net_keel_ = *registry::NetworkFileText(paths_);
  }
  std::string operator/(const std::string& name) const { return dir_ / name; }
  const std::string& net_keel() const { return net_keel_; }
  const std::string& url() const { return service_->url(); }
  base::HttpClient& http() { return *http_; }
  base::SystemClock& clock() { return clock_; }

  // What `keel-registry` does for an identity: anchors its create operation, accredits it.
  void Sponsor(const custody::Identity& identity) {
    std::vector<uint8_t> entry(identity.create_operation().size() + 16);
    entry.resize(*ledger::WriteOperationEntry(AsBytes(identity.create_operation()), entry));
    const auto anchored = base::CallControl(paths_, "anchor", {{"entries", json::array({base::Base64Url(entry)})}});
    ASSERT_TRUE(anchored) << anchored.error().Text();
    ASSERT_EQ((*anchored)["results"][0]["code"], "ok") << *anchored;
    const auto sponsor = base::CallControl(paths_, "sponsor-add", {{"did", identity.did()}, {"quota", 1'000'000}});
    ASSERT_TRUE(sponsor) << sponsor.error().Text();
  }

 private:
  base::TempDir dir_;
  std::unique_ptr<base::HttpClient> http_;
  base::SystemClock clock_;
  base::RolePaths paths_;
  std::unique_ptr<registry::Service> service_;
  std::string net_keel_;
};

// A custodian with its folder, store and registry client.
class Role {
 public:
  Role(World& world, std::string folder, bool fresh = true, bool sponsor = true)
      : world_(world), folder_(std::move(folder)) {
    auto identity =
        fresh ? custody::Identity::Create(folder_, world.net_keel(), {}) : custody::Identity::Open(folder_, {});
    EXPECT_TRUE(identity) << identity.error().Text();
    identity_ = std::move(*identity);
    if (fresh && sponsor) world.Sponsor(*identity_);
    auto store = custody::CustodyStore::Open(*identity_);
    EXPECT_TRUE(store) << store.error().Text();
    store_ = std::move(*store);
    registry_client::ClientOptions options;
    options.endpoints = {world.url()};
    if (sponsor)
      options.account =
          registry_client::Account{identity_->did(), &identity_->keys(), identity_->auth(), identity_->auth_kid()};
    auto client = registry_client::RegistryClient::Create(world.net_keel(), world.http(), world.clock(),
                                                          crypto::SystemRandom(), options);
    EXPECT_TRUE(client) << client.error().Text();
    registry_ = std::move(*client);
    resolver_.Add("keel", std::make_unique<did::KeelMethod>(*registry_, registry_->label()))
        .Add("key", std::make_unique<did::KeyMethod>());
    context_.reset(new custody::CustodyContext{
        *identity_, *store_, *registry_, resolver_, world.clock(), crypto::SystemRandom(), {}});
  }

  custody::CustodyContext& context() { return *context_; }
  custody::Identity& identity() { return *identity_; }
  custody::CustodyStore& store() { return *store_; }
  registry_client::RegistryClient& registry() { return *registry_; }
  did::DidResolver& resolver() { return resolver_; }
  const std::string& did() const { return identity_->did(); }
  const std::string& folder() const { return folder_; }

  // A verb; fails the test on an error.
  json Do(json args) {
    const auto answer = custody::RunOwnershipVerb(*context_, args);
    EXPECT_TRUE(answer) << args["verb"] << ": " << answer.error().Text();
    return answer ? *answer : json::object();
  }
  Result<json> Try(const json& args) { return custody::RunOwnershipVerb(*context_, args); }
  std::string Request(size_t count, const std::string& name = "request") {
    const std::string file = folder_ + "/" + name;
    Do({{"verb", "request"}, {"count", count}, {"out", file}});
    return file;
  }

  // Manufactures devices without a factory: DID with seal0, HardwareCredential in an anchored batch, held here.
  void Manufacture(size_t count, const std::string& prefix = "SN-") {
    auto seals = *store_->MakeSeals(count);
    std::vector<custody::DeviceRecord> records;
    std::vector<std::vector<uint8_t>> entries;
    std::vector<std::string> credentials;
    for (size_t i = 0; i < count; ++i) {
      auto keys = crypto::SoftwareKeyStore::CreateInMemory();
      const auto auth = *keys->Generate(crypto::KeyType::kEd25519);
      const auto next = *keys->Generate(crypto::KeyType::kEd25519);
      const auto rendezvous = *keys->Generate(crypto::KeyType::kX25519);
      custody::DeviceRecord record;
      record.serial = prefix + std::to_string(i + 1);
      record.model = i % 2 == 0 ? "gateway" : "sensor";
      record.hardware.root_seal = seals[i].seal;
      EXPECT_TRUE(crypto::SystemRandom().Fill(record.hardware.salt));
      EXPECT_TRUE(crypto::SystemRandom().Fill(record.rs));
      record.rp = *keys->Public(rendezvous);
      did::KeelCreate create;
      create.label = identity_->network().label;
      create.net = identity_->net();
      create.keys = {{"auth", 3, {keys.get(), auth}}};
      create.next = {*keys->Public(next)};
      create.seal0 = ledger::RootSealCommitment(record.hardware.salt, seals[i].seal);
      const auto made = *did::CreateKeelDid(create, crypto::SystemRandom());
      record.did = made.did;
      record.ops.push_back({0, made.jws});
      std::vector<uint8_t> entry(made.jws.size() + 16);
      entry.resize(*ledger::WriteOperationEntry(made.jws, entry));
      entries.push_back(std::move(entry));
      vc::HardwareRequest paper;
      paper.issuer = did();
      paper.device = made.did;
      paper.valid_from = base::NowSeconds();
      paper.facts.serial = record.serial;
      paper.facts.model = record.model;
      record.hardware.jwt = *vc::IssueCredential(vc::HardwareCredential(paper), identity_->keys(), identity_->auth(),
                                                 identity_->auth_kid());
      credentials.push_back(record.hardware.jwt);
      records.push_back(std::move(record));
    }
    auto batch = *vc::MakeBatch(credentials, crypto::SystemRandom());
    std::string payload(256, '\0');
    payload.resize(*ledger::WriteBatchPayload({batch.root, static_cast<uint32_t>(count)}, payload));
    std::vector<uint8_t> statement(2048);
    statement.resize(
        *ledger::SignStatement(payload, identity_->auth_kid(), identity_->keys(), identity_->auth(), statement));
    std::vector<uint8_t> entry(statement.size() + 64);
    entry.resize(*ledger::WriteBatchEntry(batch.root, statement, entry));
    entries.push_back(std::move(entry));
    const auto verdicts = registry_->Submit(entries);
    ASSERT_TRUE(verdicts) << verdicts.error().Text();
    for (const auto& verdict : *verdicts) ASSERT_EQ(verdict.code, Code::kOk) << verdict.detail;
    for (size_t i = 0; i < count; ++i) {
      records[i].ops[0].index = (*verdicts)[i].index;
      batch.members[i].log_index = verdicts->back().index;
      records[i].hardware.batch = base::DumpJson(batch.members[i].ToJson());
    }
    const auto put = store_->Put(records);
    ASSERT_TRUE(put) << put.error().Text();
  }

 private:
  World& world_;
  std::string folder_;
  std::unique_ptr<custody::Identity> identity_;
  std::unique_ptr<custody::CustodyStore> store_;
  std::unique_ptr<registry_client::RegistryClient> registry_;
  did::MethodResolver resolver_;
  std::unique_ptr<custody::CustodyContext> context_;
};

// request, transfer, import in one go; gives the import's answer.
inline json Pass(Role& giver, Role& receiver, size_t count, bool offline = false) {
  const std::string package = giver.folder() + "/package-" + std::to_string(base::MonotonicMs());
  const json sold = giver.Do({{"verb", "transfer"},
                              {"request", receiver.Request(count)},
                              {"out", package},
                              {"all", true},
                              {"offline", offline}});
  EXPECT_EQ(sold["given"].size(), count) << sold;
  return receiver.Do({{"verb", "import"}, {"file", package}, {"offline", offline}});
}

}  // namespace keel::fakes
