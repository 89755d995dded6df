// SPDX-License-Identifier: Apache-2.0
#include "cli/text.h"

#include <gtest/gtest.h>

namespace keel::cli {
namespace {

TEST(Printable, KeepsTextAndReplacesWhatMovesATerminal) {
  constexpr std::string_view kGone = "\xEF\xBF\xBD";
  EXPECT_EQ(Printable("did:example:alice#k \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x90\xA2"),
            "did:example:alice#k \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x90\xA2");
  for (const std::string_view bad : {"\x1b", "\n", "\r", "\t", "\x7f", "\xC2\x9B", "\xE2\x80\xAE", "\xE2\x80\x8B",
                                     "\xE2\x81\xA6", "\xEF\xBB\xBF", "\xF3\xA0\x80\x81"}) {
    EXPECT_EQ(Printable(bad), kGone) << static_cast<int>(static_cast<uint8_t>(bad[0]));
  }
  // What is no UTF-8, octet by octet: cut, overlong, surrogates, past the end of Unicode.
  EXPECT_EQ(Printable("\xE2\x82"), std::string(kGone) + std::string(kGone));
  for (const std::string_view bad : {"\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF"})
    EXPECT_TRUE(Printable(bad).starts_with(kGone));
}

TEST(Printable, CutsLongText) {
  EXPECT_EQ(Printable("abcdef", 3), "abc\xE2\x80\xA6");
  EXPECT_EQ(Printable("abc", 3), "abc");
  EXPECT_LE(Printable(std::string(1 << 20, 'x')).size(), 520u);
}

TEST(Thousands, Groups) {
  EXPECT_EQ(Thousands(0), "0");
  EXPECT_EQ(Thousands(999), "999");
  EXPECT_EQ(Thousands(1000), "1,000");
  EXPECT_EQ(Thousands(123456), "123,456");
  EXPECT_EQ(Thousands(1234567), "1,234,567");
}

}  // namespace
}  // namespace keel::cli
