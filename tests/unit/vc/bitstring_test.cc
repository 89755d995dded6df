// SPDX-License-Identifier: Apache-2.0
#include "vc/status_list/bitstring.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/files.h"
#include "base/json_strict.h"

namespace keel::vc {
namespace {

std::string Gzip(const std::vector<uint8_t>& octets) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, 16 + MAX_WBITS, 9, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, octets.size()), '\0');
  stream.next_in = const_cast<Bytef*>(octets.data());
  stream.avail_in = static_cast<uInt>(octets.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(out.size() - stream.avail_out);
  deflateEnd(&stream);
  return out;
}
std::string Encoded(const std::string& gzip) { return "u" + base::Base64Url(AsBytes(gzip)); }

TEST(BitstringTest, SpecificationsExample) {
  const nlohmann::json vector =
      *base::ParseJson(*base::ReadFile(std::string(KEEL_SOURCE_DIR) + "/tests/vectors/status-list/example.json"));
  auto list = Bitstring::Decode(vector.at("encodedList").get<std::string>());
  ASSERT_TRUE(list.has_value()) << list.error().Text();
  EXPECT_EQ(list->bits(), vector.at("bits").get<uint64_t>());
  EXPECT_EQ(list->Count(), 0u);
}

TEST(BitstringTest, SetsAndRoundTrips) {
  Bitstring list = *Bitstring::Create();
  for (const uint64_t index : {uint64_t{0}, uint64_t{9}, uint64_t{131071}})
    ASSERT_TRUE(list.Set(index, true).has_value());
  ASSERT_TRUE(list.Set(9, false).has_value());
  auto again = Bitstring::Decode(*list.Encode());
  ASSERT_TRUE(again.has_value()) << again.error().Text();
  EXPECT_TRUE(*again->Get(0));
  EXPECT_FALSE(*again->Get(9));
  EXPECT_TRUE(*again->Get(131071));
  EXPECT_EQ(again->Count(), 2u);
  EXPECT_EQ(*list.Encode(), *again->Encode());
  EXPECT_FALSE(again->Get(131072).has_value());
  EXPECT_FALSE(list.Set(131072, true).has_value());
  // Index 0 is the most significant bit.
  EXPECT_EQ(*again->GetValue(0, 8), 0x80u);
  EXPECT_FALSE(again->GetValue(16384, 8).has_value());
  EXPECT_FALSE(again->GetValue(0, 0).has_value());
}

TEST(BitstringTest, Sizes) {
  EXPECT_FALSE(Bitstring::Create(kMinStatusBits - 1).has_value());
  EXPECT_FALSE(Bitstring::Create(kMaxStatusOctets * 8 + 1).has_value());
  EXPECT_TRUE(Bitstring::Create(1'000'000).has_value());
  EXPECT_EQ(Bitstring::Decode(Encoded(Gzip(std::vector<uint8_t>(16'383)))).error().code, Code::kOutOfRange);
  EXPECT_TRUE(Bitstring::Decode(Encoded(Gzip(std::vector<uint8_t>(16'384)))).has_value());
}

TEST(BitstringTest, ABombIsRefusedAtTheCap) {
  const std::string bomb = Encoded(Gzip(std::vector<uint8_t>(64 << 20)));
  EXPECT_LT(bomb.size(), 100'000u);
  EXPECT_EQ(Bitstring::Decode(bomb).error().code, Code::kTooLarge);
}

TEST(BitstringTest, RefusesDamage) {
  const std::string good = Gzip(std::vector<uint8_t>(16'384));
  EXPECT_FALSE(Bitstring::Decode("").has_value());
  EXPECT_FALSE(Bitstring::Decode("u").has_value());
  EXPECT_FALSE(Bitstring::Decode(base::Base64Url(AsBytes(good))).has_value());  // no multibase
  EXPECT_FALSE(Bitstring::Decode("z" + base::Base64Url(AsBytes(good))).has_value());
  EXPECT_FALSE(Bitstring::Decode(Encoded(good) + "=").has_value());
  EXPECT_FALSE(Bitstring::Decode(Encoded(good.substr(0, good.size() - 1))).has_value());  // truncated
  EXPECT_FALSE(Bitstring::Decode(Encoded(good.substr(0, 20))).has_value());
  EXPECT_FALSE(Bitstring::Decode(Encoded(good + good)).has_value());  // concatenated members
  EXPECT_FALSE(Bitstring::Decode(Encoded(good + "x")).has_value());
  std::string checksum = good;
  checksum[checksum.size() - 8] ^= 1;
  EXPECT_FALSE(Bitstring::Decode(Encoded(checksum)).has_value());
  EXPECT_FALSE(Bitstring::Decode(Encoded(std::string(20'000, 'x'))).has_value());  // no gzip at all
}

}  // namespace
}  // namespace keel::vc
