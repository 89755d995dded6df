// SPDX-License-Identifier: Apache-2.0
#include "issuer/csv.h"

#include <map>
#include <optional>
#include <unordered_map>

#include "core/encoding.h"
#include "core/time.h"

namespace keel::issuer {
namespace {

std::string Place(std::string_view file, size_t line, size_t column, std::string_view name = {}) {
  std::string place = std::string(file) + " line " + std::to_string(line) + ", column " + std::to_string(column);
  if (!name.empty()) place += " (" + std::string(name) + ")";
  return place + ": ";
}

std::unexpected<Error> Bad(Code code, std::string text) { return Fail(code, "device list", std::move(text)); }

// "Operating System", "operating_system" and "operatingSystem" are one name.
std::string Canonical(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c == ' ' || c == '_' || c == '-') continue;
    out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  }
  return out;
}

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

class Scanner {
 public:
  Scanner(std::string_view text, std::string_view file) : text_(text), file_(file) {}

  bool AtEnd() const { return at_ >= text_.size(); }
  size_t line() const { return line_; }

  Result<CsvRow> Record() {
    CsvRow row;
    row.line = line_;
    for (;;) {
      const size_t column = row.fields.size() + 1;
      if (column > kMaxCsvColumns)
        return Bad(Code::kTooLarge,
                   Place(file_, line_, column) + "more than " + std::to_string(kMaxCsvColumns) + " columns");
      const size_t field_line = line_;
      std::string field;
      if (!AtEnd() && text_[at_] == '"') {
        KEEL_TRY(field, Quoted(column));
      } else {
        while (!AtEnd() && text_[at_] != ',' && text_[at_] != '\n' && text_[at_] != '\r') {
          if (text_[at_] == '"')
            return Bad(Code::kMalformed,
                       Place(file_, line_, column) +
                           "a quote inside an unquoted field: put the whole field in quotes and double the quote");
          field.push_back(text_[at_++]);
        }
      }
      if (field.size() > kMaxCsvField)
        return Bad(Code::kTooLarge,
                   Place(file_, field_line, column) + "field over " + std::to_string(kMaxCsvField) + " octets");
      if (!IsUtf8(AsBytes(field)))
        return Bad(Code::kMalformed, Place(file_, field_line, column) + "not UTF-8: save the file as UTF-8");
      for (const char c : field)
        if (static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\n' && c != '\r')
          return Bad(Code::kMalformed, Place(file_, field_line, column) + "a control character");
      row.fields.push_back(std::move(field));
      if (AtEnd()) return row;
      const char c = text_[at_++];
      if (c == ',') continue;
      if (c == '\r') {
        if (AtEnd() || text_[at_] != '\n')
          return Bad(Code::kMalformed, Place(file_, line_, column) + "a carriage return without a line feed");
        ++at_;
      }
      ++line_;
      return row;
    }
  }

 private:
  Result<std::string> Quoted(size_t column) {
    const size_t opened = line_;
    ++at_;
    std::string field;
    for (;;) {
      if (AtEnd()) return Bad(Code::kMalformed, Place(file_, opened, column) + "the quote is never closed");
      const char c = text_[at_++];
      if (c != '"') {
        if (c == '\n') ++line_;
        field.push_back(c);
        if (field.size() > kMaxCsvField)
          return Bad(Code::kTooLarge, Place(file_, opened, column) + "field over " + std::to_string(kMaxCsvField) +
                                          " octets (or a quote that is never closed)");
        continue;
      }
      if (!AtEnd() && text_[at_] == '"') {
        field.push_back('"');
        ++at_;
        continue;
      }
      if (!AtEnd() && text_[at_] != ',' && text_[at_] != '\n' && text_[at_] != '\r')
        return Bad(Code::kMalformed, Place(file_, line_, column) + "text after the closing quote");
      return field;
    }
  }

  std::string_view text_;
  std::string_view file_;
  size_t at_ = 0;
  size_t line_ = 1;
};

using Setter = std::string vc::HardwareFacts::*;
struct Known {
  const char* canonical;
  const char* name;
  Setter member;
  bool required;
};
constexpr Known kKnown[] = {
    {"serial", "serial", &vc::HardwareFacts::serial, true},
    {"model", "model", &vc::HardwareFacts::model, true},
    {"microcontroller", "microcontroller", &vc::HardwareFacts::microcontroller, true},
    {"operatingsystem", "operating_system", &vc::HardwareFacts::operating_system, true},
    {"securehardware", "secure_hardware", &vc::HardwareFacts::secure_hardware, true},
    {"hardwarerevision", "hardware_revision", &vc::HardwareFacts::hardware_revision, true},
    {"memory", "memory", nullptr, true},
    {"timezone", "time_zone", &vc::HardwareFacts::time_zone, true},
    {"operatingsystemversion", "operating_system_version", &vc::HardwareFacts::operating_system_version, false},
    {"firmwareversion", "firmware_version", &vc::HardwareFacts::firmware_version, false},
    {"firmwaredigest", "firmware_digest", &vc::HardwareFacts::firmware_digest, false},
    {"assurancelevel", "assurance_level", &vc::HardwareFacts::assurance_level, false},
    {"manufacturer", "manufacturer", &vc::HardwareFacts::manufacturer_name, false},
    {"storage", "storage", nullptr, false},
    {"manufacturedate", "manufacture_date", nullptr, false},
};

const Known* FindKnown(std::string_view canonical) {
  for (const Known& known : kKnown)
    if (canonical == known.canonical) return &known;
  return nullptr;
}

bool SerialOk(std::string_view serial) {
  if (serial.size() > kMaxSerial || serial.front() == '.') return false;
  for (const char c : serial) {
    const bool good = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
                      c == '_' || c == '.' || c == ':';
    if (!good) return false;
  }
  return true;
}

}  // namespace

Result<CsvTable> ParseCsv(std::string_view text, std::string_view file_name) {
  if (text.size() > kMaxCsvSize)
    return Bad(Code::kTooLarge, std::string(file_name) + ": over " + std::to_string(kMaxCsvSize >> 20) + " MiB");
  if (text.starts_with("\xff\xfe") || text.starts_with("\xfe\xff"))
    return Bad(Code::kMalformed, Place(file_name, 1, 1) + "UTF-16, by its byte-order mark: save the file as UTF-8");
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  while (text.ends_with("\n\n") || text.ends_with("\n\r\n")) text.remove_suffix(text.ends_with("\r\n") ? 2 : 1);
  CsvTable table;
  Scanner scanner(text, file_name);
  if (scanner.AtEnd())
    return Bad(Code::kMissing, Place(file_name, 1, 1) + "the file is empty: the first line names the columns");
  KEEL_TRY(CsvRow header, scanner.Record());
  table.header = std::move(header.fields);
  std::map<std::string, size_t> seen;
  for (size_t i = 0; i < table.header.size(); ++i) {
    table.header[i] = std::string(Trim(table.header[i]));
    if (table.header[i].empty()) return Bad(Code::kMissing, Place(file_name, 1, i + 1) + "the column has no name");
    const auto [it, fresh] = seen.emplace(Canonical(table.header[i]), i + 1);
    if (!fresh)
      return Bad(Code::kDuplicate, Place(file_name, 1, i + 1, table.header[i]) + "the same column as column " +
                                       std::to_string(it->second));
  }
  while (!scanner.AtEnd()) {
    if (table.rows.size() >= kMaxCsvRows)
      return Bad(Code::kTooLarge,
                 Place(file_name, scanner.line(), 1) + "more than " + std::to_string(kMaxCsvRows) + " rows");
    KEEL_TRY(CsvRow row, scanner.Record());
    if (row.fields.size() != table.header.size()) {
      const size_t at = std::min(row.fields.size(), table.header.size()) + 1;
      return Bad(Code::kMalformed, Place(file_name, row.line, at) + std::to_string(row.fields.size()) +
                                       " fields where the header has " + std::to_string(table.header.size()));
    }
    table.rows.push_back(std::move(row));
  }
  return table;
}

Result<uint64_t> ParseKib(std::string_view text) {
  text = Trim(text);
  uint64_t number = 0;
  size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') {
    if (digits > 11) return Bad(Code::kMalformed, "number too large");
    number = number * 10 + static_cast<uint64_t>(text[digits++] - '0');
  }
  const std::string unit = Canonical(text.substr(digits));
  if (digits == 0) return Bad(Code::kMalformed, "expected a size like 512 KiB or 2 GiB");
  if (unit.empty() || unit == "kib" || unit == "kb" || unit == "k") return number;
  if (unit == "mib" || unit == "mb" || unit == "m") return number << 10;
  if (unit == "gib" || unit == "gb" || unit == "g") return number << 20;
  return Bad(Code::kMalformed, "unknown unit '" + std::string(text.substr(digits)) + "': use KiB, MiB or GiB");
}

Result<std::vector<DeviceRow>> ReadDeviceList(std::string_view text, std::string_view file_name) {
  KEEL_TRY(const CsvTable table, ParseCsv(text, file_name));
  std::vector<const Known*> columns;
  for (const std::string& name : table.header) columns.push_back(FindKnown(Canonical(name)));
  for (const Known& known : kKnown) {
    bool found = false;
    for (const Known* column : columns) found = found || column == &known;
    if (known.required && !found) {
      return Bad(Code::kMissing, Place(file_name, 1, table.header.size() + 1, known.name) + "the required column '" +
                                     known.name + "' is missing");
    }
  }
  if (table.rows.empty()) return Bad(Code::kMissing, Place(file_name, 2, 1) + "no device in the list");
  std::vector<DeviceRow> rows;
  rows.reserve(table.rows.size());
  std::unordered_map<std::string, size_t> serials;
  for (const CsvRow& source : table.rows) {
    DeviceRow row;
    row.line = source.line;
    size_t serial_column = 0;
    for (size_t i = 0; i < source.fields.size(); ++i) {
      const std::string value(Trim(source.fields[i]));
      const std::string place = Place(file_name, source.line, i + 1, table.header[i]);
      const Known* known = columns[i];
      if (known == nullptr) {
        if (!value.empty()) row.facts.extra.emplace_back(table.header[i], value);
        continue;
      }
      if (value.empty()) {
        if (known->required) return Bad(Code::kMissing, place + "empty: this field is required");
        continue;
      }
      if (known->member != nullptr) {
        row.facts.*(known->member) = value;
      } else if (std::string_view(known->canonical) == "manufacturedate") {
        if (!ParseRfc3339(value + "T00:00:00Z"))
          return Bad(Code::kMalformed, place + "expected a date like 2026-11-22");
        row.manufacture_date = value;
      } else {
        auto kib = ParseKib(value);
        if (!kib) return Bad(kib.error().code, place + kib.error().detail);
        (std::string_view(known->canonical) == "memory" ? row.facts.memory_kib : row.facts.storage_kib) = *kib;
      }
      if (std::string_view(known->canonical) == "serial") serial_column = i + 1;
    }
    const std::string place = Place(file_name, source.line, serial_column, "serial");
    if (!SerialOk(row.facts.serial))
      return Bad(Code::kMalformed, place + "a serial is 1 to " + std::to_string(kMaxSerial) +
                                       " of A-Z a-z 0-9 - _ . : and doesn't begin with a dot");
    const auto [it, fresh] = serials.emplace(row.facts.serial, source.line);
    if (!fresh)
      return Bad(Code::kDuplicate,
                 place + "serial " + row.facts.serial + " is on line " + std::to_string(it->second) + " already");
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace keel::issuer
