// SPDX-License-Identifier: Apache-2.0
// keel-issuer: a manufacturer's service and factory station. docs/cli/keel-issuer.md.
#include <CLI/CLI.hpp>

#include "base/cli.h"
#include "base/process.h"
#include "crypto/signature.h"
#include "issuer/verbs.h"

int main(int argc, char** argv) {
  using keel::issuer::Flags;
  keel::base::ForbidCoreFiles();
  keel::crypto::SetUpHostedCrypto();
  Flags flags;
  CLI::App app{
      "Manufacturer's issuer: anchors devices' DIDs, grants HardwareCredentials, publishes the status list, releases "
      "firmware.",
      "keel-issuer"};
  app.require_subcommand(1);
  app.footer(
      "Files: DIR/issuer.toml, or /etc/keel/issuer.toml, /var/lib/keel/issuer, /run/keel/issuer.sock (root), or the "
      "XDG folders.\n"
      "Exit status: 0 done, 1 checked and found invalid, 2 wrong usage or input, 3 a service could not be reached, 4 "
      "done in part.");
  int (*verb)(const keel::base::RolePaths&, const Flags&) = nullptr;
  const auto common = [&](CLI::App* sub) {
    sub->add_option("--data", flags.data, "Folder of this issuer (settings, keys, database, socket)");
    sub->add_flag("--json", flags.json, "Answer and errors as JSON");
    return sub;
  };
  const auto passphrase = [&](CLI::App* sub) {
    sub->add_option("--passphrase-file", flags.passphrase_file, "Passphrase of the keys: first line of this 0600 file");
    sub->add_option("--passphrase-fd", flags.passphrase_fd, "Passphrase of the keys: from this descriptor");
  };

  CLI::App* init = common(app.add_subcommand("init", "Make the issuer's DID, keys and settings, once"));
  passphrase(init);
  init->add_option("--registry", flags.registry_file, "The registry's join file, net.keel")->required();
  init->add_option("--name", flags.name, "The manufacturer's name, for people");
  init->add_option("--vendor", flags.vendor, "The manufacturer's domain name: SUIT vendor identifier")
      ->default_val("maker.example");
  init->add_option("--listen", flags.listen, "HOST:PORT of the public listener")->default_str("127.0.0.1:0");
  init->add_option("--public-url", flags.public_url,
                   "URL under which others reach the public listener; credentials name it");
  init->add_flag("--unprotected-keys", flags.unprotected_keys, "No passphrase: keys under a random key in a 0600 file");
  init->callback([&] { verb = keel::issuer::RunInit; });

  CLI::App* serve = common(app.add_subcommand("serve", "Run the service"));
  passphrase(serve);
  serve->add_option("--listen", flags.listen, "HOST:PORT of the public listener");
  serve->add_option("--public-url", flags.public_url, "URL under which others reach it");
  serve->add_option("--registry-url", flags.registry, "Registry node to use (repeat); default: those of net.keel");
  serve->add_option("--ready-fd", flags.ready_fd, "Write one JSON line (url, socket, did, pid) here when ready");
  serve->callback([&] { verb = keel::issuer::RunServe; });

  CLI::App* manufacture =
      common(app.add_subcommand("manufacture", "Make devices: the factory's station, a client of the running service"));
  auto* csv = manufacture->add_option("--csv", flags.csv, "The devices' list (docs/protocols/factory.md)");
  manufacture->add_option("--count", flags.count, "Without --csv: this many demo devices of two models")->excludes(csv);
  manufacture->add_option("--devices-dir", flags.devices_dir, "Folder with one folder a device")->required();
  manufacture->add_option(
      "--device-command", flags.device_command,
      "The device's program; {data} stands for its folder (default: keel-device beside this program)");
  manufacture->add_option("--parallel", flags.parallel, "Devices at a time")
      ->default_val(64)
      ->check(CLI::Range(1, 256));
  manufacture->add_option("--events-fd", flags.events_fd, "Write one JSON line a step here");
  manufacture->callback([&] { verb = keel::issuer::RunManufacture; });

  CLI::App* revoke = common(app.add_subcommand("revoke", "Revoke a device's HardwareCredential"));
  revoke->add_option("device", flags.device, "Serial or DID")->required();
  revoke->add_option("--reason", flags.reason, "Kept with the row, not published");
  revoke->callback([&] { verb = keel::issuer::RunRevoke; });

  CLI::App* single = common(app.add_subcommand(
      "single-use", "Issue hardware credentials for one showing each, which owners can't tell together"));
  single->add_option("device", flags.device, "Serial or DID")->required();
  single->add_option("--keys", flags.keys_file, "The device's keys, one Multikey a line, one for each credential")
      ->required();
  single->add_option("--days", flags.days, "How long they are valid")->default_val(365)->check(CLI::Range(1, 36500));
  single->add_option("-o,--output", flags.out, "File to write: one SD-JWT VC a line, in the keys' order")->required();
  single->callback([&] { verb = keel::issuer::RunSingleUse; });

  CLI::App* rotate =
      common(app.add_subcommand("rotate-key", "Replace the issuer's key by the one committed to before"));
  rotate
      ->add_option("--reason", flags.reason,
                   "routine: what was anchored stays good; compromise: only what was anchored before --since")
      ->default_str("routine");
  auto* since = rotate->add_option("--since", flags.since,
                                   "With compromise: log index from which on nothing by the old key counts");
  rotate->callback([&] {
    flags.has_since = since->count() != 0;
    verb = keel::issuer::RunRotateKey;
  });

  CLI::App* firmware = app.add_subcommand("firmware", "Firmware releases");
  firmware->require_subcommand(1);
  CLI::App* release = common(firmware->add_subcommand("release", "Sign a firmware image as a SUIT manifest"));
  release->add_option("--file", flags.file, "The image")->required();
  release->add_option("--model", flags.model, "Model that it is for")->required();
  release->add_option("--version", flags.version, "Version text")->required();
  release->add_option("--sequence", flags.sequence,
                      "Rises with each release of a model; default: the newest + 1, no default for the first");
  release->add_option("-o,--output", flags.out, "Folder to write: manifest.cbor, firmware.bin, release.json")
      ->required();
  release->callback([&] { verb = keel::issuer::RunRelease; });

  const auto publish = [&](CLI::App* group, const char* what, const char* help) {
    CLI::App* sub = common(group->add_subcommand("publish", help));
    sub->add_option("--file", flags.file, std::string("The ") + what + ", JSON")->required();
    sub->add_option("--id", flags.id, "Its id: 1 to 64 of A-Z a-z 0-9 . _ -; once anchored it never changes")
        ->required();
    return sub;
  };
  const auto show = [&](CLI::App* group, const char* help) {
    CLI::App* sub = common(group->add_subcommand("show", help));
    sub->add_option("id", flags.id, "Its id, or whole URL")->required();
    sub->add_option("--author", flags.author, "DID of who published it; default: this issuer");
    return sub;
  };
  CLI::App* schema = app.add_subcommand("schema", "JSON schemas of credentials on the ledger");
  schema->require_subcommand(1);
  publish(schema, "schema", "Anchor a JSON Schema 2020-12 (docs/formats/schemas.md says which keywords)")
      ->callback([&] { verb = keel::issuer::RunSchemaPublish; });
  show(schema, "Print a schema as the ledger proves it, or one of Keel's own by its type")->callback([&] {
    verb = keel::issuer::RunSchemaShow;
  });
  CLI::App* definition = app.add_subcommand("definition", "Credential definitions on the ledger");
  definition->require_subcommand(1);
  publish(definition, "definition",
          "Anchor what this issuer's credentials of a kind are like: types, schema, formats, algorithms, status list, "
          "validity")
      ->callback([&] { verb = keel::issuer::RunDefinitionPublish; });
  show(definition, "Print a definition as the ledger proves it")->callback([&] {
    verb = keel::issuer::RunDefinitionShow;
  });

  common(app.add_subcommand("status", "What the service does and whether it can work"))->callback([&] {
    verb = keel::issuer::RunStatus;
  });
  common(app.add_subcommand("doctor", "What is wrong, and what to change"))->callback([&] {
    verb = keel::issuer::RunDoctor;
  });
  common(app.add_subcommand("list", "The devices made here"))->callback([&] { verb = keel::issuer::RunList; });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error);
    return status == 0 ? keel::base::kExitDone : keel::base::kExitUsage;
  }
  const auto paths = keel::base::ResolveRolePaths("issuer", flags.data);
  if (!paths) return keel::base::ReportError("keel-issuer", paths.error(), flags.json);
  return verb(*paths, flags);
}
