// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/cli.h"
#include "base/encoding.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "base/key_protection.h"
#include "base/process.h"
#include "base/role.h"
#include "core/time.h"
#include "crypto/signature.h"
#include "ledger/entry.h"
#include "registry-node/service.h"

// keel-registry: the command line of a registry node (docs/cli/keel-registry.md).
namespace {

using namespace keel;  // a program's own file
using nlohmann::json;

constexpr const char* kProgram = "keel-registry";

struct Flags {
  std::string data, listen, output, did, account, note, until, file;
  int ready_fd = -1;
  base::KeyProtection root_keys;
  bool as_json = false, create = false, no_publish = false;
  uint64_t quota = 100'000, spends = 100'000;
  registry::InitOptions init;
};

int Print(const Flags& flags, const json& value, const std::string& text) {
  std::cout << (flags.as_json ? base::DumpJson(value) : text) << "\n";
  return base::kExitDone;
}

int Report(const Flags& flags, const Error& error) { return base::ReportError(kProgram, error, flags.as_json); }

int RunInit(const base::RolePaths& paths, Flags& flags) {
  flags.root_keys.passphrase.prompt = "Passphrase of the registry's root keys: ";
  const auto passphrase = base::NewPassphrase(flags.root_keys);
  if (!passphrase) return Report(flags, passphrase.error());
  flags.init.root_passphrase = std::string(passphrase->ExposeSecret());
  const auto done = registry::Init(paths, flags.init);
  if (!done) return Report(flags, done.error());
  if (!flags.output.empty()) {
    const auto text = registry::NetworkFileText(paths);
    const auto written = text ? base::WriteFileAtomic(flags.output, *text) : Result<>(std::unexpected(text.error()));
    if (!written) return Report(flags, written.error());
  }
  const std::string data = flags.data.empty() ? "" : " --data " + flags.data;
  return Print(
      flags,
      {{"net", done->net},
       {"words", done->words},
       {"config", done->config_file},
       {"data", done->data_dir},
       {"root_keys", done->root_keys},
       {"protected", !passphrase->empty()}},
      "Registry '" + flags.init.label + "' is set up.\n  words      " + done->words + "\n  net        " + done->net +
          "\n  settings   " + done->config_file + "\n  data       " + done->data_dir + "\n  root keys  " +
          done->root_keys + "   <- move this folder to two safe places; only a new epoch needs it\n" +
          (passphrase->empty() ? "             without a passphrase: who has this folder can make the next epoch\n"
                               : "") +
          "Next:\n  keel-registry serve" + data + "\n  keel-registry descriptor" + data +
          " -o net.keel      # the one file that others join with; compare the eight words");
}

int RunServe(const base::RolePaths& paths, const Flags& flags) {
  auto stop = base::StopSignal::Create();
  if (!stop) return Report(flags, stop.error());
  registry::Service::Options options;
  options.listen = flags.listen;
  auto service = registry::Service::Start(paths, options);
  if (!service) return Report(flags, service.error());
  const auto done =
      base::ServeUntilStopped(**stop, flags.ready_fd, {{"url", (*service)->url()}, {"socket", paths.socket}});
  return done ? base::kExitDone : Report(flags, done.error());
}

int RunStatus(const base::RolePaths& paths, const Flags& flags) {
  const auto status = base::CallControl(paths, "status", json::object());
  if (!status) return Report(flags, status.error());
  std::string text;
  for (const auto& [name, value] : status->items()) {
    text += name + std::string(name.size() < 14 ? 14 - name.size() : 1, ' ') +
            (value.is_string() ? value.get<std::string>() : base::DumpJson(value)) + "\n";
  }
  if (!text.empty()) text.pop_back();
  return Print(flags, *status, text);
}

int RunDoctor(const base::RolePaths& paths, const Flags& flags) {
  bool fine = true;
  json list = json::array();
  std::string text;
  for (const auto& finding : registry::Doctor(paths)) {
    fine = fine && finding.ok;
    list.push_back({{"ok", finding.ok}, {"what", finding.what}, {"advice", finding.advice}});
    text += (finding.ok ? "ok    " : "WRONG ") + finding.what +
            (finding.advice.empty() ? "" : "\n      -> " + finding.advice) + "\n";
  }
  if (!text.empty()) text.pop_back();
  Print(flags, {{"ok", fine}, {"findings", list}}, text);
  return fine ? base::kExitDone : base::kExitInvalid;
}

int RunDescriptor(const base::RolePaths& paths, const Flags& flags) {
  const auto text = registry::NetworkFileText(paths);
  if (!text) return Report(flags, text.error());
  if (flags.output.empty() || flags.output == "-") {
    std::cout << *text;
    return base::kExitDone;
  }
  if (auto ok = base::WriteFileAtomic(flags.output, *text); !ok) return Report(flags, ok.error());
  const auto file = base::ParseJson(*text);
  const auto words = file ? base::GetString(*file, "words") : Result<std::string>("");
  return Print(flags, {{"file", flags.output}, {"words", words ? *words : ""}},
               flags.output + ": " + (words ? *words : ""));
}

int RunControl(const base::RolePaths& paths, const Flags& flags, const char* verb, const json& args) {
  const auto answer = base::CallControl(paths, verb, args);
  if (!answer) return Report(flags, answer.error());
  return Print(flags, *answer, base::DumpJsonPretty(*answer));
}

// Anchors the create operation of an identity.json and takes its DID: what a role hands to a member to be accredited.
int AnchorIdentity(const base::RolePaths& paths, Flags& flags) {
  const auto text = base::ReadFile(flags.file, 256 << 10);
  if (!text) return Report(flags, text.error());
  const auto identity = base::ParseJson(*text);
  if (!identity) return Report(flags, identity.error());
  const auto did = base::GetString(*identity, "did");
  const auto create = base::GetString(*identity, "create");
  if (!did || !create)
    return Report(flags, Fail(Code::kMalformed, "sponsor add", flags.file + " is no identity.json").error());
  std::vector<uint8_t> entry(create->size() + 16);
  const auto length = ledger::WriteOperationEntry(AsBytes(*create), entry);
  if (!length) return Report(flags, length.error());
  entry.resize(*length);
  const auto answer = base::CallControl(paths, "anchor", {{"entries", json::array({base::Base64Url(entry)})}});
  if (!answer) return Report(flags, answer.error());
  const auto results = base::GetArray(*answer, "results");
  if (!results || (*results)->size() != 1)
    return Report(flags, Fail(Code::kInternalError, "sponsor add", "no verdict").error());
  const json& one = (*results)->front();
  const auto code = base::GetString(one, "code");
  if (!code || *code != CodeName(Code::kOk)) {
    const auto detail = base::GetString(one, "detail");
    return Report(flags, Fail(Code::kConflict, "sponsor add",
                              "the identity's create operation is refused: " + (detail ? *detail : ""))
                             .error());
  }
  flags.did = *did;
  return base::kExitDone;
}

int RunAnchor(const base::RolePaths& paths, const Flags& flags) {
  const auto text = base::ReadFile(flags.file, 4 << 20);
  if (!text) return Report(flags, text.error());
  const auto args = base::ParseJson(*text);
  if (!args) return Report(flags, args.error());
  const auto answer = base::CallControl(paths, "anchor", *args);
  if (!answer) return Report(flags, answer.error());
  size_t refused = 0, all = 0;
  if (const auto results = base::GetArray(*answer, "results"); results) {
    for (const json& one : **results) {
      ++all;
      const auto code = base::GetString(one, "code");
      if (!code || *code != CodeName(Code::kOk)) ++refused;
    }
  }
  Print(flags, *answer, base::DumpJsonPretty(*answer));
  return refused == 0 ? base::kExitDone : refused == all ? base::kExitInvalid : base::kExitPartly;
}

}  // namespace

int main(int argc, char** argv) {
  base::ForbidCoreFiles();
  crypto::SetUpHostedCrypto();
  Flags flags;
  CLI::App app(
      "keel-registry: a node of a Keel registry. It anchors, resolves and proves DIDs, seals and schemas, meets "
      "devices and tells the time.");
  app.require_subcommand(1);
  app.fallthrough();
  app.add_option("--data", flags.data,
                 "Folder for everything (else /etc/keel, /var/lib/keel, /run/keel, or the XDG folders)");
  app.add_flag("--json", flags.as_json, "Answers and errors as JSON");
  app.footer(
      "Files: /etc/keel/registry.toml, /var/lib/keel/registry, /run/keel/registry.sock, or DIR/registry.toml, DIR, "
      "DIR/registry.sock with --data DIR.\n"
      "Exit status: 0 done, 1 checked and found wrong, 2 wrong usage or unreadable input, 3 the service can't be "
      "reached, 4 done in part.");
  auto* init = app.add_subcommand("init", "Set up a registry of one member: configuration, keys, genesis descriptor");
  init->add_option("--label", flags.init.label, "Short name of the network, part of every did:keel")
      ->capture_default_str();
  init->add_option("--member", flags.init.member, "This member's id")->capture_default_str();
  init->add_option("--listen", flags.init.listen, "Address and port of the public API")->capture_default_str();
  init->add_option("--public-url", flags.init.public_url, "What others reach it by");
  init->add_option("--root-keys", flags.init.root_keys, "Folder for the offline root keys (default DATA/root-keys)");
  init->add_option("--passphrase-file", flags.root_keys.passphrase.file,
                   "Passphrase of the root keys: first line of this 0600 file");
  init->add_option("--passphrase-fd", flags.root_keys.passphrase.fd,
                   "Passphrase of the root keys: from this descriptor");
  init->add_flag("--unprotected-keys", flags.root_keys.unprotected,
                 "No passphrase: root keys under a random key in a 0600 file");
  init->add_option("--descriptor", flags.output,
                   "Write the one file that other roles join with here, too (needs a fixed port)");
  auto* serve = app.add_subcommand("serve", "Run the node until SIGINT or SIGTERM");
  serve->add_option("--listen", flags.listen, "Address and port (over the configuration's)");
  serve->add_option("--ready-fd", flags.ready_fd, "Descriptor for one JSON line (url, socket, pid) when ready");
  auto* status = app.add_subcommand("status", "What the running node is doing");
  auto* doctor = app.add_subcommand("doctor", "Look for what is wrong and say what to change");
  auto* descriptor = app.add_subcommand("descriptor", "Write the one file that other roles join with");
  descriptor->add_option("-o,--output", flags.output, "File to write (default: standard output)");
  auto* sponsor = app.add_subcommand("sponsor", "Sponsors: DIDs that may have DIDs, schemas and batches anchored");
  sponsor->require_subcommand(1);
  auto* sponsor_add = sponsor->add_subcommand("add", "Accredit a DID (quota 0 ends it)");
  auto* sponsor_did = sponsor_add->add_option("did", flags.did, "did:keel of this network");
  sponsor_add
      ->add_option("--identity", flags.file,
                   "A role's identity.json: its create operation is anchored first, then its DID accredited")
      ->excludes(sponsor_did);
  sponsor_add->add_option("--quota", flags.quota, "Creates, schemas and batches a day")->capture_default_str();
  sponsor_add->add_option("--until", flags.until, "RFC 3339 time of its end");
  auto* sponsor_list = sponsor->add_subcommand("list", "List sponsors");
  auto* account = app.add_subcommand("account", "Accounts at this node");
  account->require_subcommand(1);
  auto* account_add = account->add_subcommand("add", "Register an account");
  account_add->add_option("id", flags.account, "key:<Multikey> or did:keel")->required();
  account_add->add_flag("--create", flags.create, "This member sponsors what the account creates");
  account_add->add_flag("--no-publish", flags.no_publish, "No rendezvous values");
  account_add->add_option("--spends", flags.spends, "Updates and spends an hour")->capture_default_str();
  account_add->add_option("--note", flags.note, "For people");
  auto* account_remove = account->add_subcommand("remove", "Forget an account");
  account_remove->add_option("id", flags.account, "key:<Multikey> or did:keel")->required();
  auto* account_list = account->add_subcommand("list", "List accounts");
  auto* anchor =
      app.add_subcommand("anchor", "Sponsor and anchor entries brought in a file: {\"entries\":[base64url,...]}");
  anchor->add_option("file", flags.file, "The file, - for standard input")->required();
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    app.exit(e);
    return base::kExitUsage;
  }
  const auto paths = base::ResolveRolePaths("registry", flags.data);
  if (!paths) return Report(flags, paths.error());
  if (init->parsed()) return RunInit(*paths, flags);
  if (serve->parsed()) return RunServe(*paths, flags);
  if (status->parsed()) return RunStatus(*paths, flags);
  if (doctor->parsed()) return RunDoctor(*paths, flags);
  if (descriptor->parsed()) return RunDescriptor(*paths, flags);
  if (sponsor_list->parsed()) return RunControl(*paths, flags, "sponsor-list", json::object());
  if (account_list->parsed()) return RunControl(*paths, flags, "account-list", json::object());
  if (account_remove->parsed()) return RunControl(*paths, flags, "account-remove", {{"id", flags.account}});
  if (account_add->parsed()) {
    return RunControl(*paths, flags, "account-add",
                      {{"id", flags.account},
                       {"create", flags.create},
                       {"publish", !flags.no_publish},
                       {"spends_per_hour", flags.spends},
                       {"note", flags.note}});
  }
  if (anchor->parsed()) return RunAnchor(*paths, flags);
  if (sponsor_add->parsed()) {
    if (!flags.file.empty()) {
      if (const int anchored = AnchorIdentity(*paths, flags); anchored != base::kExitDone) return anchored;
    } else if (flags.did.empty()) {
      return Report(flags, Fail(Code::kUsage, "sponsor add", "name a DID, or --identity FILE").error());
    }
    json args = {{"did", flags.did}, {"quota", flags.quota}};
    if (!flags.until.empty()) {
      const auto until = ParseRfc3339(flags.until);
      if (!until)
        return Report(flags,
                      Fail(Code::kUsage, "--until", "an RFC 3339 time is wanted, e.g. 2027-01-31T00:00:00Z").error());
      args["until"] = *until;
    }
    return RunControl(*paths, flags, "sponsor-add", args);
  }
  return base::kExitUsage;
}
