// SPDX-License-Identifier: Apache-2.0
#include "vc/cbor/cbor.h"

#include <gtest/gtest.h>

#include <limits>

namespace keel::vc {
namespace {

std::string Hex(const base::ByteVec& bytes) { return base::Hex(bytes); }
base::ByteVec Octets(std::string_view hex) { return base::FromHex(hex).value(); }

// RFC 8949, appendix A: those rows that the deterministic encoding without floats has.
TEST(Cbor, WritesTheExamplesOfTheRfc) {
  EXPECT_EQ(Hex(CborUint(0)), "00");
  EXPECT_EQ(Hex(CborUint(10)), "0a");
  EXPECT_EQ(Hex(CborUint(23)), "17");
  EXPECT_EQ(Hex(CborUint(24)), "1818");
  EXPECT_EQ(Hex(CborUint(255)), "18ff");
  EXPECT_EQ(Hex(CborUint(256)), "190100");
  EXPECT_EQ(Hex(CborUint(1000)), "1903e8");
  EXPECT_EQ(Hex(CborUint(65535)), "19ffff");
  EXPECT_EQ(Hex(CborUint(65536)), "1a00010000");
  EXPECT_EQ(Hex(CborUint(1000000)), "1a000f4240");
  EXPECT_EQ(Hex(CborUint(4294967295)), "1affffffff");
  EXPECT_EQ(Hex(CborUint(4294967296)), "1b0000000100000000");
  EXPECT_EQ(Hex(CborUint(1000000000000)), "1b000000e8d4a51000");
  EXPECT_EQ(Hex(CborUint(18446744073709551615u)), "1bffffffffffffffff");
  EXPECT_EQ(Hex(CborInt(-1)), "20");
  EXPECT_EQ(Hex(CborInt(-10)), "29");
  EXPECT_EQ(Hex(CborInt(-100)), "3863");
  EXPECT_EQ(Hex(CborInt(-1000)), "3903e7");
  EXPECT_EQ(Hex(CborInt(std::numeric_limits<int64_t>::min())), "3b7fffffffffffffff");
  EXPECT_EQ(Hex(CborBytes({})), "40");
  EXPECT_EQ(Hex(CborBytes(Octets("01020304"))), "4401020304");
  EXPECT_EQ(Hex(CborText("")), "60");
  EXPECT_EQ(Hex(CborText("IETF")), "6449455446");
  EXPECT_EQ(Hex(CborText("\xc3\xbc")), "62c3bc");
  EXPECT_EQ(Hex(CborWriter().Array(3).Uint(1).Uint(2).Uint(3).Take()), "83010203");
  EXPECT_EQ(Hex(CborWriter().Array(0).Take()), "80");
  EXPECT_EQ(Hex(CborWriter().Tag(1).Uint(1363896240).Take()), "c11a514b67b0");
  EXPECT_EQ(Hex(CborWriter().Null().Take()), "f6");
  CborWriter map;
  ASSERT_TRUE(map.SortedMap({{CborText("b"), Octets("820203")}, {CborText("a"), CborUint(1)}}));
  EXPECT_EQ(Hex(map.bytes()), "a26161016162820203");
}

// RFC 8949, section 4.2.1: the example of the bytewise order.
TEST(Cbor, SortsKeysByTheirOctets) {
  CborWriter map;
  const base::ByteVec v = CborUint(0);
  ASSERT_TRUE(map.SortedMap({{CborText("aa"), v},
                             {CborInt(-1), v},
                             {CborUint(100), v},
                             {CborWriter().Array(1).Uint(100).Take(), v},
                             {CborText("z"), v},
                             {CborUint(10), v},
                             {CborWriter().Array(1).Int(-1).Take(), v}}));
  EXPECT_EQ(Hex(map.bytes()), "a70a001864002000617a006261610081186400812000");
  EXPECT_EQ(CborWriter().SortedMap({{CborUint(1), v}, {CborUint(1), v}}).error().code, Code::kDuplicate);
}

TEST(Cbor, ReadsBackWhatItWrote) {
  const base::ByteVec written =
      CborWriter().Tag(18).Array(5).Uint(7).Int(-7).Bytes(Octets("beef")).Text("keel").Null().Take();
  CborReader reader(written);
  ASSERT_TRUE(reader.ExpectTag(18));
  EXPECT_EQ(reader.Array(5).value(), 5u);
  EXPECT_EQ(reader.Uint().value(), 7u);
  EXPECT_EQ(reader.Int().value(), -7);
  EXPECT_EQ(base::Hex(reader.Bytes().value()), "beef");
  EXPECT_EQ(reader.Text().value(), "keel");
  EXPECT_FALSE(reader.End());
  ASSERT_TRUE(reader.Null());
  EXPECT_TRUE(reader.End());
}

TEST(Cbor, GivesAWholeItemAsWritten) {
  const base::ByteVec written = Octets("a201820203613161620a");  // {1: [2, 3], "1": "b"} 10
  CborReader reader(written);
  EXPECT_EQ(base::Hex(reader.Item().value()), "a20182020361316162");
  EXPECT_EQ(reader.Uint().value(), 10u);
  EXPECT_EQ(reader.Item().error().code, Code::kMalformed);
}

TEST(Cbor, RefusesOtherSpellings) {
  const auto uint_of = [](std::string_view hex) {
    const base::ByteVec octets = Octets(hex);
    return CborReader(octets).Uint();
  };
  for (const char* hex : {"1800", "1817", "190000", "1900ff", "1a0000ffff", "1b00000000ffffffff"})
    EXPECT_EQ(uint_of(hex).error().code, Code::kNotCanonical) << hex;
  for (const char* hex : {"1c", "1f"}) EXPECT_EQ(uint_of(hex).error().code, Code::kUnsupported) << hex;
  for (const char* hex : {"", "18", "19ff", "1a000000", "20", "40", "f6"})
    EXPECT_EQ(uint_of(hex).error().code, Code::kMalformed) << hex;
  const base::ByteVec indefinite = Octets("5f42010243030405ff");
  EXPECT_EQ(CborReader(indefinite).Bytes().error().code, Code::kUnsupported);
  const base::ByteVec half = Octets("f93c00");
  EXPECT_EQ(CborReader(half).Item().error().code, Code::kUnsupported);
}

TEST(Cbor, ChecksLengthsBeforeItBelievesThem) {
  for (const char* hex : {"5bffffffffffffffff00", "4401", "7803616263ff"}) {
    const base::ByteVec octets = Octets(hex);
    EXPECT_FALSE(CborReader(octets).Item()) << hex;
  }
  const base::ByteVec many = Octets("9affffffff00");
  EXPECT_EQ(CborReader(many).Array(10).error().code, Code::kMalformed);
  const base::ByteVec four = Octets("8400010203");
  EXPECT_EQ(CborReader(four).Array(3).error().code, Code::kTooLarge);
  const base::ByteVec pairs = Octets("a200000101");
  EXPECT_EQ(CborReader(pairs).Map(1).error().code, Code::kTooLarge);
  EXPECT_EQ(CborReader(pairs).Map(2).value(), 2u);
}

TEST(Cbor, RefusesTextThatIsNoUtf8AndForeignTags) {
  const base::ByteVec bad = Octets("62c328");
  EXPECT_EQ(CborReader(bad).Text().error().code, Code::kMalformed);
  const base::ByteVec tagged = Octets("d100");
  EXPECT_EQ(CborReader(tagged).ExpectTag(18).error().code, Code::kMalformed);
}

TEST(Cbor, FindsAKeyThatAppearsTwice) {
  CborKeys keys;
  EXPECT_TRUE(keys.Add(CborUint(1)));
  EXPECT_TRUE(keys.Add(CborText("1")));
  EXPECT_TRUE(keys.Add(CborInt(-1)));
  EXPECT_EQ(keys.Add(CborUint(1)).error().code, Code::kDuplicate);
}

}  // namespace
}  // namespace keel::vc
