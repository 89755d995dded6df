// SPDX-License-Identifier: Apache-2.0
// `keel didcomm inspect`: any text gives a report or an error, the report is JSON, and its lines hold nothing that
// moves a terminal.
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "cli/didcomm/explain.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  keel::did::StaticResolver nobody;
  const auto report = keel::cli::ExplainMessage(keel::fuzz::Text(data, size), nobody, 1'700'000'000);
  if (!report) return 0;
  FUZZ_CHECK(keel::base::ParseJson(keel::base::DumpJson(*report), {.max_size = 64 << 20, .max_members = 1'000'000}));
  for (const char c : keel::cli::ReportText(*report)) {
    const auto octet = static_cast<uint8_t>(c);
    FUZZ_CHECK(c == '\n' || (octet >= 0x20 && octet != 0x7F));
  }
  return 0;
}
