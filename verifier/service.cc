// SPDX-License-Identifier: Apache-2.0
#include "verifier/service.h"

#include <algorithm>
#include <atomic>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json_strict.h"
#include "base/log.h"
#include "crypto/signature.h"
#include "didcomm/transport.h"
#include "onboarding/messages.h"
#include "vc/verify_any.h"
#include "verifier/service_parts.h"

namespace keel::verifier {
namespace {

using nlohmann::json;

// A rotation or revocation is seen within this time; a thousand devices of one maker cost one question.
constexpr uint64_t kKeepHistoriesMs = 5'000;
constexpr int kHandlerThreads = 48;  // most wait for the registry, which answers many at once

base::HttpResponse ServePack(Onboarding& onboarding, const base::HttpRequest& request) {
  uint32_t from = 0;
  if (const auto text = base::QueryValue(request.query, "from")) {
    const auto number = base::ParseJson(*text);
    if (!number || !number->is_number_unsigned() || number->get<uint64_t>() > UINT32_MAX)
      return base::TextResponse(400, "from must be a record's number\n");
    from = number->get<uint32_t>();
  }
  auto view = onboarding.Pack(request.params.front(), from);
  if (!view) return base::ErrorResponse(view.error());
  base::HttpResponse response;
  response.content_type = "application/octet-stream";
  response.shared_body = std::move(view->octets);
  response.offset = view->offset;
  return response;
}

base::HttpResponse ServeFirmware(FirmwareStore& firmware, const base::HttpRequest& request) {
  uint64_t from = 0;
  if (const auto text = base::QueryValue(request.query, "from")) {
    const auto number = base::ParseJson(*text);
    if (!number || !number->is_number_unsigned()) return base::TextResponse(400, "from must be a block's number\n");
    from = number->get<uint64_t>();
  }
  auto blocks = firmware.Blocks(request.params.front(), from);
  if (!blocks) return base::ErrorResponse(blocks.error());
  return base::BytesResponse(200, "application/octet-stream", std::move(*blocks));
}

base::HttpResponse ServeReady(ClaimBook& book, base::KeyValueStore& store) {
  json reasons = json::array();
  const auto healthy = store.Healthy();
  if (!healthy) reasons.push_back("storage: " + healthy.error().Text());
  const std::string problem = book.publish_problem();
  if (!problem.empty()) reasons.push_back("rendezvous: " + problem);
  return base::JsonResponse(reasons.empty() ? 200 : 503,
                            base::DumpJson({{"ready", reasons.empty()}, {"reasons", reasons}}));
}

}  // namespace

Service::Service(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Service::~Service() {
  if (impl_->relay) impl_->relay->Stop();
  if (impl_->server) impl_->server->Stop();
}

bool Service::Impl::IsMember(const std::string& did) const {
  const auto onboarded = [](ClaimSlot& slot, const std::string* pairwise) {
    const std::lock_guard guard(slot.mutex);
    return slot.claim.state == ClaimState::kOnboarded &&
           (pairwise == nullptr || slot.claim.device_pairwise == *pairwise);
  };
  if (const auto slot = book->FindDevice(did)) return onboarded(*slot, nullptr);
  const auto all = book->All();
  return std::any_of(all.begin(), all.end(), [&](const auto& slot) { return onboarded(*slot, &did); });
}

std::string Service::url() const { return impl_->url; }
did::DidResolver& Service::resolver() { return impl_->resolver; }
const std::string& Service::did() const { return impl_->identity->did(); }

Result<std::unique_ptr<Service>> Service::Start(const ServiceOptions& options) {
  crypto::SetUpHostedCrypto();
  KEEL_TRY(base::LockFile lock, base::LockFile::Acquire(options.data_dir));
  auto impl = std::make_unique<Impl>(std::move(lock));
  Impl& s = *impl;
  s.options = options;
  s.http = base::MakeBeastClient(32);
  KEEL_TRY(s.identity, custody::Identity::Open(options.data_dir, {.passphrase = options.passphrase}));
  KEEL_TRY(s.store, base::OpenLevelDb(options.data_dir + "/db"));
  KEEL_TRY(s.custody, custody::CustodyStore::Open(*s.identity));

  registry_client::ClientOptions client;
  client.endpoints = options.registry;
  client.max_stale_seconds = options.max_stale_seconds;
  client.state_file = options.data_dir + "/registry-state.json";
  client.account =
      registry_client::Account{s.identity->did(), &s.identity->keys(), s.identity->auth(), s.identity->auth_kid()};
  KEEL_TRY(s.registry,
           registry_client::RegistryClient::Create(s.identity->network_text(), *s.http, s.clock, s.random, client));
  s.histories = std::make_unique<did::CachingHistorySource>(*s.registry, s.clock, kKeepHistoriesMs);
  s.keel_method = std::make_unique<did::KeelMethod>(*s.histories, s.registry->label());
  s.resolver.Add("keel", *s.keel_method).Add("key", s.key_method).Add("peer", s.peer_method);
  s.custody_context.reset(
      new custody::CustodyContext{*s.identity, *s.custody, *s.registry, s.resolver, s.clock, s.random, {}});

  vc::ListStatusChecker::Options status;
  status.fetch = [&s](const std::string& url) -> Result<std::string> {
    KEEL_TRY(base::HttpResponse response, s.http->Get(url));
    if (!response.ok())
      return Fail(Code::kHttpStatus, "status list", url + " answered " + std::to_string(response.status));
    return std::move(response.body);
  };
  status.anchored_version = [&s](const std::string& issuer, const std::string& url) -> Result<uint64_t> {
    KEEL_TRY(const registry_client::StatusVersion version, s.registry->GetStatusVersion(issuer, url));
    return version.version;
  };
  // A manufacturer's list may be secured in another form than its credentials.
  status.verify = [](std::string_view octets, did::DidResolver& resolver, const vc::VerifyOptions& how) {
    return vc::VerifyAny(octets, resolver, how);
  };
  s.status = std::make_unique<vc::ListStatusChecker>(s.resolver, std::move(status));
  s.batches = std::make_unique<BatchIndices>(*s.registry);
  vc::SchemaStore::Options schemas;
  schemas.from_ledger = [&s](const std::string& author, const std::string& id) {
    return s.registry->GetSchema(author, id);
  };
  s.schemas = std::make_unique<vc::SchemaStore>(std::move(schemas));
  s.schema_checker = std::make_unique<vc::StoreSchemaChecker>(*s.schemas);
  s.definitions = std::make_unique<vc::DefinitionBook>(
      *s.schemas, [&s](const std::string& author, const std::string& id) -> Result<vc::DefinitionBook::Anchored> {
        KEEL_TRY(registry_client::Definition found, s.registry->GetDefinition(author, id));
        return vc::DefinitionBook::Anchored{std::move(found.schema), std::move(found.content)};
      });
  s.hardware = std::make_unique<HardwareCheck>(HardwareCheck::Parts{s.resolver, *s.histories, *s.batches, *s.status,
                                                                    s.definitions.get(), s.schema_checker.get()});
  s.records = std::make_unique<Records>(*s.store);
  s.settings = std::make_unique<Settings>(*s.records);
  KEEL_TRY_VOID(s.settings->Load());
  KEEL_TRY(const SecretBytes<32> master, s.identity->WrapKey());
  s.keys = std::make_unique<SessionKeys>(master);
  s.members = std::make_unique<Members>(options.data_dir + "/members.jsonl", s.identity->did(), s.identity->auth_key());
  s.firmware = std::make_unique<FirmwareStore>(options.data_dir + "/firmware", *s.records, s.random);
  KEEL_TRY_VOID(s.firmware->Load());
  s.prover = std::make_unique<Prover>(*s.registry, *s.histories, s.random, s.identity->did());

  // The listener comes first: invitations name its URL.
  base::Router router;
  router.Add("POST", std::string(onboarding::kMessagePath),
             didcomm::DidcommEndpointLater([&s](std::string envelope, didcomm::EnvelopeAnswer answer) {
               s.onboarding->Handle(envelope, std::move(answer));
             }));
  router.AddSync("GET", "/pack/{thid}",
                 [&s](const base::HttpRequest& request) { return ServePack(*s.onboarding, request); });
  router.AddSync("GET", "/fw/{transfer}",
                 [&s](const base::HttpRequest& request) { return ServeFirmware(*s.firmware, request); });
  router.AddSync("GET", "/livez", [](const base::HttpRequest&) { return base::TextResponse(200, "ok\n"); });
  router.AddSync("GET", "/readyz", [&s](const base::HttpRequest&) { return ServeReady(*s.book, *s.store); });
  base::HttpServerOptions listen = options.listen;
  listen.handler_threads = kHandlerThreads;
  if (options.mediator) {
    KEEL_TRY(s.mediator, didcomm::OpenConfigured(
                             *options.mediator, options.data_dir, options.passphrase, s.resolver, s.clock,
                             [&s](const std::string& did) { return s.IsMember(did); }, listen, router));
  }
  const auto ready = std::make_shared<std::atomic<bool>>(false);
  KEEL_TRY(s.server, base::HttpServer::Start(listen, [router = std::move(router), ready](base::HttpRequest request,
                                                                                         base::Responder responder) {
             if (!ready->load(std::memory_order_acquire)) {
               responder.Send(base::TextResponse(503, "starting\n"));
               return;
             }
             router.Handle(std::move(request), std::move(responder));
           }));
  s.url = options.public_url.empty() ? s.server->url() : options.public_url;

  s.book = std::make_unique<ClaimBook>(ClaimBook::Parts{*s.records, *s.keys, *s.registry, s.clock, s.random, s.url});
  KEEL_TRY(s.relay, Relay::Open(*s.book, *s.store, s.clock));
  Onboarding::Parts parts{
      .book = *s.book,
      .records = *s.records,
      .keys = *s.keys,
      .prover = *s.prover,
      .hardware = *s.hardware,
      .members = *s.members,
      .settings = *s.settings,
      .firmware = *s.firmware,
      .resolver = s.resolver,
      .owner = {s.identity->did(), s.identity->auth_kid(), &s.identity->keys(), s.identity->auth()},
      .clock = s.clock,
      .random = s.random,
      .url = s.url,
      .relay = s.relay.get(),
      .keep_rendezvous = [&s](const std::string& did, const Bytes32& rs, const crypto::PublicKey& rp) {
        return s.custody->SetRendezvous(did, rs, rp);
      }};
  s.onboarding = std::make_unique<Onboarding>(std::move(parts));
  KEEL_TRY_VOID(s.book->Load());
  KEEL_TRY_VOID(s.ReleaseGiven());  // `keel ownership` may have worked while nobody served
  KEEL_TRY_VOID(s.ResetMembers());
  if (s.mediator) KEEL_TRY_VOID(s.mediator->Announce(s.url));
  ready->store(true, std::memory_order_release);
  return std::unique_ptr<Service>(new Service(std::move(impl)));
}

}  // namespace keel::verifier
