// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <string_view>

#include "core/bytes.h"

// Private to core: the front of a base64 text, many characters at a time, where the processor can (x86-64 with AVX2,
// asked at run time). Elsewhere nothing is done, and the caller does all of it octet by octet.
namespace keel::internal {

struct Base64Blocks {
  size_t in = 0, out = 0;  // how much of each is done: whole groups
};

// `url`: '-' and '_' for '+' and '/'. Stops before a block with a character that isn't of the alphabet, and while there
// is more room than what is decoded. `out` may begin where `in` does.
Base64Blocks DecodeBase64Blocks(std::string_view in, ByteSpan out, bool url);
// `out` has room for all of it, and may lie so that octet 3i of `in` is at or behind character 4i.
Base64Blocks EncodeBase64Blocks(ByteView in, char* out, bool url);

}  // namespace keel::internal
