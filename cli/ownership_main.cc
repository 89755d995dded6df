// SPDX-License-Identifier: Apache-2.0
// `keel ownership` as a program of its own, for tests.
#include "cli/ownership.h"

int main(int argc, char** argv) { return keel::cli::RunOwnership(argc, argv); }
