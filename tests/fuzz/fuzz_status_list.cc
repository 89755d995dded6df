// SPDX-License-Identifier: Apache-2.0
// Status entries, list credentials and bitstrings: what is taken keeps every rule, and encodes to itself.
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "tests/fuzz/fuzz.h"
#include "vc/status_list/encoder.h"
#include "vc/status_list/entry.h"
#include "vc/status_list/status_list.h"

using keel::vc::Bitstring;

extern "C" size_t KeelFuzzMutations() { return 3000; }  // a list unpacks to 16 KiB and more

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = keel::fuzz::Text(data, size);
  if (const auto list = Bitstring::Decode(text)) {
    FUZZ_CHECK(list->bits() >= keel::vc::kMinStatusBits && list->bits() <= keel::vc::kMaxStatusOctets * 8);
    const auto again = Bitstring::Decode(*list->Encode());
    FUZZ_CHECK(again && keel::Equal(again->octets(), list->octets()));
    FUZZ_CHECK(!list->GetValue(list->bits(), 1) && list->GetValue(list->bits() - 1, 1));
  }
  const auto json = keel::base::ParseJson(text);
  if (!json) return 0;
  if (const auto entry = keel::vc::ReadStatusEntry(*json); entry && entry->type == keel::vc::kStatusEntryType) {
    FUZZ_CHECK(!entry->purpose.empty() && entry->size >= 1 && entry->size <= 16 && entry->id != entry->list_url);
    FUZZ_CHECK(entry->messages.empty() ? entry->size == 1 : entry->messages.size() == size_t{1} << entry->size);
    for (uint64_t value = 0; value < entry->messages.size(); ++value) (void)keel::vc::MessageOf(*entry, value);
  }
  if (const auto credential = keel::vc::Credential::Parse(text)) {
    if (const auto list = keel::vc::ReadStatusList(*credential)) FUZZ_CHECK(!list->purposes.empty());
  }
  return 0;
}
