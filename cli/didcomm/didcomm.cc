// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>

#include "base/cli.h"
#include "cli/didcomm/verbs.h"
#include "cli/help.h"
#include "cli/verbs.h"
#include "crypto/signature.h"

namespace keel::cli {

int RunDidcomm(int argc, char** argv) {
  constexpr const char* kProgram = "keel didcomm";
  Outcome outcome;
  CLI::App app{"DIDComm v2.1 messages: standard input to standard output.", kProgram};
  UseHelpFormat(app);
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 done, 1 a message is refused, 2 wrong usage or unreadable input, 3 somebody could not be "
      "reached.\n"
      "Each subcommand's --help has its flags, files and examples; docs/didcomm-by-hand.md walks through them.");
  AddPackVerbs(app, outcome);
  AddInspectVerb(app, outcome);
  AddSendVerb(app, outcome);
  AddListenVerb(app, outcome);
  AddAskVerbs(app, outcome);
  AddInvitationVerbs(app, outcome);
  if (const auto status = CheckVerb(app, argc, argv)) return *status;
  crypto::SetUpHostedCrypto();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? base::kExitDone : base::kExitUsage;
  }
  if (!outcome.status) return base::kExitUsage;  // --help
  return *outcome.status ? **outcome.status : base::ReportError(kProgram, outcome.status->error(), outcome.json);
}

}  // namespace keel::cli
