// SPDX-License-Identifier: Apache-2.0
#pragma once

// The toolbox's verbs over standard input and output (docs/cli/keel.md). argv[0] is the name to show in help; each
// gives the exit status.
namespace keel::cli {

int RunDid(int argc, char** argv);      // create, resolve, dereference, update, deactivate, sign-payload, inspect
int RunDidcomm(int argc, char** argv);  // pack, unpack
int RunVc(int argc, char** argv);       // issue, verify, derive, inspect
int RunVp(int argc, char** argv);       // create, verify
int RunStatus(int argc, char** argv);   // create, set, check
int RunJcs(int argc, char** argv);

}  // namespace keel::cli
