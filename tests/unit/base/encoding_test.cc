// SPDX-License-Identifier: Apache-2.0
#include "base/encoding.h"

#include <gtest/gtest.h>

namespace keel::base {
namespace {

TEST(Encoding, RoundTrips) {
  for (size_t n = 0; n < 70; ++n) {
    ByteVec bytes(n);
    for (size_t i = 0; i < n; ++i) bytes[i] = static_cast<uint8_t>(i * 37 + n);
    EXPECT_EQ(*FromBase64Url(Base64Url(bytes)), bytes);
    EXPECT_EQ(*FromBase64(Base64(bytes)), bytes);
    EXPECT_EQ(*FromHex(Hex(bytes)), bytes);
    EXPECT_EQ(*FromBase58(*Base58(bytes)), bytes);
    EXPECT_EQ(*FromMultibase(*MultibaseBase58(bytes)), bytes);
  }
}

TEST(Encoding, KnownTexts) {
  EXPECT_EQ(Base64Url(AsBytes("\xfb\xff")), "-_8");
  EXPECT_EQ(Base64(AsBytes("a")), "YQ==");
  EXPECT_EQ(Hex(AsBytes("\xde\xad")), "dead");
  EXPECT_EQ(*FromMultibase("uYQ"), ToBytes("a"));
  EXPECT_EQ(Rfc3339(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(Rfc3339(UINT64_MAX), "9999-12-31T23:59:59Z");
}

TEST(Encoding, RefusesOtherSpellings) {
  EXPECT_FALSE(FromBase64Url("YQ=="));  // padded
  EXPECT_FALSE(FromBase64Url("YR"));    // stray bits
  EXPECT_FALSE(FromBase64Url("Y"));     // impossible length
  EXPECT_FALSE(FromBase64Url("Y+"));    // the other alphabet
  EXPECT_FALSE(FromBase64("YQ"));       // no padding
  EXPECT_FALSE(FromHex("DEAD"));
  EXPECT_FALSE(FromHex("abc"));
  EXPECT_FALSE(FromBase58("0OIl"));
  EXPECT_FALSE(FromMultibase("mYQ"));
  EXPECT_FALSE(FromMultibase(""));
  EXPECT_FALSE(Base58(ByteVec(kMaxBase58Octets + 1)));
}

TEST(Encoding, FixedDemandsItsLength) {
  EXPECT_TRUE(FixedFromBase64Url<2>("YWI"));
  EXPECT_EQ(FixedFromBase64Url<3>("YWI").error().code, Code::kMalformed);
}

TEST(Encoding, NoKeyHasNoMultikey) { EXPECT_EQ(Multikey(crypto::PublicKey()), ""); }

}  // namespace
}  // namespace keel::base
