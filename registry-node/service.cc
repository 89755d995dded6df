// SPDX-License-Identifier: Apache-2.0
#include "registry-node/service.h"

#include <sys/stat.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "base/log.h"
#include "base/storage/key_value_store.h"
#include "crypto/hosted/software_key_store.h"
#include "crypto/signature.h"
#include "did/default_resolver.h"
#include "didcomm/mediator/mediator.h"
#include "ledger/entry.h"
#include "registry-client/registry_client.h"
#include "registry-node/http_api.h"

namespace keel::registry {
namespace {

using nlohmann::json;

std::string MemberKeysPath(const base::RolePaths& p) { return p.data_dir + "/keys/member.keys"; }
std::string GenesisPath(const base::RolePaths& p) { return p.data_dir + "/genesis.json"; }
std::string GenesisSigsPath(const base::RolePaths& p) { return p.data_dir + "/genesis.sigs"; }
std::string LedgerPath(const base::RolePaths& p) { return p.data_dir + "/ledger"; }
std::string HighWaterPath(const base::RolePaths& p, const base::Config& config) {
  const std::string set = config.GetString("high_water");
  return set.empty() ? p.data_dir + "/keys/high-water" : set;
}

Result<std::unique_ptr<crypto::SoftwareKeyStore>> OpenKeys(const std::string& path, const std::string& passphrase) {
  return crypto::SoftwareKeyStore::Open(
      path, passphrase.empty() ? crypto::Protection::kNone : crypto::Protection::kPassphrase, passphrase);
}

Result<NodeOptions> ReadNodeOptions(const base::RolePaths& paths, const base::Config& config) {
  NodeOptions options;
  auto genesis = base::ReadFile(GenesisPath(paths), ledger::kMaxDescriptor);
  if (!genesis) {
    return Fail(Code::kNotFound, "keel-registry",
                GenesisPath(paths) + " is missing: run 'keel-registry init" +
                    (paths.data_flag.empty() ? "" : " --data " + paths.data_flag) + "' first, or check --data");
  }
  options.genesis = base::ToBytes(*genesis);
  KEEL_TRY(const std::string sigs, base::ReadFile(GenesisSigsPath(paths), ledger::kMaxSigs));
  options.genesis_sigs = base::ToBytes(sigs);
  options.high_water_file = HighWaterPath(paths, config);
  return options;
}

Result<crypto::KeyHandle> MemberKey(crypto::SoftwareKeyStore& keys) {
  auto key = keys.FindLabel("member");
  if (!key) return Fail(Code::kNoSuchKey, "keel-registry", "the key store has no member key");
  return key;
}

json ToJson(const Grant& grant) {
  return {{"create", grant.create},
          {"publish", grant.publish},
          {"spends_per_hour", grant.spends_per_hour},
          {"note", grant.note}};
}

Result<std::unique_ptr<did::DidResolver>> OtherMethods(const base::Config& config) {
  did::DefaultResolverOptions options{.key = false, .jwk = false, .peer = false, .web = false};
  bool webvh = false;
  const std::map<std::string, bool*, std::less<>> known = {
      {"key", &options.key}, {"jwk", &options.jwk}, {"peer", &options.peer}, {"web", &options.web}, {"webvh", &webvh}};
  const std::string list = config.GetString("resolver.methods");
  std::string_view rest = list;
  while (!rest.empty()) {
    const size_t comma = std::min(rest.find(','), rest.size());
    const auto it = known.find(rest.substr(0, comma));
    if (it == known.end()) {
      return Fail(Code::kUsage, "keel-registry",
                  "resolver.methods (" + config.Origin("resolver.methods") +
                      ") is a list like \"key,jwk,peer,web,webvh\", not '" + std::string(rest.substr(0, comma)) + "'");
    }
    *it->second = true;
    rest.remove_prefix(std::min(comma + 1, rest.size()));
  }
  options.webvh = webvh;
  return did::MakeDefaultResolver(options);
}

// The mediator's path, when it is enabled, beside the API's own.
base::HttpHandler WithMediation(base::HttpHandler api, base::Router mediation) {
  return
      [api = std::move(api), mediation = std::move(mediation)](base::HttpRequest request, base::Responder responder) {
        if (request.path == didcomm::kMediatorPath) return mediation.Handle(std::move(request), std::move(responder));
        api(std::move(request), std::move(responder));
      };
}

}  // namespace

std::vector<base::Config::Key> ConfigKeys() {
  using Type = base::Config::Type;
  std::vector<base::Config::Key> keys = {
      {"listen", Type::kString, "127.0.0.1:7800", "Address and port of the public API; port 0 takes a free one"},
      {"public_url", Type::kString, "",
       "What others reach this node by (goes into net.keel); empty: http:// and the listening address"},
      {"engine", Type::kString, "local", "Ledger engine; 'local': one member, LevelDB, one writer"},
      {"high_water", Type::kString, "",
       "File that remembers the largest log signed; empty: DATA/keys/high-water. Keep it out of backups of "
       "DATA/ledger"},
      {"threads", Type::kUint, "2", "Threads that read and write connections, and as many that handle requests"},
      {"max_connections", Type::kUint, "2048", "Connections open at once"},
      {"poll_seconds", Type::kUint, "20", "How long a device's rendezvous query is held, at most 20"},
      {"quota.address_spends", Type::kUint, "60",
       "Updates, deactivations and spends an hour from an address without an account"},
      {"quota.account_spends", Type::kUint, "100000", "The same for an account"},
      {"quota.account_publishes", Type::kUint, "10000", "Rendezvous values an hour for an account"},
      {"resolver.methods", Type::kString, "key,jwk,peer",
       "DID methods that /1.0/identifiers resolves beside did:keel: of key, jwk, peer, and (they make this node fetch "
       "from hosts that strangers name) web, webvh"},
      {"registrar.creates", Type::kUint, "0",
       "did:keel that an address without an account may have created an hour by /1.0/create; this member sponsors "
       "them"},
      {"rendezvous.any_did", Type::kBool, "true",
       "Any DID anchored here may publish; false: only sponsors and registered accounts"},
  };
  std::ranges::move(didcomm::MediatorConfigKeys(), std::back_inserter(keys));
  return keys;
}

Result<InitResult> Init(const base::RolePaths& paths, const InitOptions& options) {
  if (base::FileExists(GenesisPath(paths)) || base::FileExists(paths.config_file)) {
    return Fail(
        Code::kExists, "init",
        "there is a registry in " + paths.data_dir + " (" + paths.config_file + ") already; nothing was changed");
  }
  if (!ledger::IsLabel(options.label)) {
    return Fail(Code::kUsage, "init",
                "--label takes 1 to 32 of a-z, 0-9 and '-', beginning with a letter: '" + options.label + "'");
  }
  KEEL_TRY_VOID(base::ParseListen(options.listen));
  KEEL_TRY_VOID(base::MakePrivateDir(paths.data_dir));
  KEEL_TRY_VOID(base::MakePrivateDir(paths.data_dir + "/keys"));
  const std::string root_dir = options.root_keys.empty() ? paths.data_dir + "/root-keys" : options.root_keys;
  KEEL_TRY_VOID(base::MakePrivateDir(root_dir));

  KEEL_TRY(auto member_keys, OpenKeys(MemberKeysPath(paths), ""));
  KEEL_TRY(const crypto::KeyHandle member, member_keys->Generate(crypto::KeyType::kEd25519));
  KEEL_TRY_VOID(member_keys->SetLabel(member, "member"));
  KEEL_TRY(const crypto::PublicKey member_public, member_keys->Public(member));
  // Two stores: the roots of this epoch and those it commits to, so that they can lie in two safes.
  KEEL_TRY(auto roots, OpenKeys(root_dir + "/epoch-0.keys", options.root_passphrase));
  KEEL_TRY(const crypto::KeyHandle root, roots->Generate(crypto::KeyType::kEd25519));
  KEEL_TRY_VOID(roots->SetLabel(root, "root-0"));
  KEEL_TRY(const crypto::PublicKey root_public, roots->Public(root));
  KEEL_TRY(auto next_roots, OpenKeys(root_dir + "/epoch-1.keys", options.root_passphrase));
  KEEL_TRY(const crypto::KeyHandle next, next_roots->Generate(crypto::KeyType::kEd25519));
  KEEL_TRY_VOID(next_roots->SetLabel(next, "root-0"));
  KEEL_TRY(const crypto::PublicKey next_public, next_roots->Public(next));

  const std::string member_text = base::Multikey(member_public), root_text = base::Multikey(root_public);
  ledger::Descriptor d;
  d.label = options.label;
  d.epoch = 0;
  d.quorum = 1;
  d.member_count = 1;
  d.members[0] = {options.member, member_text};
  if (!options.public_url.empty()) {
    d.endpoint_count = 1;
    d.endpoints[0] = options.public_url;
  }
  d.root_threshold = 1;
  d.root_count = 1;
  d.roots[0] = root_text;
  d.next_threshold = 1;
  d.next_count = 1;
  KEEL_TRY(d.next[0], ledger::KeyHash(next_public));
  std::array<char, ledger::kMaxDescriptor> text;
  KEEL_TRY(const size_t n, ledger::BuildDescriptor(d, text));
  const std::string genesis(text.data(), n);
  const ledger::Net net = ledger::DescriptorHash(AsBytes(genesis));
  const auto message = ledger::DescriptorMessage(net, net);
  Bytes64 signature{};
  KEEL_TRY_VOID(roots->Sign(root, message, signature));
  const ledger::SigsEntry sig{0, signature};
  std::array<uint8_t, ledger::kMaxSigs> sigs;
  KEEL_TRY(const size_t s, ledger::WriteSigs(std::span(&sig, 1), sigs));
  KEEL_TRY(const ledger::Descriptor parsed, ledger::ParseDescriptor(AsBytes(genesis)));
  KEEL_TRY_VOID(ledger::VerifyGenesis(parsed, net, ByteView(sigs).first(s)));

  std::map<std::string, std::string> values = {{"listen", options.listen}};
  if (!options.public_url.empty()) values["public_url"] = options.public_url;
  KEEL_TRY_VOID(base::WriteFileAtomic(GenesisSigsPath(paths), ByteView(sigs).first(s), 0644));
  KEEL_TRY_VOID(base::WriteFileAtomic(GenesisPath(paths), genesis, 0644));
  KEEL_TRY_VOID(base::WriteNewFile(paths.config_file, base::Config::Template(ConfigKeys(), values), 0644));
  std::array<char, ledger::kMaxWords> words;
  KEEL_TRY(const size_t w, ledger::NetWords(net, words));
  return InitResult{base::Hex(net), std::string(words.data(), w), paths.config_file, paths.data_dir, root_dir};
}

struct Service::Impl {
  std::optional<base::LockFile> lock;
  base::SystemClock clock;
  base::SystemRandom random;
  base::RolePaths paths;
  std::string public_url, url, words;
  std::unique_ptr<crypto::SoftwareKeyStore> keys;
  std::unique_ptr<base::KeyValueStore> store;
  std::unique_ptr<Node> node;
  std::unique_ptr<Rendezvous> rendezvous;
  std::unique_ptr<Accounts> accounts;
  std::unique_ptr<QuorumTimeService> time;
  std::unique_ptr<did::DidResolver> others;  // what /1.0/identifiers resolves beside did:keel; outlives api
  std::unique_ptr<HttpApi> api;
  std::unique_ptr<did::DidResolver> resolver;   // the mediator's
  std::unique_ptr<didcomm::Mediator> mediator;  // null: not enabled
  std::unique_ptr<base::HttpServer> server;
  std::unique_ptr<base::ControlServer> control;  // goes first

  Result<json> NetworkFileJson();
  Result<json> AddSponsor(const json& args);
  Result<json> ListSponsors();
  Result<json> AddAccount(const json& args);
  Result<json> SubmitEntries(const json& args);
  std::map<std::string, base::ControlVerb> Verbs(Service& service);
};

Service::Service(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Service::~Service() {
  if (impl_->control) impl_->control->Stop();
  if (impl_->server) impl_->server->Stop();
}
const std::string& Service::url() const { return impl_->url; }

Result<std::unique_ptr<Service>> Service::Start(const base::RolePaths& paths, const Options& options) {
  crypto::SetUpHostedCrypto();
  KEEL_TRY(base::Config config, base::Config::Load(paths.config_file, ConfigKeys()));
  if (!options.listen.empty()) KEEL_TRY_VOID(config.SetFlag("listen", options.listen));
  if (config.GetString("engine") != "local") {
    return Fail(Code::kUsage, "keel-registry",
                "engine '" + config.GetString("engine") + "' (" + config.Origin("engine") +
                    ") is not built in; only 'local' is");
  }
  KEEL_TRY(NodeOptions node_options, ReadNodeOptions(paths, config));

  auto impl = std::make_unique<Impl>();
  impl->paths = paths;
  KEEL_TRY(auto lock, base::LockFile::Acquire(paths.data_dir));
  impl->lock.emplace(std::move(lock));
  KEEL_TRY(impl->keys, OpenKeys(MemberKeysPath(paths), ""));
  KEEL_TRY(const crypto::KeyHandle member, MemberKey(*impl->keys));
  base::StoreOptions store_options;
  store_options.write_buffer = 16 << 20;
  store_options.cache = 64 << 20;
  KEEL_TRY(impl->store, base::OpenLevelDb(LedgerPath(paths), store_options));
  KEEL_TRY(impl->node, Node::Open(std::move(node_options), *impl->store, *impl->keys, member, impl->clock));
  KEEL_TRY(impl->rendezvous, Rendezvous::Open(*impl->store, impl->node->Members().count, base::NowSeconds()));
  AccessPolicy policy;
  policy.address_spends = config.GetUint("quota.address_spends");
  policy.account_spends = config.GetUint("quota.account_spends");
  policy.account_publishes = config.GetUint("quota.account_publishes");
  policy.any_did_publishes = config.GetBool("rendezvous.any_did");
  KEEL_TRY(impl->accounts, Accounts::Open(*impl->store, *impl->node, impl->clock, policy));
  impl->time = std::make_unique<QuorumTimeService>(*impl->node, impl->clock);
  HttpApi::Options api_options;
  api_options.max_poll_ms = std::min<uint64_t>(config.GetUint("poll_seconds"), ledger::kMaxPollSeconds) * 1000;
  KEEL_TRY(impl->others, OtherMethods(config));
  api_options.others = impl->others.get();
  api_options.registrar_creates = config.GetUint("registrar.creates");
  impl->api = std::make_unique<HttpApi>(*impl->node, *impl->rendezvous, *impl->time, *impl->accounts, impl->clock,
                                        impl->random, api_options);

  KEEL_TRY(base::HttpServerOptions listen, base::ParseListen(config.GetString("listen")));
  listen.threads = static_cast<int>(std::clamp<uint64_t>(config.GetUint("threads"), 1, 64));
  listen.handler_threads = listen.threads;
  listen.max_connections = config.GetUint("max_connections");
  // No did:web: a registry fetches nothing for strangers.
  impl->resolver = did::MakeDefaultResolver({.web = false});
  base::Router mediation;
  KEEL_TRY(impl->mediator,
           didcomm::OpenConfigured(config, paths.data_dir, "", *impl->resolver, impl->clock, {}, listen, mediation));
  KEEL_TRY(impl->server, base::HttpServer::Start(listen, WithMediation(impl->api->Handler(), std::move(mediation))));
  impl->url = impl->server->url();
  impl->public_url = config.GetString("public_url").empty() ? impl->url : config.GetString("public_url");
  if (impl->mediator) KEEL_TRY_VOID(impl->mediator->Announce(impl->public_url));
  std::array<char, ledger::kMaxWords> words;
  KEEL_TRY(const size_t w, ledger::NetWords(impl->node->net(), words));
  impl->words.assign(words.data(), w);

  std::unique_ptr<Service> service(new Service(std::move(impl)));
  KEEL_TRY(service->impl_->control, base::ControlServer::Start(paths.socket, service->impl_->Verbs(*service)));
  const auto view = service->impl_->node->view();
  base::LogInfo("registry.ready", {{"url", service->impl_->url},
                                   {"label", service->impl_->node->label()},
                                   {"size", view ? view->size : 0},
                                   {"hold", service->impl_->node->HoldReason()}});
  return service;
}

json Service::Status() const {
  const Impl& i = *impl_;
  const auto view = i.node->view();
  const auto stats = i.node->stats();
  const auto ready = i.node->Ready();
  json out = {{"role", "registry"},
              {"url", i.url},
              {"public_url", i.public_url},
              {"label", i.node->label()},
              {"net", base::Hex(i.node->net())},
              {"words", i.words},
              {"mediator", i.mediator ? i.mediator->Status() : json()},
              {"ready", ready.has_value()},
              {"queued", stats.queued},
              {"commits", stats.commits},
              {"entries", stats.entries},
              {"refused", stats.refused},
              {"accounts", i.accounts->List().size()},
              {"rendezvous", i.rendezvous->size()}};
  if (!ready) out["why"] = ready.error().Text();
  if (view) {
    out["checkpoint"] = {
        {"size", view->size}, {"height", view->height}, {"time", base::Rfc3339(view->time)}, {"epoch", view->epoch}};
  }
  return out;
}

Result<json> Service::Impl::NetworkFileJson() {
  const auto view = node->view();
  if (!view) return Fail(Code::kUnavailable, "descriptor", node->HoldReason());
  KEEL_TRY(const ledger::EpochBundle first, ledger::ParseEpochBundle(view->epochs->front()));
  registry_client::NetworkFile file;
  file.net = node->net();
  file.label = node->label();
  file.words = words;
  file.genesis.assign(first.descriptor.begin(), first.descriptor.end());
  file.epochs.assign(view->epochs->begin() + 1, view->epochs->end());
  file.endpoints = {public_url};
  return json{{"file", registry_client::FormatNetworkFile(file)}, {"words", words}};
}

Result<json> Service::Impl::AddSponsor(const json& args) {
  KEEL_TRY(const std::string did, base::GetString(args, "did"));
  KEEL_TRY(const uint64_t quota, base::GetUint(args, "quota"));
  KEEL_TRY(const auto until, base::GetOptionalUint(args, "until"));
  KEEL_TRY_VOID(ledger::ParseDidOf(did, node->label()));
  const auto view = node->view();
  if (!view) return Fail(Code::kUnavailable, "sponsor", node->HoldReason());
  KEEL_TRY(const auto before, ReadSponsor(view->Reader(), did));
  ledger::SponsorPayload payload;
  payload.did = did;
  payload.seq = before ? before->seq + 1 : 1;
  payload.quota = quota;
  payload.until = until.value_or(0);
  std::array<char, 1024> text;
  KEEL_TRY(const size_t n, ledger::WriteSponsorPayload(payload, text));
  const ByteView octets = AsBytes(std::string_view(text.data(), n));
  ByteArray<ledger::kMaxMemberMessage> message;
  KEEL_TRY(const size_t m, ledger::WriteMemberMessage(ledger::EntryType::kSponsor, node->net(), octets, message));
  KEEL_TRY(const Bytes64 signature, node->SignAsMember(ByteView(message).first(m)));
  const ledger::SigsEntry sig{node->member(), signature};
  std::array<uint8_t, ledger::kMaxSigs> sigs;
  KEEL_TRY(const size_t s, ledger::WriteSigs(std::span(&sig, 1), sigs));
  std::vector<uint8_t> entry(2048);
  KEEL_TRY(const size_t e,
           ledger::WriteSignedPayloadEntry(ledger::EntryType::kSponsor, octets, ByteView(sigs).first(s), entry));
  PreparedTransaction tx;
  tx.entries.push_back(Prepare(node->net(), ByteView(entry).first(e)));
  KEEL_TRY(const auto verdicts, node->Apply(std::move(tx), false));
  if (verdicts[0].code != Code::kOk) return Fail(verdicts[0].code, "sponsor", verdicts[0].detail);
  return json{{"did", did}, {"index", verdicts[0].index}, {"seq", payload.seq}, {"quota", quota}};
}

Result<json> Service::Impl::ListSponsors() {
  const auto view = node->view();
  if (!view) return Fail(Code::kUnavailable, "sponsor", node->HoldReason());
  std::vector<std::string> dids;
  KEEL_TRY_VOID(view->snapshot->Scan("s", [&](std::string_view key, std::string_view) {
    dids.emplace_back(key.substr(1));
    return true;
  }));
  json out = json::array();
  for (const std::string& did : dids) {
    KEEL_TRY(const auto record, ReadSponsor(view->Reader(), did));
    if (!record) continue;
    json one = {
        {"did", did}, {"quota", record->quota}, {"seq", record->seq}, {"active", record->ActiveAt(base::NowSeconds())}};
    if (record->until != 0) one["until"] = base::Rfc3339(record->until);
    out.push_back(one);
  }
  return json{{"sponsors", out}};
}

Result<json> Service::Impl::AddAccount(const json& args) {
  KEEL_TRY(const std::string id, base::GetString(args, "id"));
  Grant grant;
  KEEL_TRY(const auto create, base::GetOptionalBool(args, "create"));
  KEEL_TRY(const auto publish, base::GetOptionalBool(args, "publish"));
  KEEL_TRY(const auto spends, base::GetOptionalUint(args, "spends_per_hour"));
  KEEL_TRY(const auto note, base::GetOptionalString(args, "note"));
  grant.create = create.value_or(false);
  grant.publish = publish.value_or(true);
  grant.spends_per_hour = spends.value_or(grant.spends_per_hour);
  grant.note = note.value_or("");
  KEEL_TRY_VOID(accounts->Add(id, grant));
  return ToJson(grant);
}

// What a person brought on paper or stick: entries that this member sponsors (design.md section 4: "an owner's first
// DID ... any member on request").
Result<json> Service::Impl::SubmitEntries(const json& args) {
  KEEL_TRY(const std::vector<std::string> entries, base::GetStrings(args, "entries"));
  if (entries.empty() || entries.size() > ledger::kMaxTransactionEntries)
    return Fail(Code::kUsage, "anchor", "1 to 4,096 entries");
  PreparedTransaction tx;
  for (const std::string& text : entries) {
    KEEL_TRY(const base::ByteVec octets, base::FromBase64Url(text));
    tx.entries.push_back(Prepare(node->net(), octets));
  }
  KEEL_TRY(const auto verdicts, node->Apply(std::move(tx), true));
  json out = json::array();
  for (const Verdict& v : verdicts) {
    json one = {{"code", CodeName(v.code)}};
    if (v.code == Code::kOk) {
      one["index"] = v.index;
    } else {
      one["detail"] = v.detail;
    }
    out.push_back(one);
  }
  return json{{"results", out}};
}

std::map<std::string, base::ControlVerb> Service::Impl::Verbs(Service& service) {
  return {
      {"status", [&service](const json&) -> Result<json> { return service.Status(); }},
      {"descriptor", [this](const json&) { return NetworkFileJson(); }},
      {"sponsor-add", [this](const json& args) { return AddSponsor(args); }},
      {"sponsor-list", [this](const json&) { return ListSponsors(); }},
      {"account-add", [this](const json& args) { return AddAccount(args); }},
      {"account-remove",
       [this](const json& args) -> Result<json> {
         KEEL_TRY(const std::string id, base::GetString(args, "id"));
         KEEL_TRY_VOID(accounts->Remove(id));
         return json::object();
       }},
      {"account-list",
       [this](const json&) -> Result<json> {
         json out = json::object();
         for (const auto& [id, grant] : accounts->List()) out[id] = ToJson(grant);
         return json{{"accounts", out}};
       }},
      {"anchor", [this](const json& args) { return SubmitEntries(args); }},
  };
}

Result<std::string> NetworkFileText(const base::RolePaths& paths) {
  auto running = base::CallControl(paths, "descriptor", json::object());
  if (running) return base::GetString(*running, "file");
  if (running.error().code != Code::kUnreachable) return std::unexpected(running.error());
  // Not running: what the files say, which is everything as long as there is one epoch.
  KEEL_TRY(const base::Config config, base::Config::Load(paths.config_file, ConfigKeys()));
  KEEL_TRY(const NodeOptions options, ReadNodeOptions(paths, config));
  registry_client::NetworkFile file;
  file.net = ledger::DescriptorHash(options.genesis);
  file.genesis = options.genesis;
  KEEL_TRY(const ledger::Descriptor d, ledger::ParseDescriptor(options.genesis));
  file.label = std::string(d.label);
  std::array<char, ledger::kMaxWords> words;
  KEEL_TRY(const size_t w, ledger::NetWords(file.net, words));
  file.words.assign(words.data(), w);
  std::string url = config.GetString("public_url");
  if (url.empty()) {
    KEEL_TRY(const base::HttpServerOptions listen, base::ParseListen(config.GetString("listen")));
    if (listen.port == 0) {
      return Fail(Code::kUnreachable, "descriptor",
                  "the port is chosen when the service starts: start it with 'keel-registry serve', then ask again");
    }
    url = "http://" + config.GetString("listen");
  }
  file.endpoints = {url};
  return registry_client::FormatNetworkFile(file);
}

std::vector<Finding> Doctor(const base::RolePaths& paths) {
  std::vector<Finding> out;
  const auto good = [&](std::string what) { out.push_back({true, std::move(what), ""}); };
  const auto bad = [&](std::string what, std::string advice) {
    out.push_back({false, std::move(what), std::move(advice)});
  };
  const auto config = base::Config::Load(paths.config_file, ConfigKeys(), true);
  if (!config) {
    bad("configuration " + paths.config_file + ": " + config.error().Text(),
        "run 'keel-registry init', or correct the file");
    return out;
  }
  good("configuration " + paths.config_file);
  struct stat st{};
  if (::stat(MemberKeysPath(paths).c_str(), &st) != 0) {
    bad("member key " + MemberKeysPath(paths) + " is missing",
        "restore it from your backup; without it this member can't sign");
  } else if ((st.st_mode & 077) != 0) {
    bad("member key " + MemberKeysPath(paths) + " may be read by others", "chmod 600 " + MemberKeysPath(paths));
  } else {
    good("member key");
  }
  if (base::FileExists(paths.data_dir + "/root-keys")) {
    // Advice, not a fault: a first try-out is in order with it.
    out.push_back({true, "the root keys lie beside the online key in " + paths.data_dir + "/root-keys",
                   "move that folder to two safe places; only a new descriptor epoch needs it"});
  }
  const auto running = base::CallControl(paths, "status", json::object(), std::chrono::seconds(5));
  if (running) {
    const auto ready = base::GetBool(*running, "ready");
    if (ready && *ready) {
      good("service is running and ready");
    } else {
      const auto why = base::GetString(*running, "why");
      bad("service is running, not ready", why ? *why : "see its log");
    }
    return out;
  }
  bad("service is not running", "start it with 'keel-registry serve'");
  crypto::SetUpHostedCrypto();
  auto keys = OpenKeys(MemberKeysPath(paths), "");
  auto options = ReadNodeOptions(paths, *config);
  auto store = base::OpenLevelDb(LedgerPath(paths));
  if (!keys || !options || !store) {
    const Error& error = !keys ? keys.error() : !options ? options.error() : store.error();
    bad(error.Text(), "restore the data folder from a backup that is not older than what was signed");
    return out;
  }
  base::SystemClock clock;
  const auto member = MemberKey(**keys);
  if (!member) {
    bad(member.error().Text(), "restore the key store");
    return out;
  }
  const auto node = Node::Open(*options, **store, **keys, *member, clock);
  if (!node) {
    bad("ledger: " + node.error().Text(), "restore " + LedgerPath(paths) + " from a backup");
  } else if (!(*node)->HoldReason().empty()) {
    bad("ledger", (*node)->HoldReason());
  } else {
    good("ledger of " + std::to_string((*node)->view()->size) + " entries");
  }
  return out;
}

}  // namespace keel::registry
