// SPDX-License-Identifier: Apache-2.0
#include "cli/demo/demo.h"

#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "base/cli.h"
#include "base/clock.h"
#include "base/json_strict.h"
#include "base/process.h"
#include "base/role.h"
#include "cli/demo/cast.h"
#include "cli/demo/fleet.h"
#include "cli/demo/report.h"
#include "cli/demo/screen.h"
#include "cli/demo/stage.h"
#include "crypto/signature.h"

namespace keel::cli {
namespace {

using nlohmann::json;
constexpr const char* kProgram = "keel demo";
constexpr size_t kMostForRefusals = 100;

// Two descriptors a device, and some.
void RaiseFileLimit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, 65'536);
  static_cast<void>(::setrlimit(RLIMIT_NOFILE, &limit));
}

// Somebody with the credential of another, and a key of his own.
Result<Refusal> TryStranger(Stage& stage, const Fleet::Plan& plan) {
  Refusal refusal{"a reader without a credential of his own gets nothing", false, ""};
  const std::string key = stage / "stranger.key";
  KEEL_TRY_VOID(stage.Run({Stage::Program("keel"), "telemetry", "key", "-o", key}));
  const auto tried = stage.Run({Stage::Program("keel"), "telemetry", "read", "--credential", plan.reader_credential,
                                "--key", key, "--broker", plan.broker, "--audience", plan.audience, "--topic",
                                plan.topic, "--count", "1", "--timeout", "5"});
  if (stage.stopped()) return std::unexpected<Error>(tried.error());
  refusal.held = !tried && tried.error().code == Code::kRefused;
  refusal.detail =
      tried ? "he was let in" : (refusal.held ? "the broker refuses the connection" : tried.error().Text());
  return refusal;
}

// Revokes the last device and listens whether it still gets through, while its neighbour is heard twice more.
Result<Refusal> TryRevoked(Stage& stage, Fleet& fleet, const Fleet::Plan& plan,
                           const std::function<void()>& meanwhile) {
  const size_t last = fleet.devices().size() - 1;
  Refusal refusal{"a revoked device can't publish any more", false, fleet.devices()[last].serial + " revoked"};
  KEEL_TRY_VOID(
      stage.Run({Stage::Program("keel-verifier"), "revoke", fleet.devices()[last].serial, "--data", plan.owner_dir}));
  const uint64_t revoked_at = base::NowMs();
  // Twice the interval after it every other device has spoken again; the revoked one tried as often.
  const uint64_t listen_until = revoked_at + 2 * plan.telemetry_ms + plan.telemetry_ms / 2;
  KEEL_TRY_VOID(fleet.Watch(listen_until, [] { return false; }, meanwhile));
  const uint64_t others =
      static_cast<uint64_t>(std::count_if(fleet.devices().begin(), fleet.devices().end(),
                                          [&](const DeviceProgress& d) { return d.last_sent > revoked_at; }));
  const bool silent = fleet.devices()[last].last_sent <= revoked_at;
  refusal.held = silent && (others > 0 || fleet.devices().size() == 1);
  refusal.detail += silent ? ", silent while " + std::to_string(others) + " others are heard" : ", and still heard";
  return refusal;
}

void PrintHowToLook(Screen& screen, const Stage& stage, const Cast& cast, const Fleet& fleet) {
  const auto plan = cast.plan();
  const std::string bin = base::ProgramDir();
  const std::string first = fleet.devices().front().serial;
  screen.Line("\n" +
              screen.Bold("Everything keeps running, in " + stage.dir() + ". Look at it from another terminal:"));
  for (const std::string& command :
       {"keel-verifier devices --data " + plan.owner_dir, "keel-verifier why " + first + " --data " + plan.owner_dir,
        "keel-verifier status --data " + plan.owner_dir, "keel-device status --data " + fleet.devices().front().folder,
        "keel-issuer list --data " + (stage / "maker"), "keel-registry status --data " + (stage / "registry"),
        "keel ownership list --data " + (stage / "distributor"),
        "keel telemetry read --credential " + plan.reader_credential + " --key " + plan.reader_key + " --broker " +
            plan.broker + " --audience " + plan.audience + " --topic '" + plan.topic + "'",
        "keel-verifier revoke " + first + " --data " + plan.owner_dir}) {
    screen.Line("  " + bin + "/" + command);
  }
  std::string processes;
  for (const auto& [name, pid] : stage.started()) {
    if (!name.starts_with("device-")) processes += "  " + name + " " + std::to_string(pid);
  }
  screen.Line("Processes:" + processes + ", and one for each device. Logs: " + stage.dir() + "/logs");
  screen.Line("Ctrl-C stops them all.");
}

// An error with the lines that a program wrote before it ended.
int Explain(const Error& error) {
  const std::string text = error.Text();
  for (size_t from = 0; from < text.size();) {
    size_t end = text.find('\n', from);
    if (end == std::string::npos) end = text.size();
    std::string line = text.substr(from, end - from);
    for (char& c : line) {
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    }
    std::fprintf(stderr, "%s%s\n", from == 0 ? "keel demo: " : "  ", line.c_str());
    from = end + 1;
  }
  return base::ExitFor(error);
}

Result<int> Play(const DemoOptions& options, Stage& stage, Screen& screen) {
  Cast cast(stage, screen, options);
  screen.Line(screen.Bold("keel demo") + ": from the factory to the owner's data, " + stage.dir());
  KEEL_TRY_VOID(cast.OpenRegistry());
  KEEL_TRY_VOID(cast.OpenRoles());
  KEEL_TRY_VOID(cast.Manufacture());
  KEEL_TRY_VOID(cast.PassOwnership());
  KEEL_TRY_VOID(cast.ReleaseFirmware());
  KEEL_TRY_VOID(cast.ClaimAndBind());

  Fleet::Plan plan = cast.plan();
  const size_t all = cast.devices().size();
  plan.telemetry_ms = all <= kMostForRefusals ? 1'000 : 30'000;
  Fleet fleet(stage, cast.devices(), plan);
  KEEL_TRY_VOID(fleet.StartReader());
  const auto show = [&] { screen.Live(fleet); };
  const auto nothing = [] {};
  screen.BeginPhase("power on");
  if (screen.terminal()) screen.Line("");
  KEEL_TRY_VOID(fleet.PowerOn(show));
  const uint64_t seconds = options.timeout_s != 0 ? options.timeout_s : std::max<uint64_t>(60, all / 2);
  const auto finished = fleet.Watch(base::NowMs() + seconds * 1000, [&] { return fleet.complete() == all; }, show);
  screen.LiveEnd(fleet);
  if (!finished) return std::unexpected<Error>(finished.error());
  KEEL_TRY_VOID(fleet.AskVerifier(true));
  screen.EndPhase(std::to_string(fleet.complete()) + " of " + std::to_string(all) + " in use" +
                  (*finished ? "" : " when the time was over"));

  // What the summary and the report say is as of now: the refusals below change the fleet.
  const std::vector<DeviceProgress> result = fleet.devices();
  std::vector<Refusal> refusals;
  if (*finished) {
    screen.BeginPhase("who must not, can not");
    KEEL_TRY(Refusal stranger, TryStranger(stage, plan));
    refusals.push_back(std::move(stranger));
    if (all <= kMostForRefusals) {
      KEEL_TRY(Refusal revoked, TryRevoked(stage, fleet, plan, nothing));
      refusals.push_back(std::move(revoked));
    }
    screen.EndPhase(std::to_string(refusals.size()) + (refusals.size() == 1 ? " attempt" : " attempts") +
                    (all <= kMostForRefusals
                         ? ""
                         : "; not tried: whether a revoked device is silent. " + std::to_string(all) +
                               " devices speak every " + std::to_string(plan.telemetry_ms / 1000) + " s only; with " +
                               std::to_string(kMostForRefusals) + " it is"));
  }
  PrintSummary(screen, result, refusals);
  const bool held = std::all_of(refusals.begin(), refusals.end(), [](const Refusal& r) { return r.held; });
  const auto good = static_cast<size_t>(
      std::count_if(result.begin(), result.end(), [](const DeviceProgress& d) { return d.complete(); }));
  if (!options.json.empty()) {
    KEEL_TRY_VOID(base::WriteFileAtomic(options.json, base::DumpJsonPretty(Report(screen, result, refusals)) + "\n"));
    screen.Line("  " + options.json + " has every device's steps");
  }
  uint64_t total = 0;
  for (const auto& [name, ms] : screen.phases()) total += ms;
  screen.Line("  " + Duration(total) + " in all");
  const int status = good == all && held ? base::kExitDone : (good == 0 ? base::kExitInvalid : base::kExitPartly);
  if (status != base::kExitDone && !options.keep) {
    stage.KeepFolder();
    screen.Line("  logs of every process: " + stage.dir() + "/logs");
  }
  if (options.keep) {
    stage.KeepFolder();
    PrintHowToLook(screen, stage, cast, fleet);
    const auto ended = fleet.Watch(std::numeric_limits<uint64_t>::max(), [] { return false; }, nothing);
    if (!stage.stopped() && !ended) screen.Line(ended.error().Text());
    screen.Line("\nstopping");
  }
  return status;
}

}  // namespace

int RunDemo(int argc, char** argv) {
  DemoOptions options;
  CLI::App app{
      "Shows the whole path on this machine, every party a process of its own: a registry, a manufacturer, a "
      "distributor, an owner, an MQTT\n"
      "broker, and devices that power on and onboard themselves, take firmware and send data that an application "
      "reads.",
      kProgram};
  auto* count = app.add_option("--devices", options.devices,
                               "Make this many devices of two models (default: those of examples/devices.csv)")
                    ->check(CLI::Range(1, 5000));
  app.add_option("--csv", options.csv, "Make the devices of this list (columns: examples/devices.csv)")
      ->excludes(count);
  app.add_option("--firmware", options.firmware, "Firmware that the devices shall take (default: some MiB made here)");
  app.add_option("--json", options.json, "Write what happened to each device here");
  app.add_flag("--keep", options.keep, "Leave everything running until Ctrl-C, and say how to look at it");
  app.add_option("--data", options.data, "Folder to use, and to leave (default: a temporary one)");
  app.add_option("--timeout", options.timeout_s,
                 "Seconds for the devices after power-on (default: 60, or half a second a device)");
  app.footer(
      "Exit status: 0 all devices onboarded and all their data arrived, 1 none did, 2 wrong usage or input, 3 a "
      "service could not be reached,\n"
      "4 some did.\n"
      "Examples: keel demo --devices 100 --json report.json;  keel demo --csv mine.csv --keep");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? base::kExitDone : base::kExitUsage;
  }
  for (std::string* file : {&options.csv, &options.firmware, &options.json}) {
    if (!file->empty()) *file = std::filesystem::absolute(*file).lexically_normal().string();
  }
  for (const std::string* file : {&options.csv, &options.firmware}) {
    if (file->empty()) continue;
    if (const auto size = base::FileSize(*file); !size) return base::ReportError(kProgram, size.error());
  }
  crypto::SetUpHostedCrypto();
  RaiseFileLimit();
  const auto stop = base::StopSignal::Create();
  if (!stop) return base::ReportError(kProgram, stop.error());
  auto stage = Stage::Create(options.data, **stop);
  if (!stage) return base::ReportError(kProgram, stage.error());
  Screen screen;
  const auto status = Play(options, **stage, screen);
  if (status) return *status;
  std::printf("\n");
  std::fflush(stdout);
  if ((*stage)->stopped()) {
    (*stage)->StopAll();
    std::fprintf(stderr, "%s: stopped; every process that it started has ended\n", kProgram);
    return base::kExitPartly;
  }
  (*stage)->KeepFolder();
  const int code = Explain(status.error());
  std::fprintf(stderr, "%s: logs of every process: %s/logs\n", kProgram, (*stage)->dir().c_str());
  return code;
}

}  // namespace keel::cli
