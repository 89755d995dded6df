// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace keel::cli {

// `keel ownership init|request|transfer|import|list|anchor|cancel` (docs/cli/keel-ownership.md). argv[0] is the name to
// show in help ("keel ownership"). Gives the exit status.
int RunOwnership(int argc, char** argv);

}  // namespace keel::cli
