// SPDX-License-Identifier: Apache-2.0
// The factory's list: rows as wide as the header, no device without serial and model, no serial twice.
#include <set>

#include "issuer/csv.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = keel::fuzz::Text(data, size);
  const auto table = keel::issuer::ParseCsv(text, "devices.csv");
  if (table) {
    FUZZ_CHECK(table->header.size() <= keel::issuer::kMaxCsvColumns);
    for (const auto& row : table->rows) {
      FUZZ_CHECK(row.fields.size() == table->header.size() && row.line >= 1);
      for (const auto& field : row.fields) FUZZ_CHECK(field.size() <= keel::issuer::kMaxCsvField);
    }
  } else {
    FUZZ_CHECK(table.error().Text().find("devices.csv") != std::string::npos);
  }
  if (const auto list = keel::issuer::ReadDeviceList(text, "devices.csv")) {
    FUZZ_CHECK(table && list->size() == table->rows.size());
    std::set<std::string> serials;
    for (const auto& row : *list) {
      FUZZ_CHECK(!row.facts.serial.empty() && !row.facts.model.empty());
      FUZZ_CHECK(serials.insert(row.facts.serial).second);
    }
  }
  (void)keel::issuer::ParseKib(text);
  return 0;
}
