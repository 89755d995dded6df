// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <set>
#include <string>

#include "base/storage/key_value_store.h"
#include "core/seams.h"
#include "vc/status_list/encoder.h"

namespace keel::issuer {

// The issuer's status list as it is to be published, and which of its places are given out (docs/formats/custody.md,
// "The issuer's database"). Places are drawn at random from all that are free, so that an index says nothing about
// when its credential was issued, nor how many there are (Bitstring Status List 1.0, section 2.1). A few octets per
// eight places in memory. Needs external synchronisation.
class StatusBook {
 public:
  // `list`: as last published, longer or shorter than `entries`; it grows to `entries` and never shrinks. Places and
  // revocations are read from the database. kOutOfRange: entries beyond what a list may have.
  static Result<StatusBook> Load(const base::KeyValueReader& db, const vc::Bitstring& list, uint64_t entries);

  // A place that was never given out. It is taken at once in memory, and durably with SaveTaken in the batch that says
  // what it was taken for; a place whose batch is never written stays unused until the next start. kNoSpace when nine
  // tenths are taken: then drawing would take long, and the rest would be guessed easily.
  Result<uint64_t> Take(Random& random);
  void SaveTaken(base::WriteBatch& batch);

  // Sets the place's bit. kOutOfRange.
  Result<> Revoke(uint64_t place);
  // Whether a bit was set since the last publication.
  bool changed() const { return changed_; }
  void Published() { changed_ = false; }
  Result<std::string> Encode() { return list_.Encode(); }
  uint64_t entries() const { return list_.list().bits(); }
  uint64_t taken() const { return taken_count_; }

 private:
  explicit StatusBook(vc::Bitstring list, vc::Bitstring taken) : list_(std::move(list)), taken_(std::move(taken)) {}

  vc::StatusListEncoder list_;
  vc::Bitstring taken_;
  uint64_t taken_count_ = 0;
  std::set<uint64_t> unsaved_;  // chunks of taken_
  bool changed_ = false;
};

}  // namespace keel::issuer
