// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace CLI {
class App;
}

namespace keel::cli {

// Gives an app, and the subcommands that are added to it afterwards, our own form of --help, the same with every
// version of CLI11 (docs/cli is generated from it): what it does, usage, options with their defaults, subcommands, the
// footer. An option's type_name is what stands for its value.
void UseHelpFormat(CLI::App& app);

}  // namespace keel::cli
