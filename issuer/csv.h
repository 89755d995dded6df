// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/result.h"
#include "vc/types.h"

// The factory's list of devices as a CSV file (RFC 4180): a header line, then a device a line
// (docs/protocols/factory.md, "The list"). Pure functions.
namespace keel::issuer {

inline constexpr size_t kMaxCsvSize = 64 << 20;  // octets
inline constexpr size_t kMaxCsvColumns = 64;
inline constexpr size_t kMaxCsvField = 256;  // octets
inline constexpr size_t kMaxCsvRows = 1'000'000;
inline constexpr size_t kMaxSerial = 64;

struct CsvRow {
  size_t line = 0;  // in the file, from 1; a quoted field may span lines: the first
  std::vector<std::string> fields;
};
struct CsvTable {
  std::vector<std::string> header;
  std::vector<CsvRow> rows;
};

// Strict: UTF-8 (a byte-order mark in front of the file is skipped), CRLF or LF, quotes only around whole fields, the
// same number of fields in every line. Empty lines at the end are skipped. kMalformed, kTooLarge; each names line and
// column: "devices.csv line 7, column 3: ...".
Result<CsvTable> ParseCsv(std::string_view text, std::string_view file_name);

// One device of the list.
struct DeviceRow {
  size_t line = 0;
  vc::HardwareFacts facts;
  std::string manufacture_date;  // "2026-11-22"; empty: the day of manufacture
};

// Needs the columns serial, model, microcontroller, operating system, secure hardware, hardware revision, memory, time
// zone (names compared without case, spaces, '_' and '-'). Further known ones: operating system version, storage,
// firmware version, firmware digest, assurance level, manufacture date, manufacturer; any other becomes a fact under
// its own name. kMissing (column, or an empty required field), kDuplicate (column, serial: names both lines),
// kMalformed (memory, date), each with line and column.
Result<std::vector<DeviceRow>> ReadDeviceList(std::string_view text, std::string_view file_name);

// "512 KiB", "64MB", "2 GiB", "262144" (KiB) -> KiB. KB, MB, GB count in 1,024s as memory does. kMalformed.
Result<uint64_t> ParseKib(std::string_view text);

}  // namespace keel::issuer
