// SPDX-License-Identifier: Apache-2.0
#include "issuer/issuer.h"

#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "base/log.h"
#include "custody/request.h"
#include "did/methods/keel.h"
#include "did/methods/key.h"
#include "issuer/internal/keys.h"
#include "ledger/entry.h"
#include "vc/definition/definition.h"

namespace keel::issuer {

using nlohmann::json;

Issuer::Issuer(Options options, base::HttpClient& http, Clock& clock, Random& random)
    : options_(std::move(options)), http_(http), clock_(clock), random_(random) {}
Issuer::~Issuer() = default;

Result<> Issuer::AddAuthorKey(custody::Identity& identity) {
  KEEL_TRY(const crypto::KeyHandle author, identity.keys().Generate(crypto::KeyType::kEd25519));
  return identity.keys().SetLabel(author, kAuthorLabel);
}

Result<std::unique_ptr<Issuer>> Issuer::Open(Options options, base::HttpClient& http, Clock& clock, Random& random) {
  std::unique_ptr<Issuer> issuer(new Issuer(std::move(options), http, clock, random));
  KEEL_TRY(issuer->identity_, custody::Identity::Open(issuer->options_.data_dir, issuer->options_.identity));
  issuer->options_.identity.passphrase = {};  // the caller wipes it
  KEEL_TRY(issuer->db_, base::OpenLevelDb(issuer->options_.data_dir + "/db"));
  KEEL_TRY(issuer->custody_, custody::CustodyStore::Open(*issuer->identity_));
  KEEL_TRY_VOID(issuer->Connect());
  KEEL_TRY_VOID(issuer->LoadStatus());
  return issuer;
}

Result<> Issuer::Connect() {
  context_.reset();
  resolver_.reset();
  registry_client::ClientOptions client;
  client.endpoints = options_.endpoints;
  client.max_stale_seconds = options_.max_stale;
  client.state_file = options_.data_dir + "/checkpoint";
  client.account =
      registry_client::Account{identity_->did(), &identity_->keys(), identity_->auth(), identity_->auth_kid()};
  KEEL_TRY(registry_,
           registry_client::RegistryClient::Create(identity_->network_text(), http_, clock_, random_, client));
  resolver_ = std::make_unique<did::MethodResolver>();
  resolver_->Add("keel", std::make_unique<did::KeelMethod>(*registry_, registry_->label()))
      .Add("key", std::make_unique<did::KeyMethod>());
  ConnectDefinitions();
  context_.reset(new custody::CustodyContext{*identity_, *custody_, *registry_, *resolver_, clock_, random_, {}});
  return {};
}

Result<Row> Issuer::FindRow(const std::string& name) const {
  if (!name.starts_with("did:")) return GetRow(name);
  KEEL_TRY(const auto serial, db_->Get(DidIndexKey(name)));
  if (serial) return GetRow(*serial);
  return Fail(Code::kNotFound, "device", name + " wasn't made here (or isn't finished: name it by its serial)");
}

Result<json> Issuer::Ownership(const json& args) {
  const std::lock_guard lock(mutex_);
  return custody::RunOwnershipVerb(*context_, args);
}

Result<json> Issuer::RotateKey(const json& args) {
  const std::lock_guard lock(mutex_);
  KEEL_TRY_VOID(base::OnlyMembers(args, {"reason", "since"}));
  KEEL_TRY(const auto reason, base::GetOptionalString(args, "reason"));
  KEEL_TRY(const auto since, base::GetOptionalUint(args, "since"));
  const std::string why = reason.value_or("routine");
  if (why != "routine" && why != "compromise")
    return Fail(Code::kUsage, "rotate-key", "--reason is routine or compromise");
  if (why == "compromise" && !since)
    return Fail(Code::kUsage, "rotate-key",
                "--reason compromise needs --since INDEX: the log index from which on nothing by the old key counts");
  if (why == "routine" && since) return Fail(Code::kUsage, "rotate-key", "--since goes with --reason compromise");
  KEEL_TRY(const uint64_t index, identity_->Rotate(*registry_, why == "compromise" ? since : std::nullopt));
  KEEL_TRY_VOID(Connect());
  // The list that was published is signed by the old key, which is no longer current.
  json out = {{"did", did()}, {"kid", identity_->auth_kid()}, {"index", index}};
  if (auto published = PublishStatus(); !published) out["status_list"] = published.error().Text();
  return out;
}

Result<> Issuer::Ready() {
  const Bytes32 key = ledger::SponsorKey(did());
  auto set = registry_->ProveKeys({&key, 1});
  if (!set) return std::unexpected<Error>(std::move(set.error()));
  if (!set->keys[0].value)
    return Fail(Code::kNotSponsored, "issuer",
                "this DID isn't an accredited sponsor: keel-registry sponsor add --identity " + options_.data_dir +
                    "/identity.json");
  if (!StatusList()) return Fail(Code::kUnavailable, "issuer", "the status list isn't published yet");
  return {};
}

Result<json> Issuer::Status() {
  const std::lock_guard lock(mutex_);
  json rows = json::object();
  for (const RowState state : {RowState::kBegun, RowState::kAnchored, RowState::kVerified, RowState::kFinished})
    rows[RowStateName(state)] = 0;
  uint64_t revoked = 0;
  Result<> bad;
  KEEL_TRY_VOID(db_->Scan("f/", [&](std::string_view, std::string_view value) {
    const auto object = base::ParseJson(value);
    const auto row = object ? RowFromJson(*object) : std::unexpected<Error>(object.error());
    if (!row) {
      bad = std::unexpected<Error>(row.error());
      return false;
    }
    rows[RowStateName(row->state)] = rows[RowStateName(row->state)].get<uint64_t>() + 1;
    revoked += row->revoked ? 1 : 0;
    return true;
  }));
  KEEL_TRY_VOID(bad);
  const auto ready = Ready();
  return json{{"did", did()},
              {"network", identity_->network().label},
              {"words", identity_->network().words},
              {"kid", identity_->auth_kid()},
              {"public_url", options_.public_url},
              {"ready", ready.has_value()},
              {"why", ready ? "" : ready.error().Text()},
              {"rows", std::move(rows)},
              {"revoked", revoked},
              {"status_list",
               {{"url", StatusUrl()},
                {"version", status_version_},
                {"valid_until", base::Rfc3339(status_until_)},
                {"places", status_->entries()},
                {"taken", status_->taken()}}}};
}

Result<json> Issuer::List() {
  const std::lock_guard lock(mutex_);
  json devices = json::array();
  Result<> bad;
  KEEL_TRY_VOID(db_->Scan("f/", [&](std::string_view key, std::string_view value) {
    const auto object = base::ParseJson(value);
    const auto row = object ? RowFromJson(*object) : std::unexpected<Error>(object.error());
    if (!row) {
      bad = Fail(Code::kCorrupt, "issuer", std::string(key) + ": " + row.error().Text());
      return false;
    }
    devices.push_back({{"serial", row->serial()},
                       {"model", row->facts.model},
                       {"did", row->did},
                       {"state", RowStateName(row->state)},
                       {"revoked", row->revoked}});
    return true;
  }));
  KEEL_TRY_VOID(bad);
  return json{{"did", did()}, {"devices", std::move(devices)}};
}

Result<json> Issuer::Doctor() {
  const std::lock_guard lock(mutex_);
  json checks = json::array();
  const auto add = [&](const char* name, const Result<>& result, const std::string& good) {
    checks.push_back({{"check", name}, {"ok", result.has_value()}, {"detail", result ? good : result.error().Text()}});
  };
  const auto checkpoint = registry_->Checkpoint();
  add("registry", checkpoint ? Result<>() : std::unexpected<Error>(checkpoint.error()),
      checkpoint
          ? "checkpoint of " + std::to_string(checkpoint->size) + " entries at " + base::Rfc3339(checkpoint->time)
          : "");
  const auto history = registry_->ResolveDid(did());
  add("own DID", history ? Result<>() : std::unexpected<Error>(history.error()),
      history ? std::to_string(history->operations.size()) + " operations anchored" : "");
  if (history) {
    const bool same = history->operations.size() == identity_->operations().size();
    add("own operations",
        same ? Result<>()
             : Result<>(Fail(Code::kConflict, "issuer",
                             "the registry knows " + std::to_string(history->operations.size()) +
                                 " operations, identity.json " + std::to_string(identity_->operations().size()) +
                                 ": run rotate-key again or restore the newest folder")),
        "as in identity.json");
  }
  add("accreditation and status list", Ready(),
      "accredited; version " + std::to_string(status_version_) + " published");
  add("database", db_->Healthy(), "writable");
  add("custody", custody_->raw().Healthy(), "writable");
  const bool fixed = !options_.public_url.empty();
  add("public url",
      fixed ? Result<>()
            : Result<>(Fail(Code::kUsage, "issuer", "public_url is not set: credentials can't name their status list")),
      options_.public_url);
  bool all = true;
  for (const json& check : checks) all = all && check["ok"].get<bool>();
  return json{{"ok", all}, {"checks", std::move(checks)}};
}

base::Router Issuer::PublicRoutes() {
  base::Router router;
  router.AddSync("GET", "/status/1", [this](const base::HttpRequest&) {
    const auto list = StatusList();
    if (!list) return base::TextResponse(503, "the status list isn't published yet\n");
    base::HttpResponse response;
    response.content_type = "application/vc+jwt";
    response.headers.emplace_back("Cache-Control", "max-age=" + std::to_string(kStatusTtlMs / 1000));
    response.shared_body = list;
    return response;
  });
  router.AddSync("GET", "/livez", [](const base::HttpRequest&) { return base::TextResponse(200, "ok\n"); });
  router.AddSync("GET", "/readyz", [this](const base::HttpRequest&) {
    const auto ready = Ready();
    return ready ? base::TextResponse(200, "ok\n") : base::TextResponse(503, ready.error().Text() + "\n");
  });
  return router;
}

}  // namespace keel::issuer
