// SPDX-License-Identifier: Apache-2.0
#include "vc-api/service.h"

#include <mutex>

#include "base/encoding.h"
#include "base/files.h"
#include "base/log.h"
#include "base/role.h"
#include "base/storage/key_value_store.h"
#include "core/secret.h"
#include "crypto/hosted/software_key_store.h"
#include "did/methods/key.h"
#include "vc-api/vc_api.h"
#include "vc/schema/schema_checker.h"
#include "vc/status_list/status_list.h"
#include "vc/verify_any.h"

namespace keel::vc_api {
namespace {

constexpr crypto::KeyType kTypes[] = {crypto::KeyType::kEd25519, crypto::KeyType::kP256, crypto::KeyType::kP384};
constexpr int kHandlerThreads = 4;

bool IsLoopback(const std::string& host) { return host.starts_with("127.") || host == "::1"; }

// Makes what isn't there yet; the labels are the keys' DID URLs.
Result<std::vector<Issuer>> Issuers(crypto::SoftwareKeyStore& store) {
  std::vector<Issuer> issuers;
  for (const crypto::KeyType type : kTypes) {
    Issuer issuer;
    issuer.store = &store;
    for (const auto& [label, handle] : store.Labels()) {
      KEEL_TRY(const crypto::PublicKey key, store.Public(handle));
      if (key.type() != type) continue;
      issuer.key = handle;
      issuer.public_key = key;
    }
    if (!issuer.public_key.valid()) {
      KEEL_TRY(issuer.key, store.Generate(type));
      KEEL_TRY(issuer.public_key, store.Public(issuer.key));
      KEEL_TRY_VOID(store.SetLabel(issuer.key, did::DidKeyUrl(issuer.public_key)));
    }
    issuer.did = did::DidKey(issuer.public_key);
    issuer.kid = did::DidKeyUrl(issuer.public_key);
    issuers.push_back(std::move(issuer));
  }
  return issuers;
}

}  // namespace

std::vector<base::Config::Key> ConfigKeys(bool issues) {
  using Type = base::Config::Type;
  std::vector<base::Config::Key> keys = {
      {"vc_api.listen", Type::kString, "", "HOST:PORT of W3C's VC-API; not set: there is none"},
      {"vc_api.certificate", Type::kString, "", "PEM file: the VC-API over HTTPS, with vc_api.key"},
      {"vc_api.key", Type::kString, "", "PEM file with the certificate's key"},
      {"vc_api.ca_file", Type::kString, "",
       "PEM file: whom to trust when status lists are fetched; default: the system's"},
      {"vc_api.private_lists", Type::kBool, "false",
       "Whether status lists at private addresses are fetched too where the listener isn't on loopback"}};
  if (issues) {
    keys.push_back(
        {"vc_api.token_file", Type::kString, "", "File whose first line is the bearer token that issuing needs"});
    keys.push_back({"vc_api.public_url", Type::kString, "", "URL under which others reach it; credentials name it"});
    keys.push_back({"vc_api.status", Type::kBool, "false", "Whether every credential gets a status, asked for or not"});
  }
  return keys;
}

struct Service::Impl {
  std::unique_ptr<crypto::SoftwareKeyStore> keys;
  std::unique_ptr<base::KeyValueStore> store;
  std::unique_ptr<base::HttpClient> http;
  std::unique_ptr<StatusBook> book;
  std::unique_ptr<Issuing> issuing;
  std::unique_ptr<vc::ListStatusChecker> status;
  vc::SchemaStore schema_store;
  std::unique_ptr<vc::StoreSchemaChecker> schemas;
  std::unique_ptr<Verifying> verifying;
  std::string token;
  // Routes come after the listener, whose port the status lists' URLs name.
  std::mutex mutex;
  std::shared_ptr<const base::Router> router;
  std::unique_ptr<base::HttpServer> server;

  ~Impl() {
    if (server) server->Stop();
  }
  bool Allowed(const base::HttpRequest& request) const {
    return token.empty() || ConstantTimeEqual(AsBytes(request.Header("Authorization")), AsBytes("Bearer " + token));
  }
  Result<> OpenIssuing(const base::Config& config, const std::string& folder, Clock& clock, Random& random);
};

Result<> Service::Impl::OpenIssuing(const base::Config& config, const std::string& folder, Clock& clock,
                                    Random& random) {
  KEEL_TRY(keys, crypto::SoftwareKeyStore::Open(folder + "/keys", crypto::Protection::kNone, ""));
  KEEL_TRY(store, base::OpenLevelDb(folder + "/db"));
  KEEL_TRY(std::vector<Issuer> issuers, Issuers(*keys));
  StatusBook::Options options;
  options.url = config.GetString("vc_api.public_url").empty() ? server->url() : config.GetString("vc_api.public_url");
  while (options.url.ends_with('/')) options.url.pop_back();
  options.url += "/credentials/status";
  for (const Issuer& issuer : issuers) {
    vc::SecureOptions securing;
    const bool eddsa = issuer.public_key.type() == crypto::KeyType::kEd25519;
    securing.form = eddsa ? "eddsa-rdfc-2022" : "ecdsa-rdfc-2019";
    securing.kid = issuer.kid;
    securing.store = keys.get();
    securing.key = issuer.key;
    options.issuers.emplace_back(issuer.did, std::move(securing));
  }
  KEEL_TRY(book, StatusBook::Open(std::move(options), *store, clock, random));
  issuing = std::make_unique<Issuing>(Issuing::Options{std::move(issuers), book.get(), config.GetBool("vc_api.status")},
                                      clock);
  return {};
}

Service::Service(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Service::~Service() = default;
std::string Service::url() const { return impl_->server->url(); }
void Service::Stop() { impl_->server->Stop(); }

Result<std::unique_ptr<Service>> Service::OpenConfigured(const base::Config& config, const std::string& data_dir,
                                                         bool issues, did::DidResolver& resolver, Clock& clock,
                                                         Random& random) {
  if (config.GetString("vc_api.listen").empty()) return nullptr;
  KEEL_TRY(base::HttpServerOptions listen, base::ParseListen(config.GetString("vc_api.listen")));
  listen.certificate_file = config.GetString("vc_api.certificate");
  listen.key_file = config.GetString("vc_api.key");
  listen.handler_threads = kHandlerThreads;
  auto impl = std::make_unique<Impl>();
  Impl& s = *impl;
  if (issues) {
    if (const std::string file = config.GetString("vc_api.token_file"); !file.empty()) {
      KEEL_TRY(s.token, base::ReadFile(file, 4096));
      s.token = s.token.substr(0, s.token.find_first_of("\r\n"));
      if (s.token.empty()) return Fail(Code::kUsage, "vc_api.token_file", file + " is empty");
    } else if (!IsLoopback(listen.host)) {
      return Fail(Code::kUsage, "vc_api.listen",
                  listen.host +
                      " can be reached from elsewhere: whoever gets there could have anything signed; set "
                      "vc_api.token_file");
    }
  }
  const std::string folder = data_dir + "/vc-api";
  KEEL_TRY_VOID(base::MakeDir(folder, 0700));
  base::BeastOptions client;
  client.ca_file = config.GetString("vc_api.ca_file");
  // Whoever sends a credential says where its status list is: strangers must not have this host ask its neighbours.
  client.public_addresses_only = !(IsLoopback(listen.host) || config.GetBool("vc_api.private_lists"));
  s.http = base::MakeBeastClient(client);
  vc::ListStatusChecker::Options status;
  status.fetch = [&s](const std::string& url) -> Result<std::string> {
    KEEL_TRY(base::HttpResponse response, s.http->Get(url));
    if (!response.ok())
      return Fail(Code::kHttpStatus, "status list", url + " answered " + std::to_string(response.status));
    return std::move(response.body);
  };
  status.verify = vc::VerifyAny;
  s.status = std::make_unique<vc::ListStatusChecker>(resolver, std::move(status));
  s.schemas = std::make_unique<vc::StoreSchemaChecker>(s.schema_store, vc::StoreSchemaChecker::Unknown::kPassOver);
  s.verifying = std::make_unique<Verifying>(Verifying::Options{&resolver, s.status.get(), s.schemas.get()}, clock);
  KEEL_TRY(s.server, base::HttpServer::Start(listen, [&s](base::HttpRequest request, base::Responder responder) {
             std::shared_ptr<const base::Router> router;
             {
               const std::lock_guard lock(s.mutex);
               router = s.router;
             }
             if (router) {
               router->Handle(std::move(request), std::move(responder));
             } else {
               responder.Send(base::TextResponse(503, "starting\n"));
             }
           }));
  base::Router router;
  s.verifying->AddRoutes(router);
  if (issues) {
    KEEL_TRY_VOID(s.OpenIssuing(config, folder, clock, random));
    s.issuing->AddRoutes(router, [&s](const base::HttpRequest& request) { return s.Allowed(request); });
  }
  {
    const std::lock_guard lock(s.mutex);
    s.router = std::make_shared<const base::Router>(std::move(router));
  }
  base::LogInfo("vc_api.ready", {{"url", s.server->url()}});
  return std::unique_ptr<Service>(new Service(std::move(impl)));
}

}  // namespace keel::vc_api
