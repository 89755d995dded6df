// SPDX-License-Identifier: Apache-2.0
#include "didcomm/mediator/mediator.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>
#include <utility>

#include "base/files.h"
#include "base/json_strict.h"
#include "base/log.h"
#include "base/net/websocket_server.h"
#include "crypto/hosted/software_key_store.h"
#include "did/methods/peer.h"
#include "didcomm/agent.h"
#include "didcomm/mediator/coordinate_mediation.h"
#include "didcomm/mediator/forwarding.h"
#include "didcomm/mediator/message_pickup.h"
#include "didcomm/pack.h"
#include "didcomm/protocols/discover_features.h"
#include "didcomm/protocols/empty.h"
#include "didcomm/protocols/report_problem.h"
#include "didcomm/protocols/trust_ping.h"
#include "didcomm/routing.h"
#include "didcomm/transports/websocket_transport.h"

namespace keel::didcomm {
namespace {

using nlohmann::json;

constexpr const char* kWhere = "mediator";
constexpr const char* kDids = "mediator/dids";
constexpr size_t kMaxDids = 64;  // earlier ones, the newest kept
constexpr auto kTick = std::chrono::seconds(30);

Result<crypto::KeyHandle> KeyOf(crypto::SoftwareKeyStore& keys, const std::string& label, crypto::KeyType type) {
  auto found = keys.FindLabel(label);
  if (found || found.error().code != Code::kNoSuchKey) return found;
  KEEL_TRY(const crypto::KeyHandle key, keys.Generate(type));
  KEEL_TRY_VOID(keys.SetLabel(key, label));
  return key;
}

// Only what proves its sender is remembered: nobody can fill the disk with messages that prove nothing, and forwards,
// which prove nothing, are known by their payloads (MessageQueue).
class ProvenReplayCache final : public ReplayCache {
 public:
  explicit ProvenReplayCache(std::unique_ptr<ReplayCache> cache) : cache_(std::move(cache)) {}
  Result<bool> Remember(std::string_view sender, std::string_view id, UnixSeconds now, UnixSeconds until) override {
    if (!sender.starts_with("did:")) return true;
    return cache_->Remember(sender, id, now, until);
  }

 private:
  const std::unique_ptr<ReplayCache> cache_;
};

}  // namespace

// Members are destroyed in reverse order: what stands below uses what stands above.
struct Mediator::Impl {
  Impl(MediatorOptions the_options, did::DidResolver& the_resolver, Clock& the_clock)
      : options(std::move(the_options)), resolver(the_resolver), clock(the_clock) {}

  const MediatorOptions options;
  did::DidResolver& resolver;
  Clock& clock;
  std::unique_ptr<crypto::SoftwareKeyStore> keys;
  crypto::KeyHandle agree, auth;
  std::unique_ptr<base::KeyValueStore> store;
  std::unique_ptr<ReplayCache> replay;
  std::unique_ptr<MediationAccounts> accounts;
  std::unique_ptr<MessageQueue> queue;
  did::MapKeyFinder finder;
  AgreementCache agreements;
  base::LogLimiter refusals;

  std::unique_ptr<CoordinateMediation> coordinate;
  std::unique_ptr<MessagePickup> pickup;
  std::unique_ptr<Forwarding> forwarding;
  TrustPing ping;
  EmptyProtocol empty;
  ReportProblem problems;
  std::unique_ptr<DiscoverFeatures> discover;
  std::unique_ptr<Agent> agent;

  mutable std::mutex mutex;  // the four below
  std::condition_variable changed;
  std::string did;
  std::vector<std::string> uris;
  std::map<uint64_t, std::shared_ptr<SocketChannel>> channels;  // shared with the pickup's live mode
  bool stopping = false;

  std::unique_ptr<base::WebSocketServer> sockets;
  std::thread ticker;

  std::string Did() const {
    const std::lock_guard lock(mutex);
    return did;
  }
  void UseDid(const std::string& one) {
    finder.Add(one + "#key-1", {keys.get(), agree});
    finder.Add(one + "#key-2", {keys.get(), auth});
  }
  Result<std::vector<std::string>> KnownDids() const;
  Result<> Build();
  Result<> StartSockets();
  void OnSocket(const base::WebSocketConnection& connection, std::string envelope);
  void Forget(uint64_t connection);
  Result<std::string> Receive(std::string_view envelope, std::shared_ptr<Channel> channel);
};

Result<std::vector<std::string>> Mediator::Impl::KnownDids() const {
  KEEL_TRY(const auto text, store->Get(kDids));
  if (!text) return std::vector<std::string>();
  KEEL_TRY(const json value, base::ParseJson(*text));
  return base::GetStrings(value, "dids");
}

Result<> Mediator::Impl::Build() {
  KEEL_TRY(accounts, MediationAccounts::Open(*store, "accounts/", options.accounts));
  KEEL_TRY(queue, MessageQueue::Open(*store, "queue/", options.queue));
  replay = std::make_unique<ProvenReplayCache>(MakeStoredReplayCache(*store, "replay/"));
  KEEL_TRY(const std::vector<std::string> dids, KnownDids());
  for (const std::string& one : dids) UseDid(one);

  const auto admit = [this](const std::string& who) { return !options.admit || options.admit(who); };
  coordinate = std::make_unique<CoordinateMediation>(CoordinateMediation::Parts{
      .accounts = *accounts,
      .routing_did = [this] { return Did(); },
      .admit = admit,
      .granted = [](const std::string& who) { base::LogInfo("mediator.granted", {{"did", who}}); }});
  pickup = std::make_unique<MessagePickup>(MessagePickup::Parts{
      .accounts = *accounts,
      .queue = *queue,
      .admit = admit,
      .pack = [this](const Message& message) -> Result<std::string> {
        PackOptions how;
        how.agreements = &agreements;
        KEEL_TRY(Packed packed, PackAuthcrypt(message, message.from, message.to.front(), finder, resolver, how));
        return std::move(packed.text);
      }});
  Forwarding::Parts forward{.accounts = *accounts, .queue = *queue, .admit = admit, .rewrap = {}, .arrived = {}};
  if (options.rewrap) {
    forward.rewrap = [this](std::string payload, const std::string& recipient) {
      return WrapForward(std::move(payload), recipient, {recipient}, resolver);
    };
  }
  forward.arrived = [this](const std::string& account, const QueuedMessage& message) {
    pickup->Arrived(account, message);
  };
  forwarding = std::make_unique<Forwarding>(std::move(forward));
  DiscoverFeatures::Features features;
  features.protocols = [this] { return agent->Speaks(); };
  discover = std::make_unique<DiscoverFeatures>(std::move(features));
  AgentParts parts{
      .keys = finder,
      .resolver = resolver,
      .replay = *replay,
      .clock = clock,
      .protocols = {forwarding.get(), coordinate.get(), pickup.get(), &ping, discover.get(), &problems, &empty},
      .transports = {},  // it answers where it is asked, and calls on nobody
      .agreements = &agreements};
  AgentOptions how;
  how.max_receive = kMaxMessage;
  how.keep_seconds = 60;
  how.ask_return_route = false;
  how.on_refused = [this](const Incoming& incoming, const Error& error) {
    refusals.Log(base::LogLevel::kInfo, "mediator.refused",
                 {{"type", incoming.message().type}, {"from", incoming.message().from}, {"why", error.Text()}});
  };
  agent = std::make_unique<Agent>(std::move(parts), std::move(how));
  return {};
}

Result<> Mediator::Impl::StartSockets() {
  base::WebSocketServerOptions how;
  how.max_message = 2 * kMaxMessage;
  how.max_connections = options.max_connections;
  KEEL_TRY(sockets, base::WebSocketServer::Start(
                        how,
                        [this](const base::WebSocketConnection& connection, std::string envelope) {
                          OnSocket(connection, std::move(envelope));
                        },
                        [this](const base::WebSocketConnection& connection) { Forget(connection.id()); }));
  return {};
}

void Mediator::Impl::OnSocket(const base::WebSocketConnection& connection, std::string envelope) {
  std::shared_ptr<SocketChannel> channel;
  {
    const std::lock_guard lock(mutex);
    std::shared_ptr<SocketChannel>& known = channels[connection.id()];
    if (!known) known = std::make_shared<SocketChannel>(connection);
    channel = known;
  }
  AnswerOnSocket(connection, Receive(envelope, std::move(channel)));
  // It may have gone while its message was handled.
  if (!connection.open()) Forget(connection.id());
}

void Mediator::Impl::Forget(uint64_t connection) {
  std::shared_ptr<SocketChannel> channel;
  {
    const std::lock_guard lock(mutex);
    if (auto node = channels.extract(connection)) channel = std::move(node.mapped());
  }
  if (channel) pickup->Closed(channel.get());
}

Result<std::string> Mediator::Impl::Receive(std::string_view envelope, std::shared_ptr<Channel> channel) {
  if (Did().empty()) return Fail(Code::kBusy, kWhere, "starting");
  auto answer = agent->Receive(envelope, std::move(channel));
  if (!answer) {
    refusals.Log(base::LogLevel::kInfo, "mediator.refused", {{"why", answer.error().Text()}});
    // A full queue is told as busy: the sender tries again later.
    if (answer.error().code == Code::kQuotaExceeded) return Fail(Code::kBusy, kWhere, answer.error().detail);
  }
  return answer;
}

Mediator::Mediator(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Mediator::~Mediator() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->changed.notify_all();
  if (impl_->ticker.joinable()) impl_->ticker.join();
  if (impl_->sockets) impl_->sockets->Stop();
}

Result<std::unique_ptr<Mediator>> Mediator::Open(const MediatorOptions& options, did::DidResolver& resolver,
                                                 Clock& clock) {
  auto impl = std::make_unique<Impl>(options, resolver, clock);
  KEEL_TRY_VOID(base::MakePrivateDir(options.data_dir));
  const auto protection = options.passphrase.empty() ? crypto::Protection::kNone : crypto::Protection::kPassphrase;
  KEEL_TRY(impl->keys, crypto::SoftwareKeyStore::Open(options.data_dir + "/keys.keel", protection, options.passphrase));
  KEEL_TRY(impl->agree, KeyOf(*impl->keys, "agree", crypto::KeyType::kX25519));
  KEEL_TRY(impl->auth, KeyOf(*impl->keys, "auth", crypto::KeyType::kEd25519));
  KEEL_TRY(impl->store, base::OpenLevelDb(options.data_dir + "/db"));
  KEEL_TRY_VOID(impl->Build());
  KEEL_TRY_VOID(impl->StartSockets());
  std::unique_ptr<Mediator> mediator(new Mediator(std::move(impl)));
  mediator->impl_->ticker = std::thread([self = mediator->impl_.get(), owner = mediator.get()] {
    std::unique_lock lock(self->mutex);
    while (!self->changed.wait_for(lock, kTick, [self] { return self->stopping; })) {
      lock.unlock();
      owner->ClearAway();
      lock.lock();
    }
  });
  return mediator;
}

void Mediator::Attach(base::HttpServerOptions& listener) {
  listener.upgrades[std::string(kMediatorPath)] = impl_->sockets->UpgradeHook();
  listener.max_body = std::max(listener.max_body, 2 * kMaxMessage);
}

void Mediator::AddRoutes(base::Router& router) {
  router.AddSync("POST", std::string(kMediatorPath),
                 DidcommEndpoint([this](const std::string& envelope) { return impl_->Receive(envelope, nullptr); }));
  router.AddSync("GET", std::string(kMediatorPath), [this](const base::HttpRequest&) {
    if (did().empty()) return base::TextResponse(503, "starting\n");
    return base::JsonResponse(200, base::DumpJson({{"did", did()}, {"uris", uris()}}));
  });
}

Result<> Mediator::Announce(const std::string& url) {
  if (!url.starts_with("http://") && !url.starts_with("https://"))
    return Fail(Code::kUsage, kWhere, "a mediator needs an http or https URL, not '" + url + "'");
  std::string base = url;
  while (base.ends_with('/')) base.pop_back();
  const std::vector<std::string> uris = {base + std::string(kMediatorPath),
                                         "ws" + base.substr(4) + std::string(kMediatorPath)};
  KEEL_TRY(const crypto::PublicKey agree, impl_->keys->Public(impl_->agree));
  KEEL_TRY(const crypto::PublicKey auth, impl_->keys->Public(impl_->auth));
  const std::vector<did::PeerKey> keys = {{did::Relationship::kKeyAgreement, agree},
                                          {did::Relationship::kAuthentication, auth}};
  std::vector<std::string> services;
  for (const std::string& uri : uris) services.push_back(did::PeerServiceDidcomm(uri));
  KEEL_TRY(const std::string did, did::CreatePeer2(keys, services));
  KEEL_TRY(std::vector<std::string> dids, impl_->KnownDids());
  if (std::find(dids.begin(), dids.end(), did) == dids.end()) {
    dids.push_back(did);
    if (dids.size() > kMaxDids) dids.erase(dids.begin());
    base::WriteBatch batch;
    batch.Put(kDids, base::DumpJson({{"dids", dids}}));
    KEEL_TRY_VOID(impl_->store->Write(batch, base::Sync::kYes));
  }
  impl_->UseDid(did);
  const std::lock_guard lock(impl_->mutex);
  impl_->did = did;
  impl_->uris = uris;
  return {};
}

std::string Mediator::did() const { return impl_->Did(); }
std::vector<std::string> Mediator::uris() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->uris;
}

Result<std::string> Mediator::Receive(std::string_view envelope, std::shared_ptr<Channel> channel) {
  return impl_->Receive(envelope, std::move(channel));
}
MessageQueue& Mediator::queue() { return *impl_->queue; }
MediationAccounts& Mediator::accounts() { return *impl_->accounts; }

json Mediator::Status() const {
  const MessageQueue::Totals totals = impl_->queue->totals();
  return {{"did", did()},
          {"uris", uris()},
          {"accounts", impl_->accounts->size()},
          {"messages", totals.messages},
          {"octets", totals.octets},
          {"live", impl_->pickup->live()},
          {"connections", impl_->sockets->stats().open}};
}

void Mediator::ClearAway() {
  const auto now = impl_->clock.Now();
  if (!now) return;
  const auto gone = impl_->queue->Expire(*now);
  if (!gone) {
    base::LogWarn("mediator.expire_failed", {{"why", gone.error().Text()}});
  } else if (*gone > 0) {
    base::LogInfo("mediator.expired", {{"messages", *gone}});
  }
  // What nobody waited for on its return route.
  impl_->agent->DeliverWaiting();
}

std::vector<base::Config::Key> MediatorConfigKeys() {
  using Type = base::Config::Type;
  return {{"mediator.enabled", Type::kBool, "false",
           "Take DIDComm messages for others who are asleep or behind NAT, at /didcomm/mediator"},
          {"mediator.admit", Type::kString, "listed",
           "Who is granted mediation: open (everybody), listed (mediator.allowed), members (this service's devices)"},
          {"mediator.allowed", Type::kStrings, "[]", "DIDs that are granted mediation beside what mediator.admit says"},
          {"mediator.rewrap", Type::kBool, "false", "Wrap messages once more for their recipient"},
          {"mediator.keep_days", Type::kUint, "7", "Days that a message waits for its recipient, at most 90"}};
}

Result<bool> ReadMediatorOptions(const base::Config& config, std::function<bool(const std::string& did)> members,
                                 MediatorOptions& options) {
  if (!config.GetBool("mediator.enabled")) return false;
  const std::string admit = config.GetString("mediator.admit");
  const std::vector<std::string> list = config.GetList("mediator.allowed");
  std::set<std::string> allowed(list.begin(), list.end());
  const auto usage = [&](const std::string& what) {
    return Fail(Code::kUsage, kWhere, "mediator.admit (" + config.Origin("mediator.admit") + "): " + what);
  };
  if (admit == "members") {
    if (!members) return usage("this service has no members; use open or listed");
    options.admit = [members = std::move(members), allowed = std::move(allowed)](const std::string& did) {
      return allowed.contains(did) || members(did);
    };
  } else if (admit == "listed") {
    options.admit = [allowed = std::move(allowed)](const std::string& did) { return allowed.contains(did); };
  } else if (admit == "open") {
    options.admit = {};
  } else {
    return usage("'" + admit + "' is none of open, listed, members");
  }
  options.rewrap = config.GetBool("mediator.rewrap");
  const uint64_t days = config.GetUint("mediator.keep_days");
  if (days == 0 || days > 90) return Fail(Code::kUsage, kWhere, "mediator.keep_days takes 1 to 90");
  options.queue.keep_seconds = days * 86'400;
  return true;
}

Result<std::unique_ptr<Mediator>> OpenConfigured(const base::Config& config, const std::string& data_dir,
                                                 const std::string& passphrase, did::DidResolver& resolver,
                                                 Clock& clock, std::function<bool(const std::string& did)> members,
                                                 base::HttpServerOptions& listener, base::Router& router) {
  MediatorOptions options;
  KEEL_TRY(const bool enabled, ReadMediatorOptions(config, std::move(members), options));
  if (!enabled) return std::unique_ptr<Mediator>();
  options.data_dir = data_dir + "/mediator";
  options.passphrase = passphrase;
  KEEL_TRY(auto mediator, Mediator::Open(options, resolver, clock));
  mediator->Attach(listener);
  mediator->AddRoutes(router);
  return mediator;
}

}  // namespace keel::didcomm
