// SPDX-License-Identifier: Apache-2.0
// Included in front of every test (see keel_targets.cmake): where the tree and the built programs are.
#pragma once

/// The checkout's absolute path. Tests use it as KEEL_SOURCE_DIR.
const char* keel_test_source_dir();
/// The build folder's absolute path. Tests use it as KEEL_BINARY_DIR.
const char* keel_test_binary_dir();
/// The folder of the built programs. Tests use it as KEEL_BIN_DIR.
const char* keel_test_bin_dir();
