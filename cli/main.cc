// SPDX-License-Identifier: Apache-2.0
// keel: the toolbox (docs/cli/keel.md). Each verb is a program of its own inside: its flags and help are in its file.
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

#include "base/cli.h"
#include "base/process.h"
#include "cli/demo/demo.h"
#include "cli/ownership.h"
#include "cli/telemetry.h"
#include "cli/verbs.h"

namespace {

struct Verb {
  const char* name;
  const char* help;
  int (*run)(int argc, char** argv);
};

constexpr Verb kVerbs[] = {
    {"demo", "the whole path on this machine, from the factory to the owner's data", keel::cli::RunDemo},
    {"did", "create, resolve, update, inspect DIDs", keel::cli::RunDid},
    {"didcomm", "pack and unpack DIDComm messages", keel::cli::RunDidcomm},
    {"vc", "issue, verify, derive, explain credentials", keel::cli::RunVc},
    {"vp", "create and verify presentations", keel::cli::RunVp},
    {"status", "make, change, ask status lists", keel::cli::RunStatus},
    {"jcs", "canonical form of a JSON text", keel::cli::RunJcs},
    {"ownership", "pass devices on: request, transfer, import", keel::cli::RunOwnership},
    {"telemetry", "read devices' data with a credential", keel::cli::RunTelemetry},
};

void PrintHelp(std::FILE* out) {
  std::fprintf(out,
               "keel: the toolbox of Keel, zero-touch device onboarding with DIDs.\n\nUsage: keel VERB ...   (keel "
               "VERB --help has the rest)\n\n");
  for (const Verb& verb : kVerbs) std::fprintf(out, "  %-10s %s\n", verb.name, verb.help);
  std::fprintf(
      out,
      "\nServices are programs of their own: keel-registry, keel-issuer, keel-verifier; a device is keel-device.\n"
      "Exit status of every verb: 0 done or valid, 1 checked and found invalid, 2 wrong usage or unreadable input,\n"
      "3 a service could not be reached, 4 done in part.\n");
}

}  // namespace

int main(int argc, char** argv) {
  keel::base::ForbidCoreFiles();
  if (argc < 2) {
    PrintHelp(stderr);
    return keel::base::kExitUsage;
  }
  const std::string_view name = argv[1];
  if (name == "--help" || name == "-h" || name == "help") {
    PrintHelp(stdout);
    return keel::base::kExitDone;
  }
  if (name == "--version") {
    std::printf("keel 0.1.0\n");
    return keel::base::kExitDone;
  }
  for (const Verb& verb : kVerbs) {
    if (name != verb.name) continue;
    std::string title = "keel " + std::string(name);
    argv[1] = title.data();
    return verb.run(argc - 1, argv + 1);
  }
  std::fprintf(stderr, "keel: there is no verb \"%s\"; `keel --help` lists them\n", argv[1]);
  return keel::base::kExitUsage;
}
