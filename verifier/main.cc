// SPDX-License-Identifier: Apache-2.0
// keel-verifier: the owner's program (docs/cli/keel-verifier.md).
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <functional>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/cli.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "base/log.h"
#include "base/process.h"
#include "base/role.h"
#include "crypto/hosted/software_key_store.h"
#include "crypto/signature.h"
#include "custody/set_up.h"
#include "did/default_resolver.h"
#include "didcomm/mediator/mediator.h"
#include "vc-api/service.h"
#include "verifier/cli_output.h"
#include "verifier/service.h"

namespace {

using keel::Code;
using keel::Fail;
using keel::Result;
using nlohmann::json;
namespace base = keel::base;
namespace verifier = keel::verifier;

constexpr const char* kProgram = "keel-verifier";

// What the command line said.
struct Flags {
  std::string data;
  bool json = false;
  std::string registry_file;  // init
  std::string listen;
  std::string public_url;
  std::vector<std::string> registry;
  int ready_fd = -1;
  base::KeyProtection keys;
  bool all = false;
  std::vector<std::string> serials;
  std::string device, model, file, firmware, image, did, out, broker;
  uint64_t contact = 900;
  bool reset = false, clone = false;
};

std::vector<base::Config::Key> ConfigKeys() {
  std::vector<base::Config::Key> keys = {
      {"listen", base::Config::Type::kString, "127.0.0.1:8443", "HOST:PORT of the public listener"},
      {"public_url", base::Config::Type::kString, "",
       "URL that devices reach this verifier by; default: the listener's"},
      {"registry", base::Config::Type::kStrings, "[]", "registry endpoints that replace the hints of net.keel"},
      {"broker", base::Config::Type::kString, "",
       "HOST:PORT of the MQTT broker that devices are told until `broker set` says another"},
      {"passphrase_file", base::Config::Type::kString, "",
       "0600 file with the passphrase of keys.keel, for a start that nobody attends"},
      {"max_stale", base::Config::Type::kUint, "300", "seconds that a registry checkpoint may be old"}};
  std::ranges::move(keel::didcomm::MediatorConfigKeys(), std::back_inserter(keys));
  std::ranges::move(keel::vc_api::ConfigKeys(false), std::back_inserter(keys));
  return keys;
}

// HOST:PORT as the arguments of the verb `broker-set`.
Result<json> BrokerArguments(const std::string& address) {
  const size_t colon = address.rfind(':');
  const auto port = colon == std::string::npos ? Result<json>(json()) : base::ParseJson(address.substr(colon + 1));
  if (!port || !port->is_number_unsigned()) return Fail(Code::kUsage, "broker", "\"" + address + "\" is not HOST:PORT");
  return json{{"host", address.substr(0, colon)}, {"port", *port}};
}

// A configuration for mosquitto that asks our plugin about everybody: mosquitto -c DIR/mosquitto.conf.
Result<> WriteBrokerConfig(const base::RolePaths& paths, const std::string& address) {
  KEEL_TRY(const json broker, BrokerArguments(address));
  std::string plugin = base::ProgramDir() + "/../lib/keel-broker.so";
  if (!base::FileExists(plugin)) plugin = base::ProgramDir() + "/../lib/keel/keel-broker.so";
  std::string text = "listener " + broker["port"].dump() + " " + broker["host"].get<std::string>() +
                     "\nallow_anonymous false\npersistence false\nset_tcp_nodelay true\nplugin " + plugin +
                     "\nplugin_opt_members_file " + paths.data_dir + "/members.jsonl\n";
  // As root it would become a user of its own, who may not read the members file.
  if (::geteuid() == 0) text += "user root\n";
  return base::WriteFileAtomic(paths.data_dir + "/mosquitto.conf", text);
}

Result<int> Init(const Flags& flags) {
  KEEL_TRY(const base::RolePaths paths, base::ResolveRolePaths("verifier", flags.data));
  KEEL_TRY(const auto made, keel::custody::SetUpIdentity(paths.data_dir, flags.registry_file, flags.keys));
  std::map<std::string, std::string> values;
  if (!flags.listen.empty()) values["listen"] = flags.listen;
  if (!flags.public_url.empty()) values["public_url"] = flags.public_url;
  if (!flags.keys.passphrase.file.empty())
    values["passphrase_file"] = std::filesystem::absolute(flags.keys.passphrase.file).lexically_normal().string();
  if (!flags.broker.empty()) {
    values["broker"] = flags.broker;
    base::RolePaths absolute = paths;
    absolute.data_dir = std::filesystem::absolute(paths.data_dir).lexically_normal().string();
    KEEL_TRY_VOID(WriteBrokerConfig(absolute, flags.broker));
  }
  KEEL_TRY_VOID(base::WriteFileAtomic(paths.config_file, base::Config::Template(ConfigKeys(), values), 0600));
  if (flags.json) {
    std::cout << base::DumpJson(
                     {{"did", made.identity->did()}, {"data", paths.data_dir}, {"protected", made.with_passphrase}})
              << "\n";
  } else {
    const std::string data = flags.data.empty() ? "" : " --data " + flags.data;
    std::cout << "owner  " << made.identity->did() << "\nkeys   "
              << (made.with_passphrase ? "under the passphrase"
                                       : "an unprotected software key (0600 files, no passphrase)")
              << "\nnext   keel-verifier serve" << data << "\n       keel ownership request" << data
              << " --count N -o request.keel   (and send it to whoever sells you devices)\n";
  }
  return base::kExitDone;
}

Result<int> Serve(const Flags& flags) {
  KEEL_TRY(const base::RolePaths paths, base::ResolveRolePaths("verifier", flags.data));
  KEEL_TRY(base::Config config, base::Config::Load(paths.config_file, ConfigKeys()));
  if (!flags.listen.empty()) KEEL_TRY_VOID(config.SetFlag("listen", flags.listen));
  if (!flags.public_url.empty()) KEEL_TRY_VOID(config.SetFlag("public_url", flags.public_url));
  KEEL_TRY(const auto stop, base::StopSignal::Create());
  verifier::ServiceOptions options;
  options.data_dir = paths.data_dir;
  base::PassphraseOptions asked = flags.keys.passphrase;
  if (asked.file.empty() && asked.fd < 0) asked.file = config.GetString("passphrase_file");
  KEEL_TRY(const base::SecretText passphrase, keel::custody::PassphraseOf(paths.data_dir, asked));
  options.passphrase = std::string(passphrase.ExposeSecret());
  KEEL_TRY(options.listen, base::ParseListen(config.GetString("listen")));
  options.public_url = config.GetString("public_url");
  options.registry = flags.registry.empty() ? config.GetList("registry") : flags.registry;
  options.max_stale_seconds = config.GetUint("max_stale");
  options.mediator = config;
  KEEL_TRY(const auto service, verifier::Service::Start(options));
  auto verbs = service->Verbs();
  if (const std::string broker = config.GetString("broker"); !broker.empty()) {
    KEEL_TRY(const json address, BrokerArguments(broker));
    KEEL_TRY(const json status, verbs["status"](json::object()));
    if (status["broker"] == "") KEEL_TRY_VOID(verbs["broker-set"](address));
  }
  KEEL_TRY(const auto control, base::ControlServer::Start(paths.socket, std::move(verbs), 8));
  const auto resolver = keel::did::MakeDefaultResolver({.web = false});
  resolver->Add("keel", service->resolver());
  base::SystemClock clock;
  KEEL_TRY(const auto vc_api, keel::vc_api::Service::OpenConfigured(config, paths.data_dir, false, *resolver, clock,
                                                                    keel::crypto::SystemRandom()));
  base::LogInfo("verifier.ready", {{"url", service->url()}, {"did", service->did()}});
  json ready = {{"url", service->url()}, {"did", service->did()}, {"socket", paths.socket}};
  if (vc_api) ready["vc_api"] = vc_api->url();
  KEEL_TRY_VOID(base::ServeUntilStopped(*stop, flags.ready_fd, std::move(ready)));
  return base::kExitDone;
}

// A verb of the running service. `args` are built from the flags; the answer is shown by `show`, or as JSON.
Result<int> Call(const Flags& flags, const std::string& verb, const std::function<Result<json>()>& args,
                 const std::function<int(const json&)>& show) {
  KEEL_TRY(const base::RolePaths paths, base::ResolveRolePaths("verifier", flags.data));
  KEEL_TRY(const json members, args());
  KEEL_TRY(const json answer, base::CallControl(paths, verb, members, std::chrono::minutes(10)));
  if (!flags.json) return show(answer);
  std::cout << base::DumpJson(answer) << "\n";
  return verifier::ExitOf(answer);
}

Result<json> NoArguments() { return json::object(); }

}  // namespace

int main(int argc, char** argv) {
  keel::base::ForbidCoreFiles();
  keel::crypto::SetUpHostedCrypto();
  Flags flags;
  flags.keys.passphrase.prompt = "Passphrase of the owner's keys: ";
  CLI::App app{
      "Keel's verifier: claims an owner's devices, waits for them, checks them against a policy, provisions them and "
      "keeps the fleet.\n"
      "Exit status: 0 done, 1 checked and refused, 2 wrong usage or unreadable input, 3 a service can't be reached, 4 "
      "done in part."};
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--data", flags.data,
                 "Data folder (default: /var/lib/keel/verifier as root, else the user's XDG folder)");
  app.add_flag("--json", flags.json, "Results and errors as JSON");

  std::function<Result<int>()> run;
  const auto verb = [&](CLI::App* parent, const char* name, const char* help, std::function<Result<int>()> action) {
    CLI::App* sub = parent->add_subcommand(name, help);
    sub->callback([&run, action = std::move(action)] { run = action; });
    return sub;
  };
  const auto passphrase_flags = [&](CLI::App* sub) {
    sub->add_option("--passphrase-file", flags.keys.passphrase.file,
                    "Passphrase of the keys: first line of this 0600 file");
    sub->add_option("--passphrase-fd", flags.keys.passphrase.fd, "Passphrase of the keys: from this descriptor");
  };
  const auto device_flag = [&](CLI::App* sub) {
    sub->add_option("device", flags.device, "Serial or DID, or an unambiguous beginning of it")->required();
  };
  const auto device_args = [&]() -> Result<json> { return json{{"device", flags.device}}; };

  CLI::App* init =
      verb(&app, "init", "Make the owner's DID, keys and configuration, once", [&] { return Init(flags); });
  init->add_option("--registry", flags.registry_file, "The registry's join file, net.keel")->required();
  init->add_option("--listen", flags.listen, "HOST:PORT of the public listener");
  init->add_option("--public-url", flags.public_url, "URL that devices reach it by");
  init->add_option("--broker", flags.broker, "HOST:PORT of the MQTT broker; writes mosquitto.conf for it, too");
  passphrase_flags(init);
  init->add_flag("--unprotected-keys", flags.keys.unprotected, "No passphrase: keys under a random key in a 0600 file");
  CLI::App* serve = verb(&app, "serve", "Run the service", [&] { return Serve(flags); });
  serve->add_option("--listen", flags.listen, "HOST:PORT of the public listener; port 0: a free one");
  serve->add_option("--public-url", flags.public_url, "URL that devices reach it by");
  serve->add_option("--registry", flags.registry, "Registry endpoint(s) in place of net.keel's");
  serve->add_option("--ready-fd", flags.ready_fd, "Write one JSON line to this descriptor when ready");
  passphrase_flags(serve);
  verb(&app, "status", "What the service is doing",
       [&] { return Call(flags, "status", NoArguments, verifier::ShowStatus); });
  verb(&app, "doctor", "What is wrong, and what to change",
       [&] { return Call(flags, "doctor", NoArguments, verifier::ShowDoctor); });
  CLI::App* claim = verb(&app, "claim", "Wait for devices that were taken over by `keel ownership import`", [&] {
    return Call(
        flags, "claim",
        [&]() -> Result<json> { return flags.all ? json{{"all", true}} : json{{"serials", flags.serials}}; },
        verifier::ShowClaim);
  });
  claim->add_flag("--all", flags.all, "Every device that is held");
  claim->add_option("--serial", flags.serials, "These devices");

  CLI::App* profile = app.add_subcommand("profile", "What a model of device gets");
  profile->require_subcommand(1);
  CLI::App* profile_set = verb(profile, "set", "Set the profile of a model", [&] {
    return Call(
        flags, "profile-set",
        [&]() -> Result<json> {
          KEEL_TRY(const std::string text, base::ReadFile(flags.file, 1 << 20));
          return json{{"model", flags.model},
                      {"configuration", text},
                      {"firmware", flags.firmware},
                      {"contact_seconds", flags.contact}};
        },
        verifier::ShowPlain);
  });
  profile_set->add_option("model", flags.model, "Model, or * for every other")->required();
  profile_set->add_option("--config", flags.file, "JSON object that the devices get")->required();
  profile_set->add_option("--contact", flags.contact, "Seconds between a device's questions for news")
      ->capture_default_str();
  profile_set->add_option("--firmware", flags.firmware, "Release (id or version) that they shall run");
  verb(profile, "list", "Show the profiles",
       [&] { return Call(flags, "profile-list", NoArguments, verifier::ShowPlain); });

  CLI::App* policy = app.add_subcommand("policy", "Which devices are taken in");
  policy->require_subcommand(1);
  CLI::App* policy_set = verb(policy, "set", "Replace the policy", [&] {
    return Call(
        flags, "policy-set",
        [&]() -> Result<json> {
          KEEL_TRY(const std::string text, base::ReadFile(flags.file, 1 << 20));
          return json{{"policy", text}};
        },
        verifier::ShowPlain);
  });
  policy_set->add_option("file", flags.file, "JSON file (docs/formats/policy.md)")->required();
  verb(policy, "show", "Show the policy", [&] { return Call(flags, "policy-show", NoArguments, verifier::ShowPlain); });

  CLI::App* broker = app.add_subcommand("broker", "Where devices send their data");
  broker->require_subcommand(1);
  CLI::App* broker_set = verb(broker, "set", "Set the MQTT broker that devices are told", [&] {
    return Call(flags, "broker-set", [&]() { return BrokerArguments(flags.broker); }, verifier::ShowPlain);
  });
  broker_set->add_option("address", flags.broker, "HOST:PORT")->required();

  verb(&app, "devices", "List the devices", [&] { return Call(flags, "devices", NoArguments, verifier::ShowDevices); });
  device_flag(verb(&app, "why", "Say why a device is where it is",
                   [&] { return Call(flags, "why", device_args, verifier::ShowWhy); }));
  device_flag(verb(&app, "revoke", "Take a device out of the fleet, now",
                   [&] { return Call(flags, "revoke", device_args, verifier::ShowDevice); }));
  CLI::App* decide = verb(&app, "decide", "Decide about a held device (clone or reset)", [&] {
    return Call(
        flags, "decide",
        [&]() -> Result<json> {
          if (flags.reset == flags.clone) return Fail(Code::kUsage, "decide", "say --reset or --clone");
          return json{{"device", flags.device}, {"verdict", flags.reset ? "reset" : "clone"}};
        },
        verifier::ShowDevice);
  });
  device_flag(decide);
  decide->add_flag("--reset", flags.reset, "The second session is the device: let it begin again");
  decide->add_flag("--clone", flags.clone, "A copy exists: trust neither");
  for (const char* op : {"wipe", "retire"}) {
    device_flag(
        verb(&app, op, "Order the device to erase what it got from us (retire: and its keys, for good)", [&flags, op] {
          return Call(
              flags, "order", [&flags, op]() -> Result<json> { return json{{"device", flags.device}, {"op", op}}; },
              verifier::ShowDevice);
        }));
  }

  CLI::App* reader = app.add_subcommand("reader", "Who may read the devices' data");
  reader->require_subcommand(1);
  CLI::App* reader_add = verb(reader, "add", "Grant a credential to read", [&] {
    return Call(
        flags, "reader-add", [&]() -> Result<json> { return json{{"did", flags.did}}; },
        [&](const json& answer) {
          const auto written = base::WriteFileAtomic(flags.out, answer["credential"].get<std::string>() + "\n", 0600);
          if (!written) return base::ReportError(kProgram, written.error());
          std::cout << "credential for " << flags.did << " written to " << flags.out << "\n";
          return static_cast<int>(base::kExitDone);
        });
  });
  reader_add->add_option("did", flags.did, "The application's DID (`keel telemetry key` makes one)")->required();
  reader_add->add_option("-o,--output", flags.out, "File for the credential (- for standard output)")
      ->capture_default_str();
  flags.out = "-";
  CLI::App* reader_remove = verb(reader, "remove", "Take it back", [&] {
    return Call(
        flags, "reader-remove", [&]() -> Result<json> { return json{{"did", flags.did}}; }, verifier::ShowPlain);
  });
  reader_remove->add_option("did", flags.did, "The application's DID")->required();

  CLI::App* firmware = app.add_subcommand("firmware", "Firmware releases");
  firmware->require_subcommand(1);
  CLI::App* firmware_import =
      verb(firmware, "import", "Take over a release: its folder, as `keel-issuer firmware release` writes it", [&] {
        return Call(
            flags, "firmware-import", [&]() { return verifier::ReleaseFiles(flags.file); }, verifier::ShowPlain);
      });
  firmware_import->add_option("release", flags.file, "The release's folder")->required();

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = app.exit(error);
    return code == 0 ? base::kExitDone : base::kExitUsage;
  }
  const Result<int> code = run();
  return code ? *code : base::ReportError(kProgram, code.error(), flags.json);
}
