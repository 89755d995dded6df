// SPDX-License-Identifier: Apache-2.0
#include "cli/didcomm/presence.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/files.h"
#include "base/storage/key_value_store.h"
#include "cli/didcomm/mediated.h"
#include "didcomm/protocols/basic_message.h"
#include "didcomm/protocols/discover_features.h"
#include "didcomm/protocols/empty.h"
#include "didcomm/protocols/message_type.h"
#include "didcomm/protocols/report_problem.h"
#include "didcomm/protocols/trust_ping.h"

namespace keel::cli {
namespace {

constexpr auto kLinger = std::chrono::seconds(2);

// Takes the messages of a protocol that is named on the command line, and answers nothing.
class Taken final : public didcomm::Protocol {
 public:
  explicit Taken(std::string uri) : uri_(std::move(uri)) {}
  std::vector<didcomm::ProtocolInfo> Speaks() const override { return {{uri_, {}}}; }
  Result<std::vector<didcomm::Outgoing>> Receive(const didcomm::Incoming& /*incoming*/) override {
    return std::vector<didcomm::Outgoing>();
  }

 private:
  const std::string uri_;
};

}  // namespace

struct Presence::Impl {
  PresenceOptions options;
  std::unique_ptr<Party> party;
  didcomm::AgreementCache agreements;
  std::unique_ptr<base::KeyValueStore> store;
  std::unique_ptr<didcomm::ReplayCache> replay;
  std::vector<std::unique_ptr<didcomm::Protocol>> protocols;
  std::unique_ptr<didcomm::Agent> agent;
  std::unique_ptr<Listeners> listeners;
  std::unique_ptr<Mediated> mediated;
  std::string did;
  std::atomic<bool> ended = false;
  std::thread sender;

  ~Impl() {
    ended = true;
    if (mediated) mediated->Stop();
    if (agent) agent->Stop();
    if (listeners) listeners->Stop();
    if (sender.joinable()) sender.join();
  }

  Result<> MakeReplayCache() {
    if (options.data.empty()) {
      replay = didcomm::MakeMemoryReplayCache();
      return {};
    }
    KEEL_TRY_VOID(base::MakePrivateDir(options.data));
    KEEL_TRY(store, base::OpenLevelDb(options.data));
    replay = didcomm::MakeStoredReplayCache(*store);
    return {};
  }

  Result<> MakeAgent() {
    protocols.push_back(std::make_unique<didcomm::TrustPing>());
    protocols.push_back(std::make_unique<didcomm::EmptyProtocol>());
    protocols.push_back(std::make_unique<didcomm::ReportProblem>());
    protocols.push_back(
        std::make_unique<didcomm::BasicMessages>([](const didcomm::Incoming&, const didcomm::BasicMessage&) {}));
    for (const std::string& uri : options.accept) {
      KEEL_TRY(const didcomm::MessageType type, didcomm::MessageType::ParseProtocol(uri));
      protocols.push_back(std::make_unique<Taken>(type.Piuri()));
    }
    didcomm::DiscoverFeatures::Features features;
    features.protocols = [this] { return agent->Speaks(); };
    protocols.push_back(std::make_unique<didcomm::DiscoverFeatures>(std::move(features)));

    didcomm::AgentParts parts{.keys = party->keys(),
                              .resolver = party->resolver(),
                              .replay = *replay,
                              .clock = party->clock(),
                              .protocols = {},
                              .transports = party->transports(),
                              .agreements = &agreements};
    for (const auto& protocol : protocols) parts.protocols.push_back(protocol.get());
    didcomm::AgentOptions how;
    how.deadlines = options.deadlines;
    if (options.on_message)
      how.on_message = [this](const didcomm::Incoming& incoming) { options.on_message(incoming.unpacked); };
    agent = std::make_unique<didcomm::Agent>(std::move(parts), std::move(how));
    return {};
  }

  // What follows a message, whichever way it came.
  template <typename T>
  Result<T> After(Result<T> received) {
    if (!received && options.on_refused) options.on_refused(received.error());
    if (received && options.on_handled) options.on_handled();
    return received;
  }

  Result<> BeReachable(bool ours_are_given) {
    std::vector<std::string> uris;
    if (!options.listen.empty()) {
      KEEL_TRY(listeners, Listeners::Start(options.listen, options.tls,
                                           [this](std::string envelope) { return After(agent->Receive(envelope)); }));
      uris = listeners->uris();
    }
    did = options.did;
    if (!options.mediator.empty()) {
      // The mediator knows us by a DID of its own making here, unless there is one that we are known by anyway.
      std::string account = did;
      if (account.empty()) {
        KEEL_TRY(account, party->MakeDid({}));
      }
      mediated = std::make_unique<Mediated>(*party, account, options.mediator);
      KEEL_TRY(const std::string routing, mediated->Register());
      uris.push_back(routing);
    }
    if (did.empty() && !ours_are_given) {
      KEEL_TRY(did, party->MakeDid(uris));
    }
    if (mediated) {
      KEEL_TRY_VOID(mediated->Start(
          did, [this](const std::string& envelope) { return After(agent->ReceiveOneWay(envelope)); },
          [this](const Error& error) {
            if (options.on_refused) options.on_refused(error);
          }));
    }
    return {};
  }
};

Presence::Presence(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Presence::~Presence() = default;
didcomm::Agent& Presence::agent() { return *impl_->agent; }
Party& Presence::party() { return *impl_->party; }
const std::string& Presence::did() const { return impl_->did; }
const std::vector<std::string>& Presence::uris() const {
  static const std::vector<std::string> kNone;
  return impl_->listeners ? impl_->listeners->uris() : kNone;
}

Result<std::unique_ptr<Presence>> Presence::Open(const WorldFlags& flags, PresenceOptions options) {
  const bool given = !flags.key_files.empty() || !flags.secrets.empty();
  if (given && options.did.empty() && !options.mediator.empty())
    return Fail(Code::kUsage, "--mediator", "say which DID of --key is to be reached through it: --did DID");
  auto impl = std::make_unique<Impl>();
  impl->options = std::move(options);
  KEEL_TRY(impl->party, Party::Open(flags));
  KEEL_TRY_VOID(impl->MakeReplayCache());
  KEEL_TRY_VOID(impl->MakeAgent());
  KEEL_TRY_VOID(impl->BeReachable(given));
  Impl* const running = impl.get();
  impl->sender = std::thread([running] {
    while (!running->ended) {
      running->agent->DeliverWaiting();
      running->agent->WaitForDue(std::chrono::seconds(1));
    }
  });
  return std::unique_ptr<Presence>(new Presence(std::move(impl)));
}

void Presence::Linger() {
  const auto until = std::chrono::steady_clock::now() + kLinger;
  std::mutex mutex;
  std::unique_lock lock(mutex);
  std::condition_variable nothing;
  while ((impl_->agent->waiting() != 0 || (impl_->listeners && impl_->listeners->open() != 0)) &&
         std::chrono::steady_clock::now() < until)
    nothing.wait_for(lock, std::chrono::milliseconds(10));
}

}  // namespace keel::cli
