// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/cli.h"
#include "base/json_strict.h"
#include "base/process.h"
#include "cli/didcomm/presence.h"
#include "cli/didcomm/verbs.h"

namespace keel::cli {
namespace {

using nlohmann::json;

constexpr uint64_t kRefusedPerSecond = 5;  // lines about refused messages: a stranger must not fill a disk

struct Flags {
  WorldFlags world;
  PresenceOptions presence;
  int ready_fd = -1;
  uint64_t count = 0;
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

json ReadyLine(const Presence& presence) {
  json ready = {{"uris", presence.uris()}, {"pid", ::getpid()}};
  if (!presence.did().empty()) ready["did"] = presence.did();
  return ready;
}

Result<int> Listen(const Flags& flags) {
  if (flags.presence.listen.empty() && flags.presence.mediator.empty())
    return Fail(Code::kUsage, "listen", "say where: --listen http://127.0.0.1:8080/didcomm, or --mediator DID");
  KEEL_TRY(const auto stop, base::StopSignal::Create());
  Printer printer(*stop);
  std::atomic<uint64_t> handled = 0;
  PresenceOptions options = flags.presence;
  options.on_message = [&](const didcomm::Unpacked& unpacked) { printer.Message(unpacked); };
  options.on_refused = [&](const Error& error) { printer.Refused(error); };
  options.on_handled = [&] {
    if (flags.count != 0 && ++handled == flags.count) stop->RequestStop();
  };
  KEEL_TRY(const auto presence, Presence::Open(flags.world, std::move(options)));
  KEEL_TRY_VOID(base::WriteReadyLine(flags.ready_fd, ReadyLine(*presence)));
  if (flags.ready_fd < 0) {
    for (const std::string& uri : presence->uris()) std::fprintf(stderr, "Listening at %s\n", uri.c_str());
    if (!presence->did().empty()) std::fprintf(stderr, "as %s\n", presence->did().c_str());
  }
  stop->Wait();
  presence->Linger();
  return base::kExitDone;
}

}  // namespace

void TlsFiles::Add(CLI::App& app) {
  app.add_option("--tls-cert", certificate, "https, wss: the listener's certificate with its chain, PEM");
  app.add_option("--tls-key", key, "https, wss: its private key, PEM, without a passphrase");
}

void AddListenVerb(CLI::App& app, Outcome& outcome) {
  auto flags = std::make_shared<Flags>();
  CLI::App* listen = app.add_subcommand("listen", "Receive messages: print them, answer pings and questions");
  listen
      ->add_option("--listen", flags->presence.listen,
                   "Where: http://ADDRESS:PORT/PATH, https://, ws://, wss://, coap:// likewise, or file:DIR;\n"
                   "port 0 takes a free one (repeat)")
      ->expected(1)
      ->take_all();
  flags->presence.tls.Add(*listen);
  listen
      ->add_option("--accept", flags->presence.accept,
                   "Take the messages of this protocol too, a PIURI like https://example.org/hello/1.0 (repeat);\n"
                   "others are answered with a problem report")
      ->expected(1)
      ->take_all();
  listen->add_option("--mediator", flags->presence.mediator,
                     "DID of a mediator to be reached through: only outgoing connections are made");
  listen->add_option("--did", flags->presence.did, "Which DID of --key the mediator is to take messages for");
  listen->add_option("--count", flags->count, "End after so many messages (default: at Ctrl-C)");
  listen->add_option("--data", flags->presence.data,
                     "Remember in this folder which messages came, for after a restart");
  listen->add_option("--ready-fd", flags->ready_fd,
                     "Write one line {\"uris\", \"did\", \"pid\"} to this descriptor when ready");
  flags->world.AddTrust(*listen);
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
      "          keel didcomm listen --listen http://127.0.0.1:8080/didcomm --key me.key --count 1\n"
      "          keel didcomm listen --listen https://0.0.0.0:8443/didcomm --key me.key \\\n"
      "            --tls-cert server.pem --tls-key server.key");
  listen->callback([flags, &outcome] {
    outcome.json = flags->world.json;
    outcome.status = Listen(*flags);
  });
}

}  // namespace keel::cli
