// SPDX-License-Identifier: Apache-2.0
#include "base/internal/json_plain.h"

#include <bit>
#include <cstdint>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace keel::base::internal {
namespace {

// Sixteen octets at a time, in whatever the processor has for that.
using Octets16 = uint8_t __attribute__((vector_size(16)));
using Halves = uint64_t __attribute__((vector_size(16)));

bool HasSpecial(const Octets16& octets) {
  const auto halves =
      reinterpret_cast<Halves>(reinterpret_cast<Octets16>((octets == '"') | (octets == '\\') | (octets < 0x20)));
  return (halves[0] | halves[1]) != 0;
}

size_t SkipBy16(std::string_view text, size_t at) {
  Octets16 sixteen;
  while (text.size() - at >= sizeof sixteen) {
    std::memcpy(&sixteen, text.data() + at, sizeof sixteen);
    if (HasSpecial(sixteen)) break;
    at += sizeof sixteen;
  }
  while (at < text.size() && static_cast<uint8_t>(text[at]) >= 0x20 && text[at] != '"' && text[at] != '\\') ++at;
  return at;
}

#if defined(__x86_64__)
// 0xff in each octet that ends a plain run.
__attribute__((target("avx2"))) inline __m256i Special(const char* from) {
  const __m256i c = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from));
  const __m256i control = _mm256_cmpeq_epi8(_mm256_min_epu8(c, _mm256_set1_epi8(0x1f)), c);
  return _mm256_or_si256(control, _mm256_or_si256(_mm256_cmpeq_epi8(c, _mm256_set1_epi8('"')),
                                                  _mm256_cmpeq_epi8(c, _mm256_set1_epi8('\\'))));
}

__attribute__((target("avx2"))) size_t SkipBy64(std::string_view text, size_t at) {
  for (; text.size() - at >= 64; at += 64) {
    const __m256i low = Special(text.data() + at), high = Special(text.data() + at + 32);
    if (_mm256_testz_si256(_mm256_or_si256(low, high), _mm256_or_si256(low, high)) != 0) continue;
    const auto mask = static_cast<uint32_t>(_mm256_movemask_epi8(low)) |
                      static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(high))) << 32;
    return at + static_cast<size_t>(std::countr_zero(mask));
  }
  return SkipBy16(text, at);
}
#endif

}  // namespace

size_t SkipPlain(std::string_view text, size_t at) {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") != 0) return SkipBy64(text, at);
#endif
  return SkipBy16(text, at);
}

}  // namespace keel::base::internal
