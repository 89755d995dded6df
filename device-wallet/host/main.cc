// SPDX-License-Identifier: Apache-2.0
// keel-device: a device's wallet as a Linux program (docs/cli/keel-device.md).
#include <CLI/CLI.hpp>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/cli.h"
#include "base/json_strict.h"
#include "base/process.h"
#include "device-wallet/host/manufacture.h"
#include "device-wallet/host/ping_desk.h"
#include "device-wallet/host/ports.h"
#include "device-wallet/host/runner.h"

namespace {

using keel::Result;
namespace base = keel::base;
namespace device = keel::device;

constexpr const char* kProgram = "keel-device";

Result<int> Status(const std::string& dir, bool as_json) {
  KEEL_TRY(const std::string text, device::ReadStatus(dir));
  if (as_json) {
    std::cout << text << "\n";
    return base::kExitDone;
  }
  KEEL_TRY(const nlohmann::json status, base::ParseJson(text));
  for (const auto& [name, value] : status.items()) {
    std::cout << name << std::string(name.size() < 18 ? 18 - name.size() : 1, ' ')
              << (value.is_string() ? value.get<std::string>() : value.dump()) << "\n";
  }
  return base::kExitDone;
}

Result<int> Reset(const std::string& dir) {
  KEEL_TRY(const auto opened, device::Device::Open({.dir = dir}, true));
  const int status = keel_wallet_owner_reset(opened->wallet());
  if (status != KEEL_WALLET_OK) return std::unexpected<keel::Error>(device::WalletError(status, "reset"));
  std::cout << "erased what the owner gave; identity kept; looks for its owner at the next start\n";
  return base::kExitDone;
}

// One line an answer, as ping does; the last trouble decides the exit status.
Result<int> Ping(const std::string& dir, const std::string& did, uint32_t count, uint64_t timeout_ms, bool as_json) {
  const std::string name = did.empty() ? "the owner's service" : did;
  nlohmann::json times = nlohmann::json::array();
  for (uint32_t i = 0; i < count; ++i) {
    KEEL_TRY(const uint64_t round_trip, device::AskPing(dir, did, timeout_ms));
    times.push_back(round_trip);
    if (!as_json) std::cout << "answer from " << name << " in " << round_trip << " ms" << std::endl;
  }
  if (as_json) std::cout << nlohmann::json{{"did", did}, {"round_trip_ms", times}}.dump() << "\n";
  return base::kExitDone;
}

}  // namespace

int main(int argc, char** argv) {
  base::ForbidCoreFiles();
  device::ManufactureOptions manufacture;
  device::RunOptions run_options;
  std::string dir;
  bool as_json = false;
  CLI::App app{
      "A Keel device: makes its identity at the station, finds its owner at first power-on, keeps its firmware up to "
      "date.\n"
      "Exit status: 0 done, 1 checked and refused, 2 wrong usage or unreadable input, 3 a service can't be reached."};
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--data", dir, "The device's folder: its flash")->required();
  app.add_flag("--json", as_json, "Results and errors as JSON");
  std::function<Result<int>()> run;

  CLI::App* make =
      app.add_subcommand("manufacture", "Speak the factory protocol with a station on standard input and output");
  make->add_option("--firmware-version", manufacture.firmware_version, "Version of the image that the factory installs")
      ->capture_default_str();
  make->add_option("--firmware-sequence", manufacture.firmware_sequence, "Its sequence number")->capture_default_str();
  std::string suite = "okp";
  make->add_option("--suite", suite,
                   "Kind of keys: okp (Ed25519, X25519) or p256 (P-256, as secure elements and TPMs have them)")
      ->check(CLI::IsMember({"okp", "p256"}))
      ->capture_default_str();
  make->callback([&] {
    run = [&]() -> Result<int> {
      manufacture.dir = dir;
      manufacture.suite = suite == "p256" ? KEEL_SUITE_P256 : KEEL_SUITE_OKP;
      KEEL_TRY_VOID(device::RunManufacture(manufacture));
      return base::kExitDone;
    };
  });
  CLI::App* go = app.add_subcommand("run", "Power on");
  go->add_flag("--once", run_options.once, "End when onboarded, up to date and heard by the broker");
  go->add_option("--events-fd", run_options.events_fd, "Write one JSON line per event to this descriptor");
  go->add_option("--telemetry-interval", run_options.telemetry_ms, "Milliseconds between messages")
      ->capture_default_str();
  go->add_option("--backoff-min", run_options.backoff_min_ms, "Milliseconds of the first wait (default: a minute)");
  go->add_option("--backoff-max", run_options.backoff_max_ms, "Milliseconds of the longest wait (default: an hour)");
  go->add_option("--contact-interval", run_options.contact_ms,
                 "Milliseconds between contacts with the owner (default: what the owner says)");
  go->add_flag("!--no-listen", run_options.listen,
               "Don't wait at the owner's service for other devices' messages: fetch them at the next contact only");
  go->callback([&] {
    run = [&]() -> Result<int> {
      run_options.dir = dir;
      run_options.arguments.assign(argv, argv + argc);
      KEEL_TRY_VOID(device::RunDevice(run_options));
      return base::kExitDone;
    };
  });
  app.add_subcommand("status", "Where it stands")->callback([&] { run = [&] { return Status(dir, as_json); }; });
  std::string ping_did;
  uint32_t ping_count = 1;
  uint64_t ping_timeout = 30'000;
  CLI::App* ping = app.add_subcommand(
      "ping",
      "Ask the running device to ping another one of its fleet, or its owner's service, and print how long it took");
  ping->add_option("did", ping_did, "The other device's pairwise DID (status shows it); none: the owner's service");
  ping->add_option("--count", ping_count, "How many, one after another")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  ping->add_option("--timeout", ping_timeout, "Milliseconds to wait for each answer")
      ->capture_default_str()
      ->check(CLI::Range(1, 3'600'000));
  ping->callback([&] { run = [&] { return Ping(dir, ping_did, ping_count, ping_timeout, as_json); }; });
  app.add_subcommand("reset", "A person's reset: erase what the owner gave, keep the identity")->callback([&] {
    run = [&] { return Reset(dir); };
  });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? base::kExitDone : base::kExitUsage;
  }
  const Result<int> code = run();
  return code ? *code : base::ReportError(kProgram, code.error(), as_json);
}
