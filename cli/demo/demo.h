// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace keel::cli {

// `keel demo` (docs/cli/keel-demo.md): the whole path with real processes. argv[0] is the name to show in help. Gives
// the exit status.
int RunDemo(int argc, char** argv);

}  // namespace keel::cli
