// SPDX-License-Identifier: Apache-2.0
#include "cli/didcomm/mediated.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "didcomm/mediator/mediation_client.h"

namespace keel::cli {
namespace {

constexpr auto kPoll = std::chrono::milliseconds(2'000);
constexpr auto kLiveWait = std::chrono::milliseconds(500);  // how soon Stop is noticed
constexpr auto kMaxBackoff = std::chrono::milliseconds(60'000);

}  // namespace

struct Mediated::Impl {
  didcomm::MediationClient client;
  Handler handler;
  std::function<void(const Error&)> on_error;
  std::thread thread;
  std::mutex mutex;  // stopped
  std::condition_variable changed;
  bool stopped = false;

  bool Pause(std::chrono::milliseconds time) {
    std::unique_lock lock(mutex);
    return !changed.wait_for(lock, time, [this] { return stopped; });
  }
  bool Running() {
    const std::lock_guard lock(mutex);
    return !stopped;
  }

  Result<> Take(const std::vector<didcomm::MediationClient::Fetched>& messages) {
    std::vector<std::string> done;
    for (const auto& message : messages) {
      const auto handled = handler(message.envelope);
      if (handled || handled.error().code != Code::kBusy) done.push_back(message.id);
    }
    if (!done.empty()) KEEL_TRY_VOID(client.Acknowledge(done));
    return {};
  }
  // Until there is nothing.
  Result<> FetchAll() {
    while (Running()) {
      KEEL_TRY(const auto messages, client.Fetch());
      if (messages.empty()) return {};
      KEEL_TRY_VOID(Take(messages));
    }
    return {};
  }
  // One connection's life, or one look.
  Result<> Round() {
    const auto live = client.GoLive();
    if (!live && live.error().code != Code::kUnsupported) return live;
    KEEL_TRY_VOID(FetchAll());
    if (!live) {
      Pause(kPoll);
      return {};
    }
    while (Running()) {
      const auto messages = client.WaitLive(kLiveWait);
      if (!messages && messages.error().code == Code::kTimeout) continue;
      if (!messages) return std::unexpected<Error>(messages.error());
      KEEL_TRY_VOID(Take(*messages));
    }
    return {};
  }
  void Run() {
    std::chrono::milliseconds backoff(500);
    while (Running()) {
      const auto round = Round();
      if (round) {
        backoff = std::chrono::milliseconds(500);
        continue;
      }
      on_error(round.error());
      if (!Pause(backoff)) return;
      backoff = std::min(backoff * 2, kMaxBackoff);
    }
  }
};

Mediated::Mediated(Party& party, std::string account, std::string mediator)
    : impl_(new Impl{.client = didcomm::MediationClient({.keys = party.keys(),
                                                         .resolver = party.resolver(),
                                                         .clock = party.clock(),
                                                         .transports = party.transports(),
                                                         .sockets = party.sockets()},
                                                        std::move(account), std::move(mediator)),
                     .handler = {},
                     .on_error = {},
                     .thread = {},
                     .mutex = {},
                     .changed = {}}) {}
Mediated::~Mediated() { Stop(); }

Result<std::string> Mediated::Register() { return impl_->client.RequestMediation(); }

Result<> Mediated::Start(const std::string& recipient, Handler handler, std::function<void(const Error&)> on_error) {
  KEEL_TRY_VOID(impl_->client.AddRecipients({recipient}));
  impl_->handler = std::move(handler);
  impl_->on_error = std::move(on_error);
  impl_->thread = std::thread([this] { impl_->Run(); });
  return {};
}

void Mediated::Stop() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopped = true;
  }
  impl_->changed.notify_all();
  if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace keel::cli
