// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <type_traits>

#include "core/bytes.h"
#include "core/result.h"
#include "core/secret.h"
#include "core/time.h"

namespace keel {
namespace {

std::string Format(UnixSeconds time) {
  char out[kRfc3339Length];
  auto n = FormatRfc3339(time, out);
  return n ? std::string(out, *n) : std::string(CodeName(n.error().code));
}

TEST(Time, ParsesAndFormats) {
  const std::pair<const char*, UnixSeconds> cases[] = {{"1970-01-01T00:00:00Z", 0},
                                                       {"2000-02-29T23:59:59Z", 951868799},
                                                       {"2026-11-22T10:41:00Z", 1795344060},
                                                       {"9999-12-31T23:59:59Z", 253402300799}};
  for (const auto& [text, time] : cases) {
    EXPECT_EQ(ParseRfc3339(text), time) << text;
    EXPECT_EQ(Format(time), text);
  }
  EXPECT_EQ(ParseRfc3339("2026-11-22T10:41:00.999999Z"), 1795344060u);
  EXPECT_EQ(ParseRfc3339("2026-11-22T12:41:00+02:00"), 1795344060u);
  EXPECT_EQ(ParseRfc3339("2026-11-22T05:11:00.5-05:30"), 1795344060u);
  for (UnixSeconds time = 0; time < 253402300800; time += 86400ull * 17 + 12345)
    EXPECT_EQ(ParseRfc3339(Format(time)), time);
}

TEST(Time, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "2026", "2026-11-22", "2026-11-22T10:41:00", "2026-11-22 10:41:00Z", "2026-11-22t10:41:00Z",
        "2026-11-22T10:41:00z", "2026-11-22T10:41Z", "2026-11-22T10:41:00.Z", "2026-11-22T10:41:00.5",
        "2026-11-22T10:41:00+0200", "2026-11-22T10:41:00+02", "2026-11-22T10:41:00Zx", "2026-1-22T10:41:00ZZ",
        "+026-11-22T10:41:00Z", "2026-11-22T10:41:00+02:00Z"}) {
    EXPECT_EQ(ParseRfc3339(text).error().code, Code::kMalformed) << text;
  }
  for (const char* text :
       {"2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-04-31T00:00:00Z",
        "2026-04-00T00:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T10:60:00Z", "2026-11-22T10:41:60Z",
        "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "2100-02-29T00:00:00Z",
        "2026-11-22T10:41:00+24:00"}) {
    EXPECT_EQ(ParseRfc3339(text).error().code, Code::kOutOfRange) << text;
  }
  EXPECT_EQ(Format(253402300800), "out_of_range");
  char small[19];
  EXPECT_EQ(FormatRfc3339(0, small).error().code, Code::kBufferTooSmall);
}

TEST(Time, Skew) {
  EXPECT_TRUE(NotBeforeOk(160, 100));
  EXPECT_FALSE(NotBeforeOk(161, 100));
  EXPECT_TRUE(NotAfterOk(100, 159));
  EXPECT_FALSE(NotAfterOk(100, 160));
}

TEST(Bytes, ReaderAndWriterStopAtTheEnd) {
  ByteArray<15> buffer{};
  ByteWriter w(buffer);
  w.U8(1).U16(0x0203).U32(0x04050607).U64(0x08090a0b0c0d0e0f);
  EXPECT_TRUE(w.ok());
  for (size_t i = 0; i < buffer.size(); ++i) EXPECT_EQ(buffer[i], i + 1);
  w.U8(0);
  EXPECT_FALSE(w.ok());
  EXPECT_EQ(w.size(), 15u);
  ByteReader r(buffer);
  EXPECT_EQ(r.U8(), 1);
  EXPECT_EQ(r.U16(), 0x0203);
  EXPECT_EQ(r.U32(), 0x04050607u);
  EXPECT_FALSE(r.done());
  EXPECT_EQ(r.U64(), 0x08090a0b0c0d0e0full);
  EXPECT_TRUE(r.done());
  EXPECT_EQ(r.U8(), 0);
  EXPECT_FALSE(r.ok());
  ByteReader short_reader(ByteView(buffer).first(3));
  EXPECT_EQ(short_reader.Fixed<4>(), (ByteArray<4>{}));
  EXPECT_FALSE(short_reader.ok());
  EXPECT_TRUE(short_reader.Take(1).empty());
}

TEST(Secret, WipesAndCompares) {
  static_assert(!std::is_copy_constructible_v<SecretBytes<32>> && !std::is_copy_assignable_v<SecretBytes<32>>);
  const ByteArray<4> octets = {1, 2, 3, 4};
  auto a = SecretBytes<4>::CopyFrom(octets);
  auto b = a.Clone();
  EXPECT_TRUE(a.SameAs(b));
  SecretBytes<4> c = std::move(a);
  EXPECT_TRUE(
      Equal(a.ExposeSecret(), ByteArray<4>{}));  // NOLINT(bugprone-use-after-move): that it is wiped is the point
  EXPECT_TRUE(c.SameAs(b));
  b = SecretBytes<4>();
  EXPECT_FALSE(c.SameAs(b));
  alignas(SecretBytes<4>) uint8_t place[sizeof(SecretBytes<4>)];
  auto* object = new (place) SecretBytes<4>(c.Clone());
  object->~SecretBytes();
  EXPECT_TRUE(Equal(place, ByteArray<4>{}));
  ByteArray<4> scoped = octets;
  {
    const ScopedWipe wipe(scoped);
  }
  EXPECT_EQ(scoped, (ByteArray<4>{}));
  EXPECT_TRUE(ConstantTimeEqual({}, {}));
  EXPECT_FALSE(ConstantTimeEqual(octets, ByteView(octets).first(3)));
  for (size_t i = 0; i < 4; ++i) {
    ByteArray<4> other = octets;
    other[i] ^= 0x80;
    EXPECT_FALSE(ConstantTimeEqual(octets, other));
  }
}

Result<int> Half(int n) {
  if (n % 2 != 0) return Fail(Code::kOutOfRange, "half", "is odd\nindeed");
  return n / 2;
}
Result<int> Quarter(int n) {
  KEEL_TRY(const int half, Half(n));
  KEEL_TRY(const int quarter, Half(half));
  return quarter;
}

TEST(Result, TryAndText) {
  EXPECT_EQ(Quarter(8), 2);
  auto bad = Quarter(6);
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().Text(), "half: is odd indeed (out_of_range)");
  EXPECT_EQ(Error{}.Text(), "(internal_error)");
}

TEST(Result, EveryCodeHasItsOwnName) {
  std::set<std::string> names;
  int known = 0;
  for (int code = 0; code < 256; ++code) {
    const std::string name = CodeName(static_cast<Code>(code));
    if (name == "unknown") continue;
    ++known;
    EXPECT_TRUE(names.insert(name).second) << name;
  }
  EXPECT_EQ(known, 63);
}

TEST(ResultDeathTest, AssertStops) { EXPECT_DEATH(KEEL_ASSERT(1 + 1 == 3), "assertion failed: 1 \\+ 1 == 3"); }

}  // namespace
}  // namespace keel
