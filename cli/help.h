// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

namespace CLI {
class App;
}

namespace keel::cli {

// Gives an app, and the subcommands that are added to it afterwards, our own form of --help, the same with every
// version of CLI11 (docs/cli is generated from it): what it does, usage, options with their defaults, subcommands, the
// footer. An option's type_name is what stands for its value.
void UseHelpFormat(CLI::App& app);

// For an app that has subcommands, before it parses: says which there are when the command line names none, or one
// that there isn't, and gives the exit status; nothing when it names one or asks for help.
std::optional<int> CheckVerb(const CLI::App& app, int argc, char** argv);

}  // namespace keel::cli
