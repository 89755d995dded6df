// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/cli.h"
#include "base/json_strict.h"
#include "cli/didcomm/explain.h"
#include "cli/didcomm/verbs.h"

namespace keel::cli {
namespace {

struct Flags {
  WorldFlags world;
  std::string at;
};

Result<int> Inspect(const Flags& flags) {
  KEEL_TRY(const std::string input, ReadInput(2 * didcomm::kMaxMessage));
  KEEL_TRY(const UnixSeconds now, TimeOf(flags.at));
  KEEL_TRY(const auto world, World::Open(flags.world));
  KEEL_TRY(const nlohmann::json report, ExplainMessage(input, world->resolver(), now));
  std::fputs((flags.world.json ? base::DumpJson(report) + "\n" : ReportText(report)).c_str(), stdout);
  return report["refused"].is_null() ? base::kExitDone : base::kExitInvalid;
}

}  // namespace

void AddInspectVerb(CLI::App& app, Outcome& outcome) {
  auto flags = std::make_shared<Flags>();
  flags->world.offline = true;
  CLI::App* inspect =
      app.add_subcommand("inspect", "Explain a message without any key: layers, algorithms, keys, sizes");
  inspect->add_option("--did-docs", flags->world.did_docs, "JSON array of DID documents that are known beforehand");
  inspect->add_option("--at", flags->at, "Judge expiry at this time (RFC 3339 or seconds since 1970; default: now)");
  inspect->add_flag("--json", flags->world.json, "The report, and errors, as JSON");
  inspect->footer(
      "Reads one message of any kind on standard input: encrypted, signed, plaintext. Asks nobody: signatures are "
      "checked\nfor did:key, did:jwk, did:peer and the documents of --did-docs.\n"
      "Exit status: 0 explained, 1 explained, and Keel would refuse it whoever it is for, 2 not JSON, or wrong usage.\n"
      "Example: keel didcomm inspect < message.json");
  inspect->callback([flags, &outcome] {
    outcome.json = flags->world.json;
    outcome.status = Inspect(*flags);
  });
}

}  // namespace keel::cli
