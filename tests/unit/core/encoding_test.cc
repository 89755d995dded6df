// SPDX-License-Identifier: Apache-2.0
#include "core/encoding.h"

#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <string>
#include <vector>

namespace keel {
namespace {

using Bytes = std::vector<uint8_t>;
using Decoder = Result<size_t> (*)(std::string_view, ByteSpan);
using Encoder = Result<size_t> (*)(ByteView, std::span<char>);

Code CodeOf(const Result<size_t>& result) { return result ? Code::kOk : result.error().code; }

Code Decode(Decoder decode, std::string_view text, Bytes* out = nullptr) {
  Bytes buffer(1024);
  auto n = decode(text, buffer);
  if (n && out != nullptr) out->assign(buffer.begin(), buffer.begin() + static_cast<long>(*n));
  return CodeOf(n);
}

std::string Encode(Encoder encode, ByteView in) {
  std::string text(2048, '\0');
  auto n = encode(in, text);
  EXPECT_TRUE(n);
  text.resize(n ? *n : 0);
  return text;
}

Bytes Of(std::string_view text) { return Bytes(text.begin(), text.end()); }

TEST(Base64Url, Rfc4648Vectors) {
  const std::pair<const char*, const char*> cases[] = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},         {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, text] : cases) {
    EXPECT_EQ(Encode(Base64UrlEncode, Of(plain)), text);
    Bytes out;
    EXPECT_EQ(Decode(Base64UrlDecode, text, &out), Code::kOk);
    EXPECT_EQ(out, Of(plain));
  }
  const Bytes high = {0xfb, 0xff};
  EXPECT_EQ(Encode(Base64UrlEncode, high), "-_8");
  EXPECT_EQ(Encode(Base64Encode, high), "+/8=");
}

TEST(Base64Url, RefusesSecondSpellings) {
  for (const char* text : {"Zg==", "Zm8=", "Zh", "Zm9"})
    EXPECT_EQ(Decode(Base64UrlDecode, text), Code::kNotCanonical) << text;
  for (const char* text : {"Z", "Zm9vY", "Zm+v", "Zm/v", "Zm 9", "Zm9v\n", "Zm\xc3\xa9"}) {
    EXPECT_EQ(Decode(Base64UrlDecode, text), Code::kMalformed) << text;
  }
}

TEST(Base64, PaddingIsRequiredAndMinimal) {
  Bytes out;
  EXPECT_EQ(Decode(Base64Decode, "Zg==", &out), Code::kOk);
  EXPECT_EQ(out, Of("f"));
  EXPECT_EQ(Decode(Base64Decode, "Zm9v"), Code::kOk);
  EXPECT_EQ(Decode(Base64Decode, ""), Code::kOk);
  for (const char* text :
       {"Zg", "Zg=", "Zg===", "====", "Z===", "Zh==", "Zm9=", "Zg==Zg==", "Zm9v====", "-_8=", "Z=g="}) {
    EXPECT_NE(Decode(Base64Decode, text), Code::kOk) << text;
  }
}

TEST(Hex, LowerCaseOnly) {
  const Bytes octets = {0x00, 0x9f, 0xff};
  EXPECT_EQ(Encode(HexEncode, octets), "009fff");
  Bytes out;
  EXPECT_EQ(Decode(HexDecode, "009fff", &out), Code::kOk);
  EXPECT_EQ(out, octets);
  EXPECT_EQ(Decode(HexDecode, "009FFF"), Code::kNotCanonical);
  EXPECT_EQ(Decode(HexDecode, "0"), Code::kMalformed);
  EXPECT_EQ(Decode(HexDecode, "0g"), Code::kMalformed);
  EXPECT_EQ(Decode(HexDecode, "0x00"), Code::kMalformed);
}

TEST(Base58, KnownValues) {
  // draft-msporny-base58-03, section 5
  EXPECT_EQ(Encode(Base58Encode, Of("Hello World!")), "2NEpo7TZRRrLZSi2U");
  EXPECT_EQ(Encode(Base58Encode, Of("The quick brown fox jumps over the lazy dog.")),
            "USm3fpXnKG5EUBx2ndxBDMPVciP5hGey2Jh4NDv6gmeo1LkMeiKrLJUUBk6Z");
  const Bytes zeros = {0, 0, 0x28, 0x7f, 0xb4, 0xcd};
  EXPECT_EQ(Encode(Base58Encode, zeros), "11233QC4");
  Bytes out;
  EXPECT_EQ(Decode(Base58Decode, "11233QC4", &out), Code::kOk);
  EXPECT_EQ(out, zeros);
  EXPECT_EQ(Decode(Base58Decode, "", &out), Code::kOk);
  EXPECT_TRUE(out.empty());
}

// By the definition, digit by digit; the code works on pairs.
TEST(Base58, AgreesWithTheDefinitionForEveryLength) {
  constexpr char kAlphabet[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
  uint32_t state = 1;
  for (size_t length = 0; length <= kMaxBase58Octets; ++length) {
    Bytes octets(length);
    for (uint8_t& octet : octets) octet = static_cast<uint8_t>((state = state * 1664525 + 1013904223) >> 24);
    for (size_t i = 0; i < length / 7 % 4 && i < length; ++i) octets[i] = 0;
    Bytes digits;
    for (const uint8_t octet : octets) {
      unsigned carry = octet;
      for (uint8_t& digit : digits) {
        carry += static_cast<unsigned>(digit) << 8;
        digit = static_cast<uint8_t>(carry % 58);
        carry /= 58;
      }
      for (; carry != 0; carry /= 58) digits.push_back(static_cast<uint8_t>(carry % 58));
    }
    std::string wanted;
    for (size_t i = 0; i < length && octets[i] == 0; ++i) wanted += '1';
    for (size_t i = digits.size(); i-- > 0;) wanted += kAlphabet[digits[i]];
    const std::string text = Encode(Base58Encode, octets);
    ASSERT_EQ(text, wanted) << length;
    Bytes back;
    ASSERT_EQ(Decode(Base58Decode, text, &back), Code::kOk) << length;
    ASSERT_EQ(back, octets) << length;
  }
}

TEST(Base58, RefusesForeignCharactersAndSize) {
  for (const char* text : {"0", "O", "I", "l", "1+1", " 2", "2NEpo7TZRRrLZSi2U ", "\xff"}) {
    EXPECT_EQ(Decode(Base58Decode, text), Code::kMalformed) << text;
  }
  EXPECT_EQ(Decode(Base58Decode, std::string(100000, 'z')), Code::kTooLarge);
  EXPECT_EQ(Decode(Base58Decode, std::string(350, 'z')), Code::kTooLarge);
  EXPECT_EQ(Decode(Base58Decode, std::string(257, '1')), Code::kTooLarge);
  EXPECT_EQ(Decode(Base58Decode, std::string(256, '1')), Code::kOk);
  const Bytes large(kMaxBase58Octets + 1);
  std::string text(2000, ' ');
  EXPECT_EQ(CodeOf(Base58Encode(large, text)), Code::kTooLarge);
  const Bytes full(kMaxBase58Octets, 0xff);
  Bytes out;
  EXPECT_EQ(Decode(Base58Decode, Encode(Base58Encode, full), &out), Code::kOk);
  EXPECT_EQ(out, full);
}

TEST(Encodings, RoundTripAndExactRoom) {
  std::mt19937 random(1);
  const std::pair<Encoder, Decoder> codecs[] = {{Base64UrlEncode, Base64UrlDecode},
                                                {Base64Encode, Base64Decode},
                                                {HexEncode, HexDecode},
                                                {Base58Encode, Base58Decode},
                                                {MultibaseEncodeBase58, MultibaseDecode}};
  for (size_t length = 0; length <= 100; ++length) {
    Bytes octets(length);
    for (auto& octet : octets) octet = static_cast<uint8_t>(random());
    if (length % 3 == 0 && length > 2) octets[0] = octets[1] = 0;
    for (const auto& [encode, decode] : codecs) {
      const std::string text = Encode(encode, octets);
      std::string exact(text.size(), ' ');
      EXPECT_EQ(CodeOf(encode(octets, exact)), Code::kOk);
      EXPECT_EQ(exact, text);
      if (!text.empty()) {
        EXPECT_EQ(CodeOf(encode(octets, std::span(exact).first(text.size() - 1))), Code::kBufferTooSmall);
      }
      Bytes back(length);
      auto n = decode(text, back);
      ASSERT_TRUE(n) << text;
      EXPECT_EQ(*n, length);
      EXPECT_EQ(back, octets);
      if (length > 0) {
        EXPECT_EQ(CodeOf(decode(text, ByteSpan(back).first(length - 1))), Code::kBufferTooSmall);
      }
    }
  }
}

// What goes by blocks against one bit after the other, at every length, and with every octet in every place.
TEST(Base64, BlocksSayWhatBitsSay) {
  std::mt19937 random(3);
  const std::string letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
  const auto check = [&](Encoder encode, Decoder decode, const std::string& alphabet, bool pads) {
    for (size_t length = 0; length <= 200; ++length) {
      Bytes octets(length);
      for (auto& octet : octets) octet = static_cast<uint8_t>(random());
      std::string expected;
      for (size_t bit = 0; bit < length * 8; bit += 6) {
        unsigned value = 0;
        for (size_t i = bit; i < bit + 6; ++i)
          value = value << 1 | (i < length * 8 ? octets[i / 8] >> (7 - i % 8) & 1u : 0u);
        expected += alphabet[value];
      }
      while (pads && expected.size() % 4 != 0) expected += '=';
      ASSERT_EQ(Encode(encode, octets), expected);
      Bytes out;
      ASSERT_EQ(Decode(decode, expected, &out), Code::kOk);
      ASSERT_EQ(out, octets);
      // In place, both ways: decoded over its own front, encoded from its own end.
      std::string place = expected;
      const auto n = decode(place, ByteSpan(reinterpret_cast<uint8_t*>(place.data()), place.size()));
      ASSERT_TRUE(n);
      ASSERT_TRUE(Equal(AsBytes(std::string_view(place).substr(0, *n)), octets));
      std::copy(octets.begin(), octets.end(), place.end() - static_cast<std::ptrdiff_t>(length));
      ASSERT_TRUE(encode(AsBytes(std::string_view(place).substr(place.size() - length)), place));
      ASSERT_EQ(place, expected);
    }
    const std::string good = Encode(encode, Bytes(96, 0x5a));
    for (size_t at = 0; at < good.size(); ++at) {
      for (int octet = 0; octet < 256; ++octet) {
        std::string bent = good;
        bent[at] = static_cast<char>(octet);
        const bool fine = alphabet.find(bent[at]) != std::string::npos;
        const Code code = Decode(decode, bent);
        // The last character may hold padding instead, or bits that belong to nothing.
        if (at + 1 != good.size()) {
          EXPECT_EQ(code == Code::kOk, fine) << at << " " << octet;
        }
        if (!fine && octet != '=') {
          EXPECT_EQ(code, Code::kMalformed) << at << " " << octet;
        }
      }
    }
  };
  check(Base64UrlEncode, Base64UrlDecode, letters + "-_", false);
  check(Base64Encode, Base64Decode, letters + "+/", true);
}

// assurance I6: whatever a decoder takes, the encoder gives back octet for octet.
TEST(Encodings, DecodeThenEncodeIsTheIdentity) {
  std::mt19937 random(2);
  const std::string alphabet = "ABCabcXYZxyz0129+/-_=. zu";
  const std::pair<Encoder, Decoder> codecs[] = {{Base64UrlEncode, Base64UrlDecode},
                                                {Base64Encode, Base64Decode},
                                                {HexEncode, HexDecode},
                                                {Base58Encode, Base58Decode}};
  size_t accepted = 0;
  for (int i = 0; i < 200000; ++i) {
    std::string text(random() % 9, ' ');
    for (char& c : text) c = alphabet[random() % alphabet.size()];
    for (const auto& [encode, decode] : codecs) {
      Bytes out;
      if (Decode(decode, text, &out) != Code::kOk) continue;
      ++accepted;
      EXPECT_EQ(Encode(encode, out), text);
    }
  }
  EXPECT_GT(accepted, 1000u);
}

TEST(Multibase, PublishedVectors) {
  for (const char* name : {"basic", "leading_zero", "two_leading_zeros"}) {
    std::ifstream file(std::string(KEEL_SOURCE_DIR) + "/tests/vectors/multiformats/" + name + ".csv");
    ASSERT_TRUE(file);
    std::string line, plain;
    int taken = 0, refused = 0;
    while (std::getline(file, line)) {
      const size_t comma = line.find(',');
      if (comma == std::string::npos) continue;
      const std::string key = line.substr(0, comma);
      const std::string value = line.substr(line.find('"') + 1, line.rfind('"') - line.find('"') - 1);
      if (key == "encoding") {
        plain.clear();
        for (size_t i = 0; i < value.size(); ++i) {
          if (value.compare(i, 4, "\\x00") == 0) {
            plain += '\0';
            i += 3;
          } else {
            plain += value[i];
          }
        }
        continue;
      }
      Bytes out;
      const Code code = Decode(MultibaseDecode, value, &out);
      if (key == "base58btc" || key == "base64url") {
        EXPECT_EQ(code, Code::kOk) << line;
        EXPECT_EQ(out, Of(plain)) << line;
        ++taken;
      } else {
        EXPECT_EQ(code, Code::kUnsupported) << line;
        ++refused;
      }
    }
    EXPECT_EQ(taken, 2);
    EXPECT_GE(refused, 15);
  }
  EXPECT_EQ(Decode(MultibaseDecode, ""), Code::kMalformed);
  EXPECT_EQ(Decode(MultibaseDecode, "uZg=="), Code::kNotCanonical);
  EXPECT_EQ(Decode(MultibaseDecode, "z0"), Code::kMalformed);
}

TEST(Varint, MinimalForm) {
  const std::pair<uint64_t, Bytes> cases[] = {
      {0, {0}},
      {1, {1}},
      {127, {0x7f}},
      {128, {0x80, 1}},
      {0xed, {0xed, 1}},
      {0x1200, {0x80, 0x24}},
      {16384, {0x80, 0x80, 1}},
      {(uint64_t{1} << 63) - 1, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}}};
  for (const auto& [value, octets] : cases) {
    Bytes out(9);
    auto n = VarintEncode(value, out);
    ASSERT_TRUE(n);
    out.resize(*n);
    EXPECT_EQ(out, octets);
    if (*n > 0) {
      EXPECT_FALSE(VarintEncode(value, ByteSpan(out).first(*n - 1)));
    }
    auto back = VarintDecode(octets);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->value, value);
    EXPECT_EQ(back->length, octets.size());
  }
  Bytes room(10);
  EXPECT_EQ(VarintEncode(uint64_t{1} << 63, room).error().code, Code::kOutOfRange);
  EXPECT_EQ(VarintDecode(Bytes{}).error().code, Code::kMalformed);
  EXPECT_EQ(VarintDecode(Bytes{0x80}).error().code, Code::kMalformed);
  EXPECT_EQ(VarintDecode(Bytes{0x80, 0x00}).error().code, Code::kNotCanonical);
  EXPECT_EQ(VarintDecode(Bytes{0xed, 0x81, 0x00}).error().code, Code::kNotCanonical);
  EXPECT_EQ(VarintDecode(Bytes(10, 0xff)).error().code, Code::kTooLarge);
}

TEST(Utf8, WellFormedOnly) {
  for (const char* good : {"", "abc", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf", "\xef\xbb\xbfx"}) {
    EXPECT_TRUE(IsUtf8(AsBytes(good))) << good;
  }
  for (const char* bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xc2", "\xc2\x41", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xed\xbf\xbf", "\xe2\x82",
        "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xf0\x90\x80", "a\xffz"}) {
    EXPECT_FALSE(IsUtf8(AsBytes(bad)));
  }
}

}  // namespace
}  // namespace keel
