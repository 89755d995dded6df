// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/cli.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "base/process.h"
#include "base/storage/key_value_store.h"
#include "cli/didcomm/listeners.h"
#include "cli/didcomm/party.h"
#include "cli/didcomm/verbs.h"
#include "cli/text.h"
#include "didcomm/agent.h"
#include "didcomm/protocols/basic_message.h"
#include "didcomm/protocols/discover_features.h"
#include "didcomm/protocols/empty.h"
#include "didcomm/protocols/message_type.h"
#include "didcomm/protocols/report_problem.h"
#include "didcomm/protocols/trust_ping.h"

namespace keel::cli {
namespace {

using nlohmann::json;

constexpr auto kLinger = std::chrono::seconds(2);  // for answers that are on their way when the last message came
constexpr uint64_t kRefusedPerSecond = 5;          // lines about refused messages: a stranger must not fill a disk

struct Flags {
  WorldFlags world;
  std::vector<std::string> listen;
  std::vector<std::string> accept;
  std::string data;
  int ready_fd = -1;
  uint64_t count = 0;
};

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

// Standard output and error, a line at a time. Thread-safe.
class Printer {
 public:
  explicit Printer(base::StopSignal& stop) : stop_(stop) {}

  void Message(const didcomm::Unpacked& unpacked) {
    const auto line = UnpackedJson(unpacked);
    if (!line) return;  // it was parsed a moment ago
    const std::lock_guard lock(mutex_);
    // Nobody reads any more: there is nothing left to do.
    if (std::printf("%s\n", base::DumpJson(*line).c_str()) < 0 || std::fflush(stdout) != 0) stop_.RequestStop();
  }
  void Refused(const Error& error) {
    const std::lock_guard lock(mutex_);
    const uint64_t second = base::MonotonicMs() / 1000;
    if (second != second_) {
      if (lines_ > kRefusedPerSecond)
        std::fprintf(stderr, "keel didcomm listen: %llu more messages were refused\n",
                     static_cast<unsigned long long>(lines_ - kRefusedPerSecond));
      second_ = second;
      lines_ = 0;
    }
    if (++lines_ <= kRefusedPerSecond) base::ReportError("keel didcomm listen", error, true);
  }

 private:
  base::StopSignal& stop_;
  std::mutex mutex_;
  uint64_t second_ = 0;
  uint64_t lines_ = 0;
};

// Everything that runs while the program listens.
class Listening {
 public:
  Listening(const Flags& flags, std::unique_ptr<Party> party, base::StopSignal& stop)
      : flags_(flags), party_(std::move(party)), stop_(stop), printer_(stop) {}
  ~Listening() { End(); }

  Result<> Begin() {
    if (flags_.data.empty()) {
      replay_ = didcomm::MakeMemoryReplayCache();
    } else {
      KEEL_TRY_VOID(base::MakePrivateDir(flags_.data));
      KEEL_TRY(store_, base::OpenLevelDb(flags_.data));
      replay_ = didcomm::MakeStoredReplayCache(*store_);
    }
    KEEL_TRY_VOID(MakeAgent());
    KEEL_TRY(listeners_,
             Listeners::Start(flags_.listen, [this](std::string envelope) { return Receive(std::move(envelope)); }));
    if (flags_.world.key_files.empty() && flags_.world.secrets.empty()) {
      KEEL_TRY(did_, party_->MakeDid(listeners_->uris()));
    }
    sender_ = std::thread([this] {
      while (!ended_) {
        agent_->DeliverWaiting();
        agent_->WaitForDue(std::chrono::seconds(1));
      }
    });
    return {};
  }

  json Ready() const {
    json ready = {{"uris", listeners_->uris()}, {"pid", ::getpid()}};
    if (!did_.empty()) ready["did"] = did_;
    return ready;
  }

  // Lets answers that are on their way out go, for a moment.
  void Linger() {
    const auto until = std::chrono::steady_clock::now() + kLinger;
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable nothing;
    while ((agent_->waiting() != 0 || listeners_->open() != 0) && std::chrono::steady_clock::now() < until)
      nothing.wait_for(lock, std::chrono::milliseconds(10));
  }

  void End() {
    ended_ = true;
    if (agent_) agent_->Stop();
    if (listeners_) listeners_->Stop();
    if (sender_.joinable()) sender_.join();
  }

 private:
  Result<> MakeAgent() {
    protocols_.push_back(std::make_unique<didcomm::TrustPing>());
    protocols_.push_back(std::make_unique<didcomm::EmptyProtocol>());
    protocols_.push_back(std::make_unique<didcomm::ReportProblem>());
    protocols_.push_back(
        std::make_unique<didcomm::BasicMessages>([](const didcomm::Incoming&, const didcomm::BasicMessage&) {}));
    for (const std::string& uri : flags_.accept) {
      KEEL_TRY(const didcomm::MessageType type, didcomm::MessageType::ParseProtocol(uri));
      protocols_.push_back(std::make_unique<Taken>(type.Piuri()));
    }
    didcomm::DiscoverFeatures::Features features;
    features.protocols = [this] { return agent_->Speaks(); };
    protocols_.push_back(std::make_unique<didcomm::DiscoverFeatures>(std::move(features)));

    didcomm::AgentParts parts{.keys = party_->keys(),
                              .resolver = party_->resolver(),
                              .replay = *replay_,
                              .clock = party_->clock(),
                              .protocols = {},
                              .transports = party_->transports(),
                              .agreements = &agreements_};
    for (const auto& protocol : protocols_) parts.protocols.push_back(protocol.get());
    didcomm::AgentOptions options;
    options.on_message = [this](const didcomm::Incoming& incoming) { printer_.Message(incoming.unpacked); };
    agent_ = std::make_unique<didcomm::Agent>(std::move(parts), std::move(options));
    return {};
  }

  Result<std::string> Receive(std::string envelope) {
    auto answer = agent_->Receive(envelope);
    if (!answer) printer_.Refused(answer.error());
    if (answer && flags_.count != 0 && ++received_ == flags_.count) stop_.RequestStop();
    return answer;
  }

  const Flags& flags_;
  std::unique_ptr<Party> party_;
  base::StopSignal& stop_;
  Printer printer_;
  didcomm::AgreementCache agreements_;
  std::unique_ptr<base::KeyValueStore> store_;
  std::unique_ptr<didcomm::ReplayCache> replay_;
  std::vector<std::unique_ptr<didcomm::Protocol>> protocols_;
  std::unique_ptr<didcomm::Agent> agent_;
  std::unique_ptr<Listeners> listeners_;
  std::string did_;
  std::atomic<bool> ended_ = false;
  std::atomic<uint64_t> received_ = 0;
  std::thread sender_;
};

Result<int> Listen(const Flags& flags) {
  KEEL_TRY(const auto stop, base::StopSignal::Create());
  KEEL_TRY(auto party, Party::Open(flags.world));
  Listening listening(flags, std::move(party), *stop);
  KEEL_TRY_VOID(listening.Begin());
  const json ready = listening.Ready();
  if (flags.ready_fd < 0) {
    for (const json& uri : ready["uris"])
      std::fprintf(stderr, "Listening at %s\n", uri.get_ref<const std::string&>().c_str());
    if (ready.contains("did")) std::fprintf(stderr, "as %s\n", ready["did"].get_ref<const std::string&>().c_str());
  }
  KEEL_TRY_VOID(base::WriteReadyLine(flags.ready_fd, ready));
  stop->Wait();
  listening.Linger();
  listening.End();
  return base::kExitDone;
}

}  // namespace

void AddListenVerb(CLI::App& app, Outcome& outcome) {
  auto flags = std::make_shared<Flags>();
  CLI::App* listen = app.add_subcommand("listen", "Receive messages: print them, answer pings and questions");
  listen
      ->add_option("--listen", flags->listen,
                   "Where: http://ADDRESS:PORT/PATH, ws://ADDRESS:PORT/PATH, coap://ADDRESS:PORT/PATH or file:DIR;\n"
                   "port 0 takes a free one (repeat)")
      ->required()
      ->expected(1)
      ->take_all();
  listen
      ->add_option("--accept", flags->accept,
                   "Take the messages of this protocol too, a PIURI like https://example.org/hello/1.0 (repeat);\n"
                   "others are answered with a problem report")
      ->expected(1)
      ->take_all();
  listen->add_option("--count", flags->count, "End after so many messages (default: at Ctrl-C)");
  listen->add_option("--data", flags->data, "Remember in this folder which messages came, for after a restart");
  listen->add_option("--ready-fd", flags->ready_fd,
                     "Write one line {\"uris\", \"did\", \"pid\"} to this descriptor when ready");
  flags->world.AddResolver(*listen);
  flags->world.AddKeys(*listen);
  listen->footer(
      "Writes each message as a line {\"message\", \"metadata\"}. Answers trust-ping 2.0 and discover-features 2.0, "
      "takes\n"
      "basicmessage 2.0, empty 1.0 and report-problem 2.0. Messages must be encrypted; what is refused is said on "
      "standard\nerror. Without --key and --secrets it makes a did:peer with the endpoints of --listen, gone at the "
      "end.\n"
      "Files: with --data, a folder of the program's own.\n"
      "Exit status: 0 ended by Ctrl-C or --count, 2 wrong usage, or an address is in use.\n"
      "Examples: keel didcomm listen --listen http://127.0.0.1:8080/didcomm\n"
      "          keel didcomm listen --listen http://127.0.0.1:8080/didcomm --key me.key --count 1");
  listen->callback([flags, &outcome] {
    outcome.json = flags->world.json;
    outcome.status = Listen(*flags);
  });
}

}  // namespace keel::cli
