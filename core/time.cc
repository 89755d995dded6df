// SPDX-License-Identifier: Apache-2.0
#include "core/time.h"

namespace keel {
namespace {

constexpr int64_t kDaySeconds = 86400;

bool IsLeap(int year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); }

int DaysInMonth(int year, int month) {
  constexpr uint8_t kDays[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && IsLeap(year) ? 29 : kDays[month - 1];
}

// Days from 1970-01-01 to the first of March based calendar; the usual era arithmetic, valid for year >= 1.
int64_t DaysFromCivil(int year, int month, int day) {
  const int64_t y = month <= 2 ? year - 1 : year;
  const int64_t era = y / 400;
  const int64_t year_of_era = y - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
  return era * 146097 + day_of_era - 719468;
}

// Reads `digits` decimal digits at `at`, or -1.
int Number(std::string_view text, size_t at, size_t digits) {
  if (at > text.size() || text.size() - at < digits) return -1;
  int value = 0;
  for (size_t i = 0; i < digits; ++i) {
    const char c = text[at + i];
    if (c < '0' || c > '9') return -1;
    value = value * 10 + (c - '0');
  }
  return value;
}

void PutNumber(char* out, int digits, int64_t value) {
  for (int i = digits - 1; i >= 0; --i) {
    out[i] = static_cast<char>('0' + value % 10);
    value /= 10;
  }
}

}  // namespace

Result<UnixSeconds> ParseRfc3339(std::string_view text) {
  const auto malformed = [] { return Fail(Code::kMalformed, "RFC 3339 time"); };
  if (text.size() < 20 || text.size() > 64) return malformed();
  const int year = Number(text, 0, 4), month = Number(text, 5, 2), day = Number(text, 8, 2);
  const int hour = Number(text, 11, 2), minute = Number(text, 14, 2), second = Number(text, 17, 2);
  if (year < 0 || month < 0 || day < 0 || hour < 0 || minute < 0 || second < 0) return malformed();
  if (text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':') return malformed();
  // A leap second (:60) has no Unix time, so it is out of range here.
  if (year < 1970 || month < 1 || month > 12 || day < 1 || day > DaysInMonth(year, month) || hour > 23 || minute > 59 ||
      second > 59) {
    return Fail(Code::kOutOfRange, "RFC 3339 time");
  }
  size_t at = 19;
  if (text[at] == '.') {
    const size_t first = ++at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') ++at;
    if (at == first || at == text.size()) return malformed();
  }
  int64_t offset = 0;
  if (text[at] == 'Z') {
    ++at;
  } else if (text[at] == '+' || text[at] == '-') {
    const int offset_hour = Number(text, at + 1, 2), offset_minute = Number(text, at + 4, 2);
    if (offset_hour < 0 || offset_minute < 0 || text[at + 3] != ':') return malformed();
    if (offset_hour > 23 || offset_minute > 59) return Fail(Code::kOutOfRange, "RFC 3339 offset");
    offset = (offset_hour * 60 + offset_minute) * 60;
    if (text[at] == '-') offset = -offset;
    at += 6;
  } else {
    return malformed();
  }
  if (at != text.size()) return malformed();
  const int64_t seconds = DaysFromCivil(year, month, day) * kDaySeconds + (hour * 60 + minute) * 60 + second - offset;
  constexpr int64_t kEnd = 253402300800;  // 10000-01-01: FormatRfc3339 could not write it
  if (seconds < 0 || seconds >= kEnd) return Fail(Code::kOutOfRange, "RFC 3339 time");
  return static_cast<UnixSeconds>(seconds);
}

Result<size_t> FormatRfc3339(UnixSeconds time, std::span<char> out) {
  if (out.size() < kRfc3339Length) return Fail(Code::kBufferTooSmall, "RFC 3339 time");
  if (time >= 253402300800) return Fail(Code::kOutOfRange, "RFC 3339 time");
  const auto days = static_cast<int64_t>(time / kDaySeconds), left = static_cast<int64_t>(time % kDaySeconds);
  const int64_t z = days + 719468;
  const int64_t era = z / 146097;
  const int64_t day_of_era = z - era * 146097;
  const int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t shifted = (5 * day_of_year + 2) / 153;
  const int64_t day = day_of_year - (153 * shifted + 2) / 5 + 1;
  const int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  const int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  std::memcpy(out.data(), "0000-00-00T00:00:00Z", kRfc3339Length);
  PutNumber(out.data(), 4, year);
  PutNumber(out.data() + 5, 2, month);
  PutNumber(out.data() + 8, 2, day);
  PutNumber(out.data() + 11, 2, left / 3600);
  PutNumber(out.data() + 14, 2, left / 60 % 60);
  PutNumber(out.data() + 17, 2, left % 60);
  return kRfc3339Length;
}

}  // namespace keel
