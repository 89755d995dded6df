// SPDX-License-Identifier: Apache-2.0
#include "cmake/test_paths.h"

const char* keel_test_source_dir() { return KEEL_TEST_SOURCE_DIR; }
const char* keel_test_binary_dir() { return KEEL_TEST_BINARY_DIR; }
const char* keel_test_bin_dir() { return KEEL_TEST_BINARY_DIR "/bin"; }
