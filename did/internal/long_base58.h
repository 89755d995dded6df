// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "base/encoding.h"

// base58btc of more octets than core's codec takes (its cost is quadratic): did:peer:4 writes whole documents so.
namespace keel::did::internal {

inline constexpr size_t kMaxLongBase58 = 4096;  // characters; under a millisecond

// kTooLarge: the text would be longer than kMaxLongBase58.
Result<std::string> LongBase58(ByteView octets);
// kTooLarge, kMalformed.
Result<base::ByteVec> FromLongBase58(std::string_view text);

}  // namespace keel::did::internal
