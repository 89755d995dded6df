// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace keel::cli {

// `keel telemetry key|read` (docs/cli/keel-telemetry.md): an application that reads an owner's devices' data. Gives the
// exit status.
int RunTelemetry(int argc, char** argv);

}  // namespace keel::cli
