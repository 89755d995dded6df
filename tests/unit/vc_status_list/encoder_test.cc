// SPDX-License-Identifier: Apache-2.0
#include "vc/status_list/encoder.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <random>

#include "base/encoding.h"

namespace keel::vc {
namespace {

TEST(StatusListEncoder, AChangeGivesWhatAWholeEncodingGives) {
  std::mt19937_64 numbers(1);  // fixed: the test is the same each time
  StatusListEncoder encoder(*Bitstring::Create(3'000'000));
  Bitstring plain = *Bitstring::Create(3'000'000);
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 50; ++i) {
      const uint64_t index = numbers() % plain.bits();
      const bool value = numbers() % 3 != 0;
      ASSERT_TRUE(encoder.Set(index, value));
      ASSERT_TRUE(plain.Set(index, value));
    }
    const auto encoded = encoder.Encode();
    ASSERT_TRUE(encoded.has_value()) << encoded.error().Text();
    ASSERT_EQ(*encoded, *plain.Encode());
    const auto decoded = Bitstring::Decode(*encoded);
    ASSERT_TRUE(decoded.has_value()) << decoded.error().Text();
    ASSERT_TRUE(Equal(decoded->octets(), plain.octets()));
  }
}

// Values that lie across the end of a block of 32 KiB.
TEST(StatusListEncoder, ValuesAcrossBlocks) {
  StatusListEncoder encoder(*Bitstring::Create(16 * kMinStatusBits));
  ASSERT_TRUE(encoder.Encode());
  const uint64_t index = (32 << 10) * 8 / 3;  // three bits: the last in block 0, two in block 1
  ASSERT_TRUE(encoder.SetValue(index, 3, 7));
  const auto decoded = Bitstring::Decode(*encoder.Encode());
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(*decoded->GetValue(index, 3), 7u);
  EXPECT_EQ(decoded->Count(), 3u);
}

TEST(StatusListEncoder, RefusesWhatIsNotThere) {
  StatusListEncoder encoder(*Bitstring::Create());
  EXPECT_EQ(encoder.Set(kMinStatusBits, true).error().code, Code::kOutOfRange);
  EXPECT_EQ(encoder.SetValue(UINT64_MAX, 2, 1).error().code, Code::kOutOfRange);
  EXPECT_EQ(encoder.SetValue(0, 2, 4).error().code, Code::kOutOfRange);
  EXPECT_EQ(encoder.SetValue(0, 0, 0).error().code, Code::kOutOfRange);
  EXPECT_EQ(encoder.list().Count(), 0u);
}

// As any reader of gzip sees it: one member, its check sum and length right.
TEST(StatusListEncoder, IsOneOrdinaryGzipMember) {
  StatusListEncoder encoder(*Bitstring::Create(1'000'000));
  ASSERT_TRUE(encoder.Set(999'999, true));
  const auto octets = base::FromBase64Url(encoder.Encode()->substr(1));
  ASSERT_TRUE(octets.has_value());
  z_stream stream{};
  ASSERT_EQ(inflateInit2(&stream, 16 + MAX_WBITS), Z_OK);
  std::vector<uint8_t> out(200'000);
  stream.next_in = const_cast<Bytef*>(octets->data());
  stream.avail_in = static_cast<uInt>(octets->size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(stream.avail_in, 0u);
  EXPECT_EQ(stream.total_out, 125'000u);
  EXPECT_EQ(out[124'999], 1);
  inflateEnd(&stream);
}

TEST(StatusListEncoder, TenMillionEntries) {
  std::mt19937_64 numbers(2);
  StatusListEncoder encoder(*Bitstring::Create(10'000'000));
  for (int i = 0; i < 100'000; ++i) ASSERT_TRUE(encoder.Set(numbers() % 10'000'000, true));
  const auto before = encoder.Encode();
  ASSERT_TRUE(encoder.Set(5'000'000, true));
  const auto after = encoder.Encode();
  const auto decoded = Bitstring::Decode(*after);
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->bits(), 10'000'000u);
  EXPECT_EQ(decoded->Count(), encoder.list().Count());
  EXPECT_TRUE(*decoded->Get(5'000'000));
}

}  // namespace
}  // namespace keel::vc
