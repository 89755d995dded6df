// SPDX-License-Identifier: Apache-2.0
#include "crypto/hosted/sha384.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace keel::crypto {
namespace {

std::string HexOf(ByteView bytes) {
  std::string text;
  for (const uint8_t byte : bytes) {
    char pair[3];
    std::snprintf(pair, sizeof pair, "%02x", byte);
    text += pair;
  }
  return text;
}

// NIST's examples (FIPS 180-4, SHA_All.pdf), and that of no octets.
TEST(Sha384, Examples) {
  EXPECT_EQ(HexOf(Sha384(AsBytes("abc"))),
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed8086072ba1e7cc2358baeca134c825a7");
  EXPECT_EQ(HexOf(Sha384({})),
            "38b060a751ac96384cd9327eb1b1e36a21fdb71114be07434c0cc7bf63f6e1da274edebfe76f65fbd51ad2f14898b95b");
}

}  // namespace
}  // namespace keel::crypto
