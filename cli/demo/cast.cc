// SPDX-License-Identifier: Apache-2.0
#include "cli/demo/cast.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

#include "base/clock.h"
#include "base/json_strict.h"
#include "base/role.h"
#include "crypto/hosted/software_key_store.h"

namespace keel::cli {

using nlohmann::json;
using std::chrono::milliseconds;

namespace {

constexpr const char* kVersion = "2.0.0";  // of the firmware that the profiles want
constexpr size_t kImageOctets = 2 << 20;
constexpr const char* kAnyPort = "127.0.0.1:0";

// examples/devices.csv of the tree that this program was built in; empty when it stands alone.
std::string ExampleList() {
  std::string dir = base::ProgramDir();
  for (int up = 0; up < 5; ++up) {
    for (const char* name : {"/examples/devices.csv", "/share/keel/devices.csv"}) {
      if (base::FileExists(dir + name)) return dir + name;
    }
    const size_t slash = dir.rfind('/');
    if (slash == std::string::npos || slash == 0) break;
    dir.resize(slash);
  }
  return "";
}

// Services live in sbin, which a user's PATH may lack.
std::string FindProgram(const std::string& name) {
  const char* path = ::getenv("PATH");
  std::string dirs = std::string(path == nullptr ? "" : path) + ":/usr/sbin:/usr/local/sbin:/sbin:/opt/homebrew/sbin";
  for (size_t from = 0; from <= dirs.size();) {
    size_t end = dirs.find(':', from);
    if (end == std::string::npos) end = dirs.size();
    const std::string candidate = dirs.substr(from, end - from) + "/" + name;
    if (end > from && ::access(candidate.c_str(), X_OK) == 0) return candidate;
    from = end + 1;
  }
  return "";
}

sockaddr_in Loopback(uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// A port that was free a moment ago: mosquitto can't pick one itself.
uint16_t FreePort() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address = Loopback(0);
  socklen_t size = sizeof address;
  uint16_t port = 0;
  if (fd >= 0 && ::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    port = ntohs(address.sin_port);
  }
  if (fd >= 0) ::close(fd);
  return port;
}

bool Listens(uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = Loopback(port);
  const bool up = fd >= 0 && ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  if (fd >= 0) ::close(fd);
  return up;
}

Result<> MakeImage(const std::string& path, const std::string& model) {
  std::string image = "keel demo firmware " + std::string(kVersion) + " for " + model + "\n";
  const size_t head = image.size();
  image.resize(kImageOctets);
  KEEL_TRY_VOID(
      crypto::SystemRandom().Fill(ByteSpan(reinterpret_cast<uint8_t*>(image.data()) + head, image.size() - head)));
  return base::WriteFileAtomic(path, image);
}

Result<std::string> DidOf(const std::string& folder) {
  KEEL_TRY(const std::string text, base::ReadFile(folder + "/identity.json"));
  KEEL_TRY(const json identity, base::ParseJson(text));
  return base::GetString(identity, "did");
}

}  // namespace

Stage::Command Cast::Verb(const char* program, const char* role, std::vector<std::string> words) const {
  Stage::Command command = {Stage::Program(program)};
  command.insert(command.end(), words.begin(), words.end());
  command.insert(command.end(), {"--data", stage_ / role});
  return command;
}

Result<> Cast::OpenRegistry() {
  screen_.BeginPhase("registry");
  KEEL_TRY_VOID(stage_.Run(
      Verb("keel-registry", "registry", {"init", "--label", "demo", "--listen", kAnyPort, "--unprotected-keys"})));
  KEEL_TRY_VOID(stage_.Start("registry", Verb("keel-registry", "registry", {"serve"})));
  KEEL_TRY(const json ready, stage_.Await("registry"));
  KEEL_TRY(registry_url_, base::GetString(ready, "url"));
  net_ = stage_ / "net.keel";
  KEEL_TRY_VOID(stage_.Run(Verb("keel-registry", "registry", {"descriptor", "-o", net_})));
  KEEL_TRY(const std::string text, base::ReadFile(net_));
  KEEL_TRY(const json net, base::ParseJson(text));
  KEEL_TRY(const std::string words, base::GetString(net, "words"));
  screen_.EndPhase(registry_url_ + screen_.Dim("  " + words));
  return {};
}

Result<> Cast::OpenRoles() {
  screen_.BeginPhase("manufacturer, distributor, owner");
  // Nobody types passphrases here: the keys lie in 0600 files, as the programs say.
  KEEL_TRY_VOID(stage_.RunAll(
      {Verb("keel-issuer", "maker",
            {"init", "--registry", net_, "--name", "Demo Maker", "--vendor", "maker.example", "--listen", kAnyPort,
             "--unprotected-keys"}),
       Verb("keel", "distributor", {"ownership", "init", "--registry", net_, "--unprotected-keys"}),
       Verb("keel-verifier", "owner", {"init", "--registry", net_, "--listen", kAnyPort, "--unprotected-keys"})}));
  // A member accredits whoever sponsors others' DIDs: the maker its devices', the distributor its customers'.
  for (const char* role : {"maker", "distributor"}) {
    KEEL_TRY_VOID(stage_.Run(
        Verb("keel-registry", "registry", {"sponsor", "add", "--identity", (stage_ / role) + "/identity.json"})));
  }
  KEEL_TRY_VOID(stage_.Start("maker", Verb("keel-issuer", "maker", {"serve"})));
  KEEL_TRY_VOID(stage_.Start("owner", Verb("keel-verifier", "owner", {"serve"})));
  KEEL_TRY_VOID(stage_.Await("maker"));
  KEEL_TRY_VOID(stage_.Await("owner"));
  KEEL_TRY(maker_did_, DidOf(stage_ / "maker"));
  KEEL_TRY_VOID(OpenBroker());
  screen_.EndPhase("and the broker at " + plan_.broker);
  return {};
}

Result<> Cast::OpenBroker() {
  const std::string mosquitto = FindProgram("mosquitto");
  if (mosquitto.empty())
    return Fail(Code::kUsage, "demo",
                "mosquitto isn't installed: run scripts/setup, or install the package `mosquitto`");
  std::string plugin = base::ProgramDir() + "/../lib/keel-broker.so";
  if (!base::FileExists(plugin)) plugin = base::ProgramDir() + "/keel-broker.so";
  if (!base::FileExists(plugin)) return Fail(Code::kUsage, "demo", "keel-broker.so isn't built (target keel-broker)");
  const std::string conf = stage_ / "mosquitto.conf";
  for (int attempt = 0; attempt < 5; ++attempt) {
    const uint16_t port = FreePort();
    const std::string name = "broker" + (attempt == 0 ? std::string() : "-" + std::to_string(attempt));
    std::string text = "listener " + std::to_string(port) +
                       " 127.0.0.1\n"
                       "allow_anonymous false\n"
                       "persistence false\n"
                       "set_tcp_nodelay true\n"
                       "max_queued_messages 100000\n"
                       "max_inflight_messages 1000\n"
                       "plugin " +
                       plugin + "\nplugin_opt_members_file " + (stage_ / "owner") + "/members.jsonl\n";
    // As root it would become a user of its own, who may not read the members file.
    if (::geteuid() == 0) text += "user root\n";
    KEEL_TRY_VOID(base::WriteFileAtomic(conf, text));
    base::SpawnOptions options;
    options.argv = {mosquitto, "-c", conf};
    KEEL_TRY(base::ChildProcess * broker, stage_.Launch(name, std::move(options)));
    const uint64_t until = base::MonotonicMs() + 10'000;
    bool up = false;
    while (!up && base::MonotonicMs() < until && !stage_.stopped()) {
      up = Listens(port);
      // The wait between two looks ends early when it has ended itself (the port was taken after all).
      if (!up && broker->Wait(milliseconds(10))) break;
    }
    if (up) {
      plan_.broker = "127.0.0.1:" + std::to_string(port);
      KEEL_TRY_VOID(stage_.Run(Verb("keel-verifier", "owner", {"broker", "set", plan_.broker})));
      return {};
    }
    if (attempt == 4 || broker->running())
      return Fail(Code::kUnreachable, "demo", "mosquitto doesn't come up:\n" + stage_.LogTail(name));
  }
  return Fail(Code::kUnreachable, "demo", "mosquitto doesn't come up");
}

Result<> Cast::Manufacture() {
  screen_.BeginPhase("manufacture");
  Stage::Command command = Verb("keel-issuer", "maker", {"manufacture", "--devices-dir", stage_ / "devices"});
  std::string list = options_.csv;
  if (list.empty() && options_.devices == 0) list = ExampleList();
  if (!list.empty()) {
    command.insert(command.end(), {"--csv", list});
  } else {
    command.insert(command.end(), {"--count", std::to_string(options_.devices == 0 ? 28 : options_.devices)});
  }
  command.insert(command.end(), {"--json", "--events-fd", "1"});
  size_t done = 0;
  KEEL_TRY(const json made, stage_.RunJson(command, [&](std::string_view line) {
    const auto event = base::ParseJson(line);
    const auto step = event ? base::GetOptionalString(*event, "step") : Result<std::optional<std::string>>();
    if (step && *step == "finished") screen_.Progress(++done, std::max<size_t>(done, options_.devices));
  }));
  KEEL_TRY(const json listed, stage_.RunJson(Verb("keel", "maker", {"ownership", "list", "--json"})));
  KEEL_TRY(const json* devices, base::GetArray(listed, "devices"));
  std::set<std::string> models;
  for (const json& one : *devices) {
    DeviceProgress device;
    KEEL_TRY(device.did, base::GetString(one, "did"));
    KEEL_TRY(device.serial, base::GetString(one, "serial"));
    KEEL_TRY(device.model, base::GetString(one, "model"));
    device.folder = (stage_ / "devices") + "/" + device.serial;
    models.insert(device.model);
    devices_.push_back(std::move(device));
  }
  std::sort(devices_.begin(), devices_.end(),
            [](const DeviceProgress& a, const DeviceProgress& b) { return a.serial < b.serial; });
  models_.assign(models.begin(), models.end());
  if (devices_.empty()) return Fail(Code::kRefused, "demo", "no device was made");
  std::string names;
  for (const std::string& model : models_) names += (names.empty() ? "" : ", ") + model;
  screen_.EndPhase(std::to_string(devices_.size()) + " devices" + screen_.Dim("  " + names));
  return {};
}

Result<> Cast::PassOwnership() {
  screen_.BeginPhase("ownership passes on");
  const std::string count = std::to_string(devices_.size());
  struct Sale {
    const char* giver;
    const char* receiver;
  };
  for (const Sale& sale : {Sale{"maker", "distributor"}, Sale{"distributor", "owner"}}) {
    const std::string request = (stage_ / sale.receiver) + ".request";
    const std::string package = (stage_ / sale.receiver) + ".package";
    KEEL_TRY_VOID(stage_.Run(Verb("keel", sale.receiver, {"ownership", "request", "--count", count, "-o", request})));
    KEEL_TRY_VOID(
        stage_.Run(Verb("keel", sale.giver, {"ownership", "transfer", "--request", request, "--all", "-o", package})));
    KEEL_TRY_VOID(stage_.Run(Verb("keel", sale.receiver, {"ownership", "import", package})));
  }
  screen_.EndPhase("manufacturer → distributor → owner; the devices know nothing of it");
  return {};
}

Result<> Cast::ReleaseFirmware() {
  screen_.BeginPhase("firmware");
  std::vector<Stage::Command> releases;
  for (size_t i = 0; i < models_.size(); ++i) {
    std::string image = options_.firmware;
    if (image.empty()) {
      image = stage_ / ("firmware-" + std::to_string(i) + ".bin");
      KEEL_TRY_VOID(MakeImage(image, models_[i]));
    }
    releases.push_back(Verb("keel-issuer", "maker",
                            {"firmware", "release", "--file", image, "--model", models_[i], "--version", kVersion,
                             "--sequence", "2", "-o", stage_ / ("release-" + std::to_string(i))}));
  }
  KEEL_TRY_VOID(stage_.RunAll(releases));
  for (size_t i = 0; i < models_.size(); ++i) {
    KEEL_TRY(const json imported,
             stage_.RunJson(Verb("keel-verifier", "owner",
                                 {"firmware", "import", stage_ / ("release-" + std::to_string(i)), "--json"})));
    KEEL_TRY(const std::string id, base::GetString(imported, "id"));
    // A bundle per model: what the device's application shall do.
    const json bundle = {{"site", i % 2 == 0 ? "Vienna, hall 2" : "Graz, roof"},
                         {"report_seconds", i % 2 == 0 ? 5 : 60},
                         {"sensors", i % 2 == 0 ? json{"load", "uptime"} : json{"temperature"}}};
    const std::string file = stage_ / ("profile-" + std::to_string(i) + ".json");
    KEEL_TRY_VOID(base::WriteFileAtomic(file, base::DumpJsonPretty(bundle) + "\n"));
    KEEL_TRY_VOID(
        stage_.Run(Verb("keel-verifier", "owner", {"profile", "set", models_[i], "--config", file, "--firmware", id})));
    plan_.firmware[models_[i]] = kVersion;
  }
  screen_.EndPhase(std::string(kVersion) + " signed and imported, a profile for each of " +
                   std::to_string(models_.size()) + " models");
  return {};
}

Result<> Cast::ClaimAndBind() {
  screen_.BeginPhase("the owner claims");
  json policy = {
      {"v", 1},
      {"trustedManufacturers", {maker_did_}},
      {"rules",
       json::array(
           {{{"field", "/hardware/model"}, {"op", "in"}, {"value", models_}, {"why", "only models that we ordered"}},
            {{"field", "/hardware/serial"}, {"op", "exists"}, {"why", "every device has a serial number"}}})}};
  const std::string file = stage_ / "policy.json";
  KEEL_TRY_VOID(base::WriteFileAtomic(file, base::DumpJsonPretty(policy) + "\n"));
  KEEL_TRY_VOID(stage_.Run(Verb("keel-verifier", "owner", {"policy", "set", file})));
  KEEL_TRY_VOID(stage_.Run(Verb("keel-verifier", "owner", {"claim", "--all"})));
  // The application that may read the data.
  plan_.owner_dir = stage_ / "owner";
  plan_.reader_key = stage_ / "reader.key";
  plan_.reader_credential = stage_ / "reader.vc";
  KEEL_TRY(const json key,
           stage_.RunJson({Stage::Program("keel"), "telemetry", "key", "-o", plan_.reader_key, "--json"}));
  KEEL_TRY(const std::string reader, base::GetString(key, "did"));
  KEEL_TRY_VOID(stage_.Run(Verb("keel-verifier", "owner", {"reader", "add", reader, "-o", plan_.reader_credential})));
  // Invitations are published in the background: a device powered on before would have to look twice.
  const uint64_t until = base::MonotonicMs() + 60'000;
  for (;;) {
    KEEL_TRY(const json status,
             base::CallControlSocket(plan_.owner_dir + "/verifier.sock", "keel-verifier", "status", json::object()));
    KEEL_TRY(plan_.audience, base::GetString(status, "audience"));
    KEEL_TRY(const std::string fleet, base::GetString(status, "fleet"));
    plan_.topic = "keel/" + fleet + "/#";
    KEEL_TRY(const uint64_t waiting, base::GetUint(status, "unpublished"));
    if (waiting == 0) break;
    screen_.Progress(devices_.size() - std::min<size_t>(devices_.size(), waiting), devices_.size());
    if (base::MonotonicMs() > until) {
      KEEL_TRY(const std::string problem, base::GetString(status, "publish_problem"));
      return Fail(Code::kTimeout, "demo", std::to_string(waiting) + " invitations are not published: " + problem);
    }
    if (stage_.StoppedWithin(milliseconds(30))) return Fail(Code::kClosed, "demo", "stopped by you");
  }
  screen_.EndPhase("policy, profiles, invitations at the blinded rendezvous");
  return {};
}

}  // namespace keel::cli
