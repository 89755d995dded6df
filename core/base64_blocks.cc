// SPDX-License-Identifier: Apache-2.0
// After Wojciech Mula's and Daniel Lemire's published methods (ACM TWEB 12(3), 2018): six bits become a character by
// its distance from them, the same for a whole range.
#include "core/base64_blocks.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace keel::internal {

#if defined(__x86_64__)
namespace {

// Where 6-bit values begin that have another distance to their characters, and what separates the alphabets.
struct Last {
  char c62, c63;
};
constexpr Last LastOf(bool url) { return url ? Last{'-', '_'} : Last{'+', '/'}; }

bool HasAvx2() { return __builtin_cpu_supports("avx2") != 0; }

__attribute__((target("avx2"))) __m256i InRange(__m256i c, char first, char last) {
  return _mm256_and_si256(_mm256_cmpgt_epi8(c, _mm256_set1_epi8(static_cast<char>(first - 1))),
                          _mm256_cmpgt_epi8(_mm256_set1_epi8(static_cast<char>(last + 1)), c));
}

__attribute__((target("avx2"))) Base64Blocks Decode32(std::string_view in, ByteSpan out, Last last) {
  const __m256i c62 = _mm256_set1_epi8(last.c62), c63 = _mm256_set1_epi8(last.c63);
  const __m256i by62 = _mm256_set1_epi8(static_cast<char>(62 - last.c62));
  const __m256i by63 = _mm256_set1_epi8(static_cast<char>(63 - last.c63));
  const __m256i upper = _mm256_set1_epi8(-'A'), lower = _mm256_set1_epi8(26 - 'a'), digit = _mm256_set1_epi8(52 - '0');
  const __m256i three = _mm256_setr_epi8(2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1,  //
                                         2, 1, 0, 6, 5, 4, 10, 9, 8, 14, 13, 12, -1, -1, -1, -1);
  Base64Blocks done;
  // 24 octets come of it, and 32 are written.
  while (in.size() - done.in >= 32 && out.size() - done.out >= 32) {
    const __m256i c = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in.data() + done.in));
    // No distance is 0, so that 0 says that a character is none of the alphabet.
    __m256i distance = _mm256_and_si256(InRange(c, 'A', 'Z'), upper);
    distance = _mm256_or_si256(distance, _mm256_and_si256(InRange(c, 'a', 'z'), lower));
    distance = _mm256_or_si256(distance, _mm256_and_si256(InRange(c, '0', '9'), digit));
    distance = _mm256_or_si256(distance, _mm256_and_si256(_mm256_cmpeq_epi8(c, c62), by62));
    distance = _mm256_or_si256(distance, _mm256_and_si256(_mm256_cmpeq_epi8(c, c63), by63));
    if (_mm256_movemask_epi8(_mm256_cmpeq_epi8(distance, _mm256_setzero_si256())) != 0) break;
    const __m256i values = _mm256_add_epi8(c, distance);
    // 4 x 6 bits of each 32 become 24, then the octets move together.
    const __m256i twelve = _mm256_maddubs_epi16(values, _mm256_set1_epi32(0x01400140));
    const __m256i twenty_four = _mm256_madd_epi16(twelve, _mm256_set1_epi32(0x00011000));
    const __m256i octets =
        _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(twenty_four, three), _mm256_setr_epi32(0, 1, 2, 4, 5, 6, 7, 7));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out.data() + done.out), octets);
    done.in += 32;
    done.out += 24;
  }
  return done;
}

__attribute__((target("avx2"))) Base64Blocks Encode24(ByteView in, char* out, Last last) {
  const __m256i spread = _mm256_setr_epi8(1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10,  //
                                          1, 0, 2, 1, 4, 3, 5, 4, 7, 6, 8, 7, 10, 9, 11, 10);
  // Distances by range: 26..51, then the ten digits, 62, 63, and 0..25.
  const char small = 'a' - 26, ten = '0' - 52, at62 = static_cast<char>(last.c62 - 62),
             at63 = static_cast<char>(last.c63 - 63);
  const __m256i distances =
      _mm256_setr_epi8(small, ten, ten, ten, ten, ten, ten, ten, ten, ten, ten, at62, at63, 'A', 0, 0,  //
                       small, ten, ten, ten, ten, ten, ten, ten, ten, ten, ten, at62, at63, 'A', 0, 0);
  Base64Blocks done;
  // 12 octets of each 16 that are read.
  while (in.size() - done.in >= 28) {
    const __m128i low = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in.data() + done.in));
    const __m128i high = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in.data() + done.in + 12));
    const __m256i octets = _mm256_shuffle_epi8(_mm256_set_m128i(high, low), spread);
    const __m256i ac =
        _mm256_mulhi_epu16(_mm256_and_si256(octets, _mm256_set1_epi32(0x0fc0fc00)), _mm256_set1_epi32(0x04000040));
    const __m256i bd =
        _mm256_mullo_epi16(_mm256_and_si256(octets, _mm256_set1_epi32(0x003f03f0)), _mm256_set1_epi32(0x01000010));
    const __m256i values = _mm256_or_si256(ac, bd);
    // 0 for 26..51, 1..12 from 52 on, 13 below 26.
    __m256i range = _mm256_subs_epu8(values, _mm256_set1_epi8(51));
    range =
        _mm256_or_si256(range, _mm256_and_si256(_mm256_cmpgt_epi8(_mm256_set1_epi8(26), values), _mm256_set1_epi8(13)));
    const __m256i text = _mm256_add_epi8(values, _mm256_shuffle_epi8(distances, range));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + done.out), text);
    done.in += 24;
    done.out += 32;
  }
  return done;
}

}  // namespace

Base64Blocks DecodeBase64Blocks(std::string_view in, ByteSpan out, bool url) {
  return HasAvx2() ? Decode32(in, out, LastOf(url)) : Base64Blocks{};
}
Base64Blocks EncodeBase64Blocks(ByteView in, char* out, bool url) {
  return HasAvx2() ? Encode24(in, out, LastOf(url)) : Base64Blocks{};
}

#else

Base64Blocks DecodeBase64Blocks(std::string_view, ByteSpan, bool) { return {}; }
Base64Blocks EncodeBase64Blocks(ByteView, char*, bool) { return {}; }

#endif

}  // namespace keel::internal
