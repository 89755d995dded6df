// SPDX-License-Identifier: Apache-2.0
#include "cli/ownership.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/cli.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "base/net/http_client.h"
#include "base/role.h"
#include "crypto/signature.h"
#include "custody/set_up.h"
#include "custody/verbs.h"
#include "did/methods/keel.h"
#include "did/methods/key.h"
#include "ledger/entry.h"

namespace keel::cli {
namespace {

using nlohmann::json;
constexpr const char* kProgram = "keel ownership";

struct Flags {
  std::string data, registry_file, request, out, model, file, passphrase_file;
  std::vector<std::string> registry, serials;
  int passphrase_fd = -1;
  uint64_t count = 0;
  bool json = false, all = false, offline = false, claim = false, unprotected_keys = false;
};

std::string Absolute(const std::string& path) { return std::filesystem::absolute(path).lexically_normal().string(); }

base::PassphraseOptions Passphrase(const Flags& flags) {
  return {.fd = flags.passphrase_fd, .file = flags.passphrase_file, .prompt = "Passphrase of the keys: "};
}

Result<json> Init(const std::string& data, const Flags& flags) {
  KEEL_TRY(const custody::SetUp made,
           custody::SetUpIdentity(data, flags.registry_file, {Passphrase(flags), flags.unprotected_keys}));
  return json{{"did", made.identity->did()},
              {"words", made.identity->network().words},
              {"identity", data + "/identity.json"},
              {"protected", made.with_passphrase}};
}

Result<std::unique_ptr<registry_client::RegistryClient>> Connect(custody::Identity& identity, const Flags& flags,
                                                                 base::HttpClient& http, Clock& clock) {
  registry_client::ClientOptions options;
  options.endpoints = flags.registry;
  options.state_file = identity.data_dir() + "/checkpoint";
  KEEL_TRY(auto client, registry_client::RegistryClient::Create(identity.network_text(), http, clock,
                                                                crypto::SystemRandom(), options));
  // Only an accredited sponsor has an account with every node; the others act as anybody may.
  const Bytes32 key = ledger::SponsorKey(identity.did());
  const auto sponsor = client->ProveKeys({&key, 1});
  if (!sponsor || !sponsor->keys[0].value) return client;
  options.account = registry_client::Account{identity.did(), &identity.keys(), identity.auth(), identity.auth_kid()};
  client.reset();
  return registry_client::RegistryClient::Create(identity.network_text(), http, clock, crypto::SystemRandom(), options);
}

Result<json> RunHere(const std::string& data, const Flags& flags, const json& args) {
  KEEL_TRY(const base::SecretText passphrase, custody::PassphraseOf(data, Passphrase(flags)));
  custody::Identity::Options options;
  options.passphrase = passphrase.ExposeSecret();
  KEEL_TRY(const auto identity, custody::Identity::Open(data, options));
  KEEL_TRY(const auto store, custody::CustodyStore::Open(*identity));
  base::SystemClock clock;
  const auto http = base::MakeBeastClient();
  KEEL_TRY(const auto registry, Connect(*identity, flags, *http, clock));
  did::MethodResolver resolver;
  resolver.Add("keel", std::make_unique<did::KeelMethod>(*registry, registry->label()))
      .Add("key", std::make_unique<did::KeyMethod>());
  custody::CustodyContext context{*identity, *store, *registry, resolver, clock, crypto::SystemRandom(), {}};
  return custody::RunOwnershipVerb(context, args);
}

// A running issuer or verifier has the store open: it does the work.
Result<json> RunVerb(const std::string& data, const Flags& flags, const json& args) {
  for (const char* role : {"issuer", "verifier"}) {
    const std::string socket = data + "/" + role + ".sock";
    if (!base::FileExists(socket)) continue;
    auto answer =
        base::CallControlSocket(socket, std::string("keel-") + role, "ownership", args, std::chrono::seconds(300));
    if (answer || answer.error().code != Code::kUnreachable) return answer;
  }
  return RunHere(data, flags, args);
}

size_t SizeOf(const json& answer, const char* name) { return answer.contains(name) ? answer[name].size() : 0; }

void PrintRefused(const json& answer) {
  if (!answer.contains("refused")) return;
  for (const json& one : answer["refused"]) {
    const std::string device = one.value("serial", "") + ": ";
    const std::string message = one.value("message", "");
    std::fprintf(stderr, "%s: %s%s (%s)\n", kProgram, message.starts_with(device) ? "" : device.c_str(),
                 message.c_str(), one.value("code", "").c_str());
  }
}

int Show(const std::string& verb, const Flags& flags, const json& answer) {
  if (flags.json) {
    std::printf("%s\n", base::DumpJson(answer).c_str());
  } else if (verb == "request") {
    std::printf(
        "Request for %zu devices: %s\nSend it to whoever passes the devices on; import the package that comes back.\n",
        answer["count"].get<size_t>(), answer["file"].get<std::string>().c_str());
  } else if (verb == "transfer") {
    std::printf("%zu devices passed on to %s%s: %s\n", SizeOf(answer, "given"), answer["to"].get<std::string>().c_str(),
                answer["offline"].get<bool>() ? " (not anchored yet: keel ownership anchor)" : "",
                answer["file"].get<std::string>().c_str());
  } else if (verb == "import") {
    std::printf("%zu devices taken over from %s, %zu were here already\n", SizeOf(answer, "imported"),
                answer["from"].get<std::string>().c_str(), SizeOf(answer, "already"));
  } else if (verb == "anchor") {
    std::printf("%zu anchored, %zu wait\n", SizeOf(answer, "anchored"), SizeOf(answer, "waiting"));
  } else if (verb == "cancel") {
    std::printf("%zu taken back\n", SizeOf(answer, "cancelled"));
  } else {
    for (const json& device : answer["devices"])
      std::printf("%-20s %-20s %-8s %3llu links  %s\n", device["serial"].get<std::string>().c_str(),
                  device["model"].get<std::string>().c_str(), device["state"].get<std::string>().c_str(),
                  static_cast<unsigned long long>(device["links"].get<uint64_t>()),
                  device["did"].get<std::string>().c_str());
  }
  if (!flags.json) PrintRefused(answer);
  const size_t refused = SizeOf(answer, "refused") + SizeOf(answer, "waiting");
  if (refused == 0) return base::kExitDone;
  const size_t good = SizeOf(answer, "given") + SizeOf(answer, "imported") + SizeOf(answer, "already") +
                      SizeOf(answer, "anchored") + SizeOf(answer, "cancelled");
  return good == 0 ? base::kExitInvalid : base::kExitPartly;
}

}  // namespace

int RunOwnership(int argc, char** argv) {
  crypto::SetUpHostedCrypto();
  Flags flags;
  CLI::App app{"Passes devices on: request, transfer, import. Works beside a running issuer or verifier.", kProgram};
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 done, 1 everything refused, 2 wrong usage or input, 3 a service could not be reached, 4 done in "
      "part.");
  json args = json::object();
  const auto add = [&](const char* name, const char* help) {
    CLI::App* sub = app.add_subcommand(name, help);
    sub->add_option("--data", flags.data, "Folder of the role: an issuer's, a verifier's, or a plain custodian's");
    sub->add_flag("--json", flags.json, "Answer and errors as JSON");
    sub->add_option("--passphrase-file", flags.passphrase_file, "Passphrase of the keys: first line of this 0600 file");
    sub->add_option("--passphrase-fd", flags.passphrase_fd, "Passphrase of the keys: from this descriptor");
    sub->add_option("--registry-url", flags.registry, "Registry node to use (repeat); default: those of net.keel");
    return sub;
  };
  CLI::App* init = add("init", "Make a plain custodian's DID and keys (issuers and verifiers have their own init)");
  init->add_option("--registry", flags.registry_file, "The registry's join file, net.keel")->required();
  init->add_flag("--unprotected-keys", flags.unprotected_keys, "No passphrase: keys under a random key in a 0600 file");
  CLI::App* request = add("request", "Make seals for devices that we are to receive");
  request->add_option("--count", flags.count, "Number of devices")->required();
  request->add_option("-o,--output", flags.out, "Request file to write")->required();
  CLI::App* transfer = add("transfer", "Pass devices on to the maker of a request");
  transfer->add_option("--request", flags.request, "The receiver's request file")->required();
  transfer->add_option("-o,--output", flags.out, "Package file to write")->required();
  transfer->add_flag("--all", flags.all, "Every device held here");
  transfer->add_option("--model", flags.model, "Every held device of this model");
  transfer->add_option("--serial", flags.serials, "These devices (serials or DIDs)");
  transfer->add_flag("--offline", flags.offline, "Anchor nothing now; `anchor` later, giver or receiver");
  CLI::App* import = add("import", "Check a package and take its devices over");
  import->add_option("file", flags.file, "Package file")->required();
  auto* import_offline =
      import->add_flag("--offline", flags.offline, "Papers only: the devices are pending until `anchor`");
  import
      ->add_flag("--claim", flags.claim, "A verifier's: wait for these devices from now on (keel-verifier claim --all)")
      ->excludes(import_offline);
  CLI::App* list = add("list", "The devices held, pending and given");
  CLI::App* anchor = add("anchor", "Anchor what was passed on or taken over offline");
  CLI::App* cancel = add("cancel", "Take back devices whose sale nobody has anchored");
  cancel->add_option("--serial", flags.serials, "Serials or DIDs")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error);
    return status == 0 ? base::kExitDone : base::kExitUsage;
  }
  std::string data = flags.data;
  if (data.empty()) {
    const auto paths = base::ResolveRolePaths("custodian", "");
    if (!paths) return base::ReportError(kProgram, paths.error(), flags.json);
    data = paths->data_dir;
  }
  while (data.size() > 1 && data.ends_with('/')) data.pop_back();

  if (init->parsed()) {
    const auto made = Init(data, flags);
    if (!made) return base::ReportError(kProgram, made.error(), flags.json);
    if (flags.json) {
      std::printf("%s\n", base::DumpJson(*made).c_str());
    } else {
      std::printf(
          "Custodian's DID: %s\nRegistry: %s\n%sNext: keel ownership request --data %s --count N -o FILE\n",
          (*made)["did"].get<std::string>().c_str(), (*made)["words"].get<std::string>().c_str(),
          (*made)["protected"].get<bool>() ? "" : "Keys: an unprotected software key (0600 files, no passphrase)\n",
          data.c_str());
    }
    return base::kExitDone;
  }
  if (request->parsed()) args = {{"verb", "request"}, {"count", flags.count}, {"out", Absolute(flags.out)}};
  if (transfer->parsed()) {
    args = {{"verb", "transfer"},
            {"request", Absolute(flags.request)},
            {"out", Absolute(flags.out)},
            {"all", flags.all},
            {"offline", flags.offline}};
    if (!flags.model.empty()) args["model"] = flags.model;
    if (!flags.serials.empty()) args["serials"] = flags.serials;
  }
  if (import->parsed()) args = {{"verb", "import"}, {"file", Absolute(flags.file)}, {"offline", flags.offline}};
  if (list->parsed()) args = {{"verb", "list"}};
  if (anchor->parsed()) args = {{"verb", "anchor"}};
  if (cancel->parsed()) args = {{"verb", "cancel"}, {"serials", flags.serials}};
  const auto answer = RunVerb(data, flags, args);
  if (!answer) return base::ReportError(kProgram, answer.error(), flags.json);
  const int status = Show(args["verb"].get<std::string>(), flags, *answer);
  if (!flags.claim) return status;
  const auto claimed = base::CallControlSocket(data + "/verifier.sock", "keel-verifier", "claim", json{{"all", true}},
                                               std::chrono::seconds(300));
  if (!claimed) return base::ReportError(kProgram, claimed.error(), flags.json);
  if (!flags.json) std::printf("%zu devices are waited for from now on\n", SizeOf(*claimed, "claimed"));
  return status;
}

}  // namespace keel::cli
