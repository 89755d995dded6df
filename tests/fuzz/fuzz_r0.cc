// SPDX-License-Identifier: Apache-2.0
// The device's registry call: query, and answer items that arrive in pieces of any size.
#include "ledger/descriptor.h"
#include "ledger/quorum_time.h"
#include "ledger/r0.h"
#include "tests/fuzz/fuzz.h"

namespace {

using namespace keel::ledger;

// Items and how the stream ended, in pieces of `step` octets.
std::pair<std::vector<keel::fuzz::Octets>, int> Cut(keel::ByteView all, size_t step) {
  keel::ByteArray<kMaxItem> buffer{};
  ItemReader reader(buffer);
  std::vector<keel::fuzz::Octets> items;
  while (!all.empty()) {
    keel::ByteView chunk = all.first(std::min(step, all.size()));
    all = all.subspan(chunk.size());
    while (!chunk.empty()) {
      const auto whole = reader.Feed(chunk);
      if (!whole) return {items, -1};
      if (!*whole) continue;
      items.emplace_back(1, reader.tag());
      items.back().insert(items.back().end(), reader.body().begin(), reader.body().end());
    }
  }
  return {items, reader.at_boundary() ? 1 : 0};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const keel::ByteView octets(data, size);
  if (const auto query = ParseR0Query(octets)) {
    keel::ByteArray<kMaxR0Query> out{};
    const auto n = WriteR0Query(*query, out);
    FUZZ_CHECK(n && *n == size && std::equal(out.begin(), out.begin() + static_cast<ptrdiff_t>(*n), data));
  }
  const auto whole = Cut(octets, size + 1);
  for (const size_t step : {size_t{1}, size_t{7}, size_t{1263}}) FUZZ_CHECK(Cut(octets, step) == whole);
  for (const auto& item : whole.first) {
    const keel::ByteView body = keel::ByteView(item).subspan(1);
    if (const auto answer = ParseTimeAnswer(body)) {
      for (size_t i = 0; i < answer->count; ++i) (void)answer->at(i);
    }
    if (const auto part = ParseEpochPart(body)) FUZZ_CHECK(part->part < part->parts);
    (void)ParseEpochBundle(body);
  }
  return 0;
}
