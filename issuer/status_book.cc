// SPDX-License-Identifier: Apache-2.0
#include "issuer/status_book.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

namespace keel::issuer {
namespace {

// Octets of `taken_` that are one record. Issuing a batch of 1,024 at random places writes at most as many of them.
constexpr uint64_t kChunk = 512;

std::string ChunkKey(uint64_t chunk) {
  char text[24];
  std::snprintf(text, sizeof text, "u/%08llu", static_cast<unsigned long long>(chunk));
  return text;
}

Result<uint64_t> NumberOf(std::string_view key) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(key.data() + 2, key.data() + key.size(), number);
  if (error != std::errc() || end != key.data() + key.size())
    return Fail(Code::kCorrupt, "issuer", "the key " + std::string(key) + " of the database");
  return number;
}

// Calls `use` with the number in each key below the prefix, and its value.
template <typename Use>
Result<> ForNumbers(const base::KeyValueReader& db, std::string_view prefix, Use use) {
  Result<> outcome;
  KEEL_TRY_VOID(db.Scan(prefix, [&](std::string_view key, std::string_view value) {
    const auto number = NumberOf(key);
    outcome = number ? use(*number, value) : Result<>(std::unexpected<Error>(number.error()));
    return outcome.has_value();
  }));
  return outcome;
}

}  // namespace

Result<StatusBook> StatusBook::Load(const base::KeyValueReader& db, const vc::Bitstring& list, uint64_t entries) {
  const uint64_t bits = std::max(entries, list.bits());
  KEEL_TRY(vc::Bitstring grown, vc::Bitstring::Create(bits));
  for (uint64_t i = 0; i < list.bits(); ++i) {
    if (i % 8 == 0 && list.octets()[i / 8] == 0) {
      i += 7;
      continue;
    }
    KEEL_TRY(const bool set, list.Get(i));
    if (set) KEEL_TRY_VOID(grown.Set(i, true));
  }
  KEEL_TRY(vc::Bitstring taken, vc::Bitstring::Create(bits));
  StatusBook book(std::move(grown), std::move(taken));
  bool chunks = false;
  KEEL_TRY_VOID(ForNumbers(db, "u/", [&](uint64_t chunk, std::string_view value) -> Result<> {
    chunks = true;
    for (uint64_t i = 0; i < value.size() * 8; ++i) {
      const auto octet = static_cast<uint8_t>(value[i / 8]);
      if (octet >> (7 - i % 8) & 1) KEEL_TRY_VOID(book.taken_.Set(chunk * kChunk * 8 + i, true));
    }
    return {};
  }));
  if (!chunks) {  // a database that knew its places by their serials alone
    KEEL_TRY_VOID(ForNumbers(db, "i/", [&](uint64_t place, std::string_view) -> Result<> {
      book.unsaved_.insert(place / 8 / kChunk);
      return book.taken_.Set(place, true);
    }));
  }
  book.taken_count_ = book.taken_.Count();
  // What was decided must be in the list: a revocation that a crash cut off between decision and publication.
  KEEL_TRY_VOID(ForNumbers(db, "x/", [&](uint64_t place, std::string_view) { return book.Revoke(place); }));
  return book;
}

Result<uint64_t> StatusBook::Take(Random& random) {
  if (taken_count_ >= entries() / 10 * 9)
    return Fail(Code::kNoSpace, "status list",
                "nine tenths of its " + std::to_string(entries()) +
                    " places are given out: raise status_entries in issuer.toml and restart");
  for (;;) {
    ByteArray<8> octets{};
    KEEL_TRY_VOID(random.Fill(octets));
    const uint64_t place = ByteReader(octets).U64() % entries();
    KEEL_TRY(const bool taken, taken_.Get(place));
    if (taken) continue;
    KEEL_TRY_VOID(taken_.Set(place, true));
    ++taken_count_;
    unsaved_.insert(place / 8 / kChunk);
    return place;
  }
}

void StatusBook::SaveTaken(base::WriteBatch& batch) {
  for (const uint64_t chunk : unsaved_) {
    const size_t at = chunk * kChunk;
    batch.Put(ChunkKey(chunk),
              AsText(taken_.octets().subspan(at, std::min<size_t>(kChunk, taken_.octets().size() - at))));
  }
  unsaved_.clear();
}

Result<> StatusBook::Revoke(uint64_t place) {
  KEEL_TRY(const bool set, list_.list().Get(place));
  if (set) return {};
  changed_ = true;
  return list_.Set(place, true);
}

}  // namespace keel::issuer
